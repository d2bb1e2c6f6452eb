"""Arrow in and out of PostgreSQL: COPY as CSV both ways, `?` parameters, and the types of a query's columns.

Called by `PostgresSession` only. COPY with Arrow's CSV reader and writer is several times faster than rows as Python
objects, and a quoted CSV keeps null and the empty string apart.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
from psycopg import ClientCursor

from hubspot_platform.warehouse import rows as row_tools
from hubspot_platform.warehouse.errors import QueryRefused
from hubspot_platform.warehouse.model import quote

_MAX_BLOCK = 1 << 30

# Text, quoted names, dollar quotes and comments are skipped: only a `?` outside of them is a parameter.
_SQL_TOKENS = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | (\$\w*\$).*?\1 | \?""",
    re.VERBOSE | re.DOTALL,
)
_INTEGERS, _FLOATS = {20, 21, 23, 26}, {700, 701}
_BOOL, _DATE, _TIMESTAMP, _TIMESTAMPTZ, _NUMERIC, _JSON = 16, 1082, 1114, 1184, 1700, {114, 3802}


@dataclass(frozen=True)
class ResultColumn:
    """A column of a query: its name, its Arrow type, and whether the query must cast it to fit that type."""

    name: str
    type: pa.DataType
    is_json: bool = False
    cast: str = ""


def bind(connection: psycopg.Connection, sql: str, params: Sequence[object]) -> str:
    """Return the statement with its `?` replaced by the parameters as SQL literals (COPY takes no parameters)."""
    if not params:
        return sql
    template = _SQL_TOKENS.sub(
        lambda found: "%s" if found.group() == "?" else found.group().replace("%", "%%"), _escaped_outside(sql)
    )
    try:
        return ClientCursor(connection).mogrify(template, params)
    except (psycopg.Error, TypeError) as error:
        raise QueryRefused(f"the parameters do not fit the statement: {error}") from error


def _escaped_outside(sql: str) -> str:
    """Double each `%` that stands outside of the tokens `bind` handles."""
    parts, position = [], 0
    for found in _SQL_TOKENS.finditer(sql):
        parts += [sql[position : found.start()].replace("%", "%%"), found.group()]
        position = found.end()
    return "".join([*parts, sql[position:].replace("%", "%%")])


def describe(connection: psycopg.Connection, sql: str) -> list[ResultColumn]:
    """Return the columns a statement would give without running it; [] for one without rows."""
    encoding = "utf-8"
    result = connection.pgconn.prepare(b"", sql.encode(encoding))
    if result.status == psycopg.pq.ExecStatus.COMMAND_OK:
        result = connection.pgconn.describe_prepared(b"")
    if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(result, encoding)
    return [
        _column((result.fname(i) or b"").decode(encoding), result.ftype(i), result.fmod(i))
        for i in range(result.nfields)
    ]


def _column(name: str, oid: int, modifier: int) -> ResultColumn:
    if oid in _INTEGERS:
        return ResultColumn(name, pa.int64())
    if oid in _FLOATS:
        return ResultColumn(name, pa.float64())
    if oid == _NUMERIC:
        precision, scale = ((modifier - 4) >> 16) & 0xFFFF, (modifier - 4) & 0x7FF
        if modifier >= 4 and precision <= 38 and scale <= precision:
            return ResultColumn(name, pa.decimal128(precision, scale))
        return ResultColumn(name, row_tools.WIDE_DECIMAL, cast="numeric(38, 10)")
    simple = {
        _BOOL: pa.bool_(),
        _DATE: pa.date32(),
        _TIMESTAMP: pa.timestamp("us"),
        _TIMESTAMPTZ: row_tools.UTC_MICROSECONDS,
    }
    return ResultColumn(name, simple.get(oid, pa.string()), is_json=oid in _JSON)


def copy_out(connection: psycopg.Connection, sql: str) -> pa.Table:
    """Run a query whose parameters are bound and return its rows."""
    columns = describe(connection, sql)
    if not columns:
        connection.execute(sql.encode())
        return pa.table({})
    names = [f"c{i}" for i in range(len(columns))]
    if any(column.cast for column in columns):
        outputs = ", ".join(
            f"{name}::{column.cast}" if column.cast else name for name, column in zip(names, columns, strict=True)
        )
        sql = f"select {outputs} from (\n{sql}\n) as result ({', '.join(names)})"
    with connection.cursor().copy(f"copy (\n{sql}\n) to stdout (format csv)".encode()) as copy:
        data = b"".join(copy)
    arrays = _parse(data, names, columns)
    return pa.Table.from_arrays(arrays, names=[column.name for column in columns])


def _parse(data: bytes, names: list[str], columns: list[ResultColumn]) -> list[pa.ChunkedArray]:
    if not data:
        return [pa.chunked_array([], column.type) for column in columns]
    try:
        parsed = pa_csv.read_csv(
            BytesIO(data),
            read_options=pa_csv.ReadOptions(column_names=names, block_size=min(len(data) + 1, _MAX_BLOCK)),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=pa_csv.ConvertOptions(
                column_types={name: column.type for name, column in zip(names, columns, strict=True)},
                null_values=[""],
                true_values=["t"],
                false_values=["f"],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                timestamp_parsers=[pa_csv.ISO8601],
            ),
        )
    except pa.ArrowInvalid as error:
        raise QueryRefused(f"a value of the result has no Arrow form: {error}") from error
    return [row_tools.tidy(parsed.column(i), is_json=column.is_json) for i, column in enumerate(columns)]


def copy_in(connection: psycopg.Connection, target: str, columns: Sequence[str], rows: pa.Table) -> None:
    """Append rows to a table by COPY; `columns` are the target's names for the rows' columns, in their order."""
    buffer = pa.BufferOutputStream()
    options = pa_csv.WriteOptions(include_header=False, quoting_style="all_valid")
    # In one piece: after an empty chunk Arrow 26 writes rubbish for values with quotation marks.
    pa_csv.write_csv(rows.combine_chunks(), buffer, options)
    names = ", ".join(quote(name) for name in columns)
    with connection.cursor().copy(f"copy {target} ({names}) from stdin (format csv)".encode()) as copy:
        copy.write(memoryview(buffer.getvalue()))
