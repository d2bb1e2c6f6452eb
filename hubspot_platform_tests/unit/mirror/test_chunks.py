"""Records become typed rows; misfits are rows of their own and never stop the run."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from hubspot_platform.hubspot.catalogue import CONTACT, DEAL, NOTE
from hubspot_platform.hubspot.properties import PropertyDefinition
from hubspot_platform.hubspot.records import Records
from hubspot_platform.mirror.chunks import Chunk, build_chunk
from hubspot_platform.mirror.tables import layout_for

READ_AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
DEFINITIONS = [
    PropertyDefinition(name="email", label="E-mail", type="string", field_type="text"),
    PropertyDefinition(name="score", label="Score", type="number", field_type="number"),
    PropertyDefinition(name="hubspot_owner_id", label="Owner", type="enumeration", field_type="select"),
]


def record(record_id: int, **properties: str | None) -> dict[str, Any]:
    return {
        "id": str(record_id),
        "properties": properties,
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-04-01T10:00:00.123Z",
        "archived": False,
    }


def chunk_of(*records: dict[str, Any]) -> Chunk:
    layout = layout_for(CONTACT, DEFINITIONS, {})
    return build_chunk(layout, [Records.of(records)], portal_id=42, read_at=READ_AT)


def test_a_record_becomes_one_typed_row_with_its_raw_form() -> None:
    source = record(7, email="a@x.com", score="12.5")
    row = chunk_of(source).rows.to_pylist()[0]
    assert (row["id"], row["property_email"], row["property_score"]) == (7, "a@x.com", Decimal("12.5"))
    assert (row["portal_id"], row["is_deleted"], row["_fivetran_synced"]) == (42, False, READ_AT)
    assert row["updated_at"] == datetime(2026, 4, 1, 10, 0, 0, 123000, UTC)
    assert json.loads(row["raw_json"]) == source


def test_a_value_that_does_not_fit_is_null_in_its_column_kept_raw_and_listed() -> None:
    chunk = chunk_of(record(1, score="many"), record(2, score="3"))
    assert chunk.rows.column("property_score").to_pylist() == [None, Decimal(3)]
    assert json.loads(chunk.rows.column("raw_json")[0].as_py())["properties"]["score"] == "many"
    (error,) = chunk.errors.to_pylist()
    assert (error["object_type"], error["object_id"], error["property"], error["value"]) == (
        "contact",
        1,
        "score",
        "many",
    )
    assert (error["declared_type"], error["reason"], error["seen_at"]) == ("decimal", "does_not_fit", READ_AT)


def test_case_034_a_nul_is_replaced_in_column_and_raw_form_and_listed() -> None:
    chunk = chunk_of(record(1, email="a\x00b"), record(2, email="🙂@x.com"))
    assert chunk.rows.column("property_email").to_pylist() == ["a\ufffdb", "🙂@x.com"]
    assert "\\u0000" not in chunk.rows.column("raw_json")[0].as_py()
    assert [(row["object_id"], row["reason"]) for row in chunk.errors.to_pylist()] == [(1, "characters_replaced")]


def test_an_archived_record_is_marked_as_deleted() -> None:
    row = chunk_of({**record(1), "archived": True, "archivedAt": "2026-04-02T00:00:00Z"}).rows.to_pylist()[0]
    assert (row["is_deleted"], row["_fivetran_deleted"]) == (True, True)
    assert row["archived_at"] == datetime(2026, 4, 2, tzinfo=UTC)


def test_the_losers_of_a_merge_are_named() -> None:
    assert chunk_of(record(9, hs_merged_object_ids="3;4")).merged_away == (3, 4)


def test_columns_named_otherwise_than_their_property_are_filled_too() -> None:
    layout = layout_for(DEAL, [], {})
    deal = {**record(5, dealstage="closedwon", pipeline="default", hubspot_owner_id="77")}
    chunk = build_chunk(layout, [Records.of([deal])], portal_id=42, read_at=READ_AT)
    row = chunk.rows.to_pylist()[0]
    assert (row["deal_id"], row["deal_pipeline_id"], row["deal_pipeline_stage_id"], row["owner_id"]) == (
        5,
        "default",
        "closedwon",
        77,
    )


def test_an_engagement_has_its_type_and_integer_ids_and_one_that_is_no_id_is_a_misfit() -> None:
    owner = PropertyDefinition("hubspot_owner_id", "Owner", "enumeration", "select")
    notes = [record(5, hubspot_owner_id="77", hs_note_body="<p>Hi</p>"), record(6, hubspot_owner_id="nobody")]
    chunk = build_chunk(layout_for(NOTE, [owner], {}), [Records.of(notes)], portal_id=42, read_at=READ_AT)
    found = [(row["type"], row["property_hubspot_owner_id"], row["body"]) for row in chunk.rows.to_pylist()]
    assert found == [("NOTE", 77, "<p>Hi</p>"), ("NOTE", None, None)]
    errors = [(row["object_type"], row["object_id"], row["declared_type"]) for row in chunk.errors.to_pylist()]
    assert errors == [("note", 6, "int")]


def test_a_chunk_with_an_unusual_record_means_the_same_as_without_it() -> None:
    """Numbers where texts belong, a missing property, lone surrogates: read one by one, beside ordinary records."""
    usual = record(1, email="a@x.com", score="2.5")
    alone, together = chunk_of(usual), chunk_of(usual, {**record(2), "properties": {"score": 7, "email": "\ud800"}})
    for name in alone.rows.column_names:
        assert together.rows.column(name)[0] == alone.rows.column(name)[0], name
    assert together.rows.column("property_score").to_pylist() == [Decimal("2.5"), Decimal(7)]
    assert together.rows.column("property_email").to_pylist() == ["a@x.com", "\ufffd"]
    assert [(row["object_id"], row["reason"]) for row in together.errors.to_pylist()] == [(2, "characters_replaced")]


def test_no_records_at_all_are_a_chunk_too() -> None:
    assert chunk_of().rows.num_rows == 0
    assert chunk_of().read == 0


@pytest.mark.parametrize(
    ("broken", "reason", "kept"),
    [
        (b'{"id":"5","archived":true}', "no_properties", {"id": "5", "archived": True}),
        (b'{"id":"5","properties":null}', "no_properties", {"id": "5", "properties": None}),
        (b'{"id":"5","properties":"\\u0000"}', "no_properties", {"id": "5", "properties": "\ufffd"}),
        (b'{"id":"5","properties":["a"]}', "no_properties", {"id": "5", "properties": ["a"]}),
        (b'{"id":"5","properties":{"a"}}', "broken_json", '{"id":"5","properties":{"a"}}'),
    ],
)
def test_a_record_that_cannot_be_read_is_rejected_and_the_others_do_not_notice(
    broken: bytes, reason: str, kept: object
) -> None:
    usual, unusual = record(1, email="a@x.com", score="2.5"), record(9, email="\ud800", score="many")
    page = Records.of([usual, unusual])
    together = Records([1, 5, 9], [page.texts[0], broken, page.texts[1]], nameless=[b'{"properties":{}}'])
    chunk = build_chunk(layout_for(CONTACT, DEFINITIONS, {}), [together], portal_id=42, read_at=READ_AT)
    alone = chunk_of(usual, unusual)
    assert chunk.rows == alone.rows
    assert chunk.errors == alone.errors
    assert (chunk.ids, chunk.rejected_ids, chunk.read) == ((1, 9), (5,), 4)
    found = {row["reason"]: json.loads(row["raw_json"]) for row in chunk.rejected.to_pylist()}
    assert found == {"no_id": {"properties": {}}, reason: kept}
    assert set(chunk.rejected["table_name"].to_pylist()) == {"contact"}
