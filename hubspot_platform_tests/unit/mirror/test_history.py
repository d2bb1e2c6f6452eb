"""Versions of properties become rows, one per change; what is unusual in them loses nothing else."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from hubspot_platform.hubspot.catalogue import CALL, CONTACT, DEAL, TICKET
from hubspot_platform.hubspot.names import PropertyNames, history_of
from hubspot_platform.hubspot.properties import PropertyDefinition
from hubspot_platform.hubspot.records import Records
from hubspot_platform.mirror.chunks import Chunk, build_chunk, join_chunks
from hubspot_platform.mirror.history import asking_history, history_rows, history_table
from hubspot_platform.mirror.merges import merge_times
from hubspot_platform.mirror.tables import layout_for

READ_AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
NOON = "2026-04-01T12:00:00.000Z"
DEFINITIONS = [
    PropertyDefinition(name=name, label=name, type="string", field_type="text")
    for name in ("dealstage", "amount", "dealname")
]


def version(value: str | None, at: str = NOON, source: str = "CRM_UI", source_id: str | None = "userId:9") -> dict:
    return {"value": value, "timestamp": at, "sourceType": source, "sourceId": source_id, "updatedByUserId": 9}


def deal(deal_id: int, **history: Any) -> dict[str, Any]:
    return {
        "id": str(deal_id),
        "properties": {"dealstage": "won"},
        "updatedAt": NOON,
        "archived": False,
        "propertiesWithHistory": history,
    }


def chunk_of(*records: dict[str, Any]) -> Chunk:
    layout = layout_for(DEAL, DEFINITIONS, {})
    return build_chunk(layout, [Records.of(records)], portal_id=42, read_at=READ_AT)


def rows_of(*records: dict[str, Any]) -> list[dict[str, Any]]:
    history = history_rows(DEAL, [Records.of(records)], read_at=READ_AT)
    assert history is not None
    return history.rows.to_pylist()


def test_every_version_is_a_row_with_its_source() -> None:
    (row,) = rows_of(deal(7, dealstage=[version("won")]))
    assert row == {
        "deal_id": 7,
        "name": "dealstage",
        "value": "won",
        "timestamp": datetime(2026, 4, 1, 12, tzinfo=UTC),
        "instant_rank": 0,
        "source": "CRM_UI",
        "source_id": "userId:9",
        "_fivetran_synced": READ_AT,
    }


def test_several_changes_of_one_instant_are_rows_of_their_own_the_last_one_first() -> None:
    rows = rows_of(deal(7, dealstage=[version("c"), version("b"), version("b"), version("a", "2026-04-01T11:00:00Z")]))
    assert [(row["value"], row["instant_rank"]) for row in rows] == [("c", 0), ("b", 1), ("b", 2), ("a", 0)]


def test_a_cleared_value_and_a_missing_source_are_null() -> None:
    (row,) = rows_of(deal(7, dealstage=[version("", source_id=None)]))
    assert (row["value"], row["source_id"]) == (None, None)


def test_a_record_looks_the_same_whether_its_history_came_with_it_or_not() -> None:
    plain = deal(7)
    del plain["propertiesWithHistory"]
    with_history, without = Records.of([deal(7, dealstage=[version("won")])]), Records.of([plain])
    assert with_history.texts == without.texts
    assert without.histories == ()
    assert len(with_history.part(slice(0, 0)).histories) == 0
    assert with_history.without({7}).histories == []


def test_a_version_without_a_time_is_a_misfit_and_the_others_stay() -> None:
    chunk = chunk_of(deal(7, dealstage=[version("b", "yesterday"), version("a")], amount=[version("1")]))
    assert chunk.history is not None
    assert sorted(chunk.history.rows["value"].to_pylist()) == ["1", "a"]
    (error,) = chunk.errors.to_pylist()
    assert (error["object_id"], error["property"], error["value"]) == (7, "dealstage", "yesterday")


def test_characters_no_database_stores_are_replaced() -> None:
    (row,) = rows_of(deal(7, dealname=[version("a\x00b\ud800")]))
    assert row["value"] == "a\ufffdb\ufffd"


@pytest.mark.parametrize("history", [{"dealstage": "won"}, {"dealstage": ["won"]}, {"dealstage": 7}])
def test_a_history_of_another_shape_is_a_misfit_of_its_record_alone(history: dict[str, Any]) -> None:
    chunk = chunk_of(deal(7, **history), deal(8, dealstage=[version("a")]))
    assert chunk.history is not None
    assert chunk.history.rows["deal_id"].to_pylist() == [8]
    (error,) = chunk.errors.to_pylist()
    assert (error["object_id"], error["property"]) == (7, "propertiesWithHistory")
    assert json.loads(error["value"]) == history


def test_joined_chunks_keep_every_history() -> None:
    first, second = chunk_of(deal(1, dealstage=[version("a")])), chunk_of(deal(2))
    joined = join_chunks([first, second])
    assert joined.history is not None
    assert joined.history.ids == (1, 2)
    assert joined.history.rows.num_rows == 1


def test_tickets_have_the_columns_of_their_own_table() -> None:
    table = history_table(TICKET)
    assert table is not None
    assert {"timestamp_instant", "_fivetran_start", "_fivetran_end"} <= set(table.column_names)
    assert "timestamp" not in table.column_names


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        (None, ("amount", "dealstage")),
        (["*"], ("dealstage", "amount", "dealname")),
        (["dealname", "gone"], ("dealname",)),
        ([], ()),
    ],
)
def test_history_is_asked_for_what_the_settings_choose_of_what_the_portal_has(
    chosen: list[str] | None, wanted: tuple[str, ...]
) -> None:
    layout = asking_history(layout_for(DEAL, DEFINITIONS, {}), chosen)
    assert history_of(layout.properties) == wanted
    assert tuple(layout.properties) == ("dealstage", "amount", "dealname")


def test_an_object_without_a_history_table_is_never_asked_for_history() -> None:
    assert history_table(CALL) is None
    assert history_of(asking_history(layout_for(CALL, DEFINITIONS, {}), ["*"]).properties) == ()


def test_names_are_a_plain_list_to_whoever_does_not_ask_for_history() -> None:
    names = PropertyNames(("email",), ("lifecyclestage",))
    assert list(names) == ["email"]
    assert history_of(names) == ("lifecyclestage",)
    assert history_of(("email",)) == ()
    assert history_table(CONTACT) is not None


def test_merge_times_are_read_and_what_is_none_is_left_out() -> None:
    assert merge_times("5:1767225600000;6:soon;x:1;7") == {5: datetime(2026, 1, 1, tzinfo=UTC)}
