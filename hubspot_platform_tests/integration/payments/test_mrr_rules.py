"""The MRR rules that the table of examples does not reach, on both engines."""

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.integration.payments.ledger import (
    AS_OF,
    START,
    Ledger,
    addon,
    coupon,
    item,
    plan,
    rows,
    seconds,
    subscription,
)

SEATS = ("seats-usd",)
PAST, FUTURE = seconds(AS_OF - timedelta(days=1)), seconds(AS_OF + timedelta(days=40))
COUPONS = (
    coupon("r-10-percent", percent=10),
    coupon("r-20-percent", percent=20),
    coupon("r-limited", percent=50, duration="limited_period"),
    coupon("r-once-in-mrr", percent=20, duration="one_time", included_in_mrr=True),
    coupon("r-archived", percent=20, status="archived"),
    coupon("r-every-line", amount=1000, on=()),
    coupon("r-seats-30", amount=3000, on=SEATS),
    coupon("r-seats-200", amount=20000, on=SEATS),
    coupon("r-10-off", amount=1000),
    coupon("r-90-off", amount=9000),
    coupon("r-no-lines", percent=50, on=(), item_constraints=[{"item_type": "addon", "constraint": "none"}]),
    coupon("r-plans", percent=50, on=(), item_constraints=[{"item_type": "plan", "constraint": "all"}]),
    coupon("r-quantity", discount_type="offer_quantity"),
    coupon("r-total", percent=20, apply_on="specified_items_total"),
    coupon("r-expired", percent=20, status="expired"),
    coupon("r-nothing", amount=0),
    coupon("r-negative", amount=-1000),
    coupon("r-negative-percent", percent=-10),
    coupon("r-zero-percent", percent=0),
    coupon("r-euro", amount=1000, currency_code="EUR"),
    coupon("r-dollar", amount=1000, currency_code="usd"),
    coupon("r-third", percent="33.33"),
    coupon("r-sixth", percent="16.67"),
    coupon("r-60-off", amount=6000),
    coupon("r-criteria", percent=50, on=(), item_constraints=[{"item_type": "addon", "constraint": "criteria"}]),
    coupon("r-invoice", percent=10, item_constraints=[{"item_type": "plan", "constraint": "criteria"}]),
    coupon("r-named-so", percent=10, on=("criteria",)),
    coupon(" r-blanks ", percent=50, on=(" blanks-usd",)),
    coupon("r-item-price", amount=1000, apply_on="specific_item_price"),
)
MANUAL = {
    "id": "agreed",
    "type": "percentage",
    "percentage": 10,
    "apply_on": "invoice_amount",
    "duration_type": "forever",
}
ON_SEATS = {
    "id": "agreed-seats", "type": "fixed_amount", "amount": 500, "apply_on": "specific_item_price",
    "item_price_id": "seats-usd", "duration_type": "forever",
}  # fmt: skip
SEATS_A_MONTH = addon("seats-usd", 10000, billing_period=1, billing_period_unit="month")
HALF_CENT_LINES = [addon(f"part-{n}", 1, billing_period=6, billing_period_unit="month") for n in range(3)]

