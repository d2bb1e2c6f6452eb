"""How large amounts may be, on both engines: what is larger says so and stops nothing else."""

import json
from decimal import Decimal

import pytest

from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.integration.payments.ledger import (
    AS_OF,
    Document,
    Ledger,
    addon,
    coupon,
    plan,
    rows,
    subscription,
)

# what: the subscription, its MRR and flags
LIMITS: dict[str, tuple[Document, str, list[str]]] = {
    "a billion rupiah a year": (
        subscription("big-1", plan(10**11), currency_code="IDR", billing_period_unit="year"), "83333333.33", [],
    ),
    "a hundred million rupiah off": (
        subscription("big-2", plan(2 * 10**10), currency_code="IDR", coupons=["l-rupiah"]), "100000000", [],
    ),
    "a billion dollars a month": (
        subscription("big-3", plan(None, amount=10**11)), "1000000000", ["amount_out_of_range"],
    ),
    "less than a billion dollars a month": (subscription("big-4", plan(None, amount=10**11 - 1)), "999999999.99", []),
    "the largest line in dollars": (
        subscription("big-5", plan(None, amount=10**13 - 1)), "99999999999.99", ["amount_out_of_range"],
    ),
    "more than a billion dollars in another currency": (
        subscription("big-6", plan(None, amount=10**11), currency_code="EUR"), "1000000000", ["amount_out_of_range"],
    ),
    "the largest line": (
        subscription("big-7", plan(None, amount=10**13 - 1), currency_code="IDR"), "99999999999.99", [],
    ),
    "the largest amount over the longest period": (
        subscription(
            "big-8", plan(None, amount=10**14 - 1), currency_code="IDR", billing_period=1000, billing_period_unit="year"
        ),
        "83333333.33", [],
    ),
    "more off than can be held": (
        subscription("big-9", plan(9000), coupons=["l-beyond"]), "90", ["coupon:l-beyond:bad_amount"],
    ),
    "a price and a quantity too large together": (
        subscription("big-10", plan(9000), addon("ops-usd", 10**12, 10**4), currency_code="IDR"),
        "90", ["amount_out_of_range"],
    ),
}  # fmt: skip
NO_DOLLARS = (
    "a billion dollars a month",
    "the largest line in dollars",
    "more than a billion dollars in another currency",
)


def tell(ledger: Ledger) -> None:
    ledger.coupons(coupon("l-rupiah", amount=10**10), coupon("l-beyond", amount=10**12))
    ledger.rate("IDR", AS_OF.date(), "0.000061")
    for document, *_ in LIMITS.values():
        ledger.changed(document)


@pytest.mark.parametrize("limit", LIMITS)
def test_limit(warehouse: Warehouse, limit: str) -> None:
    document, mrr, flags = LIMITS[limit]
    sql = (
        f"select mrr, mrr_usd, arr_usd, flags from payments.subscription_mrr where subscription_id = '{document['id']}'"
    )
    (row,) = rows(warehouse, sql)
    assert (row["mrr"], json.loads(row["flags"])) == (Decimal(mrr), flags)
    assert (row["mrr_usd"] is None) == (row["arr_usd"] is None) == (limit in NO_DOLLARS)
