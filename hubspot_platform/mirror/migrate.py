"""Rebuilding a column in the type that its property has now, from the records as HubSpot returned them.

The mirror never changes a column's type by itself; `hubspot-platform schema --apply` calls `migrate_column`. Old table
and new one are swapped in one transaction, so that a reader sees either and a killed migration changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from hubspot_platform.commit_points import reached
from hubspot_platform.errors import UsageError
from hubspot_platform.hubspot.catalogue import ObjectType
from hubspot_platform.hubspot.properties import PropertyDefinition, fetch_definitions
from hubspot_platform.hubspot.sdk import sdk_client
from hubspot_platform.mirror.tables import (
    LONGEST_SAMPLE,
    SCHEMA,
    VALUE_ERROR,
    TypeDrift,
    column_of,
    declared_type,
    layout_for,
)
from hubspot_platform.mirror.values import typed_column, without_empty
from hubspot_platform.runtime import Platform
from hubspot_platform.state import leases
from hubspot_platform.state.holders import holder_name
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.model import Column, LogicalType, Table, quote

LEASE_TIME = timedelta(seconds=60)
_VALUES = "column_values"


@dataclass(frozen=True)
class SchemaState:
    """How one object's table differs from the portal's properties."""

    object: str
    changed: tuple[TypeDrift, ...]
    absent: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True)
class Migration:
    """A rebuilt column: its types, the rows of the table, and how many values do not fit the new type."""

    object: str
    column: str
    before: LogicalType
    after: LogicalType
    rows: int
    misfits: int


def schema_state(platform: Platform, obj: ObjectType) -> SchemaState:
    """Return what changed: types of properties, properties that are gone, properties without a column yet."""
    definitions = _definitions(platform, obj)
    with platform.warehouse().writer() as session:
        stored = session.columns(f"{SCHEMA}.{obj.table}")
    layout = layout_for(obj, definitions, stored)
    new = tuple(sorted(d.name for d in definitions if stored and column_of(d.name) not in stored))
    return SchemaState(obj.name, layout.drift, layout.absent, new)


def migrate_column(platform: Platform, obj: ObjectType, property_name: str, *, run_id: str) -> Migration:
    """Rebuild a property's column in the type that the portal declares; values that do not fit go to `value_error`.

    Waits for a running sync of the object and keeps others from starting. Raises UsageError when the portal has no such
    property, the table no such column, or the types are the same.
    """
    warehouse = platform.warehouse()
    name = f"sync:{warehouse.identity()}:{obj.name}"
    with leases.held(platform.state(), name, holder=holder_name(run_id), ttl=LEASE_TIME, wait=LEASE_TIME):
        declared = {definition.name: definition.type for definition in _definitions(platform, obj)}
        if property_name not in declared:
            raise UsageError(f"the portal has no {obj.name} property {property_name!r}", mend="look for its name there")
        after = declared_type(obj, property_name, declared[property_name])
        with warehouse.writer() as session, session.transaction():
            done = _rebuild(session, obj, property_name, after, platform.clock())
        reached("migrate.rebuilt")
    warehouse.publish()
    return done


def _definitions(platform: Platform, obj: ObjectType) -> Sequence[PropertyDefinition]:
    with platform.hubspot() as policy:
        return fetch_definitions(sdk_client(policy), obj)


def _rebuild(session: Session, obj: ObjectType, property_name: str, after: LogicalType, now: datetime) -> Migration:
    stored, column = session.columns(f"{SCHEMA}.{obj.table}"), column_of(property_name)
    if column not in stored:
        raise UsageError(f"{SCHEMA}.{obj.table} has no column {column}", mend=f"run hubspot-platform sync {obj.name}")
    if stored[column] is after:
        raise UsageError(f"{column} has type {after} already", mend="nothing is to be done")
    literal, key = "'" + property_name.replace("'", "''") + "'", quote(obj.id_column)
    raw = session.query(
        f"select {key} as id, raw_json -> 'properties' ->> {literal} as value from {SCHEMA}.{quote(obj.table)}"
    ).combine_chunks()
    texts = without_empty(raw["value"].cast(pa.string()).combine_chunks())
    typed = typed_column(texts, after)
    values = Table("_platform", _VALUES, (Column("id", LogicalType.INT), Column("value", after)), key=("id",))
    session.execute(f"drop table if exists {values.qualified}")
    session.ensure(values)
    session.load(values, pa.table({"id": raw["id"], "value": typed.values}))
    columns = [Column(name, after if name == column else kind) for name, kind in stored.items()]
    selected = ", ".join("v.value as " + quote(c.name) if c.name == column else f"t.{quote(c.name)}" for c in columns)
    rows = session.create_from_select(
        Table(SCHEMA, obj.table, tuple(columns), key=(obj.id_column,)),
        f"select {selected} from {SCHEMA}.{quote(obj.table)} as t left join {values.qualified} as v on v.id = t.{key}",
    )
    session.execute(f"drop table {values.qualified}")
    reached("migrate.inside_swap")
    rejected = pa.table({"id": raw["id"], "value": texts}).take(pa.array(typed.rejected, pa.int64()))
    misfits = [
        {
            "object_type": obj.name,
            "object_id": misfit["id"],
            "property": property_name,
            "value": misfit["value"][:LONGEST_SAMPLE],
            "declared_type": after.value,
            "reason": "does_not_fit",
            "seen_at": now,
        }
        for misfit in rejected.to_pylist()
    ]
    _replace_misfits(session, obj, property_name, misfits)
    return Migration(obj.name, column, stored[column], after, rows, len(typed.rejected))


def _replace_misfits(session: Session, obj: ObjectType, property_name: str, misfits: list[dict[str, Any]]) -> None:
    """Replace the property's misfits in `value_error`; what is noted of replaced characters stays."""
    session.ensure(VALUE_ERROR)
    session.execute(
        f"delete from {VALUE_ERROR.qualified} where object_type = ? and property = ? and reason = 'does_not_fit'",
        [obj.name, property_name],
    )
    session.merge(VALUE_ERROR, pa.Table.from_pylist(misfits, schema=VALUE_ERROR.arrow_schema()))
