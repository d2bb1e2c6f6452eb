"""The seeded portal looks like a real one: its size, its shares of dirt, its dates, ids and links."""

import re
from collections import Counter

import phonenumbers
import pytest

from hubspot_platform.sandbox.clock import PortalClock
from hubspot_platform.sandbox.errors import SandboxError
from hubspot_platform.sandbox.model import Value
from hubspot_platform.sandbox.options import SandboxOptions
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.seed import build_portal

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def document() -> Portal:
    return build_portal(SandboxOptions(size="document").plan(), PortalClock())


def column(portal: Portal, plural: str, name: str) -> list[Value]:
    store = portal.areas[plural].store
    return [store.value(store.records[i], name) for i in store.live_ids]


def share(values: list[bool]) -> float:
    return sum(values) / len(values)


def test_the_document_size_has_29000_contacts_and_1000_deals(document: Portal) -> None:
    counts = document.counts()
    contacts, deals = counts["contacts"], counts["deals"]
    # every merge takes two records and makes one
    assert contacts["live"] + contacts["archived"] + contacts["merged_away"] // 2 == 29_000
    assert deals["live"] + deals["archived"] + deals["merged_away"] // 2 == 1_000
    assert all(c["archived"] for c in counts.values())
    assert all(counts[n]["merged_away"] for n in ("contacts", "companies", "deals", "tickets"))


def test_dirt_is_a_small_share(document: Portal) -> None:
    emails, phones = column(document, "contacts", "email"), column(document, "contacts", "phone")
    unreachable = share([not e and not p for e, p in zip(emails, phones, strict=True)])
    assert 0.006 < unreachable < 0.010
    numbers = column(document, "contacts", "annualrevenue")
    misfits = share([n is not None and not re.fullmatch(r"\d+(\.\d+)?", n) for n in numbers])
    days = column(document, "contacts", "birthday")
    misfits += share([d is not None and not re.fullmatch(r"(19|20)\d\d-(?!02-30)\d\d-\d\d", d) for d in days])
    assert 0.0005 <= misfits <= 0.002
    listed = {o.value for o in document.areas["contacts"].schema.definitions["sales_script_version"].options}
    scripts = Counter(column(document, "contacts", "sales_script_version"))
    assert 0 < scripts["v0-legacy"] < 100
    assert "v0-legacy" not in listed
    assert any("\x00" in (t or "") for t in column(document, "contacts", "jobtitle"))
    assert any(len(t or "") > 50_000 for t in column(document, "contacts", "sales_notes"))
    assert share([bool(e) and e != e.lower() for e in emails if e]) < 0.01


def test_emails_are_unique_and_phones_mostly_valid_in_many_spellings(document: Portal) -> None:
    emails = [e.lower() for e in column(document, "contacts", "email") if e]
    assert len(set(emails)) == len(emails)
    phones = [p for p in column(document, "contacts", "phone") if p and p.startswith("+")][:500]
    assert share([phonenumbers.is_valid_number(phonenumbers.parse(p)) for p in phones]) > 0.95
    assert {p[0] for p in column(document, "contacts", "phone") if p} >= {"+", "(", "0", "1"}


def test_dates_spread_over_two_years_with_activity_in_the_last_48_hours(document: Portal) -> None:
    store = document.areas["contacts"].store
    records = [store.records[i] for i in store.live_ids]
    ages = [(document.base_ms - r.created_ms) / HOUR_MS / 24 for r in records]
    assert 700 < max(ages) <= 730
    assert 0.01 < share([a < 2 for a in ages]) < 0.03
    assert 0.02 < share([r.updated_ms > document.base_ms - 48 * HOUR_MS for r in records]) < 0.10
    assert all(r.created_ms <= r.updated_ms <= document.base_ms for r in records)


def test_ids_are_skewed_and_owners_are_too(document: Portal) -> None:
    ids = document.areas["contacts"].store.live_ids
    assert share([i < 1_000_000 for i in ids]) < 0.05
    assert ids[-1] > 150_000_000_000
    owners = Counter(o for o in column(document, "contacts", "hubspot_owner_id") if o)
    assert owners.most_common(1)[0][1] > 5 * owners.most_common()[-1][1]
    assert any(document.owners[o].archived for o in owners)


def test_links_have_several_types_for_one_pair_and_point_both_ways(document: Portal) -> None:
    for pair in (("deal", "contact"), ("deal", "company"), ("contact", "company")):
        assert document.associations.count(pair) > 500
        for source in document.areas["deals" if pair[0] == "deal" else "contacts"].store.live_ids[:200]:
            for target, types in document.associations.links(pair, source):
                back = dict(document.associations.links((pair[1], pair[0]), target))[source]
                inverse = {document.associations.type_of(pair, t).inverse_id for t in types}  # type: ignore[union-attr]
                assert set(back) == inverse
    deals = document.areas["deals"].store.live_ids
    widths = Counter(len(t) for d in deals for _, t in document.associations.links(("deal", "contact"), d))
    assert widths[1] > 0
    assert widths[2] > 0


def test_won_deals_have_what_the_sales_metrics_read(document: Portal) -> None:
    store = document.areas["deals"].store
    won = {
        s.id for p in document.areas["deals"].pipelines.values() for s in p.stages if s.metadata["probability"] == "1.0"
    }
    deals = [store.records[i] for i in store.live_ids if store.value(store.records[i], "dealstage") in won]
    assert len(deals) > 200
    assert all(store.value(d, "closedate") for d in deals)
    for name in ("payment_status", "number_of_installments__months", "offer_given", "qualified_status", "trial_status"):
        filled = share([store.value(d, name) is not None for d in deals])
        assert 0.5 < filled < 1, name


def test_the_seed_decides_and_the_base_time_moves_all_dates() -> None:
    def emails(seed: int) -> list[Value]:
        return column(build_portal(SandboxOptions(seed=seed).plan(), PortalClock()), "contacts", "email")

    assert emails(1) == emails(1) != emails(2)


def test_properties_set_the_width_of_contacts() -> None:
    for width in (20, 50, 90):
        portal = build_portal(SandboxOptions(size=f"contacts=30,properties={width}").plan(), PortalClock())
        assert len(portal.areas["contacts"].schema.listed()) == width


def test_an_empty_portal_has_definitions_and_no_records() -> None:
    counts = build_portal(SandboxOptions(size="empty").plan(), PortalClock()).counts()
    assert all(c["live"] == c["archived"] == 0 and c["properties"] > 10 for c in counts.values())


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": "tiny"},
        {"size": "contacts=x"},
        {"size": "contacts=5,properties=2"},
        {"rate_limit": "gold"},
        {"latency_ms": -1},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict) -> None:
    with pytest.raises(SandboxError):
        SandboxOptions(**wrong)