# name: subscription, expected MRR in its currency, flags
RULES: Mapping[str, tuple[dict[str, Any], str, list[str]]] = {
    "non_renewing counts": (subscription("r1", plan(9000), status="non_renewing"), "90", []),
    **{
        f"{status} counts nothing": (
            subscription(f"r-{status}", plan(9000), status=status), "0", [f"not_counted:{status}"],
        )
        for status in ("future", "paused", "cancelled", "transferred")
    },
    "a charge is no MRR": (subscription("r2", plan(9000), item("charge", "setup", 50000)), "90", []),
    "metered lines are left out": (
        subscription("r3", plan(9000), addon("calls", 100, metered_quantity="17")), "90", ["metered_excluded"],
    ),
    "a line without price and amount": (
        subscription("r4", plan(9000), addon("seats-usd", None)), "90", ["missing_price"],
    ),
    "free quantity": (subscription("r5", plan(9000), addon("seats-usd", 1000, 5, free_quantity=3)), "110", []),
    "more free than used": (subscription("r6", plan(9000), addon("seats-usd", 1000, 2, free_quantity=3)), "90", []),
    "amount of tiered prices": (subscription("r7", plan(9000), addon("seats-usd", 1000, 5, amount=4200)), "132", []),
    "three minor digits": (subscription("r8", plan(9500), currency_code="KWD"), "9.50", []),
    "negative amount": (
        subscription("r42", plan(9000), addon("ops-usd", 1000, 1, amount=-5)), "90", ["negative_line"],
    ),
    "a coupon that was changed": (subscription("r43", plan(10000), coupons=["r-changed"]), "50", []),
    "a coupon that was deleted": (subscription("r44", plan(10000), coupons=["r-deleted"]), "80", []),
    "negative quantity": (
        subscription("r9", plan(9000), addon("ops-usd", 1000, -1)), "90", ["negative_line"],
    ),
    "no plan line": (subscription("r10", addon("seats-usd", 9000)), "90", ["no_plan"]),
    "without a plan the invoice's period is a month": (
        subscription("r11", addon("seats-usd", 120000), billing_period_unit="year", coupons=["r-10-off"]),
        "90", ["no_plan"],
    ),
    "a period that is none": (
        subscription("r12", plan(9000), addon("ops-usd", 500, billing_period_unit="fortnight")), "90", ["bad_period"],
    ),
    "a price beyond reason": (
        subscription("r13", plan(9000), addon("ops-usd", 10**20)), "90", ["amount_out_of_range"],
    ),
    "every currency unit that divides": (subscription("r14", plan(100), billing_period=13), "0.08", []),
    "a limited coupon at its end": (
        subscription("r15", plan(9000), coupons=[{"coupon_id": "r-limited", "apply_till": seconds(AS_OF)}]), "90", [],
    ),
    "a limited coupon a second before its end": (
        subscription("r16", plan(9000), coupons=[{"coupon_id": "r-limited", "apply_till": seconds(AS_OF) + 1}]),
        "45", [],
    ),
    "a limited coupon without end": (subscription("r17", plan(9000), coupons=["r-limited"]), "45", []),
    "a one-time coupon that is included": (subscription("r18", plan(9000), coupons=["r-once-in-mrr"]), "72", []),
    "a coupon expired in the catalogue": (subscription("r60", plan(9000), coupons=["r-expired"]), "72", []),
    "less than nothing off": (
        subscription("r61", plan(9000), coupons=["r-negative"]), "90", ["coupon:r-negative:bad_amount"],
    ),
    "less than nothing percent off": (
        subscription("r62", plan(9000), coupons=["r-negative-percent"]),
        "90", ["coupon:r-negative-percent:bad_percentage"],
    ),
    "a coupon archived in the catalogue": (subscription("r19", plan(9000), coupons=["r-archived"]), "72", []),
    "a coupon nobody knows": (
        subscription("r20", plan(9000), coupons=["r-unknown"]), "90", ["coupon:r-unknown:unknown_coupon"],
    ),
    "another type": (
        subscription("r21", plan(9000), coupons=["r-quantity"]), "90", ["coupon:r-quantity:unsupported_type"],
    ),
    "another base": (
        subscription("r22", plan(9000), coupons=["r-total"]), "90", ["coupon:r-total:unsupported_apply_on"],
    ),
    "fixed amount of nothing": (
        subscription("r23", plan(9000), coupons=["r-nothing"]), "90", ["coupon:r-nothing:bad_amount"],
    ),
    "zero percent": (
        subscription("r24", plan(9000), coupons=["r-zero-percent"]), "90", ["coupon:r-zero-percent:bad_percentage"],
    ),
    "fixed amount in another currency": (
        subscription("r25", plan(9000), coupons=["r-euro", "r-dollar"]), "80", ["coupon:r-euro:coupon_currency"],
    ),
    "percentages compound": (subscription("r26", plan(10000), coupons=["r-10-percent", "r-20-percent"]), "72", []),
    "fixed on lines is per line, not per unit": (
        subscription("r27", plan(9000), addon("seats-usd", 2500, 4), coupons=["r-seats-30"]), "160", [],
    ),
    "without targets every recurring line": (
        subscription("r28", plan(9000), addon("seats-usd", 5000), coupons=["r-every-line"]), "120", [],
    ),
    "fixed on a line stops at zero": (
        subscription("r29", plan(9000), addon("seats-usd", 10000), coupons=["r-seats-200"]), "90", [],
    ),
    "fixed on a line over that line's months": (
        subscription(
            "r30", plan(9000), addon("seats-usd", 120000, billing_period_unit="year"), coupons=["r-seats-30"]
        ),
        "187.50", [],
    ),
    "fixed on the invoice stops at zero, whatever follows": (
        subscription("r31", plan(9000), coupons=["r-10-off", "r-90-off", "r-20-percent"]), "0", [],
    ),
    "constraint none": (subscription("r32", plan(9000), addon("ops-usd", 1000), coupons=["r-no-lines"]), "100", []),
    "constraint all plans": (subscription("r33", plan(9000), addon("ops-usd", 1000), coupons=["r-plans"]), "55", []),
    "manual discounts": (
        subscription("r34", plan(9000), addon("seats-usd", 1000), discounts=[MANUAL, ON_SEATS]), "85.50", [],
    ),
    "half a cent rounds up": (subscription("r35", plan(1, billing_period=2)), "0.01", []),
    "sixths that add up to half a cent": (subscription("r36", plan(0), *HALF_CENT_LINES), "0.01", []),
    "fractions of a percent": (
        subscription("r37", plan(10000), coupons=["r-third", "r-sixth"]), "55.56", [],
    ),
    "the same coupon twice counts twice": (
        subscription("r38", plan(10000), coupons=["r-10-percent", "r-10-percent"]), "81", [],
    ),
    "flags are sorted": (
        subscription("r39", addon("calls", 1, metered_quantity=1), addon("ops-usd", -1), coupons=["r-unknown"]),
        "0", ["coupon:r-unknown:unknown_coupon", "metered_excluded", "negative_line", "no_plan"],
    ),
    "an id that is no good text": (
        subscription("r40", plan(9000), coupons=['q"\\\n']), "90", ["unreadable_id"],
    ),
    "no lines at all": (subscription("r41"), "0", ["no_plan"]),
    "a plan line worth nothing keeps its period": (
        subscription("r45", plan(-100), SEATS_A_MONTH, billing_period_unit="year", coupons=["r-60-off"]),
        "95", ["negative_line"],
    ),
    "a metered plan line is skipped: a month for the invoice": (
        subscription(
            "r46", plan(100, metered_quantity="3"), SEATS_A_MONTH, billing_period_unit="year", coupons=["r-60-off"]
        ),
        "40", ["metered_excluded", "no_plan"],
    ),
    "a plan line without a price is skipped: a month for the invoice": (
        subscription("r47", plan(None), SEATS_A_MONTH, billing_period_unit="year", coupons=["r-60-off"]),
        "40", ["missing_price", "no_plan"],
    ),
    "a negative plan line of no known period": (
        subscription("r48", plan(-100, billing_period_unit="fortnight"), SEATS_A_MONTH, coupons=["r-60-off"]),
        "40", ["negative_line"],
    ),
    "lines chosen by criteria": (
        subscription("r49", plan(9000), addon("seats-usd", 1000), coupons=["r-criteria"]),
        "100", ["coupon:r-criteria:unsupported_apply_on"],
    ),
    "criteria for lines say nothing of the invoice": (subscription("r57", plan(9000), coupons=["r-invoice"]), "81", []),
    "an item price of that name": (
        subscription("r58", plan(9000), addon("criteria", 1000), coupons=["r-named-so"]), "99", [],
    ),
    "ids with blanks around them": (
        subscription("r59", plan(9000), addon("blanks-usd ", 1000), coupons=["r-blanks "]), "95", [],
    ),
    "a coupon on what only manual discounts are applied to": (
        subscription("r50", plan(9000), coupons=["r-item-price"]), "90", ["coupon:r-item-price:unsupported_apply_on"],
    ),
}  # fmt: skip

