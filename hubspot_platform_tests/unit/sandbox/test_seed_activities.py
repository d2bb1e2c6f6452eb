"""Tickets, engagements and custom objects of the seeded portal: what the mirror's tables and the sales metrics need."""

import json
from collections import Counter

import phonenumbers
import pytest

from hubspot_platform.sandbox.clock import PortalClock, parse_time
from hubspot_platform.sandbox.handlers.calling import DISPOSITIONS
from hubspot_platform.sandbox.model import Record, Value
from hubspot_platform.sandbox.object_types import ENGAGEMENTS
from hubspot_platform.sandbox.options import OTHERS, SandboxOptions
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.seed import build_portal
from hubspot_platform.sandbox.seed.world import e164

TYPES = ("tickets", "calls", "meetings", "emails", "notes", "tasks", "communications", "bug")
HISTORIC = ("contacts", "companies", "deals", "tickets")
CONNECTED = "f240bbac-87c9-4f6e-bf70-924b57d47db7"


def built(size: str) -> Portal:
    return build_portal(SandboxOptions(size=size).plan(), PortalClock())


@pytest.fixture(scope="module")
def portal() -> Portal:
    return built("contacts=3000,calls=600,tickets=400,meetings=100,emails=100,tasks=100,bugs=60")


def live(portal: Portal, name: str) -> list[Record]:
    store = portal.area(name).store
    return [store.records[i] for i in store.live_ids]


def column(portal: Portal, name: str, prop: str) -> list[Value]:
    store = portal.area(name).store
    return [store.value(record, prop) for record in live(portal, name)]


def test_every_size_holds_every_type() -> None:
    small, empty = built("small"), built("empty")
    assert all(live(small, name) for name in TYPES)
    assert not any(live(empty, name) for name in TYPES)
    assert {len(small.area(n).schema.listed()) for n in TYPES} == {len(empty.area(n).schema.listed()) for n in TYPES}
    assert [c.spec.plural for c in empty.custom.values()] == ["p4242_bug"]
    document = SandboxOptions(size="document").plan()
    assert (document.contacts, document.deals, document.others["calls"]) == (29_000, 1_000, 100)
    assert set(document.others) == set(OTHERS)


def test_counts_of_a_size_can_be_set_one_by_one(portal: Portal) -> None:
    counts = portal.counts()
    assert counts["calls"]["live"] + counts["calls"]["archived"] == 600
    assert counts["p4242_bug"]["live"] + counts["p4242_bug"]["archived"] == 60
    assert all(portal.area(name).store.archived_ids for name in TYPES)


def test_ids_of_engagements_never_meet(portal: Portal) -> None:
    ids = [i for spec in ENGAGEMENTS for i in portal.area(spec.plural).store.records]
    assert len(set(ids)) == len(ids)


def test_phone_numbers_of_calls_lead_to_contacts_in_every_spelling_or_to_nobody(portal: Portal) -> None:
    contacts = portal.area("contacts").store
    known: dict[str, set[str]] = {"+": set()}
    for record in live(portal, "contacts"):
        for name in ("phone", "mobilephone"):
            number = contacts.value(record, name)
            if number:
                known["+"].add(e164(number, contacts.value(record, "country") or ""))
    outbound, inbound = Counter(), Counter()
    store = portal.area("calls").store
    for call in live(portal, "calls"):
        leaving = store.value(call, "hs_call_direction") == "OUTBOUND"
        number = store.value(call, "hs_call_to_number" if leaving else "hs_call_from_number") or ""
        spelling = "E.164" if number[1:].isdigit() and number.startswith("+") else "other"
        digits = "".join(c for c in number if c.isdigit())
        matched = f"+{digits.removeprefix('00')}" in known["+"]
        (outbound if leaving else inbound)[spelling, matched] += 1
    for found in (outbound, inbound):
        assert all(found[key] > 0 for key in (("E.164", True), ("E.164", False), ("other", True), ("other", False)))
    assert outbound.total() > 2 * inbound.total()


@pytest.mark.parametrize(
    ("number", "country", "international"),
    [
        ("(415) 555-0134", "United States", "+14155550134"),
        ("+1 415-555-0134", "United States", "+14155550134"),
        ("14155550134", "United States", "+14155550134"),
        ("0049 171 3920012", "Germany", "+491713920012"),
        ("030 / 9018 2011", "Germany", "+493090182011"),
        ("098765 41234", "India", "+919876541234"),
    ],
)
def test_e164_of_the_spellings_contacts_have(number: str, country: str, international: str) -> None:
    region = {"United States": "US", "Germany": "DE", "India": "IN"}[country]
    parsed = phonenumbers.parse(number, region)
    assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == international
    assert e164(number, country) == international


def test_calls_have_outcomes_durations_and_recordings(portal: Portal) -> None:
    outcomes = Counter(column(portal, "calls", "hs_call_disposition"))
    assert outcomes[CONNECTED] > 200
    assert outcomes["Connected"] > 0  # some telephone systems write the label
    assert set(outcomes) <= {*DISPOSITIONS, "Connected", None}
    durations = [int(d) for d in column(portal, "calls", "hs_call_duration") if d]
    assert sum(d >= 300_000 for d in durations) > 30
    assert 0 in durations
    assert any(column(portal, "calls", "hs_call_recording_url"))
    assert {"COMPLETED", "NO_ANSWER", "BUSY"} <= set(column(portal, "calls", "hs_call_status"))


