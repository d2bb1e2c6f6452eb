"""Tickets and engagements with the tables they share, on both store pairs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import CALL, CONTACT, ENGAGEMENTS, NOTE, TICKET, ObjectType
from hubspot_platform.runtime import Platform
from hubspot_platform_tests.support.platforms import (
    assert_mirror_equals_portal,
    mirrored,
    platform_for,
    rows,
    sync,
)
from hubspot_platform_tests.support.portal import Portal, portal


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A small portal; what one test changes, the next one finds changed."""
    with portal("small") as running:
        yield running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, sandbox: Portal, tmp_path: Path) -> Iterator[Platform]:
    """A platform on the portal, once on each store pair."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with platform_for(sandbox, tmp_path, url) as opened:
        yield opened


Link = tuple[int, int, int]


def stored_links(platform: Platform, table: str, from_column: str, to_column: str) -> set[Link]:
    found = rows(platform, f"select {from_column} as a, {to_column} as b, type_id as t from hubspot.{table}")
    assert len({tuple(row.values()) for row in found}) == len(found)
    return {(row["a"], row["b"], row["t"]) for row in found}


def portal_links(sandbox: Portal, platform: Platform, obj: ObjectType, to_type: str) -> set[Link]:
    live = set(mirrored(platform, obj))
    return {(int(a), int(b), t) for a, b, t in sandbox.links(obj.plural, to_type) if int(a) in live}


def in_table_engagement(platform: Platform) -> dict[int, tuple[str, bool]]:
    found = rows(platform, "select id, type, _fivetran_deleted as gone from hubspot.engagement")
    return {row["id"]: (row["type"], row["gone"]) for row in found}


def in_own_tables(platform: Platform, *objects: ObjectType) -> dict[int, tuple[str, bool]]:
    return {
        row["id"]: (row["type"], row["gone"])
        for obj in objects
        for row in rows(
            platform, f"select engagement_id as id, type, _fivetran_deleted as gone from hubspot.{obj.table}"
        )
    }


def test_engagements_of_every_type_share_association_tables_and_table_engagement(
    platform: Platform, sandbox: Portal
) -> None:
    for obj in ENGAGEMENTS:
        sync(platform, obj)
    for target in CALL.associations:
        here = stored_links(platform, target.table, target.from_column, target.to_column)
        there = set().union(*(portal_links(sandbox, platform, obj, target.to_type) for obj in ENGAGEMENTS))
        assert there, f"the seeded portal has engagements of {target.to_type}"
        assert here == there, target.table
    assert in_table_engagement(platform) == in_own_tables(platform, *ENGAGEMENTS)
    assert {kind for kind, _ in in_own_tables(platform, *ENGAGEMENTS).values()} == {
        obj.engagement_type for obj in ENGAGEMENTS
    }
    portal_ids = rows(platform, "select distinct portal_id from hubspot.engagement")
    assert portal_ids == [{"portal_id": 4242}]


def test_an_engagement_that_is_archived_restored_or_purged_is_so_in_both_its_tables(
    platform: Platform, sandbox: Portal
) -> None:
    sync(platform, CALL)
    archived, purged = sorted(mirrored(platform, CALL))[:2]
    sandbox.change("calls", "archive", ids=[str(archived)])
    sync(platform, CALL)
    assert in_table_engagement(platform)[archived] == ("CALL", True)
    sandbox.change("calls", "restore", ids=[str(archived)])
    sandbox.change("calls", "purge", ids=[str(purged)])
    sync(platform, CALL, full=True)
    assert in_table_engagement(platform)[archived] == ("CALL", False)
    assert in_table_engagement(platform)[purged] == ("CALL", True)
    assert in_table_engagement(platform) == in_own_tables(platform, CALL)


def test_one_types_sync_leaves_the_associations_of_the_others_alone(platform: Platform, sandbox: Portal) -> None:
    for obj in (CALL, NOTE):
        sync(platform, obj)
    before = stored_links(platform, "engagement_contact", "engagement_id", "contact_id")
    call, contact, _ = min(link for link in before if link[0] in mirrored(platform, CALL))
    sandbox.api("DELETE", f"/crm/v4/objects/calls/{call}/associations/contacts/{contact}")
    sandbox.api("PATCH", f"/crm/v3/objects/calls/{call}", json={"properties": {"hs_call_title": "touched"}})
    sync(platform, CALL)
    after = stored_links(platform, "engagement_contact", "engagement_id", "contact_id")
    assert before - after == {link for link in before if link[:2] == (call, contact)}
    assert after < before


def test_owner_and_team_of_tickets_and_engagements_are_integers_and_notes_have_their_body(
    platform: Platform, sandbox: Portal
) -> None:
    for obj in (TICKET, NOTE):
        sync(platform, obj)
        key = obj.id_column
        typed = rows(
            platform,
            f"select {key} as id, property_hubspot_owner_id as owner, property_hubspot_team_id as team "
            f"from hubspot.{obj.table} where not is_deleted and property_hubspot_owner_id is not null",
        )
        there = {int(record["id"]): record["properties"] for record in sandbox.dump(obj.plural)}
        assert typed
        assert all(str(row["owner"]) == there[row["id"]]["hubspot_owner_id"] for row in typed)
        assert {str(row["team"]) for row in typed if row["team"] is not None} <= {
            properties["hubspot_team_id"] for properties in there.values()
        }
    notes = {int(record["id"]): record["properties"]["hs_note_body"] for record in sandbox.dump("notes")}
    bodies = rows(platform, "select engagement_id as id, body from hubspot.engagement_note where not is_deleted")
    assert {row["id"]: row["body"] for row in bodies} == {key: body or None for key, body in notes.items()}


def test_tickets_merge_like_every_record(platform: Platform, sandbox: Portal) -> None:
    sync(platform, TICKET)
    winner, loser = sorted(mirrored(platform, TICKET))[:2]
    merge = {"primaryObjectId": str(winner), "objectIdToMerge": str(loser)}
    sandbox.api("POST", "/crm/v3/objects/tickets/merge", json=merge)
    sync(platform, TICKET)
    assert {winner, loser} <= set(mirrored(platform, TICKET, deleted=True))
    assert_mirror_equals_portal(platform, sandbox, TICKET)


def test_contacts_bring_their_companies_with_every_association_type(platform: Platform, sandbox: Portal) -> None:
    sync(platform, CONTACT)
    here = stored_links(platform, "contact_company", "contact_id", "company_id")
    assert here == portal_links(sandbox, platform, CONTACT, "companies")
    labels = rows(platform, "select distinct label from hubspot.contact_company order by label")
    assert {"Primary", None} <= {row["label"] for row in labels}


def test_associations_cost_one_call_per_type_and_thousand_records(platform: Platform, sandbox: Portal) -> None:
    sandbox.reset_stats()
    sync(platform, CALL)
    assert sandbox.stats()["by_kind"]["associations.batch_read"] == len(CALL.associations)
