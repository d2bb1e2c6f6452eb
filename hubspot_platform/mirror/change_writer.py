"""Writes single changes of properties into the mirror: into the record's copy, its typed column and its history.

A change is put into the stored copy of the record, and that goes the way of every copy: through the chunk builder and
the merge. The workers call `apply_changes`; the writer of whole records calls `keep_newer`, so that a sync that read an
older copy does not undo what an event said since.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from hubspot_platform.commit_points import reached
from hubspot_platform.hubspot.properties import PropertyDefinition
from hubspot_platform.hubspot.records import Records
from hubspot_platform.hubspot.retry import parse_json
from hubspot_platform.mirror.change_tables import EVENT_VALUE
from hubspot_platform.mirror.changes import (
    Decision,
    PropertyChange,
    Rank,
    StoredRecord,
    Version,
    decide,
    is_unknown_option,
    ranked_versions,
)
from hubspot_platform.mirror.chunks import Chunk, build_chunk
from hubspot_platform.mirror.history import History, history_table, moment_column
from hubspot_platform.mirror.history_writer import write_history
from hubspot_platform.mirror.tables import LONGEST_SAMPLE, VALUE_ERROR, ObjectLayout
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.model import LogicalType, quote

SETTLED_AFTER = timedelta(minutes=15)
"""A copy read this long after an event was applied has seen it, whatever `updatedAt` it bears: search lags less."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMESTAMP = LogicalType.TIMESTAMP.arrow
_KEPT = ("portal_id", "is_deleted", "updated_at", "archived_at", "_fivetran_deleted", "_fivetran_synced")


@dataclass(frozen=True)
class _Patch:
    """A change that takes effect; with `unknown_option` the typed column keeps what it has."""

    change: PropertyChange
    unknown_option: bool


def apply_changes(
    session: Session,
    layout: ObjectLayout,
    changes: Sequence[PropertyChange],
    definitions: Mapping[str, PropertyDefinition],
    now: datetime,
    seen: Mapping[int, datetime],
) -> Decision:
    """Put those changes into the mirror that are the last of their property, and all of known records into history.

    `seen`: up to when the copies of some records include everything whatever their `updatedAt` says, because they were
    read after that.
    Inside a transaction that holds the object (`hold`); repeating it changes nothing.
    """
    ids = sorted({change.object_id for change in changes})
    records = {i: _seen(record, seen.get(i)) for i, record in stored_records(session, layout, ids).items()}
    applied = _applied(session, layout, ids)
    decision = decide(changes, records, applied)
    patches = [_Patch(c, is_unknown_option(definitions.get(c.name), c.value)) for c in decision.winners]
    _patch(session, layout, patches, now)
    _note(session, layout, patches, now)
    _add_history(session, layout, [change for change in changes if change.object_id in records], applied, now)
    reached("worker.inside_merge")
    return decision


def keep_newer(session: Session, layout: ObjectLayout, chunk: Chunk) -> None:
    """Put what events said after the chunk's copies were made back into the records just merged."""
    obj = layout.object
    table, key = layout.table.qualified, quote(obj.id_column)
    if not session.query(f"select 1 from {EVENT_VALUE.qualified} where object = ? limit 1", [obj.name]).num_rows:
        return
    session.execute(
        f"delete from {EVENT_VALUE.qualified} as e where e.object = ? and exists "
        f"(select 1 from {table} as r where r.{key} = e.object_id and r.updated_at >= e.occurred_at)",
        [obj.name],
    )
    found = session.query(f"select * from {EVENT_VALUE.qualified} where object = ? and not settled", [obj.name])
    in_chunk = found.filter(pc.is_in(found["object_id"], value_set=pa.array(chunk.ids, pa.int64())))
    settled = pc.less_equal(in_chunk["applied_at"], pa.scalar(chunk.read_at - SETTLED_AFTER, _TIMESTAMP))
    done = in_chunk.filter(settled)
    if done.num_rows:
        position = done.schema.get_field_index("settled")
        session.merge(EVENT_VALUE, done.set_column(position, "settled", pa.array([True] * done.num_rows)))
    newer = in_chunk.filter(pc.invert(settled)).to_pylist()
    patches = [_Patch(_change(row), bool(row["unknown_option"])) for row in newer]
    _patch(session, layout, patches, chunk.read_at)


def hold(session: Session, layout: ObjectLayout) -> None:
    """Keep other writers of the object's records out until the transaction ends; DuckDB has one writer anyway."""
    if session.dialect == "postgres":
        session.execute("select pg_advisory_xact_lock(hashtextextended(?, 0))", [f"mirror:{layout.object.name}"])


