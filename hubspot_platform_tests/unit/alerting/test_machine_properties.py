"""What holds for every sequence of results, waits, acknowledgements and mutes."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from hubspot_platform.alerting.machine import Mute
from hubspot_platform.alerting.model import (
    DQA_RULE,
    WORKER_RULE,
    AlertState,
    Kind,
    Severity,
    Status,
)
from hubspot_platform_tests.unit.alerting.support import Story, at

EVENTS = st.lists(
    st.tuples(
        st.sampled_from([*Status, "wait", "acknowledge", "mute"]),
        st.sampled_from([0.5, 5.0, 20.0, 60.0, 400.0, 1500.0]),
    ),
    max_size=60,
)
STORIES = st.builds(
    Story,
    severity=st.sampled_from(Severity),
    cadence=st.sampled_from([timedelta(minutes=5), timedelta(hours=1)]),
    rule=st.sampled_from([DQA_RULE, WORKER_RULE]),
)


def play(story: Story, events: list[tuple[Status | str, float]]) -> None:
    minute = 0.0
    for event, pause in events:
        minute += pause
        if event == "mute":
            story.mute = Mute(until=at(minute + 90), by="ana", reason="known")
        elif event == "acknowledge":
            if story.incident:
                story.acknowledge(minute)
        elif event == "wait":
            if story.incident:
                story.wait(minute)
        else:
            story.see(event, minute)
        check_always(story)


def check_always(story: Story) -> None:
    """An open alert has a state of its own; the closed ones are resolved."""
    if story.alert:
        assert story.alert.state is not AlertState.RESOLVED
        assert story.alert.resolved_at is None
        assert story.alert.last_seen_at >= story.alert.first_seen_at
    for alert in story.closed:
        assert alert.state is AlertState.RESOLVED
        assert alert.resolved_at is not None
    assert len({alert.alert_id for alert in story.closed}) == len(story.closed)


@settings(max_examples=300)
@given(story=STORIES, events=EVENTS)
def test_there_are_never_two_open_messages_without_a_close_in_between(story, events):
    play(story, events)
    opened = [notice.alert_id for notice in story.notices if notice.kind is Kind.OPENED]
    assert len(opened) == len(set(opened))
    for first, second in pairwise(opened):
        closed = {alert.alert_id for alert in story.closed}
        assert first in closed
        assert first != second


@settings(max_examples=300)
@given(story=STORIES, events=EVENTS)
def test_every_alert_is_announced_first_and_recovers_at_most_once(story, events):
    play(story, events)
    for alert_id in {notice.alert_id for notice in story.notices}:
        kinds = [notice.kind for notice in story.notices if notice.alert_id == alert_id]
        assert kinds[0] in (Kind.OPENED, Kind.FLAPPING, Kind.RAISED, Kind.RESUMED)
        assert kinds.count(Kind.RECOVERED) <= 1
        if Kind.RECOVERED in kinds:
            assert set(kinds[kinds.index(Kind.RECOVERED) + 1 :]) <= {Kind.CLOSED}


@settings(max_examples=300)
@given(story=STORIES, events=EVENTS)
def test_each_escalation_is_told_once_and_only_of_critical_alerts(story, events):
    play(story, events)
    called = [
        (notice.alert_id, notice.kind)
        for notice in story.notices
        if notice.kind in (Kind.ESCALATED_ON_CALL, Kind.ESCALATED_LEAD)
    ]
    assert len(called) == len(set(called))
    assert all(
        notice.severity is Severity.CRITICAL
        for notice in story.notices
        if notice.kind in (Kind.ESCALATED_ON_CALL, Kind.ESCALATED_LEAD)
    )


@settings(max_examples=300)
@given(story=STORIES, events=EVENTS)
def test_notice_keys_are_unique_and_the_parent_is_edited_at_most_every_quarter_hour(story, events):
    play(story, events)
    keys = [notice.key for notice in story.notices]
    assert len(keys) == len(set(keys))
    edits = [(n.alert_id, n.at) for n in story.notices if n.kind in (Kind.OPENED, Kind.UPDATED)]
    for (alert, sooner), (other, later) in pairwise(edits):
        assert alert != other or later - sooner >= timedelta(minutes=15)


@settings(max_examples=300)
@given(story=STORIES, statuses=st.lists(st.sampled_from(Status), min_size=1, max_size=80))
def test_at_most_one_open_and_recover_pair_lies_in_any_half_hour(story, statuses):
    """Fault table: flapping around the threshold."""
    for count, status in enumerate(statuses):
        story.see(status, count * 2)
        story.wait(count * 2)
    pairs = [(alert.first_seen_at, alert.resolved_at) for alert in story.closed if alert.resolved_at is not None]
    for (opened, _), (_, resolved) in pairwise(pairs):
        assert resolved - opened > timedelta(minutes=30)


@settings(max_examples=200)
@given(story=STORIES, events=EVENTS)
def test_a_fail_under_the_usual_rule_is_always_in_an_open_alert(story, events):
    play(story, events)
    if story.rule == DQA_RULE:
        story.see("fail", 10_000_000)
        assert story.alert is not None
