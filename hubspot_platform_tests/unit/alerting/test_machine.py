"""What results do to an alert (data quality rules 2 and 11)."""

from datetime import timedelta

import pytest

from hubspot_platform.alerting.model import (
    WORKER_RULE,
    AlertState,
    Kind,
    Resolution,
    Severity,
    Status,
)
from hubspot_platform_tests.unit.alerting.support import FIVE_MINUTES, Story, at

OPENED, UPDATED, RAISED, RECOVERED, CLOSED = (
    Kind.OPENED,
    Kind.UPDATED,
    Kind.RAISED,
    Kind.RECOVERED,
    Kind.CLOSED,
)


def test_a_fail_opens_at_once():
    story = Story()
    assert story.see("fail", 0) == [OPENED]
    assert story.alert
    assert story.alert.severity is Severity.WARNING
    assert story.alert.state is AlertState.OPEN


@pytest.mark.parametrize("status", ["warn", "error"])
def test_warn_and_error_open_after_two_in_a_row(status):
    story = Story()
    assert story.see(status, 0) == []
    assert story.see(status, 60) == [OPENED]


def test_a_pass_between_two_warns_keeps_quiet():
    story = Story()
    assert [story.see(status, minute) for minute, status in enumerate(("warn", "pass", "warn"))] == [
        [],
        [],
        [],
    ]


def test_a_skip_between_two_warns_is_no_evidence():
    story = Story()
    story.see("warn", 0)
    story.see("skipped", 60)
    assert story.see("warn", 120) == [OPENED]


def test_warn_and_error_in_turn_are_two_bad_results():
    story = Story()
    story.see("warn", 0)
    assert story.see("error", 60) == [OPENED]


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        (Severity.CRITICAL, Severity.WARNING),
        (Severity.WARNING, Severity.INFO),
        (Severity.INFO, Severity.INFO),
    ],
)
def test_a_warn_lowers_the_severity_one_level(severity, level):
    story = Story(severity)
    story.see("warn", 0)
    story.see("warn", 60)
    assert story.alert
    assert story.alert.severity is level


def test_errors_carry_the_severity_of_a_failure():
    story = Story(Severity.CRITICAL)
    story.see("error", 0)
    story.see("error", 60)
    assert story.alert
    assert story.alert.severity is Severity.CRITICAL


def test_a_result_without_severity_keeps_the_last_one():
    story = Story(Severity.CRITICAL)
    story.see("pass", 0)
    story.see("error", 60, severity=None)
    story.see("error", 120, severity=None)
    assert story.alert
    assert story.alert.severity is Severity.CRITICAL


def test_a_warning_alert_that_fails_rises_to_its_level():
    story = Story(Severity.CRITICAL)
    story.see("warn", 0)
    story.see("warn", 5)
    assert story.see("fail", 10) == [RAISED]
    assert story.alert
    assert story.alert.severity is Severity.CRITICAL
    assert story.incident
    assert story.incident.critical_since == at(10)


def test_case_089_recovery_is_one_notice_in_the_same_thread_and_resolves():
    story = Story()
    story.see("fail", 0, observed=12.0)
    story.see("fail", 60, observed=40.0)
    story.see("fail", 120, observed=15.0)
    assert story.see("pass", 180, observed=1.0) == []
    assert story.see("pass", 240, observed=1.0) == [RECOVERED, CLOSED]
    assert story.see("pass", 300, observed=1.0) == []
    notice = story.notices[-2]
    assert (notice.peak, notice.at - notice.since) == (40.0, timedelta(hours=4))
    (closed,) = story.closed
    assert (closed.state, closed.resolution) == (AlertState.RESOLVED, Resolution.AUTOMATIC)
    assert closed.resolved_at == at(240)
    assert story.alert is None


def test_a_recovery_says_the_value_that_is_fine_now_and_its_limit():
    story = Story()
    story.see("fail", 0, observed=40.0, threshold=10.0)
    story.see("pass", 60, observed=3.0, threshold=5.0)
    story.see("pass", 120, observed=2.0, threshold=5.0)
    told = {notice.kind: (notice.observed, notice.threshold, notice.peak) for notice in story.notices}
    assert told == {OPENED: (40.0, 10.0, 40.0), RECOVERED: (2.0, 5.0, 40.0), CLOSED: (2.0, 5.0, 40.0)}
    assert story.closed[0].observed == 2.0


def test_a_first_pass_is_not_fine_yet_and_leaves_the_failing_value():
    story = Story()
    story.see("fail", 0, observed=40.0, threshold=10.0)
    story.see("pass", 60, observed=3.0, threshold=5.0)
    assert story.alert
    assert (story.alert.observed, story.alert.threshold) == (40.0, 10.0)


def test_a_recovery_without_a_value_does_not_repeat_the_last_failing_one():
    story = Story(rule=WORKER_RULE)
    for minute in (0, 60, 120):
        story.see("fail", minute, observed=7.0)
    assert story.see("pass", 180, observed=None, threshold=None) == [RECOVERED, CLOSED]
    assert story.notices[-2].observed is None


