"""Credit of channels: the published examples, and what must hold for any paths."""

import itertools
from collections import Counter
from fractions import Fraction
from math import factorial

from hypothesis import given
from hypothesis import strategies as st

from hubspot_platform.attribution.credit import markov_credit, shapley_credit, transitions_of

Path = tuple[tuple[str, ...], int, int]
EXAMPLE: list[Path] = [(("A", "B"), 100, 30), (("B",), 100, 20), (("A",), 100, 10)]

paths = st.lists(
    st.tuples(
        st.lists(st.sampled_from("ABCD"), min_size=1, max_size=5).map(tuple), st.integers(1, 50), st.integers(0, 50)
    ).map(lambda path: (path[0], max(path[1], path[2]), path[2])),
    min_size=1,
    max_size=8,
)


def sets_of(found: list[Path]) -> Counter[frozenset[str]]:
    worth: Counter[frozenset[str]] = Counter()
    for channels, _, paid in found:
        worth[frozenset(channels)] += paid
    return worth


def test_the_example_of_three_paths() -> None:
    markov = markov_credit(transitions_of(EXAMPLE), 60)

    assert {channel: round(float(credit), 3) for channel, credit in markov.items()} == {"A": 24.706, "B": 35.294}
    assert shapley_credit(sets_of(EXAMPLE)) == {"A": 25, "B": 35}


def test_without_conversions_nobody_gets_credit() -> None:
    assert markov_credit(transitions_of([(("A",), 5, 0)]), 0) == {"A": 0}


@given(paths)
def test_all_conversions_are_shared_out(found: list[Path]) -> None:
    paid = sum(path[2] for path in found)

    assert sum(shapley_credit(sets_of(found)).values()) == paid
    credit = markov_credit(transitions_of(found), paid)
    assert sum(credit.values()) == paid
    assert all(value >= 0 for value in credit.values())


@given(paths)
def test_neither_order_nor_grouping_of_paths_matters(found: list[Path]) -> None:
    paid = sum(path[2] for path in found)
    doubled = [(channels, companies * 3, conversions * 3) for channels, companies, conversions in reversed(found)]

    assert markov_credit(transitions_of(doubled), paid) == markov_credit(transitions_of(found), paid)


@given(paths)
def test_shapley_is_the_mean_over_all_orders_of_arrival(found: list[Path]) -> None:
    worth = sets_of(found)
    channels = sorted({channel for touched in worth for channel in touched})
    n = len(channels)

    def value(members: frozenset[str]) -> int:
        return sum(count for touched, count in worth.items() if touched <= members)

    def share(channel: str) -> Fraction:
        total = Fraction(0)
        for size in range(n):
            weight = Fraction(factorial(size) * factorial(n - size - 1), factorial(n))
            for others in itertools.combinations([other for other in channels if other != channel], size):
                total += weight * (value(frozenset(others) | {channel}) - value(frozenset(others)))
        return total

    assert shapley_credit(worth) == {channel: share(channel) for channel in channels}