def stored_records(session: Session, layout: ObjectLayout, ids: Sequence[int]) -> dict[int, StoredRecord]:
    """Return what the mirror knows of those of the records that it has."""
    if not ids:
        return {}
    found = session.query(
        f"select {quote(layout.object.id_column)} as id, updated_at, is_deleted, archived_at "
        f"from {layout.table.qualified} where {quote(layout.object.id_column)} in ({listed(ids)})"
    )
    ids, deleted = _columns(found, "id", "is_deleted")
    times = zip(ids, _moments(found["updated_at"]), deleted, _moments(found["archived_at"]), strict=True)
    return {
        record: StoredRecord(updated, bool(is_deleted), archived) for record, updated, is_deleted, archived in times
    }


def _moments(column: pa.ChunkedArray) -> list[datetime | None]:
    """Return timestamps as Arrow's `to_pylist` does, in a fraction of its time."""
    return [None if us is None else _EPOCH + timedelta(microseconds=us) for us in column.cast(pa.int64()).to_pylist()]


def _seen(record: StoredRecord, until: datetime | None) -> StoredRecord:
    if until is None or (record.updated_at is not None and record.updated_at >= until):
        return record
    return replace(record, updated_at=until)


def listed(ids: Iterable[int]) -> str:
    """Return ids as SQL for `in (…)`: one text, which both engines read much faster than thousands of numbers."""
    return f"select cast(cast(i.item as text) as bigint) from json_items('[{','.join(map(str, ids))}]') as i"


def _change(row: Mapping[str, Any]) -> PropertyChange:
    return PropertyChange(row["object_id"], row["property"], row["value"], row["occurred_at"], row["event_id"])


def _applied(session: Session, layout: ObjectLayout, ids: Sequence[int]) -> dict[tuple[int, str], Rank]:
    if not ids:
        return {}
    found = session.query(
        f"select object_id, property, value, occurred_at, event_id from {EVENT_VALUE.qualified} "
        f"where object = ? and object_id in ({listed(ids)})",
        [layout.object.name],
    )
    ids, names, values, event_ids = _columns(found, "object_id", "property", "value", "event_id")
    rows = zip(ids, names, _moments(found["occurred_at"]), event_ids, values, strict=True)
    return {(record, name): Rank(at or _EPOCH, event_id, value or "") for record, name, at, event_id, value in rows}


def _patch(session: Session, layout: ObjectLayout, patches: Sequence[_Patch], now: datetime) -> None:
    """Make the patched copies of the records and merge them; value errors of the patched properties are new."""
    if not patches:
        return
    values: dict[int, dict[str, str | None]] = defaultdict(dict)
    for patch in patches:
        values[patch.change.object_id][patch.change.name] = patch.change.value
    key = layout.object.id_column
    names = ", ".join(map(quote, (key, *_KEPT)))
    stored = session.query(
        f"select {names}, cast(raw_json as text) as raw_text from {layout.table.qualified} "
        f"where {quote(key)} in ({listed(values)})"
    )
    texts = [_patched(text, values[i]) for i, text in zip(*_columns(stored, key, "raw_text"), strict=True)]
    ids = stored[key].to_pylist()
    chunk = build_chunk(layout, [Records(ids, texts)], portal_id=0, read_at=now)
    rows = chunk.rows
    if rows.num_rows < stored.num_rows:
        stored = stored.take(pc.index_in(rows[key], value_set=stored[key].combine_chunks()))
    for name in _KEPT:
        rows = rows.set_column(rows.schema.get_field_index(name), name, stored[name])
    errors = _new_errors(layout, chunk, patches, values, now)
    refused = {(row["object_id"], row["property"]) for row in errors if row["reason"] != "characters_replaced"}
    rows = _keep_columns(session, layout, rows, refused | _refused_before(session, layout, values))
    session.merge(layout.table, rows)
    _replace_errors(session, layout, values, errors)


def _columns(table: pa.Table, *names: str) -> list[list[Any]]:
    return [table[name].to_pylist() for name in names]


def _patched(text: str, values: Mapping[str, str | None]) -> bytes:
    record = parse_json(text.encode())
    record["properties"] = {**(record.get("properties") or {}), **values}
    return orjson.dumps(record)


def _new_errors(
    layout: ObjectLayout,
    chunk: Chunk,
    patches: Sequence[_Patch],
    values: Mapping[int, Mapping[str, str | None]],
    now: datetime,
) -> list[dict[str, Any]]:
    """Return rows of `value_error` for the patched properties."""
    found = {
        (row["object_id"], row["property"]): row
        for row in chunk.errors.to_pylist()
        if row["property"] in values[row["object_id"]]
    }
    for patch in patches:
        change = patch.change
        if patch.unknown_option or change.characters_replaced:
            row = {
                "object_type": layout.object.name,
                "object_id": change.object_id,
                "property": change.name,
                "value": (change.value or "")[:LONGEST_SAMPLE],
                "declared_type": "enumeration" if patch.unknown_option else LogicalType.TEXT.value,
                "reason": "unknown_option" if patch.unknown_option else "characters_replaced",
                "seen_at": now,
            }
            found.setdefault((change.object_id, change.name), row)
    return list(found.values())


