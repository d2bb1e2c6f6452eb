"""Custom objects are mirrored without an entry of their own, on both store pairs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import CATALOGUE, REFERENCES, UnknownObject
from hubspot_platform.hubspot.errors import MissingScope
from hubspot_platform.mirror.custom_objects import CustomObjectsFailed, custom_object, sync_custom_objects
from hubspot_platform.mirror.plan import Mode
from hubspot_platform.mirror.reference import sync_reference
from hubspot_platform.runtime import Platform
from hubspot_platform_tests.support.platforms import assert_mirror_equals_portal, mirrored, platform_for, rows
from hubspot_platform_tests.support.portal import Portal, portal

SCHEMAS = "/crm-object-schemas/v3/schemas"


@pytest.fixture
def sandbox() -> Iterator[Portal]:
    """A fresh small portal; it has one custom object, bugs."""
    with portal("contacts=60,companies=20,deals=10,tickets=20,bugs=12") as running:
        yield running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, sandbox: Portal, tmp_path: Path) -> Iterator[Platform]:
    """A platform on the portal, once on each store pair."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with platform_for(sandbox, tmp_path, url) as opened:
        yield opened


def define(sandbox: Portal, name: str, *linked: str) -> None:
    made = sandbox.api(
        "POST",
        SCHEMAS,
        json={
            "name": name,
            "labels": {"singular": name.capitalize(), "plural": f"{name.capitalize()}s"},
            "properties": [{"name": "serial_no", "label": "Serial number", "type": "number", "fieldType": "number"}],
            "primaryDisplayProperty": "serial_no",
            "associatedObjects": list(linked),
        },
    )
    assert made.status_code == 201, made.text


def test_the_records_of_a_custom_object_and_their_associations_are_in_tables_named_after_it(
    platform: Platform, sandbox: Portal
) -> None:
    first = sync_custom_objects(platform, run_id="test").objects["custom_bug"]
    bug = custom_object(platform, "custom_bug")
    assert first.mode is Mode.FULL
    assert_mirror_equals_portal(platform, sandbox, bug)
    live = set(mirrored(platform, bug))
    for other in ("contact", "company", "ticket"):
        found = rows(
            platform, f"select custom_bug_id as a, {other}_id as b, type_id as t from hubspot.custom_bug_{other}"
        )
        there = {(int(a), int(b), t) for a, b, t in sandbox.links(bug.plural, other) if int(a) in live}
        assert there
        assert {(row["a"], row["b"], row["t"]) for row in found} == there
    changed = min(live)
    sandbox.change(bug.plural, "update", records=[{"id": str(changed), "properties": {"summary": "New – ✓"}}])
    assert sync_custom_objects(platform, run_id="test").objects["custom_bug"].mode is Mode.WINDOW
    assert_mirror_equals_portal(platform, sandbox, bug)


def test_a_custom_object_defined_later_gets_its_tables_by_itself(platform: Platform, sandbox: Portal) -> None:
    sync_custom_objects(platform, run_id="test")
    define(sandbox, "asset_tag", "COMPANY", "p4242_bug")
    created = sandbox.api("POST", "/crm/v3/objects/p4242_asset_tag", json={"properties": {"serial_no": "12.5"}})
    assert created.status_code == 201, created.text
    report = sync_custom_objects(platform, run_id="test")
    assert set(report.objects) == {"custom_asset_tag", "custom_bug"}
    stored = rows(platform, "select id, property_serial_no as n from hubspot.custom_asset_tag")
    assert [(row["id"], str(row["n"]).rstrip("0")) for row in stored] == [(int(created.json()["id"]), "12.5")]
    assert rows(platform, "select * from hubspot.custom_asset_tag_custom_bug") == []
    listed = rows(platform, "select name, table_name, _fivetran_deleted as gone from hubspot.custom_objects order by 1")
    assert listed == [
        {"name": "asset_tag", "table_name": "custom_asset_tag", "gone": False},
        {"name": "bug", "table_name": "custom_bug", "gone": False},
    ]
    sync_reference(platform, REFERENCES["properties"], run_id="test")
    covered = {row["o"] for row in rows(platform, "select distinct hubspot_object as o from hubspot.property")}
    assert {"contact", "ticket", "call", "custom_asset_tag", "custom_bug"} <= covered


def test_a_custom_object_answers_to_its_table_full_name_or_type_id(platform: Platform) -> None:
    assert {custom_object(platform, name).table for name in ("custom_bug", "P4242_bug", "2-3456789")} == {"custom_bug"}
    with pytest.raises(UnknownObject, match="custom_bug"):
        custom_object(platform, "custom_unicorn")


def test_a_custom_object_that_fails_does_not_stop_the_others(platform: Platform, sandbox: Portal) -> None:
    define(sandbox, "asset_tag")
    sandbox.fault("missing_scope", match={"object": "p4242_asset_tag"}, scopes=["crm.objects.custom.read"])
    with pytest.raises(CustomObjectsFailed, match=r"1 of 2 .*custom_asset_tag.*crm\.objects\.custom\.read"):
        sync_custom_objects(platform, run_id="test")
    assert_mirror_equals_portal(platform, sandbox, custom_object(platform, "custom_bug"))


def test_a_portal_without_custom_objects_has_none_and_one_that_lost_its_scope_says_so(
    platform: Platform, sandbox: Portal
) -> None:
    sandbox.fault("missing_scope", match={"route": "schemas"}, scopes=["crm.schemas.custom.read"])
    assert sync_custom_objects(platform, run_id="test").objects == {}
    sandbox.clear_faults()
    sync_custom_objects(platform, run_id="test")
    sandbox.fault("missing_scope", match={"route": "schemas"}, scopes=["crm.schemas.custom.read"])
    with pytest.raises(MissingScope, match=r"crm\.schemas\.custom\.read"):
        sync_custom_objects(platform, run_id="test")
    assert rows(platform, "select count(*) as n from hubspot.custom_objects where not _fivetran_deleted") == [{"n": 1}]


def test_properties_of_an_object_the_token_may_not_read_are_left_out_and_the_others_stay(
    platform: Platform, sandbox: Portal
) -> None:
    sandbox.fault("missing_scope", match={"route": "properties", "object": "tickets"}, scopes=["tickets"])
    sync_reference(platform, REFERENCES["properties"], run_id="test")
    covered = {row["o"] for row in rows(platform, "select distinct hubspot_object as o from hubspot.property")}
    assert covered == {*CATALOGUE, "custom_bug"} - {"ticket"}
    sandbox.clear_faults()
    sandbox.fault("missing_scope", match={"route": "properties"}, scopes=["crm.schemas.contacts.read"])
    with pytest.raises(MissingScope):
        sync_reference(platform, REFERENCES["properties"], run_id="test")
