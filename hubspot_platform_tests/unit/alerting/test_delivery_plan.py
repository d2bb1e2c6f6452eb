"""Pace, backoff and the choice of the next call."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hubspot_platform.alerting.delivery import (
    Call,
    Desk,
    Parcel,
    Waiting,
    backoff,
    due_at,
    next_parcel,
    plan,
    wait_before_call,
)
from hubspot_platform.alerting.model import Kind, Notice, Severity
from hubspot_platform_tests.unit.alerting.support import START, TOPIC, at


def notice(kind=Kind.OPENED, severity=Severity.WARNING, alert="al_1", minutes=0.0):
    return Notice(
        kind=kind,
        record_id=f"r{alert}{minutes}",
        alert_id=alert,
        topic=TOPIC,
        severity=severity,
        at=at(minutes),
        since=START,
        run_id="run-1",
    )


def row(number, told, **more):
    return Waiting(number, told.alert_id, told.severity, told.at, notice=told, **more)


@pytest.mark.parametrize(
    ("ago", "wait"),
    [([], 0.0), ([0.0], 0.0), ([0.0, 0.0], 0.0), ([0.0, 0.0, 0.0], 1.0), ([0.5, 0.5, 0.5], 0.5), ([9.0] * 3, 0.0)],
)
def test_three_at_once_then_one_a_second(ago, wait):
    calls = [START - timedelta(seconds=seconds) for seconds in ago]
    assert wait_before_call(calls, START) == pytest.approx(wait)


def test_backoff_goes_from_5_seconds_to_15_minutes():
    assert [backoff(n).total_seconds() for n in (0, 1, 2, 7, 8, 500)] == [5, 10, 20, 640, 900, 900]


def test_info_is_due_at_the_next_digest():
    told = notice(severity=Severity.INFO)
    assert due_at(told, START) == START.replace(hour=8)
    assert due_at(told, START.replace(hour=8)) == START.replace(hour=8) + timedelta(days=1)
    assert due_at(notice(), START) == START


def test_at_the_hourly_cap_only_critical_messages_and_edits_go():
    plain = Parcel((row(1, notice(alert="a")),), Call.POST)
    follow = Parcel((row(2, notice(Kind.RAISED, Severity.CRITICAL, alert="a")),), Call.REPLY)
    critical = Parcel((row(3, notice(severity=Severity.CRITICAL, alert="b")),), Call.POST)
    edit = Parcel((row(4, notice(Kind.UPDATED, alert="c")),), Call.EDIT)
    assert next_parcel([plain, follow, critical, edit], 59) is plain
    assert next_parcel([plain, follow, critical, edit], 60) is critical
    assert next_parcel([plain, follow, edit], 60) is edit
    assert next_parcel([plain, follow], 60) is None


def test_alerts_of_one_group_open_with_one_message():
    rows = [row(n, notice(alert=f"al_{n}"), group_key="g") for n in (1, 2)]
    (parcel,) = plan(rows, Desk(START))
    assert (parcel.call, len(parcel.messages)) == (Call.POST, 2)


def test_an_edit_without_a_parent_is_nothing_to_do():
    (parcel,) = plan([row(1, notice(Kind.CLOSED))], Desk(START))
    assert parcel.call is Call.NOTHING


def test_several_edits_of_one_parent_are_one_call():
    rows = [row(n, notice(Kind.UPDATED, minutes=n), thread_ts="1.0") for n in (1, 2, 3)]
    (parcel,) = plan(rows, Desk(START))
    assert (parcel.call, len(parcel.rows)) == (Call.EDIT, 3)


def test_a_single_late_message_is_sent_as_it_is():
    (parcel,) = plan([row(1, notice())], Desk(at(45)))
    assert "could not be sent" not in parcel.messages[0].text


def test_late_messages_become_one_summary_with_the_last_word_of_each_alert():
    rows = [
        row(1, notice(alert="a")),
        row(2, notice(alert="b")),
        row(3, replace(notice(Kind.RECOVERED, alert="a"), record_id="x")),
    ]
    (parcel,) = plan(rows, Desk(at(45)))
    assert parcel.messages[0].text.endswith("1 open (1 warning), 1 recovered")
