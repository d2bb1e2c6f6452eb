"""The callers of one process that wait for a bucket's permits, first come first served inside a lane.

Plain bookkeeping for `budget.RateBudget`, which holds its condition around every call.
"""

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from hubspot_platform.lanes import Bucket, Lane


@dataclass(frozen=True)
class Permit:
    """Leave to send one call, stamped as `row` of the log at the monotonic time `given`."""

    bucket: Bucket
    row: int | None
    given: float


@dataclass(frozen=True)
class Turn:
    """What the thread asks of the state for one bucket: permits, late stamps, a name to take off."""

    bucket: Bucket
    wanted: dict[Lane, int]
    late: dict[int, float]
    listed: bool


@dataclass
class Queue:
    """The callers waiting for one bucket in this process, and when to ask the state for them next."""

    lanes: dict[Lane, deque[Future[Permit]]] = field(default_factory=lambda: {lane: deque() for lane in Lane})
    due: float = 0.0
    served_at: datetime | None = None
    listed: bool = False
    late: dict[int, float] = field(default_factory=dict)
    late_due: float = 0.0
    paused_until: float = 0.0

    def add(self, lane: Lane, future: Future[Permit], now: float) -> None:
        """Queue a caller; only a first or a more urgent one changes when to ask."""
        urgent = all(not waiting for ahead, waiting in self.lanes.items() if ahead <= lane)
        self.lanes[lane].append(future)
        if urgent:
            self.due = now

    def wanted(self) -> dict[Lane, int]:
        """Count the callers still waiting, by lane."""
        for lane, waiting in self.lanes.items():
            self.lanes[lane] = deque(future for future in waiting if not future.cancelled())
        return {lane: len(waiting) for lane, waiting in self.lanes.items() if waiting}

    def give(self, lane: Lane, n: int, permit: Permit) -> None:
        """Let the `n` longest waiting callers of a lane go."""
        waiting = self.lanes[lane]
        while n > 0 and waiting:
            future = waiting.popleft()
            if future.set_running_or_notify_cancel():
                future.set_result(permit)
                n -= 1

    def next_due(self) -> float:
        """Return the monotonic time of this queue's next question to the state; inf for none."""
        late_due = self.late_due if self.late else inf
        if self.wanted():
            return min(self.due, late_due)
        return 0.0 if self.listed else late_due

    def turn(self, bucket: Bucket) -> Turn:
        """Take what is to be asked now; until the answer only a more urgent caller asks again."""
        turn = Turn(bucket, self.wanted(), self.late, self.listed)
        self.late, self.due = {}, inf
        return turn

    def refuse(self, error: Exception, lanes: tuple[Lane, ...] = tuple(Lane)) -> None:
        """Raise `error` where the callers of these lanes wait."""
        for lane in lanes:
            while self.lanes[lane]:
                future = self.lanes[lane].popleft()
                if future.set_running_or_notify_cancel():
                    future.set_exception(error)
