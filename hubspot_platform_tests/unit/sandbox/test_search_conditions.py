"""Search conditions, operator by operator."""

import pytest

from hubspot_platform.sandbox.model import Property, Record, Value
from hubspot_platform.sandbox.object_types import CONTACTS
from hubspot_platform.sandbox.schema import Schema
from hubspot_platform.sandbox.search import Filter, condition_test, text_test, time_bounds
from hubspot_platform.sandbox.wire import ApiProblem

SCHEMA = Schema(
    CONTACTS,
    [
        Property("hs_object_id", "Id", type="number"),
        Property("createdate", "Created", type="datetime"),
        Property("lastmodifieddate", "Modified", type="datetime"),
        Property("email", "Email"),
        Property("firstname", "First name"),
        Property("score", "Score", type="number"),
        Property("day", "Day", type="date"),
    ],
)


def contact(record_id: int = 7, **values: Value) -> Record:
    row = {"hs_object_id": str(record_id), **values}
    return Record(record_id, tuple(row.get(n) for n in SCHEMA.column), 0, 0)


@pytest.mark.parametrize(
    ("condition", "matching", "others"),
    [
        (Filter("score", "EQ", "10"), ["10", "10.0"], ["1", None]),
        (Filter("score", "NEQ", "10"), ["1"], ["10", None]),
        (Filter("score", "LT", "10"), ["9"], ["10", "n/a"]),
        (Filter("score", "LTE", "10"), ["10", "-3"], ["10.5"]),
        (Filter("score", "GT", "9"), ["10", "9.5"], ["9"]),
        (Filter("score", "GTE", "9"), ["9", "100"], ["8.99"]),
        (Filter("score", "BETWEEN", "2", "4"), ["2", "3", "4"], ["1.9", "4.1", None]),
        (Filter("email", "IN", values=("a@x.com", "b@x.com")), ["a@x.com", "B@x.com"], ["c@x.com", None]),
        (Filter("email", "NOT_IN", values=("a@x.com",)), ["c@x.com"], ["A@x.com", None]),
        (Filter("email", "HAS_PROPERTY"), ["a@x.com"], ["", None]),
        (Filter("email", "NOT_HAS_PROPERTY"), ["", None], ["a@x.com"]),
        (Filter("email", "CONTAINS_TOKEN", "*@x.com"), ["a@X.com"], ["a@y.com", None]),
        (Filter("email", "CONTAINS_TOKEN", "anna"), ["anna.b@x.com"], ["annabel@x.com"]),
        (Filter("email", "NOT_CONTAINS_TOKEN", "anna"), ["annabel@x.com"], ["anna@x.com", None]),
        (Filter("day", "EQ", "1767225600000"), ["2026-01-01"], ["2026-01-02", None]),
        (Filter("day", "GT", "2026-01-01"), ["2026-01-02"], ["2026-01-01"]),
    ],
)
def test_operators(condition: Filter, matching: list[Value], others: list[Value]) -> None:
    holds = condition_test(condition, SCHEMA)
    assert [v for v in matching if not holds(contact(**{condition.name: v}))] == []
    assert [v for v in others if holds(contact(**{condition.name: v}))] == []


def test_ids_compare_as_numbers() -> None:
    holds = condition_test(Filter("hs_object_id", "GT", "9"), SCHEMA)
    assert [i for i in (9, 10, 150_000_000_000) if holds(contact(i))] == [10, 150_000_000_000]


def test_a_value_that_is_no_number_is_refused() -> None:
    with pytest.raises(ApiProblem):
        condition_test(Filter("score", "GT", "many"), SCHEMA)


@pytest.mark.parametrize(
    ("filters", "bounds"),
    [
        ([Filter("lastmodifieddate", "BETWEEN", "5", "9")], (5, 9)),
        ([Filter("lastmodifieddate", "GTE", "5"), Filter("lastmodifieddate", "LT", "9")], (5, 8)),
        ([Filter("lastmodifieddate", "GT", "5"), Filter("score", "EQ", "1")], (6, 1 << 62)),
        ([Filter("score", "EQ", "1")], None),
        ([Filter("lastmodifieddate", "NEQ", "5"), Filter("lastmodifieddate", "LT", "9")], None),
    ],
)
def test_windows_are_recognised(filters: list[Filter], bounds: tuple[int, int] | None) -> None:
    assert time_bounds([filters], "lastmodifieddate") == bounds


def test_free_text_matches_tokens_not_substrings() -> None:
    holds = text_test("ann example", CONTACTS, SCHEMA)
    assert holds(contact(email="ann@example.com"))
    assert holds(contact(email="x@example.com", firstname="Anna"))
    assert not holds(contact(email="joann@example.com"))
