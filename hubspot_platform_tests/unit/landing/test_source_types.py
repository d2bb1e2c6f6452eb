"""Values in the types of Parquet files and databases: what they mean, and what no warehouse could hold."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pyarrow as pa
import pytest

from hubspot_platform.landing.check import Checked, Rejected, as_json, check_rows, match_columns, rejected_rows
from hubspot_platform.landing.model import LandedTable, field

NOW = datetime(2026, 5, 2, 10, tzinfo=UTC)
THING = LandedTable(
    "product",
    "thing",
    "Things.",
    (
        field("id", "text"),
        field("note", "text?"),
        field("number", "int?"),
        field("share", "decimal?"),
        field("price", "money?"),
        field("good", "bool?"),
        field("seen_at", "timestamp?"),
        field("seen_on", "date?"),
    ),
    key=("id",),
)
ZONELESS = pa.timestamp("us")
LAST, FIRST = 253_402_300_799_999_999, -62_135_596_800_000_000
"""The last and the first microsecond of the calendar, counted from 1970."""
TEXT_KINDS = [
    pa.binary(),
    pa.large_binary(),
    pa.binary_view(),
    pa.string(),
    pa.large_string(),
    pa.string_view(),
]


def check(**columns: pa.Array) -> Checked:
    ids = pa.array([f"row {place}" for place in range(len(next(iter(columns.values()))))])
    rows = pa.table({"id": ids, **columns})
    return check_rows(THING, match_columns(THING, rows.column_names, "somewhere"), rows, 1, NOW)


def judged(name: str, values: pa.Array) -> list[Any]:
    """What lands of the values in a column, or why their row does not."""
    checked = check(**{name: values})
    landed = {row["__row_number"]: row[name] for row in checked.rows.to_pylist()}
    refused = {row["row_number"]: row["reason"] for row in checked.rejected.to_pylist()}
    return [value for _, value in sorted({**landed, **refused}.items())]


def broken_rows(extra: pa.Array) -> list[Any]:
    """The `extra` of rejected rows, a column the contract does not know."""
    checked = check(number=pa.array(["no number"] * len(extra)), extra=extra)
    return [orjson.loads(row["row_json"])["extra"] for row in checked.rejected.to_pylist()]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_a_moment_outside_the_calendar_is_a_bad_type_and_its_neighbours_land(unit: str) -> None:
    years = {"s": 10**11, "ms": 10**14, "us": 10**17}[unit] * 6  # the year 20983
    for zone in (None, "UTC", "America/New_York"):
        values = pa.array([years, 0, -years, -(2**63) + 1], pa.timestamp(unit, zone))
        assert judged("seen_at", values) == ["bad_type", datetime(1970, 1, 1, tzinfo=UTC), "bad_type", "bad_type"]
        assert judged("note", values)[0] == "bad_type"


def test_the_first_and_the_last_moment_of_the_calendar_land() -> None:
    values = pa.array([FIRST - 1, FIRST, LAST, LAST + 1], ZONELESS)
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert judged("seen_at", values) == ["bad_type", first, last, "bad_type"]


def test_a_day_outside_the_calendar_is_a_bad_type_and_its_neighbours_land() -> None:
    days = pa.array([-(2**31), -719_163, -719_162, 2_932_896, 2_932_897, 2**31 - 1], pa.int32()).cast(pa.date32())
    wanted = ["bad_type", "bad_type", date.min, date.max, "bad_type", "bad_type"]
    assert judged("seen_on", days) == wanted
    in_milliseconds = pa.array([2**62, 0], pa.int64()).cast(pa.date64())
    assert judged("seen_on", in_milliseconds) == ["bad_type", date(1970, 1, 1)]


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+01:00", "0000-12-31T23:59:59-05:00", "10000-01-01"]
)
def test_a_text_whose_offset_leads_out_of_the_calendar_is_a_bad_type_whatever_stands_beside_it(text: str) -> None:
    for beside in ("2026-05-01T00:00:00Z", "2026-05-01 02:00:00+02", "1777593600000"):
        assert judged("seen_at", pa.array([text, beside])) == ["bad_type", datetime(2026, 5, 1, tzinfo=UTC)]
    assert judged("seen_at", pa.array([text])) == ["bad_type"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("seen_at", pa.array([0, 1, 10**18], pa.timestamp("ns", "America/New_York"))),
        ("seen_at", pa.array([-(10**10), 0, 10**15], pa.timestamp("s", "America/New_York"))),
        ("number", pa.array([Decimal("3.00"), Decimal("3.50")])),
        ("number", pa.array([3.0, 3.5, float("nan"), 2.0**60])),
        ("share", pa.array([123456789.12345678, float("nan"), 0.1])),
        ("share", pa.array([1.5, 0.1], pa.float16())),
        ("note", pa.array([UUID(int=1).bytes, b"\xff" * 16]).cast(pa.binary(16))),
        ("note", pa.array([UUID(int=1), UUID(int=2**128 - 1)], pa.uuid())),
    ],
)
def test_a_value_of_any_type_means_the_same_whatever_stands_beside_it(name: str, values: pa.Array) -> None:
    alone = [judged(name, values.slice(place, 1))[0] for place in range(len(values))]
    assert judged(name, values) == alone


@pytest.mark.parametrize("name", ["number", "share", "price"])
@pytest.mark.parametrize(
    "values",
    [
        pa.array([datetime(2026, 1, 1, tzinfo=UTC)]),
        pa.array([date(2026, 1, 1)]),
        pa.array([time(10)]),
        pa.array([True]),
        pa.array([3600], pa.duration("s")),
    ],
    ids=lambda values: str(values.type),
)
def test_what_is_no_number_is_none_although_it_is_stored_as_one(name: str, values: pa.Array) -> None:
    assert judged(name, values) == ["bad_type"]


def test_a_duration_is_neither_a_moment_nor_a_truth() -> None:
    for name in ("seen_at", "seen_on", "good"):
        assert judged(name, pa.array([1], pa.duration("s"))) == ["bad_type"]


def test_a_uuid_and_a_time_of_day_land_as_their_text() -> None:
    uuid = UUID("11111111-2222-3333-4444-555555555555")
    assert judged("note", pa.array([uuid, None], pa.uuid())) == [str(uuid), None]
    assert judged("note", pa.array([time(10, 30)], pa.time32("s"))) == ["10:30:00"]
    assert judged("note", pa.array([True])) == ["true"]
    assert judged("note", pa.array([[1, None]])) == ["[1,null]"]


@pytest.mark.parametrize("kind", TEXT_KINDS, ids=str)
def test_a_text_stored_as_bytes_is_treated_as_any_text(kind: pa.DataType) -> None:
    texts = pa.array([b" a ", b"", b"  ", b"x\x00y", None, " ä".encode()], pa.binary()).cast(kind)
    assert judged("note", texts) == ["a", None, None, "x\ufffdy", None, "ä"]
    assert judged("number", pa.array([b" 12 ", b"", b"x"], pa.binary()).cast(kind)) == [12, None, "bad_type"]
    assert len(broken_rows(texts)) == len(texts)


def test_a_blank_text_stored_as_bytes_is_missing_where_one_is_required() -> None:
    rows = pa.table({"id": pa.array([b"  ", b"\xff", b"a"])})
    checked = check_rows(THING, match_columns(THING, ["id"], "somewhere"), rows, 1, NOW)
    assert checked.rejected["reason"].to_pylist() == ["missing_value", "bad_type"]
    assert checked.rows["id"].to_pylist() == ["a"]


def test_bytes_that_are_no_utf8_are_a_bad_type_in_a_text_column_too() -> None:
    spoiled = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff\xfe", b" fine "]).buffers())
    assert judged("note", spoiled) == ["bad_type", "fine"]
    assert broken_rows(spoiled) == [str(b"\xff\xfe"), " fine "]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([6 * 10**17, 0], ZONELESS),
        pa.array([LAST, 0], pa.timestamp("us", "Asia/Tokyo")),
        pa.array([2**62, 0], pa.timestamp("s")),
        pa.array([2**31 - 1, 0], pa.int32()).cast(pa.date32()),
        pa.array([2**62, 0], pa.int64()).cast(pa.date64()),
        pa.array([2**62, 0], pa.time64("us")),
        pa.array([2**62, 0], pa.duration("s")),
        pa.array([[6 * 10**17], [0]], pa.list_(ZONELESS)),
        pa.StructArray.from_arrays([pa.array([6 * 10**17, 0], ZONELESS)], ["at"]),
    ],
    ids=lambda values: str(values.type),
)
def test_a_rejected_row_has_some_text_for_what_python_cannot_hold(values: pa.Array) -> None:
    far, near = broken_rows(values)
    assert far
    assert near == broken_rows(values.slice(1))[0]


def test_a_rejected_row_keeps_values_of_any_depth() -> None:
    deep: Any = float("nan")
    for _ in range(300):
        deep = [deep]
    row_json = rejected_rows(THING, [Rejected(1, {"id": "a", "extra": deep}, "bad_type")], NOW)["row_json"][0].as_py()
    assert row_json == f'{{"extra": {"[" * 300}null{"]" * 300}, "id": "a"}}'
    assert as_json({"b": 1, "a": [None]}) == '{"a":[null],"b":1}'


def test_ignored_columns_of_one_name_are_all_kept_in_a_rejected_row() -> None:
    rows = pa.table([["a"], ["no number"], ["x"], ["y"]], names=["id", "number", "tag", "tag"])
    checked = check_rows(THING, match_columns(THING, rows.column_names, "somewhere"), rows, 1, NOW)
    row = orjson.loads(checked.rejected["row_json"][0].as_py())
    assert row == {"id": "a", "number": "no number", "tag (3)": "x", "tag (4)": "y"}
