"""However ids are spread and whenever ranges are divided, every id is read exactly once."""

from bisect import bisect_left

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubspot_platform.hubspot.ranges import IdRange, NotInIdOrder, RangePlan, Span, Taken

PAGE = 7

ids_of_a_portal = st.one_of(
    st.sets(st.integers(1, 200), max_size=120),
    st.sets(st.integers(1, 1 << 50), max_size=120),
    st.builds(lambda old, new: old | new, st.sets(st.integers(1, 90)), st.sets(st.integers(1 << 40, (1 << 40) + 400))),
).map(sorted)


def page_of(ids: list[int], cursor: int, *, inclusive: bool, size: int = PAGE) -> tuple[list[int], int | None]:
    start = bisect_left(ids, cursor if inclusive else cursor + 1)
    page, rest = ids[start : start + size], ids[start + size : start + size + 1]
    return page, (rest[0] if inclusive else page[-1]) if rest else None


@settings(max_examples=300)
@given(ids=ids_of_a_portal, inclusive=st.booleans(), data=st.data())
def test_every_id_is_read_exactly_once(ids: list[int], inclusive: bool, data: st.DataObject) -> None:
    plan = RangePlan(inclusive=inclusive, ceiling=ids[-1] if ids else 0, total=len(ids) or None)
    plan.start(1)
    plan.spread(data.draw(st.integers(1, 5)), sample=ids[:3])
    portal, read = list(ids), []
    while plan.ranges:
        share = data.draw(st.sampled_from(plan.ranges))
        share.begun = True
        page, following = page_of(portal, share.cursor, inclusive=inclusive)
        if data.draw(st.booleans()):  # divided while its page is in flight
            top = share.high if share.high is not None else (ids[-1] + 2 if ids else 2)
            plan.divide(share, data.draw(st.integers(min(share.position, top), top)))
        if data.draw(st.integers(0, 9)) == 0:  # created during the walk
            portal.append((portal[-1] if portal else 0) + data.draw(st.integers(1, 50)))
        read += page[plan.take(share, page, following).own]
    plan.check_complete()
    assert sorted(read) == read_once(portal, upto=max(read, default=0))
    assert set(ids) <= set(read)


def read_once(portal: list[int], *, upto: int) -> list[int]:
    return [record_id for record_id in portal if record_id <= upto]


def plan_of(cursor: int, high: int | None = None) -> tuple[RangePlan, IdRange]:
    plan = RangePlan(inclusive=True, ceiling=1_000)
    share = plan.start(cursor)
    share.high = high
    return plan, share


@pytest.mark.parametrize(
    ("ids", "following"),
    [([12, 11, 13], 14), ([9, 10], 11), ([10, 10], 12), ([10, 11], 10), ([10, 11], 3)],
    ids=["descending", "below the cursor", "repeated", "cursor stands still", "cursor goes back"],
)
def test_a_page_that_contradicts_id_order_is_not_taken(ids: list[int], following: int) -> None:
    plan, share = plan_of(10)
    with pytest.raises(NotInIdOrder):
        plan.take(share, ids, following)


def test_case_068_an_empty_page_with_a_next_link_keeps_paging() -> None:
    plan, share = plan_of(10)
    assert plan.take(share, [], 20) == Taken(slice(0, 0), Span(10, 20))
    assert not share.done
    assert share.cursor == 20


def test_a_range_the_server_ends_early_is_noticed() -> None:
    plan, share = plan_of(10)
    plan.divide(share, 500)
    low, high = plan.ranges
    plan.take(high, [600], None)
    plan.take(low, [], None)
    with pytest.raises(NotInIdOrder):
        plan.check_complete()


def test_what_was_created_during_the_walk_lies_in_one_range() -> None:
    plan, share = plan_of(10)
    assert plan.divide(share, plan.ceiling + 2) is None
    assert plan.divide(share, plan.ceiling + 1) is plan.ranges[-1]


def test_what_a_page_shows_beyond_its_range_is_taken_from_ranges_that_nobody_reads() -> None:
    plan, low = plan_of(10)
    for cut in (20, 30, 40, 60):
        plan.divide(plan.ranges[-1], cut)
    _, begun, empty, half, last = plan.ranges
    low.begun = begun.begun = True

    # Nothing lies from 20 to 40; the page ends within the range of 40 to 60.
    assert plan.take(low, [11, 15, 41, 45], 50) == Taken(slice(0, 4), Span(10, 50))

    assert (low.done, begun.done, empty.done, half.done) == (True, False, True, False)
    assert plan.ranges == [begun, half, last]
    assert (half.cursor, last.cursor) == (50, 60)
    assert plan.claim() is half


def test_records_of_a_range_that_somebody_reads_are_left_to_it_and_so_is_what_follows() -> None:
    plan, low = plan_of(10)
    for cut in (20, 40):
        plan.divide(plan.ranges[-1], cut)
    low.begun = plan.ranges[1].begun = True

    assert plan.take(low, [11, 25, 41], 50) == Taken(slice(0, 1), Span(10, 20))
    assert [share.cursor for share in plan.ranges] == [20, 40]


def walk(ids: list[int], workers: int) -> tuple[list[int], int, int]:
    """Read `ids` with workers that all take one page of 100 a round; return them as read, rounds and calls."""
    plan = RangePlan(inclusive=True, ceiling=ids[-1], total=len(ids))
    plan.start(ids[0])
    plan.spread(workers, sample=ids[:100])
    busy = list[IdRange]()
    read, rounds, calls = list[int](), 0, 0
    while plan.ranges:
        while len(busy) < workers and (share := plan.claim()) is not None:
            busy.append(share)
        for share in busy:
            page, following = page_of(ids, share.cursor, inclusive=True, size=100)
            read += page[plan.take(share, page, following).own]
        rounds, calls = rounds + 1, calls + len(busy)
        busy = [share for share in busy if not share.done]
    return read, rounds, calls


@pytest.mark.parametrize(
    "ids",
    [
        list(range(1, 100_001)),
        [n * 743 for n in range(1, 100_001)],
        [*range(1, 50_001), *range(150 * 10**9, 150 * 10**9 + 50_000 * 900, 900)],
        [*range(1, 99_001), *range(150 * 10**9, 150 * 10**9 + 1_000)],
        [*range(51, 351), *range(150 * 10**9, 150 * 10**9 + 99_700 * 900, 900)],
        [int(n**2.5) for n in range(1, 100_001)],
    ],
    ids=["dense", "even", "two halves", "old portal", "few old records", "thinning out"],
)
def test_eight_workers_share_any_spread_of_ids_well_and_waste_few_calls(ids: list[int]) -> None:
    read, rounds, calls = walk(sorted(set(ids)), workers=8)
    assert sorted(read) == sorted(set(ids))
    assert calls <= 1_000 * 1.05
    assert rounds <= 1_000 / 8 * 1.25


def test_what_is_read_at_one_time_lies_close_together() -> None:
    ids = [*range(51, 351), *range(150 * 10**9, 150 * 10**9 + 299_700 * 900, 900)]
    read, _, _ = walk(ids, workers=8)
    chunks = [read[start : start + 10_000] for start in range(20_000, len(read), 10_000)]
    shares = [(max(chunk) - min(chunk)) / (ids[-1] - ids[300]) for chunk in chunks]
    assert sum(shares) / len(shares) < 0.4
