"""Texts that break programs, from the portal's answer to the published table: whole, or replaced and said so."""

import json
from collections.abc import Iterator

import pytest

from hubspot_platform.hubspot.catalogue import COMPANY, CONTACT, REFERENCES
from hubspot_platform.mirror.reference import sync_reference
from hubspot_platform_tests.faults.conftest import HurriedPlatform, calm
from hubspot_platform_tests.support.platforms import assert_mirror_equals_portal, mirrored, rows, sync
from hubspot_platform_tests.support.portal import Portal, portal

INTACT = {
    "emoji": "👩🏽‍🚀 und 🏳️‍🌈 🇩🇪",
    "right to left": "شركة مثال \u202b‎ חברה לדוגמה",
    "combined": "Zu\u0308rich ≠ Z\u00fcrich",
    "controls": "tab\tline\r\nend\u0001\u001f\u007f\u0085\u2028\u2029",
    "quotes": 'O\'Brien "Bob" \\ \\u0000 \\N ; -- $1 ? %s {x}',
    "csv": 'a,"b"\n\\.\n,,',
    "spaces": "  both ends  ",
    "private and unassigned": "\ue000\ufdd0\uffff\U0010ffff",
    "70,000 characters": "ß" * 35_000 + "🙂" * 35_000,
}


@pytest.fixture(scope="module")
def shared() -> Iterator[Portal]:
    with portal("contacts=120,companies=20,deals=20,properties=40") as running:
        yield running


@pytest.fixture
def sandbox(shared: Portal) -> Iterator[Portal]:
    """The module's portal without faults."""
    yield calm(shared)
    calm(shared)


def columns(platform: HurriedPlatform, record_id: int, *names: str) -> dict[str, object]:
    """Return some columns of one contact."""
    return rows(platform, f"select {', '.join(names)} from hubspot.contact where id = ?", record_id)[0]


def errors_of(platform: HurriedPlatform, record_id: int) -> dict[str, tuple[str, str]]:
    """Return property -> (reason, value) of one contact's value errors."""
    found = rows(platform, "select property, reason, value from hubspot.value_error where object_id = ?", record_id)
    return {row["property"]: (row["reason"], row["value"]) for row in found}


def new_contact(sandbox: Portal, **properties: str) -> int:
    """Create a contact and return its id."""
    return int(sandbox.change("contacts", "create", properties=properties)["ids"][0])


