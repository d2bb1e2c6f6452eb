"""One rate budget for every process that uses the same HubSpot app: permits, priorities, the day's quota.

The HubSpot transport and the SDK wrapper ask before each call, retries included, and report its outcome. A
thread per process gathers whoever waits at one moment into one transaction of the shared state; nobody polls
while the window is known to be full.
"""

import asyncio
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from hubspot_platform.clock import Clock, utc_now
from hubspot_platform.lanes import Bucket, DailyQuota, Lane
from hubspot_platform.state import budget_log, usage
from hubspot_platform.state.budget_plan import Rule
from hubspot_platform.state.budget_queue import Permit, Queue, Turn
from hubspot_platform.state.errors import QuotaExhausted, StateClosed
from hubspot_platform.state.store import Store
from hubspot_platform.state.usage import Reading

_FLUSH_SECONDS = 1.0
_READING_SECONDS = 5.0
_LATE_SECONDS = 0.02
_RESTAMP_SECONDS = 0.25

Pause = Callable[[threading.Condition, float], object]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BudgetLimits:
    """The limits of one app and its account; 0 calls = no limit, `daily` None = as HubSpot's headers say.

    `margin` (seconds) lengthens each window, because HubSpot counts arrivals and the way there takes a
    varying time: 0.2 s covers calls of 200 ms ± 40 % and costs 2 % of the throughput. `reserve` is the share
    of the day left to the account's other apps and to critical calls.
    """

    api_per_10s: int = 190
    search_per_s: int = 5
    daily: int | None = None
    reserve: float = 0.05
    time_zone: str = "UTC"
    margin: float = 0.2

    def rule(self, bucket: Bucket) -> Rule:
        """Return the bucket's window."""
        limit, seconds = (self.api_per_10s, 10.0) if bucket is Bucket.API else (self.search_per_s, 1.0)
        return Rule(limit, timedelta(seconds=seconds + self.margin))


