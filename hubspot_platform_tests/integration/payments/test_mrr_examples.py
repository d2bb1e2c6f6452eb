"""The examples of the MRR rules, one by one, on both engines."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.integration.payments.ledger import (
    AS_OF,
    Ledger,
    addon,
    coupon,
    plan,
    rows,
    seconds,
    subscription,
)

SEATS, OPS = ("seats-usd",), ("ops-usd",)
JUNE = seconds(datetime(2026, 6, 1, tzinfo=UTC))
COUPONS = (
    coupon("seats-30-off", amount=3000, on=SEATS),
    coupon("seats-30-percent", percent=30, on=SEATS),
    coupon("invoice-10-off", amount=1000),
    coupon("invoice-20-percent", percent=20),
    coupon("ops-20-off", amount=2000, on=OPS),
    coupon("seats-50-percent", percent=50, on=SEATS),
    coupon("invoice-15-off", amount=1500),
    coupon("invoice-10-percent", percent=10),
    coupon("invoice-60-off", amount=6000),
    coupon("invoice-200-off", amount=20000),
    coupon("limited-20-percent", percent=20, duration="limited_period"),
    coupon("once-20-percent", percent=20, duration="one_time"),
    coupon("invoice-130-percent", percent=130),
)

# name: subscription, base, addons, discount, MRR in USD, and what else the example says
EXAMPLES: Mapping[str, tuple[dict[str, Any], str, str, str, str | None, dict[str, object]]] = {
    "1 monthly plan": (subscription("1", plan(4500)), "45", "0", "0", "45", {"arr_usd": Decimal(540)}),
    "2 yearly plan": (subscription("2", plan(54000), billing_period_unit="year"), "45", "0", "0", "45", {}),
    "3 quarterly plan": (subscription("3", plan(14700), billing_period=3), "49", "0", "0", "49", {}),
    "4 two-weekly plan": (
        subscription("4", plan(1000), billing_period=2, billing_period_unit="week"),
        "21.67", "0", "0", "21.67", {"arr_usd": Decimal(260)},
    ),
    "5 daily plan": (
        subscription("5", plan(200), billing_period_unit="day"),
        "60.83", "0", "0", "60.83", {"arr_usd": Decimal(730)},
    ),
    "6 quantity": (subscription("6", plan(2900, quantity=8)), "232", "0", "0", "232", {}),
    "7 addons": (
        subscription("7", plan(9000), addon("seats-usd", 2500, 4), addon("ops-usd", 3000)),
        "90", "130", "0", "220", {"arr_range": "2001-8000"},
    ),
    "8 mixed periods": (
        subscription(
            "8",
            plan(96000),
            addon("seats-usd", 2500, 4, billing_period=1, billing_period_unit="month"),
            billing_period_unit="year",
        ),
        "80", "100", "0", "180", {},
    ),
    "9 fixed on seats": (
        subscription("9", plan(9000), addon("seats-usd", 10000), coupons=["seats-30-off"]),
        "90", "100", "30", "160", {},
    ),
    "10 percentage on seats": (
        subscription("10", plan(9000), addon("seats-usd", 10000), coupons=["seats-30-percent"]),
        "90", "100", "30", "160", {},
    ),
    "11 fixed and percentage on the invoice": (
        subscription("11", plan(9000), coupons=["invoice-10-off", "invoice-20-percent"]),
        "90", "0", "26", "64", {},
    ),
    "11 in the other list order": (
        subscription("11b", plan(9000), coupons=["invoice-20-percent", "invoice-10-off"]),
        "90", "0", "26", "64", {},
    ),
    "12 all four kinds": (
        subscription(
            "12",
            plan(9000),
            addon("seats-usd", 10000),
            addon("ops-usd", 3000),
            coupons=["invoice-10-percent", "invoice-15-off", "seats-50-percent", "ops-20-off"],
        ),
        "90", "130", "98.50", "121.50", {},
    ),
    "13 fixed on a yearly invoice": (
        subscription("13", plan(96000), billing_period_unit="year", coupons=["invoice-60-off"]),
        "80", "0", "5", "75", {},
    ),
    "14 floor at zero": (
        subscription("14", plan(9000), coupons=["invoice-200-off"]), "90", "0", "90", "0", {"arr_range": "0"},
    ),
    "15 limited period": (
        subscription("15", plan(9000), coupons=[{"coupon_id": "limited-20-percent", "apply_till": JUNE}]),
        "90", "0", "18", "72", {},
    ),
    "16 one time": (subscription("16", plan(9000), coupons=["once-20-percent"]), "90", "0", "0", "90", {}),
    "17 free months": (
        subscription("17", plan(9000), cf_free_months=3),
        "90", "0", "0", "90", {"sales_effective_mrr": Decimal("67.50")},
    ),
    "18 free months of a longer term": (
        subscription("18", plan(9000), coupons=["invoice-20-percent"], cf_free_months="2", cf_contract_months="24"),
        "90", "0", "18", "72", {"sales_effective_mrr": Decimal(66)},
    ),
    "19 in trial": (
        subscription("19", plan(9000), status="in_trial"), "0", "0", "0", "0", {"flags": ["not_counted:in_trial"]},
    ),
    "20 euro": (subscription("20", plan(9000), currency_code="EUR"), "90", "0", "0", "97.20", {}),
    "21 yen": (subscription("21", plan(9000), currency_code="JPY"), "9000", "0", "0", "60.30", {}),
    "22 stale rate": (
        subscription("22", plan(9000), currency_code="SEK"), "90", "0", "0", None, {"flags": ["fx_stale"]},
    ),
    "23 jumping rate": (
        subscription("23", plan(9000), currency_code="TRY"), "90", "0", "0", None, {"flags": ["fx_jump"]},
    ),
    "24 negative addon": (
        subscription("24", plan(9000), addon("ops-usd", -1000)), "90", "0", "0", "90", {"flags": ["negative_line"]},
    ),
    "25 percentage above 100": (
        subscription("25", plan(9000), coupons=["invoice-130-percent"]),
        "90", "0", "0", "90", {"flags": ["coupon:invoice-130-percent:bad_percentage"]},
    ),
    "26 yearly ARR from the exact value": (
        subscription("26", plan(200000), billing_period_unit="year"),
        "166.67", "0", "0", "166.67", {"arr_usd": Decimal(2000), "arr_range": "1-2000"},
    ),
    "27 range": (
        subscription("27", plan(60000)),
        "600", "0", "0", "600", {"arr_usd": Decimal(7200), "arr_range": "2001-8000"},
    ),
}  # fmt: skip


def tell(ledger: Ledger) -> None:
    ledger.coupons(*COUPONS)
    day = AS_OF.date()
    ledger.rate("SEK", day - timedelta(days=12), "0.1")
    ledger.rate("TRY", day - timedelta(days=1), "0.020")
    ledger.rate("TRY", day, "0.028")
    for document, *_ in EXAMPLES.values():
        ledger.changed(document)


@pytest.fixture(scope="module")
def found(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    return {row["subscription_id"]: row for row in rows(warehouse, "select * from payments.subscription_mrr")}


@pytest.mark.parametrize("example", EXAMPLES)
def test_example(found: dict[str, dict[str, Any]], example: str) -> None:
    document, base, addons, discount, usd, more = EXAMPLES[example]
    row = found[document["id"]]

    assert (row["base_mrr"], row["addon_mrr"], row["discount_mrr"]) == (
        Decimal(base),
        Decimal(addons),
        Decimal(discount),
    )
    assert row["mrr_usd"] == (None if usd is None else Decimal(usd))
    flags = json.loads(row["flags"])
    assert flags == more.get("flags", [])
    assert {name: row[name] for name in more if name != "flags"} == {k: v for k, v in more.items() if k != "flags"}


def test_the_audit_trail_of_example_12(warehouse: Warehouse, found: dict[str, dict[str, Any]]) -> None:
    trail = rows(
        warehouse,
        "select kind, ref, step, target, before, after from payments.mrr_line "
        "where subscription_id = '12' order by line_no",
    )
    assert [tuple(step.values()) for step in trail] == [
        ("plan", "plan-usd", "line", None, 0, 90),
        ("addon", "seats-usd", "line", None, 0, 100),
        ("addon", "ops-usd", "line", None, 0, 30),
        ("coupon", "ops-20-off", "fixed_on_line", "ops-usd", 30, 10),
        ("coupon", "seats-50-percent", "percentage_on_line", "seats-usd", 100, 50),
        ("coupon", "invoice-15-off", "fixed_on_invoice", None, 150, 135),
        ("coupon", "invoice-10-percent", "percentage_on_invoice", None, 135, Decimal("121.50")),
    ]
