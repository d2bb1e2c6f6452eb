"""Storing what came through a door, durably and in time, or saying that it cannot be done now.

`gateway.app` awaits `Storing.take` before it answers 200: whoever gets a 200 may forget the events.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from hubspot_platform.commit_points import reached
from hubspot_platform.gateway.conditions import INBOX_FULL, STORE_DOWN, Conditions
from hubspot_platform.gateway.problems import Problem, busy
from hubspot_platform.state import Store, database_now, inbox
from hubspot_platform.state.errors import StateError
from hubspot_platform.state.inbox import NewEvent, Stored

logger = logging.getLogger(__name__)

STORE_SECONDS: Final = 1.8
"""HubSpot gives a delivery 5 s; a store that takes longer than this is down for us."""

PAUSE_SECONDS: Final = 1.0
COUNT_SECONDS: Final = 10.0
FULL_RETRY_AFTER: Final = 60
RESERVE_BYTES: Final = 16 * 1024 * 1024


class Storing:
    """The inbox as the doors see it: open, full, or out of order."""

    def __init__(self, store: Store, conditions: Conditions, *, most_waiting: int, reserve: Path | None = None) -> None:
        self._store = store
        self._conditions = conditions
        self._most_waiting = most_waiting
        self._reserve = reserve
        self._waiting = 0
        self._counted_at = float("-inf")
        self._down_until = float("-inf")

    def set_aside(self) -> None:
        """Put the reserve on disk that is given up when it is full, so that the workers can still empty the inbox."""
        if self._reserve is not None and not self._reserve.exists():
            self._reserve.write_bytes(b"\0" * RESERVE_BYTES)

    async def refuse_when_closed(self) -> None:
        """Raise Problem 503 while the store is down and 429 while the inbox is full, before any work is done."""
        now = time.monotonic()
        if now < self._down_until:
            raise self._down()
        if now - self._counted_at > COUNT_SECONDS:
            self._counted_at = now
            await self._count()
        if self._waiting >= self._most_waiting:
            self._conditions.note(INBOX_FULL)
            raise busy(429, "inbox_full", "Too many events wait to be processed.", FULL_RETRY_AFTER)

    async def _count(self) -> None:
        most = self._most_waiting
        try:
            self._waiting = await asyncio.wait_for(
                asyncio.to_thread(self._store.read, lambda conn: inbox.count_waiting(conn, most)), STORE_SECONDS
            )
        except (StateError, sa.exc.SQLAlchemyError, TimeoutError) as error:
            raise self._failed(error) from None

    async def take(self, events: Sequence[NewEvent]) -> Stored:
        """Store the events and return once they are on disk; Problem 503 when that takes too long or fails."""
        reached("gateway.before_store")
        work = self._store.write_async(lambda conn: inbox.store_events(conn, events, database_now(conn)))
        try:
            stored = await asyncio.wait_for(work, STORE_SECONDS)
        except (StateError, sa.exc.SQLAlchemyError, TimeoutError) as error:
            raise self._failed(error) from None
        reached("gateway.stored")
        self._waiting += stored.accepted
        return stored

    def _failed(self, error: Exception) -> Problem:
        """Note why; for a second nobody waits for the store again, or waiting requests would pile up."""
        self._down_until = time.monotonic() + PAUSE_SECONDS
        self._conditions.note(STORE_DOWN)
        cause = getattr(error, "orig", None)
        logger.error("events could not be stored: %s %s", type(error).__name__, type(cause).__name__ if cause else "")
        if self._reserve is not None and "full" in str(cause):
            self._reserve.unlink(missing_ok=True)
        return self._down()

    def _down(self) -> Problem:
        return busy(503, "store_down", "Events cannot be stored at the moment.")
