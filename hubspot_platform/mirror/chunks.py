"""From a list of HubSpot records to the Arrow rows of one chunk.

Pure: records in, tables out. The sync engine calls `build_chunk` in a worker thread while the next pages arrive;
the columns are built property by property because that is several times cheaper than record by record.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa

from hubspot_platform.hubspot.catalogue import merged_ids
from hubspot_platform.mirror.tables import VALUE_ERROR, ObjectLayout, ValueColumn
from hubspot_platform.mirror.values import as_text, storable_record, texts, typed_column
from hubspot_platform.warehouse.model import LogicalType

_LONGEST_SAMPLE = 1000


@dataclass(frozen=True)
class Chunk:
    """The rows of some records, the values of theirs that did not fit, and the ids merged into them."""

    rows: pa.Table
    errors: pa.Table
    ids: tuple[int, ...]
    merged_away: tuple[int, ...]
    read_at: datetime


def build_chunk(layout: ObjectLayout, records: Sequence[dict[str, Any]], *, portal_id: int, read_at: datetime) -> Chunk:
    """Type every property of every record; values that do not fit become null and a row of `value_error`."""
    raw = [orjson.dumps(record) for record in records]
    replaced: list[tuple[int, dict[str, str]]] = []
    records = list(records)
    for position in _unstorable(raw):
        records[position], changed = storable_record(records[position])
        raw[position] = orjson.dumps(records[position])
        replaced.append((position, changed))
    ids = [int(record["id"]) for record in records]
    errors = _ErrorRows(layout, ids, read_at)
    columns = _fixed_columns(records, ids, raw, portal_id, read_at)
    values = [record.get("properties") or {} for record in records]
    for value in layout.values:
        raw_column = texts([properties.get(value.property) for properties in values])
        typed = typed_column(raw_column, value.type)
        columns[value.column] = typed.values
        if value.declared is not None:
            errors.add(value, raw_column, typed.rejected)
    for position, changed in replaced:
        errors.add_replaced(position, changed)
    table = layout.table
    columns[layout.object.id_column] = pa.array(ids, pa.int64())
    rows = pa.Table.from_arrays([columns[name] for name in table.column_names], schema=table.arrow_schema())
    merged = tuple(loser for record in records for loser in merged_ids(layout.object, record))
    return Chunk(rows, errors.table(), tuple(ids), merged, read_at)


def _unstorable(raw: list[bytes]) -> Iterator[int]:
    """Yield the positions of records whose JSON holds a NUL; one scan of the whole chunk is nearly free."""
    if b"\\u0000" in b"".join(raw):
        yield from (position for position, text in enumerate(raw) if b"\\u0000" in text)


def _fixed_columns(
    records: Sequence[dict[str, Any]],
    ids: Sequence[int],
    raw: Sequence[bytes],
    portal_id: int,
    read_at: datetime,
) -> dict[str, pa.Array]:
    count = len(records)
    archived = pa.array([bool(record.get("archived")) for record in records], pa.bool_())

    def moments(key: str) -> pa.Array:
        return typed_column(texts([record.get(key) for record in records]), LogicalType.TIMESTAMP).values

    return {
        "portal_id": pa.repeat(pa.scalar(portal_id, pa.int64()), count),
        "is_deleted": archived,
        "_fivetran_deleted": archived,
        "updated_at": moments("updatedAt"),
        "archived_at": moments("archivedAt"),
        "raw_json": pa.array(raw, pa.binary()).cast(pa.string()),
        "_fivetran_synced": pa.repeat(pa.scalar(read_at, LogicalType.TIMESTAMP.arrow), count),
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
            self._put(position, value.property, raw[position].as_py(), value.type.value, "does_not_fit")

    def add_replaced(self, position: int, changed: dict[str, str]) -> None:
        for name, stored in changed.items():
            self._put(position, name, stored, LogicalType.TEXT.value, "characters_replaced")

    def _put(self, position: int, name: str, value: Any, declared: str, reason: str) -> None:
        object_id = self._ids[position]
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
