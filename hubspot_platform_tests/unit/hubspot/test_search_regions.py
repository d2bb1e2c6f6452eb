from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hubspot_platform.hubspot.records import Records
from hubspot_platform.hubspot.search import Region, divide, in_order, region_of

moments = st.integers(1_136_000_000_000_000, 2_840_000_000_000_000).map(
    lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
)
millis = st.integers(0, 4_000_000_000_000)


def as_moment(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


@given(start=moments, end=moments, modified=millis)
def test_a_region_holds_exactly_the_milliseconds_of_its_window(start: datetime, end: datetime, modified: int) -> None:
    region = region_of(start, end)
    assert region.low is not None
    assert (region.low <= modified <= region.high) == (start <= as_moment(modified) < end)


@given(first=moments, second=moments, third=moments)
def test_windows_that_meet_share_no_millisecond_and_leave_none_out(
    first: datetime, second: datetime, third: datetime
) -> None:
    a, b, c = sorted((first, second, third))
    assert region_of(b, c).low == region_of(a, b).high + 1


def members(region: Region, points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [
        (ms, record_id)
        for ms, record_id in points
        if (region.low is None or ms >= region.low)
        and ms <= region.high
        and record_id > region.id_low
        and (region.id_high is None or record_id <= region.id_high)
    ]


@given(
    points=st.lists(st.tuples(st.integers(0, 20), st.integers(1, (1 << 53) - 1)), max_size=30),
    low=st.one_of(st.none(), st.integers(0, 20)),
    span=st.integers(0, 10),
)
def test_halves_hold_every_record_of_the_region_once(points: list[tuple[int, int]], low: int | None, span: int) -> None:
    region = Region(low, (low or 0) + span)
    inside = members(region, points)
    for hint in (Records(), sample(inside), sample(points)):
        parts = divide(region, hint)
        assert all(part != region for part in parts)
        assert sorted(record for part in parts for record in members(part, points)) == sorted(inside)


def test_case_065_one_instant_is_divided_by_id_down_to_a_single_id() -> None:
    region, rounds = Region(5, 5), 0
    while parts := divide(region):
        region, rounds = parts[0], rounds + 1
        assert (region.low, region.high) == (5, 5)
    assert rounds <= 53


def test_an_instant_that_most_of_the_sample_shares_is_cut_out_at_once() -> None:
    crowd = sample([(700, record_id) for record_id in range(1, 101)] + [(3, 101)])
    assert divide(Region(0, 10_000), crowd) == [Region(0, 699), Region(700, 700), Region(701, 10_000)]
    assert divide(Region(700, 10_000), crowd) == [Region(700, 700), Region(701, 10_000)]
    assert divide(Region(None, 700), crowd) == [Region(None, 699), Region(700, 700)]


def sample(points: list[tuple[int, int]]) -> Records:
    return Records.of({"id": str(record_id), "updatedAt": as_moment(ms).isoformat()} for ms, record_id in points)


def test_order_means_strictly_ascending_above_the_last_id() -> None:
    assert in_order([], 9)
    assert in_order([10, 11, 400], 9)
    assert not in_order([9, 10], 9)
    assert not in_order([10, 10], 9)
    assert not in_order([11, 10], 9)
