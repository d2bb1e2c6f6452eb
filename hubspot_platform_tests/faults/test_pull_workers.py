"""Webhook events of HubSpot on their way into the mirror: out of order, twice, late, wrong, of records nobody knows."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from hubspot_platform.hubspot.catalogue import CALL, COMPANY, CONTACT, DEAL
from hubspot_platform.runtime import Platform
from hubspot_platform.state import inbox
from hubspot_platform_tests.support.events import (
    CALLS,
    COMPANIES,
    CONTACTS,
    DEALS,
    PULL_QUEUES,
    Events,
    everything,
    later,
)
from hubspot_platform_tests.support.platforms import platform_for, rows, sync
from hubspot_platform_tests.support.portal import Portal, portal

LONG = "ß" * 35_000 + "🙂" * 35_000


@dataclass
class World:
    """A portal, a platform whose mirror is complete, its events, and records no other test touches."""

    portal: Portal
    platform: Platform
    events: Events
    unused: dict[str, list[int]]

    def a(self, plural: str) -> int:
        """Return a live record that the mirror has and no other test uses."""
        return self.unused[plural].pop()

    def create(self, plural: str, **properties: str) -> int:
        """Create a record in the portal that the mirror does not have."""
        return int(self.portal.change(plural, "create", properties=properties)["ids"][0])

    def rows(self, sql: str, *params: object) -> list[dict[str, Any]]:
        return rows(self.platform, sql, *params)

    def company(self, record: int, *columns: str) -> dict[str, Any]:
        return self.rows(f"select {', '.join(columns)} from hubspot.company where id = ?", record)[0]

    def raw(self, table: str, record: int) -> dict[str, Any]:
        (row,) = self.rows(f"select raw_json from hubspot.{table} where id = ?", record)
        return json.loads(row["raw_json"])["properties"]

    def history(self, record: int, name: str) -> list[str | None]:
        found = self.rows(
            "select value from hubspot.company_property_history where company_id = ? and name = ? "
            'order by "timestamp", instant_rank desc',
            record,
            name,
        )
        return [row["value"] for row in found]

    def statuses(self, object_key: str) -> list[str]:
        return [row.status for row in self.events.rows() if row.object_key == object_key]


@pytest.fixture(scope="module")
def shared_portal() -> Iterator[Portal]:
    with portal("contacts=60,companies=60,deals=20,calls=20") as running:
        yield running


@pytest.fixture(scope="module", params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(
    request: pytest.FixtureRequest, shared_portal: Portal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A complete mirror, made once for each store pair."""
    url = request.getfixturevalue("module_postgres_url") if request.param == "postgres" else None
    with platform_for(shared_portal, tmp_path_factory.mktemp("home"), url) as platform:
        for obj in (COMPANY, CONTACT, DEAL, CALL):
            sync(platform, obj, full=True)
        unused = {
            plural: sorted(int(record["id"]) for record in shared_portal.dump(plural))
            for plural in ("companies", "contacts", "deals", "calls")
        }
        yield World(shared_portal, platform, Events(platform), unused)


def test_case_024_a_change_that_arrives_late_does_not_undo_a_newer_one_and_both_are_history(world: World) -> None:
    company, first, second = world.a("companies"), later(seconds=10), later(seconds=20)
    late = world.events.change("company", company, first, city="Older", zip="10115")
    report = world.events.take(COMPANIES, *world.events.change("company", company, second, city="Newer"))
    assert (report.applied, report.handled) == (1, 1)
    report = world.events.take(COMPANIES, *late)
    assert (report.applied, report.duplicates) == (1, 1)
    assert world.company(company, "property_city", "property_zip") == {
        "property_city": "Newer",
        "property_zip": "10115",
    }
    assert world.raw("company", company)["city"] == "Newer"
    assert world.history(company, "city") == ["Older", "Newer"]


