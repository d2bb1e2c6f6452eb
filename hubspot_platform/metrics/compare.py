"""Which variant of an A/B split did better, if that can be said at all. Pure; called by `answer.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

UNKNOWN = "unknown"
FEWEST = 30
"""No winner is named while a variant's denominator is smaller."""


@dataclass(frozen=True)
class Rate:
    """The rate of one variant in percent, over `denominator` records, with its 95 % Wilson interval."""

    variant: str
    value: Decimal
    denominator: int
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class Comparison:
    """The verdict on one rate; without a `winner`, `reason` says why there is none."""

    metric: str
    winner: str | None
    reason: str


def compare(metric: str, rates: Sequence[Rate], *, lower_is_better: bool) -> Comparison:
    """Name the variant whose interval lies beyond those of all others; `unknown` is no variant to choose."""
    known = [rate for rate in rates if rate.variant != UNKNOWN]
    if len(known) < 2:
        return Comparison(metric, None, "there are not two known variants")
    small = [rate for rate in known if rate.denominator < FEWEST]
    if small:
        fewest = min(small, key=lambda rate: (rate.denominator, rate.variant))
        return Comparison(metric, None, f"{fewest.variant} has {fewest.denominator} records, fewer than {FEWEST}")
    best = (min if lower_is_better else max)(known, key=lambda rate: rate.value)
    others = [rate for rate in known if rate is not best]
    apart = all(best.high < other.low if lower_is_better else best.low > other.high for other in others)
    if not apart:
        return Comparison(metric, None, "the 95 % intervals overlap")
    return Comparison(metric, best.variant, "its 95 % interval lies beyond the others")
