"""Operational state in one SQLite file, for any number of processes on one host.

One thread per process writes. It takes whatever has queued up and commits it together, so that a hundred
small writes cost one flush to disk; each still fails alone. `state.open_state` makes this store for
`sqlite:///` URLs.
"""

import asyncio
import os
import queue
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from filelock import FileLock

from hubspot_platform.clock import Clock
from hubspot_platform.state.errors import StateBusy, StateClosed, StateUnavailable
from hubspot_platform.state.store import Store, T, Work, engine_options
from hubspot_platform.urls import sqlite_path

_BUSY_MS = 30_000
_GROUP_LIMIT = 500


@dataclass(frozen=True)
class _Job:
    work: Work[Any]
    done: Future[Any]


class SqliteStore(Store):
    """The store in a file: WAL, synchronous=FULL, group commit by one writer thread."""

    dialect = "sqlite"

    def __init__(self, url: str, clock: Clock) -> None:
        self.path = sqlite_path(url).absolute()
        super().__init__(f"sqlite:///{self.path}")
        self._clock = clock
        self._pid = os.getpid()
        self._gate = threading.Lock()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._prepare_file()
        options = engine_options(clock, schema=None)
        self._reader = _engine(self.path, options, begin="BEGIN", read_only=True)
        self._writer = _engine(self.path, options, begin="BEGIN IMMEDIATE", read_only=False)

    @property
    def lock_path(self) -> Path:
        """The file that serialises processes while they create or migrate the database."""
        return self.path.with_name(f"{self.path.name}.lock")

    def write(self, work: Work[T]) -> T:
        """Queue `work` for the next group and wait until it is on disk."""
        result: T = self._submit(work).result()
        return result

    async def write_async(self, work: Work[T]) -> T:
        """Queue `work` for the next group and await its being on disk."""
        result: T = await asyncio.wrap_future(self._submit(work))
        return result

    def read(self, work: Work[T]) -> T:
        """Run `work` on a snapshot; readers and the writer never wait for each other."""
        self._refuse_when_unusable()
        try:
            connection = self._reader.connect()
        except sa.exc.OperationalError as error:
            raise self._unavailable(error) from error
        with connection, connection.begin():
            return work(connection)

    def now(self) -> datetime:
        """Return the host's time."""
        return self._clock()

    def close(self) -> None:
        """Commit what is queued, end the writer thread, close the file."""
        with self._gate:
            already, self._closed = self._closed, True
            thread = self._thread
            if not already and thread is not None and self._pid == os.getpid():
                self._jobs.put(None)
        if thread is not None and self._pid == os.getpid():
            thread.join()
        if not already:
            self._writer.dispose()
            self._reader.dispose()

    def _submit(self, work: Work[T]) -> Future[T]:
        self._refuse_nested_write()
        job = _Job(work, Future())
        with self._gate:
            self._refuse_when_unusable()
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="state-writer", daemon=True)
                self._thread.start()
            self._jobs.put(job)
        return job.done

    def _refuse_when_unusable(self) -> None:
        if self._closed:
            raise StateClosed(f"{self.address} is closed", mend="open the store again")
        if self._pid != os.getpid():
            raise StateClosed(
                f"{self.address} was opened before this process was forked",
                mend="open it in the child process",
            )

    def _serve(self) -> None:
        """Commit groups until the end mark comes; runs in the writer thread."""
        connection: sa.Connection | None = None
        running = True
        while running:
            jobs, running = self._next_group()
            live = [job for job in jobs if job.done.set_running_or_notify_cancel()]
            if not live:
                continue
            try:
                connection = connection or self._writer.connect()
                outcomes = self._commit(connection, live)
            except BaseException as error:  # noqa: BLE001 - every caller gets it; the thread lives for the next group
                connection = _usable(connection)
                failure = self._translated(error)
                outcomes = [failure] * len(live)
            for job, outcome in zip(live, outcomes, strict=True):
                if isinstance(outcome, _Failed):
                    job.done.set_exception(outcome.error)
                else:
                    job.done.set_result(outcome)
        if connection is not None:
            connection.close()

    def _next_group(self) -> tuple[list[_Job], bool]:
        """Wait for one job and take those queued behind it; False once the end mark came."""
        jobs: list[_Job] = []
        item = self._jobs.get()
        while item is not None:
            jobs.append(item)
            if len(jobs) == _GROUP_LIMIT:
                return jobs, True
            try:
                item = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, True
        return jobs, False

    def _commit(self, connection: sa.Connection, jobs: Sequence[_Job]) -> list[Any]:
        """Run the jobs, each in its own savepoint, and commit them together; results or `_Failed`."""
        with connection.begin(), self._writing():
            if len(jobs) == 1:
                return [jobs[0].work(connection)]
            return [_run_apart(connection, job.work) for job in jobs]

    def _translated(self, error: BaseException) -> "_Failed":
        if isinstance(error, sa.exc.OperationalError) and "locked" in str(error.orig):
            busy = StateBusy(
                f"{self.address} stayed locked by another process for {_BUSY_MS // 1000} s",
                mend="see which process writes to the file; a backup must use a read transaction",
            )
            busy.__cause__ = error
            return _Failed(busy)
        return _Failed(error)

    def _unavailable(self, error: Exception) -> StateUnavailable:
        cause = getattr(error, "orig", error)
        return StateUnavailable(f"{self.address}: {cause}", mend="check that the folder exists and is writable")

    def _prepare_file(self) -> None:
        """Create the file in WAL mode; switching needs the file alone, hence the lock."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.lock_path, timeout=_BUSY_MS / 1000):
                engine = _engine(self.path, {}, begin="BEGIN", read_only=False)
                try:
                    raw = engine.raw_connection()
                    try:
                        raw.cursor().execute("PRAGMA journal_mode=WAL")
                    finally:
                        raw.close()
                finally:
                    engine.dispose()
        except (sa.exc.DatabaseError, sqlite3.Error, OSError) as error:
            raise self._unavailable(error) from error


@dataclass(frozen=True)
class _Failed:
    error: BaseException


def _run_apart(connection: sa.Connection, work: Work[Any]) -> Any:
    """Run one job of a group in a savepoint; a savepoint that cannot be undone fails the whole group.

    The savepoints bypass SQLAlchemy's: those cost as much as a small job itself.
    """
    raw: sqlite3.Connection = cast("sqlite3.Connection", connection.connection.driver_connection)
    raw.execute("SAVEPOINT job")
    try:
        result = work(connection)
    except BaseException as error:  # noqa: BLE001 - raised again where the caller waits
        raw.execute("ROLLBACK TO job")
        raw.execute("RELEASE job")
        return _Failed(error)
    raw.execute("RELEASE job")
    return result


def _usable(connection: sa.Connection | None) -> sa.Connection | None:
    """Keep the writer's connection after a failure unless its transaction could not be ended."""
    if connection is None or not (connection.in_transaction() or connection.invalidated):
        return connection
    connection.invalidate()
    connection.close()
    return None


def _engine(path: Path, options: dict[str, object], *, begin: str, read_only: bool) -> sa.Engine:
    """Make an engine whose transactions start with `begin`: Python's driver must not choose for us."""
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        connect_args={"isolation_level": None, "timeout": _BUSY_MS / 1000, "check_same_thread": False},
        execution_options=options,
        pool_size=5,
        max_overflow=20,
    )

    @sa.event.listens_for(engine, "connect")
    def _configure(raw: Any, _record: Any) -> None:
        cursor = raw.cursor()
        for pragma in ("synchronous=FULL", "foreign_keys=ON", f"query_only={'ON' if read_only else 'OFF'}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
