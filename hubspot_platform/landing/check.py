"""From a source's rows to typed rows of the contract, a whole column at a time, and the rows that break it.

A function of its arguments that `landing/land.py` calls for every batch. Texts are trimmed, an empty one is null, a
choice lands as the contract writes it; nothing else about a value is changed.

A value means the same whatever stands beside it: a type is converted as a whole only where no value can make that fail.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from hubspot_platform.landing.contract import REJECTED_ROW
from hubspot_platform.landing.errors import MissingColumn, SourceUnreadable
from hubspot_platform.landing.model import LandedTable, Rule
from hubspot_platform.mirror.values import REPLACEMENT, cleaned, typed_column, without_empty
from hubspot_platform.warehouse.model import LogicalType

ROW_NUMBER = "__row_number"
BAD_TYPE, MISSING_VALUE, UNKNOWN_CHOICE = "bad_type", "missing_value", "unknown_choice"
OUT_OF_RANGE, BAD_PATTERN, UNREADABLE, DUPLICATE_KEY = "out_of_range", "bad_pattern", "unreadable_row", "duplicate_key"
_MONEY_PLACES = 4
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_CALENDAR = range(date.min.toordinal() - _EPOCH_DAY, date.max.toordinal() - _EPOCH_DAY + 1)
"""The days that Python and every warehouse have, counted from 1970; Arrow and Parquet know others."""
_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


@dataclass(frozen=True)
class Checked:
    """Rows of the contract with their numbers in column `__row_number`, and the rows of `rejected_row`."""

    rows: pa.Table
    rejected: pa.Table


@dataclass(frozen=True)
class Match:
    """How the columns of a source are those of the contract: by name, whatever the case."""

    source: Mapping[str, str]
    absent: tuple[str, ...]
    ignored: tuple[str, ...]


def match_columns(entry: LandedTable, names: Sequence[str], place: str) -> Match:
    """Find the contract's columns among the names of a source.

    Raises SourceUnreadable, naming file, table and columns, when two of them are one of the contract's.
    """
    by_name: dict[str, list[str]] = defaultdict(list)
    for name in names:
        by_name[name.strip().lower()].append(name)
    found = {name: by_name[name] for name in entry.table.column_names if name in by_name}
    absent = tuple(name for name in entry.table.column_names if name not in by_name)
    if doubled := [repr(name) for same in found.values() if len(same) > 1 for name in same]:
        message = f"{place}: table {entry.full_name} has columns of one name: {', '.join(doubled)}"
        mend = "the table as it was stays; keep one column a name, whatever its case and the blanks around it"
        raise SourceUnreadable(message, mend=mend)
    ignored = set(names).difference(*found.values())
    return Match({name: same[0] for name, same in found.items()}, absent, tuple(sorted(ignored)))


def refuse_missing(entry: LandedTable, match: Match, place: str) -> None:
    """Raise MissingColumn, naming file, table and column, when the source lacks one it must have."""
    for name in match.absent:
        if entry.must_have(entry.table.column(name)):
            mend = "the table as it was stays; add the column, or name it as the contract does"
            raise MissingColumn(f"{place}: table {entry.full_name} lacks column {name}", mend=mend)


def check_rows(entry: LandedTable, match: Match, rows: pa.Table, first: int, now: datetime) -> Checked:
    """Type and check the rows of a batch, the first of them numbered `first`."""
    broken: dict[int, tuple[str, str]] = {}
    arrays: dict[str, pa.Array] = {}
    for entry_field in entry.fields:
        column = entry_field.column
        name = match.source.get(column.name)
        given, unreadable = _given(pa.nulls(rows.num_rows) if name is None else rows[name].combine_chunks())
        values, misfits = _typed(given, column.type, entry_field.rule)
        _note(broken, (*unreadable, *misfits), BAD_TYPE, column.name)
        if entry.must_have(column):
            _note(broken, _where(pc.is_null(given)), MISSING_VALUE, column.name)
        values, problems = _ruled(values, entry_field.rule)
        for reason, positions in problems.items():
            _note(broken, positions, reason, column.name)
        arrays[column.name] = values
    typed = pa.table(arrays, schema=_nullable(entry.table.arrow_schema()))
    typed = typed.append_column(ROW_NUMBER, pa.array(range(first, first + rows.num_rows), pa.int64()))
    if not broken:
        return Checked(typed, REJECTED_ROW.arrow_schema().empty_table())
    bad = pa.array(sorted(broken), pa.int64())
    good = pc.invert(pc.is_in(typed[ROW_NUMBER], value_set=pc.add(bad, first)))
    found = zip(sorted(broken), _as_records(rows, sorted(broken)), strict=True)
    rejected = [Rejected(first + p, row, *broken[p]) for p, row in found]
    return Checked(typed.filter(good), rejected_rows(entry, rejected, now))


@dataclass(frozen=True)
class Rejected:
    """One row that breaks the contract; `row` is what the source had."""

    number: int
    row: Mapping[str, Any]
    reason: str
    column: str = ""


def rejected_rows(entry: LandedTable, rejected: Sequence[Rejected], now: datetime) -> pa.Table:
    """Return the rows of `rejected_row`."""
    return pa.Table.from_pylist(
        [
            {
                "table_name": entry.full_name,
                "row_number": bad.number,
                "row_json": as_json(cleaned(dict(bad.row))),
                "reason": bad.reason,
                "column_name": bad.column,
                "rejected_at": now,
            }
            for bad in rejected
        ],
        schema=REJECTED_ROW.arrow_schema(),
    )


def _note(broken: dict[int, tuple[str, str]], positions: Sequence[int], reason: str, column: str) -> None:
    """Remember the first reason of each row."""
    for position in positions:
        broken.setdefault(position, (reason, column))


def _where(condition: pa.Array) -> list[int]:
    found: list[int] = pc.indices_nonzero(condition).to_pylist()
    return found


def _nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema])


def _given(values: pa.Array) -> tuple[pa.Array, Sequence[int]]:
    """Return values as they are to be typed, and the positions of those that are neither text nor of any calendar.

    Texts, whatever type they came in, are trimmed, empty ones null and storable everywhere.
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):  # UUID, JSON: how they are stored is not what they say
        read = _one_by_one(values)
    elif _is_written(kind):
        read = _decoded(values)
    elif pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        read = _in_calendar(values)
    else:
        return values, ()
    unreadable = _where(pc.and_(pc.is_valid(values), pc.is_null(read)))
    if pa.types.is_string(read.type):
        read = pc.replace_substring(without_empty(pc.utf8_trim_whitespace(read)), "\x00", REPLACEMENT)
    return read, unreadable


