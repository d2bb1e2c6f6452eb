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
from hubspot_platform.checks.inbox import depth_limits, lag_limits, oldest_waiting_event, unfinished_events
from hubspot_platform.checks.landing import rows_that_break_the_contract
from hubspot_platform.checks.payments import disagreeing_mrr, one_row_warns, refused_terms
from hubspot_platform.checks.proof import completeness_proof, no_exceptions, unaccounted_records
from hubspot_platform.checks.timeliness import cadence_limits, watermark_age
from hubspot_platform.connectors import chargebee, jira
from hubspot_platform.gateway.routing import ROUTES
from hubspot_platform.hubspot.catalogue import CATALOGUE, REFERENCES, object_type
from hubspot_platform.jira.tables import ISSUE
from hubspot_platform.landing.contract import CATALOGUE as LANDED
from hubspot_platform.payments.tables import PAYMENT_EVENTS

TIMELINESS = "hubspot_dqa_timeliness"
FULL = "hubspot_dqa_full"
LANDING = "landing"
"""No suite with a schedule: these tests run with every landing."""
FIVE_MINUTES, HOUR = 300, 3_600

TIMELINESS_CHECK = "timeliness"
REQUIRED_FIELDS_CHECK = "required_fields"
COUNT_CHECK = "count_matches_hubspot"
VALUES_CHECK = "values_fit_types"
PROOF_CHECK = "completeness_proof"
CONSERVATION_CHECK = "sync_conservation"
DRIFT_CHECK = "schema_drift"
LAG_CHECK, DEPTH_CHECK = "webhook_lag", "queue_depth"
CONTRACT_CHECK = "rows_keep_contract"

OBJECT_SUBJECTS = tuple(
    Subject(entry.table, entry.name, int(entry.cadence.total_seconds())) for entry in CATALOGUE.values()
)
REFERENCE_SUBJECTS = tuple(
    Subject(entry.tables[0], entry.name, int(entry.cadence.total_seconds())) for entry in REFERENCES.values()
)
QUEUE_SUBJECTS = (
    *(Subject(object_type(name).table, queue, FIVE_MINUTES) for name, (_, queue) in ROUTES.items()),
    Subject(PAYMENT_EVENTS.name, chargebee.QUEUE, FIVE_MINUTES, schema=PAYMENT_EVENTS.schema),
    Subject(ISSUE.name, jira.QUEUE, FIVE_MINUTES, schema=ISSUE.schema),
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


_OF_QUEUES: tuple[QualityTest, ...] = (
    QualityTest(
        id="T07",
        name=LAG_CHECK,
        suite=TIMELINESS,
        cadence_seconds=FIVE_MINUTES,
        description="how long the longest waiting event of the table's queue has waited",
        severity=Severity.CRITICAL,
        unit="seconds",
        mend="see that the daemon and its sensors run; hubspot-platform process OBJECT empties the queue",
        subjects=QUEUE_SUBJECTS,
        measure=oldest_waiting_event,
        limits=lag_limits,
    ),
    QualityTest(
        id="T09",
        name=DEPTH_CHECK,
        suite=TIMELINESS,
        cadence_seconds=FIVE_MINUTES,
        description="how many events of the table's queue are not finished",
        severity=Severity.CRITICAL,
        unit="events",
        mend="hubspot-platform process OBJECT empties the queue; several may run side by side",
        subjects=QUEUE_SUBJECTS,
        measure=unfinished_events,
        limits=depth_limits,
    ),
)
CONTRACT_TEST = QualityTest(
    id="A01",
    name=CONTRACT_CHECK,
    suite=LANDING,
    cadence_seconds=HOUR,
    description="rows of the source keep the contract of the table",
    severity=Severity.WARNING,
    unit="rows",
    mend="correct the rows of product.rejected_row at the source, then run hubspot-platform land OBJECT",
    subjects=tuple(Subject(entry.name, entry.full_name, HOUR, schema=entry.schema) for entry in LANDED.values()),
    measure=rows_that_break_the_contract,
    limits=value_limits,
)


def _models(schema: str, *tables: str) -> tuple[Subject, ...]:
    return tuple(Subject(table, schema, HOUR, schema=schema) for table in tables)


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
        subjects=_models("attribution", "attribution_run"),
        measure=oldest_overdue_run,
        limits=overdue_limits,
    ),
    QualityTest(
        id="X15",
        name="credit_deserved",
        suite=FULL,
        cadence_seconds=HOUR,
        description="every touch that won exists, is eligible and hangs on an identifier within five steps",
        severity=Severity.CRITICAL,
        unit="rows",
        mend="run job delayed_attribution",
        subjects=_models("attribution", *RESULTS),
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
        subjects=_models("attribution", "rejected_session", "rejected_touchpoint"),
        measure=refused_share,
        limits=refused_limits,
    ),
)
_OF_PAYMENTS: tuple[QualityTest, ...] = (
    QualityTest(
        id="X16",
        name="mrr_agrees",
        suite=FULL,
        cadence_seconds=HOUR,
        description="base and addons less discounts make MRR, and ours is the biller's but for known reasons",
        severity=Severity.CRITICAL,
        unit="subscriptions",
        mend="compare payments.mrr_line and payments.mrr_reconciliation with the biller, then build group:payments",
        subjects=_models("payments", "subscription_mrr"),
        measure=disagreeing_mrr,
        limits=one_row_warns,
    ),
    QualityTest(
        id="A17",
        name="refused_terms",
        suite=FULL,
        cadence_seconds=HOUR,
        description="coupons and exchange rates that were refused",
        severity=Severity.WARNING,
        unit="rows",
        mend="correct the coupons at the biller and the rates of product.exchange_rate",
        subjects=_models("payments", "subscription_mrr", "transaction_payments"),
        measure=refused_terms,
        limits=one_row_warns,
    ),
)
TESTS: tuple[QualityTest, ...] = (
    *_OF_OBJECTS,
    *_OF_QUEUES,
    CONTRACT_TEST,
    *_OF_ATTRIBUTION,
    *_OF_PAYMENTS,
    *(for_custom_objects(test) for test in _OF_OBJECTS if test.name != REQUIRED_FIELDS_CHECK),
)
