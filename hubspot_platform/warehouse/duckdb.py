"""The DuckDB warehouse: one file, one writer at a time behind a lock, and a published copy for readers.

`open_warehouse` makes it from a `duckdb:///` URL. Beside the file live its lock, a folder for spilled data and the
published copy; readers only ever open the copy, which is replaced by renaming a finished one over it.
"""

import os
import re
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import duckdb

from hubspot_platform.warehouse import functions
from hubspot_platform.warehouse.duckdb_session import WRITER_THREADS, DuckDbSession, translate
from hubspot_platform.warehouse.errors import NothingPublished, WarehouseLocked, WarehouseUnreadable
from hubspot_platform.warehouse.lock import POLL_SECONDS, WAIT_SECONDS, exclusive
from hubspot_platform.warehouse.session import IDENTITY_TABLE

_CATALOG = "warehouse_file"
_HEADERS = 3 * 4096  # the file's main header and its two database headers; every checkpoint rewrites one of these
# Each merge is committed straight into the file once it is larger than this, instead of to the log and then again.
_CHECKPOINT = "1MB"
# Joining small row groups at every checkpoint rewrites a table many times during one full read (measured: 3x the
# processor time); `compact` does it once.
_NO_VACUUM, _VACUUM = 0, 100
# DuckDB's allocator keeps up to 128 MB per thread for itself, which in a long sync becomes twice the process.
_KEPT_FREE = "4MB"

# A forked process inherits the instance but not its threads: closing it there would wait for them for ever.
_left_to_parent: list[duckdb.DuckDBPyConnection] = []


class DuckDbWarehouse:
    """See `Warehouse`. Threads may share it; each process keeps one idle DuckDB instance, without an open file."""

    dialect: Literal["duckdb", "postgres"] = "duckdb"

    def __init__(
        self, path: Path, *, memory_limit: str = "500MB", threads: int = 2, lock_wait: float = WAIT_SECONDS
    ) -> None:
        self.path = path.resolve()
        self.published = self.path.with_name(f"{self.path.stem}.published{self.path.suffix}")
        self._lock = self.path.with_name(self.path.name + ".lock")
        self._publish_lock = self.path.with_name(self.path.name + ".publish.lock")
        self._spill = self.path.with_name(self.path.name + ".tmp")
        self._lock_wait = lock_wait
        self._threads = threads
        self._options: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory_limit,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        self._idle: tuple[int, duckdb.DuckDBPyConnection] | None = None
        self._idle_guard = threading.Lock()

    def __repr__(self) -> str:
        return f"DuckDbWarehouse({str(self.path)!r})"

    @contextmanager
    def writer(self) -> Iterator[DuckDbSession]:
        """See `Warehouse.writer`."""
        with exclusive(self._lock, wait=self._lock_wait) as deadline, self._open(deadline) as session:
            yield session

    @contextmanager
    def reader(self) -> Iterator[DuckDbSession]:
        """See `Warehouse.reader`: the published copy; published first when that was never done."""
        if not self.published.exists():
            self.publish()
        # A connection to memory that attaches the file: connecting to the file by its name would share the open
        # database of another reader in this process, and so its old copy.
        connection = self._connect(self._threads)
        try:
            try:
                _attach(connection, self.published, read_only=True)
            except WarehouseUnreadable as error:
                mend = f"remove {self.published.name}; it is made again from the warehouse"
                raise WarehouseUnreadable("the published copy is damaged", mend=mend) from error
            yield DuckDbSession(connection, threads=self._threads)
        finally:
            connection.close()

    def publish(self) -> bool:
        """See `Warehouse.publish`. Writers wait only while the file is copied, not while the copy reaches the disk."""
        with exclusive(self._publish_lock, wait=self._lock_wait):
            beside = self.published.with_name(self.published.name + ".next")
            with exclusive(self._lock, wait=self._lock_wait) as deadline:
                if not self.path.exists():
                    raise NothingPublished(
                        f"there is no warehouse at {self.path} yet", mend="run `hubspot-platform sync all`"
                    )
                if self._is_current():
                    return False
                with self._open(deadline) as session:
                    session.execute("checkpoint")
                shutil.copyfile(self.path, beside)
                shutil.copystat(self.path, beside)
            _sync_to_disk(beside)
            beside.replace(self.published)
            _sync_to_disk(self.published.parent)
            return True

    def compact(self) -> None:
        """See `Warehouse.compact`: joins small row groups and drops replaced rows from them.

        One call rewrites at most `_VACUUM` pieces, which bounds how long the lock is held; the next one goes on.
        """
        with self.writer() as session:
            session.execute(f"set global max_vacuum_tasks = {_VACUUM}")
            try:
                # A checkpoint without a change does nothing; this is the change.
                session.execute('create or replace table "_platform"."compacted" as select now() as compacted_at')
                session.execute("checkpoint")
            finally:
                session.execute(f"set global max_vacuum_tasks = {_NO_VACUUM}")

    def identity(self) -> str:
        """See `Warehouse.identity`."""
        with self.writer() as session:
            return session.identity()

    @contextmanager
    def _open(self, deadline: float) -> Iterator[DuckDbSession]:
        """Open the file read-write; the caller holds the lock. Whatever happens, the file is closed afterwards."""
        connection = self._instance().cursor()
        clean = False
        try:
            connection.execute("set TimeZone = 'UTC'")
            self._attach_for_writing(connection, deadline)
            session = DuckDbSession(connection, threads=self._threads)
            _prepare(session)
            try:
                yield session
            finally:
                clean = _detach(connection)
        finally:
            connection.close()
            if not clean:
                self._discard_instance()

    def _attach_for_writing(self, connection: duckdb.DuckDBPyConnection, deadline: float) -> None:
        while True:
            try:
                _attach(connection, self.path, read_only=False)
            except WarehouseLocked:
                # A program that knows nothing of our lock, such as DuckDB's own shell, has the file open.
                if time.monotonic() >= deadline:
                    raise
                time.sleep(POLL_SECONDS)
            else:
                return

    def _connect(self, threads: int) -> duckdb.DuckDBPyConnection:
        # Every instance spills into a folder of its own: two in one folder would use the same file names.
        self._spill.mkdir(parents=True, exist_ok=True)
        spill = self._spill / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        connection = duckdb.connect(
            ":memory:", config={**self._options, "threads": threads, "temp_directory": str(spill)}
        )
        connection.execute(
            f"set TimeZone = 'UTC'; set global max_vacuum_tasks = {_NO_VACUUM}; "
            f"set global checkpoint_threshold = '{_CHECKPOINT}'; "
            f"set global allocator_flush_threshold = '{_KEPT_FREE}'; "
            f"set global allocator_bulk_deallocation_flush_threshold = '{_KEPT_FREE}'"
        )
        return connection

    def _instance(self) -> duckdb.DuckDBPyConnection:
        """Return this process's idle instance: starting DuckDB takes 30 ms of processor time, attaching a file 2."""
        with self._idle_guard:
            if self._idle is not None and self._idle[0] != os.getpid():
                _left_to_parent.append(self._idle[1])
                self._idle = None
            if self._idle is None:
                self._remove_orphaned_spill()
                self._idle = (os.getpid(), self._connect(WRITER_THREADS))
            return self._idle[1]

    def _discard_instance(self) -> None:
        with self._idle_guard:
            if self._idle is not None and self._idle[0] == os.getpid():
                self._idle[1].close()
            self._idle = None

    def _remove_orphaned_spill(self) -> None:
        for folder in self._spill.glob("*-*"):
            try:
                os.kill(int(folder.name.partition("-")[0]), 0)
            except ProcessLookupError:
                shutil.rmtree(folder, ignore_errors=True)
            except (PermissionError, ValueError):
                continue

    def _is_current(self) -> bool:
        """Say whether the published copy is the file as it is; a log beside the file holds more than the copy."""
        if self.path.with_name(self.path.name + ".wal").exists() or not self.published.exists():
            return False
        ours, copy = self.path.stat(), self.published.stat()
        same = (ours.st_size, ours.st_mtime_ns) == (copy.st_size, copy.st_mtime_ns)
        return same and _headers(self.path) == _headers(self.published)


