"""What goes wrong at the doors becomes an alert, and the alert ends when it is over."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hubspot_platform.alerting.model import Status
from hubspot_platform.gateway.conditions import FOREIGN_PORTAL, QUIET_AFTER, REFUSED_SENDERS, STORE_DOWN, Conditions
from hubspot_platform.state import Store, open_state
from hubspot_platform.state.errors import StateClosed
from hubspot_platform.state.incidents import list_alerts
from hubspot_platform_tests.support.gateway import Running, event


def tell(conditions: Conditions, store: Store, now: datetime) -> None:
    asyncio.run(conditions.tell(store, now))


def open_alerts(store: Store) -> dict[str, dict[str, Any]]:
    return {row["condition"]: row for row in store.read(list_alerts)}


def test_case_014_another_portals_events_raise_one_critical_alert(gateway: Running) -> None:
    assert gateway.gateway is not None
    conditions, now = gateway.gateway.conditions, gateway.store.now()
    gateway.deliver([event(1, portalId=666), event(2, portalId=666)])
    tell(conditions, gateway.store, now)
    alert = open_alerts(gateway.store)[FOREIGN_PORTAL.name]
    assert (alert["severity"], alert["category"]) == ("critical", "security")

    tell(conditions, gateway.store, now + QUIET_AFTER)
    assert FOREIGN_PORTAL.name not in open_alerts(gateway.store)


def test_a_few_refusals_are_no_alert_and_a_condition_ends_after_a_quiet_quarter_of_an_hour(gateway: Running) -> None:
    conditions, now = Conditions(4242), gateway.store.now()
    conditions.note(REFUSED_SENDERS, 9)
    assert conditions.due(now) == []
    conditions.note(REFUSED_SENDERS, 10)
    assert [seen.status for seen in conditions.due(now)] == [Status.FAIL]
    assert conditions.due(now + timedelta(minutes=14)) == []
    assert [seen.status for seen in conditions.due(now + QUIET_AFTER)] == [Status.PASS]
    assert conditions.due(now + 2 * QUIET_AFTER) == []


def test_what_the_store_did_not_take_is_told_later(gateway: Running, tmp_path: Path) -> None:
    conditions, now = Conditions(4242), gateway.store.now()
    conditions.note(STORE_DOWN)
    closed = open_state(f"sqlite:///{tmp_path / 'closed.sqlite'}")
    closed.close()
    with pytest.raises(StateClosed):
        tell(conditions, closed, now)
    tell(conditions, gateway.store, now + timedelta(minutes=1))
    assert STORE_DOWN.name in open_alerts(gateway.store)