def test_case_025_of_two_values_of_one_instant_the_same_one_wins_in_any_order_and_the_record_is_read_back(
    world: World,
) -> None:
    at = later(seconds=5)
    for turned in (False, True):
        company = world.a("companies")
        pair = [
            world.events.make(
                "company.propertyChange", company, at, eventId=number, propertyName="city", propertyValue=v
            )
            for number, v in ((71, "Low"), (72, "High"))
        ]
        world.portal.reset_stats()
        world.events.store(pair[1] if turned else pair[0])
        world.events.drain(COMPANIES)
        world.events.store(pair[0] if turned else pair[1])
        world.events.drain(COMPANIES)
        assert world.company(company, "property_city")["property_city"] == "High"
        assert world.history(company, "city")[-2:] == ["Low", "High"]
        assert world.portal.stats()["calls"] > 0, "the record was not read back"


def test_case_026_a_late_change_does_not_revive_a_deleted_record_but_a_restore_does(world: World) -> None:
    company = world.a("companies")
    deleted = later(seconds=10)
    world.portal.change("companies", "archive", ids=[str(company)])
    world.events.take(COMPANIES, world.events.make("company.deletion", company, deleted))
    world.events.take(
        COMPANIES,
        *world.events.change("company", company, deleted - timedelta(seconds=5), city="Ghost"),
        world.events.make("company.creation", company, deleted - timedelta(seconds=8)),
        world.events.make("company.restore", company, deleted - timedelta(seconds=6)),
    )
    assert world.company(company, "is_deleted", "archived_at") == {"is_deleted": True, "archived_at": deleted}
    assert world.raw("company", company).get("city") != "Ghost"
    assert world.history(company, "city")[-1:] == ["Ghost"]
    world.portal.change("companies", "restore", ids=[str(company)])
    report = world.events.take(COMPANIES, world.events.make("company.restore", company, deleted + timedelta(seconds=9)))
    assert report.applied == 1
    assert world.company(company, "is_deleted", "archived_at") == {"is_deleted": False, "archived_at": None}
    world.events.take(COMPANIES, world.events.make("company.deletion", company, deleted - timedelta(seconds=1)))
    assert not world.company(company, "is_deleted")["is_deleted"]


def test_case_026_a_deletion_from_before_the_records_last_change_is_over(world: World) -> None:
    company = world.a("companies")
    world.events.take(COMPANIES, world.events.make("company.deletion", company, later(days=-700)))
    assert not world.company(company, "is_deleted")["is_deleted"]


def test_case_026_the_deletion_of_a_call_stays_when_an_older_copy_of_it_is_read(world: World) -> None:
    call = world.a("calls")
    event = world.events.make("object.deletion", call, later(seconds=10), objectTypeId="0-48", changeFlag="DELETED")
    assert world.events.take(CALLS, event).applied == 1
    question = "select c.is_deleted, e._fivetran_deleted from hubspot.engagement_call as c "
    question += "join hubspot.engagement as e on e.id = c.engagement_id where c.engagement_id = ?"
    assert world.rows(question, call) == [{"is_deleted": True, "_fivetran_deleted": True}]
    sync(world.platform, CALL, full=True)
    assert world.rows(question, call) == [{"is_deleted": True, "_fivetran_deleted": True}]


def test_case_027_a_merge_leads_values_associations_and_late_events_to_the_survivor(world: World) -> None:
    primary, other = world.a("contacts"), world.a("contacts")
    deal = world.a("deals")
    world.portal.change("deals", "link", id=str(deal), to_object="contacts", to=str(other))
    link = {
        "associationType": "DEAL_TO_CONTACT",
        "fromObjectId": deal,
        "toObjectId": other,
        "associationRemoved": False,
    }
    world.events.take(DEALS, world.events.make("deal.associationChange", deal, later(seconds=1), **link))
    assert world.rows("select 1 as n from hubspot.deal_contact where deal_id = ? and contact_id = ?", deal, other)
    survivor = int(str(world.portal.change("contacts", "merge", primary=str(primary), other=str(other))["id"]))
    merged = world.events.make(
        "contact.merge",
        survivor,
        later(seconds=2),
        primaryObjectId=primary,
        mergedObjectIds=[other],
        newObjectId=survivor,
        numberOfPropertiesMoved=4,
    )
    assert world.events.take(CONTACTS, merged).applied == 1
    found = world.rows("select id, is_deleted from hubspot.contact where id in (?, ?, ?)", primary, other, survivor)
    assert {row["id"]: row["is_deleted"] for row in found} == {primary: True, other: True, survivor: False}
    linked = world.rows("select contact_id from hubspot.deal_contact where deal_id = ?", deal)
    assert survivor in {row["contact_id"] for row in linked}
    assert not {primary, other} & {row["contact_id"] for row in linked}
    late = world.events.change("contact", other, later(seconds=9), jobtitle="Of the merged one")
    assert world.events.take(CONTACTS, *late).applied == 1
    (row,) = world.rows("select property_jobtitle as title from hubspot.contact where id = ?", survivor)
    assert row["title"] == "Of the merged one"


