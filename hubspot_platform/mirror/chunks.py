"""From pages of HubSpot records to the Arrow rows of one chunk.

Pure: records in, tables out. The sync engine packs every page as it arrives, which frees the page's Python objects
while they are still warm, and calls `join_pages` in a worker thread. Columns are built property by property because
that is several times cheaper than record by record.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, chain
from operator import itemgetter
from typing import Any

import orjson
import pyarrow as pa

from hubspot_platform.hubspot.catalogue import merged_ids
from hubspot_platform.mirror.tables import VALUE_ERROR, ObjectLayout, ValueColumn
from hubspot_platform.mirror.values import as_text, storable_record, texts, typed_column
from hubspot_platform.warehouse.model import LogicalType

_LONGEST_SAMPLE = 1000
_NUL = b"\\u0000"


@dataclass(frozen=True)
class Chunk:
    """The rows of some records, the values of theirs that did not fit, and the ids merged into them."""

    rows: pa.Table
    errors: pa.Table
    ids: tuple[int, ...]
    merged_away: tuple[int, ...]
    read_at: datetime


@dataclass(frozen=True)
class PackedPage:
    """Some records as Arrow text. `texts` holds all values of the first property, then of the second, and so on,
    and after them the records' `updatedAt` and `archivedAt`; `replaced` names texts no database stores, by record id.
    """

    ids: tuple[int, ...]
    texts: pa.Array
    raw: pa.Array
    archived: tuple[bool, ...]
    merged_away: tuple[int, ...]
    replaced: tuple[tuple[int, dict[str, str]], ...]

    def column(self, number: int) -> pa.Array:
        """Return the values of one property, without copying them."""
        return self.texts.slice(number * len(self.ids), len(self.ids))


def pack_page(layout: ObjectLayout, records: Sequence[dict[str, Any]]) -> PackedPage:
    """Return the records without their Python objects; at most a few hundred of them stay in the processor's cache."""
    try:
        raw = [orjson.dumps(record) for record in records]
    except TypeError:
        raw = [_as_json(record) for record in records]
    replaced: list[tuple[int, dict[str, str]]] = []
    records = list(records)
    for position in _unstorable(raw):
        records[position], changed = storable_record(records[position])
        raw[position] = orjson.dumps(records[position])
        replaced.append((int(records[position]["id"]), changed))
    values = [record.get("properties") or {} for record in records]
    moments = (record.get(key) for key in ("updatedAt", "archivedAt") for record in records)
    columns = zip(*_values(layout, values), strict=True)
    return PackedPage(
        ids=tuple(int(record["id"]) for record in records),
        texts=texts(list(chain(chain.from_iterable(columns), moments))),
        raw=_text_array(raw),
        archived=tuple(bool(record.get("archived")) for record in records),
        merged_away=_merged_away(layout, records, values),
        replaced=tuple(replaced),
    )


def _values(layout: ObjectLayout, values: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return each record's values in column order: at once when no record lacks a property, as HubSpot answers."""
    names = [value.property for value in layout.values]
    try:
        every = itemgetter(*names)  # every layout has its id and its modification time at least: never one value alone
        return [every(properties) for properties in values]
    except KeyError:
        return [tuple(properties.get(name) for name in names) for properties in values]


def _merged_away(
    layout: ObjectLayout, records: Sequence[dict[str, Any]], values: Sequence[dict[str, Any]]
) -> tuple[int, ...]:
    obj = layout.object
    traces = [name for name in (obj.merged_ids_property, obj.merged_pairs_property) if name]
    merged = [record for record, properties in zip(records, values, strict=True) if any(map(properties.get, traces))]
    return tuple(loser for record in merged for loser in merged_ids(obj, record))


def _text_array(raw: Sequence[bytes]) -> pa.Array:
    """Return UTF-8 texts as an Arrow column: one copy of them all, which is cheaper than one by one."""
    offsets = pa.array(list(accumulate(map(len, raw), initial=0)), pa.int32())
    return pa.Array.from_buffers(pa.string(), len(raw), [None, offsets.buffers()[1], pa.py_buffer(b"".join(raw))])


def _as_json(record: dict[str, Any]) -> bytes:
    """Return the record's JSON, or only an escaped NUL for one with a lone surrogate: both have to be replaced."""
    try:
        return orjson.dumps(record)
    except TypeError:
        return _NUL


def _unstorable(raw: list[bytes]) -> Iterator[int]:
    """Yield the positions of records whose JSON holds a NUL."""
    return (position for position, text in enumerate(raw) if _NUL in text)


def join_pages(layout: ObjectLayout, pages: Sequence[PackedPage], *, portal_id: int, read_at: datetime) -> Chunk:
    """Type every property of every record; values that do not fit become null and a row of `value_error`."""
    ids = tuple(chain.from_iterable(page.ids for page in pages))
    errors = _ErrorRows(layout, ids, read_at)
    columns = _fixed_columns(layout, pages, ids, portal_id, read_at)
    for number, value in enumerate(layout.values):
        raw_column = pa.concat_arrays([page.column(number) for page in pages])
        typed = typed_column(raw_column, value.type)
        columns[value.column] = typed.values
        if value.declared is not None:
            errors.add(value, raw_column, typed.rejected)
    for page in pages:
        for object_id, changed in page.replaced:
            errors.add_replaced(object_id, changed)
    table = layout.table
    rows = pa.Table.from_arrays([columns[name] for name in table.column_names], schema=table.arrow_schema())
    merged = tuple(chain.from_iterable(page.merged_away for page in pages))
    return Chunk(rows, errors.table(), ids, merged, read_at)


def _fixed_columns(
    layout: ObjectLayout, pages: Sequence[PackedPage], ids: Sequence[int], portal_id: int, read_at: datetime
) -> dict[str, pa.Array]:
    archived = pa.array(list(chain.from_iterable(page.archived for page in pages)), pa.bool_())

    def moments(number: int) -> pa.Array:
        column = pa.concat_arrays([page.column(number) for page in pages])
        return typed_column(column, LogicalType.TIMESTAMP).values

    return {
        layout.object.id_column: pa.array(ids, pa.int64()),
        "portal_id": pa.repeat(pa.scalar(portal_id, pa.int64()), len(ids)),
        "is_deleted": archived,
        "_fivetran_deleted": archived,
        "updated_at": moments(len(layout.values)),
        "archived_at": moments(len(layout.values) + 1),
        "raw_json": pa.concat_arrays([page.raw for page in pages]),
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
                "value": as_text(value)[:_LONGEST_SAMPLE],
                "declared_type": declared,
                "reason": reason,
                "seen_at": self._read_at,
            },
        )

    def table(self) -> pa.Table:
        return pa.Table.from_pylist(list(self._rows.values()), schema=VALUE_ERROR.arrow_schema())
