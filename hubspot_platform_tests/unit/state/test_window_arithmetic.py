"""Windows merge, leave gaps and refuse nonsense, for any set of them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_platform.state.windows import Window, gaps, merge_windows

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def at(hour: int) -> datetime:
    return DAY + timedelta(hours=hour)


def span(start: int | None, end: int) -> Window:
    return Window(None if start is None else at(start), at(end))


def covered(windows: list[Window], hour: int) -> bool:
    return any((w.start is None or w.start <= at(hour)) and at(hour) < w.end for w in windows)


any_windows = st.lists(
    st.builds(
        lambda start, length: span(start, (start or 0) + length),
        st.one_of(st.none(), st.integers(0, 30)),
        st.integers(1, 6),
    ),
    max_size=12,
)


def test_windows_that_touch_or_overlap_become_one() -> None:
    assert merge_windows([span(2, 3), span(None, 1), span(1, 2), span(6, 8), span(7, 9)]) == [
        span(None, 3),
        span(6, 9),
    ]


@given(any_windows)
def test_merging_keeps_every_instant_and_leaves_no_touching_windows(windows: list[Window]) -> None:
    merged = merge_windows(windows)
    assert [covered(merged, h) for h in range(-2, 40)] == [covered(windows, h) for h in range(-2, 40)]
    assert all(a.end < b.start for a, b in pairwise(merged) if b.start is not None)


@given(any_windows, st.integers(-1, 40))
def test_gaps_are_exactly_what_is_missing_before_a_time(windows: list[Window], until: int) -> None:
    missing = gaps(windows, at(until))
    for hour in range(-2, 42):
        assert covered(missing, hour) == (hour < until and not covered(windows, hour))


def test_without_any_window_the_gap_is_everything() -> None:
    assert gaps([], at(5)) == [span(None, 5)]


def test_nothing_is_missing_before_the_watermark() -> None:
    assert gaps([span(None, 5)], at(5)) == []


@pytest.mark.parametrize("start", [3, 4])
def test_a_window_ends_after_it_starts(start: int) -> None:
    with pytest.raises(ValueError, match="ends after it starts"):
        span(start, 3)


def test_a_window_has_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Window(None, datetime(2026, 3, 1))  # noqa: DTZ001
