"""Operational state in PostgreSQL, for several hosts: tables in the schema `ops`, pooled connections.

`state.open_state` makes this store for `postgresql://` URLs; it behaves as the SQLite store does.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import sqlalchemy as sa

from hubspot_platform.clock import Clock
from hubspot_platform.state.errors import StateClosed, StateUnavailable
from hubspot_platform.state.schema import OPS_SCHEMA
from hubspot_platform.state.store import Store, T, Work, database_now, engine_options, own_clock
from hubspot_platform.urls import postgres_url

_RETRYABLE = frozenset({"40001", "40P01"})
"""serialization_failure and deadlock_detected: the server undid the transaction and asks for another try."""

_ATTEMPTS = 4
_ASYNC_WORKERS = 8


class PostgresStore(Store):
    """The store on a server; its clock is the server's."""

    dialect = "postgresql"

    def __init__(self, url: str, clock: Clock) -> None:
        target = sa.make_url(postgres_url(url, "psycopg"))
        super().__init__(target.set(drivername="postgresql").render_as_string(hide_password=True))
        defaults = {"connect_timeout": "10", "application_name": "hubspot_platform"}
        self._engine = sa.create_engine(
            target.update_query_dict({key: value for key, value in defaults.items() if key not in target.query}),
            execution_options=engine_options(own_clock(clock), schema=OPS_SCHEMA),
            pool_size=5,
            max_overflow=15,
            pool_pre_ping=True,
        )
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._threads = ThreadPoolExecutor(_ASYNC_WORKERS, thread_name_prefix="state-writer")
        self._closed = False

    def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction of its own, again when the server asks for it."""
        self._refuse_nested_write()
        self._refuse_when_closed()
        return self._write_retrying(work)

    async def write_async(self, work: Work[T]) -> T:
        """Run `write` in one of the store's threads."""
        self._refuse_nested_write()
        self._refuse_when_closed()
        return await asyncio.wrap_future(self._threads.submit(self._write_retrying, work))

    def read(self, work: Work[T]) -> T:
        """Run `work` on a read-only snapshot."""
        self._refuse_when_closed()
        with self._connect(self._snapshots) as connection, connection.begin():
            return work(connection)

    def now(self) -> datetime:
        """Return the server's time."""
        return self.read(database_now)

    def close(self) -> None:
        """Finish the writes handed in and close every connection."""
        self._closed = True
        self._threads.shutdown(wait=True)
        self._engine.dispose()

    def _write_retrying(self, work: Work[T]) -> T:
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._write_once(work)
            except sa.exc.OperationalError as error:
                if getattr(error.orig, "sqlstate", None) not in _RETRYABLE:
                    raise
        return self._write_once(work)

    def _write_once(self, work: Work[T]) -> T:
        with self._connect(self._engine) as connection, connection.begin(), self._writing():
            return work(connection)

    def _connect(self, engine: sa.Engine) -> sa.Connection:
        try:
            return engine.connect()
        except sa.exc.OperationalError as error:
            raise StateUnavailable(
                f"{self.address} cannot be reached: {error.orig}",
                mend="check STATE_URL and that the server runs",
            ) from error

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise StateClosed(f"{self.address} is closed", mend="open the store again")
