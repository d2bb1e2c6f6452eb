"""Completeness: are the records there, and do they carry what the business needs.

Counts are compared with HubSpot's own total; required fields come from the object catalogue. Both read one
published state of the warehouse.
"""

import asyncio

from hubspot_platform.business import Business
from hubspot_platform.checks.engine import CheckContext, Limits, Measurement, Subject, share_limits
from hubspot_platform.hubspot.catalogue import ObjectType
from hubspot_platform.hubspot.search import count
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.lanes import Lane
from hubspot_platform.mirror.tables import column_of
from hubspot_platform.runtime import Platform
from hubspot_platform.warehouse.model import quote


def missing_required_fields(context: CheckContext, subject: Subject) -> Measurement:
    """Count live records that lack a required field (each requirement is met by any one of its alternatives)."""
    obj = subject.entry
    missing = " or ".join(
        "(" + " and ".join(f"{_text_of(name)} = ''" for name in alternatives) + ")"
        for alternatives in obj.required_fields
    )
    table, key = f"hubspot.{quote(obj.table)}", quote(obj.id_column)
    with context.platform.warehouse().reader() as session:
        counted = session.query(
            f"select count(*) as rows_live, sum(case when {missing} then 1 else 0 end) as rows_missing "
            f"from {table} where not is_deleted"
        ).to_pylist()[0]
        sample = session.query(
            f"select {key} as id from {table} where not is_deleted and ({missing}) order by {key} limit 20"
        )
    rows, failed = int(counted["rows_live"]), int(counted["rows_missing"] or 0)
    if rows == 0:
        return Measurement(skipped="there are no records")
    needs = ", ".join(" or ".join(alternatives) for alternatives in obj.required_fields)
    return Measurement(
        observed=failed,
        rows_checked=rows,
        rows_failed=failed,
        sample=sample.column("id").to_pylist(),
        message=f"{failed} of {rows} live records lack {needs}",
    )


def _text_of(property_name: str) -> str:
    return f"coalesce(trim(cast({quote(column_of(property_name))} as varchar)), '')"


def required_field_limits(business: Business, subject: Subject, measurement: Measurement) -> Limits:
    """Limits of the configuration, as a share of the live records."""
    del subject
    return share_limits(business.thresholds.required_fields, measurement)


def count_difference(context: CheckContext, subject: Subject) -> Measurement:
    """Compare the number of live rows with HubSpot's total for the object."""
    obj = subject.entry
    with context.platform.warehouse().reader() as session:
        found = session.query(f"select count(*) as n from hubspot.{quote(obj.table)} where not is_deleted")
    rows = int(found.column("n")[0].as_py())
    total = portal_total(context.platform, obj)
    return Measurement(
        observed=abs(rows - total),
        expected=total,
        rows_checked=rows,
        rows_failed=abs(rows - total),
        message=f"{rows} live rows here, {total} records in HubSpot",
    )


def count_limits(business: Business, subject: Subject, measurement: Measurement) -> Limits:
    """Limits of the configuration, as a share of HubSpot's total."""
    del subject
    return share_limits(business.thresholds.count, measurement)


def portal_total(platform: Platform, obj: ObjectType) -> int:
    """Ask HubSpot how many live records of the object there are: one search call."""

    async def ask() -> int:
        with platform.hubspot() as policy:
            async with Transport(policy) as transport:
                return await count(transport, obj, lane=Lane.BACKFILL)

    return asyncio.run(ask())
