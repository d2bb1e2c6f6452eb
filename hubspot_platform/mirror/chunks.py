"""From pages of HubSpot records to the Arrow rows of one chunk.

Records in, tables out. The sync engine collects pages and calls `build_chunk` in a worker thread. Arrow parses
the records and casts whole columns; only a chunk that holds something unusual is read record by record.
"""

from array import array
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import accumulate, chain
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from hubspot_platform.commit_points import reached
from hubspot_platform.hubspot.catalogue import merged_ids
from hubspot_platform.hubspot.ranges import Span
from hubspot_platform.hubspot.records import Records
from hubspot_platform.hubspot.retry import parse_json
from hubspot_platform.mirror.history import History, history_rows, join_histories, misfit_rows
from hubspot_platform.mirror.rejected import BROKEN_JSON, NO_ID, NO_PROPERTIES, REJECTED_ROW, rejected_rows
from hubspot_platform.mirror.tables import LONGEST_SAMPLE, VALUE_ERROR, ObjectLayout, ValueColumn
from hubspot_platform.mirror.values import (
    as_text,
    may_be_unstorable,
    storable_record,
    text_column,
    typed_column,
    without_empty,
)
from hubspot_platform.warehouse.model import LogicalType
from hubspot_platform.warehouse.rows import PARSED_JSON

PIECE_OBJECTS, PIECE_BYTES = 2_500, 8 << 20  # typed at once: parsing takes several times the memory of its JSON
_MOMENTS = _UPDATED, _ARCHIVED_AT = "updatedAt", "archivedAt"


@dataclass(frozen=True)
class Chunk:
    """The rows of some records, the values of theirs that did not fit, and the ids merged into them.

    `covers` are the ids of which these are all the records there are; `history` is None when none came with them.
    `rejected` are rows of `rejected_row`, one for every record that could not be read; `rejected_ids` are the ids of
    those that have one.
    """

    rows: pa.Table
    errors: pa.Table
    ids: tuple[int, ...]
    merged_away: tuple[int, ...]
    read_at: datetime
    covers: tuple[Span, ...] = ()
    history: History | None = None
    rejected: pa.Table = field(default_factory=REJECTED_ROW.arrow_schema().empty_table)
    rejected_ids: tuple[int, ...] = ()

    @property
    def read(self) -> int:
        """How many records were read, those that could not be stored included."""
        return len(self.ids) + int(self.rejected.num_rows)


@dataclass(frozen=True)
class _Parsed:
    """Records as text columns: `properties` by name, `moments` their own times by key; `raw` is their JSON."""

    raw: pa.Array
    archived: pa.Array
    moments: Mapping[str, pa.Array]
    properties: Mapping[str, pa.Array]


async def pieces_of(pages: AsyncIterator[Records]) -> AsyncGenerator[list[Records], None]:
    """Yield pages in groups that are typed at once."""
    collected: list[Records] = []
    async for page in pages:
        reached("sync.page_read")
        collected.append(page)
        if sum(map(len, collected)) >= PIECE_OBJECTS or sum(kept.size for kept in collected) >= PIECE_BYTES:
            yield collected
            collected = []
    if collected:
        yield collected


def build_chunk(layout: ObjectLayout, pages: Sequence[Records], *, portal_id: int, read_at: datetime) -> Chunk:
    """Type every property of every record; values that do not fit become null and a row of `value_error`.

    A record without id or properties, or that is broken JSON, is rejected; the others do not notice.
    """
    covers = tuple(page.covers for page in pages if page.covers is not None)
    names = list(dict.fromkeys(value.property for value in layout.values))
    raw, replaced = _storable(_texts(pages))
    parsed = _parse(raw, names)
    unreadable: list[_Unreadable] = []
    if parsed is None:
        pages, unreadable = _sorted_out(pages)
        raw, replaced = _storable(_texts(pages))
        parsed = _parse(raw, names) or _parse_one_by_one(raw, names)
    ids = tuple(chain.from_iterable(page.ids for page in pages))
    errors = _ErrorRows(layout, ids, read_at)
    columns = _fixed_columns(layout, parsed, ids, portal_id, read_at)
    for value in layout.values:
        raw_column = parsed.properties[value.property]
        typed = typed_column(raw_column, value.type)
        columns[value.column] = typed.values
        if value.declared is not None:
            errors.add(value, raw_column, typed.rejected)
    for object_id, changed in replaced:
        errors.add_replaced(object_id, changed)
    rows = pa.table({name: columns[name] for name in layout.table.column_names})
    chunk = Chunk(rows, errors.table(), ids, _merged_away(layout, ids, parsed), read_at, covers)
    nameless = [(text, NO_ID) for page in pages for text in page.nameless]
    if unreadable or nameless:
        documents = [*nameless, *((found.text, found.reason) for found in unreadable)]
        rejected = rejected_rows(layout.table, documents, read_at)
        chunk = replace(chunk, rejected=rejected, rejected_ids=tuple(found.id for found in unreadable))
    return with_history(layout, chunk, history_rows(layout.object, pages, read_at=read_at))


