"""The windows of the e-mail log cover every moment once, and complete only where nothing before is missing."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hubspot_platform.mirror.reference.email import RETENTION, SLICE, Finished, day_windows
from hubspot_platform.state.windows import Window, merge_windows

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
spans = st.timedeltas(timedelta(minutes=1), timedelta(days=40))


@given(spans)
def test_the_windows_of_a_span_follow_each_other_and_are_a_day_at_most(span: timedelta) -> None:
    windows = list(day_windows(NOW - span, NOW))
    assert merge_windows(windows) == [Window(NOW - span, NOW)]
    assert all(a.end == b.start for a, b in pairwise(windows))
    assert all(window.start is not None and window.end - window.start <= SLICE for window in windows)


def test_a_first_read_begins_with_everything_that_is_old() -> None:
    windows = list(day_windows(None, NOW))
    assert windows[0] == Window(None, NOW - RETENTION)
    assert merge_windows(windows) == [Window(None, NOW)]


@given(st.permutations(range(12)), st.integers(1, 11), st.timedeltas(timedelta(0), timedelta(hours=30)))
def test_what_is_complete_ends_before_the_first_unread_window(order: list[int], asked: int, lag: timedelta) -> None:
    windows = list(day_windows(NOW - timedelta(days=12), NOW))
    finished, settled = Finished(windows), NOW - lag
    complete: list[Window] = []
    for count, number in enumerate(order, 1):
        finished.read(number)
        if count % asked == 0 and (found := finished.complete(settled)) is not None:
            complete.append(found)
            unread = set(range(12)) - set(order[:count])
            assert found.end <= settled
            assert not unread or found.end <= windows[min(unread)].start  # type: ignore[operator]
    found = finished.complete(settled)
    complete += [found] if found is not None else []
    assert merge_windows(complete) == [Window(windows[0].start, settled)]
    assert finished.complete(settled) is None
