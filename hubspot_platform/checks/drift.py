"""Schema drift: do the mirror's columns still have the types that the portal's properties declare.

A property that changed its type keeps its column until `hubspot-platform schema OBJECT --apply` rebuilds it; one that
was deleted keeps it for good. Both are known from `hubspot.property`, so this test asks HubSpot nothing.
"""

from hubspot_platform.checks.engine import CheckContext, Measurement, Subject
from hubspot_platform.mirror.tables import column_of, declared_type

PROPERTY = "hubspot.property"


def columns_of_another_type(context: CheckContext, subject: Subject) -> Measurement:
    """Count properties whose declared type is not their column's; deleted ones are named but no failure."""
    obj = subject.entry
    with context.platform.warehouse().reader() as session:
        stored = session.columns(f"hubspot.{obj.table}")
        if not session.columns(PROPERTY):
            return Measurement(skipped="the portal's properties have not been read yet")
        declared = session.query(
            f"select name, type, _fivetran_deleted as gone from {PROPERTY} where hubspot_object = ?", [obj.name]
        ).to_pylist()
    if not declared:
        return Measurement(skipped="the portal's properties have not been read yet")
    present = [row for row in declared if column_of(row["name"]) in stored and not row["gone"]]
    changed = [
        f"{row['name']}: column {stored[column_of(row['name'])]}, property {row['type']}"
        for row in present
        if declared_type(obj, row["name"], row["type"]) is not stored[column_of(row["name"])]
    ]
    deleted = sorted(row["name"] for row in declared if row["gone"] and column_of(row["name"]) in stored)
    return Measurement(
        observed=len(changed),
        expected=0,
        rows_checked=len(present),
        rows_failed=len(changed),
        message=f"{len(changed)} properties changed their type: {'; '.join(changed)}"
        if changed
        else f"{len(present)} columns have their property's type; {len(deleted)} belong to deleted properties",
        details={"changed_types": changed, "deleted_properties": deleted},
    )
