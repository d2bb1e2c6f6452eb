"""The sandbox's product database agrees with its portal and with itself, and is spoiled in the ways it says."""

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubspot_platform.landing.contract import CATALOGUE
from hubspot_platform.landing.features import FEATURES
from hubspot_platform.sandbox.options import SandboxOptions
from hubspot_platform.sandbox.product import billing
from hubspot_platform.sandbox.product.facts import Facts, seeded_facts
from hubspot_platform.sandbox.product.prices import COUPONS
from hubspot_platform.sandbox.product.world import World, build_world
from hubspot_platform.sandbox.product.write import product_tables, write_product

BASE = datetime(2026, 5, 2, 10, tzinfo=UTC)
MEDIUM = "contacts=900,companies=200,deals=90"
Tables = dict[str, list[dict[str, Any]]]


def facts_of(size: str, seed: int = 1) -> Facts:
    return seeded_facts(SandboxOptions(size=size, seed=seed, base_time=BASE).plan())


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(facts_of(MEDIUM), seed=1)


@pytest.fixture(scope="module")
def tables(world: World) -> Tables:
    return product_tables(world)


@pytest.fixture(scope="module")
def events(world: World) -> list[dict[str, Any]]:
    return list(billing.events(world))


def test_companies_and_users_are_the_portals(world: World, tables: Tables) -> None:
    firms = {firm.product_id: firm for firm in world.facts.firms if firm.product_id}
    known = [row for row in tables["company"] if row["hubspot_company_id"]]
    assert len({row["company_id"] for row in known}) == len(firms)
    for row in known:
        firm = firms[row["company_id"]]
        assert (row["hubspot_company_id"], row["domain"]) == (firm.id, firm.domain)
    people = {person.id: person for person in world.facts.people}
    mapped = [row for row in tables["user_profile"] if row["hubspot_contact_id"] and row["email"]]
    assert len(mapped) > 100
    assert all(people[row["hubspot_contact_id"]].email == row["email"] for row in mapped)
    assert any(row["hubspot_company_id"] is None for row in tables["company"])


def test_companies_with_a_won_deal_pay_or_have_paid(world: World, tables: Tables) -> None:
    by_id = {row["hubspot_company_id"]: row for row in tables["company"]}
    won = [by_id[firm.id] for firm in world.facts.firms if firm.product_id and firm.id in world.facts.won_ms]
    assert len(won) > 10
    assert {row["status"] for row in won} == {"PAYING", "CHURNED"}
    assert all(row["first_paid_at"] >= row["signup_timestamp"] for row in won)


def test_nothing_happens_after_the_end_and_links_are_of_users(world: World, tables: Tables) -> None:
    for name, column in (
        ("company", "updated_at"),
        ("user_profile", "last_login_at"),
        ("mobile_signup", "occurred_at"),
    ):
        assert all(row[column] <= BASE for row in tables[name] if row[column])
    assert sum(1 for row in tables["session"] if row["started_at"] > BASE) == 1  # one clock is wrong on purpose
    users = {row["user_id"] for row in tables["user_profile"]}
    assert {row["user_id"] for row in tables["user_usage"] if not row["user_id"].startswith("spoiled")} <= users
    companies = {row["company_id"] for row in tables["company"]}
    assert {row["company_id"] for row in tables["company_to_client_id"]} <= companies


def test_sessions_come_from_every_channel_with_ids_good_and_bad(tables: Tables) -> None:
    sessions = tables["session"]
    for name in ("gclid", "wbraid", "gbraid", "fbclid", "fbp", "msclkid", "li_fat_id", "referrer", "utm_campaign"):
        assert sum(1 for row in sessions if row.get(name)) > 2, name
    assert any(row.get("gclid") == "{gclid}" for row in sessions)
    assert any(row.get("msclkid") == "0000-not-an-id" for row in sessions)
    good = sum(1 for row in sessions if re.fullmatch(r"[A-Za-z0-9_-]{20,255}", row.get("gclid") or ""))
    assert good > len(sessions) / 10
    linked = {row["client_id"].lower() for row in tables["email_to_client_id"]}
    known = sum(1 for row in sessions if row["client_id"] in linked)
    assert len(sessions) * 0.4 < known < len(sessions) * 0.9


def test_identities_share_devices_are_spelled_in_many_ways_and_have_a_hub(tables: Tables) -> None:
    people_of: dict[str, set[str]] = defaultdict(set)
    for row in tables["email_to_client_id"]:
        people_of[row["client_id"].lower()].add(row["email"].strip().lower())
    sizes = Counter(map(len, people_of.values()))
    assert sizes[1] > sizes[2] > 0
    assert max(sizes) > 200
    spelled = [row["email"] for row in tables["email_to_client_id"]]
    assert any(email != email.lower() for email in spelled)
    assert any(email != email.strip() for email in spelled)


