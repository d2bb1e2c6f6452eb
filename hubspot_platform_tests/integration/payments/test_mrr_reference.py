"""Many subscriptions, each against the rules in fractions; what must never matter does not."""

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubspot_platform.warehouse import Warehouse, open_warehouse
from hubspot_platform_tests.integration.payments import reference
from hubspot_platform_tests.integration.payments.ledger import (
    START,
    Ledger,
    addon,
    build,
    coupon,
    plan,
    rows,
    subscription,
)

COUNT = 250
RATES = {"USD": Fraction(1), "EUR": Fraction("1.08"), "JPY": Fraction("0.0067"), "KWD": Fraction("3.25")}
CATALOGUE = {
    found["id"]: found
    for found in (
        *(coupon(f"m-percent-{p}", percent=str(p)) for p in (5, 12.5, 33.33, 50, 100)),
        *(coupon(f"m-fixed-{a}", amount=a) for a in (1, 999, 10_000)),
        *(coupon(f"m-line-percent-{p}", percent=str(p), on=("seats-usd", "hr-usd")) for p in (10, 66.67)),
        *(coupon(f"m-line-fixed-{a}", amount=a, on=("ops-usd",)) for a in (7, 2500)),
        coupon("m-any-line-percent", percent="15", on=()),
        coupon("m-any-line-fixed", amount=333, on=()),
    )
}
PERIODS = [(1, "month"), (3, "month"), (7, "month"), (1, "year"), (2, "week"), (13, "day"), (30, "day")]
ADDONS = ("seats-usd", "ops-usd", "hr-usd", "comms-usd")

Choice = Callable[[Any], Any]


def any_subscription(name: str, choose: Choice, several: Choice, number: Callable[[int, int], int]) -> dict[str, Any]:
    """Return one sound subscription, made by the given ways to choose."""
    lines = [plan(number(0, 100_000), quantity=number(1, 20))]
    for ref in several(ADDONS):
        period, unit = choose(PERIODS)
        lines.append(addon(ref, number(0, 30_000), number(0, 30), billing_period=period, billing_period_unit=unit))
    period, unit = choose(PERIODS)
    more = {"billing_period": period, "billing_period_unit": unit, "currency_code": choose(sorted(RATES))}
    months = {"cf_free_months": number(0, 14), "cf_contract_months": number(1, 36)}
    return subscription(name, *lines, coupons=several(sorted(CATALOGUE)), **more, **months)


def _seeded(number: int) -> dict[str, Any]:
    dice = random.Random(number)
    return any_subscription(
        f"m{number}", dice.choice, lambda found: dice.sample(list(found), dice.randint(0, 3)), dice.randint
    )


def tell(ledger: Ledger) -> None:
    ledger.coupons(*CATALOGUE.values())
    for number in range(COUNT):
        ledger.changed(_seeded(number))


def assert_as_in_fractions(row: dict[str, Any], document: dict[str, Any]) -> None:
    expected = reference.mrr(document, CATALOGUE)
    rate = RATES[document["currency_code"]]
    discount = expected["base"] + expected["addons"] - expected["mrr"]
    assert {
        "base_mrr": row["base_mrr"],
        "addon_mrr": row["addon_mrr"],
        "discount_mrr": row["discount_mrr"],
        "mrr": row["mrr"],
        "sales_effective_mrr": row["sales_effective_mrr"],
        "mrr_usd": row["mrr_usd"],
        "sales_effective_mrr_usd": row["sales_effective_mrr_usd"],
        "arr_usd": row["arr_usd"],
    } == {
        "base_mrr": reference.cents(expected["base"]),
        "addon_mrr": reference.cents(expected["addons"]),
        "discount_mrr": reference.cents(discount),
        "mrr": reference.cents(expected["mrr"]),
        "sales_effective_mrr": reference.cents(expected["sales_effective"]),
        "mrr_usd": reference.cents(expected["mrr"] * rate),
        "sales_effective_mrr_usd": reference.cents(expected["sales_effective"] * rate),
        "arr_usd": reference.cents(expected["mrr"] * rate * 12),
    }
    assert row["mrr"] >= 0
    assert abs(row["base_mrr"] + row["addon_mrr"] - row["discount_mrr"] - row["mrr"]) <= Decimal("0.01")


def test_every_figure_is_the_exact_one_rounded_once(warehouse: Warehouse) -> None:
    found = {row["subscription_id"]: row for row in rows(warehouse, "select * from payments.subscription_mrr")}
    for number in range(COUNT):
        assert_as_in_fractions(found[f"m{number}"], _seeded(number))


@st.composite
def subscriptions(draw: st.DrawFn) -> list[dict[str, Any]]:
    def several(found: Any) -> list[Any]:
        return draw(st.lists(st.sampled_from(list(found)), max_size=4, unique=True))

    return [
        any_subscription(
            f"h{number}",
            lambda found: draw(st.sampled_from(list(found))),
            several,
            lambda low, high: draw(st.integers(low, high)),
        )
        for number in range(10)
    ]


MODELS = (
    "billing_customer", "coupon", "subscription_copy", "subscription_line", "subscription_coupon", "mrr_step",
    "subscription_state", "exchange_rate", "subscription_mrr", "company_mrr",
)  # fmt: skip


def _figures(warehouse: Warehouse, ledger: Ledger) -> dict[str, dict[str, Any]]:
    ledger.coupons(*CATALOGUE.values())
    build(warehouse, ledger, only=MODELS)
    return {row["subscription_id"]: row for row in rows(warehouse, "select * from payments.subscription_mrr")}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return open_warehouse(f"duckdb:///{tmp_path_factory.mktemp('scratch') / 'warehouse.duckdb'}")


@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(documents=subscriptions(), data=st.data())
def test_only_the_newest_copies_matter(
    scratch: Warehouse, documents: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Events twice, in any order, with coupons listed in any order, beside an unrelated company."""
    plainly, otherwise = Ledger(), Ledger()
    told = []
    for document in documents:
        old = {**document, "subscription_items": [plan(1)], "resource_version": 1}
        new = {**document, "resource_version": 2}
        told += [("a" + document["id"], START, old), ("b" + document["id"], START + timedelta(hours=1), new)]
    for event_id, at, document in told:
        plainly.event("subscription_changed", at, event_id, subscription=document)
    told.append(("stranger", START, subscription("stranger", plan(123456))))
    for event_id, at, document in data.draw(st.permutations(told)):
        shuffled = {**document, "coupons": data.draw(st.permutations(document["coupons"]))}
        otherwise.event("subscription_changed", at, event_id, subscription=shuffled)
        if data.draw(st.booleans()):
            otherwise.event("payment_succeeded", at, f"again-{event_id}", subscription=dict(shuffled))

    found, again = _figures(scratch, plainly), _figures(scratch, otherwise)

    assert again.pop("stranger")["mrr"] == Decimal("1234.56")
    assert again == found
    for document in documents:
        assert_as_in_fractions(found[document["id"]], document)
