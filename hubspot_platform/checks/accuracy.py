"""Accuracy: do the values fit what the portal declares.

The mirror keeps every misfit as a row of `hubspot.value_error`; this test judges their share.
"""

from hubspot_platform.business import Business
from hubspot_platform.checks.engine import CheckContext, Limits, Measurement, Subject, share_limits
from hubspot_platform.warehouse.model import quote


def values_that_do_not_fit(context: CheckContext, subject: Subject) -> Measurement:
    """Count records with at least one value that does not fit its property's type."""
    obj = subject.entry
    with context.platform.warehouse().reader() as session:
        rows = session.query(f"select count(*) as n from hubspot.{quote(obj.table)} where not is_deleted")
        found = session.query(
            "select property, count(*) as n, min(object_id) as example from hubspot.value_error "
            "where object_type = ? and reason = 'does_not_fit' group by property order by property",
            [obj.name],
        ).to_pylist()
        records = session.query(
            "select count(distinct object_id) as n from hubspot.value_error "
            "where object_type = ? and reason = 'does_not_fit'",
            [obj.name],
        )
    total, failed = int(rows.column("n")[0].as_py()), int(records.column("n")[0].as_py())
    if total == 0:
        return Measurement(skipped="there are no records")
    properties = ", ".join(f"{row['property']} ({row['n']})" for row in found)
    return Measurement(
        observed=failed,
        rows_checked=total,
        rows_failed=failed,
        sample=[row["example"] for row in found],
        message=f"{failed} of {total} records hold a value that does not fit: {properties}"
        if failed
        else f"every value of {total} records fits its type",
    )


def value_limits(business: Business, subject: Subject, measurement: Measurement) -> Limits:
    """Limits of the configuration, as a share of the live records."""
    del subject
    return share_limits(business.thresholds.value_errors, measurement)
