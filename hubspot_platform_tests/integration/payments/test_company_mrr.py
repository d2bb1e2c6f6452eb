"""Company figures: which company a subscription belongs to, sums of exact values, ranges, and the biller's own MRR."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.integration.payments.conftest import Built
from hubspot_platform_tests.integration.payments.ledger import (
    AS_OF,
    START,
    Ledger,
    coupon,
    plan,
    rows,
    seconds,
    subscription,
)

LATER = START + timedelta(hours=1)


def tell(ledger: Ledger) -> None:
    ledger.coupons(
        coupon("c-limited", percent=20, duration="limited_period"),
        coupon("c-once", percent=20, duration="one_time", included_in_mrr=True),
    )
    for number, price in enumerate((100, 100, 100), start=1):
        ledger.changed(subscription(f"third-{number}", plan(price), billing_period=3, cf_company_id="thirds"))
    ledger.changed(subscription("mixed-eur", plan(10000), currency_code="EUR", customer_id="mixed"))
    ledger.changed(subscription("mixed-usd", plan(5000), customer_id="mixed", cf_free_months=6))
    ledger.changed(
        subscription("mixed-over", plan(99900), customer_id="mixed", status="cancelled", currency_code="XXX")
    )
    ledger.changed(subscription("partly-isk", plan(10000), currency_code="ISK", customer_id="partly"))
    ledger.changed(subscription("partly-usd", plan(5000), customer_id="partly"))
    for name, price in RANGES.items():
        ledger.changed(
            subscription(f"range-{name}", plan(price), billing_period_unit="year", customer_id=f"range-{name}")
        )
    ledger.event("customer_created", customer={"id": "known-customer", "cf_company_id": " mapped "})
    ledger.event("customer_changed", LATER, customer={"id": "known-customer", "cf_company_id": "renamed"})
    ledger.changed(subscription("by-customer", plan(1000), customer_id="known-customer"))
    equal = {"id": "equal-customer", "cf_company_id": "first", "resource_version": 9}
    ledger.event("customer_created", customer=equal)
    ledger.event("customer_changed", LATER, customer={**equal, "cf_company_id": "second"})
    for name, said in BLANKS.items():
        ledger.changed(subscription(name, plan(1000), cf_company_id=said))
    ledger.companies.append("mixed")
    _reconciled(ledger)


def _reconciled(ledger: Ledger) -> None:
    """One subscription each way of agreeing or not with the biller."""
    ledger.changed(subscription("bill-same", plan(54000), billing_period_unit="year", mrr=4500))
    ledger.changed(subscription("bill-cent", plan(20000), billing_period=3, mrr=6666))
    ledger.changed(subscription("bill-off", plan(9000), mrr=8998))
    limited = [{"coupon_id": "c-limited", "apply_till": seconds(AS_OF + timedelta(days=90))}]
    ledger.changed(subscription("bill-limited", plan(12000), billing_period_unit="year", coupons=limited, mrr=1000))
    ledger.changed(subscription("bill-monthly", plan(1000), coupons=limited, mrr=1000))
    ledger.changed(subscription("bill-once", plan(1000), coupons=["c-once"], mrr=1000))
    ledger.changed(subscription("bill-notice", plan(9000), mrr=9000))
    ledger.changed(subscription("bill-notice", plan(9000), mrr=7000), LATER, "mrr_updated")
    ledger.changed(subscription("bill-older", plan(9000), mrr=9000))
    ledger.changed(subscription("bill-older", plan(8000)), LATER)


BLANKS = {"blank-ascii": " \tnamed\r\n", "blank-wide": "named\u00a0", "blank-only": " \t"}
RANGES = {"zero": 0, "cent": 1, "low": 200000, "over-low": 200001, "middle": 800000, "over-middle": 800001}


@pytest.fixture(scope="module")
def companies(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    return {row["company_id"]: row for row in rows(warehouse, "select * from payments.company_mrr")}


def test_a_company_is_the_sum_of_exact_values_rounded_once(companies: dict[str, dict[str, Any]]) -> None:
    row = companies["thirds"]
    assert (row["current_mrr"], row["arr"], row["subscriptions"]) == (1, 12, 3)


def test_currencies_add_up_in_dollars_and_cancelled_ones_need_no_rate(companies: dict[str, dict[str, Any]]) -> None:
    row = companies["mixed"]
    assert (row["current_mrr"], row["effective_mrr"], row["subscriptions"]) == (158, 133, 2)
    assert row["as_of"] == AS_OF


def test_one_subscription_without_dollars_leaves_the_company_without(companies: dict[str, dict[str, Any]]) -> None:
    row = companies["partly"]
    assert (row["current_mrr"], row["effective_mrr"], row["arr"], row["arr_range"]) == (None, None, None, None)


def test_blanks_around_a_companys_id_are_taken_off_and_other_spaces_are_part_of_it(warehouse: Warehouse) -> None:
    sql = "select subscription_id, company_id from payments.subscription_mrr where subscription_id like 'blank-%'"
    assert {row["subscription_id"]: row["company_id"] for row in rows(warehouse, sql)} == {
        "blank-ascii": "named",
        "blank-wide": "named\u00a0",
        "blank-only": "blank-only-co",
    }


def test_of_customers_copies_with_one_version_the_first_stays(warehouse: Warehouse) -> None:
    found = rows(warehouse, "select company_id from payments.billing_customer where customer_id = 'equal-customer'")
    assert found == [{"company_id": "first"}]


def test_ranges_are_half_open_on_the_rounded_arr(companies: dict[str, dict[str, Any]]) -> None:
    found = {name: companies[f"range-{name}"]["arr_range"] for name in RANGES}
    assert found == {
        "zero": "0",
        "cent": "1-2000",
        "low": "1-2000",
        "over-low": "2001-8000",
        "middle": "2001-8000",
        "over-middle": "8001+",
    }


def test_the_company_is_the_newest_customers_field_else_the_customer(
    warehouse: Warehouse, companies: dict[str, dict[str, Any]]
) -> None:
    assert companies["renamed"]["current_mrr"] == 10
    assert "mapped" not in companies
    sql = "select customer_id, company_is_known from payments.billing_customer where customer_id in ('mixed', 'partly')"
    assert {row["customer_id"]: row["company_is_known"] for row in rows(warehouse, sql)} == {
        "mixed": True,
        "partly": False,
    }


def test_a_difference_from_the_biller_is_listed_and_explained_or_fails(built: Built) -> None:
    warehouse, outcomes = built
    found = rows(warehouse, "select * from payments.mrr_reconciliation where subscription_id like 'bill-%'")
    assert {row["subscription_id"]: (row["difference"], row["explanation"]) for row in found} == {
        "bill-same": (0, None),
        "bill-cent": (Decimal("0.01"), None),
        "bill-off": (Decimal("0.02"), None),
        "bill-limited": (-2, "limited_coupon"),
        "bill-monthly": (-2, None),
        "bill-once": (-2, "one_time_coupon"),
        "bill-notice": (20, None),
        "bill-older": (-10, "older_copy"),
    }
    checks = {found.check.name: found.violations for found in outcomes["mrr_reconciliation"].checks}
    assert checks["matches_the_biller"] == 3


def test_every_event_of_a_subscription_is_listed_with_what_it_said(warehouse: Warehouse) -> None:
    found = rows(
        warehouse,
        "select event_type, status, plan_id, billing_period, billing_period_unit, currency, mrr, company_id "
        "from payments.subscription_events where subscription_id = 'bill-notice' order by occurred_at",
    )
    assert [tuple(row.values()) for row in found] == [
        ("subscription_changed", "active", "plan-usd", 1, "month", "USD", 90, "bill-notice-co"),
        ("mrr_updated", "active", "plan-usd", 1, "month", "USD", 70, "bill-notice-co"),
    ]
