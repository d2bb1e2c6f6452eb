"""How a data quality test becomes a Dagster asset check.

A test is an entry of `checks/table.py`: it measures, thresholds are applied afterwards, and the outcome carries the
numbers that the alert rules and the UI show. This module turns entries into one check function per suite; adding a
test never touches it.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

import dagster as dg

from hubspot_platform.business import Business, ShareThresholds
from hubspot_platform.hubspot.catalogue import ObjectType, object_type
from hubspot_platform.runtime import Platform

logger = logging.getLogger(__name__)

MINIMUM_RATIO_ROWS = 20
SAMPLE_SIZE = 20
OBJECT_IN_TEXT = "OBJECT"


class Status(StrEnum):
    """Outcome of a test: `error` could not run, `skipped` has nothing to judge."""

    PASS = "pass"  # noqa: S105 - an outcome, no password
    WARN = "warn"
    FAIL = "fail"
    ERROR = "error"
    SKIPPED = "skipped"


class Severity(StrEnum):
    """Level of the alert when the test fails."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Measurement:
    """What a test observed, in `unit`; `skipped` gives the reason when there is nothing to judge."""

    observed: float | None = None
    expected: float | None = None
    rows_checked: int = 0
    rows_failed: int = 0
    sample: Sequence[int] = ()
    message: str = ""
    skipped: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """The thresholds in force: beyond `warn_at` the test warns, beyond `fail_at` it fails (strictly)."""

    warn_at: float
    fail_at: float


@dataclass(frozen=True)
class Subject:
    """What a test looks at: a table and the name of the object it belongs to, which `custom` describes if it is one."""

    table: str
    object: str
    cadence_seconds: int
    custom: ObjectType | None = None
    schema: str = "hubspot"

    @property
    def asset_key(self) -> dg.AssetKey:
        """The asset the result hangs on."""
        return dg.AssetKey([self.schema, self.table])

    @property
    def qualified(self) -> str:
        """The table's name as people write it: `schema.table`."""
        return f"{self.schema}.{self.table}"

    @property
    def entry(self) -> ObjectType:
        """The object as the catalogue describes it."""
        return self.custom or object_type(self.object)


@dataclass(frozen=True)
class CheckContext:
    """What a measurement may use; `counted` is what the run that made the rows counted itself, by table."""

    platform: Platform
    now: datetime
    counted: Mapping[str, Measurement] = field(default_factory=dict)

    @property
    def business(self) -> Business:
        """The business settings, thresholds among them."""
        return self.platform.business


class Measure(Protocol):
    """Measures one subject; may raise, which is recorded as `error`."""

    def __call__(self, context: CheckContext, subject: Subject) -> Measurement:
        """Return the measurement of one subject."""


@dataclass(frozen=True)
class QualityTest:
    """One data quality test: what it measures, on what, and when that is too much.

    OBJECT in `mend` stands for the subject's object; `cadence_seconds` lie between two runs of the suite.
    """

    id: str
    name: str
    suite: str
    cadence_seconds: int
    description: str
    severity: Severity
    unit: str
    mend: str
    subjects: tuple[Subject, ...]
    measure: Measure
    limits: Callable[[Business, Subject, Measurement], Limits]


@dataclass(frozen=True)
class Outcome:
    """A judged measurement."""

    status: Status
    measurement: Measurement
    limits: Limits | None
    message: str


def share_limits(thresholds: ShareThresholds, measurement: Measurement) -> Limits:
    """Return limits in whole rows for a share of the rows checked; below 20 rows only the absolute limits apply.

    2 % of 29,185 rows are 583.7: the largest number of rows within that is 583.
    """
    rows = measurement.expected if measurement.expected is not None else measurement.rows_checked
    if rows < MINIMUM_RATIO_ROWS:
        return Limits(max(thresholds.warn_rows, 0), max(thresholds.fail_rows, thresholds.warn_rows, 0))
    return Limits(
        max(thresholds.warn_rows, _whole_rows(thresholds.warn_share, rows)),
        max(thresholds.fail_rows, _whole_rows(thresholds.fail_share, rows)),
    )


def _whole_rows(share: float, rows: float) -> int:
    """Round down the exact product: in floating point 29 % of 100 rows would be 28."""
    return int(Decimal(str(share)) * Decimal(rows))


