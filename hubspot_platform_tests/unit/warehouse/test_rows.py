"""Rows on their way in and out: conversion, doubles of a key, canonical JSON."""

from decimal import Decimal

import pyarrow as pa
import pytest

from hubspot_platform.warehouse import Column, LogicalType, RowsRefused, Table
from hubspot_platform.warehouse.rows import canonical_json, conform, deduplicate

TABLE = Table(
    "s",
    "t",
    (Column("id", LogicalType.INT), Column("cents", LogicalType.MONEY), Column("at", LogicalType.TIMESTAMP)),
    key=("id",),
)


def test_rows_take_the_declared_types() -> None:
    given = pa.table({"cents": [1, None], "id": pa.array([1, 2], pa.int16())})
    found = conform(TABLE, given)
    assert found.schema.types == [pa.decimal128(18, 4), pa.int64()]
    assert found["cents"].to_pylist() == [Decimal("1.0000"), None]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"id": [1], "other": [1]}, "other"),
        ({"cents": [1]}, "id"),
        ({"id": [None, 1, None]}, "2 rows with null in key id"),
        ({"id": [1], "cents": [Decimal("1.00001")]}, "column cents"),
        ({"id": [1], "cents": ["x"]}, "column cents"),
        ({"id": [1.5]}, "column id"),
    ],
)
def test_rows_that_do_not_fit_name_what_is_wrong(given: dict[str, list[object]], said: str) -> None:
    with pytest.raises(RowsRefused, match=said):
        conform(TABLE, pa.table(given))


def test_the_newest_of_a_key_stays_null_is_oldest_and_of_equals_the_last() -> None:
    given = pa.table(
        {
            "a": [1, 1, 1, 2, 2, 3, 3],
            "b": ["x", "x", "y", "x", "x", "x", "x"],
            "newer": [5, 9, 1, None, 1, 4, 4],
            "n": [0, 1, 2, 3, 4, 5, 6],
        }
    )
    assert deduplicate(given, ("a", "b"), "newer")["n"].to_pylist() == [1, 2, 4, 6]
    assert deduplicate(given, ("a", "b"))["n"].to_pylist() == [1, 2, 4, 6]
    assert deduplicate(given, ("n",)) is given
    assert deduplicate(given.slice(0, 0), ("a",)).num_rows == 0


def test_equal_documents_are_equal_texts() -> None:
    texts = pa.array(
        ['{"b": 1, "a": {"d": [1, 2], "c": "é"}}', '{"a":{"c":"\\u00e9","d":[1,2]},"b":1}', None, '"\\ud800"']
    )
    first, second, null, surrogate = canonical_json(texts).to_pylist()
    assert first == second == '{"a":{"c":"é","d":[1,2]},"b":1}'
    assert (null, surrogate) == (None, '"\\ud800"')
