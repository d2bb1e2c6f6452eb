"""One interface for both stores of operational state: short durable transactions and consistent reads.

Everything that keeps state takes a `Store` and hands it functions of a connection. `state.open_state` makes
one; `sqlite.SqliteStore` and `postgres.PostgresStore` implement it.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal, TypeVar

import sqlalchemy as sa

from hubspot_platform.clock import Clock, utc_now
from hubspot_platform.state.errors import StateMisuse

T = TypeVar("T")
Work = Callable[[sa.Connection], T]

_CLOCK = "state_clock"


def database_now(connection: sa.Connection) -> datetime:
    """Return the time the state goes by, inside a transaction: the same for every process on this store.

    PostgreSQL's `clock_timestamp()` (hosts may differ, the server is one), SQLite's host clock.
    """
    clock: Clock | None = connection.get_execution_options().get(_CLOCK)
    if clock is not None:
        return clock()
    moment: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)


class Store(ABC):
    """The operational state. Safe to use from any thread and any event loop of the process that opened it."""

    dialect: Literal["sqlite", "postgresql"]

    def __init__(self, address: str) -> None:
        self.address = address
        """The URL without its password, for messages."""
        self._inside = threading.local()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address!r})"

    @abstractmethod
    def write(self, work: Work[T]) -> T:
        """Run `work` in one durable transaction and return its result once it is on disk.

        `work` must not commit, and may run again when PostgreSQL asks for a retry, so it touches nothing but
        the connection. What it raises undoes its own changes only and reaches the caller as it is. StateBusy,
        StateUnavailable, StateClosed, StateMisuse (a write from inside a write).
        """

    @abstractmethod
    async def write_async(self, work: Work[T]) -> T:
        """Do as `write` does without blocking the event loop.

        A caller cancelled before its work began leaves nothing behind; afterwards the work completes without
        it.
        """

    @abstractmethod
    def read(self, work: Work[T]) -> T:
        """Run `work` on one consistent, read-only snapshot that holds everything `write` returned for."""

    @abstractmethod
    def now(self) -> datetime:
        """Return the store's time, aware UTC; inside a transaction use `database_now`."""

    @abstractmethod
    def close(self) -> None:
        """Finish the writes handed in so far and let go of every connection; may be called twice."""

    def ping(self) -> float:
        """Return the seconds a trivial read took; StateUnavailable when the store cannot be reached."""
        started = time.monotonic()
        self.read(lambda connection: connection.execute(sa.select(1)).scalar_one())
        return time.monotonic() - started

    def _refuse_nested_write(self) -> None:
        if getattr(self._inside, "writing", False):
            raise StateMisuse(
                "a write inside a write would wait for itself",
                mend="use the connection the outer work was given",
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Mark this thread as inside a transaction."""
        self._inside.writing = True
        try:
            yield
        finally:
            self._inside.writing = False


def engine_options(clock: Clock | None, *, schema: str | None) -> dict[str, object]:
    """Return the execution options both stores give their engines: the clock, and where the tables live."""
    options: dict[str, object] = {_CLOCK: clock}
    if schema is not None:
        options["schema_translate_map"] = {None: schema}
    return options


def own_clock(clock: Clock) -> Clock | None:
    """Return None for the default clock (PostgreSQL then uses its own), a test's clock as it is."""
    return None if clock is utc_now else clock