def test_case_028_a_privacy_deletion_leaves_nothing_but_the_id(world: World) -> None:
    secret = "Zebulon-Quux"
    contact = world.a("contacts")
    company = world.rows("select company_id from hubspot.contact_company where contact_id = ?", contact)
    world.events.take(
        CONTACTS,
        *world.events.change("contact", contact, later(seconds=1), firstname=secret, annualrevenue=f"{secret},5"),
        *world.events.change(
            "contact", contact, later(seconds=2), lifecyclestage=secret, email=f"{secret}@example.com"
        ),
    )
    world.events.store(*world.events.change("contact", contact, later(seconds=3), lastname=secret))
    world.events.tell_of(f"{secret}@Example.com")
    assert world.events.told_of() == [f"{secret}@Example.com"]
    world.portal.change("contacts", "purge", ids=[str(contact)])
    gone = world.events.make("contact.privacyDeletion", contact, later(seconds=4))
    world.events.take(CONTACTS, gone, world.events.make("contact.deletion", contact, later(seconds=4)))
    world.events.take(CONTACTS, *world.events.change("contact", contact, later(seconds=5), firstname=secret))
    assert world.rows(
        "select is_deleted, property_firstname, property_email from hubspot.contact where id = ?", contact
    )
    for table in ("contact", "contact_property_history", "value_error", "contact_form_submission"):
        if not world.rows("select 1 as n from information_schema.tables where table_name = ?", table):
            continue
        everything = world.rows(f"select * from hubspot.{table}")
        assert secret.lower() not in json.dumps(everything, default=str).lower(), table
    assert not world.rows("select 1 as n from hubspot.contact_company where contact_id = ?", contact), company
    assert all(secret not in row.body + row.object_key for row in world.events.rows())
    assert world.events.told_of() == []
    assert secret not in json.dumps(world.rows("select * from _platform.event_value"), default=str)
    sync(world.platform, CONTACT)
    assert world.raw("contact", contact) == {}


def test_case_032_values_that_do_not_fit_are_recorded_and_the_old_ones_stay(world: World) -> None:
    company = world.a("companies")
    good = {"annualrevenue": "1200.5", "is_target_account": "true", "industry": "", "plan_type": "free"}
    world.events.take(COMPANIES, *world.events.change("company", company, later(seconds=1), **good))
    columns = ("property_annualrevenue", "property_is_target_account", "property_plan_type")
    before = world.company(company, *columns)
    bad = {"annualrevenue": "12,5", "is_target_account": "maybe", "plan_type": "platinum"}
    world.events.take(COMPANIES, *world.events.change("company", company, later(seconds=2), **bad))
    world.events.take(COMPANIES, *world.events.change("company", company, later(seconds=3), city="Unrelated"))
    assert world.company(company, *columns) == before
    errors = world.rows("select property, value, reason from hubspot.value_error where object_id = ?", company)
    assert {row["property"]: (row["value"], row["reason"]) for row in errors} == {
        "annualrevenue": ("12,5", "does_not_fit"),
        "is_target_account": ("maybe", "does_not_fit"),
        "plan_type": ("platinum", "unknown_option"),
    }
    assert world.raw("company", company)["annualrevenue"] == "12,5"
    world.events.take(COMPANIES, *world.events.change("company", company, later(seconds=4), **good))
    assert world.rows("select 1 as n from hubspot.value_error where object_id = ?", company) == []


