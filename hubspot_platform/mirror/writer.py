"""Writes one object's chunks into the warehouse.

Every method opens the warehouse, works briefly and closes it again; what belongs together is one transaction. The
sync engine calls these from a worker thread while the next pages are being read.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from hubspot_platform.commit_points import reached
from hubspot_platform.errors import PlatformError
from hubspot_platform.hubspot.associations import AssociationRow
from hubspot_platform.hubspot.catalogue import AssociationTarget, ObjectType
from hubspot_platform.hubspot.properties import PropertyDefinition
from hubspot_platform.mirror.chunks import Chunk
from hubspot_platform.mirror.plan import SyncRequest, guard_volume, stored_after
from hubspot_platform.mirror.tables import PROGRESS, VALUE_ERROR, ObjectLayout, association_table, layout_for
from hubspot_platform.state.windows import Window
from hubspot_platform.warehouse import Session, Warehouse
from hubspot_platform.warehouse.model import LogicalType, MergeCounts, quote

_IDS_PER_STATEMENT = 500


class WarehouseReplaced(PlatformError):
    """Another file or database answers at the warehouse's address than when the sync began."""


def prepare(
    warehouse: Warehouse, obj: ObjectType, definitions: Sequence[PropertyDefinition]
) -> tuple[ObjectLayout, tuple[str, ...]]:
    """Create or widen the object's tables; returns the layout and the columns that appeared."""
    with warehouse.writer() as session, session.transaction():
        stored = session.columns(f"hubspot.{obj.table}")
        layout = layout_for(obj, definitions, stored)
        added = session.ensure(layout.table)
        session.ensure(VALUE_ERROR)
        for target in obj.associations:
            session.ensure(association_table(target))
    return layout, tuple(column.name for column in added) if stored else ()


def write_chunk(
    warehouse: Warehouse,
    warehouse_id: str,
    layout: ObjectLayout,
    chunk: Chunk,
    associations: Mapping[AssociationTarget, Sequence[AssociationRow]],
) -> MergeCounts:
    """Merge the chunk's records, replace their value errors and associations, in one transaction.

    Raises WarehouseReplaced when this no longer is the warehouse whose progress the sync will record.
    """
    reached("sync.before_merge")
    with warehouse.writer() as session, session.transaction():
        if session.identity() != warehouse_id:
            raise WarehouseReplaced("the warehouse was replaced during the sync", mend="run the sync again")
        counts = session.merge(layout.table, chunk.rows, newer_by="updated_at", content="raw_json")
        reached("sync.inside_merge")
        _replace_errors(session, layout.object, chunk)
        for target, rows in associations.items():
            _replace_associations(session, target, chunk, rows)
    reached("sync.chunk_merged")
    return counts


def _replace_errors(session: Session, obj: ObjectType, chunk: Chunk) -> None:
    match = pa.table(
        {
            "object_type": pa.array([obj.name] * len(chunk.ids), pa.string()),
            "object_id": pa.array(chunk.ids, pa.int64()),
        }
    )
    session.replace_matching(VALUE_ERROR, chunk.errors, match=match)


def _replace_associations(
    session: Session, target: AssociationTarget, chunk: Chunk, rows: Sequence[AssociationRow]
) -> None:
    table = association_table(target)
    arrow = pa.Table.from_arrays(
        [
            pa.array([row.from_id for row in rows], pa.int64()),
            pa.array([row.to_id for row in rows], pa.int64()),
            pa.array([row.category for row in rows], pa.string()),
            pa.array([row.type_id for row in rows], pa.int64()),
            pa.array([row.label for row in rows], pa.string()),
            pa.array([chunk.read_at] * len(rows), pa.timestamp("us", "UTC")),
        ],
        schema=table.arrow_schema(),
    )
    session.replace_matching(table, arrow, match=pa.table({target.from_column: pa.array(chunk.ids, pa.int64())}))
    reached("sync.associations_replaced")


def stored_until(warehouse: Warehouse, obj: ObjectType) -> datetime | None:
    """Return up to when this copy of the warehouse is complete by its own note; None without one."""
    with warehouse.writer() as session:
        return _stored_until(session, obj)


def note_complete(warehouse: Warehouse, obj: ObjectType, window: Window) -> None:
    """Note in the warehouse that a window is in it; the note only ever moves forward."""
    with warehouse.writer() as session, session.transaction():
        session.ensure(PROGRESS)
        until = stored_after(_stored_until(session, obj), window)
        rows = pa.table({"object": [obj.name], "complete_until": pa.array([until], LogicalType.TIMESTAMP.arrow)})
        session.merge(PROGRESS, rows)


def _stored_until(session: Session, obj: ObjectType) -> datetime | None:
    if not session.columns(PROGRESS):
        return None
    found = session.query(f"select complete_until from {PROGRESS.qualified} where object = ?", [obj.name])
    return found["complete_until"][0].as_py() if found.num_rows else None


def live_ids(warehouse: Warehouse, obj: ObjectType) -> pa.ChunkedArray:
    """Return the ids of the rows of the object that are not deleted (int64)."""
    with warehouse.writer() as session:
        found = session.query(
            f"select {quote(obj.id_column)} as id from hubspot.{quote(obj.table)} where not is_deleted"
        )
    return found["id"]


def live_count(warehouse: Warehouse, obj: ObjectType) -> int:
    """Return the number of rows of the object that are not deleted."""
    with warehouse.writer() as session:
        return _count(session, obj, "not is_deleted")


def mark_deleted(warehouse: Warehouse, obj: ObjectType, ids: Iterable[int]) -> int:
    """Mark records (the losers of merges) as deleted; returns how many were live until now."""
    wanted = sorted(set(ids))
    marked = 0
    for start in range(0, len(wanted), _IDS_PER_STATEMENT):
        part = wanted[start : start + _IDS_PER_STATEMENT]
        marks = ", ".join("?" * len(part))
        condition = f"not is_deleted and {quote(obj.id_column)} in ({marks})"
        marked += _mark(warehouse, obj, condition, part)
    return marked


def mark_vanished(
    warehouse: Warehouse, request: SyncRequest, before: pa.ChunkedArray, met: pa.ChunkedArray, *, largest_share: float
) -> int:
    """Mark the rows live `before` a complete full read that it did not meet; VolumeGuard when they are too many.

    By ids, not by `_fivetran_synced`: a clock that is stepped meanwhile must not make records look vanished, and a
    row that is newer than what was read keeps its old one.
    """
    gone = before.filter(pc.invert(pc.is_in(before, value_set=met.combine_chunks())))
    guard_volume(request, live=len(before), remaining=len(before) - len(gone), share=largest_share)
    return mark_deleted(warehouse, request.object, gone.to_pylist())


def _mark(warehouse: Warehouse, obj: ObjectType, condition: str, params: Sequence[object]) -> int:
    with warehouse.writer() as session, session.transaction():
        marked = _count(session, obj, condition, params)
        if marked:
            session.execute(
                f"update hubspot.{quote(obj.table)} set is_deleted = true, _fivetran_deleted = true where {condition}",
                params,
            )
    return marked


def _count(session: Session, obj: ObjectType, condition: str, params: Sequence[object] = ()) -> int:
    rows = session.query(f"select count(*) as n from hubspot.{quote(obj.table)} where {condition}", params)
    return int(rows.column("n")[0].as_py())