def _is_written(kind: pa.DataType) -> bool:
    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_binary_view,
        pa.types.is_fixed_size_binary,
    )
    return any(test(kind) for test in tests)


def _decoded(values: pa.Array) -> pa.Array:
    """Return texts and bytes as texts; null where the bytes are no text."""
    stored = values.cast(pa.binary())
    try:
        return stored.cast(pa.string())
    except pa.ArrowInvalid:
        return _one_by_one(stored)


def _in_calendar(values: pa.Array) -> pa.Array:
    """Return days, moments and times of day, null where no day of the calendar or no time of a day is meant."""
    kind = values.type
    day = 1 if pa.types.is_date32(kind) else _DAY["ms" if pa.types.is_date64(kind) else kind.unit]
    days = range(1) if pa.types.is_time(kind) else _CALENDAR
    counts = values.view(pa.int32() if kind.bit_width == 32 else pa.int64()).cast(pa.int64())
    least, most = max(days.start * day, -(2**63)), min(days.stop * day - 1, 2**63 - 1)
    inside = pc.and_(pc.greater_equal(counts, least), pc.less_equal(counts, most))
    return pc.if_else(inside, values, pa.scalar(None, kind))


def _typed(values: pa.Array, logical: LogicalType, rule: Rule) -> tuple[pa.Array, Sequence[int]]:
    """Return the values in the column's type, null where they do not fit, and the positions of those."""
    if not _may_become(values.type, logical):
        return pa.nulls(len(values), logical.arrow), _where(pc.is_valid(values))
    native = None if logical is LogicalType.TEXT else _native(values, logical)
    if native is not None:
        return native, ()
    texts = _as_texts(values)
    unreadable = _where(pc.and_(pc.is_valid(values), pc.is_null(texts)))
    if logical is LogicalType.TEXT:
        return _cased(texts, rule), unreadable
    if logical is LogicalType.INT and pa.types.is_decimal(values.type):
        texts = pc.replace_substring_regex(texts, r"\.0+$", "")
    wide = LogicalType.DECIMAL if logical is LogicalType.MONEY else logical
    typed = typed_column(texts, wide)
    if logical is LogicalType.TIMESTAMP:  # an offset may lead out of the calendar
        moments = _in_calendar(typed.values)
        outside = _where(pc.and_(pc.is_valid(typed.values), pc.is_null(moments)))
        return moments, (*typed.rejected, *unreadable, *outside)
    if logical is not LogicalType.MONEY:
        return typed.values, (*typed.rejected, *unreadable)
    rounded = pc.round(typed.values, _MONEY_PLACES, round_mode="half_towards_infinity")
    fits = pc.fill_null(pc.less(pc.abs(rounded), pa.scalar(10**14, pa.int64())), True)
    money = pc.if_else(fits, rounded, None).cast(logical.arrow)
    return money, (*typed.rejected, *unreadable, *_where(pc.invert(fits)))


def _may_become(kind: pa.DataType, logical: LogicalType) -> bool:
    """Say whether values of a type mean one of the column's: a moment or a truth is no number, though stored as one."""
    if logical is LogicalType.TEXT or pa.types.is_null(kind) or pa.types.is_string(kind):
        return True
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return True
    if logical in {LogicalType.TIMESTAMP, LogicalType.DATE}:
        return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))
    return logical is LogicalType.BOOL and bool(pa.types.is_boolean(kind))