@pytest.mark.parametrize("cleared", ["", None], ids=["empty", "null"])
def test_case_033_empty_and_null_both_clear_a_value(world: World, cleared: str | None) -> None:
    company = world.a("companies")
    world.events.take(COMPANIES, *world.events.change("company", company, later(seconds=1), city="Was", mrr="5"))
    world.events.take(COMPANIES, *world.events.change("company", company, later(seconds=2), city=cleared, mrr=cleared))
    assert world.company(company, "property_city", "property_mrr") == {"property_city": None, "property_mrr": None}
    assert world.history(company, "city")[-1] is None
    kept = world.rows("select property, value from _platform.event_value where object_id = ?", company)
    assert {row["property"]: row["value"] for row in kept} == {"city": None, "mrr": None}


def test_case_034_texts_that_break_programs_are_stored_intact_or_replaced_and_flagged(world: World) -> None:
    company = world.a("companies")
    texts = {"city": "👩🏽‍🚀 שלום \u202b", "zip": "one\x00two", "address": LONG, "state": "cut \ud83d"}
    body = world.events.change("company", company, later(seconds=1), **texts)
    assert world.events.take(COMPANIES, *body).applied == 4
    stored = world.company(company, "property_city", "property_zip", "property_address", "property_state")
    assert list(stored.values()) == [texts["city"], "one\ufffdtwo", LONG, "cut \ufffd"]
    errors = world.rows("select property, reason from hubspot.value_error where object_id = ?", company)
    assert {row["property"]: row["reason"] for row in errors} == dict.fromkeys(("zip", "state"), "characters_replaced")


def test_case_035_an_unknown_company_is_read_once_and_one_that_nobody_has_waits_for_a_day(world: World) -> None:
    known = world.create("companies", name="New here", city="From the portal")
    report = world.events.take(
        COMPANIES,
        world.events.make("company.creation", known, later(seconds=-2)),
        *world.events.change("company", known, later(seconds=30), zip="99999"),
    )
    assert report.applied == 2
    assert world.company(known, "property_city", "property_zip") == {
        "property_city": "From the portal",
        "property_zip": "99999",
    }
    nobody = 987_654_321
    report = world.events.take(COMPANIES, *world.events.change("company", nobody, later(seconds=1), city="Nowhere"))
    assert report.parked == 1
    assert world.events.drain(COMPANIES).handled == 0, "a parked event is not due"
    world.events.change_rows(due_at=later(minutes=-1))
    assert world.events.drain(COMPANIES).parked == 1
    world.events.change_rows(due_at=later(minutes=-1), received_at=later(hours=-25))
    assert world.events.drain(COMPANIES).dead == 1
    assert world.statuses(f"company:{nobody}") == ["dead"]


def test_case_035_while_hubspot_is_out_of_order_only_what_needs_it_waits(world: World) -> None:
    unknown, company = world.create("companies", name="Later"), world.a("companies")
    world.events.take(COMPANIES, *world.events.change("company", company, later(seconds=1), city="Before"))
    world.portal.admin("scopes", {"missing": ["crm.objects.companies.read"]})
    try:
        report = world.events.take(
            COMPANIES,
            *world.events.change("company", unknown, later(seconds=1), city="Waits"),
            *world.events.change("company", company, later(seconds=2), city="Goes on"),
        )
    finally:
        world.portal.admin("scopes", {"missing": []})
    assert (report.applied, report.retried) == (1, 1)
    assert world.company(company, "property_city")["property_city"] == "Goes on"
    world.events.change_rows(due_at=later(minutes=-1))
    assert world.events.drain(COMPANIES).applied == 1


