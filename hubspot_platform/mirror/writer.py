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
from hubspot_platform.hubspot.catalogue import AssociationTarget, ObjectType, ReferenceType
from hubspot_platform.hubspot.properties import PropertyDefinition
from hubspot_platform.mirror import change_tables, lifecycle
from hubspot_platform.mirror.change_writer import hold, keep_newer
from hubspot_platform.mirror.chunks import Chunk
from hubspot_platform.mirror.history_writer import history_tables, write_history
from hubspot_platform.mirror.ledger import ReadMarks, forget_ranges, mark_ranges
from hubspot_platform.mirror.merges import merge_table, write_merges
from hubspot_platform.mirror.plan import SyncRequest, guard_volume, stored_after
from hubspot_platform.mirror.rejected import REJECTED_ROW
from hubspot_platform.mirror.tables import (
    ENGAGEMENT,
    PROGRESS,
    VALUE_ERROR,
    ObjectLayout,
    association_table,
    layout_for,
)
from hubspot_platform.state.windows import Window
from hubspot_platform.warehouse import Session, Warehouse
from hubspot_platform.warehouse.model import LogicalType, MergeCounts, Table, quote

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
        if obj.engagement_type:
            session.ensure(ENGAGEMENT)
        for table in (*tables_beside(obj), *change_tables.TABLES):
            session.ensure(table)
    return layout, tuple(column.name for column in added) if stored else ()


def tables_beside(obj: ObjectType) -> tuple[Table, ...]:
    """Return the tables of changes and merges that an object's sync fills beside its own."""
    merges = merge_table(obj)
    return (*history_tables(obj), *((merges,) if merges else ()))


def write_chunk(
    warehouse: Warehouse,
    warehouse_id: str,
    layout: ObjectLayout,
    chunk: Chunk,
    associations: Mapping[AssociationTarget, Sequence[AssociationRow]],
    marks: ReadMarks | None = None,
) -> MergeCounts:
    """Merge the chunk's records and add their history, replace their value errors and associations: one transaction.

    What events said after the copies were made stays. With `marks` the id ranges the chunk covers are noted in it too,
    for another try of the same full read.

    Raises WarehouseReplaced when this no longer is the warehouse whose progress the sync will record.
    """
    reached("sync.before_merge")
    with warehouse.writer() as session, session.transaction():
        if session.identity() != warehouse_id:
            raise WarehouseReplaced("the warehouse was replaced during the sync", mend="run the sync again")
        hold(session, layout)
        given = chunk.rows.num_rows
        chunk = lifecycle.without_purged(session, layout.object, chunk)
        counts = session.merge(layout.table, chunk.rows, newer_by="updated_at", content="raw_json")
        counts += MergeCounts(stale=given - chunk.rows.num_rows)  # what was purged is newer than any copy
        reached("sync.inside_merge")
        if layout.object.engagement_type:
            _merge_engagements(session, layout.object, chunk)
        _replace_errors(session, layout.object, chunk)
        if chunk.rejected.num_rows:
            session.ensure(REJECTED_ROW)
            session.merge(REJECTED_ROW, chunk.rejected)
        write_merges(session, layout.object, chunk)
        if chunk.history is not None:
            write_history(session, layout.object, chunk.history)
        for target, rows in associations.items():
            replace_associations(session, target, chunk.ids, rows, read_at=chunk.read_at)
        keep_newer(session, layout, chunk)
        if gone := lifecycle.deleted_since(session, layout, chunk):
            delete_records(session, layout.object, gone)
        if marks is not None:
            mark_ranges(session, layout.object, chunk.covers, chunk.read, marks)
    reached("sync.chunk_merged")
    return counts


def _merge_engagements(session: Session, obj: ObjectType, chunk: Chunk) -> None:
    """Keep table `engagement` in step: one row for every row of the engagement's own table."""
    columns = {name: chunk.rows[obj.id_column if name == "id" else name] for name in ENGAGEMENT.column_names}
    session.merge(ENGAGEMENT, pa.table(columns), newer_by="updated_at")


def note_engagements(session: Session, obj: ObjectType, ids: Sequence[int], *, deleted: bool) -> None:
    """Say in table `engagement` too that some engagements are deleted, or that they are not."""
    if obj.engagement_type:
        session.execute(
            f"update {ENGAGEMENT.qualified} set _fivetran_deleted = ? where id in ({', '.join('?' * len(ids))})",
            [deleted, *ids],
        )