def with_history(layout: ObjectLayout, chunk: Chunk, history: History | None) -> Chunk:
    """Return the chunk with a history of its records, if there is one."""
    if history is None:
        return chunk
    # The record's own misfits come last: of two rows for one property, the last is stored.
    errors = [misfit_rows(layout.object, history, chunk.read_at), chunk.errors] if history.misfits else [chunk.errors]
    return replace(chunk, errors=pa.concat_tables(errors), history=history)


def join_chunks(chunks: Sequence[Chunk]) -> Chunk:
    """Return one chunk of them all, without copying; it counts as read when its first one was."""
    return Chunk(
        rows=pa.concat_tables([chunk.rows for chunk in chunks]),
        errors=pa.concat_tables([chunk.errors for chunk in chunks]),
        ids=tuple(chain.from_iterable(chunk.ids for chunk in chunks)),
        merged_away=tuple(chain.from_iterable(chunk.merged_away for chunk in chunks)),
        read_at=chunks[0].read_at,
        covers=tuple(chain.from_iterable(chunk.covers for chunk in chunks)),
        history=join_histories([chunk.history for chunk in chunks]),
        rejected=pa.concat_tables([chunk.rejected for chunk in chunks]),
        rejected_ids=tuple(chain.from_iterable(chunk.rejected_ids for chunk in chunks)),
    )


@dataclass(frozen=True)
class _Unreadable:
    id: int
    text: bytes
    reason: str


def _sorted_out(pages: Sequence[Records]) -> tuple[list[Records], list[_Unreadable]]:
    """Return the pages without the records that cannot be read, and those."""
    kept: list[Records] = []
    unreadable: list[_Unreadable] = []
    for page in pages:
        faults = {place: read for place, text in enumerate(page.texts) if isinstance(read := _record(text), str)}
        unreadable += [_Unreadable(page.ids[place], page.texts[place], reason) for place, reason in faults.items()]
        kept.append(page.at([place for place in range(len(page)) if place not in faults]) if faults else page)
    return kept, unreadable


def _texts(pages: Sequence[Records]) -> list[bytes]:
    return list(chain.from_iterable(page.texts for page in pages))


def _storable(texts: Sequence[bytes]) -> tuple[pa.Array, list[tuple[int, dict[str, str]]]]:
    """Return the records' texts as a column, without characters no database stores, and what was changed.

    The column's data is one document of all texts; changes come by record id and property. A record that cannot be
    read is left as it is.
    """
    stored = list(texts)
    replaced: list[tuple[int, dict[str, str]]] = []
    for place, text in enumerate(texts):
        if not may_be_unstorable(text) or isinstance(read := _record(text), str):
            continue
        record, changed = storable_record(read)
        stored[place] = orjson.dumps(record)
        replaced.append((int(record["id"]), changed))
    document, offsets = b"".join(stored), array("i", accumulate(map(len, stored), initial=0))
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(document)]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers), replaced


def _parse(raw: pa.Array, names: Sequence[str]) -> _Parsed | None:
    """Parse all records at once; None when one of them is unusual, such as a value that is no text."""
    properties = pa.struct([(name, pa.string()) for name in names])
    moments = [(key, pa.string()) for key in _MOMENTS]
    schema = pa.schema([("properties", properties), *moments, ("archived", pa.bool_())])
    document = raw.buffers()[2]
    try:
        raw.validate(full=True)  # that it is UTF-8
        found = pj.read_json(
            document,
            read_options=pj.ReadOptions(use_threads=False, block_size=document.size),
            parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
            memory_pool=pa.system_memory_pool(),  # which gives the memory back when a chunk is done
        )
    except pa.ArrowInvalid:
        return None
    if found.num_rows != len(raw) or found["archived"].num_chunks != 1 or found["properties"].null_count:
        return None
    columns = {name: found[name].chunk(0) for name in schema.names}
    values = zip(names, columns["properties"].flatten(), strict=True)
    return _Parsed(
        raw=raw,
        archived=columns["archived"].fill_null(False),
        moments={key: columns[key] for key in _MOMENTS},
        properties={name: without_empty(column) for name, column in values},
    )


