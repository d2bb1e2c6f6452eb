"""Credit of channels by the removal effect of a Markov chain and by Shapley value: exact fractions, no rounding.

Pure functions over counts; `assets/attribution.py` reads the counts and writes the table. Paths are summed up before
they come here: a transition and how often it happened, a set of channels and how often its companies paid.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

START, CONVERSION, NOTHING = "(start)", "(conversion)", "(null)"

Transitions = Mapping[tuple[str, str], int]
ChannelSets = Mapping[frozenset[str], int]


def markov_credit(transitions: Transitions, conversions: int) -> dict[str, Fraction]:
    """Share `conversions` among the channels in proportion to what removing each of them would cost.

    `transitions` counts the steps of all paths from START over channels to CONVERSION or NOTHING, whether they
    converted or not. Without any conversion every channel gets 0.
    """
    channels = _channels(transitions)
    whole = _conversion_probability(transitions, channels, removed=None)
    if not whole or not conversions:
        return dict.fromkeys(channels, Fraction(0))
    effect = {c: 1 - _conversion_probability(transitions, channels, removed=c) / whole for c in channels}
    total = sum(effect.values())
    return {c: Fraction(conversions) * effect[c] / total for c in channels}


def _channels(transitions: Transitions) -> list[str]:
    return sorted({state for step in transitions for state in step} - {START, CONVERSION, NOTHING})


def _conversion_probability(transitions: Transitions, channels: Sequence[str], *, removed: str | None) -> Fraction:
    """Solve p(state) = sum of share × p(next) for START by elimination; a removed channel never converts."""
    states = [START, *(channel for channel in channels if channel != removed)]
    place = {state: number for number, state in enumerate(states)}
    leaving = dict.fromkeys(states, 0)
    for (source, _), count in transitions.items():
        if source in leaving:
            leaving[source] += count
    rows = [[Fraction(int(i == j)) for j in range(len(states))] + [Fraction(0)] for i in range(len(states))]
    for (source, target), count in transitions.items():
        if source not in place:
            continue
        share = Fraction(count, leaving[source])
        if target == CONVERSION:
            rows[place[source]][-1] += share
        elif target in place:
            rows[place[source]][place[target]] -= share
    return _first_unknown(rows)


def _first_unknown(rows: list[list[Fraction]]) -> Fraction:
    """Eliminate from the last unknown to the first and return the first; the chain always ends, so no pivot is 0."""
    for pivot in range(len(rows) - 1, 0, -1):
        for row in rows[:pivot]:
            factor = row[pivot] / rows[pivot][pivot]
            if factor:
                row[:] = [value - factor * other for value, other in zip(row, rows[pivot], strict=True)]
    return rows[0][-1] / rows[0][0]


def shapley_credit(worth: ChannelSets) -> dict[str, Fraction]:
    """Share the conversions among the channels by Shapley value.

    `worth` counts the conversions of the paths that touch exactly a set of channels. The worth of a coalition is the
    sum over the sets inside it, and the Shapley value of such a sum gives each member of a set the same part of it,
    which is exact for any number of channels.
    """
    shares: dict[str, Fraction] = {}
    for touched, count in sorted(worth.items(), key=lambda entry: sorted(entry[0])):
        for channel in touched:
            shares[channel] = shares.get(channel, Fraction(0)) + Fraction(count, len(touched))
    return shares


def transitions_of(paths: Iterable[tuple[Sequence[str], int, int]]) -> dict[tuple[str, str], int]:
    """Count the steps of paths given as (channels in order, companies, companies that paid)."""
    counts: dict[tuple[str, str], int] = {}

    def add(source: str, target: str, times: int) -> None:
        if times:
            counts[source, target] = counts.get((source, target), 0) + times

    for channels, companies, paid in paths:
        for source, target in itertools.pairwise([START, *channels]):
            add(source, target, companies)
        add(channels[-1], CONVERSION, paid)
        add(channels[-1], NOTHING, companies - paid)
    return counts