class RateBudget:
    """Permits to call HubSpot. Safe to use from any thread and any event loop; close it before its store."""

    def __init__(
        self,
        store: Store,
        limits: BudgetLimits,
        clock: Clock = utc_now,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Pause = threading.Condition.wait,
    ) -> None:
        self.limits = limits
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        self._pause = pause
        self._rules = {bucket: limits.rule(bucket) for bucket in Bucket}
        self._zone = ZoneInfo(limits.time_zone)
        self._pid = os.getpid()
        self._process = f"{socket.gethostname()}:{self._pid}:{uuid.uuid4().hex[:8]}"
        self._ledger = usage.Ledger(self._zone)
        self._reading: Reading | None = None
        self._read_at = 0.0
        self._flush_due: float | None = None
        self._changed = threading.Condition()
        self._queues = {bucket: Queue() for bucket in Bucket}
        self._thread: threading.Thread | None = None
        self._closing = False

    async def acquire(self, bucket: Bucket, lane: Lane) -> None:
        """Return when the call may be sent: now. QuotaExhausted, StateClosed, what the store raises."""
        future = self._ask(Bucket(bucket), Lane(lane))
        if future is not None:
            self._sent(await asyncio.wrap_future(future))

    def acquire_blocking(self, bucket: Bucket, lane: Lane) -> None:
        """Do as `acquire` does for a caller in a thread of its own, such as the SDK."""
        future = self._ask(Bucket(bucket), Lane(lane))
        if future is not None:
            self._sent(future.result())

    def record(self, bucket: Bucket, lane: Lane, status: int | None, daily: DailyQuota | None = None) -> None:
        """Count a call's outcome (None = no answer) and what the answer said about the day; never waits."""
        self._ledger.add(Bucket(bucket), Lane(lane), status, daily, self._clock())
        with self._changed:
            if self._flush_due is None:
                self._flush_due = self._monotonic() + _FLUSH_SECONDS
                self._wake()

    async def penalise(self, bucket: Bucket, seconds: float) -> None:
        """Give no process a permit of this bucket for `seconds`: HubSpot answered 429."""
        if self._pause_here(Bucket(bucket), seconds):
            await self._store.write_async(lambda conn: budget_log.pause(conn, Bucket(bucket), seconds))

    def penalise_blocking(self, bucket: Bucket, seconds: float) -> None:
        """Do as `penalise` does for a caller in a thread of its own."""
        if self._pause_here(Bucket(bucket), seconds):
            self._store.write(lambda conn: budget_log.pause(conn, Bucket(bucket), seconds))

    def learn_time_zone(self, name: str) -> None:
        """Take over the portal's time zone, at whose midnight the day's quota starts again; ignores unknown ones."""
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            return
        self._zone = self._ledger.zone = zone

    def share_used(self) -> float | None:
        """Return the used share of today's calls over all processes; None when no daily limit is known."""
        day = usage.usage_day(self._clock(), self._zone)
        known = self._store.read(lambda conn: usage.reading(conn, day))
        return self._with_unflushed(known).share_used(self.limits.daily)

    def close(self) -> None:
        """Write the ledger, leave the waiting list, refuse whoever still waits; may be called twice."""
        with self._changed:
            already, self._closing = self._closing, True
            thread = self._thread
            self._changed.notify_all()
        if thread is not None:
            thread.join()
        if not already:
            for queue in self._queues.values():
                queue.refuse(StateClosed("the rate budget was closed", mend="nothing was sent"))
            if thread is not None:
                self._flush()

    def _ask(self, bucket: Bucket, lane: Lane) -> Future[Permit] | None:
        """Queue the caller, or return None when nothing holds the call back."""
        now = self._monotonic()
        with self._changed:
            if self._closing or self._pid != os.getpid():
                raise StateClosed("the rate budget was closed, or made before a fork", mend="open it where it is used")
            queue = self._queues[bucket]
            if self._reading_is_fresh(now):
                refused = self._exhausted()
                if refused is not None and lane is not Lane.CRITICAL:
                    self._flush_due = self._flush_due or now + _FLUSH_SECONDS
                    self._wake()
                    raise refused
                if self._rules[bucket].limit == 0 and now >= queue.paused_until:
                    return None
            future: Future[Permit] = Future()
            queue.add(lane, future, now)
            self._wake()
            return future

    def _sent(self, permit: Permit) -> None:
        """Note a call that goes out well after its permit was stamped: its place in the log moves with it."""
        late = self._monotonic() - permit.given
        if permit.row is None or late < _LATE_SECONDS:
            return
        with self._changed:
            queue = self._queues[permit.bucket]
            if not queue.late:
                queue.late_due = self._monotonic() + _RESTAMP_SECONDS
                self._wake()
            queue.late[permit.row] = max(late, queue.late.get(permit.row, 0.0))

    def _pause_here(self, bucket: Bucket, seconds: float) -> bool:
        """Pause this process at once; False when about the same pause runs already (many 429 at once)."""
        until = self._monotonic() + seconds
        with self._changed:
            queue = self._queues[bucket]
            if seconds <= 0 or queue.paused_until >= until - _RESTAMP_SECONDS:
                return False
            queue.paused_until = until
            return True

    def _reading_is_fresh(self, now: float) -> bool:
        known = self._reading
        return (
            known is not None
            and now - self._read_at < _READING_SECONDS
            and known.day == usage.usage_day(self._clock(), self._zone)
        )

    def _exhausted(self) -> QuotaExhausted | None:
        now = self._clock()
        if self._reading is None:
            return None
        share = self._with_unflushed(self._reading).blocking_share(self.limits.daily, now)
        if share is None or share <= 1 - self.limits.reserve:
            return None
        return QuotaExhausted(share, usage.day_ends(now, self._zone))

    def _with_unflushed(self, known: Reading) -> Reading:
        calls = known.calls + self._ledger.unflushed(known.day)
        return Reading(known.day, calls, known.headers, known.calls_then, known.seen_at)

    def _wake(self) -> None:
        """Start the thread or tell it that something changed; the condition is held."""
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._serve, name="rate-budget", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _serve(self) -> None:
        """Sleep until something is due, then do it; a store that fails is reported to those who wait."""
        while True:
            with self._changed:
                while not self._closing and (seconds := self._until_due()) != 0:
                    if seconds is None:
                        self._changed.wait()
                    else:
                        self._pause(self._changed, seconds)
                if self._closing:
                    return
            self._work()

    def _until_due(self) -> float | None:
        """Return the seconds until something is due, 0 for now, None when nothing waits."""
        due = min(queue.next_due() for queue in self._queues.values())
        if self._flush_due is not None:
            due = min(due, self._flush_due)
        return None if due == inf else max(0.0, due - self._monotonic())

    def _due_turns(self) -> list[Turn]:
        now = self._monotonic()
        return [queue.turn(bucket) for bucket, queue in self._queues.items() if queue.next_due() <= now]

    def _work(self) -> None:
        """Write the ledger when it is due, then serve the buckets that are."""
        now = self._monotonic()
        turns: list[Turn] = []
        try:
            if (self._flush_due is not None and now >= self._flush_due) or not self._reading_is_fresh(now):
                self._flush()
            with self._changed:
                self._refuse_when_exhausted()
                turns = self._due_turns()
            limited = [turn for turn in turns if self._rules[turn.bucket].limit > 0]
            answers = self._store.write(lambda conn: self._ask_state(conn, limited)) if limited else {}
        except Exception as error:  # noqa: BLE001 - raised where the callers wait
            _log.warning("the rate budget could not use the state: %s", error)
            with self._changed:
                self._flush_due = None if self._flush_due is None else now + _FLUSH_SECONDS
                for queue in self._queues.values():
                    queue.refuse(error)
            return
        with self._changed:
            for turn in turns:
                queue = self._queues[turn.bucket]
                if turn.bucket in answers:
                    self._hand_out(queue, turn, *answers[turn.bucket])
                else:
                    self._let_go(queue, turn.bucket)

    def _refuse_when_exhausted(self) -> None:
        refused = self._exhausted()
        if refused is not None:
            for queue in self._queues.values():
                queue.refuse(refused, (Lane.SYNC, Lane.BACKFILL))

    def _ask_state(
        self, conn: sa.Connection, turns: list[Turn]
    ) -> dict[Bucket, tuple[budget_log.Answer | None, float]]:
        """Settle all buckets in one transaction, in the same order in every process: gates are locked."""
        answers: dict[Bucket, tuple[budget_log.Answer | None, float]] = {}
        for turn in turns:
            answer = None
            if turn.late:
                budget_log.restamp(conn, turn.bucket, turn.late)
            if turn.wanted:
                served_at = self._queues[turn.bucket].served_at
                request = budget_log.Request(self._process, turn.bucket, turn.wanted, served_at)
                answer = budget_log.take(conn, request, self._rules[turn.bucket])
            elif turn.listed:
                budget_log.leave(conn, self._process, turn.bucket)
            answers[turn.bucket] = (answer, self._monotonic())
        return answers

    def _hand_out(self, queue: Queue, turn: Turn, answer: budget_log.Answer | None, given: float) -> None:
        """Give the permits to those who wait longest and set when to ask for the others."""
        if answer is None:
            queue.listed = False
            queue.due = min(queue.due, given)
            return
        if answer.granted:
            queue.served_at = answer.at
        for lane, n in answer.granted.items():
            queue.give(lane, n, Permit(turn.bucket, answer.row, given))
        queue.listed = answer.listed
        queue.due = min(queue.due, given + (answer.again_in or 0.0))

    def _let_go(self, queue: Queue, bucket: Bucket) -> None:
        """Serve a bucket without a limit: everybody, unless a pause runs."""
        now = self._monotonic()
        queue.due = queue.paused_until
        if now >= queue.paused_until:
            for lane, waiting in queue.lanes.items():
                queue.give(lane, len(waiting), Permit(bucket, None, now))

    def _flush(self) -> None:
        """Store the ledger and read back what all processes used of the day, and the pauses that run."""
        counts = self._ledger.take()
        wall = self._clock()
        day = usage.usage_day(wall, self._zone)

        def exchange(conn: sa.Connection) -> tuple[Reading, dict[Bucket, float]]:
            if counts:
                counts.store(conn, wall)
            if self._closing:
                budget_log.leave(conn, self._process)
            return usage.reading(conn, day), budget_log.pauses(conn)

        try:
            known, paused = (self._store.write if counts or self._closing else self._store.read)(exchange)
        except BaseException:
            self._ledger.give_back(counts)
            raise
        with self._changed:
            now = self._monotonic()
            self._reading, self._read_at, self._flush_due = known, now, None
            for bucket, seconds in paused.items():
                self._queues[bucket].paused_until = max(self._queues[bucket].paused_until, now + seconds)