def _replace_errors(session: Session, obj: ObjectType, chunk: Chunk) -> None:
    match = pa.table(
        {
            "object_type": pa.array([obj.name] * len(chunk.ids), pa.string()),
            "object_id": pa.array(chunk.ids, pa.int64()),
        }
    )
    session.replace_matching(VALUE_ERROR, chunk.errors, match=match)


def replace_associations(
    session: Session,
    target: AssociationTarget,
    ids: Sequence[int],
    rows: Sequence[AssociationRow],
    *,
    read_at: datetime,
) -> None:
    """Replace every stored association of the records `ids` by `rows`."""
    table = association_table(target)
    arrow = pa.Table.from_arrays(
        [
            pa.array([row.from_id for row in rows], pa.int64()),
            pa.array([row.to_id for row in rows], pa.int64()),
            pa.array([row.category for row in rows], pa.string()),
            pa.array([row.type_id for row in rows], pa.int64()),
            pa.array([row.label for row in rows], pa.string()),
            pa.array([read_at] * len(rows), pa.timestamp("us", "UTC")),
        ],
        schema=table.arrow_schema(),
    )
    session.replace_matching(table, arrow, match=pa.table({target.from_column: pa.array(ids, pa.int64())}))
    reached("sync.associations_replaced")


def stored_until(warehouse: Warehouse, obj: ObjectType | ReferenceType, *, history: bool = False) -> datetime | None:
    """Return up to when this copy of the warehouse is complete by its own note; None without one.

    With `history` the changes of properties must be complete as well: they are not after a sync that left them out.
    """
    with warehouse.writer() as session:
        notes = [_stored_until(session, name) for name in _noted(obj, history=history)]
    known = [note for note in notes if note is not None]
    return min(known) if len(known) == len(notes) else None


def note_complete(
    warehouse: Warehouse, obj: ObjectType | ReferenceType, window: Window, *, history: bool = False
) -> None:
    """Note in the warehouse that a window is in it, `history` too; the notes only ever move forward."""
    with warehouse.writer() as session, session.transaction():
        session.ensure(PROGRESS)
        for name in _noted(obj, history=history):
            until = stored_after(_stored_until(session, name), window)
            rows = pa.table({"object": [name], "complete_until": pa.array([until], LogicalType.TIMESTAMP.arrow)})
            session.merge(PROGRESS, rows)
        if window.start is None:
            forget_ranges(session, obj)


def _noted(obj: ObjectType | ReferenceType, *, history: bool) -> list[str]:
    return [obj.name, f"{obj.name} history"] if history else [obj.name]


def _stored_until(session: Session, name: str) -> datetime | None:
    if not session.columns(PROGRESS):
        return None
    found = session.query(f"select complete_until from {PROGRESS.qualified} where object = ?", [name])
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
    if not len(before):
        return 0
    gone = before.filter(pc.invert(pc.is_in(before, value_set=met.combine_chunks())))
    guard_volume(request, live=len(before), remaining=len(before) - len(gone), share=largest_share)
    return mark_deleted(warehouse, request.object, gone.to_pylist())


def _mark(warehouse: Warehouse, obj: ObjectType, condition: str, params: Sequence[int]) -> int:
    with warehouse.writer() as session, session.transaction():
        marked = _count(session, obj, condition, params)
        if marked:
            delete_records(session, obj, params)
    return marked


def delete_records(session: Session, obj: ObjectType, ids: Sequence[int]) -> None:
    """Mark records as deleted and remove their associations, inside a transaction."""
    marks = ", ".join("?" * len(ids))
    session.execute(
        f"update hubspot.{quote(obj.table)} set is_deleted = true, _fivetran_deleted = true "
        f"where not is_deleted and {quote(obj.id_column)} in ({marks})",
        ids,
    )
    note_engagements(session, obj, ids, deleted=True)
    reached("pass.inside_mark")
    for target in obj.associations:
        gone = pa.table({target.from_column: pa.array(ids, pa.int64())})
        table = association_table(target)
        session.replace_matching(table, table.arrow_schema().empty_table(), match=gone)


def _count(session: Session, obj: ObjectType, condition: str, params: Sequence[object] = ()) -> int:
    rows = session.query(f"select count(*) as n from hubspot.{quote(obj.table)} where {condition}", params)
    return int(rows.column("n")[0].as_py())
