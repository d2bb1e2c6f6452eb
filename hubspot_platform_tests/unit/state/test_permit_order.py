"""Who gets the next permits: lanes first, then the processes in turn, never more than the limit."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hubspot_platform.lanes import Lane
from hubspot_platform.state.budget_plan import POLL, Asker, Rule, Stamp, plan

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
RULE = Rule(10, timedelta(seconds=10))


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def test_an_empty_window_gives_everything_wanted() -> None:
    decision = plan("a", [Asker("a", Lane.SYNC, 7, None)], [], NOW, RULE)
    assert decision.granted == {Lane.SYNC: 7}
    assert decision.again_at is None


def test_a_full_window_says_when_its_oldest_permit_leaves() -> None:
    decision = plan("a", [Asker("a", Lane.SYNC, 1, None)], [Stamp(ago(4), 10)], NOW, RULE)
    assert decision.granted == {}
    assert decision.again_at == NOW + timedelta(seconds=6)


def test_a_lower_lane_gets_nothing_while_a_higher_one_waits() -> None:
    askers = [Asker("a", Lane.BACKFILL, 5, None), Asker("b", Lane.CRITICAL, 10, ago(1))]
    assert plan("a", askers, [], NOW, RULE).granted == {}
    assert plan("b", askers, [], NOW, RULE).granted == {Lane.CRITICAL: 10}


def test_what_a_higher_lane_leaves_goes_to_the_lower() -> None:
    askers = [Asker("a", Lane.BACKFILL, 50, None), Asker("b", Lane.CRITICAL, 4, ago(1))]
    assert plan("a", askers, [], NOW, RULE).granted == {Lane.BACKFILL: 6}


def test_processes_share_evenly_whatever_they_want() -> None:
    askers = [Asker("greedy", Lane.SYNC, 1000, ago(2)), Asker("modest", Lane.SYNC, 5, ago(1))]
    assert plan("greedy", askers, [], NOW, RULE).granted == {Lane.SYNC: 5}
    assert plan("modest", askers, [], NOW, RULE).granted == {Lane.SYNC: 5}


def test_a_single_permit_goes_to_the_longest_unserved() -> None:
    log = [Stamp(ago(1), 9)]
    askers = [Asker("a", Lane.SYNC, 3, ago(0.5)), Asker("b", Lane.SYNC, 3, ago(3))]
    assert plan("a", askers, log, NOW, RULE).granted == {}
    assert plan("b", askers, log, NOW, RULE).granted == {Lane.SYNC: 1}


def test_each_waits_for_its_own_turn() -> None:
    log = [Stamp(ago(9.99), 1), Stamp(ago(9.98), 1), Stamp(ago(5), 8)]
    askers = [Asker("a", Lane.SYNC, 3, ago(3)), Asker("b", Lane.SYNC, 3, ago(2))]
    assert plan("a", askers, log, NOW, RULE).again_at == NOW + timedelta(milliseconds=10)
    assert plan("b", askers, log, NOW, RULE).again_at == NOW + timedelta(milliseconds=20)


def test_a_late_turn_is_looked_at_again_in_case_those_ahead_vanish() -> None:
    log = [Stamp(ago(9.99), 1), Stamp(ago(1), 9)]
    askers = [Asker("a", Lane.SYNC, 1, ago(3)), Asker("b", Lane.SYNC, 1, ago(2))]
    assert plan("b", askers, log, NOW, RULE).again_at == NOW + POLL


def test_nobody_looks_before_anything_can_have_come_free() -> None:
    log = [Stamp(ago(4), 1), Stamp(ago(1), 9)]
    askers = [Asker("a", Lane.SYNC, 1, ago(3)), Asker("b", Lane.SYNC, 1, ago(2))]
    assert plan("b", askers, log, NOW, RULE).again_at == NOW + timedelta(seconds=6)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from(Lane), st.integers(1, 8)),
        max_size=8,
        unique_by=lambda x: x[:2],
    ),
    st.lists(st.tuples(st.integers(1, 99), st.integers(1, 4)), max_size=5),
)
def test_all_together_get_what_is_free_and_no_more(
    wants: list[tuple[str, Lane, int]], used: list[tuple[int, int]]
) -> None:
    log = [Stamp(ago(tenths / 10), n) for tenths, n in used]
    askers = [Asker(process, lane, n, None) for process, lane, n in wants]
    given_out = [plan(process, askers, log, NOW, RULE) for process in "abcd"]
    total = sum(sum(decision.granted.values()) for decision in given_out)
    free = max(0, RULE.limit - sum(n for _, n in used))
    assert total == min(free, sum(n for _, _, n in wants))
