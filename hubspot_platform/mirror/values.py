"""From HubSpot's strings to typed Arrow columns.

HubSpot sends every property value as a string whatever its declared type. Whole columns are cast at once by Arrow;
only unusual values are read in Python, which accepts everything the fast way accepts, so a value means the same
whatever stands beside it. The mirror's chunk builder calls `typed_column`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from hubspot_platform.warehouse.model import LogicalType

_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,19}", re.ASCII)
_INTEGERS = range(-(2**63), 2**63)
_EPOCH_MS = re.compile(r"-?\d{11,14}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_USUAL = {
    LogicalType.DECIMAL: r"^-?[0-9]{1,18}(\.[0-9]{1,10})?$",
    LogicalType.INT: r"^-?[0-9]{1,18}$",
    LogicalType.BOOL: "^(true|false)$",
    LogicalType.TIMESTAMP: r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$",
    LogicalType.DATE: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
}
"""The forms that HubSpot's values of a type nearly always have."""
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_TEN_PLACES = Decimal(1).scaleb(-10)
_DECIMAL_LIMIT = Decimal(10) ** 28
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPED_UNSTORABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
REPLACEMENT = "\ufffd"


@dataclass(frozen=True)
class TypedColumn:
    """One column of a chunk and the positions of the values that do not fit its type (null in the column)."""

    values: pa.Array
    rejected: tuple[int, ...]


def text_column(values: Sequence[Any]) -> pa.Array:
    """Return the raw values as an Arrow string column; empty strings are null, other JSON values become their text."""
    return without_empty(pa.array([value if value is None else as_text(value) for value in values], pa.string()))


def without_empty(column: pa.Array) -> pa.Array:
    """Return a string column with null for empty strings, which is how HubSpot sends a value that was removed."""
    empty = pc.equal(column, "")
    return pc.if_else(empty, pa.scalar(None, pa.string()), column) if pc.any(empty).as_py() else column


def as_text(value: Any) -> str:
    """Return a JSON value as the text HubSpot would have sent for it."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def typed_column(column: pa.Array, logical: LogicalType) -> TypedColumn:
    """Cast a string column to `logical`.

    A value that does not fit becomes null and its position is reported; numbers keep ten decimal places, rounded
    half up, and dates and times are UTC.
    """
    if logical in {LogicalType.TEXT, LogicalType.JSON}:
        return TypedColumn(column, ())
    fast = _cast(column, logical)
    return TypedColumn(fast, ()) if fast is not None else _with_unusual(column, logical)


def _cast(column: pa.Array, logical: LogicalType) -> pa.Array | None:
    if logical is LogicalType.INT and not _all_match(column, _USUAL[logical]):
        return None
    try:
        result = pc.cast(column, logical.arrow)
    except pa.ArrowInvalid:
        return None
    if logical in {LogicalType.DATE, LogicalType.TIMESTAMP}:
        # Arrow knows a year 0 that neither Python nor PostgreSQL has.
        earliest = pc.min(column).as_py()
        if earliest is not None and earliest < "0001":
            return None
    return result


def _with_unusual(column: pa.Array, logical: LogicalType) -> TypedColumn:
    """Cast the values of the usual form at once and read the others one by one."""
    usual = pc.match_substring_regex(column, _USUAL[logical])
    unusual = pc.invert(pc.fill_null(usual, True))
    cast = _cast(pc.if_else(usual, column, pa.scalar(None, pa.string())), logical)
    if cast is None:
        return _one_by_one(column, logical)
    places = pc.indices_nonzero(unusual)
    read = _one_by_one(column.take(places), logical)
    rejected = tuple(places[place].as_py() for place in read.rejected)
    return TypedColumn(pc.replace_with_mask(cast, unusual, read.values), rejected)


def _all_match(column: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(column, pattern)).as_py() is not False)


def _one_by_one(column: pa.Array, logical: LogicalType) -> TypedColumn:
    read = _READERS[logical]
    values: list[Any] = []
    rejected: list[int] = []
    for position, text in enumerate(column.to_pylist()):
        value = None if text is None else read(text.strip())
        if text is not None and value is None:
            rejected.append(position)
        values.append(value)
    return TypedColumn(pa.array(values, logical.arrow), tuple(rejected))


def _read_decimal(text: str) -> Decimal | None:
    if not _DECIMAL.fullmatch(text):
        return None
    try:
        with localcontext(prec=400):
            value = Decimal(text).quantize(_TEN_PLACES, ROUND_HALF_UP)
    except InvalidOperation:
        return None
    return value if abs(value) < _DECIMAL_LIMIT else None


def _read_integer(text: str) -> int | None:
    if not _INTEGER.fullmatch(text):
        return None
    value = int(text)
    return value if value in _INTEGERS else None


def _read_boolean(text: str) -> bool | None:
    return _BOOLEANS.get(text.lower())


def _read_timestamp(text: str) -> datetime | None:
    try:
        if _EPOCH_MS.fullmatch(text):
            return _EPOCH + timedelta(milliseconds=int(text))
        if not _DATE.match(text):
            return None
        value = datetime.fromisoformat(text)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _read_date(text: str) -> date | None:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        return None
    moment = _read_timestamp(text)
    return moment.date() if moment is not None and moment.time() == _EPOCH.time() else None


_READERS: dict[LogicalType, Callable[[str], Any]] = {
    LogicalType.DECIMAL: _read_decimal,
    LogicalType.INT: _read_integer,
    LogicalType.BOOL: _read_boolean,
    LogicalType.TIMESTAMP: _read_timestamp,
    LogicalType.DATE: _read_date,
}


def may_be_unstorable(document: bytes) -> bool:
    """Say whether JSON has NUL or halves of pairs, which it only has as escapes; halves that make a pair count too."""
    return b"\\u" in document and _ESCAPED_UNSTORABLE.search(document) is not None


def storable(text: str) -> str:
    """Return the text with what no database stores (NUL, lone surrogates) replaced by U+FFFD."""
    return _UNSTORABLE.sub(REPLACEMENT, text)


def storable_record(record: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the record with storable texts only, and the changed properties with their stored values."""
    changed: dict[str, str] = {}
    for name, value in (record.get("properties") or {}).items():
        if isinstance(value, str) and (safe := storable(value)) != value:
            changed[name] = safe
    return cleaned(record), changed


def cleaned(value: Any) -> Any:
    """Return a JSON value with storable texts only."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    return value