def test_case_034_what_can_be_stored_is_stored_intact_by_both_ways_of_reading(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    ids = {name: new_contact(sandbox, firstname=text, lastname=name) for name, text in INTACT.items()}
    sync(platform, CONTACT, full=True)
    for _ in range(2):
        found = rows(platform, "select id, property_firstname as text, raw_json from hubspot.contact")
        stored = {row["id"]: row for row in found}
        misfits = {row["object_id"] for row in rows(platform, "select object_id from hubspot.value_error")}
        for name, record_id in ids.items():
            assert stored[record_id]["text"] == INTACT[name], name
            assert json.loads(stored[record_id]["raw_json"])["properties"]["firstname"] == INTACT[name], name
            assert record_id not in misfits, name
        sandbox.change("contacts", "stamp", ids=[str(record_id) for record_id in ids.values()])
        report = sync(platform, CONTACT)
        assert report.objects_read >= len(ids)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_case_034_a_nul_is_replaced_and_flagged_and_its_neighbours_stay(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    record_id = new_contact(sandbox, firstname="one\x00two", lastname="stays")
    sync(platform, CONTACT)
    stored = columns(platform, record_id, "property_firstname", "property_lastname", "raw_json")
    assert stored["property_firstname"] == "one\ufffdtwo"
    assert stored["property_lastname"] == "stays"
    assert json.loads(str(stored["raw_json"]))["properties"]["firstname"] == "one\ufffdtwo"
    assert errors_of(platform, record_id) == {"firstname": ("characters_replaced", "one\ufffdtwo")}
    sandbox.change("contacts", "update", id=str(record_id), properties={"firstname": "one two"})
    sync(platform, CONTACT)
    assert errors_of(platform, record_id) == {}


@pytest.mark.parametrize("full", [True, False], ids=["list", "search"])
def test_case_034_a_lone_surrogate_is_replaced_and_flagged_and_its_neighbours_stay(
    platform: HurriedPlatform, sandbox: Portal, full: bool
) -> None:
    sync(platform, CONTACT)
    record_id = new_contact(sandbox, firstname="cut 🙂", lastname="zero\x00too")
    neighbour = new_contact(sandbox, firstname="plain")
    sandbox.fault("half_emoji")
    report = sync(platform, CONTACT, full=full)
    assert report.value_errors > 0
    stored = columns(platform, record_id, "property_firstname", "property_lastname", "raw_json")
    assert (stored["property_firstname"], stored["property_lastname"]) == ("cut \ufffd", "zero\ufffdtoo")
    assert json.loads(str(stored["raw_json"]))["properties"]["firstname"] == "cut \ufffd"
    assert errors_of(platform, record_id) == {
        "firstname": ("characters_replaced", "cut \ufffd"),
        "lastname": ("characters_replaced", "zero\ufffdtoo"),
    }
    assert columns(platform, neighbour, "property_firstname") == {"property_firstname": "plain"}
    assert errors_of(platform, neighbour) == {}


def test_case_034_a_property_whose_label_is_cut_does_not_stop_a_sync(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    sandbox.define("companies", "create", name=f"cut_{platform.warehouse().dialect}", label="Cut 🙂")
    sandbox.define("companies", "create", name=f"nul_{platform.warehouse().dialect}", label="N\x00UL")
    sandbox.fault("half_emoji", match={"route": "properties"})
    sync(platform, COMPANY)
    assert_mirror_equals_portal(platform, sandbox, COMPANY)
    sync_reference(platform, REFERENCES["properties"], run_id="test")
    labels = rows(platform, "select label from hubspot.property where label like 'Cut%' or label like 'N%UL'")
    assert {row["label"] for row in labels} == {"Cut \ufffd", "N\ufffdUL"}


def test_case_034_an_over_long_value_of_a_number_is_null_kept_raw_and_sampled(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    text = "9" * 70_000
    record_id = new_contact(sandbox, annualrevenue=text, createdate="soon 🙂\x00")
    sync(platform, CONTACT)
    stored = columns(platform, record_id, "property_annualrevenue", "property_createdate", "raw_json")
    assert (stored["property_annualrevenue"], stored["property_createdate"]) == (None, None)
    assert mirrored(platform, CONTACT)[record_id]["properties"]["annualrevenue"] == text
    found = errors_of(platform, record_id)
    assert found["annualrevenue"] == ("does_not_fit", text[:1000])
    assert found["createdate"][1] == "soon 🙂\ufffd"


def test_case_032_values_of_the_wrong_type_are_null_listed_and_the_run_goes_on(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    wrong = {"annualrevenue": "12,5", "vsl_watched": "maybe", "createdate": "2026-02-30"}
    record_id = new_contact(sandbox, firstname="Wrong", **wrong)
    sync(platform, CONTACT)
    assert {name: value for name, (_, value) in errors_of(platform, record_id).items()} == wrong
    stored = columns(platform, record_id, *(f"property_{name}" for name in wrong), "property_firstname")
    assert list(stored.values()) == [None, None, None, "Wrong"]
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


@pytest.mark.parametrize("cleared", ["", None], ids=["empty", "null"])
def test_case_033_empty_and_null_both_clear_a_value(
    platform: HurriedPlatform, sandbox: Portal, cleared: str | None
) -> None:
    record_id = new_contact(sandbox, firstname="Was", annualrevenue="5", createdate="2026-01-01T00:00:00Z")
    sync(platform, CONTACT)
    values = {"firstname": cleared, "annualrevenue": cleared, "createdate": cleared}
    sandbox.change("contacts", "update", id=str(record_id), properties=values)
    sync(platform, CONTACT)
    stored = columns(platform, record_id, *(f"property_{name}" for name in values))
    assert list(stored.values()) == [None, None, None]
    assert errors_of(platform, record_id) == {}