def test_one_pass_does_not_recover_and_a_failure_starts_the_count_again():
    story = Story()
    for minute, status in enumerate(("fail", "pass", "fail", "pass")):
        story.see(status, minute * 60)
    assert story.closed == []
    assert story.see("pass", 240) == [RECOVERED, CLOSED]


def test_peak_of_a_value_that_must_not_fall_is_the_lowest():
    story = Story()
    for minute, observed in enumerate((90.0, 12.0, 70.0)):
        story.see("fail", minute * 60, observed=observed, threshold=95.0)
    assert story.incident
    assert story.incident.peak == 12.0


def test_case_087_the_same_failure_twelve_times_is_one_alert_counted_and_escalated_on_schedule():
    story = Story(cadence=FIVE_MINUTES)
    said = {minute: story.see("fail", minute) for minute in range(0, 60, 5)}
    assert story.alert
    assert story.alert.occurrences == 12
    assert [minute for minute, kinds in said.items() if OPENED in kinds] == [0]
    assert [minute for minute, kinds in said.items() if UPDATED in kinds] == [15, 30, 45]
    assert [minute for minute, kinds in said.items() if RAISED in kinds] == [55]
    assert story.wait(69) == []
    assert story.wait(70) == [Kind.ESCALATED_ON_CALL]
    assert story.wait(71) == []
    assert story.wait(115) == [Kind.ESCALATED_LEAD]
    assert story.wait(600) == []


def test_an_hourly_warning_rises_to_critical_at_its_third_failure_and_only_once():
    story = Story()
    said = [story.see("fail", hour * 60) for hour in range(6)]
    assert said == [[OPENED], [UPDATED], [RAISED], [UPDATED], [UPDATED], [UPDATED]]
    assert story.alert
    assert story.alert.severity is Severity.CRITICAL


def test_a_warn_between_failures_breaks_the_row_that_raises():
    story = Story()
    for hour, status in enumerate(("fail", "fail", "warn", "fail", "fail")):
        story.see(status, hour * 60)
    assert RAISED not in story.kinds


def test_info_is_never_raised_by_repetition():
    story = Story(Severity.INFO)
    for hour in range(20):
        story.see("fail", hour * 60)
    assert story.kinds == [OPENED]


def test_the_parent_is_edited_at_most_every_quarter_of_an_hour():
    story = Story(Severity.CRITICAL, cadence=timedelta(minutes=1))
    for minute in range(46):
        story.see("fail", minute)
    edits = [notice.at for notice in story.notices if notice.kind is UPDATED]
    assert edits == [at(15), at(30), at(45)]


def test_a_day_of_skips_raises_an_info_alert_which_a_failure_raises_further():
    story = Story(Severity.CRITICAL)
    assert not any(story.see("skipped", hour * 60, observed=None) for hour in range(24))
    assert story.see("skipped", 24 * 60, detail="no baseline", observed=None) == [OPENED]
    assert story.alert
    assert story.alert.severity is Severity.INFO
    assert story.alert.detail == "Not measured for 24 hours. no baseline"
    assert story.see("fail", 25 * 60) == [RAISED]
    assert story.alert.severity is Severity.CRITICAL


def test_skips_while_an_alert_is_open_leave_it_alone():
    story = Story()
    story.see("fail", 0)
    for hour in range(1, 30):
        assert story.see("skipped", hour * 60) == []
    assert story.alert
    assert story.alert.severity is Severity.WARNING


def test_worker_failure_opens_at_three_failed_runs_and_clears_at_one_success():
    story = Story(rule=WORKER_RULE)
    assert [story.see("fail", minute) for minute in (0, 60, 120)] == [[], [], [OPENED]]
    assert story.alert
    assert story.alert.severity is Severity.WARNING
    assert story.see("pass", 180) == [RECOVERED, CLOSED]


def test_a_success_between_failed_runs_starts_the_count_again():
    story = Story(rule=WORKER_RULE)
    for minute, status in enumerate(("fail", "fail", "pass", "fail", "fail")):
        assert story.see(status, minute) == []


def test_a_late_result_does_not_turn_time_back():
    story = Story()
    story.see("fail", 60)
    story.see("fail", 30)
    assert story.alert
    assert story.alert.last_seen_at == at(60)


def test_the_same_opening_measurement_gives_the_same_alert_id():
    first, second = Story(), Story()
    first.see("fail", 0)
    second.see("fail", 0)
    assert first.alert
    assert second.alert
    assert first.alert.alert_id == second.alert.alert_id
    first.see("pass", 60)
    first.see("pass", 120)
    first.see("fail", 180)
    assert first.alert.alert_id != second.alert.alert_id


@pytest.mark.parametrize("status", list(Status))
def test_the_first_result_of_any_kind_is_counted(status):
    story = Story()
    story.see(status, 0)
    assert story.incident
    assert story.incident.last_status is status