SALES_EFFECTIVE = {
    "free-all": (12, "0"),
    "free-more": (30, "0"),
    "free-negative": (-2, "90"),
    "free-none": (None, "90"),
}
RATES = {
    "no-rate": ("ISK", [], ["fx_missing"]),
    "zero-rate": ("BRL", [(0, "0")], ["fx_invalid"]),
    "week-old": ("NOK", [(7, "0.1")], []),
    "over-week-old": ("DKK", [(8, "0.1")], ["fx_stale"]),
    "fifth-up": ("PLN", [(1, "0.25"), (0, "0.30")], []),
    "fifth-down": ("THB", [(1, "0.050"), (0, "0.040")], []),
    "over-fifth-down": ("CZK", [(1, "0.050"), (0, "0.0399")], ["fx_jump"]),
    "after-the-jump": ("HUF", [(2, "0.0020"), (1, "0.0028"), (0, "0.0028")], []),
    "rate-of-tomorrow": ("MXN", [(0, "0.05"), (-1, "0.06")], []),
    "jump-over-a-bad-rate": ("RON", [(2, "0.20"), (1, "-1"), (0, "0.30")], ["fx_jump"]),
}


MINOR_UNITS = {
    **dict.fromkeys(("KRW", "CLP", "VND"), "9000"),
    **dict.fromkeys(("BHD", "JOD", "OMR", "TND"), "9"),
    **dict.fromkeys(("AUD", "GBP"), "90"),
}


