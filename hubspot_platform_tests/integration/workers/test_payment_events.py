"""Chargebee's events: each is stored once whatever its order, stale copies are told apart, topics hear of it once."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import orjson
import pytest

from hubspot_platform.business import Business
from hubspot_platform.payments.tables import PAYMENT_EVENTS
from hubspot_platform.runtime import Platform
from hubspot_platform.sql_models.build import build_model
from hubspot_platform.sql_models.model import Model
from hubspot_platform.sql_models.store import load_models, sql_folder
from hubspot_platform.state import inbox, topics
from hubspot_platform.state.inbox import NewEvent
from hubspot_platform_tests.support.received import (
    PAYMENTS,
    bare_platform,
    chargebee_events,
    payment,
    receive,
    rows,
    subscription,
    work,
)


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with bare_platform(tmp_path, url) as opened:
        yield opened


def stored(platform: Platform) -> dict[str, dict[str, object]]:
    return {row["event_id"]: row for row in rows(platform, f"select * from {PAYMENT_EVENTS.qualified}")}


def told(platform: Platform, topic: str) -> list[str]:
    found = platform.state().read(lambda conn: topics.read_after(conn, topic, 0))
    return [event.payload["event_id"] for event in found]


@cache
def resource_copy() -> Model:
    return next(
        m for m in load_models(sql_folder(), Business(properties={})) if m.qualified == "payments.resource_copy"
    )


def copies(platform: Platform) -> dict[str, bool]:
    """Build `payments.resource_copy` and return event id -> stale."""
    with platform.warehouse().writer() as session:
        build_model(session, resource_copy())
        found = session.query("select event_id, stale from payments.resource_copy").to_pylist()
    return {row["event_id"]: row["stale"] for row in found}


def test_an_event_is_stored_with_what_it_refers_to_and_told_once(platform: Platform) -> None:
    invoice = {"id": "in_1", "subscription_id": "s1", "customer_id": "c1", "resource_version": 77}
    documents = [payment(1), payment(2, "invoice_generated", at=1, invoice=invoice), payment(3, "brand_new", x={})]
    receive(platform, chargebee_events(documents))

    assert work(platform, PAYMENTS).applied == 3

    found = stored(platform)
    assert set(found) == {"ev_1", "ev_2", "ev_3"}
    second = found["ev_2"]
    assert (second["resource_version"], second["invoice_id"], second["subscription_id"]) == (77, "in_1", "s1")
    assert (second["customer_id"], second["transaction_id"]) == ("c1", None)
    assert orjson.loads(str(second["content"])) == {"invoice": invoice}
    for topic in ("payments_webhook", "generic_db_data"):
        assert told(platform, topic) == ["ev_1", "ev_2", "ev_3"]
    assert told(platform, "invoice_tracking") == ["ev_2"]


def test_case_003_an_event_delivered_again_has_one_row_and_is_told_once(platform: Platform) -> None:
    receive(platform, chargebee_events([payment(1)]))
    work(platform, PAYMENTS)
    assert receive(platform, chargebee_events([payment(1)])) == inbox.Stored(0, 1)
    platform.state().write(lambda conn: inbox.replay(conn, statuses=("done",)))
    assert work(platform, PAYMENTS).applied == 1

    assert set(stored(platform)) == {"ev_1"}
    assert told(platform, "payments_webhook") == ["ev_1"]


def test_case_013_what_is_no_event_is_a_dead_letter_and_the_others_go_on(platform: Platform) -> None:
    no_content = {**payment(2), "content": None}
    no_time = {**payment(3), "occurred_at": "soon"}
    broken = NewEvent("chargebee", PAYMENTS, "?", "?", "broken", None, b"{")
    receive(platform, [*chargebee_events([payment(1), no_content, no_time, payment(4)]), broken])

    report = work(platform, PAYMENTS)

    assert (report.applied, report.dead) == (2, 3)
    assert set(stored(platform)) == {"ev_1", "ev_4"}
    reasons = {row["reason"] for row in platform.state().read(inbox.dead_letters)}
    assert [reason for reason in reasons if "occurred_at" in reason and "soon" not in reason]
    assert [reason for reason in reasons if "has no content" in reason]
    assert [reason for reason in reasons if "is no JSON" in reason]


def test_case_024_a_copy_that_comes_late_is_kept_and_marked_stale(platform: Platform) -> None:
    newer, older = payment(20, at=20), payment(10, at=10)
    by_time = payment(30, at=30, subscription=subscription("s2", version=None))
    late_by_time = payment(31, at=25, subscription=subscription("s2", version=None))
    receive(platform, chargebee_events([newer, by_time]))
    work(platform, PAYMENTS)
    receive(platform, chargebee_events([older, late_by_time]))
    work(platform, PAYMENTS)

    assert copies(platform) == {"ev_20": False, "ev_10": True, "ev_30": False, "ev_31": True}


def test_case_025_an_equal_version_is_stale(platform: Platform) -> None:
    again = payment(8, at=9, subscription=subscription(version=7))
    receive(platform, chargebee_events([payment(7), again]))
    work(platform, PAYMENTS)
    assert copies(platform) == {"ev_7": False, "ev_8": True}


def test_case_034_texts_no_database_stores_do_not_stop_an_event(platform: Platform) -> None:
    body = b'{"id": "ev_1", "occurred_at": 1772366400, "event_type": "customer_changed", "content": {"customer": '
    body += rb'{"id": "c\u0000\ud800", "company": "\u202e\ud83d\ude00"}}}'
    receive(platform, [NewEvent("chargebee", PAYMENTS, "customer_changed", "customer:c", "ev_1", None, body)])

    assert work(platform, PAYMENTS).applied == 1
    (row,) = stored(platform).values()
    assert row["customer_id"] == "c\ufffd\ufffd"
    assert orjson.loads(str(row["content"]))["customer"]["company"] == "\u202e😀"


def test_case_037_a_replay_of_the_whole_inbox_changes_nothing(platform: Platform) -> None:
    receive(platform, chargebee_events([payment(number, at=-number) for number in range(1, 30)]))
    work(platform, PAYMENTS, batch=7)
    before = stored(platform)
    platform.state().write(lambda conn: inbox.replay(conn, statuses=("done", "dead", "duplicate")))

    assert work(platform, PAYMENTS, batch=11).applied == 29
    assert stored(platform) == before
    assert len(told(platform, "payments_webhook")) == 29
