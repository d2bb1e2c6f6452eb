"""The 22 sales metrics by name: how the measures of their records become a value, and how people read it.

The one list of them. What a single record adds to a metric is a column of `sql/metrics/{contact,deal,call}_metric.sql`;
the models and `answer.py` get the rest, the rules of division, from `rules_document`.
"""

import json
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from hubspot_platform.errors import UsageError


class Kind(StrEnum):
    """What becomes of the measures: their sum, their mean, or the share of yes among yes and no."""

    TOTAL = "total"
    MEAN = "mean"
    RATE = "rate"


class Unit(StrEnum):
    """The unit of a value; amounts are in the portal's currency."""

    AMOUNT = "amount"
    COUNT = "count"
    PERCENT = "percent"
    MONTHS = "months"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"


# A share is up to half of its tenth place off, so 1,000 of them move a sum by half of the seventh at most. The sum of
# more, when it is exactly half a cent, may be shown a cent short: 1,503 times 100.01 ÷ 6 as 25,052.50. Fewer places
# would not do: sums truly below half a cent come as near to it as 0.0000002.
_SETTLED = Decimal("0.0000001")


@dataclass(frozen=True)
class Metric:
    """One metric. `parts` is how many units of the measure make one of the value; `lower_is_better` is for rates."""

    number: int
    name: str
    kind: Kind
    unit: Unit
    formula: str
    period: str
    parts: int = 1
    has_median: bool = False
    lower_is_better: bool = False

    @property
    def times(self) -> int:
        """What the value is multiplied by: rates are percentages."""
        return 100 if self.kind is Kind.RATE else 1

    def rounded(self, value: Decimal) -> Decimal:
        """Return the value as it is shown: half up, 2 places for amounts, none for counts of records, else 4."""
        whole = self.kind is Kind.TOTAL and self.unit is Unit.COUNT
        places = 0 if whole else 2 if self.unit is Unit.AMOUNT else 4
        if self.unit is Unit.AMOUNT:
            # Shares of instalments are kept to 10 places: three times 100 ÷ 3 is 100, not a cent less.
            value = value.quantize(_SETTLED, ROUND_HALF_UP)
        return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


_CREATED, _CLOSED, _DEAL, _CALL = "contact createdate", "deal closedate", "deal createdate", "call timestamp"
_TOTAL, _MEAN, _RATE = Kind.TOTAL, Kind.MEAN, Kind.RATE

METRICS: tuple[Metric, ...] = (
    Metric(1, "total_sales", _TOTAL, Unit.AMOUNT, "sum of the amounts of won deals, 0 for a missing one", _CLOSED),
    Metric(2, "average_deal_size", _MEAN, Unit.AMOUNT, "mean amount of won deals with an amount", _CLOSED),
    Metric(3, "deals_won", _TOTAL, Unit.COUNT, "won deals", _CLOSED),
    Metric(4, "contact_to_customer_rate", _RATE, Unit.PERCENT, "contacts on any won deal ÷ contacts created", _CREATED),
    Metric(5, "contacts_created", _TOTAL, Unit.COUNT, "contacts created", _CREATED),
    Metric(6, "calls_total", _TOTAL, Unit.COUNT, "calls, whatever their direction, outcome and contact", _CALL),
    Metric(7, "average_call_minutes", _MEAN, Unit.MINUTES, "mean duration of calls longer than 0", _CALL, parts=60_000),
    Metric(8, "total_call_hours", _TOTAL, Unit.HOURS, "sum of durations", _CALL, parts=3_600_000),
    Metric(9, "pickup_rate", _RATE, Unit.PERCENT, "connected calls of 4 minutes or more ÷ all calls", _CALL),
    Metric(10, "five_minute_reached_rate", _RATE, Unit.PERCENT, "calls of 5 minutes or more ÷ all calls", _CALL),
    Metric(11, "qualified_rate", _RATE, Unit.PERCENT, "qualified yes ÷ (yes + no)", _DEAL),
    Metric(12, "trial_rate", _RATE, Unit.PERCENT, "trial yes ÷ (yes + no)", _DEAL),
    Metric(
        13,
        "cancellation_rate",
        _RATE,
        Unit.PERCENT,
        "won deals cancelled, canceled, churned or refunded ÷ won deals with a payment status",
        _CLOSED,
        lower_is_better=True,
    ),
    Metric(
        14,
        "upfront_cash",
        _TOTAL,
        Unit.AMOUNT,
        "sum of amount ÷ instalments of won deals (missing or below 1: 1), or of the recorded cash",
        _CLOSED,
    ),
    Metric(15, "average_installments", _MEAN, Unit.MONTHS, "mean instalments of won deals with 1 or more", _CLOSED),
    Metric(
        16, "followup_rate", _RATE, Unit.PERCENT, "contacts with 2 calls or more ÷ contacts with 1 or more", _CREATED
    ),
    Metric(17, "average_followups", _MEAN, Unit.COUNT, "mean of calls − 1 of contacts with a call", _CREATED),
    Metric(
        18,
        "time_to_first_contact_hours",
        _MEAN,
        Unit.HOURS,
        "mean time from creation to the first call after it",
        _CREATED,
        parts=3_600,
        has_median=True,
    ),
    Metric(19, "offer_given_rate", _RATE, Unit.PERCENT, "offer given yes ÷ (yes + no)", _DEAL),
    Metric(20, "offer_close_rate", _RATE, Unit.PERCENT, "won deals with an offer ÷ deals with an offer", _DEAL),
    Metric(
        21,
        "time_to_sale_days",
        _MEAN,
        Unit.DAYS,
        "mean time from creation to close of won deals, negative ones left out",
        _CLOSED,
        parts=86_400,
        has_median=True,
    ),
    Metric(
        22,
        "call_to_close_rate",
        _RATE,
        Unit.PERCENT,
        "contacts called with a won deal closed at or after their first call in the period ÷ contacts called",
        _CALL,
    ),
)

_BY_NAME = {metric.name: metric for metric in METRICS}


class UnknownMetricError(UsageError):
    """A metric, or what to split it by, that does not exist."""


def named(names: tuple[str, ...]) -> tuple[Metric, ...]:
    """Return the metrics of these names in the order of the list, all of them without names.

    Raises UnknownMetricError.
    """
    for name in names:
        if name not in _BY_NAME:
            raise UnknownMetricError(f"there is no metric {name!r}", mend=f"use one of {', '.join(_BY_NAME)}")
    return tuple(metric for metric in METRICS if not names or metric.name in names)


def rules_document() -> str:
    """Return how measures become values as the JSON array that SQL reads: metric, kind, unit, times, parts, has_median.

    value = sum of measures · times ÷ (number of records · parts), where a total has no number of records.
    """
    rules = [
        {
            "metric": metric.name,
            "kind": metric.kind,
            "unit": metric.unit,
            "times": str(metric.times),
            "parts": str(metric.parts),
            "has_median": "yes" if metric.has_median else "no",
        }
        for metric in METRICS
    ]
    return json.dumps(rules, separators=(",", ":"))
