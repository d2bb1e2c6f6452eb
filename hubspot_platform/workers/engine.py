"""Empties a queue of the inbox: claim, handle, finish, until nothing is due or the time is up.

Called by the workers' Dagster jobs, by `hubspot-platform process` and by `ingest`. One event that always fails holds
up nobody: a batch that fails is halved until the culprit stands alone, which is then tried again later and given up
after `MAX_ATTEMPTS`.
"""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from hubspot_platform.commit_points import reached
from hubspot_platform.errors import PlatformError, UsageError
from hubspot_platform.hubspot.errors import (
    DailyLimitReached,
    MissingScope,
    PortalMoving,
    RateLimited,
    Unauthorized,
    Unavailable,
    WrongPortal,
)
from hubspot_platform.runtime import Platform
from hubspot_platform.state import database_now, inbox
from hubspot_platform.state.errors import LeaseLost, StateError
from hubspot_platform.state.holders import holder_name
from hubspot_platform.state.inbox import MAX_ATTEMPTS, Dead, Depth, InboxEvent, Outcome, Retry
from hubspot_platform.warehouse.errors import NothingPublished, WarehouseLocked, WarehouseUnavailable
from hubspot_platform.workers.model import Handler, Queue

logger = logging.getLogger(__name__)

BATCH_EVENTS = 10_000  # handled in one transaction
LEASE_TIME = timedelta(minutes=2)
PUBLISH_SECONDS = 10.0
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(hours=1)
OUTAGE_WAIT = timedelta(seconds=30)

# Nothing is wrong with the events then: they wait until what is out of order is back.
_OUTAGES = (
    StateError,
    WarehouseLocked,
    WarehouseUnavailable,
    DailyLimitReached,
    MissingScope,
    PortalMoving,
    RateLimited,
    Unauthorized,
    Unavailable,
    WrongPortal,
)


@dataclass(frozen=True)
class DrainReport:
    """What one drain did: events by outcome, and how full the queue is after it.

    `lost` are events whose lease ended before their outcome was written: whoever has them now does them again.
    `outage` says why the drain ended early, "" when it did not.
    """

    queue: str
    worker: str
    applied: int
    duplicates: int
    retried: int
    parked: int
    dead: int
    lost: int
    seconds: float
    depth: Depth
    outage: str = ""

    @property
    def handled(self) -> int:
        """Events that got an outcome."""
        return self.applied + self.duplicates + self.retried + self.parked + self.dead

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON knows it."""
        return {**asdict(self), "handled": self.handled, "seconds": round(self.seconds, 3)}


def drain(platform: Platform, queue: Queue, *, seconds: float = 55.0, batch: int = BATCH_EVENTS) -> DrainReport:
    """Handle what is due in a queue until it is empty or the time is up, then publish what was written.

    Any number of drains of one queue may run side by side. Raises UsageError for a queue without a worker, and state
    errors when the inbox itself cannot be read or written.
    """
    if queue.handler is None:
        raise UsageError(f"queue {queue.name} has no worker yet", mend="its events wait in the inbox")
    store, holder, began = platform.state(), holder_name(queue.worker), time.monotonic()
    counts: Counter[str] = Counter()
    published, outage = began, ""
    while time.monotonic() - began < seconds and not outage:
        events = store.write(
            lambda conn: inbox.claim(conn, queue.name, holder, database_now(conn), limit=batch, lease=LEASE_TIME)
        )
        if not events:
            break
        reached("worker.claimed")
        now = store.now()
        try:
            outcomes = outcomes_of(platform, queue.handler, events, now)
        except _OUTAGES as error:
            outage = str(error)
            outcomes = [Retry(now + OUTAGE_WAIT, type(error).__name__)] * len(events)
        reached("worker.handled")
        counts.update(_finish(platform, events, outcomes))
        reached("worker.finished")
        if time.monotonic() - published > PUBLISH_SECONDS:
            _publish(platform)
            published = time.monotonic()
    if counts["Applied"]:
        _go_on(platform, queue)
    if counts:
        _publish(platform)
    depth = store.read(lambda conn: inbox.depths(conn, database_now(conn))).get(queue.name, Depth())
    return _report(queue, counts, time.monotonic() - began, depth, outage)


def outcomes_of(platform: Platform, handler: Handler, events: Sequence[InboxEvent], now: datetime) -> list[Outcome]:
    """Return the handler's outcomes; where it raises, those of each half, down to the single event that fails."""
    try:
        outcomes = list(handler(platform, events))
    except _OUTAGES:
        raise
    except Exception as error:  # noqa: BLE001 - becomes the outcome of the event that raised it
        if len(events) == 1:
            logger.warning("event %d of queue %s failed: %s", events[0].id, events[0].queue, type(error).__name__)
            return [failed(events[0], error, now)]
        middle = len(events) // 2
        first, second = events[:middle], events[middle:]
        return [*outcomes_of(platform, handler, first, now), *outcomes_of(platform, handler, second, now)]
    if len(outcomes) != len(events):
        raise RuntimeError(f"a worker gave {len(outcomes)} outcomes for {len(events)} events")
    return outcomes


def failed(event: InboxEvent, error: Exception, now: datetime) -> Outcome:
    """Return what becomes of an event whose handling raised: another try later, or a dead letter."""
    # Only our own errors are known to carry no personal values.
    reason = f"{type(error).__name__}: {error.args[0]}" if isinstance(error, PlatformError) else type(error).__name__
    if event.attempts >= MAX_ATTEMPTS:
        return Dead(f"failed {event.attempts} times; {reason}")
    return Retry(now + wait_after(event.attempts), reason)


def wait_after(attempts: int) -> timedelta:
    """Return how long an event waits after that many tries: 30 seconds, doubled each time, at most an hour."""
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(attempts, 16)))


def _go_on(platform: Platform, queue: Queue) -> None:
    """Do what follows the queue's work; what fails now is done after the next drain, or by the asset it belongs to."""
    if queue.afterwards is None:
        return
    try:
        queue.afterwards(platform)
    except PlatformError as error:
        logger.warning("what follows %s failed: %s", queue.worker, type(error).__name__)


def _publish(platform: Platform) -> None:
    with suppress(NothingPublished):  # a worker that writes nothing into the warehouse
        platform.warehouse().publish()


def _finish(platform: Platform, events: Sequence[InboxEvent], outcomes: Sequence[Outcome]) -> Counter[str]:
    try:
        platform.state().write(lambda conn: inbox.finish(conn, events, outcomes, database_now(conn)))
    except LeaseLost:
        logger.warning("the lease of %d events of %s ended before their outcome", len(events), events[0].queue)
        return Counter(lost=len(events))
    return Counter(type(outcome).__name__ for outcome in outcomes)


def _report(queue: Queue, counts: Counter[str], seconds: float, depth: Depth, outage: str) -> DrainReport:
    return DrainReport(
        queue=queue.name,
        worker=queue.worker,
        applied=counts["Applied"],
        duplicates=counts["Duplicate"],
        retried=counts["Retry"],
        parked=counts["Parked"],
        dead=counts["Dead"],
        lost=counts["lost"],
        seconds=seconds,
        depth=depth,
        outage=outage,
    )
