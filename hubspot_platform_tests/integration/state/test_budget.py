"""One budget: permits, lanes, pauses and the day's quota, for one process with time in the test's hand."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from hubspot_platform.lanes import Bucket, DailyQuota, Lane
from hubspot_platform.state import Store, budget_log, usage
from hubspot_platform.state.budget import BudgetLimits, RateBudget
from hubspot_platform.state.budget_plan import Rule
from hubspot_platform.state.errors import QuotaExhausted, StateClosed
from hubspot_platform.state.schema import api_usage, api_waiter, api_window
from hubspot_platform_tests.integration.state.conftest import ManualTime

API, SEARCH = Bucket.API, Bucket.SEARCH
Open = Callable[..., RateBudget]


@pytest.fixture
def opened(store: Store, moment: ManualTime) -> Iterator[Open]:
    budgets: list[RateBudget] = []

    def make(**limits: object) -> RateBudget:
        budgets.append(
            RateBudget(store, BudgetLimits(**limits), moment, monotonic=moment.monotonic, pause=moment.pause)  # type: ignore[arg-type]
        )
        return budgets[-1]

    yield make
    for budget in budgets:
        budget.close()


def stamps(store: Store, bucket: Bucket) -> list[int]:
    query = sa.select(api_window.c.n).where(api_window.c.bucket == bucket.value).order_by(api_window.c.id)
    return store.read(lambda conn: list(conn.execute(query).scalars()))


async def test_callers_waiting_together_share_a_transaction(store: Store, opened: Open) -> None:
    budget = opened()
    await budget.acquire(API, Lane.SYNC)
    await asyncio.gather(*(budget.acquire(API, Lane.SYNC) for _ in range(100)))
    used = stamps(store, API)
    assert sum(used) == 101
    assert len(used) < 30


async def test_the_limit_holds_in_any_window_of_ten_seconds(moment: ManualTime, opened: Open) -> None:
    budget = opened(api_per_10s=20)
    given: list[float] = []

    async def one() -> None:
        await budget.acquire(API, Lane.SYNC)
        given.append(moment.elapsed)

    await asyncio.gather(*(one() for _ in range(65)))
    assert [sorted(given)[n] // 10.2 for n in (19, 20, 40, 60)] == [0, 1, 2, 3]
    assert moment.elapsed < 4 * 10.2


async def test_searches_have_their_own_five_a_second(moment: ManualTime, store: Store, opened: Open) -> None:
    budget = opened()
    await asyncio.gather(*(budget.acquire(SEARCH, Lane.SYNC) for _ in range(11)))
    assert 2.4 <= moment.elapsed < 3.6
    assert stamps(store, API) == []


def test_threads_ask_as_coroutines_do(store: Store, opened: Open) -> None:
    budget = opened()
    budget.acquire_blocking(API, Lane.SYNC)
    budget.acquire_blocking(SEARCH, Lane.CRITICAL)
    assert (stamps(store, API), stamps(store, SEARCH)) == ([1], [1])


async def test_the_most_urgent_of_those_that_wait_goes_first(moment: ManualTime, opened: Open) -> None:
    budget = opened(api_per_10s=1)
    await budget.penalise(API, 5)
    order: list[Lane] = []

    async def call(lane: Lane) -> None:
        await budget.acquire(API, lane)
        order.append(lane)

    await asyncio.gather(*(call(lane) for lane in (Lane.BACKFILL, Lane.SYNC, Lane.SYNC, Lane.CRITICAL)))
    assert order == [Lane.CRITICAL, Lane.SYNC, Lane.SYNC, Lane.BACKFILL]


async def test_without_a_limit_no_call_costs_a_transaction(store: Store, opened: Open) -> None:
    budget = opened(api_per_10s=0, search_per_s=0)
    await budget.acquire(API, Lane.SYNC)
    for _ in range(1000):
        await budget.acquire(API, Lane.SYNC)
        await budget.acquire(SEARCH, Lane.BACKFILL)
    assert stamps(store, API) == stamps(store, SEARCH) == []


async def test_a_429_slows_every_process(moment: ManualTime, opened: Open) -> None:
    hit, other, unlimited = opened(), opened(), opened(api_per_10s=0)
    await hit.penalise(API, 7)
    await other.acquire(API, Lane.CRITICAL)
    assert moment.elapsed >= 7
    await unlimited.penalise(API, 5)
    paused_at = moment.elapsed
    await unlimited.acquire(API, Lane.SYNC)
    assert moment.elapsed >= paused_at + 5
    await other.acquire(SEARCH, Lane.SYNC)


async def test_a_clock_set_back_neither_stops_the_budget_nor_empties_it(
    moment: ManualTime, store: Store, opened: Open
) -> None:
    budget = opened(api_per_10s=10)
    await asyncio.gather(*(budget.acquire(API, Lane.SYNC) for _ in range(10)))
    moment.set_back(3600)
    await budget.acquire(API, Lane.SYNC)
    assert 10.2 <= moment.elapsed < 20.4


def test_a_call_sent_late_counts_from_when_it_was_sent(store: Store, moment: ManualTime) -> None:
    rule = Rule(1, timedelta(seconds=10.2))

    def ask() -> budget_log.Answer:
        request = budget_log.Request("a", API, {Lane.SYNC: 1}, None)
        return store.write(lambda conn: budget_log.take(conn, request, rule))

    row = ask().row
    assert row is not None
    moment.advance(1.5)
    store.write(lambda conn: budget_log.restamp(conn, API, {row: 1.5}))
    assert ask().again_in == pytest.approx(10.2)


async def test_a_caller_that_runs_late_moves_its_stamp(store: Store, opened: Open, moment: ManualTime) -> None:
    budget = opened()
    asking = asyncio.ensure_future(budget.acquire(API, Lane.SYNC))
    await asyncio.sleep(0)
    while not stamps(store, API):  # the event loop is busy while the permit is given
        pass
    budget.acquire_blocking(API, Lane.SYNC)  # the next turn: the first one is handed out by now
    moment.advance(1.5)
    await asking
    budget.acquire_blocking(API, Lane.SYNC)
    query = sa.select(api_window.c.at).order_by(api_window.c.id)
    ats = store.read(lambda conn: list(conn.execute(query).scalars()))
    assert ats[0] - ats[1] >= timedelta(seconds=1.5)


def test_a_process_that_dies_while_waiting_keeps_its_place_only_briefly(store: Store, moment: ManualTime) -> None:
    rule = Rule(1, timedelta(seconds=10.2))

    def ask(process: str) -> budget_log.Answer:
        request = budget_log.Request(process, API, {Lane.SYNC: 1}, None)
        return store.write(lambda conn: budget_log.take(conn, request, rule))

    assert ask("a").granted == {Lane.SYNC: 1}
    waiting = ask("dead")
    assert waiting.again_in == pytest.approx(10.2)
    moment.advance(10.2)
    assert ask("z").granted == {}
    moment.advance(1.01)
    assert ask("z").granted == {Lane.SYNC: 1}


async def test_a_caller_that_gives_up_frees_its_place(store: Store, opened: Open, moment: ManualTime) -> None:
    budget = opened(api_per_10s=1)
    await budget.acquire(API, Lane.SYNC)
    waiting = asyncio.ensure_future(budget.acquire(API, Lane.SYNC))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    budget.close()
    assert store.read(lambda conn: conn.execute(sa.select(api_waiter)).all()) == []


async def test_the_ledger_counts_calls_limits_and_errors(store: Store, opened: Open) -> None:
    budget, other = opened(), opened()
    for status in (200, 207, 429, 500, 404, None):
        budget.record(API, Lane.SYNC, status)
    other.record(API, Lane.SYNC, 200)
    other.record(SEARCH, Lane.CRITICAL, 200)
    budget.close()
    other.close()
    day = date(2026, 3, 10)
    assert store.read(lambda conn: usage.totals(conn, day, day)) == [
        usage.Usage(day, API, Lane.SYNC, calls=7, limited=1, errors=3),
        usage.Usage(day, SEARCH, Lane.CRITICAL, calls=1, limited=0, errors=0),
    ]
    assert store.read(lambda conn: usage.totals(conn, day + timedelta(days=1), day + timedelta(days=9))) == []


async def test_above_95_percent_only_critical_calls_go_on_until_the_portals_midnight(
    moment: ManualTime, opened: Open
) -> None:
    other_app = opened(time_zone="America/New_York")
    other_app.record(API, Lane.SYNC, 200, DailyQuota(limit=1000, remaining=49))
    other_app.close()
    budget = opened()
    budget.learn_time_zone("America/New_York")
    for lane in (Lane.SYNC, Lane.BACKFILL):
        with pytest.raises(QuotaExhausted) as caught:
            await budget.acquire(API, lane)
        assert caught.value.resets_at == datetime(2026, 3, 11, 4, tzinfo=UTC)
        assert caught.value.share_used == pytest.approx(0.951)
    await budget.acquire(API, Lane.CRITICAL)
    moment.advance(16 * 3600)
    await budget.acquire(API, Lane.SYNC)


async def test_at_exactly_95_percent_work_goes_on(store: Store, opened: Open) -> None:
    budget = opened()
    budget.record(API, Lane.SYNC, 200, DailyQuota(limit=1000, remaining=50))
    budget.close()
    await opened().acquire(API, Lane.BACKFILL)


async def test_the_configured_limit_of_the_day_counts_every_process(store: Store, opened: Open) -> None:
    first, second = opened(daily=100), opened(daily=100)
    assert second.share_used() == 0
    for _ in range(96):
        first.record(API, Lane.SYNC, 200)
    first.close()
    with pytest.raises(QuotaExhausted):
        second.acquire_blocking(SEARCH, Lane.SYNC)
    assert second.share_used() == pytest.approx(0.96)
    assert opened().share_used() is None


async def test_an_unknown_daily_limit_stops_nobody(store: Store, opened: Open) -> None:
    huge = {"usage_day": date(2026, 3, 10), "bucket": "api", "lane": 1, "calls": 10**9, "limited": 0, "errors": 0}
    store.write(lambda conn: conn.execute(sa.insert(api_usage), {**huge, "updated_at": datetime.now(UTC)}))
    await opened().acquire(API, Lane.BACKFILL)


async def test_a_closed_budget_refuses(opened: Open) -> None:
    budget = opened()
    budget.close()
    budget.close()
    with pytest.raises(StateClosed):
        await budget.acquire(API, Lane.SYNC)


async def test_a_store_that_fails_fails_the_caller_instead_of_hanging_it(store: Store, opened: Open) -> None:
    budget = opened()
    await budget.acquire(API, Lane.SYNC)
    store.close()
    with pytest.raises(StateClosed):
        await budget.acquire(API, Lane.SYNC)
    with pytest.raises(StateClosed):
        budget.close()
