"""What time and people do to an alert: escalation, acknowledgement, mute, flapping (alert rules 3, 5, 7)."""

import itertools
from datetime import timedelta

from hubspot_platform.alerting import timers
from hubspot_platform.alerting.machine import Mute
from hubspot_platform.alerting.model import AlertState, Kind, Resolution, Severity
from hubspot_platform_tests.unit.alerting.support import FIVE_MINUTES, Story, at


def critical() -> Story:
    story = Story(Severity.CRITICAL)
    story.see("fail", 0)
    return story


def flapping() -> Story:
    story = Story(cadence=FIVE_MINUTES)
    for minute, status in ((0, "fail"), (5, "pass"), (10, "pass"), (15, "fail"), (20, "pass")):
        story.see(status, minute)
    assert story.see("pass", 25) == [Kind.FLAPPING]
    return story


def test_critical_mentions_on_call_after_15_minutes_and_the_lead_after_60():
    story = critical()
    assert [story.wait(minute) for minute in (14.9, 15, 16, 59.9, 60, 61)] == [
        [],
        [Kind.ESCALATED_ON_CALL],
        [],
        [],
        [Kind.ESCALATED_LEAD],
        [],
    ]
    assert story.alert
    assert (story.alert.escalation_level, story.alert.escalated_at) == (2, at(60))


def test_after_a_pause_only_the_highest_level_is_told():
    assert critical().wait(90) == [Kind.ESCALATED_LEAD]


def test_warnings_do_not_mention_anybody():
    story = Story()
    story.see("fail", 0)
    assert story.wait(500) == []


def test_nobody_is_called_while_the_latest_result_passes():
    story = critical()
    story.see("pass", 10)
    assert story.wait(20) == []
    story.see("fail", 25)
    assert story.wait(26) == [Kind.ESCALATED_ON_CALL]


def test_acknowledging_stops_mentions_and_not_measuring():
    story = critical()
    story.acknowledge(5)
    assert story.alert
    assert story.alert.state is AlertState.ACKNOWLEDGED
    assert story.wait(120) == []
    story.see("fail", 60)
    assert story.alert.occurrences == 2
    assert story.alert.state is AlertState.ACKNOWLEDGED
    story.see("pass", 120)
    assert Kind.RECOVERED in story.see("pass", 180)


def test_an_acknowledgement_older_than_a_day_resumes():
    story = critical()
    story.acknowledge(5)
    assert story.wait(24 * 60) == []
    assert story.wait(24 * 60 + 5) == [Kind.RESUMED]
    assert story.alert
    assert story.alert.state is AlertState.OPEN
    assert story.wait(24 * 60 + 20) == [Kind.ESCALATED_ON_CALL]


def test_a_mute_records_and_says_nothing_and_its_end_notifies_again():
    story = critical()
    story.mute = Mute(until=at(120), by="ana", reason="known")
    story.wait(1)
    assert story.alert
    assert (story.alert.state, story.alert.muted_by) == (AlertState.MUTED, "ana")
    assert [story.see("fail", minute) for minute in (30, 60, 90)] == [[], [], []]
    assert story.wait(119) == []
    assert story.alert.occurrences == 4
    assert story.wait(121) == [Kind.RESUMED]
    assert (story.alert.state, story.alert.muted_until) == (AlertState.OPEN, None)
    assert story.wait(130) == []
    assert story.wait(136) == [Kind.ESCALATED_ON_CALL]


def test_a_failure_that_begins_muted_is_told_as_new_when_the_mute_ends():
    story = Story()
    story.mute = Mute(until=at(60), by="ana", reason="migration")
    assert story.see("fail", 0) == []
    assert story.alert
    assert story.alert.state is AlertState.MUTED
    assert story.wait(61) == [Kind.OPENED]


def test_a_muted_alert_recovers_without_a_notice():
    story = critical()
    story.mute = Mute(until=at(600), by="ana", reason="known")
    story.see("pass", 10)
    assert story.see("pass", 20) == [Kind.CLOSED]
    assert story.wait(601) == []


def test_what_began_and_ended_muted_was_never_told():
    story = Story()
    story.mute = Mute(until=at(600), by="ana", reason="known")
    for minute, status in enumerate(("fail", "pass", "pass")):
        story.see(status, minute)
    assert story.notices == []
    assert len(story.closed) == 1


def test_case_088_four_changes_in_an_hour_become_one_message_an_hour():
    story = flapping()
    assert story.alert
    assert story.alert.state is AlertState.FLAPPING
    said: list[tuple[float, Kind]] = []
    minute = 30.0
    for status in ("fail", "pass", "pass") * 16:
        said += [(minute, kind) for kind in story.see(status, minute) + story.wait(minute)]
        minute += 5
    assert {kind for _, kind in said} == {Kind.FLAPPING}
    times = [when for when, _ in said]
    assert all(later - sooner >= 60 for sooner, later in itertools.pairwise(times))
    assert len(times) == 4
    assert story.kinds.count(Kind.OPENED) == 2
    assert story.kinds.count(Kind.RECOVERED) == 1


def test_flapping_that_settles_well_recovers_once():
    story = flapping()
    assert story.wait(84) == []
    assert story.wait(85) == [Kind.RECOVERED, Kind.CLOSED]
    assert story.alert is None


def test_flapping_that_settles_badly_stays_open_and_says_so():
    story = flapping()
    story.see("fail", 30)
    story.see("fail", 60)
    assert story.wait(91) == [Kind.RESUMED]
    assert story.alert
    assert story.alert.state is AlertState.OPEN


def test_flapping_that_begins_with_an_opening_is_told_as_flapping():
    story = Story(Severity.CRITICAL, cadence=timedelta(minutes=1))
    for minute, status in enumerate(("pass", "fail", "pass", "pass", "fail")):
        story.see(status, minute)
    story.see("pass", 5)
    assert story.see("pass", 6) == [Kind.FLAPPING]
    story.see("fail", 7)
    assert story.wait(30) == []


def test_closing_by_hand_tells_who_and_the_next_failure_opens_anew():
    story = critical()
    assert story.incident
    step = timers.resolve(story.incident, "ana", Resolution.NOT_AN_ISSUE, at(10))
    assert step.closed
    assert step.closed.resolution is Resolution.NOT_AN_ISSUE
    assert [notice.kind for notice in step.notices] == [Kind.RECOVERED, Kind.CLOSED]
    assert "ana" in step.notices[0].detail
    assert step.notices[0].observed is None  # what a person closes may still fail: no value is fine now
    story.incident = step.incident
    assert story.see("fail", 60) == [Kind.OPENED]


def test_nothing_happens_to_what_is_not_open():
    story = Story()
    story.see("pass", 0)
    assert story.wait(60) == []
    assert story.acknowledge(61) == []
    assert story.incident
    assert timers.resolve(story.incident, "ana", Resolution.MANUAL, at(62)).closed is None
