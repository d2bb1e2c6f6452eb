"""What a count of ids says, and where chains and circles of merges end."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from hubspot_platform.hubspot.ranges import RangePlan, Span, merge_spans
from hubspot_platform.mirror.differences import Differences, compare, final_survivors, restored

EARLY, LATE = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)


def ids(*numbers: int) -> pa.ChunkedArray:
    return pa.chunked_array([list(numbers)], pa.int64())


def stored(*rows: tuple[int, datetime | None, bool]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    times = pa.array(columns[1], pa.timestamp("us", "UTC"))
    return pa.table(
        {"id": pa.array(columns[0], pa.int64()), "updated_at": times, "is_deleted": pa.array(columns[2], pa.bool_())}
    )


def live(*rows: tuple[int, datetime]) -> pa.Table:
    return stored(*((record_id, at, False) for record_id, at in rows)).select(["id", "updated_at"])


def test_every_kind_of_difference_is_told_apart() -> None:
    here = stored(
        (1, EARLY, False),
        (2, EARLY, False),
        (3, LATE, False),
        (4, None, False),
        (5, EARLY, True),
        (6, EARLY, False),
        (7, EARLY, False),
        (8, EARLY, True),
    )
    there = live((1, EARLY), (2, LATE), (3, EARLY), (4, EARLY), (5, EARLY), (9, EARLY))
    assert compare(here, there, ids(6, 8, 10)) == Differences(
        missing=(5, 9), stale=(2, 4), archived=(6, 10), extra=(7,)
    )


def test_an_empty_mirror_and_an_empty_portal_differ_in_nothing() -> None:
    assert compare(stored(), live(), ids()) == Differences((), (), (), ())


def test_what_left_the_recycle_bin_is_restored_or_purged() -> None:
    assert restored(ids(1, 2, 3), ids(2)) == (1, 3)


@pytest.mark.parametrize(
    ("merges", "ends"),
    [
        ([(3, [1, 2])], {1: 3, 2: 3}),
        ([(3, [1, 2]), (5, [3, 4])], {1: 5, 2: 5, 3: 5, 4: 5}),
        ([(5, [1, 2, 3]), (3, [1, 2])], {1: 5, 2: 5, 3: 5}),
        ([(1, [2]), (2, [1])], {1: 2}),
        ([], {}),
    ],
    ids=["one", "two after another", "told twice", "in a circle", "none"],
)
def test_a_merged_record_ends_in_the_one_that_survives(
    merges: list[tuple[int, list[int]]], ends: dict[int, int]
) -> None:
    assert final_survivors(merges) == ends


def test_spans_that_touch_become_one() -> None:
    spans = [Span(5, 9), Span(1, 3), Span(3, 4), Span(8, 12), Span(20, 20)]
    assert merge_spans(spans) == [Span(1, 4), Span(5, 12)]


def test_a_walk_leaves_out_what_was_read_and_keeps_its_open_end() -> None:
    plan = RangePlan(inclusive=False, ceiling=100)
    plan.start(1)
    plan.divide(plan.ranges[0], 50)
    plan.skip([Span(1, 10), Span(40, 60), Span(90, 200)])
    assert sorted((share.low, share.high, share.cursor) for share in plan.ranges[:-1]) == [(10, 40, 9), (60, 90, 59)]
    assert (plan.ranges[-1].low, plan.ranges[-1].high) == (200, None)
