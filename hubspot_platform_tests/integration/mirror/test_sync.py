"""The mirror equals the portal, value by value, after every kind of sync, on both store pairs."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import CATALOGUE, COMPANY, CONTACT, DEAL, REFERENCES
from hubspot_platform.hubspot.errors import MissingScope, Unauthorized, WrongPortal
from hubspot_platform.mirror.plan import Mode, VolumeGuard
from hubspot_platform.mirror.reference import sync_reference
from hubspot_platform.runtime import Platform
from hubspot_platform.state import windows
from hubspot_platform_tests.support.platforms import (
    assert_mirror_equals_portal,
    mirrored,
    platform_for,
    rows,
    settings_for,
    sync,
)
from hubspot_platform_tests.support.portal import Portal, calm, portal


@pytest.fixture(scope="module")
def shared() -> Iterator[Portal]:
    with portal("small") as running:
        yield running


@pytest.fixture
def sandbox(shared: Portal) -> Iterator[Portal]:
    """A small portal; what one test changes, the next one finds changed."""
    yield shared
    calm(shared)


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, sandbox: Portal, tmp_path: Path) -> Iterator[Platform]:
    """A platform on the portal, once on each store pair."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with platform_for(sandbox, tmp_path, url) as opened:
        yield opened


@pytest.fixture(scope="module", params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def mirror(
    request: pytest.FixtureRequest, shared: Portal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """A platform that mirrors one object after the other, once on each store pair."""
    url = request.getfixturevalue("module_postgres_url") if request.param == "postgres" else None
    with platform_for(shared, tmp_path_factory.mktemp("mirror"), url) as opened:
        yield opened


def watermark_of(platform: Platform, name: str) -> object:
    identity = platform.warehouse().identity()
    return platform.state().read(lambda connection: windows.watermark(connection, identity, name))


@pytest.mark.parametrize("obj", CATALOGUE.values(), ids=lambda obj: obj.name)
def test_a_first_sync_reads_everything_and_completes_everything_before_it(
    mirror: Platform, shared: Portal, obj: object
) -> None:
    report = sync(mirror, obj)  # type: ignore[arg-type]
    assert report.mode is Mode.FULL
    assert_mirror_equals_portal(mirror, shared, obj)  # type: ignore[arg-type]
    assert report.counts.total == report.objects_read
    assert watermark_of(mirror, obj.name) == report.window.end  # type: ignore[union-attr, attr-defined]


def test_a_catch_up_brings_creates_updates_archives_merges_and_restores(platform: Platform, sandbox: Portal) -> None:
    sync(platform, CONTACT)
    first, second, third, fourth, fifth = sorted(mirrored(platform, CONTACT))[:5]
    new = {"email": f"new@{platform.warehouse().dialect}.example"}
    assert sandbox.api("POST", "/crm/v3/objects/contacts", json={"properties": new}).status_code == 201
    sandbox.api("PATCH", f"/crm/v3/objects/contacts/{first}", json={"properties": {"lastname": "Änderung 🙂"}})
    sandbox.api("DELETE", f"/crm/v3/objects/contacts/{second}")
    merge = {"primaryObjectId": str(third), "objectIdToMerge": str(fourth)}
    sandbox.api("POST", "/crm/v3/objects/contacts/merge", json=merge)
    report = sync(platform, CONTACT)
    assert report.mode is Mode.WINDOW
    assert_mirror_equals_portal(platform, sandbox, CONTACT)
    assert second in mirrored(platform, CONTACT, deleted=True)
    assert {third, fourth} <= set(mirrored(platform, CONTACT, deleted=True))
    sandbox.change("contacts", "archive", ids=[str(fifth)])
    sync(platform, CONTACT)
    sandbox.change("contacts", "restore", ids=[str(fifth)])
    sync(platform, CONTACT)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_records_that_left_no_trace_are_found_by_a_full_read(platform: Platform, sandbox: Portal) -> None:
    sync(platform, CONTACT)
    gone = sorted(mirrored(platform, CONTACT))[:3]
    sandbox.change("contacts", "purge", ids=[str(record_id) for record_id in gone])
    report = sync(platform, CONTACT, full=True)
    assert report.vanished == 3
    assert_mirror_equals_portal(platform, sandbox, CONTACT)
    assert set(gone) <= set(mirrored(platform, CONTACT, deleted=True))


def test_case_076_most_records_gone_stops_and_asks(platform: Platform, sandbox: Portal) -> None:
    sync(platform, CONTACT)
    ids = sorted(mirrored(platform, CONTACT))
    gone = [str(record_id) for record_id in ids[: len(ids) * 6 // 10]]
    sandbox.change("contacts", "archive", ids=gone)
    with pytest.raises(VolumeGuard, match="--confirm-deletes"):
        sync(platform, CONTACT)
    assert len(mirrored(platform, CONTACT)) == len(ids)
    sync(platform, CONTACT, full=True, confirm_deletes=True)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)
    sandbox.change("contacts", "restore", ids=gone)


def test_deals_bring_their_associations_with_every_type(platform: Platform, sandbox: Portal) -> None:
    sync(platform, DEAL)
    for target in DEAL.associations:
        live = set(mirrored(platform, DEAL))
        here = {
            (row["a"], row["b"], row["t"])
            for row in rows(
                platform,
                f"select {target.from_column} as a, {target.to_column} as b, type_id as t from hubspot.{target.table}",
            )
        }
        there = {(int(a), int(b), t) for a, b, t in sandbox.links("deals", target.to_type) if int(a) in live}
        assert there, "the seeded portal has associations"
        assert here == there


def test_an_association_that_was_removed_disappears_with_the_next_read_of_its_deal(
    platform: Platform, sandbox: Portal
) -> None:
    sync(platform, DEAL)
    deal, contact = rows(platform, "select deal_id, contact_id from hubspot.deal_contact limit 1")[0].values()
    sandbox.api("DELETE", f"/crm/v4/objects/deals/{deal}/associations/contacts/{contact}")
    sandbox.api("PATCH", f"/crm/v3/objects/deals/{deal}", json={"properties": {"dealname": "touched"}})
    sync(platform, DEAL)
    left = rows(platform, "select 1 from hubspot.deal_contact where deal_id = ? and contact_id = ?", deal, contact)
    assert left == []


def test_an_older_copy_never_replaces_a_newer_one(platform: Platform, sandbox: Portal) -> None:
    sync(platform, CONTACT)
    record_id = min(mirrored(platform, CONTACT))
    sandbox.admin("search", {"lag": 3600})
    sandbox.api("PATCH", f"/crm/v3/objects/contacts/{record_id}", json={"properties": {"lastname": "newest"}})
    sync(platform, CONTACT, full=True)
    sync(platform, CONTACT, since=platform.clock() - timedelta(days=800))
    assert mirrored(platform, CONTACT)[record_id]["properties"]["lastname"] == "newest"


def test_a_limited_sync_completes_no_window(platform: Platform) -> None:
    report = sync(platform, CONTACT, limit=10)
    assert (report.mode, report.objects_read) == (Mode.LIMITED, 10)
    assert watermark_of(platform, "contact") is None


def test_reference_data_is_read_whole_and_what_is_gone_is_marked(platform: Platform, sandbox: Portal) -> None:
    short_lived = f"short_lived_{platform.warehouse().dialect}"
    sandbox.define("contacts", "create", name=short_lived, type="string", fieldType="text")
    for name in ("owners", "deal_pipelines", "properties"):
        sync_reference(platform, REFERENCES[name], run_id="test")
    owners = sandbox.api("GET", "/crm/v3/owners", params={"limit": 500}).json()["results"]
    archived = sandbox.api("GET", "/crm/v3/owners", params={"limit": 500, "archived": "true"}).json()["results"]
    here = rows(platform, "select owner_id, email, is_archived from hubspot.owner")
    assert {row["owner_id"] for row in here if not row["is_archived"]} == {int(o["id"]) for o in owners}
    assert {row["owner_id"] for row in here if row["is_archived"]} == {int(o["id"]) for o in archived}
    won = rows(platform, "select stage_id from hubspot.deal_pipeline_stage where closed_won")
    assert {"stage_id": "closedwon"} in won
    assert rows(platform, "select count(*) as n from hubspot.property_option")[0]["n"] > 0
    sandbox.define("contacts", "delete", name=short_lived)
    sync_reference(platform, REFERENCES["properties"], run_id="test")
    marked = rows(
        platform,
        "select name from hubspot.property where hubspot_object = 'contact' and _fivetran_deleted order by name",
    )
    assert marked == [{"name": short_lived}]


def test_the_seeded_dirt_becomes_value_errors_and_the_run_goes_on(platform: Platform) -> None:
    report = sync(platform, CONTACT)
    stored = rows(platform, "select count(*) as n from hubspot.value_error where object_type = 'contact'")[0]["n"]
    assert stored == report.value_errors > 0
    sync(platform, CONTACT, full=True)
    again = rows(platform, "select count(*) as n from hubspot.value_error where object_type = 'contact'")[0]["n"]
    assert again == stored


def test_an_expired_token_stops_and_says_what_to_do(platform: Platform, sandbox: Portal) -> None:
    sandbox.fault("expired_token")
    with pytest.raises(Unauthorized) as caught:
        sync(platform, COMPANY)
    assert caught.value.mend
    assert watermark_of(platform, "company") is None


def test_a_missing_scope_is_named(platform: Platform, sandbox: Portal) -> None:
    sandbox.fault("missing_scope", match={"object": "deals"}, scopes=["crm.objects.deals.read"])
    with pytest.raises(MissingScope, match=r"crm\.objects\.deals\.read"):
        sync(platform, DEAL)


def test_case_061_a_token_of_another_portal_is_refused_before_anything_is_read(sandbox: Portal, tmp_path: Path) -> None:
    platform = Platform(settings_for(sandbox, tmp_path, hubspot_portal_id=999))
    with pytest.raises(WrongPortal):
        sync(platform, CONTACT)
    platform.close()