def tell(ledger: Ledger) -> None:
    ledger.coupons(*COUPONS)
    later = START + timedelta(hours=1)
    ledger.coupons(coupon("r-changed", percent=10), coupon("r-deleted", percent=20))
    ledger.event("coupon_updated", later, coupon=coupon("r-changed", percent=50))
    ledger.event("coupon_deleted", later, coupon=coupon("r-deleted", percent=20, status="deleted"))
    for currency in MINOR_UNITS:
        ledger.changed(subscription(f"unit-{currency}", plan(9000), currency_code=currency))
    for document, *_ in RULES.values():
        ledger.changed(document)
    for name, (free, _) in SALES_EFFECTIVE.items():
        ledger.changed(subscription(name, plan(9000), cf_free_months=free))
    for name, (currency, quoted, _) in RATES.items():
        ledger.changed(subscription(name, plan(9000), currency_code=currency))
        for age, usd in quoted:
            ledger.rate(currency, AS_OF.date() - timedelta(days=age), usd)
    _versions(ledger)


def _versions(ledger: Ledger) -> None:
    """One subscription a rule of the door: which copies count."""
    later, latest = START + timedelta(hours=1), START + timedelta(hours=2)
    version = {"resource_version": 1000}
    ledger.changed(subscription("v-stale", plan(5000), resource_version=2000))
    ledger.changed(subscription("v-stale", plan(7000), **version), later)
    ledger.changed(subscription("v-equal", plan(5000), resource_version=2000))
    ledger.changed(subscription("v-equal", plan(7000), resource_version=2000), later)
    for at, cents, waited in ((later, 5000, 1), (START, 7000, 2)):
        copy = subscription("v-arrived-first", plan(cents), resource_version=2000)
        ledger.event("subscription_changed", at, subscription=copy)["received_at"] = latest + waited * timedelta(
            hours=1
        )
    ledger.changed(subscription(" v-blanks ", plan(5000)))
    ledger.changed(subscription("v-blanks", plan(7000)), later)
    ledger.changed(subscription("v-unversioned", plan(5000), resource_version=None), later)
    ledger.changed(subscription("v-unversioned", plan(7000), resource_version=None))
    ledger.changed(subscription("v-deleted", plan(5000)))
    ledger.changed(subscription("v-deleted", plan(5000)), later, "subscription_deleted")
    for event_type in ("subscription_paused", "subscription_cancelled", "subscription_canceled_with_backdating"):
        ledger.changed(subscription(f"v-{event_type}", plan(5000)))
        ledger.changed(subscription(f"v-{event_type}", plan(5000)), later, event_type)
    ledger.changed(subscription("v-same-copy", plan(5000), resource_version=2000))
    ledger.changed(subscription("v-same-copy", plan(5000), resource_version=2000), later, "subscription_paused")
    ledger.changed(subscription("v-scheduled", plan(5000)))
    ledger.changed(subscription("v-scheduled", plan(9000)), later, "subscription_changes_scheduled")
    ledger.changed(subscription("v-notice", plan(5000)))
    ledger.changed(subscription("v-notice", plan(9000)), later, "mrr_updated")
    ledger.changed(subscription("v-payment", plan(5000)))
    ledger.changed(subscription("v-payment", plan(6000)), later, "payment_succeeded")
    ledger.changed(subscription("v-future", plan(5000)))
    ledger.changed(subscription("v-future", plan(9000)), AS_OF + timedelta(seconds=1))
    ledger.changed(subscription("v-reordered", plan(9000)), latest)
    ledger.changed(subscription("v-reordered", plan(7000)), later)
    ledger.changed(subscription("v-reordered", plan(5000)))


