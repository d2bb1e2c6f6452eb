"""What the sandbox's billing sells: plans with every billing period, addons, coupons of every kind, currencies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from hubspot_platform.sandbox.product.staff import RATES

MINOR_DIGITS: Mapping[str, int] = {"JPY": 0, "KWD": 3}
CURRENCY_OF: Mapping[str, str] = {
    "United Kingdom": "GBP",
    "Germany": "EUR",
    "France": "EUR",
    "Netherlands": "EUR",
    "Sweden": "EUR",
    "Canada": "CAD",
    "Australia": "AUD",
    "India": "INR",
}
RARE_CURRENCIES = ("JPY", "KWD", "TRY", "SEK")


@dataclass(frozen=True)
class Period:
    """How often a subscription is billed; `days` is its length on the calendar of the simulation."""

    count: int
    unit: str
    days: int
    months: Fraction


PERIODS: Sequence[tuple[int, Period]] = (
    (60, Period(1, "month", 30, Fraction(1))),
    (8, Period(3, "month", 91, Fraction(3))),
    (20, Period(1, "year", 365, Fraction(12))),
    (4, Period(2, "year", 730, Fraction(24))),
    (5, Period(2, "week", 14, Fraction(24, 52))),
    (3, Period(30, "day", 30, Fraction(360, 365))),
)
MONTHLY_USD: Mapping[str, int] = {"sbp": 29, "standard": 99, "enterprise": 540}
ADDONS: Sequence[tuple[str, int]] = (("seats", 4), ("ops-hub", 30), ("hr-hub", 35), ("comms-hub", 25))


def minor(usd: float, currency: str) -> int:
    """Return an amount of US dollars in whole minor units of a currency."""
    return round(usd / RATES.get(currency, 1.0) * float(10 ** MINOR_DIGITS.get(currency, 2)))


def item(kind: str, name: str, period: Period, monthly_usd: float, currency: str, quantity: int) -> dict[str, Any]:
    """Return a line of a subscription."""
    return {
        "item_price_id": f"{name}-{currency}-{period.count}{period.unit}",
        "item_type": kind,
        "quantity": quantity,
        "unit_price": minor(monthly_usd * float(period.months), currency),
        "object": "subscription_item",
    }


def tiered(line: dict[str, Any]) -> dict[str, Any]:
    """Return the line with a price by tiers: Chargebee then sends the amount of the whole line."""
    return {**line, "amount": line["unit_price"] * line["quantity"] * 9 // 10}


def line_total(line: Mapping[str, Any]) -> int:
    """Return what a line costs a period, in minor units; what is metered is not known ahead."""
    if "metered_quantity" in line:
        return 0
    if "amount" in line:
        return int(line["amount"])
    return int(line["unit_price"]) * max(int(line["quantity"]) - int(line.get("free_quantity", 0)), 0)


def monthly(lines: Sequence[Mapping[str, Any]], period: Period) -> int:
    """Return the recurring revenue a month of lines without coupons, in minor units, rounded half up."""
    total = sum(line_total(line) for line in lines if line["item_type"] != "charge")
    return int(total / period.months + Fraction(1, 2))


@dataclass(frozen=True)
class Coupon:
    """A coupon of the catalogue; `months` is how long it holds on a subscription, None without an end."""

    id: str
    values: Mapping[str, Any]
    months: int | None = None
    constraints: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    def resource(self, ms: int) -> dict[str, Any]:
        """Return the coupon as Chargebee describes it."""
        return {
            "id": self.id,
            "name": self.id.replace("-", " ").capitalize(),
            "status": "active",
            "apply_on": "invoice_amount",
            "duration_type": "forever",
            "included_in_mrr": False,
            "item_constraints": list(self.constraints),
            "created_at": ms // 1000,
            "resource_version": ms,
            "object": "coupon",
            **self.values,
        }


def _on(kind: str, constraint: str, *prices: str) -> dict[str, Any]:
    return {"item_type": kind, "constraint": constraint, "item_price_ids": list(prices)}


_PERCENTAGE, _FIXED = {"discount_type": "percentage"}, {"discount_type": "fixed_amount", "currency_code": "USD"}
_ITEMS = {"apply_on": "each_specified_item"}

COUPONS: Sequence[Coupon] = (
    Coupon("forever-10", {**_PERCENTAGE, "discount_percentage": 10}),
    Coupon("ten-dollars-off", {**_FIXED, "discount_amount": 1_000}),
    Coupon(
        "launch-20",
        {**_PERCENTAGE, "discount_percentage": 20, "duration_type": "limited_period", "period": 6},
        months=6,
    ),
    Coupon("welcome-30", {**_PERCENTAGE, "discount_percentage": 30, "duration_type": "one_time"}),
    Coupon(
        "addons-half",
        {**_PERCENTAGE, **_ITEMS, "discount_percentage": 50},
        constraints=(_on("addon", "all"), _on("plan", "none")),
    ),
    Coupon(
        "plan-five-off",
        {**_FIXED, **_ITEMS, "discount_amount": 500},
        constraints=(_on("plan", "all"), _on("addon", "none")),
    ),
    Coupon(
        "seats-deal",
        {**_PERCENTAGE, **_ITEMS, "discount_percentage": 25},
        constraints=(_on("addon", "specific", "seats-USD-1month", "seats-EUR-1month"),),
    ),
    Coupon(
        "counted-once",
        {**_PERCENTAGE, "discount_percentage": 5, "duration_type": "one_time", "included_in_mrr": True},
    ),
    Coupon("euro-only", {**_FIXED, "discount_amount": 900, "currency_code": "EUR"}),
    Coupon("too-much", {**_PERCENTAGE, "discount_percentage": 130}),
    Coupon("one-more-seat", {"discount_type": "offer_quantity", "discount_quantity": 1, **_ITEMS}),
)
REFUSED = frozenset({"euro-only", "too-much", "one-more-seat"})
"""Coupons that MRR refuses on the subscription that shows them."""