def judge(test: QualityTest, business: Business, subject: Subject, measurement: Measurement) -> Outcome:
    """Apply the thresholds to a measurement; comparisons are strict."""
    if measurement.skipped or measurement.observed is None:
        reason = measurement.skipped or "nothing was observed"
        return Outcome(Status.SKIPPED, measurement, None, reason)
    limits = test.limits(business, subject, measurement)
    status = Status.PASS
    if measurement.observed > limits.fail_at:
        status = Status.FAIL
    elif measurement.observed > limits.warn_at:
        status = Status.WARN
    return Outcome(status, measurement, limits, measurement.message)


def run_test(test: QualityTest, context: CheckContext, subject: Subject) -> Outcome:
    """Measure and judge; a test that raises is an `error` outcome, never a crash of the suite."""
    try:
        return judge(test, context.business, subject, test.measure(context, subject))
    except Exception as error:  # noqa: BLE001 - recorded as the outcome, which opens an alert when it repeats
        logger.warning("test %s could not run on %s: %s", test.id, subject.table, type(error).__name__)
        return Outcome(Status.ERROR, Measurement(), None, f"could not run: {error}")


def as_check_result(test: QualityTest, subject: Subject, outcome: Outcome) -> dg.AssetCheckResult:
    """Return the outcome for Dagster: warn and error are WARN, fail is ERROR, skipped passes with its reason."""
    measurement, limits = outcome.measurement, outcome.limits
    metadata: dict[str, Any] = {
        "test": test.id,
        "status": outcome.status.value,
        "severity": test.severity.value,
        "unit": test.unit,
        "subject": subject.qualified,
        "cadence_seconds": test.cadence_seconds,
        "mend": test.mend.replace(OBJECT_IN_TEXT, subject.object),
        **({"observed": float(measurement.observed)} if measurement.observed is not None else {}),
        **({"expected": float(measurement.expected)} if measurement.expected is not None else {}),
        **({"threshold": limits.fail_at if outcome.status is Status.FAIL else limits.warn_at} if limits else {}),
        **({"rows_checked": measurement.rows_checked} if measurement.rows_checked else {}),
        **({"rows_failed": measurement.rows_failed} if measurement.rows_failed else {}),
        **({"sample": list(measurement.sample)[:SAMPLE_SIZE]} if measurement.sample else {}),
        **measurement.details,
    }
    return dg.AssetCheckResult(
        asset_key=subject.asset_key,
        check_name=test.name,
        passed=outcome.status in {Status.PASS, Status.SKIPPED},
        severity=dg.AssetCheckSeverity.ERROR if outcome.status is Status.FAIL else dg.AssetCheckSeverity.WARN,
        description=outcome.message[:500],
        metadata=metadata,
    )


def check_spec(test: QualityTest, subject: Subject) -> dg.AssetCheckSpec:
    """Return what Dagster knows of a test of one subject before it ran."""
    return dg.AssetCheckSpec(
        name=test.name,
        asset=subject.asset_key,
        description=f"{test.id}: {test.description}",
        metadata={"test": test.id, "severity": test.severity.value},
    )


def suite_checks(
    suite: str, tests: Iterable[QualityTest], *, leave_out: Callable[[str], bool] = lambda _: False
) -> dg.AssetChecksDefinition:
    """Return one check function for every test of the suite, of which any subset may run.

    `leave_out` tells of an object's name whether nothing of it is tested.
    """
    by_key = {
        dg.AssetCheckKey(subject.asset_key, test.name): (test, subject)
        for test in tests
        if test.suite == suite
        for subject in test.subjects
        if not leave_out(subject.object)
    }
    specs = [check_spec(test, subject) for test, subject in by_key.values()]

    @dg.multi_asset_check(name=f"{suite}_tests", specs=specs, can_subset=True, pool="dqa")
    def checks(
        context: dg.AssetCheckExecutionContext, platform: dg.ResourceParam[Platform]
    ) -> Iterator[dg.AssetCheckResult]:
        check_context = CheckContext(platform, platform.clock())
        for key in sorted(context.selected_asset_check_keys, key=str):
            test, subject = by_key[key]
            yield as_check_result(test, subject, run_test(test, check_context, subject))

    return checks
