"""Rows of a source against the contract: what lands as what, and which reason keeps a row out."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_platform.landing.check import Checked, check_rows, match_columns, refuse_missing
from hubspot_platform.landing.contract import CATALOGUE
from hubspot_platform.landing.errors import MissingColumn, SourceUnreadable
from hubspot_platform.landing.model import LandedTable, field

NOW = datetime(2026, 5, 2, 10, tzinfo=UTC)
THING = LandedTable(
    "product",
    "thing",
    "Things.",
    (
        field("id", "text", case="lower"),
        field("kind", "text?", choices="RED blue"),
        field("share", "decimal?", within="0..1"),
        field("price", "money?", within="0.."),
        field("code", "text?", pattern="[A-Z]{3}", case="upper"),
        field("number", "int?"),
        field("seen_at", "timestamp?"),
        field("seen_on", "date?"),
        field("good", "bool?"),
    ),
    key=("id",),
)

CODED = LandedTable("product", "coded", "Coded things.", (field("id", "text"), field("code", "text?")), key=("id",))


def check(rows: pa.Table, entry: LandedTable = THING) -> Checked:
    return check_rows(entry, match_columns(entry, rows.column_names, "somewhere"), rows, 1, NOW)


def check_texts(**values: str | None) -> Checked:
    """One row as CSV and NDJSON give it, with an id unless it says otherwise."""
    return check(pa.table({name: pa.array([value], pa.string()) for name, value in {"id": "a", **values}.items()}))


def reason(checked: Checked) -> tuple[str, str]:
    row = checked.rejected.to_pylist()[0]
    assert checked.rows.num_rows == 0
    return row["reason"], row["column_name"]


def test_texts_become_the_types_of_the_contract() -> None:
    texts = {"id": " A1 ", "kind": "red", "share": "0.25", "price": "9.99995", "code": " eur", "number": "-7"}
    checked = check_texts(**texts, seen_at="2026-05-01 10:00:00+02", seen_on="2026-05-01", good="true")
    assert checked.rejected.num_rows == 0
    assert checked.rows.drop_columns(["__row_number"]).to_pylist() == [
        {
            "id": "a1",
            "kind": "RED",
            "share": Decimal("0.25"),
            "price": Decimal("10.0000"),
            "code": "EUR",
            "number": -7,
            "seen_at": datetime(2026, 5, 1, 8, tzinfo=UTC),
            "seen_on": date(2026, 5, 1),
            "good": True,
        }
    ]


def test_an_empty_or_blank_text_is_null() -> None:
    row = check_texts(kind="", share="  ", seen_at="").rows.to_pylist()[0]
    assert row["kind"] is row["share"] is row["seen_at"] is None


def test_values_of_a_database_become_the_types_of_the_contract() -> None:
    rows = pa.table(
        {
            "ID": pa.array([12, 13], pa.int32()),
            "kind": pa.array(["blue", None]).dictionary_encode(),
            "share": pa.array([0.5, None], pa.float64()),
            "price": pa.array([Decimal("12.5"), None], pa.decimal128(9, 2)),
            "number": pa.array([3.0, None], pa.float64()),
            "seen_at": pa.array([datetime(2026, 5, 1, 8), None], pa.timestamp("ns")),  # noqa: DTZ001 - without zone
            "seen_on": pa.array([datetime(2026, 5, 1), None], pa.timestamp("us")),  # noqa: DTZ001
            "good": pa.array([1, None], pa.int8()),
        }
    )
    checked = check(rows)
    assert checked.rejected.num_rows == 0
    first = checked.rows.to_pylist()[0]
    assert (first["id"], first["kind"], first["number"], first["good"]) == ("12", "blue", 3, True)
    assert (first["share"], first["price"]) == (Decimal("0.5"), Decimal("12.5"))
    assert (first["seen_at"], first["seen_on"]) == (datetime(2026, 5, 1, 8, tzinfo=UTC), date(2026, 5, 1))


@pytest.mark.parametrize(
    ("column", "value", "wanted"),
    [
        ("number", "3.5", "bad_type"),
        ("number", "seven", "bad_type"),
        ("share", "NaN", "bad_type"),
        ("price", "12,5", "bad_type"),
        ("price", "1e15", "bad_type"),
        ("seen_at", "yesterday", "bad_type"),
        ("seen_on", "2026-02-30", "bad_type"),
        ("good", "perhaps", "bad_type"),
        ("id", " ", "missing_value"),
        ("kind", "green", "unknown_choice"),
        ("share", "1.0000001", "out_of_range"),
        ("share", "-0.1", "out_of_range"),
        ("price", "-0.01", "out_of_range"),
        ("code", "EURO", "bad_pattern"),
    ],
)
def test_a_row_that_breaks_the_contract_is_rejected_with_its_reason(column: str, value: str, wanted: str) -> None:
    assert reason(check_texts(**{column: value})) == (wanted, column)


def test_bounds_themselves_are_allowed() -> None:
    for share in ("0", "1"):
        assert check_texts(share=share).rows.num_rows == 1


def test_a_number_that_is_none_is_rejected_where_a_database_sends_it() -> None:
    rows = pa.table({"id": ["a", "b"], "share": pa.array([float("nan"), 0.5], pa.float64())})
    checked = check(rows)
    assert checked.rows["id"].to_pylist() == ["b"]
    assert checked.rejected["reason"].to_pylist() == ["bad_type"]


def test_the_first_column_that_breaks_the_contract_is_the_reason() -> None:
    assert reason(check_texts(share="2", price="-1", kind="green")) == ("unknown_choice", "kind")


def test_a_rejected_row_keeps_what_the_source_had_and_its_place() -> None:
    rows = pa.table({"id": ["a", "b", "c"], "number": ["1", "x\x00y", "3"], "extra": ["p", "q", "r"]})
    checked = check(rows)
    rejected = checked.rejected.to_pylist()
    assert [row["row_number"] for row in rejected] == [2]
    assert orjson.loads(rejected[0]["row_json"]) == {"id": "b", "number": "x\ufffdy", "extra": "q"}
    assert rejected[0]["table_name"] == "product.thing"
    assert rejected[0]["rejected_at"] == NOW
    assert checked.rows["id"].to_pylist() == ["a", "c"]


def test_case_034_characters_no_database_stores_are_replaced() -> None:
    row = check_texts(id="a\x00b").rows.to_pylist()[0]
    assert row["id"] == "a\ufffdb"


def test_a_missing_required_column_is_an_error_that_names_place_table_and_column() -> None:
    entry = CATALOGUE["product.company"]
    match = match_columns(entry, [name for name in entry.table.column_names if name != "status"], "/data/company.csv")
    with pytest.raises(MissingColumn, match=r"/data/company\.csv: table product\.company lacks column status"):
        refuse_missing(entry, match, "/data/company.csv")


@pytest.mark.parametrize("other", ["email", "EMAIL", " Email "])
def test_two_columns_of_one_name_are_an_error_that_names_place_table_and_columns(other: str) -> None:
    entry = CATALOGUE["product.lead"]
    names = [*entry.table.column_names, other]
    wanted = rf"/data/lead\.csv: table product\.lead has columns of one name: 'email', {other!r} — the table as it was"
    with pytest.raises(SourceUnreadable, match=wanted):
        match_columns(entry, names, "/data/lead.csv")


def test_columns_of_one_name_that_are_ignored_stop_nothing() -> None:
    match = match_columns(THING, ["id", "note", "note", "NOTE"], "somewhere")
    refuse_missing(THING, match, "somewhere")
    assert match.ignored == ("NOTE", "note")


def test_a_missing_column_that_may_be_null_is_null_and_named() -> None:
    match = match_columns(THING, ["id", "Extra"], "somewhere")
    refuse_missing(THING, match, "somewhere")
    assert match.ignored == ("Extra",)
    assert set(match.absent) == set(THING.table.column_names) - {"id"}


_TEXTS = (
    st.none() | st.sampled_from(["", " ", "1", "0.5", "-3", "red", "2026-01-01", "true", "EUR"]) | st.text(max_size=9)
)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(THING.table.column_names, _TEXTS)), max_size=12))
def test_every_row_is_either_typed_or_rejected_once(rows: list[dict[str, Any]]) -> None:
    given_rows = pa.table(
        {name: pa.array([row[name] for row in rows], pa.string()) for name in THING.table.column_names}
    )
    checked = check(given_rows)
    numbers = [*checked.rows["__row_number"].to_pylist(), *checked.rejected["row_number"].to_pylist()]
    assert sorted(numbers) == list(range(1, len(rows) + 1))
    assert not checked.rows["id"].null_count


def test_ids_that_pandas_kept_as_floats_are_whole_numbers_and_what_is_no_text_is_refused() -> None:
    ids = pa.array([123456789012.0, None, 1.5, float("nan"), -3.0])
    checked = check(pa.table({"id": ["a", "b", "c", "d", "e"], "code": ids}), CODED)
    assert checked.rows["code"].to_pylist() == ["123456789012", None, "1.5", "-3"]
    assert [(row["row_number"], row["reason"], row["column_name"]) for row in checked.rejected.to_pylist()] == [
        (4, "bad_type", "code")
    ]
    bytes_of_id = pa.array([b"plain", bytes.fromhex("de" * 16)])
    checked = check(pa.table({"id": ["a", "b"], "code": bytes_of_id}), CODED)
    assert checked.rows["code"].to_pylist() == ["plain"]
    assert checked.rejected.to_pylist()[0]["reason"] == "bad_type"


def test_a_number_that_is_none_is_refused_in_every_type() -> None:
    nothing = pa.array([float("nan")])
    for name in ("share", "price", "number", "good", "seen_at"):
        assert reason(check(pa.table({"id": ["a"], name: nothing}))) == ("bad_type", name)
