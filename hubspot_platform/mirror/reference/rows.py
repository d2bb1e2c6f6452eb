"""From what HubSpot sends (or the SDK makes of it) to typed rows of a table, a whole column at a time.

A value that does not fit leaves its column null and a row without its key is left out; both are kept in
`hubspot.rejected_row`, and every other row is stored.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from hubspot_platform.mirror.rejected import rejected_rows
from hubspot_platform.mirror.values import TypedColumn, cleaned, storable, text_column, typed_column
from hubspot_platform.warehouse.model import Column, LogicalType, Table

SYNCED = Column("_fivetran_synced", LogicalType.TIMESTAMP, "when the mirror read the row")
DELETED = Column("_fivetran_deleted", LogicalType.BOOL, "no longer in the portal")
_MOMENTS = range(10**10, 10**14)  # epoch milliseconds, as far as they are told from other numbers in text too
# What Arrow would convert silently goes the way of texts.
_EXACTLY: Mapping[LogicalType, set[type]] = {
    LogicalType.BOOL: {bool},
    LogicalType.INT: {int},
    LogicalType.TIMESTAMP: {datetime},
}


@dataclass(frozen=True)
class TypedRows:
    """The rows of one table, and those of `rejected_row` that say what was wrong with some of them."""

    rows: pa.Table
    rejected: pa.Table


def columns(text: str, **descriptions: str) -> tuple[Column, ...]:
    """Read `name:type name:type …` into columns, with descriptions by name."""
    named = (part.partition(":") for part in text.split())
    return tuple(Column(name, LogicalType(kind), descriptions.get(name, "")) for name, _, kind in named)


def typed_rows(
    table: Table, rows: Sequence[Mapping[str, Any]], synced: datetime, keep: Collection[str] = ()
) -> TypedRows:
    """Return rows (column name → JSON value or Python value) as Arrow, without the columns of `keep`.

    Missing names are null; `_fivetran_deleted` is false unless the row says otherwise.
    """
    arrays: dict[str, pa.Array] = {}
    misfits: dict[int, list[str]] = {}
    for column in table.columns:
        if column.name in keep:
            continue
        if column.name == SYNCED.name:
            arrays[column.name] = pa.array([synced] * len(rows), column.type.arrow)
            continue
        default = False if column.name == DELETED.name else None
        typed = _typed([row.get(column.name, default) for row in rows], column.type)
        arrays[column.name] = typed.values
        for position in typed.rejected:
            misfits.setdefault(position, []).append(column.name)
    keyless = {position for name in table.key for position in _nulls(arrays[name])}
    reasons = {p: f"does_not_fit: {', '.join(names)}" for p, names in misfits.items()}
    reasons |= dict.fromkeys(keyless, "no_key")
    typed_table = pa.table(arrays)
    if keyless:
        typed_table = typed_table.take(pa.array([p for p in range(len(rows)) if p not in keyless], pa.int64()))
    schema = pa.schema([field for field in table.arrow_schema() if field.name in arrays])
    rejected = rejected_rows(table, [(dict(rows[p]), reason) for p, reason in sorted(reasons.items())], synced)
    return TypedRows(typed_table.cast(schema), rejected)


def _nulls(column: pa.Array) -> list[int]:
    return pc.indices_nonzero(column.is_null()).to_pylist() if column.null_count else []


def _typed(values: Sequence[Any], logical: LogicalType) -> TypedColumn:
    if logical in {LogicalType.TEXT, LogicalType.JSON}:
        return TypedColumn(text_column([_text(value) for value in values]), ())
    native = _native(values, logical)
    return TypedColumn(native, ()) if native is not None else typed_column(_texts(values), logical)


def _native(values: Sequence[Any], logical: LogicalType) -> pa.Array | None:
    """Return values that have the right type already, epoch milliseconds as moments; None when one has another."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int} and logical is LogicalType.TIMESTAMP:
        if any(value is not None and value not in _MOMENTS for value in values):
            return None
        return pa.array(values, pa.timestamp("ms", "UTC")).cast(logical.arrow)
    if kinds - _EXACTLY.get(logical, kinds):
        return None
    try:
        return pa.array(values, logical.arrow)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return None


def _texts(values: Sequence[Any]) -> pa.Array:
    return text_column([value if value is None else storable(str(value)) for value in values])


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value if value is None else storable(value)
    return json.dumps(cleaned(value), separators=(",", ":"), ensure_ascii=False)