def _headers(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEADERS)


def _sync_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool) -> None:
    name = str(path).replace("'", "''")
    try:
        # The type is named, or a file of another database would be handed to an extension for it.
        connection.execute(f"attach '{name}' as {_CATALOG} (type duckdb{', read_only' if read_only else ''})")
        connection.execute(f"use {_CATALOG}")
    except duckdb.IOException as error:
        if "lock" not in str(error).lower():
            raise translate(error) from error
        found = re.search(r"PID (\d+)", str(error))
        pid = int(found.group(1)) if found else None
        raise WarehouseLocked(
            f"the warehouse file {path.name} is open in process {pid or 'unknown'}; nothing was written",
            holder_pid=pid,
            mend="close the program that has it open; look at the published copy instead",
        ) from error
    except duckdb.Error as error:
        raise translate(error) from error


def _detach(connection: duckdb.DuckDBPyConnection) -> bool:
    """Close the file; False when only closing the whole instance can do it."""
    with suppress(duckdb.Error):  # there is a transaction to undo only when the session's work raised
        connection.execute("rollback")
    try:
        connection.execute("use memory")
        connection.execute(f"detach {_CATALOG}")
    except duckdb.Error:
        return False
    return True


def _prepare(session: DuckDbSession) -> None:
    """Give a new file its identity, and any file the current helper functions."""
    known = session.functions_version()
    if known == functions.VERSION:
        return
    with session.transaction():
        if known is None:
            session.execute('create schema if not exists "_platform"')
            session.execute(f"create table {IDENTITY_TABLE} (id varchar not null, functions varchar not null)")
            session.execute(f"insert into {IDENTITY_TABLE} values (?, '')", [str(uuid.uuid4())])
        for statement in functions.DUCKDB:
            session.execute(statement)
        session.execute(f"update {IDENTITY_TABLE} set functions = ?", [functions.VERSION])
