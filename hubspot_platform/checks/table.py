"""The table of data quality tests: one entry per test, nothing else lists them.

Subjects come from the object catalogue, so a new object is tested without an edit here; custom objects are tested as
they become known. Ids are those of the data quality handbook in `docs/data-quality.md`.
"""

from hubspot_platform.checks.accuracy import value_limits, values_that_do_not_fit
from hubspot_platform.checks.attribution import (
    RESULTS,
    oldest_overdue_run,
    overdue_limits,
    refused_limits,
    refused_share,
    undeserved_credit,
)
from hubspot_platform.checks.completeness import (
    count_difference,
    count_limits,
    missing_required_fields,
    required_field_limits,
)
from hubspot_platform.checks.custom import for_custom_objects
from hubspot_platform.checks.drift import columns_of_another_type
from hubspot_platform.checks.engine import QualityTest, Severity, Subject
from hubspot_platform.checks.proof import completeness_proof, no_exceptions, unaccounted_records
from hubspot_platform.checks.timeliness import cadence_limits, watermark_age
from hubspot_platform.hubspot.catalogue import CATALOGUE, REFERENCES

TIMELINESS = "hubspot_dqa_timeliness"
FULL = "hubspot_dqa_full"
FIVE_MINUTES, HOUR = 300, 3_600

TIMELINESS_CHECK = "timeliness"
REQUIRED_FIELDS_CHECK = "required_fields"
COUNT_CHECK = "count_matches_hubspot"
VALUES_CHECK = "values_fit_types"
PROOF_CHECK = "completeness_proof"
CONSERVATION_CHECK = "sync_conservation"
DRIFT_CHECK = "schema_drift"

OBJECT_SUBJECTS = tuple(
    Subject(entry.table, entry.name, int(entry.cadence.total_seconds())) for entry in CATALOGUE.values()
)
REFERENCE_SUBJECTS = tuple(
    Subject(entry.tables[0], entry.name, int(entry.cadence.total_seconds())) for entry in REFERENCES.values()
)

_OF_OBJECTS: tuple[QualityTest, ...] = (
    QualityTest(
        id="T06",
        name=TIMELINESS_CHECK,
        suite=TIMELINESS,
        cadence_seconds=FIVE_MINUTES,
        description="how far the object's watermark lies behind now",
        severity=Severity.WARNING,
        unit="seconds",
        mend="look at the object's last runs; a catch-up is hubspot-platform sync OBJECT",
        subjects=OBJECT_SUBJECTS + REFERENCE_SUBJECTS,
        measure=watermark_age,
        limits=cadence_limits,
    ),
    QualityTest(
        id="C02",
        name=REQUIRED_FIELDS_CHECK,
        suite=FULL,
        cadence_seconds=HOUR,
        description="live records carry the fields the business needs",
        severity=Severity.WARNING,
        unit="records",
        mend="complete the sampled records in HubSpot",
        subjects=OBJECT_SUBJECTS,
        measure=missing_required_fields,
        limits=required_field_limits,
    ),
    QualityTest(
        id="C03",
        name=COUNT_CHECK,
        suite=FULL,
        cadence_seconds=HOUR,
        description="as many live rows here as records in HubSpot",
        severity=Severity.WARNING,
        unit="records",
        mend="run hubspot-platform sync OBJECT --full",
        subjects=OBJECT_SUBJECTS,
        measure=count_difference,
        limits=count_limits,
    ),
    QualityTest(
        id="C04",
        name=CONSERVATION_CHECK,
        suite=FULL,
        cadence_seconds=HOUR,
        description="every record that was read is inserted, updated, unchanged, stale, rejected or deduplicated",
        severity=Severity.CRITICAL,
        unit="records",
        mend="run hubspot-platform sync OBJECT --census",
        subjects=OBJECT_SUBJECTS,
        measure=unaccounted_records,
        limits=no_exceptions,
    ),
    QualityTest(
        id="C10",
        name=DRIFT_CHECK,
        suite=FULL,
        cadence_seconds=HOUR,
        description="columns have the types of the portal's properties",
        severity=Severity.WARNING,
        unit="properties",
        mend="look at hubspot-platform schema OBJECT, then rebuild the columns with --apply",
        subjects=OBJECT_SUBJECTS,
        measure=columns_of_another_type,
        limits=no_exceptions,
    ),
    QualityTest(
        id="C18",
        name=PROOF_CHECK,
        suite=FULL,
        cadence_seconds=HOUR,
        description="every counted record is a row, no row is unknown to the census, no window of time lacks",
        severity=Severity.CRITICAL,
        unit="records",
        mend="run hubspot-platform sync OBJECT --census",
        subjects=OBJECT_SUBJECTS,
        measure=completeness_proof,
        limits=no_exceptions,
    ),
    QualityTest(
        id="A01",
        name=VALUES_CHECK,
        suite=FULL,
        cadence_seconds=HOUR,
        description="values fit the type of their property",
        severity=Severity.WARNING,
        unit="records",
        mend="correct the values listed in hubspot.value_error in HubSpot",
        subjects=OBJECT_SUBJECTS,
        measure=values_that_do_not_fit,
        limits=value_limits,
    ),
)


def _attribution(*tables: str) -> tuple[Subject, ...]:
    return tuple(Subject(table, "attribution", HOUR, schema="attribution") for table in tables)


_OF_ATTRIBUTION: tuple[QualityTest, ...] = (
    QualityTest(
        id="T21",
        name="delayed_runs",
        suite=TIMELINESS,
        cadence_seconds=FIVE_MINUTES,
        description="how long ago the oldest delayed run that has not begun was due",
        severity=Severity.WARNING,
        unit="seconds",
        mend="look at the last runs of job delayed_attribution and at attribution.attribution_run",
        subjects=_attribution("attribution_run"),
        measure=oldest_overdue_run,
        limits=overdue_limits,
    ),
    QualityTest(
        id="X15",
        name="credit_deserved",
        suite=FULL,
        cadence_seconds=HOUR,
        description="every touch that won exists, is eligible and hangs on an identifier within five steps",
        severity=Severity.WARNING,
        unit="rows",
        mend="run job delayed_attribution",
        subjects=_attribution(*RESULTS),
        measure=undeserved_credit,
        limits=no_exceptions,
    ),
    QualityTest(
        id="A14",
        name="refused_share",
        suite=FULL,
        cadence_seconds=HOUR,
        description="the share of sessions and touches that are refused",
        severity=Severity.WARNING,
        unit="share",
        mend="look at the reasons in the table and correct the tracking or the source",
        subjects=_attribution("rejected_session", "rejected_touchpoint"),
        measure=refused_share,
        limits=refused_limits,
    ),
)
TESTS: tuple[QualityTest, ...] = (
    *_OF_OBJECTS,
    *_OF_ATTRIBUTION,
    *(for_custom_objects(test) for test in _OF_OBJECTS if test.name != REQUIRED_FIELDS_CHECK),
)
