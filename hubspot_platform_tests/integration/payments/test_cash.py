"""Transactions, invoices, payment status and discounts, on both engines."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.integration.payments.conftest import Built
from hubspot_platform_tests.integration.payments.ledger import (
    AS_OF,
    START,
    Ledger,
    addon,
    coupon,
    plan,
    rows,
    seconds,
    subscription,
)

LATER = START + timedelta(hours=1)
DAY = AS_OF - timedelta(hours=6)


def transaction(name: str, amount: float | None, **fields: object) -> dict[str, Any]:
    return {
        "id": name, "customer_id": f"{name}-co", "type": "payment", "status": "success", "amount": amount,
        "currency_code": "USD", "date": seconds(START), **fields,
    }  # fmt: skip


def invoice(name: str, company: str, status: str, **fields: object) -> dict[str, Any]:
    due = 0 if status in {"paid", "voided"} else 9000
    return {
        "id": name, "customer_id": company, "status": status, "total": 9000, "amount_due": due, "currency_code": "USD",
        "date": seconds(START), **fields,
    }  # fmt: skip


TRANSACTIONS = (
    transaction("t-paid", 9000, subscription_id="t-sub"),
    transaction("t-refund", 2500, type="refund"),
    transaction("t-failed", 9000, status="failure"),
    transaction("t-hold", 9000, type="authorization"),
    transaction("t-nothing", 0),
    transaction("t-negative", -100, type="refund"),
    transaction("t-no-number", None),
    transaction("t-too-large", 10**14),
    transaction("t-too-small", 0.004),
    transaction("t-rupiah", 10**11, currency_code="IDR", date=seconds(AS_OF)),
    transaction("t-dinar", 9 * 10**14, currency_code="KWD", date=seconds(AS_OF)),
    transaction("t-euro", 1001, currency_code="EUR", date=seconds(DAY)),
    transaction("t-yen", 5000, currency_code="JPY", date=seconds(AS_OF)),
    transaction("t-early", 5000, currency_code="EUR"),
    transaction("t-stale", 5000, currency_code="SEK", date=seconds(AS_OF)),
    transaction("t-jump", 5000, currency_code="TRY", date=seconds(AS_OF)),
    transaction("t-invalid", 5000, currency_code="BRL", date=seconds(AS_OF)),
)
GUARDED = {"t-early": "fx_missing", "t-euro": "fx_missing", "t-stale": "fx_stale", "t-jump": "fx_jump"}
GUARDED |= {"t-invalid": "fx_invalid", "t-dinar": "amount_out_of_range"}

OVERDUE, NOT_YET = seconds(AS_OF - timedelta(days=1)), seconds(AS_OF + timedelta(days=1))
# company: expected status and what decided; its documents
STATUSES: Mapping[str, tuple[str, str | None]] = {
    "s-unpaid": ("unpaid", "invoice s-unpaid-2 not_paid"),
    "s-stopped": ("unpaid", "invoice s-stopped-1 payment_due"),
    "s-overdue": ("past_due", "invoice s-overdue-1 posted"),
    "s-retrying": ("past_due", "invoice s-retrying-1 payment_due"),
    "s-due-now": ("none", None),
    "s-future": ("none", "subscription s-future-sub future"),
    "s-active": ("active", "subscription s-active-sub active"),
    "s-due-later": ("active", "subscription s-due-later-sub non_renewing"),
    "s-trial": ("trial", "subscription s-trial-sub in_trial"),
    "s-cancelled": ("cancelled", "subscription s-cancelled-sub cancelled"),
    "s-transferred": ("cancelled", "subscription s-transferred-sub transferred"),
    "s-deleted": ("cancelled", "subscription s-deleted-sub deleted"),
    "s-not-paid": ("unpaid", "invoice s-not-paid-1 not_paid"),
    "s-dunned": ("past_due", "invoice s-dunned-1 not_paid"),
    "s-paused": ("none", "subscription s-paused-sub paused"),
    "s-nothing": ("none", None),
}


def tell(ledger: Ledger) -> None:
    for document in TRANSACTIONS:
        ledger.event("payment_succeeded", transaction=dict(document))
    newest = transaction("t-twice", 700, resource_version=5)
    ledger.event("transaction_updated", LATER, transaction=newest)
    ledger.event(
        "transaction_created", LATER + timedelta(hours=1), transaction={**newest, "amount": 1, "resource_version": 4}
    )
    equal = transaction("t-equal", 100, resource_version=5)
    ledger.event("transaction_created", transaction=equal)
    ledger.event("transaction_updated", LATER, transaction={**equal, "amount": 200})
    _invoices(ledger)
    _discounts(ledger)


def _invoices(ledger: Ledger) -> None:
    ledger.companies += list(STATUSES)
    documents = (
        invoice("s-unpaid-1", "s-unpaid", "paid", paid_at=seconds(START)),
        invoice("s-unpaid-2", "s-unpaid", "not_paid", dunning_status="exhausted", due_date=OVERDUE),
        invoice("s-stopped-1", "s-stopped", "payment_due", dunning_status="stopped", due_date=NOT_YET),
        invoice("s-overdue-1", "s-overdue", "posted", due_date=OVERDUE),
        invoice("s-retrying-1", "s-retrying", "payment_due", dunning_status="in_progress", due_date=NOT_YET),
        invoice("s-due-now-1", "s-due-now", "posted", due_date=seconds(AS_OF)),
        invoice("s-due-1", "s-due-later", "posted", due_date=NOT_YET),
        invoice("s-active-1", "s-active", "voided", due_date=OVERDUE),
        invoice("s-not-paid-1", "s-not-paid", "not_paid"),
        invoice("s-dunned-1", "s-dunned", "not_paid", dunning_status="in_progress"),
        invoice("s-equal", "s-nobody", "payment_due", resource_version=9),
    )
    for document in documents:
        ledger.event("invoice_generated", invoice=document)
    ledger.event("invoice_generated", invoice=invoice("s-gone", "s-active", "not_paid", due_date=OVERDUE))
    ledger.event("invoice_deleted", LATER, invoice=invoice("s-gone", "s-active", "not_paid", due_date=OVERDUE))
    ledger.event("invoice_updated", LATER, invoice=invoice("s-equal", "s-nobody", "paid", resource_version=9))
    wrong = invoice("s-wrong", "s-nobody", "paid", amount_due=10)
    ledger.event("invoice_updated", invoice=wrong)
    kinds = {"s-unpaid": "active", "s-overdue": "active", "s-active": "active", "s-due-later": "non_renewing"}
    kinds |= {"s-trial": "in_trial", "s-cancelled": "cancelled", "s-paused": "paused"}
    kinds |= {"s-transferred": "transferred", "s-deleted": "active", "s-not-paid": "active", "s-dunned": "active"}
    for company, status in kinds.items():
        fields = {"status": status, "customer_id": company, "started_at": seconds(START), "next_billing_at": NOT_YET}
        ledger.changed(subscription(f"{company}-sub", plan(9000), **fields))
    ledger.changed(
        subscription("s-future-sub", plan(9000), status="future", customer_id="s-future", started_at=NOT_YET)
    )
    gone = subscription("s-deleted-sub", plan(9000), customer_id="s-deleted", started_at=seconds(START))
    ledger.changed(gone, LATER, "subscription_deleted")
    ledger.event("payment_succeeded", transaction=transaction("s-pay", 9000, customer_id="s-active"))


def _discounts(ledger: Ledger) -> None:
    ledger.coupons(
        coupon("d-10-percent", percent=10),
        coupon("d-15-off", amount=1500),
        coupon("d-limited", percent=50, duration="limited_period"),
        coupon("d-seats", percent=50, on=("seats-usd",)),
    )
    ends = {"months": (6, 1), "soon": (4, 20), "ended": (3, 20)}

    def limited(name: str) -> list[dict[str, Any]]:
        month, day = ends[name]
        return [{"coupon_id": "d-limited", "apply_till": seconds(datetime(2026, month, day, tzinfo=UTC))}]

    ledger.changed(subscription("d-largest", plan(9000), coupons=["d-10-percent", "d-15-off"]))
    ledger.changed(subscription("d-tie", plan(15000), addon("seats-usd", 3000), coupons=["d-seats", "d-15-off"]))
    ledger.changed(subscription("d-months", plan(9000), coupons=limited("months")))
    ledger.changed(
        subscription("d-weeks", plan(900), coupons=limited("months"), billing_period=2, billing_period_unit="week")
    )
    ledger.changed(subscription("d-years", plan(900), coupons=limited("months"), billing_period_unit="year"))
    ledger.changed(subscription("d-soon", plan(9000), coupons=limited("soon")))
    ledger.changed(subscription("d-ended", plan(9000), coupons=limited("ended")))
    ledger.changed(subscription("d-backwards", plan(9000), coupons=[{"coupon_id": "d-limited", "apply_till": 1}]))
    ledger.changed(subscription("d-none", plan(9000)))


@pytest.fixture(scope="module")
def payments(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    found = rows(warehouse, "select * from payments.transaction_payments where transaction_id like 't-%'")
    return {row["transaction_id"]: row for row in found}


def test_only_successful_payments_and_refunds_are_kept(payments: dict[str, dict[str, Any]]) -> None:
    assert set(payments) == {"t-paid", "t-refund", "t-yen", "t-rupiah", "t-twice", "t-equal", *GUARDED}
    assert {name: row["kind"] for name, row in payments.items() if row["kind"] != "payment"} == {"t-refund": "refund"}
    assert all(row["amount"] > 0 for row in payments.values())


def test_amounts_that_are_not_above_zero_are_refused_with_the_reason(warehouse: Warehouse) -> None:
    found = rows(warehouse, "select transaction_id, amount, reason from payments.rejected_transaction order by 1")
    assert [tuple(row.values()) for row in found] == [
        ("t-negative", -1, "bad_amount"),
        ("t-no-number", None, "bad_amount"),
        ("t-nothing", 0, "bad_amount"),
        ("t-too-large", 10**12, "bad_amount"),
        ("t-too-small", Decimal("0.00004"), "bad_amount"),
    ]


def test_a_transaction_is_worth_what_its_day_says(payments: dict[str, dict[str, Any]]) -> None:
    paid, yen = payments["t-paid"], payments["t-yen"]
    assert (paid["amount_usd"], paid["exchange_rate"], paid["rate_date"], paid["rate_source"]) == (90, 1, None, "usd")
    assert (yen["amount"], yen["amount_usd"], yen["exchange_rate"]) == (5000, Decimal("33.50"), Decimal("0.0067"))
    assert (yen["rate_date"], yen["rate_source"]) == (AS_OF.date(), "product.exchange_rate")


def test_a_transaction_whose_rate_is_refused_has_no_dollars_and_says_why(payments: dict[str, dict[str, Any]]) -> None:
    for name, reason in GUARDED.items():
        row = payments[name]
        priced = (row["amount_usd"], row["exchange_rate"], row["rate_date"], row["rate_source"])
        assert (priced, row["refused"]) == ((None, None, None, None), reason), name


def test_the_greater_version_of_a_transaction_wins(payments: dict[str, dict[str, Any]]) -> None:
    assert payments["t-twice"]["amount"] == 7


def test_of_copies_with_one_version_the_first_stays(warehouse: Warehouse, payments: dict[str, dict[str, Any]]) -> None:
    assert payments["t-equal"]["amount"] == 1
    found = rows(warehouse, "select status from payments.chargebee_invoices where invoice_id = 's-equal'")
    assert found == [{"status": "payment_due"}]
    marked = rows(warehouse, "select resource_id, event_type from payments.resource_copy where stale order by 1, 2")
    assert {"resource_id": "t-equal", "event_type": "transaction_updated"} in marked
    assert {"resource_id": "s-equal", "event_type": "invoice_updated"} in marked


def test_amounts_of_small_currencies_are_taken(payments: dict[str, dict[str, Any]]) -> None:
    assert (payments["t-rupiah"]["amount"], payments["t-rupiah"]["amount_usd"]) == (10**9, 61000)


def test_payment_status_is_the_first_rule_that_applies(warehouse: Warehouse) -> None:
    found = {
        row["company_id"]: (row["status"], row["context"])
        for row in rows(warehouse, "select * from payments.company_payments_status where company_id like 's-%'")
    }
    found.pop("s-nobody", None)
    assert found == STATUSES


def test_the_status_says_since_when_last_paid_and_next_billed(warehouse: Warehouse) -> None:
    row = rows(warehouse, "select * from payments.company_payments_status where company_id = 's-active'")[0]
    start = START.replace(microsecond=0)
    assert (row["since"], row["last_payment_at"], seconds(row["next_billing_at"])) == (start, start, NOT_YET)


@pytest.mark.parametrize(
    ("company", "since"),
    [("s-overdue", OVERDUE), ("s-unpaid", OVERDUE)]
    + [(company, seconds(START)) for company in ("s-stopped", "s-retrying", "s-dunned", "s-future")],
)
def test_a_status_began_when_it_was_known_not_when_something_falls_due(
    warehouse: Warehouse, company: str, since: int
) -> None:
    sql = f"select since from payments.company_payments_status where company_id = '{company}'"
    assert seconds(rows(warehouse, sql)[0]["since"]) == since


def test_invoices_are_the_newest_copies_and_disagreeing_ones_are_reported(built: Built) -> None:
    warehouse, outcomes = built
    ids = [row["invoice_id"] for row in rows(warehouse, "select invoice_id from payments.chargebee_invoices")]
    assert "s-gone" not in ids
    assert {"s-wrong", "s-unpaid-2"} <= set(ids)
    checks = {found.check.name: found.violations for found in outcomes["chargebee_invoices"].checks}
    assert checks["paid_owes_nothing"] == 1


def test_current_discount(warehouse: Warehouse) -> None:
    columns = "coupon_id, discount_type, discount_value, duration_type, status, terms_left"
    sql = f"select company_id, {columns} from payments.company_current_discount where company_id like 'd-%'"
    found = {row.pop("company_id").removesuffix("-co"): tuple(row.values()) for row in rows(warehouse, sql)}
    limited = ("d-limited", "percentage", 50, "limited_period")
    assert found == {
        "d-largest": ("d-15-off", "fixed_amount", 15, "forever", "active", None),
        "d-tie": ("d-15-off", "fixed_amount", 15, "forever", "active", None),
        "d-months": (*limited, "active", 2),
        "d-weeks": (*limited, "active", 4),
        "d-years": (*limited, "expiring", 0),
        "d-soon": (*limited, "expiring", 0),
        "d-ended": (*limited, "expired", 0),
        "d-backwards": (None, None, None, None, "none", None),
        "d-none": (None, None, None, None, "none", None),
    }


def test_a_discount_that_ends_before_it_starts_is_refused(built: Built) -> None:
    warehouse, outcomes = built
    found = rows(warehouse, "select subscription_id, refused from payments.company_discount where refused is not null")
    assert found == [{"subscription_id": "d-backwards", "refused": "ends_before_start"}]
    checks = {found.check.name: found.violations for found in outcomes["company_discount"].checks}
    assert checks["terms_agree"] == 1
