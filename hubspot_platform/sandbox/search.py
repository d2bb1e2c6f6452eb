"""CRM search: reading a search body and deciding which records match. Pure but for the index it is given.

`handlers.search` wraps it into the endpoint.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hubspot_platform.sandbox.clock import parse_time
from hubspot_platform.sandbox.model import ObjectSpec, Record, Value
from hubspot_platform.sandbox.schema import Schema
from hubspot_platform.sandbox.wire import invalid

OPERATORS = frozenset(
    {"EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN"}
    | {"HAS_PROPERTY", "NOT_HAS_PROPERTY", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}
)
MAX_GROUPS, MAX_FILTERS, MAX_ALL_FILTERS = 5, 6, 18
DEPTH = 10_000
NO_FILTER = frozenset({"hs_body_preview", "hs_body_preview_html", "hs_email_html"})
PAGE = 200
_TOKEN = re.compile(r"[^\s@.,;:()/+_-]+")

Test = Callable[[Record], bool]
Comparable = int | float | str


@dataclass(frozen=True)
class Filter:
    """One condition; `values` is set for IN and NOT_IN, `high` for BETWEEN."""

    name: str
    operator: str
    value: str = ""
    high: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Query:
    """A validated search body."""

    groups: tuple[tuple[Filter, ...], ...]
    text: str
    sort: str
    descending: bool
    properties: tuple[str, ...]
    limit: int
    offset: int


def parse_query(body: Mapping[str, object], schema: Schema) -> Query:
    """Return the query of a search body; raises ApiProblem 400 for anything HubSpot refuses."""
    groups = _groups(body)
    for group in groups:
        for condition in group:
            _check_filter(condition, schema)
    sort, descending = _sort(body.get("sorts"), schema)
    limit, offset = _whole(body, "limit", 10), _whole(body, "after", 0)
    if not 0 <= limit <= PAGE:
        raise invalid(f"Invalid input: limit must be between 0 and {PAGE}")
    if offset + limit > DEPTH:
        raise invalid(f"Cannot page beyond {DEPTH} results: offset {offset} and limit {limit}")
    names = body.get("properties") or []
    properties = tuple(str(n) for n in names) if isinstance(names, list) else ()
    return Query(groups, str(body.get("query") or ""), sort, descending, properties, limit, offset)


def _whole(body: Mapping[str, object], name: str, default: int) -> int:
    raw = body.get(name)
    if raw is None or raw == "":
        return default
    if isinstance(raw, bool) or not str(raw).isdigit():
        raise invalid(f"Invalid input: {name} must be an integer, was {raw}")
    return int(str(raw))


def _groups(body: Mapping[str, object]) -> tuple[tuple[Filter, ...], ...]:
    raw = body.get("filterGroups")
    groups = [g.get("filters") or [] for g in raw] if isinstance(raw, list) else []
    top = body.get("filters")
    if isinstance(top, list) and top:
        groups.append(top)
    if len(groups) > MAX_GROUPS:
        raise invalid(f"The maximum number of filter groups is {MAX_GROUPS}")
    if any(len(g) > MAX_FILTERS for g in groups) or sum(map(len, groups)) > MAX_ALL_FILTERS:
        raise invalid(f"At most {MAX_FILTERS} filters per group and {MAX_ALL_FILTERS} in all")
    return tuple(tuple(_filter(f) for f in g) for g in groups)


def _filter(raw: Mapping[str, object]) -> Filter:
    values = raw.get("values") or ()
    return Filter(
        str(raw.get("propertyName") or ""),
        str(raw.get("operator") or ""),
        "" if raw.get("value") is None else str(raw["value"]),
        "" if raw.get("highValue") is None else str(raw["highValue"]),
        tuple(str(v) for v in values) if isinstance(values, list) else (),
    )


def _check_filter(condition: Filter, schema: Schema) -> None:
    if condition.operator not in OPERATORS:
        raise invalid(f"Invalid filter operator {condition.operator!r}: use one of {', '.join(sorted(OPERATORS))}")
    known = condition.name.startswith("associations.") or schema.live(condition.name) is not None
    if not known:
        raise invalid(f"There was a problem with the request: property {condition.name!r} does not exist")
    if condition.name in NO_FILTER:
        raise invalid(f"There was a problem with the request: filtering on {condition.name} is not supported")
    if condition.operator in ("IN", "NOT_IN") and not condition.values:
        raise invalid(f"{condition.operator} on {condition.name} needs values")
    if condition.operator == "BETWEEN" and not (condition.value and condition.high):
        raise invalid(f"BETWEEN on {condition.name} needs value and highValue")
    needs_value = condition.operator not in ("IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY")
    if needs_value and not condition.value:
        raise invalid(f"{condition.operator} on {condition.name} needs a value")


def _sort(raw: object, schema: Schema) -> tuple[str, bool]:
    if not isinstance(raw, list) or not raw:
        return "", False
    if len(raw) > 1:
        raise invalid("Only one sort is supported")
    rule = raw[0]
    if isinstance(rule, dict):
        name, descending = str(rule.get("propertyName") or ""), rule.get("direction") == "DESCENDING"
    else:
        name, descending = str(rule).removeprefix("-"), str(rule).startswith("-")
    if schema.live(name) is None:
        raise invalid(f"There was a problem with the request: cannot sort by {name!r}")
    return name, descending


def time_bounds(groups: Sequence[Sequence[Filter]], modified: str) -> tuple[int, int] | None:
    """Return the last-modified range (inclusive ms) that holds every match of a one-group query, if it has one."""
    if len(groups) != 1:
        return None
    low, high = 0, 1 << 62
    bounded = False
    for condition in groups[0]:
        if condition.name != modified:
            continue
        value, top = parse_time(condition.value), parse_time(condition.high)
        if value is None:
            return None
        bounded = True
        match condition.operator:
            case "EQ":
                low, high = max(low, value), min(high, value)
            case "GT" | "GTE":
                low = max(low, value + (condition.operator == "GT"))
            case "LT" | "LTE":
                high = min(high, value - (condition.operator == "LT"))
            case "BETWEEN" if top is not None:
                low, high = max(low, value), min(high, top)
            case _:
                return None
    return (low, high) if bounded else None


def split_id_range(query: Query) -> tuple[Query, tuple[int, int] | None]:
    """Return the query without its conditions on the record id, and the range of ids they ask for (inclusive).

    Readers page by id inside one window; the rest of the query stays the same, so its matches can be kept and cut.
    Only for one group in id order; otherwise the query is returned as it is.
    """
    if len(query.groups) != 1 or query.sort not in {"", "hs_object_id"} or query.descending:
        return query, None
    low, high, rest = 0, 1 << 62, []
    for condition in query.groups[0]:
        on_id = condition.name == "hs_object_id" and condition.value.isdigit()
        if on_id and condition.operator in {"GT", "GTE"}:
            low = max(low, int(condition.value) + (condition.operator == "GT"))
        elif on_id and condition.operator in {"LT", "LTE"}:
            high = min(high, int(condition.value) - (condition.operator == "LT"))
        else:
            rest.append(condition)
    if len(rest) == len(query.groups[0]):
        return query, None
    return replace(query, groups=(tuple(rest),)), (low, high)


def comparable(kind: str, value: Value) -> Comparable | None:
    """Return a value in the form its type is compared in; None when it has none."""
    if value is None or value == "":
        return None
    if kind in ("date", "datetime"):
        return parse_time(value)
    if kind == "number":
        try:
            return int(value) if value.lstrip("+-").isdigit() else float(value)
        except ValueError:
            return None
    return value.lower()


def condition_test(condition: Filter, schema: Schema) -> Test:
    """Return the predicate of one condition; comparisons never match a record without a value."""
    column = schema.column[condition.name]
    kind = schema.definitions[condition.name].type
    operator = condition.operator
    if condition.name == "hs_object_id" and condition.value.isdigit():
        return _id_test(condition)

    def own(record: Record) -> Value:
        return record.values[column] if column < len(record.values) else None

    if operator in {"HAS_PROPERTY", "NOT_HAS_PROPERTY"}:
        return lambda r: bool(own(r)) is (operator == "HAS_PROPERTY")
    if operator in {"IN", "NOT_IN"}:
        choices = {comparable(kind, v) for v in condition.values}
        wanted = operator == "IN"
        return lambda r: (v := comparable(kind, own(r))) is not None and (v in choices) is wanted
    if operator in {"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}:
        pattern = re.compile(re.escape(condition.value.lower()).replace(r"\*", ".*"))
        positive = operator == "CONTAINS_TOKEN"
        return lambda r: bool(own(r)) and _has_token(own(r) or "", pattern) is positive
    value, high = comparable(kind, condition.value), comparable(kind, condition.high)
    if value is None:
        raise invalid(f"{condition.value!r} is not a valid {kind} for {condition.name}")
    holds = _comparison(operator, value, high)
    return lambda r: (v := comparable(kind, own(r))) is not None and holds(v)


def _id_test(condition: Filter) -> Test:
    """Return the predicate of a condition on the record id, which is compared as the number it is."""
    high = int(condition.high) if condition.high.isdigit() else None
    holds = _comparison(condition.operator, int(condition.value), high)
    return lambda r: holds(r.id)


def _has_token(text: str, pattern: re.Pattern[str]) -> bool:
    lowered = text.lower()
    return any(pattern.fullmatch(t) for t in _TOKEN.findall(lowered)) or pattern.fullmatch(lowered) is not None


def _comparison(operator: str, low: Comparable, high: Comparable | None) -> Callable[[Comparable], bool]:
    tests: dict[str, Callable[[Any], bool]] = {
        "EQ": lambda v: bool(v == low),
        "NEQ": lambda v: bool(v != low),
        "LT": lambda v: bool(v < low),
        "LTE": lambda v: bool(v <= low),
        "GT": lambda v: bool(v > low),
        "GTE": lambda v: bool(v >= low),
        "BETWEEN": lambda v: high is not None and bool(low <= v <= high),
    }
    return tests[operator]


def text_test(text: str, spec: ObjectSpec, schema: Schema) -> Test:
    """Return the predicate of the free-text `query`: every word is a token (or its beginning) of a default field."""
    words = text.lower().split()
    columns = [schema.column[n] for n in spec.searchable if n in schema.column]

    def matches(record: Record) -> bool:
        fields = [record.values[c] for c in columns if c < len(record.values)]
        tokens = {t for value in fields if value for t in (*_TOKEN.findall(value.lower()), value.lower())}
        return all(any(t.startswith(word) for t in tokens) for word in words)

    return matches


def sort_key(schema: Schema, name: str) -> Callable[[Record], tuple[bool, Comparable, int]]:
    """Return the sort key of a property; records without a value come last, equal ones in id order."""
    column, kind = schema.column[name], schema.definitions[name].type

    def key(record: Record) -> tuple[bool, Comparable, int]:
        raw = record.values[column] if column < len(record.values) else None
        value = comparable(kind, raw)
        return value is None, 0 if value is None else value, record.id

    return key