def test_a_call_is_logged_after_the_contact_was_created_and_when_it_ended(portal: Portal) -> None:
    calls, contacts = portal.area("calls").store, portal.area("contacts").store
    early = 0
    for call in live(portal, "calls"):
        began = parse_time(calls.value(call, "hs_timestamp") or "") or 0
        assert began <= call.created_ms
        for contact, _ in portal.link_live(("call", "contact"), call.id):
            early += contacts.records[contact].created_ms > call.created_ms
    assert early <= 5


def test_tickets_fit_their_pipeline_and_their_dates_fit_their_status(portal: Portal) -> None:
    store, pipelines = portal.area("tickets").store, portal.area("tickets").pipelines
    states = Counter()
    for ticket in live(portal, "tickets"):
        stages = {s.id: s for s in pipelines[store.value(ticket, "hs_pipeline") or ""].stages}
        stage = stages[store.value(ticket, "hs_pipeline_stage") or ""]
        closed = parse_time(store.value(ticket, "closed_date") or "")
        if store.value(ticket, "hs_merged_object_ids"):
            continue  # a merge fills the primary's gaps, an open ticket's close date too
        assert (closed is not None) is (stage.metadata["ticketState"] == "CLOSED")
        assert closed is None or ticket.created_ms <= closed <= ticket.updated_ms
        states[stage.metadata["ticketState"]] += 1
    assert min(states["OPEN"], states["CLOSED"]) > 50
    company = [c for c in column(portal, "tickets", "companyid_hs_sync") if c]
    assert all(int(c) in portal.area("companies").store.records for c in company)


def test_email_headers_are_json_text_with_both_ends(portal: Portal) -> None:
    for headers, sender in zip(
        column(portal, "emails", "hs_email_headers"), column(portal, "emails", "hs_email_from_email"), strict=True
    ):
        document = json.loads(headers or "")
        assert document["from"]["email"] == sender
        assert document["to"][0]["email"]


def test_engagements_belong_to_owners_and_teams(portal: Portal) -> None:
    for name in TYPES[:-1]:
        owners = column(portal, name, "hubspot_owner_id")
        assert set(owners) - {None} <= set(portal.owners), name
        assert set(column(portal, name, "hubspot_team_id")) - {None} <= set(portal.people.teams), name
    assert any(column(portal, "calls", "hubspot_team_id"))


def test_links_lead_to_every_kind_of_record_with_several_types(portal: Portal) -> None:
    links = portal.associations
    for source in ("call", "meeting", "email", "note", "task", "communication", "ticket"):
        for target in ("contact", "company", "deal"):
            assert links.count((source, target)) == links.count((target, source)) > 0, (source, target)
    for source in ("call", "email", "note", "task", "bug"):
        assert links.count((source, "ticket")) > 0, source
    labels = {
        t.label
        for ticket in portal.area("tickets").store.live_ids
        for target in ("contact", "company", "deal")
        for _, types in links.links(("ticket", target), ticket)
        for t in (links.type_of(("ticket", target), i) for i in types)
        if t is not None
    }
    assert labels == {None, "Primary", "Reporter", "Blocks"}


def test_type_ids_are_unique_and_name_their_inverse(portal: Portal) -> None:
    for pair, types in portal.associations.types.items():
        assert len({t.type_id for t in types}) == len(types)
        for found in types:
            back = portal.associations.type_of((pair[1], pair[0]), found.inverse_id)
            assert back is not None, (pair, found)
            assert back.inverse_id == found.type_id
    assert portal.associations.unlabelled(("ticket", "contact")).type_id == 16  # type: ignore[union-attr]


def test_the_newest_version_is_the_current_value_and_versions_lie_between_creation_and_last_change(
    portal: Portal,
) -> None:
    for name in HISTORIC:
        area, deep = portal.area(name), Counter()
        for record in live(portal, name)[:150] + live(portal, name)[-50:]:
            for definition in area.schema.listed():
                versions = area.store.versions(record, definition.name)
                current = area.store.value(record, definition.name) or ""
                assert (versions[0].value if versions else "") == current, (name, definition.name)
                times = [v.at_ms for v in versions]
                assert times == sorted(times, reverse=True)
                assert all(record.created_ms <= t <= record.updated_ms for t in times), (name, definition.name)
                deep[len(versions)] += 1
        assert deep[1] > deep[2] > deep[4] > 0
        sources = {v.source.type for v in area.store.versions(live(portal, name)[0], "hubspot_owner_id")}
        assert sources <= {"CRM_UI", "INTEGRATION", "AUTOMATION_PLATFORM", "IMPORT", "FORM", "CALCULATED"}


def test_stages_went_through_earlier_stages_of_the_same_pipeline(portal: Portal) -> None:
    for name, stage in (("deals", "dealstage"), ("tickets", "hs_pipeline_stage")):
        area = portal.area(name)
        order = {s.id: (p.id, n) for p in area.pipelines.values() for n, s in enumerate(p.stages)}
        ways = [[order[v.value] for v in area.store.versions(r, stage)[::-1]] for r in live(portal, name)]
        assert all(way == sorted(way) and len({p for p, _ in way}) == 1 for way in ways)
        assert max(map(len, ways)) >= 3


def test_the_seed_decides_values_links_and_past() -> None:
    def told(seed: int) -> list[object]:
        options = SandboxOptions(size="small", seed=seed)
        portal = build_portal(options.plan(), PortalClock())
        calls = column(portal, "calls", "hs_call_to_number")
        deals = portal.area("deals").store
        past = [[v.value for v in deals.versions(r, "dealstage")] for r in live(portal, "deals")]
        return [calls, past, [portal.associations.links(("call", "contact"), r.id) for r in live(portal, "calls")]]

    assert told(3) == told(3) != told(4)
