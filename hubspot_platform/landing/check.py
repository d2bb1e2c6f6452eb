"""From a source's rows to typed rows of the contract, a whole column at a time, and the rows that break it.

A function of its arguments that `landing/land.py` calls for every batch. Texts are trimmed, an empty one is null, a
choice lands as the contract writes it; nothing else about a value is changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from hubspot_platform.landing.contract import REJECTED_ROW
from hubspot_platform.landing.errors import MissingColumn
from hubspot_platform.landing.model import LandedTable, Rule
from hubspot_platform.mirror.values import REPLACEMENT, cleaned, typed_column, without_empty
from hubspot_platform.warehouse.model import LogicalType

ROW_NUMBER = "__row_number"
BAD_TYPE, MISSING_VALUE, UNKNOWN_CHOICE = "bad_type", "missing_value", "unknown_choice"
OUT_OF_RANGE, BAD_PATTERN, UNREADABLE, DUPLICATE_KEY = "out_of_range", "bad_pattern", "unreadable_row", "duplicate_key"
_MONEY_PLACES = 4


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


def match_columns(entry: LandedTable, names: Sequence[str]) -> Match:
    """Find the contract's columns among the names of a source."""
    by_name = {name.strip().lower(): name for name in names}
    found = {name: by_name[name] for name in entry.table.column_names if name in by_name}
    absent = tuple(name for name in entry.table.column_names if name not in by_name)
    return Match(found, absent, tuple(sorted(set(names) - set(found.values()))))


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
        given = pa.nulls(rows.num_rows) if name is None else _tidy(rows[name].combine_chunks())
        values, misfits = _typed(given, column.type, entry_field.rule)
        _note(broken, misfits, BAD_TYPE, column.name)
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
    found = zip(sorted(broken), rows.take(bad).to_pylist(), strict=True)
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


def _tidy(values: pa.Array) -> pa.Array:
    """Return texts trimmed, empty ones as null and storable everywhere; other types as they are."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    if not pa.types.is_string(values.type):
        return values
    trimmed = without_empty(pc.utf8_trim_whitespace(values))
    return pc.replace_substring(trimmed, "\x00", REPLACEMENT)


def _typed(values: pa.Array, logical: LogicalType, rule: Rule) -> tuple[pa.Array, Sequence[int]]:
    """Return the values in the column's type, null where they do not fit, and the positions of those."""
    native = None if logical is LogicalType.TEXT else _native(values, logical)
    if native is not None:
        return native, ()
    texts = _as_texts(values)
    unreadable = _where(pc.and_(pc.is_valid(values), pc.is_null(texts)))
    if logical is LogicalType.TEXT:
        return _cased(texts, rule), unreadable
    wide = LogicalType.DECIMAL if logical is LogicalType.MONEY else logical
    typed = typed_column(texts, wide)
    if logical is not LogicalType.MONEY:
        return typed.values, (*typed.rejected, *unreadable)
    rounded = pc.round(typed.values, _MONEY_PLACES, round_mode="half_towards_infinity")
    fits = pc.fill_null(pc.less(pc.abs(rounded), pa.scalar(10**14, pa.int64())), True)
    money = pc.if_else(fits, rounded, None).cast(logical.arrow)
    return money, (*typed.rejected, *unreadable, *_where(pc.invert(fits)))


def _native(values: pa.Array, logical: LogicalType) -> pa.Array | None:
    """Return values that Arrow converts as a whole without loss; None when the texts have to be read one by one."""
    kind = values.type
    if pa.types.is_null(kind):
        return pa.nulls(len(values), logical.arrow)
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if logical is LogicalType.MONEY or (logical is LogicalType.DATE and not pa.types.is_date(kind)):
        return None
    if pa.types.is_string(kind) or (is_number and logical in {LogicalType.BOOL, LogicalType.TIMESTAMP}):
        return None
    if logical is LogicalType.TIMESTAMP and pa.types.is_timestamp(kind) and kind.tz is None:
        values = values.cast(pa.timestamp("us"), safe=False).cast(pa.timestamp("us", "UTC"))
    try:
        return values.cast(logical.arrow)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _as_texts(values: pa.Array) -> pa.Array:
    """Return values as texts; null where a number or bytes are no text."""
    if pa.types.is_floating(values.type):
        return _numbers_as_texts(values)
    try:
        return values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # lists, structs, bytes that are no text
        return pa.array([_text_of(value) for value in values.to_pylist()], pa.string())


def _numbers_as_texts(values: pa.Array) -> pa.Array:
    """Return whole numbers without an exponent: pandas keeps ids as floats as soon as one of them is missing."""
    whole = pc.and_(pc.equal(values, pc.trunc(values)), pc.less(pc.abs(values), pa.scalar(2.0**63, values.type)))
    integers = pc.if_else(whole, values, None).cast(pa.int64()).cast(pa.string())
    others = pc.if_else(pc.is_finite(values), values, None).cast(pa.string())
    return pc.if_else(whole, integers, others)


def _text_of(value: Any) -> str | None:
    if not isinstance(value, bytes):
        return None if value is None else as_json(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def as_json(value: Any) -> str:
    """Return a value of a source as JSON: what JSON does not know becomes its text, a number that is none null."""
    return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS).decode()


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