def _native(values: pa.Array, logical: LogicalType) -> pa.Array | None:
    """Return values that Arrow converts as a whole without loss; None when the texts have to be read one by one."""
    kind = values.type
    if pa.types.is_null(kind):
        return pa.nulls(len(values), logical.arrow)
    is_exact = pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    own = {
        LogicalType.INT: is_exact,
        LogicalType.DECIMAL: is_exact,
        LogicalType.BOOL: pa.types.is_boolean(kind),
        LogicalType.TIMESTAMP: pa.types.is_timestamp(kind) or pa.types.is_date(kind),
        LogicalType.DATE: pa.types.is_date(kind),
    }
    if not own.get(logical, False):
        return None
    if pa.types.is_timestamp(kind):
        values = values.cast(pa.timestamp("us", kind.tz), safe=False)
    try:
        return values.cast(logical.arrow)
    except pa.ArrowInvalid:
        return None


def _as_texts(values: pa.Array) -> pa.Array:
    """Return values as texts; null where a number is none."""
    if pa.types.is_floating(values.type):
        return _numbers_as_texts(values)
    try:
        return values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # lists, structs
        return _one_by_one(values)


def _numbers_as_texts(values: pa.Array) -> pa.Array:
    """Return whole numbers without an exponent: pandas keeps ids as floats as soon as one of them is missing."""
    if pa.types.is_float16(values.type):  # Arrow does not compute with them
        values = values.cast(pa.float32())
    whole = pc.and_(pc.equal(values, pc.trunc(values)), pc.less(pc.abs(values), pa.scalar(2.0**63, values.type)))
    integers = pc.if_else(whole, values, None).cast(pa.int64()).cast(pa.string())
    others = pc.if_else(pc.is_finite(values), values, None).cast(pa.string())
    return pc.if_else(whole, integers, others)


def _one_by_one(values: pa.Array) -> pa.Array:
    return pa.array([_text_of(value) for value in _as_python(values)], pa.string())


def _text_of(value: Any) -> str | None:
    if value is None or isinstance(value, bool | list | dict):
        return None if value is None else as_json(value)
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _as_records(rows: pa.Table, places: Sequence[int]) -> list[dict[str, Any]]:
    """Return some rows as the source had them; ignored columns of one name are told apart by their place."""
    names = rows.column_names
    told = [name if names.count(name) == 1 else f"{name} ({place})" for place, name in enumerate(names, 1)]
    columns = [_some(column, places) for column in rows.columns]
    return [dict(zip(told, values, strict=True)) for values in zip(*columns, strict=True)]


def _some(values: pa.ChunkedArray, places: Sequence[int]) -> list[Any]:
    if pa.types.is_string_view(values.type) or pa.types.is_binary_view(values.type):  # Arrow cannot take of them
        return [_plain(values[place]) for place in places]
    return _as_python(values.take(pa.array(places, pa.int64())))


def _as_python(values: pa.Array | pa.ChunkedArray) -> list[Any]:
    try:
        found: list[Any] = values.to_pylist()
    except (OverflowError, ValueError):
        return [_plain(value) for value in values]
    return found


def _plain(value: pa.Scalar) -> Any:
    """Return a value as Python has it, or as text where it has none: a year 20032, bytes that should be a text."""
    try:
        return value.as_py()
    except (OverflowError, ValueError):
        if isinstance(value, pa.StructScalar):
            return {name: _plain(item) for name, item in value.items()}
        if isinstance(value, pa.ListScalar):
            return [_plain(item) for item in value.values]
        return str(value.cast(pa.binary()).as_py() if _is_written(value.type) else value.cast(pa.string()).as_py())


def as_json(value: Any) -> str:
    """Return a value of a source as JSON: what JSON does not know becomes its text, a number that is none null."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:  # nested deeper than orjson writes
        without_nan = json.loads(json.dumps(value, default=str), parse_constant=lambda _: None)
        return json.dumps(without_nan, sort_keys=True)


def _cased(texts: pa.Array, rule: Rule) -> pa.Array:
    if rule.case == "lower":
        return pc.utf8_lower(texts)
    return pc.utf8_upper(texts) if rule.case == "upper" else texts


def _ruled(values: pa.Array, rule: Rule) -> tuple[pa.Array, dict[str, list[int]]]:
    """Return the values as they land, and where they break the rule, by reason."""
    problems: dict[str, list[int]] = {}
    if rule.choices:
        wanted = pa.array([choice.lower() for choice in rule.choices])
        places = pc.index_in(pc.utf8_lower(values), value_set=wanted)
        problems[UNKNOWN_CHOICE] = _where(pc.and_(pc.is_valid(values), pc.is_null(places)))
        values = pa.array(rule.choices).take(places)
    outside = [
        compare(values, pa.scalar(bound).cast(values.type))
        for compare, bound in ((pc.less, rule.least), (pc.greater, rule.most))
        if bound is not None
    ]
    if outside:
        problems[OUT_OF_RANGE] = [position for condition in outside for position in _where(condition)]
    if rule.pattern:
        fits = pc.match_substring_regex(values, f"^(?:{rule.pattern})$")
        problems[BAD_PATTERN] = _where(pc.invert(fits))
    return values, problems
