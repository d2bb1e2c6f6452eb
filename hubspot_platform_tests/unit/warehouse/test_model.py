"""Tables, columns and counts as values."""

import pyarrow as pa
import pytest

from hubspot_platform.warehouse import Column, LogicalType, MergeCounts, Table


def test_names_are_quoted_whatever_they_hold() -> None:
    assert Table('odd"schema', "select", ()).qualified == '"odd""schema"."select"'


def test_the_arrow_schema_follows_the_declaration_and_keys_are_never_null() -> None:
    table = Table(
        "s",
        "t",
        (Column("a", LogicalType.INT), Column("b", LogicalType.MONEY), Column("c", LogicalType.JSON)),
        key=("a",),
    )
    assert table.arrow_schema() == pa.schema(
        [pa.field("a", pa.int64(), nullable=False), pa.field("b", pa.decimal128(18, 4)), pa.field("c", pa.string())]
    )


def test_columns_that_differ_only_in_case_are_refused() -> None:
    with pytest.raises(ValueError, match="from"):
        Table("s", "t", (Column("FROM", LogicalType.TEXT), Column("from", LogicalType.TEXT)))


def test_a_key_of_columns_the_table_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="id"):
        Table("s", "t", (Column("a", LogicalType.TEXT),), key=("id",))


def test_counts_add_up() -> None:
    both = MergeCounts(1, 2, 3, 4, 5) + MergeCounts(inserted=10, stale=1)
    assert both == MergeCounts(11, 2, 3, 5, 5)
    assert both.total == 26