def test_every_table_has_rows_with_columns_of_its_contract(tables: Tables) -> None:
    for entry in CATALOGUE.values():
        rows = tables[entry.in_source]
        assert rows, entry.full_name
        names = set(entry.table.column_names)
        assert all(row.keys() <= names for row in rows), entry.full_name
    assert {entry.in_source for entry in FEATURES} <= tables.keys()


def test_exchange_rates_hold_a_stale_and_a_jumping_currency(tables: Tables) -> None:
    rates: dict[str, list[tuple[Any, float]]] = defaultdict(list)
    for row in tables["exchange_rate"]:
        if len(row["currency"]) == 3 and row["usd_per_unit"] != "n/a":
            rates[row["currency"]].append((row["rate_date"], float(row["usd_per_unit"])))
    newest = {currency: sorted(found)[-2:] for currency, found in rates.items()}
    assert (BASE.date() - newest["SEK"][1][0]).days == 12
    assert newest["TRY"][1][1] / newest["TRY"][0][1] > 1.2
    assert newest["EUR"][1][0] == BASE.date()
    assert 0.9 < newest["EUR"][1][1] / newest["EUR"][0][1] < 1.1


def test_billing_tells_every_kind_of_event_late_and_twice(events: list[dict[str, Any]]) -> None:
    kinds = Counter(event["event_type"] for event in events)
    subscription = "created activated renewed changed paused resumed cancelled cancellation_scheduled reactivated"
    wanted = {f"subscription_{kind}" for kind in subscription.split()}
    wanted |= {"customer_created", "coupon_created", "invoice_generated", "payment_succeeded", "payment_failed"}
    wanted |= {"payment_refunded", "invoice_updated", "mrr_updated"}
    assert wanted <= kinds.keys()
    assert kinds["coupon_created"] >= len(COUPONS)
    assert len({event["id"] for event in events}) < len(events)
    moments = [event["occurred_at"] for event in events]
    assert moments != sorted(moments)
    assert max(moments) <= BASE.timestamp()


def test_billing_has_every_period_coupon_and_currency(events: list[dict[str, Any]]) -> None:
    subscriptions = [event["content"]["subscription"] for event in events if "subscription" in event["content"]]
    assert {row["billing_period_unit"] for row in subscriptions} == {"day", "week", "month", "year"}
    assert {held["coupon_id"] for row in subscriptions for held in row["coupons"]} == {c.id for c in COUPONS}
    assert {"USD", "EUR", "GBP", "JPY", "KWD"} <= {row["currency_code"] for row in subscriptions}
    assert {row["status"] for row in subscriptions} == {"in_trial", "active", "paused", "non_renewing", "cancelled"}


def test_versions_of_a_subscription_grow_with_time(events: list[dict[str, Any]]) -> None:
    versions: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for event in events:
        if event["event_type"].startswith("subscription_"):
            resource = event["content"]["subscription"]
            versions[resource["id"]].append((event["occurred_at"], resource["resource_version"]))
    for found in versions.values():
        assert [version for _, version in sorted(found)] == sorted(version for _, version in found)


def test_accounts_that_pay_have_a_subscription_that_counts_and_lost_ones_have_none(
    world: World, events: list[dict[str, Any]]
) -> None:
    newest: dict[str, dict[str, Any]] = {}
    for event in events:
        resource = event["content"].get("subscription")
        if resource and resource["resource_version"] >= newest.get(resource["id"], resource)["resource_version"]:
            newest[resource["id"]] = resource
    states: dict[str, set[str]] = defaultdict(set)
    for resource in newest.values():
        states[resource["customer_id"].removeprefix("cus_")].add(resource["status"])
    for account in world.accounts:
        if account.status == "PAYING":
            assert states[account.company_id] & {"active", "paused"}, account.company_id
        elif account.status == "CHURNED":
            assert states[account.company_id] == {"cancelled"}, account.company_id


def test_the_same_portal_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    facts = facts_of("contacts=60,companies=30,deals=20")
    counts = [write_product(facts, 7, tmp_path / name) for name in ("one", "two")]
    assert counts[0] == counts[1]
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert {path.suffix for path in files} == {".parquet", ".csv", ".ndjson"}
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes(), path
    lines = (tmp_path / "one" / "billing" / "events.ndjson").read_bytes().splitlines()
    assert orjson.loads(lines[0])["api_version"] == "v2"


@settings(max_examples=8)
@given(seed=st.integers(1, 10_000), contacts=st.integers(0, 60))
def test_any_seed_and_size_gives_whole_data(seed: int, contacts: int) -> None:
    facts = facts_of(f"contacts={contacts},companies={contacts // 3},deals={contacts // 6}", seed)
    tables = product_tables(build_world(facts, seed))
    companies = {row["company_id"] for row in tables["company"]}
    for row in tables["user_profile"]:
        assert row["company_id"] in companies
    for row in tables["company"]:
        assert row["status"] in {"PAYING", "CHURNED"} or row["first_paid_at"] is None
        assert row["signup_timestamp"] is None or row["signup_timestamp"] <= BASE
