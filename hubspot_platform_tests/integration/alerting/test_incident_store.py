"""Incidents, alerts and outbox rows in the state store, on SQLite and PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hubspot_platform.alerting.machine import Mute
from hubspot_platform.alerting.model import Incident, Resolution, Severity, Status
from hubspot_platform.errors import UsageError
from hubspot_platform.state import incidents
from hubspot_platform.state.alerting import (
    alert_outbox,
    beat,
    cursors,
    hubspot_alerts,
    last_beat,
    set_cursors,
)
from hubspot_platform_tests.integration.alerting.conftest import START
from hubspot_platform_tests.unit.alerting.support import TOPIC, seen


def take(store, *observations, group=None):
    return store.write(lambda conn: incidents.record(conn, observations, store.now(), group=group))


def rows(store, table, *order):
    return store.read(lambda conn: [row._mapping for row in conn.execute(sa.select(table).order_by(*order))])


def alerts(store):
    return rows(store, hubspot_alerts, hubspot_alerts.c.first_seen_at)


def outbox(store):
    return rows(store, alert_outbox, alert_outbox.c.id)


def test_a_failure_makes_one_alert_and_one_outbox_row(store):
    assert take(store, seen("fail", 0, detail="7 rows lack an id")) == 1
    (alert,) = alerts(store)
    assert alert["state"] == "open"
    assert alert["first_seen_at"] == START
    assert alert["detail"] == {"text": "7 rows lack an id"}
    assert (alert["observed"], alert["threshold"], alert["portal_id"]) == (12.0, 10.0, 4242)
    assert alert["group_key"] == "run-1|completeness|4242"
    (row,) = outbox(store)
    assert row["dedup_key"] == f"{TOPIC.fingerprint}|opened|r0"
    assert (row["state"], row["alert_id"]) == ("pending", alert["alert_id"])


def test_what_is_stored_comes_back_as_it_was(store):
    for minute, status in ((0, "fail"), (60, "fail"), (120, "pass")):
        take(store, seen(status, minute))
    (stored,) = store.read(lambda conn: incidents.load(conn, [TOPIC.fingerprint])).values()
    assert isinstance(stored, Incident)
    assert stored.alert is not None
    assert (stored.alert.occurrences, stored.passes, stored.failing) == (2, 1, True)
    assert stored.changes == ()
    assert stored.last_at == START + timedelta(minutes=120)


def test_a_fingerprint_never_has_two_unresolved_alerts(store):
    take(store, *[seen(status, minute) for minute, status in enumerate(("fail", "pass", "pass", "fail"))])
    first, second = alerts(store)
    assert (first["state"], second["state"]) == ("resolved", "open")

    def second_open(conn):
        conn.execute(
            sa.update(hubspot_alerts).where(hubspot_alerts.c.alert_id == first["alert_id"]).values(state="open")
        )

    with pytest.raises(sa.exc.IntegrityError):
        store.write(second_open)


def test_a_failed_transaction_leaves_neither_alert_nor_message(store):
    def broken(conn):
        incidents.record(conn, [seen("fail", 0)], store.now())
        raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        store.write(broken)
    assert alerts(store) == []
    assert outbox(store) == []


def test_the_same_notice_twice_is_one_row(store):
    take(store, seen("fail", 0))

    def forget_incident(conn):
        conn.execute(sa.text("delete from incident" if store.dialect == "sqlite" else "delete from ops.incident"))
        conn.execute(sa.delete(hubspot_alerts))

    store.write(forget_incident)
    take(store, seen("fail", 0))
    assert len(outbox(store)) == 1


def test_case_095_personal_data_and_tokens_are_redacted_before_they_are_stored(store):
    topic = replace(TOPIC, title="owner ana.lopez@example.com", subject="phone +49 30 901820-12")
    detail = "ids 101, 102; ana@example.com; token=pat-na1-0a1b2c3d-1111-2222-3333-444455556666; call (415) 555-2671"
    take(store, seen("fail", 0, topic=topic, detail=detail, mend="write to ana@example.com"))
    everything = repr(alerts(store)) + repr(outbox(store))
    for secret in ("ana", "lopez", "pat-na1", "4444", "555-2671", "901820"):
        assert secret not in everything
    assert "101, 102" in everything


def test_acknowledge_and_resolve_by_hand(store, clock):
    take(store, seen("fail", 0, severity=Severity.CRITICAL))
    alert_id = alerts(store)[0]["alert_id"]
    store.write(lambda conn: incidents.acknowledge(conn, alert_id, "ana", clock.forward(minutes=1)))
    (alert,) = alerts(store)
    assert (alert["state"], alert["acknowledged_by"]) == ("acknowledged", "ana")
    clock.forward(minutes=90)
    assert store.write(lambda conn: incidents.advance_all(conn, clock())) == 0
    store.write(lambda conn: incidents.resolve(conn, alert_id, "ana", Resolution.NOT_AN_ISSUE, clock()))
    (alert,) = alerts(store)
    assert (alert["state"], alert["resolution"], alert["resolved_at"]) == ("resolved", "not an issue", clock())
    with pytest.raises(UsageError, match="no open alert"):
        store.write(lambda conn: incidents.acknowledge(conn, alert_id, "ana", clock()))


def test_escalation_goes_to_the_outbox_once_a_level(store, clock):
    take(store, seen("fail", 0, severity=Severity.CRITICAL))
    for _ in range(9):
        clock.forward(minutes=10)
        store.write(lambda conn: incidents.advance_all(conn, clock()))
    assert [row["kind"] for row in outbox(store)] == ["opened", "escalated_1", "escalated_2"]
    (alert,) = alerts(store)
    assert (alert["escalation_level"], alert["escalated_at"]) == (2, START + timedelta(minutes=60))


@pytest.mark.parametrize(("scope", "value"), [("fingerprint", TOPIC.fingerprint), ("condition", TOPIC.condition)])
def test_a_mute_silences_and_its_end_tells_again(store, clock, scope, value):
    take(store, seen("fail", 0))
    wish = Mute(START + timedelta(hours=2), "ana", "planned migration")
    store.write(lambda conn: incidents.mute(conn, scope, value, wish, clock()))
    assert alerts(store)[0]["state"] == "muted"
    take(store, seen("fail", 60))
    assert alerts(store)[0]["occurrences"] == 2
    clock.forward(hours=3)
    store.write(lambda conn: incidents.advance_all(conn, clock()))
    assert alerts(store)[0]["state"] == "open"
    assert [row["kind"] for row in outbox(store)] == ["opened", "resumed"]


@pytest.mark.parametrize(
    ("scope", "wish"),
    [
        ("channel", Mute(START + timedelta(hours=1), "ana", "why not")),
        ("condition", Mute(START + timedelta(days=8), "ana", "too long")),
        ("condition", Mute(START, "ana", "already over")),
        ("condition", Mute(START + timedelta(hours=1), " ", "no author")),
        ("condition", Mute(START + timedelta(hours=1), "ana", "")),
    ],
)
def test_a_mute_has_an_end_an_author_and_a_reason(small_store, clock, scope, wish):
    with pytest.raises(UsageError):
        small_store.write(lambda conn: incidents.mute(conn, scope, "x", wish, clock()))


def test_symptoms_of_an_open_cause_are_linked_and_told_when_the_cause_is_gone(store, clock):
    cause = replace(TOPIC, fingerprint="c" * 32, condition="authentication", source="worker")
    take(store, seen("fail", 0, topic=cause, severity=Severity.CRITICAL))
    take(store, seen("fail", 1))
    cause_alert, symptom = alerts(store)
    assert symptom["group_key"] == f"linked:{cause_alert['alert_id']}"
    assert symptom["delivery_state"] == "suppressed"
    assert [row["state"] for row in outbox(store)] == ["pending", "suppressed"]


def test_alerts_of_all_states_are_listed_for_people(store, clock):
    take(store, *[seen(status, minute) for minute, status in enumerate(("fail", "pass", "pass"))])
    assert store.read(incidents.list_alerts) == []
    listed = store.read(lambda conn: incidents.list_alerts(conn, resolved_since=START))
    assert [row["state"] for row in listed] == ["resolved"]


def test_cursors_and_heartbeats_are_kept(store, clock):
    store.write(lambda conn: set_cursors(conn, "check", {"a": (7, frozenset({3, 5}))}, clock()))
    store.write(lambda conn: set_cursors(conn, "check", {"a": (9, frozenset())}, clock()))
    assert store.read(lambda conn: cursors(conn, "check")) == {"a": (9, frozenset())}
    for minutes in (0, 1, 60):
        clock.forward(minutes=minutes)
        store.write(lambda conn: beat(conn, "runner", clock(), {"n": 1}, 900))
    row = store.read(lambda conn: last_beat(conn, "runner"))
    assert (row.started_at, row.resumed_at, row.at) == (START, clock(), clock())


def test_retention_forgets_what_is_over_and_keeps_what_is_open(store, clock):
    take(store, *[seen(status, minute) for minute, status in enumerate(("fail", "pass", "pass"))])
    open_topic = replace(TOPIC, fingerprint="e" * 32)
    take(store, seen("fail", 3, topic=open_topic))
    later = clock.forward(days=500)
    assert store.write(lambda conn: incidents.forget_quiet(conn, later, later)) == 2
    assert [row["fingerprint"] for row in alerts(store)] == ["e" * 32]


def test_statuses_of_every_kind_can_be_stored(store):
    take(store, *[seen(status, minute) for minute, status in enumerate(Status)])
    assert len(store.read(lambda conn: incidents.load(conn, [TOPIC.fingerprint]))) == 1
