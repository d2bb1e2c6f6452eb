"""MRR in fractions: the rules once more in plain Python, with no SQL and no rounding before the end."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

MONTHS = {"year": Fraction(12), "month": Fraction(1), "week": Fraction(12, 52), "day": Fraction(12, 365)}
DIGITS = {"JPY": 0, "KWD": 3}


def months(document: Mapping[str, Any], owner: Mapping[str, Any]) -> Fraction:
    period = document.get("billing_period") or owner.get("billing_period") or 1
    return period * MONTHS[document.get("billing_period_unit") or owner.get("billing_period_unit") or "month"]


def mrr(document: Mapping[str, Any], catalogue: Mapping[str, Mapping[str, Any]]) -> dict[str, Fraction]:
    """Base, addons, MRR and sales effective MRR of a counting subscription whose lines and coupons are sound."""
    unit = 10 ** DIGITS.get(document["currency_code"], 2)
    lines = document["subscription_items"]
    worth = [Fraction(line["unit_price"] * line["quantity"], unit) / months(line, document) for line in lines]
    kinds = [line["item_type"] for line in lines]
    coupons = [catalogue[entry["coupon_id"]] for entry in document["coupons"]]
    left = [_line(line, value, coupons, document, unit) for line, value in zip(lines, worth, strict=True)]
    invoice = sum(left, Fraction())
    plan_months = next((months(line, document) for line in lines if line["item_type"] == "plan"), Fraction(1))
    on_invoice = [found for found in coupons if found["apply_on"] == "invoice_amount"]
    for found in on_invoice:
        if found["discount_type"] == "fixed_amount":
            invoice = max(Fraction(), invoice - Fraction(found["discount_amount"], unit) / plan_months)
    invoice *= _share(on_invoice)
    term, free = document.get("cf_contract_months") or 12, document.get("cf_free_months") or 0
    return {
        "base": sum((w for w, kind in zip(worth, kinds, strict=True) if kind == "plan"), Fraction()),
        "addons": sum((w for w, kind in zip(worth, kinds, strict=True) if kind == "addon"), Fraction()),
        "mrr": invoice,
        "sales_effective": invoice * (term - min(free, term)) / term,
    }


def _line(
    line: Mapping[str, Any],
    worth: Fraction,
    coupons: Sequence[Mapping[str, Any]],
    document: Mapping[str, Any],
    unit: int,
) -> Fraction:
    mine = [found for found in coupons if found["apply_on"] == "each_specified_item" and _targets(found, line)]
    for found in mine:
        if found["discount_type"] == "fixed_amount":
            worth = max(Fraction(), worth - Fraction(found["discount_amount"], unit) / months(line, document))
    return worth * _share(mine)


def _targets(found: Mapping[str, Any], line: Mapping[str, Any]) -> bool:
    constraints = found.get("item_constraints") or []
    return not constraints or any(
        c["item_type"] == line["item_type"] and line["item_price_id"] in c["item_price_ids"] for c in constraints
    )


def _share(coupons: Sequence[Mapping[str, Any]]) -> Fraction:
    share = Fraction(1)
    for found in coupons:
        if found["discount_type"] == "percentage":
            share *= 1 - Fraction(str(found["discount_percentage"])) / 100
    return share


def cents(value: Fraction) -> Decimal:
    """Half-up to two places, from the exact value."""
    whole = (value * 100 * 2 + 1) // 2
    return (Decimal(int(whole)) / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
