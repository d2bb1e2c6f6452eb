"""A simulated day: every kind of change to every type, visible to list, search, archive and history alike."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from hubspot_platform_tests.support.portal import Portal, portal

TYPES = ("contacts", "companies", "deals", "tickets", "calls", "meetings", "emails", "notes", "tasks", "communications")
START, END = "2026-11-20T00:00:00.000Z", "2026-11-21T00:00:00.000Z"


@pytest.fixture(scope="module")
def played() -> Iterator[tuple[Portal, dict]]:
    with portal("small", "--base-time", "2026-11-20T00:00:00") as running:
        running.clock(freeze="2026-11-21T00:00:00+00:00")
        yield running, running.admin("day", {"hours": 24, "each": 10, "crowd": 120})  # type: ignore[misc]


def ids(records: list[dict]) -> set[str]:
    return {r["id"] for r in records}


def test_every_type_is_created_updated_archived_and_restored(played: tuple[Portal, dict]) -> None:
    _, told = played
    assert (told["from"], told["until"]) == (START, END)
    for name in (*TYPES, "bug"):
        changes = told["changes"][name]
        assert len(changes["created"]) == 10, name
        assert changes["updated"], name
        assert changes["archived"], name
    for name in ("contacts", "companies", "deals", "tickets"):
        assert told["changes"][name]["survivors"]
        assert told["changes"][name]["calculated"]
    assert told["links"]["added"]
    assert told["links"]["removed"]
    assert told["crowd"]["stamped"] == 120


def test_records_end_up_where_the_changes_left_them(played: tuple[Portal, dict]) -> None:
    sandbox, told = played
    for name in (*TYPES, "bug"):
        changes = told["changes"][name]
        live, archived = ids(sandbox.dump(name)), ids(sandbox.dump(name, archived=True))
        gone = {*changes.get("merged_away", ()), *changes.get("purged", ())}
        assert {*changes["created"], *changes.get("survivors", ())} <= live | archived | gone
        assert not gone & (live | archived)
        assert not set(changes.get("purged", ())) & ids(sandbox.dump(name, archived=True))


def test_search_by_last_modified_finds_what_the_day_changed(played: tuple[Portal, dict]) -> None:
    sandbox, told = played
    for name in TYPES:
        modified = "lastmodifieddate" if name == "contacts" else "hs_lastmodifieddate"
        body = {"filters": [{"propertyName": modified, "operator": "GTE", "value": START}], "limit": 200}
        found = ids(sandbox.api("POST", f"/crm/v3/objects/{name}/search", json=body).json()["results"])
        changes = told["changes"][name]
        touched = {*changes["created"], *changes["updated"], *changes.get("survivors", ())}
        assert touched & ids(sandbox.dump(name)) <= found, name


def test_nothing_happens_before_the_day_and_the_newest_version_is_the_value(played: tuple[Portal, dict]) -> None:
    sandbox, told = played
    for name, props in (
        ("contacts", "lifecyclestage,phone"),
        ("deals", "dealstage,amount"),
        ("tickets", "hs_pipeline_stage"),
    ):
        query = {"history": props, "properties": props}
        records = sandbox.http.get(f"/sandbox/api/dump/{name}", params=query).json()["results"]
        touched = set(told["changes"][name]["updated"])
        for record in records:
            for prop, versions in record["propertiesWithHistory"].items():
                assert (versions[0]["value"] if versions else "") == (record["properties"][prop] or "")
                assert all(v["timestamp"] <= END for v in versions)
            if record["id"] in touched:
                assert record["updatedAt"] >= START


def test_what_is_logged_happened_minutes_before(played: tuple[Portal, dict]) -> None:
    sandbox, told = played
    changes = told["changes"]["calls"]
    untouched = set(changes["created"]) - set(changes["updated"])
    found = [r for r in sandbox.dump("calls") if r["id"] in untouched]
    assert found
    for record in found:
        created = datetime.fromisoformat(record["createdAt"])
        happened = datetime.fromisoformat(record["properties"]["hs_timestamp"])
        assert timedelta(0) <= created - happened <= timedelta(minutes=10)


def test_a_crowd_shares_one_instant(played: tuple[Portal, dict]) -> None:
    sandbox, told = played
    body = {"filters": [{"propertyName": "lastmodifieddate", "operator": "EQ", "value": told["crowd"]["at"]}]}
    total = sandbox.api("POST", "/crm/v3/objects/contacts/search", json=body).json()["total"]
    assert 80 < total <= 120  # some were changed again later that day


def test_the_same_day_happens_again_on_the_same_portal(played: tuple[Portal, dict]) -> None:
    _, told = played
    with portal("small", "--base-time", "2026-11-20T00:00:00") as other:
        other.clock(freeze="2026-11-21T00:00:00+00:00")
        assert other.admin("day", {"hours": 24, "each": 10, "crowd": 120}) == told


def test_a_day_needs_an_hour(played: tuple[Portal, dict]) -> None:
    sandbox, _ = played
    assert sandbox.http.post("/sandbox/api/day", json={"hours": 0}).status_code == 400
