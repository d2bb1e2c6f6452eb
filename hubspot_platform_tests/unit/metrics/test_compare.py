"""When an A/B split names a winner, and what it says when it names none."""

from decimal import Decimal

from hubspot_platform.metrics.compare import Rate, compare


def rate(variant: str, value: int, low: int, high: int, denominator: int = 100) -> Rate:
    return Rate(variant, Decimal(value), denominator, Decimal(low), Decimal(high))


def winner(*rates: Rate, lower_is_better: bool = False) -> tuple[str | None, str]:
    verdict = compare("pickup_rate", rates, lower_is_better=lower_is_better)
    assert verdict.metric == "pickup_rate"
    return verdict.winner, verdict.reason


def test_the_variant_whose_interval_lies_beyond_the_others_wins() -> None:
    assert winner(rate("A", 60, 50, 69), rate("B", 30, 22, 40))[0] == "A"
    assert winner(rate("A", 60, 50, 69), rate("B", 30, 22, 40), rate("C", 90, 83, 94))[0] == "C"


def test_where_lower_is_better_the_lower_one_wins() -> None:
    assert winner(rate("A", 60, 50, 69), rate("B", 30, 22, 40), lower_is_better=True)[0] == "B"


def test_no_winner_is_named_below_30_in_either_denominator() -> None:
    assert winner(rate("A", 90, 74, 97, 29), rate("B", 10, 5, 17)) == (None, "A has 29 records, fewer than 30")
    assert winner(rate("A", 90, 83, 94), rate("B", 10, 3, 26, 29)) == (None, "B has 29 records, fewer than 30")
    assert winner(rate("A", 90, 74, 97, 30), rate("B", 10, 3, 26, 30))[0] == "A"


def test_overlapping_intervals_have_no_winner() -> None:
    assert winner(rate("A", 60, 50, 69), rate("B", 55, 45, 64)) == (None, "the 95 % intervals overlap")
    assert winner(rate("A", 60, 50, 69), rate("B", 41, 32, 50)) == (None, "the 95 % intervals overlap")


def test_unknown_is_no_variant_to_choose() -> None:
    alone = (None, "there are not two known variants")
    assert winner(rate("unknown", 90, 83, 94), rate("B", 10, 5, 17)) == alone
    assert winner() == alone
    assert winner(rate("A", 60, 50, 69), rate("B", 30, 22, 40), rate("unknown", 100, 96, 100, 5))[0] == "A"