def test_case_036_an_association_added_and_removed_is_gone_and_both_are_kept(world: World) -> None:
    deal = world.a("deals")
    theirs = {int(to) for one, to, _ in world.portal.links("deals", "contacts") if int(one) == deal}
    contact = next(found for found in iter(lambda: world.a("contacts"), None) if found not in theirs)
    link = {"associationType": "CONTACT_TO_DEAL", "fromObjectId": contact, "toObjectId": deal}
    added, removed = later(seconds=1), later(seconds=2)
    report = world.events.take(
        DEALS,
        world.events.make("contact.associationChange", contact, removed, associationRemoved=True, **link),
        world.events.make("contact.associationChange", contact, added, associationRemoved=False, **link),
    )
    assert report.applied == 2
    assert not world.rows("select 1 as n from hubspot.deal_contact where deal_id = ? and contact_id = ?", deal, contact)
    kept = world.rows(
        "select changed_at, removed from hubspot.association_change where from_id = ? and to_id = ? order by 1",
        deal,
        contact,
    )
    assert kept == [{"changed_at": added, "removed": False}, {"changed_at": removed, "removed": True}]


def test_case_036_an_association_with_a_record_nobody_knows_waits(world: World) -> None:
    deal = world.a("deals")
    link = {"associationType": "DEAL_TO_CONTACT", "fromObjectId": deal, "toObjectId": 987_654_000}
    event = world.events.make("deal.associationChange", deal, later(seconds=1), associationRemoved=False, **link)
    assert world.events.take(DEALS, event).parked == 1


def test_case_058_a_write_of_our_own_that_comes_back_is_recognised(world: World) -> None:
    company = world.a("companies")
    ours = {"propertyName": "mrr", "propertyValue": "77", "changeSource": "INTEGRATION", "sourceId": "99"}
    event = world.events.make("company.propertyChange", company, later(seconds=1), **ours)
    assert world.events.take(COMPANIES, event).duplicates == 1
    assert float(world.company(company, "property_mrr")["property_mrr"]) == 77.0
    own = [row.reason for row in world.events.rows() if row.object_key == f"company:{company}"]
    assert set(own) == {"a write of our own came back"}


def test_a_copy_that_search_shows_late_does_not_undo_an_event_and_a_later_copy_wins(world: World) -> None:
    company = world.a("companies")
    at = later(seconds=1)
    world.events.take(COMPANIES, *world.events.change("company", company, at, city="By event"))
    sync(world.platform, COMPANY, full=True)
    assert world.company(company, "property_city")["property_city"] == "By event"
    changed = (at + timedelta(seconds=1)).isoformat()
    world.portal.change("companies", "update", id=str(company), properties={"city": "By sync"}, at=changed)
    sync(world.platform, COMPANY, full=True)
    assert world.company(company, "property_city")["property_city"] == "By sync"
    world.events.take(COMPANIES, *world.events.change("company", company, at, city="By a late event"))
    assert world.company(company, "property_city")["property_city"] == "By sync"
    assert not world.rows("select 1 as n from _platform.event_value where object_id = ? and property = 'city'", company)


def test_an_event_that_is_not_as_documented_is_a_dead_letter_and_its_neighbours_go_on(world: World) -> None:
    company = world.a("companies")
    good = world.events.change("company", company, later(seconds=1), city="Good")
    wrong = world.events.make("company.propertyChange", company, later(seconds=1), propertyName="drop table")
    report = world.events.take(COMPANIES, wrong, *good)
    assert (report.applied, report.dead) == (1, 1)


def test_case_037_a_replay_of_the_whole_inbox_leaves_every_table_as_it_is(world: World) -> None:
    before, count = everything(world.platform), len(world.events.rows())
    put_back = world.platform.state().write(
        lambda conn: inbox.replay(conn, statuses=("done", "duplicate", "dead", "parked"))
    )
    assert put_back > 20
    for queue in PULL_QUEUES:
        world.events.drain(queue)
    after = everything(world.platform)
    assert {name: set(after[name]) ^ set(lines) for name, lines in before.items() if after[name] != lines} == {}
    assert not {row.status for row in world.events.rows()} & {"ready", "leased"}
    assert len(world.events.rows()) == count