def _refused_before(
    session: Session, layout: ObjectLayout, values: Mapping[int, Mapping[str, str | None]]
) -> set[tuple[int, str]]:
    """Return the properties of the records that were refused earlier and have not changed now."""
    found = session.query(
        f"select object_id, property from {VALUE_ERROR.qualified} "
        f"where object_type = ? and reason <> 'characters_replaced' and object_id in ({listed(values)})",
        [layout.object.name],
    )
    pairs = {(row["object_id"], row["property"]) for row in found.to_pylist()}
    return {(record, name) for record, name in pairs if name not in values[record]}


def _keep_columns(session: Session, layout: ObjectLayout, rows: pa.Table, refused: set[tuple[int, str]]) -> pa.Table:
    """Return the rows with the stored values in the columns of refused properties."""
    names = {name for _, name in refused}
    columns = {value.column: value for value in layout.values if value.property in names}
    if not columns:
        return rows
    key = layout.object.id_column
    chosen = ", ".join(map(quote, (key, *columns)))
    ids = sorted({record for record, _ in refused})
    found = session.query(f"select {chosen} from {layout.table.qualified} where {quote(key)} in ({listed(ids)})")
    stored = {row[key]: row for row in found.to_pylist()}
    order = rows[key].to_pylist()
    for column, value in columns.items():
        kept = rows[column].to_pylist()
        for place, record in enumerate(order):
            if (record, value.property) in refused:
                kept[place] = stored[record][column]
        array = pa.array(kept, value.type.arrow)
        rows = rows.set_column(rows.schema.get_field_index(column), column, array)
    return rows


def _replace_errors(
    session: Session,
    layout: ObjectLayout,
    values: Mapping[int, Mapping[str, str | None]],
    errors: Sequence[Mapping[str, Any]],
) -> None:
    pairs = [(record, name) for record, names in values.items() for name in names]
    match = pa.table(
        {
            "object_type": pa.array([layout.object.name] * len(pairs), pa.string()),
            "object_id": pa.array([record for record, _ in pairs], pa.int64()),
            "property": pa.array([name for _, name in pairs], pa.string()),
        }
    )
    rows = pa.Table.from_pylist(list(errors), schema=VALUE_ERROR.arrow_schema())
    session.replace_matching(VALUE_ERROR, rows, match=match)


def _note(session: Session, layout: ObjectLayout, patches: Sequence[_Patch], now: datetime) -> None:
    if not patches:
        return
    changes = [patch.change for patch in patches]
    columns = {
        "object": [layout.object.name] * len(changes),
        "object_id": [change.object_id for change in changes],
        "property": [change.name for change in changes],
        "value": [change.value for change in changes],
        "occurred_at": [change.occurred_at for change in changes],
        "event_id": [change.event_id for change in changes],
        "unknown_option": [patch.unknown_option for patch in patches],
        "applied_at": [now] * len(changes),
        "settled": [False] * len(changes),
    }
    session.merge(EVENT_VALUE, pa.table(columns, schema=EVENT_VALUE.arrow_schema()))


def _add_history(
    session: Session,
    layout: ObjectLayout,
    changes: Sequence[PropertyChange],
    applied: Mapping[tuple[int, str], Rank],
    now: datetime,
) -> None:
    """Add the changes to the object's history that it does not have, each instant's in their order."""
    table = history_table(layout.object)
    if table is None or not changes:
        return
    record, moment = table.key[0], moment_column(layout.object.name)
    instants: dict[tuple[int, str, datetime], list[PropertyChange]] = defaultdict(list)
    for change in changes:
        instants[change.object_id, change.name, change.occurred_at].append(change)
    found = session.query(
        f"select {quote(record)} as id, name, {quote(moment)} as at, value, source, source_id from {table.qualified} "
        f"where {quote(record)} in ({listed({change.object_id for change in changes})}) "
        f"and {quote(moment)} between ? and ? order by instant_rank",
        [min(at for *_, at in instants), max(at for *_, at in instants)],
    )
    stored: dict[tuple[int, str, datetime], list[Version]] = defaultdict(list)
    for row in found.to_pylist():
        stored[row["id"], row["name"], row["at"]].append(Version(row["value"], row["source"], row["source_id"]))
    rows: list[dict[str, Any]] = []
    for (object_id, name, at), group in instants.items():
        versions = ranked_versions(group, stored.get((object_id, name, at), []), applied.get((object_id, name)))
        rows += [
            {
                record: object_id,
                "name": name,
                "value": version.value,
                moment: at,
                "instant_rank": rank,
                "source": version.source,
                "source_id": version.source_id,
                "_fivetran_start": at,
                "_fivetran_synced": now,
            }
            for rank, version in enumerate(versions)
        ]
    if rows:
        arrow = pa.Table.from_pylist(rows, schema=table.arrow_schema())
        write_history(session, layout.object, History(arrow, (), tuple({row[record] for row in rows})))
