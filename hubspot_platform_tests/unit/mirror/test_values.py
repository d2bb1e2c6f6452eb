"""HubSpot's strings become typed columns, and what does not fit is found, never guessed."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_platform.mirror.values import storable_record, text_column, typed_column
from hubspot_platform.warehouse.model import LogicalType


def typed(values: list[object], logical: LogicalType) -> tuple[list[object], tuple[int, ...]]:
    column = typed_column(text_column(values), logical)
    assert column.values.type == logical.arrow
    return column.values.to_pylist(), column.rejected


def test_an_empty_string_is_null_and_other_json_values_become_their_text() -> None:
    assert text_column(["a", "", None, 12, True, {"x": 1}]).to_pylist() == ["a", None, None, "12", "true", '{"x":1}']


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.5", Decimal("12.5")),
        ("-3", Decimal(-3)),
        ("1e3", Decimal(1000)),
        ("0.3333333333333333", Decimal("0.3333333333")),
        ("0.00000000005", Decimal("0.0000000001")),
        (" 12 ", Decimal(12)),
        ("1234567890123456789012345678", Decimal(1234567890123456789012345678)),
    ],
)
def test_numbers_keep_ten_places_rounded_half_up(text: str, value: Decimal) -> None:
    assert typed([text], LogicalType.DECIMAL) == ([value], ())


@pytest.mark.parametrize("text", ["12,5", "abc", "NaN", "inf", "1_000", "0x10", "1" * 29, "٣"])
def test_what_is_no_number_is_rejected_and_its_neighbours_stay(text: str) -> None:
    assert typed(["1", text, "2"], LogicalType.DECIMAL) == ([Decimal(1), None, Decimal(2)], (1,))


@pytest.mark.parametrize(
    "text",
    ["2026-01-02T03:04:05.678Z", "2026-01-02T04:04:05.678+01:00", "1767323045678", "2026-01-02T03:04:05.678"],
)
def test_times_are_read_as_utc_in_every_form_hubspot_documents(text: str) -> None:
    assert typed([text], LogicalType.TIMESTAMP) == ([datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)], ())


@pytest.mark.parametrize("text", ["2026-02-30T00:00:00Z", "yesterday", "0000-01-01T00:00:00Z", "12:00"])
def test_impossible_times_are_rejected(text: str) -> None:
    assert typed([text], LogicalType.TIMESTAMP) == ([None], (0,))


def test_dates_are_calendar_days_or_utc_midnights() -> None:
    values = ["2026-03-01", "1772323200000", "2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z", "2026-02-30", "20260301"]
    day = date(2026, 3, 1)
    assert typed(values, LogicalType.DATE) == ([day, day, day, None, None, None], (3, 4, 5))


def test_booleans_are_true_and_false_only() -> None:
    assert typed(["true", "False", "maybe", None], LogicalType.BOOL) == ([True, False, None, None], (2,))


def test_integers_have_digits_only() -> None:
    assert typed(["007", "-5", "0x1F", "1.0"], LogicalType.INT) == ([7, -5, None, None], (2, 3))
    assert typed([str(2**63 - 1), str(2**63)], LogicalType.INT) == ([2**63 - 1, None], (1,))


@given(
    st.lists(st.one_of(st.none(), st.decimals(allow_nan=False, places=3).map(str), st.text(max_size=6)), max_size=20),
    st.sampled_from([LogicalType.DECIMAL, LogicalType.TIMESTAMP, LogicalType.DATE, LogicalType.BOOL, LogicalType.INT]),
)
def test_a_value_means_the_same_whatever_stands_beside_it(values: list[str | None], logical: LogicalType) -> None:
    together, rejected = typed(values, logical)
    alone = [typed([value], logical) for value in values]
    assert together == [result[0][0] for result in alone]
    assert rejected == tuple(position for position, result in enumerate(alone) if result[1])


def test_case_034_nul_and_lone_surrogates_are_replaced_and_named() -> None:
    record = {"id": "1", "properties": {"name": "a\x00b", "city": "x\ud800", "emoji": "🙂"}}
    cleaned, changed = storable_record(record)
    assert cleaned["properties"] == {"name": "a\ufffdb", "city": "x\ufffd", "emoji": "🙂"}
    assert changed == {"name": "a\ufffdb", "city": "x\ufffd"}
    assert pa.array(list(cleaned["properties"].values())).to_pylist() == ["a\ufffdb", "x\ufffd", "🙂"]
