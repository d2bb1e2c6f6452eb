"""A thousand random companies: the SQL agrees with plain Python, and neither order nor strangers change anything."""

import random
from collections import defaultdict
from copy import deepcopy
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hubspot_platform.warehouse import open_warehouse
from hubspot_platform_tests.support.attribution import AS_OF, Product, at, attribution_models, build, client, rows_of
from hubspot_platform_tests.support.naive_attribution import attribute, shares, world_of

COMPANIES, NODES = 1000, 1500
CHANNELS = ("direct", "organic", "cpc-google", "email")
FOREIGN = "stranger"
PLACE = Decimal("1e-12")
Tables = dict[str, list[dict[str, Any]]]


def random_product(seed: int) -> Product:
    """A skewed graph: low numbers are linked often, some identifiers are spelled oddly, some are no identifiers."""
    chance, product = random.Random(seed), Product()

    def skewed() -> int:
        return int(NODES * chance.random() ** 1.5)

    def spelled(text: str) -> str:
        return chance.choice([text, text, text.upper(), f" {text}", f"{text}\t"])

    def email() -> str:
        return f"e{skewed()}@x.test" if chance.random() < 0.97 else "no address"

    moments = [at("2025-10-01") + timedelta(hours=chance.randrange(4000)) for _ in range(800)]
    for number in range(COMPANIES):
        name = f"c{number}"
        product.company(name, chance.choice([None, *moments]) if chance.random() < 0.5 else chance.choice(moments))
        for _ in range(chance.choice([0, 1, 1, 2])):
            product.owns(name, spelled(client(skewed())))
        for _ in range(chance.choice([0, 1, 1])):
            product.owns(name, spelled(email()) if chance.random() < 0.9 else "@")
    for _ in range(1400):
        product.link(spelled(email()), spelled(client(skewed()) if chance.random() < 0.97 else "no browser"))
    for number in range(230):
        product.link(f"kiosk{number}@x.test", client(3))
    for number in range(4000):
        who: dict[str, str] = {}
        if chance.random() < 0.7:
            who["client_id"] = spelled(client(skewed()))
        if not who or chance.random() < 0.3:
            who["email"] = f"e{skewed()}@x.test"
        product.external(f"t{number}", chance.choice(moments), channel=chance.choice(CHANNELS), **who)
    return product


def built(folder: Path, product: Product) -> Tables:
    warehouse = open_warehouse(f"duckdb:///{folder / 'warehouse.duckdb'}")
    build(warehouse, product)
    return {model.name: rows_of(warehouse, model.name) for model in attribution_models()}


@pytest.fixture(scope="module")
def product() -> Product:
    return random_product(20260601)


@pytest.fixture(scope="module")
def tables(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return built(tmp_path_factory.mktemp("random"), product)


def test_sql_agrees_with_plain_python(product: Product, tables: Tables) -> None:
    world = world_of(product)
    expected = {row["company_id"]: attribute(world, row, AS_OF) for row in product.rows["company"]}

    assert {row["company_id"]: row for row in tables["company_summary"]} == expected
    assert {row["max_hop"] for row in expected.values()} == {0, 1, 2, 3, 4, 5}
    for flag in ("cycle_detected", "hop_limit_reached"):
        assert {row[flag] for row in expected.values()} == {True, False}


def test_the_shares_of_each_company_add_up_to_exactly_one_and_follow_the_rule(product: Product, tables: Tables) -> None:
    by_company: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(tables["multi_touch_credit"], key=lambda row: int(row["position"])):
        by_company[row["company_id"]].append(row)
    world = world_of(product)

    for company in product.rows["company"]:
        rows = by_company.get(company["company_id"], [])
        for rule, expected in shares(world, company, AS_OF).items():
            found = [row[rule] for row in rows]
            assert not found or sum(found) == 1
            # What rounding to 12 places leaves is one touch's: the last, or the second of those in between.
            off = sorted(abs(share - exact) for share, exact in zip(found, expected, strict=True))
            assert not off or off[-1] <= len(off) * PLACE
            assert all(difference <= PLACE for difference in off[:-1])


def test_order_duplicates_and_strangers_change_nothing(product: Product, tables: Tables, tmp_path: Path) -> None:
    changed, chance = deepcopy(product), random.Random(1)
    for name, rows in changed.rows.items():
        if name in {"company_to_client_id", "company_to_email", "email_to_client_id"}:
            rows.extend(chance.sample(rows, len(rows) // 3))
        chance.shuffle(rows)
    changed.company(FOREIGN, at("2026-01-01"))
    changed.owns(FOREIGN, "stranger@other.test")
    changed.link("stranger@other.test", client(99_999))
    changed.external("foreign", at("2025-12-31"), client_id=client(99_999))

    again = built(tmp_path, changed)

    strange = {FOREIGN, "stranger@other.test"}
    for name, rows in tables.items():
        kept = [
            row
            for row in again[name]
            if row.get("company_id") not in strange
            and row.get("email") not in strange
            and row.get("touchpoint_id") != "foreign"
        ]
        assert kept == rows, name
