"""The header comment of a SQL model: what the table holds, its grain, owner and checks.

Pure text in, values out; called by `parse.py`. The grammar is strict so that a typing error never silently
drops a check.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NoReturn

from hubspot_platform.sql_models.errors import HeaderError
from hubspot_platform.warehouse.model import Index

_NAME = r"[a-z_][a-z0-9_]*"
_ENTRY = re.compile(r"-- ([a-z]+): (\S.*)")
_CONTINUATION = re.compile(r"--   +(\S.*)")
_CHECK = re.compile(rf"({_NAME}) (error|warn): (\S.*)")
_INDEX = re.compile(rf"({_NAME}): ({_NAME})")
_COLUMN = re.compile(rf"({_NAME}): (\S.*)")
_SHORTHAND = re.compile(r"(not_null|unique|accepted_values)\((.*)\)")
_OWNER = re.compile(r"team:[A-Za-z0-9_-]+|[^@\s]+@[^@\s]+\.[^@\s.]+")
_KEYS_ONCE = ("description", "grain", "owner", "partition", "materialized", "identifiers")
_KEYS_MANY = ("check", "column", "index")
_KEYS_NEEDED = ("description", "grain", "owner")

GRAIN_UNIQUE = "grain_unique"
GRAIN_NOT_NULL = "grain_not_null"


class Severity(StrEnum):
    """What a violation does: `error` keeps the old table, `warn` is recorded only."""

    ERROR = "error"
    WARN = "warn"


class Materialization(StrEnum):
    """How a model is kept: rows written by each build, or a view that follows its sources by itself."""

    TABLE = "table"
    VIEW = "view"


class Rule(StrEnum):
    """How a check reads its rows."""

    EXPRESSION = "expression"
    NOT_NULL = "not_null"
    UNIQUE = "unique"
    ACCEPTED_VALUES = "accepted_values"


@dataclass(frozen=True)
class Check:
    """One rule every row must satisfy.

    `columns` are those a shorthand names, `values` the accepted literals as written, `expression` a boolean
    SQL expression over output columns; a row satisfies it only when it is true, so null is a violation.
    """

    name: str
    severity: Severity
    rule: Rule
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    expression: str = ""
    line: int = 0

    @property
    def text(self) -> str:
        """The rule as a person would write it."""
        if self.rule is Rule.EXPRESSION:
            return self.expression
        return f"{self.rule}({', '.join((*self.columns, *self.values))})"


@dataclass(frozen=True)
class Header:
    """What the comment at the top of a model says; `grain` are the key columns, `identifiers` as in `Table`."""

    description: str
    grain: tuple[str, ...]
    owners: tuple[str, ...]
    partition: str | None = None
    materialized: Materialization = Materialization.TABLE
    checks: tuple[Check, ...] = ()
    column_notes: tuple[tuple[str, str], ...] = ()
    indexes: tuple[Index, ...] = ()
    identifiers: tuple[str, ...] = ()

    @property
    def all_checks(self) -> tuple[Check, ...]:
        """The two checks of every grain, then the written ones."""
        grain = Check(GRAIN_NOT_NULL, Severity.ERROR, Rule.NOT_NULL, columns=self.grain)
        return (grain, replace(grain, name=GRAIN_UNIQUE, rule=Rule.UNIQUE), *self.checks)


@dataclass(frozen=True)
class _Entry:
    key: str
    value: str
    line: int


def parse_header(text: str, file: str) -> Header:
    """Read the comment lines at the top of `text`; raises HeaderError with the file and the line."""
    entries = list(_entries(text, file))
    single = {key: _only(entries, key, file) for key in _KEYS_ONCE}
    for key in _KEYS_NEEDED:
        if single[key] is None:
            _refuse(file, 1, f"the header has no {key}", f"add a line `-- {key}: …` at the top")
    checks = tuple(_check(entry, file) for entry in entries if entry.key == "check")
    seen = {GRAIN_NOT_NULL, GRAIN_UNIQUE}
    for check in checks:
        if check.name in seen:
            _refuse(file, check.line, f"a second check is named {check.name}", "give it a name of its own")
        seen.add(check.name)
    partition, identifiers = single["partition"], single["identifiers"]
    return Header(
        description=_needed(single["description"]).value,
        grain=_names(_needed(single["grain"]), file),
        owners=_owners(_needed(single["owner"]), file),
        partition=_names(partition, file)[0] if partition else None,
        materialized=_materialization(single["materialized"], file),
        checks=checks,
        column_notes=tuple(_note(entry, file) for entry in entries if entry.key == "column"),
        indexes=tuple(_index(entry, file) for entry in entries if entry.key == "index"),
        identifiers=_names(identifiers, file) if identifiers else (),
    )


def _entries(text: str, file: str) -> Iterator[_Entry]:
    current: _Entry | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("--"):
            break
        if continued := _CONTINUATION.fullmatch(line):
            if current is None:
                _refuse(file, number, "the header begins with a continuation line", "begin with `-- key: value`")
            current = replace(current, value=f"{current.value} {continued[1].rstrip()}")
            continue
        found = _ENTRY.fullmatch(line)
        if found is None:
            _refuse(file, number, f"not a header line: {line}", "write `-- key: value`, continued by `--   more`")
        if found[1] not in (*_KEYS_ONCE, *_KEYS_MANY):
            known = ", ".join((*_KEYS_ONCE, *_KEYS_MANY))
            _refuse(file, number, f"unknown header key {found[1]!r}", f"use one of {known}")
        if current is not None:
            yield current
        current = _Entry(found[1], found[2].rstrip(), number)
    if current is not None:
        yield current


def _only(entries: list[_Entry], key: str, file: str) -> _Entry | None:
    found = [entry for entry in entries if entry.key == key]
    if len(found) > 1:
        _refuse(file, found[1].line, f"a second {key}", "keep one")
    return found[0] if found else None


def _check(entry: _Entry, file: str) -> Check:
    found = _CHECK.fullmatch(entry.value)
    if found is None:
        mend = "write `-- check: name error: condition` or `-- check: name warn: condition`"
        _refuse(file, entry.line, "a check needs a name, a severity and a condition", mend)
    name, severity, condition = found[1], Severity(found[2]), found[3].strip()
    shorthand = _SHORTHAND.fullmatch(condition)
    if shorthand is None:
        return Check(name, severity, Rule.EXPRESSION, expression=condition, line=entry.line)
    rule = Rule(shorthand[1])
    if rule is not Rule.ACCEPTED_VALUES:
        return Check(name, severity, rule, columns=_columns(shorthand[2], entry, file), line=entry.line)
    column, _, listed = shorthand[2].partition(",")
    values = tuple(found[0] for found in re.finditer(r"'(?:[^']|'')*'", listed))
    if not values or re.sub(r"'(?:[^']|'')*'", "", listed).strip(" ,"):
        mend = "write `accepted_values(column, 'one', 'two')`"
        _refuse(file, entry.line, "accepted_values takes a column and quoted values", mend)
    return Check(name, severity, rule, columns=_columns(column, entry, file), values=values, line=entry.line)


def _note(entry: _Entry, file: str) -> tuple[str, str]:
    found = _COLUMN.fullmatch(entry.value)
    if found is None:
        _refuse(
            file,
            entry.line,
            "a column note needs a name and a text",
            "write `-- column: name: what it holds`",
        )
    return found[1], found[2]


def _index(entry: _Entry, file: str) -> Index:
    found = _INDEX.fullmatch(entry.value)
    if found is None:
        _refuse(file, entry.line, "an index needs a name and a column", "write `-- index: idx_name: column`")
    return Index(found[1], found[2])


def _materialization(entry: _Entry | None, file: str) -> Materialization:
    if entry is None:
        return Materialization.TABLE
    if entry.value not in list(Materialization):
        _refuse(file, entry.line, f"{entry.value!r} is no way to keep a model", "write table or view")
    return Materialization(entry.value)


def _names(entry: _Entry, file: str) -> tuple[str, ...]:
    names = _columns(entry.value, entry, file)
    if entry.key == "partition" and len(names) != 1:
        _refuse(file, entry.line, "a table has one partition column", "name one column")
    return names


def _columns(text: str, entry: _Entry, file: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    for name in names:
        if not re.fullmatch(_NAME, name):
            _refuse(file, entry.line, f"{name!r} is no column name", "list lower-case names divided by commas")
    if len(set(names)) != len(names):
        _refuse(file, entry.line, f"a column is named twice in {text!r}", "name each column once")
    return names


def _owners(entry: _Entry, file: str) -> tuple[str, ...]:
    owners = tuple(part.strip() for part in entry.value.split(","))
    for owner in owners:
        if not _OWNER.fullmatch(owner):
            _refuse(file, entry.line, f"{owner!r} is no owner", "write `team:name` or an e-mail address")
    return owners


def _needed(entry: _Entry | None) -> _Entry:
    assert entry is not None  # noqa: S101 - `parse_header` has refused a missing one
    return entry


def _refuse(file: str, line: int, problem: str, mend: str) -> NoReturn:
    raise HeaderError(file, line, problem, mend=mend)
