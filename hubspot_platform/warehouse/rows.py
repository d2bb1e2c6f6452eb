"""Rows on their way in and out of a warehouse: conform to a table, drop doubles of a key, read NDJSON, tidy results.

Both engines call these before they write and after they read, so that what a caller sees does not depend on the
engine. Everything here is a function of its arguments; nothing opens a warehouse.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from hubspot_platform.warehouse.errors import DuplicateKey, RowsRefused
from hubspot_platform.warehouse.model import LogicalType, Table

WIDE_DECIMAL = pa.decimal128(38, 10)
PARSED_JSON = pa.json_(pa.string())
UTC_MICROSECONDS = pa.timestamp("us", "UTC")


def conform(table: Table, rows: pa.Table, *, keep_parsed_json: bool = False) -> pa.Table:
    """Return `rows` with each column in its declared Arrow type.

    A JSON column may come as `PARSED_JSON`, texts that are known to be JSON: they become plain texts unless the engine
    can `keep_parsed_json` and so spare itself to parse them once more.
    Raises RowsRefused for a column the table does not declare, a missing or null key, a value that does not convert.
    """
    declared = {column.name: column for column in table.columns}
    unknown = [name for name in rows.column_names if name not in declared]
    if unknown or len(set(rows.column_names)) < rows.num_columns:
        raise RowsRefused(f"{table.schema}.{table.name}: rows with undeclared or doubled columns {unknown}")
    arrays = [
        rows[name]
        if keep_parsed_json and rows[name].type == PARSED_JSON and declared[name].type is LogicalType.JSON
        else _converted(table, name, rows[name], declared[name].type.arrow)
        for name in rows.column_names
    ]
    result = pa.table(arrays, names=rows.column_names)
    for name in table.key:
        if name not in declared or name not in result.column_names:
            raise RowsRefused(f"{table.schema}.{table.name}: rows without key column {name}")
        if result[name].null_count:
            raise RowsRefused(f"{table.schema}.{table.name}: {result[name].null_count} rows with null in key {name}")
    return result


def _converted(table: Table, name: str, values: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    if values.type == wanted:
        return values
    try:
        if pa.types.is_decimal(wanted) and not pa.types.is_decimal(values.type):
            values = values.cast(WIDE_DECIMAL)  # Arrow asks for room for every int64, which decimal(18,4) lacks
        return values.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise RowsRefused(f"{table.schema}.{table.name}: column {name}: {error}") from error


def deduplicate(rows: pa.Table, key: Sequence[str], newer_by: str | None = None) -> pa.Table:
    """Keep one row per key: the newest by `newer_by` (null is oldest), of equals the last; order is kept."""
    distinct = rows.select(list(key)).group_by(list(key)).aggregate([]).num_rows if rows.num_rows else 0
    if distinct == rows.num_rows:
        return rows
    order = pa.arange(0, rows.num_rows)
    ranked = rows.select(list(key))
    if newer_by in rows.column_names:
        ranked = ranked.append_column("__known", pc.is_valid(rows[newer_by]).cast(pa.int8()))
        ranked = ranked.append_column("__newer", rows[newer_by])
    ranked = ranked.append_column("__order", order)
    ranked = ranked.take(pc.sort_indices(ranked, sort_keys=[(name, "ascending") for name in ranked.column_names]))
    last = pa.array([False] * (rows.num_rows - 1) + [True])
    for name in key:
        values = ranked[name].combine_chunks()
        differs = pc.not_equal(values.slice(0, len(values) - 1), values.slice(1))
        last = pc.or_(last, pa.concat_arrays([differs, pa.array([True])]))
    kept = pc.sort_indices(ranked["__order"].filter(last))
    return rows.take(ranked["__order"].filter(last).take(kept))


def refuse_doubles(table: Table, rows: pa.Table) -> None:
    """Raise DuplicateKey when two of the rows have one key."""
    if table.key and deduplicate(rows, table.key).num_rows < rows.num_rows:
        raise DuplicateKey(f"{table.schema}.{table.name}: the rows hold one key ({', '.join(table.key)}) twice")


def ndjson_batches(table: Table, path: Path, *, size: int = 10_000) -> Iterator[pa.Table]:
    """Yield the file's objects as rows of the table, `size` at a time; keys absent from a line are null.

    Raises RowsRefused for a line that is no JSON object, an undeclared key, or a value that does not convert.
    """
    with path.open("rb") as lines:
        numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
        while batch := list(islice(numbered, size)):
            yield _from_lines(table, path, batch)


def _from_lines(table: Table, path: Path, lines: list[tuple[int, bytes]]) -> pa.Table:
    columns: dict[str, list[str | None]] = {name: [] for name in table.column_names}
    types = {column.name: column.type for column in table.columns}
    for number, line in lines:
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise RowsRefused(f"{path.name} line {number}: no JSON ({error})") from error
        if not isinstance(record, dict) or not record.keys() <= columns.keys():
            raise RowsRefused(f"{path.name} line {number}: no object with columns of {table.schema}.{table.name}")
        for name, values in columns.items():
            values.append(_as_text(record.get(name), types[name]))
    texts = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    return conform(table, texts)


def _as_text(value: Any, logical: LogicalType) -> str | None:
    if value is None:
        return None
    if logical is not LogicalType.JSON and isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def tidy(values: pa.ChunkedArray, *, is_json: bool = False, is_huge: bool = False) -> pa.ChunkedArray:
    """Return one result column in the one Arrow type its kind has, whichever engine it came from."""
    if is_json:
        return pa.chunked_array([canonical_json(values.cast(pa.string()).combine_chunks())], pa.string())
    if is_huge and not (values.null_count == len(values) or _fits_wide(values)):
        return values
    wanted = WIDE_DECIMAL if is_huge else _result_type(values.type)
    return values if wanted == values.type else values.cast(wanted)


def _result_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return pa.int64()
    if pa.types.is_floating(kind):
        return pa.float64()
    if pa.types.is_timestamp(kind):
        return UTC_MICROSECONDS if kind.tz else pa.timestamp("us")
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return kind


def _fits_wide(values: pa.ChunkedArray) -> bool:
    bounds = pc.min_max(values)
    return bool(max(abs(bounds["min"].as_py()), abs(bounds["max"].as_py())) < 10**28)


def canonical_json(texts: pa.Array) -> pa.Array:
    """Return each JSON text compact and with sorted keys, so that equal documents are equal texts."""
    return pa.array([None if text is None else _canonical(text) for text in texts.to_pylist()], pa.string())


def _canonical(text: str) -> str:
    try:
        return orjson.dumps(orjson.loads(text), option=orjson.OPT_SORT_KEYS).decode()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # lone surrogates and out-of-range numbers
        return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