@pytest.fixture(scope="module")
def found(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    return {row["subscription_id"]: row for row in rows(warehouse, "select * from payments.subscription_mrr")}


@pytest.mark.parametrize("rule", RULES)
def test_rule(found: dict[str, dict[str, Any]], rule: str) -> None:
    document, mrr, flags = RULES[rule]
    row = found[document["id"]]
    assert (row["mrr"], json.loads(row["flags"])) == (Decimal(mrr), flags)


@pytest.mark.parametrize("name", SALES_EFFECTIVE)
def test_free_months_stay_within_the_term(found: dict[str, dict[str, Any]], name: str) -> None:
    assert found[name]["sales_effective_mrr"] == Decimal(SALES_EFFECTIVE[name][1])


@pytest.mark.parametrize("name", RATES)
def test_guard_of_the_exchange_rate(found: dict[str, dict[str, Any]], name: str) -> None:
    row, flags = found[name], RATES[name][2]
    assert json.loads(row["flags"]) == flags
    for column in ("mrr_usd", "sales_effective_mrr_usd", "arr_usd", "arr_range", "exchange_rate"):
        assert (row[column] is None) == bool(flags), column
    assert row["mrr"] == 90


def test_the_newest_rate_up_to_the_day_prices(found: dict[str, dict[str, Any]]) -> None:
    row = found["rate-of-tomorrow"]
    assert (row["exchange_rate"], row["rate_date"]) == (Decimal("0.05"), AS_OF.date())
    assert found["week-old"]["rate_date"] == AS_OF.date() - timedelta(days=7)


@pytest.mark.parametrize(
    ("name", "mrr"),
    [
        ("v-stale", "50"),
        ("v-equal", "50"),
        ("v-arrived-first", "50"),
        ("v-blanks", "70"),
        ("v-unversioned", "50"),
        ("v-deleted", "0"),
        ("v-subscription_paused", "0"),
        ("v-subscription_cancelled", "0"),
        ("v-subscription_canceled_with_backdating", "0"),
        ("v-same-copy", "0"),
        ("v-scheduled", "50"),
        ("v-notice", "50"),
        ("v-payment", "60"),
        ("v-future", "50"),
        ("v-reordered", "90"),
    ],
)
def test_which_copy_of_a_subscription_counts(found: dict[str, dict[str, Any]], name: str, mrr: str) -> None:
    assert found[name]["mrr"] == Decimal(mrr)


def test_prices_are_in_the_currencys_smallest_unit(found: dict[str, dict[str, Any]]) -> None:
    assert {currency: found[f"unit-{currency}"]["mrr"] for currency in MINOR_UNITS} == {
        currency: Decimal(mrr) for currency, mrr in MINOR_UNITS.items()
    }


def test_addons_belong_to_bundles_by_the_words_of_their_price(warehouse: Warehouse) -> None:
    listed = rows(
        warehouse,
        "select distinct ref, bundle from payments.mrr_line "
        "where ref in ('seats-usd', 'ops-usd', 'part-1', 'plan-usd')",
    )
    assert {row["ref"]: row["bundle"] for row in listed} == {
        "seats-usd": "seats",
        "ops-usd": "ops",
        "part-1": "other",
        "plan-usd": None,
    }


def test_the_audit_trail_of_every_subscription_adds_up_to_its_mrr(warehouse: Warehouse) -> None:
    wrong = rows(
        warehouse,
        "select m.subscription_id from payments.subscription_mrr as m left join ("
        " select subscription_id, sum(after - before) as mrr from payments.mrr_line group by subscription_id"
        ") as t on t.subscription_id = m.subscription_id where t.mrr is null or abs(t.mrr - m.mrr) > 0.0051",
    )
    assert wrong == []
