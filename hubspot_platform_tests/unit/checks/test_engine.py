"""Thresholds are applied to measurements, strictly, and every outcome says what it saw."""

from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
import pytest

from hubspot_platform.business import Business, ShareThresholds
from hubspot_platform.checks.engine import (
    CheckContext,
    Limits,
    Measurement,
    QualityTest,
    Severity,
    Status,
    Subject,
    as_check_result,
    judge,
    run_test,
    share_limits,
)
from hubspot_platform.checks.table import CONTRACT_TEST, FULL, LANDING, TESTS, TIMELINESS
from hubspot_platform.checks.timeliness import cadence_limits
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import Settings

SUBJECT = Subject("contact", "contact", 3600)
BUSINESS = Business()


def a_test(measurement: Measurement | Exception) -> QualityTest:
    def measure(context: CheckContext, subject: Subject) -> Measurement:
        if isinstance(measurement, Exception):
            raise measurement
        return measurement

    return QualityTest(
        id="X00",
        name="example",
        suite="suite",
        cadence_seconds=3600,
        description="",
        severity=Severity.WARNING,
        unit="rows",
        mend="do this",
        subjects=(SUBJECT,),
        measure=measure,
        limits=lambda *_: Limits(5, 10),
    )


@pytest.mark.parametrize(
    ("observed", "status"),
    [(0, Status.PASS), (5, Status.PASS), (5.1, Status.WARN), (10, Status.WARN), (10.1, Status.FAIL)],
)
def test_comparisons_are_strict(observed: float, status: Status) -> None:
    measurement = Measurement(observed=observed)
    assert judge(a_test(measurement), BUSINESS, SUBJECT, measurement).status is status


def test_case_091_nothing_to_judge_is_skipped_with_its_reason_and_not_passed() -> None:
    measurement = Measurement(skipped="there are no records")
    outcome = judge(a_test(measurement), BUSINESS, SUBJECT, measurement)
    assert (outcome.status, outcome.message) == (Status.SKIPPED, "there are no records")


def test_a_test_that_raises_is_an_error_and_the_suite_goes_on() -> None:
    context = CheckContext(Platform(Settings()), datetime(2026, 5, 1, tzinfo=UTC))
    outcome = run_test(a_test(ZeroDivisionError("no rows")), context, SUBJECT)
    assert (outcome.status, outcome.message) == (Status.ERROR, "could not run: no rows")


@pytest.mark.parametrize(
    ("status", "observed", "passed", "severity"),
    [
        ("pass", 1, True, dg.AssetCheckSeverity.WARN),
        ("warn", 7, False, dg.AssetCheckSeverity.WARN),
        ("fail", 70, False, dg.AssetCheckSeverity.ERROR),
    ],
)
def test_outcomes_reach_dagster_with_their_numbers(
    status: str, observed: float, passed: bool, severity: dg.AssetCheckSeverity
) -> None:
    measurement = Measurement(observed=observed, rows_checked=100, sample=[1, 2])
    test = a_test(measurement)
    result = as_check_result(test, SUBJECT, judge(test, BUSINESS, SUBJECT, measurement))
    assert (result.passed, result.severity) == (passed, severity)
    assert result.metadata["status"].value == status
    assert result.metadata["observed"].value == observed
    assert result.metadata["subject"].value == "hubspot.contact"


def test_a_share_of_few_rows_is_not_judged_only_their_number() -> None:
    thresholds = ShareThresholds(warn_share=0.005, fail_share=0.02, warn_rows=5, fail_rows=25)
    assert share_limits(thresholds, Measurement(rows_checked=19)) == Limits(5, 25)
    assert share_limits(thresholds, Measurement(rows_checked=10_000)) == Limits(50, 200)
    assert share_limits(thresholds, Measurement(rows_checked=0, expected=10_000)) == Limits(50, 200)


@pytest.mark.parametrize(
    ("share", "rows", "limit"), [(0.02, 29_185, 583), (0.29, 100, 29), (0.07, 100, 7), (0.001, 500, 0)]
)
def test_a_share_of_rows_is_limited_to_the_largest_whole_number_within_it(share: float, rows: int, limit: int) -> None:
    thresholds = ShareThresholds(warn_share=share, fail_share=share)
    limits = share_limits(thresholds, Measurement(rows_checked=rows))
    assert limits == Limits(limit, limit)
    assert isinstance(limits.fail_at, int)


def test_an_hourly_object_warns_after_75_minutes_and_fails_after_135() -> None:
    assert cadence_limits(BUSINESS, SUBJECT, Measurement()) == Limits(75 * 60, 135 * 60)


def test_every_entry_of_the_table_is_complete_and_named_once_per_subject() -> None:
    keys = [(subject.asset_key, test.name) for test in TESTS for subject in test.subjects]
    assert len(keys) == len(set(keys))
    assert all(test.mend and test.description and test.subjects for test in TESTS)


def test_a_table_that_a_run_did_not_land_has_nothing_to_judge() -> None:
    subject = CONTRACT_TEST.subjects[0]
    context = CheckContext(Platform(Settings()), datetime(2026, 5, 1, tzinfo=UTC))
    assert run_test(CONTRACT_TEST, context, subject).status is Status.SKIPPED
    landed = replace(context, counted={subject.qualified: Measurement(observed=3, rows_checked=100)})
    assert run_test(CONTRACT_TEST, landed, subject).status is Status.WARN


def test_results_say_how_often_their_suite_runs_whatever_the_cadence_of_their_object() -> None:
    for test in TESTS:
        for subject in test.subjects:
            skipped = judge(test, BUSINESS, subject, Measurement(skipped="nothing to judge"))
            said = as_check_result(test, subject, skipped).metadata["cadence_seconds"].value
            assert said == {TIMELINESS: 300, FULL: 3600, LANDING: 3600}[test.suite]
