"""Whatever HubSpot sends becomes typed rows: what fits is stored, what does not is kept beside, nothing is lost."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hubspot_platform.mirror.reference.email import detail_row, event_row
from hubspot_platform.mirror.reference.email_tables import EMAIL_EVENT, EVENT_TABLES
from hubspot_platform.mirror.reference.rows import columns, typed_rows
from hubspot_platform.warehouse.model import Table

NOW = datetime(2026, 5, 1, tzinfo=UTC)
TABLE = Table("hubspot", "thing", columns("id:int name:text seen_at:timestamp active:bool data:json"), key=("id",))

texts = st.text(st.characters(codec=None), max_size=8)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
rows_of_anything = st.lists(st.fixed_dictionaries(dict.fromkeys(TABLE.column_names, anything)), max_size=8)


@given(rows_of_anything)
def test_every_row_is_stored_or_kept_among_the_rejected(rows: list[dict[str, Any]]) -> None:
    typed = typed_rows(TABLE, rows, NOW)
    assert typed.rows.schema == TABLE.arrow_schema()
    keyless = sum(reason == "no_key" for reason in typed.rejected["reason"].to_pylist())
    assert typed.rows.num_rows + keyless == len(rows)
    assert all(json.loads(text) is not None for text in typed.rejected["raw_json"].to_pylist())


@given(rows_of_anything)
def test_a_value_means_the_same_whatever_stands_beside_it(rows: list[dict[str, Any]]) -> None:
    together = typed_rows(TABLE, rows, NOW).rows.to_pylist()
    alone = [row for each in rows for row in typed_rows(TABLE, [each], NOW).rows.to_pylist()]
    assert together == alone


def test_ids_moments_and_flags_are_read_from_text_and_from_numbers() -> None:
    expected = datetime(2026, 1, 1, tzinfo=UTC)
    for moment in (1767225600000, "1767225600000", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"):
        row = typed_rows(TABLE, [{"id": "7", "seen_at": moment, "active": "true"}], NOW).rows.to_pylist()[0]
        assert (row["id"], row["seen_at"], row["active"]) == (7, expected, True)


def test_a_value_that_does_not_fit_is_null_and_names_its_column() -> None:
    typed = typed_rows(TABLE, [{"id": 1, "seen_at": "soon", "name": "kept"}, {"id": 2, "name": ""}], NOW)
    assert [(r["id"], r["name"], r["seen_at"]) for r in typed.rows.to_pylist()] == [(1, "kept", None), (2, None, None)]
    assert typed.rejected["reason"].to_pylist() == ["does_not_fit: seen_at"]


def test_columns_to_keep_are_not_in_the_rows() -> None:
    assert "data" not in typed_rows(TABLE, [{"id": 1, "data": {}}], NOW, keep=("data",)).rows.column_names


EVENT = {
    "id": "0a1b",
    "created": 1767225600000,
    "type": "CLICK",
    "recipient": "a@example.com",
    "portalId": 42,
    "emailCampaignId": 551,
    "filteredEvent": False,
    "sentBy": {"id": "9f8e", "created": 1767225500000},
    "url": "https://example.com/?a=1",
    "userAgent": "Mozilla",
    "ipAddress": "203.0.113.7",
    "browser": {"name": "Chrome", "version": ["120"]},
}


def test_an_event_becomes_a_row_with_its_links_and_a_row_of_its_own_kind() -> None:
    common = typed_rows(EMAIL_EVENT, [event_row(EVENT)], NOW).rows.to_pylist()[0]
    assert (common["id"], common["sent_by_id"], common["caused_by_id"]) == ("0a1b", "9f8e", None)
    assert common["sent_by_created"] == datetime(2025, 12, 31, 23, 58, 20, tzinfo=UTC)
    click = typed_rows(EVENT_TABLES["CLICK"], [detail_row(EVENT)], NOW).rows.to_pylist()[0]
    assert (click["url"], click["user_agent"], click["ip_address"]) == (EVENT["url"], "Mozilla", "203.0.113.7")
    assert json.loads(click["browser"]) == EVENT["browser"]
    assert click["created"] == common["created"]


def test_a_sending_names_itself_so_that_all_events_of_a_message_share_one_id() -> None:
    sent = {**EVENT, "id": "9f8e", "created": 1767225500000, "type": "SENT"}
    del sent["sentBy"]
    for event in (sent, {**sent, "sentBy": {"id": "9f8e", "created": 1767225500000}}):
        row = event_row(event)
        assert (row["sent_by_id"], row["sent_by_created"]) == ("9f8e", 1767225500000)
    assert event_row({**sent, "type": "SUPPRESSED"})["sent_by_id"] is None