def _parse_one_by_one(raw: pa.Array, names: Sequence[str]) -> _Parsed:
    records = [parse_json(text) for text in raw.cast(pa.binary()).to_pylist()]
    values = [record["properties"] for record in records]
    return _Parsed(
        raw=pa.array([orjson.dumps(record) for record in records], pa.string()),
        archived=pa.array([bool(record.get("archived")) for record in records], pa.bool_()),
        moments={key: text_column([record.get(key) for record in records]) for key in _MOMENTS},
        properties={name: text_column([properties.get(name) for properties in values]) for name in names},
    )


def _record(text: bytes) -> dict[str, Any] | str:
    """Return the record, or why it cannot be read."""
    try:
        record: dict[str, Any] = parse_json(text)
    except ValueError:
        return BROKEN_JSON
    return record if isinstance(record.get("properties"), dict) else NO_PROPERTIES


def _merged_away(layout: ObjectLayout, ids: Sequence[int], parsed: _Parsed) -> tuple[int, ...]:
    """Return the ids that were merged into the records; few records have a trace of a merge."""
    traces = {name: parsed.properties[name] for name in layout.object.merge_traces if name in parsed.properties}
    marked = {at for column in traces.values() for at in pc.indices_nonzero(column.is_valid()).to_pylist()}
    found: list[int] = []
    for at in sorted(marked):
        properties = {name: column[at].as_py() for name, column in traces.items()}
        found += merged_ids(layout.object, {"id": str(ids[at]), "properties": properties})
    return tuple(found)


def _fixed_columns(
    layout: ObjectLayout, parsed: _Parsed, ids: Sequence[int], portal_id: int, read_at: datetime
) -> dict[str, pa.Array]:
    return {
        layout.object.id_column: pa.array(ids, pa.int64()),
        "type": pa.repeat(pa.scalar(layout.object.engagement_type, pa.string()), len(ids)),
        "portal_id": pa.repeat(pa.scalar(portal_id, pa.int64()), len(ids)),
        "is_deleted": parsed.archived,
        "_fivetran_deleted": parsed.archived,
        "updated_at": typed_column(parsed.moments[_UPDATED], LogicalType.TIMESTAMP).values,
        "archived_at": typed_column(parsed.moments[_ARCHIVED_AT], LogicalType.TIMESTAMP).values,
        "raw_json": pa.ExtensionArray.from_storage(PARSED_JSON, parsed.raw),
        "_fivetran_synced": pa.repeat(pa.scalar(read_at, LogicalType.TIMESTAMP.arrow), len(ids)),
    }


class _ErrorRows:
    """Collects the rows of `value_error`, one per record and property."""

    def __init__(self, layout: ObjectLayout, ids: Sequence[int], read_at: datetime) -> None:
        self._layout = layout
        self._ids = ids
        self._read_at = read_at
        self._rows: dict[tuple[int, str], dict[str, Any]] = {}

    def add(self, value: ValueColumn, raw: pa.Array, positions: Sequence[int]) -> None:
        for position in positions:
            sample = raw[position].as_py()
            self._put(self._ids[position], value.property, sample, value.type.value, "does_not_fit")

    def add_replaced(self, object_id: int, changed: dict[str, str]) -> None:
        for name, stored in changed.items():
            self._put(object_id, name, stored, LogicalType.TEXT.value, "characters_replaced")

    def _put(self, object_id: int, name: str, value: Any, declared: str, reason: str) -> None:
        self._rows.setdefault(
            (object_id, name),
            {
                "object_type": self._layout.object.name,
                "object_id": object_id,
                "property": name,
                "value": as_text(value)[:LONGEST_SAMPLE],
                "declared_type": declared,
                "reason": reason,
                "seen_at": self._read_at,
            },
        )

    def table(self) -> pa.Table:
        return pa.Table.from_pylist(list(self._rows.values()), schema=VALUE_ERROR.arrow_schema())
