"""What the passes ask of the warehouse and write to it; each call opens it, works briefly and closes it again."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

import pyarrow as pa

from hubspot_platform.hubspot.associations import AssociationRow
from hubspot_platform.hubspot.catalogue import AssociationTarget, ObjectType, merged_ids
from hubspot_platform.hubspot.records import Records
from hubspot_platform.mirror import ledger
from hubspot_platform.mirror.tables import association_table, column_of
from hubspot_platform.mirror.values import text_column, typed_column
from hubspot_platform.mirror.writer import note_engagements, replace_associations
from hubspot_platform.warehouse import Warehouse
from hubspot_platform.warehouse.model import Column, LogicalType, quote

P = ParamSpec("P")
T = TypeVar("T")

_IDS_PER_STATEMENT = 500
_TIMESTAMP = LogicalType.TIMESTAMP.arrow
NO_VERSIONS = pa.table({"id": pa.array([], pa.int64()), "updated_at": pa.array([], _TIMESTAMP)})


async def in_thread(work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
    """Run warehouse work in a thread, while the calls to HubSpot go on."""
    return await asyncio.to_thread(work, *args, **more)


def versions(records: Records) -> pa.Table:
    """Return id and updated_at of records."""
    updated = typed_column(text_column([record.get("updatedAt") for record in records]), LogicalType.TIMESTAMP)
    return pa.table({"id": pa.array(records.ids, pa.int64()), "updated_at": updated.values})


def stored_versions(warehouse: Warehouse, obj: ObjectType) -> pa.Table:
    """Return id, updated_at, is_deleted and was_archived (deleted because it was archived) of every row."""
    with warehouse.writer() as session:
        return session.query(
            f"select {quote(obj.id_column)} as id, updated_at, is_deleted, "
            f"is_deleted and archived_at is not null as was_archived from hubspot.{quote(obj.table)}"
        )


def mark_live(warehouse: Warehouse, obj: ObjectType, ids: Iterable[int]) -> None:
    """Take back the deletion of rows whose records the portal shows as live: an equal copy alone would not."""
    wanted = sorted(ids)
    with warehouse.writer() as session, session.transaction():
        for start in range(0, len(wanted), _IDS_PER_STATEMENT):
            part = wanted[start : start + _IDS_PER_STATEMENT]
            session.execute(
                f"update hubspot.{quote(obj.table)} set is_deleted = false, _fivetran_deleted = false, "
                f"archived_at = null where is_deleted and {quote(obj.id_column)} in ({', '.join('?' * len(part))})",
                part,
            )
            note_engagements(session, obj, part, deleted=False)


def note_census(warehouse: Warehouse, obj: ObjectType, ids: pa.ChunkedArray, counted_at: datetime) -> None:
    """Keep the ids the portal listed."""
    with warehouse.writer() as session, session.transaction():
        ledger.note_census(session, obj, ids, counted_at)


def merge_traces(warehouse: Warehouse, obj: ObjectType, columns: Sequence[Column]) -> list[tuple[int, tuple[int, ...]]]:
    """Return survivor and losers of every row that bears the trace of a merge."""
    known = {column.name for column in columns}
    traces = {name: column_of(name) for name in obj.merge_traces if column_of(name) in known}
    if not traces:
        return []
    names = ", ".join(quote(column) for column in traces.values())
    some = " or ".join(f"{quote(column)} is not null" for column in traces.values())
    with warehouse.writer() as session:
        found = session.query(
            f"select {quote(obj.id_column)} as id, {names} from hubspot.{quote(obj.table)} where {some}"
        ).to_pylist()
    return [
        (row["id"], tuple(merged_ids(obj, {"id": str(row["id"]), "properties": _named(row, traces)}))) for row in found
    ]


def _named(row: Mapping[str, Any], traces: Mapping[str, str]) -> dict[str, Any]:
    return {name: row[column] for name, column in traces.items()}


def note_merges(warehouse: Warehouse, obj: ObjectType, survivors: Mapping[int, int]) -> None:
    """Keep which record each merged one became."""
    with warehouse.writer() as session, session.transaction():
        session.ensure(ledger.MERGED)
        rows = [{"object": obj.name, "id": loser, "survivor_id": end} for loser, end in survivors.items()]
        session.merge(ledger.MERGED, pa.Table.from_pylist(rows, schema=ledger.MERGED.arrow_schema()))


def remove_orphans(warehouse: Warehouse, obj: ObjectType, target: AssociationTarget) -> int:
    """Remove associations of records that are deleted; returns how many rows went."""
    table, key = association_table(target), quote(target.from_column)
    orphan = (
        f"exists (select 1 from hubspot.{quote(obj.table)} as o "
        f"where o.{quote(obj.id_column)} = a.{key} and o.is_deleted)"
    )
    with warehouse.writer() as session, session.transaction():
        found = session.query(f"select count(*) as n from {table.qualified} as a where {orphan}")["n"][0].as_py()
        if found:
            session.execute(f"delete from {table.qualified} as a where {orphan}")
    return int(found)


def replace_differing(
    warehouse: Warehouse,
    target: AssociationTarget,
    ids: Sequence[int],
    there: Sequence[AssociationRow],
    read_at: datetime,
) -> dict[str, int]:
    """Replace the associations of those of the records `ids` whose stored ones differ from the portal's."""
    table = association_table(target)
    low, high = min(ids), max(ids)
    with warehouse.writer() as session, session.transaction():
        stored = session.query(
            f"select {quote(target.from_column)} as a, {quote(target.to_column)} as b, category, type_id, label "
            f"from {table.qualified} where {quote(target.from_column)} between ? and ?",
            [low, high],
        ).to_pylist()
        wanted = set(ids)
        here = {AssociationRow(*row.values()) for row in stored if row["a"] in wanted}
        added, removed = set(there) - here, here - set(there)
        changed = sorted({row.from_id for row in added | removed})
        if changed:
            touched = set(changed)
            rows = [row for row in there if row.from_id in touched]
            replace_associations(session, target, changed, rows, read_at=read_at)
    return {"added": len(added), "removed": len(removed), "records": len(changed)}
