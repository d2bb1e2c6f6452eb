"""The tests of objects for custom objects, which are known only when the portal has been read.

Each test of `checks/table.py` that objects have gets a twin on the asset `hubspot/custom_objects`: it measures every
custom object by the same function and the same limits, and names those that do not pass.
"""

from dataclasses import replace
from typing import Any

from hubspot_platform.business import Business
from hubspot_platform.checks.engine import CheckContext, Limits, Measurement, QualityTest, Status, Subject, judge
from hubspot_platform.hubspot.catalogue import CUSTOM_OBJECTS
from hubspot_platform.hubspot.custom_objects import custom_entry
from hubspot_platform.mirror.reference.custom_objects import CUSTOM_OBJECTS_TABLE
from hubspot_platform.warehouse.errors import NothingPublished

_FAILED, _WARNED = "failed_objects", "warned_objects"


def for_custom_objects(test: QualityTest) -> QualityTest:
    """Return the twin of a test, which measures how many custom objects do not pass it."""

    def measure(context: CheckContext, subject: Subject) -> Measurement:
        del subject
        subjects = custom_subjects(context)
        if not subjects:
            return Measurement(skipped="the portal has no custom objects, or none was read yet")
        outcomes = {each: judge(test, context.business, each, test.measure(context, each)) for each in subjects}
        judged = {each: outcome for each, outcome in outcomes.items() if outcome.status is not Status.SKIPPED}
        if not judged:
            return Measurement(skipped="; ".join(sorted({outcome.message for outcome in outcomes.values()})))
        names = {
            status: [each.object for each, outcome in judged.items() if outcome.status is status]
            for status in (Status.FAIL, Status.WARN)
        }
        bad = [each for each, outcome in judged.items() if outcome.status is not Status.PASS]
        told = [f"{each.object}: {judged[each].message}" for each in bad]
        return Measurement(
            observed=len(bad),
            expected=0,
            rows_checked=len(judged),
            rows_failed=len(bad),
            message="; ".join(told) or f"{len(judged)} custom objects pass",
            details={_FAILED: names[Status.FAIL], _WARNED: names[Status.WARN]},
        )

    subject = Subject(CUSTOM_OBJECTS_TABLE.name, CUSTOM_OBJECTS.name, int(CUSTOM_OBJECTS.cadence.total_seconds()))
    return replace(
        test,
        name=f"custom_{test.name}",
        description=f"of every custom object: {test.description}",
        unit="objects",
        subjects=(subject,),
        measure=measure,
        limits=_limits,
    )


def _limits(business: Business, subject: Subject, measurement: Measurement) -> Limits:
    """Fail when an object fails the test, warn when one only warns."""
    del business, subject
    return Limits(0, 0 if measurement.details[_FAILED] else measurement.rows_failed)


def custom_subjects(context: CheckContext) -> list[Subject]:
    """Return every custom object that the mirror lists and the business settings do not leave out."""
    try:
        with context.platform.warehouse().reader() as session:
            if not session.columns(CUSTOM_OBJECTS_TABLE):
                return []
            found: list[dict[str, Any]] = session.query(
                "select table_name, fully_qualified_name, object_type_id, label "
                f"from {CUSTOM_OBJECTS_TABLE.qualified} where not _fivetran_deleted order by table_name"
            ).to_pylist()
            found = [row for row in found if session.columns(f"hubspot.{row['table_name']}")]
    except NothingPublished:
        return []
    cadence = int(context.business.mirror.cadence(CUSTOM_OBJECTS).total_seconds())
    entries = [custom_entry(*row.values()) for row in found]
    return [
        Subject(entry.table, entry.name, cadence, custom=entry)
        for entry in entries
        if not context.business.mirror.skips(entry)
    ]
