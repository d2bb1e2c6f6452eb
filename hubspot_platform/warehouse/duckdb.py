"""The DuckDB warehouse: one file, one writer at a time behind a lock, and a published copy for readers.

`open_warehouse` makes it from a `duckdb:///` URL. Beside the file live its lock, a folder for spilled data and the
published copy; readers only ever open the copy, which is replaced by renaming a finished one over it.
"""

import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import duckdb

from hubspot_platform.warehouse import functions
from hubspot_platform.warehouse.duckdb_instances import CATALOG, NO_VACUUM, Instances
from hubspot_platform.warehouse.duckdb_session import WRITER_THREADS, DuckDbSession, translate
from hubspot_platform.warehouse.errors import NothingPublished, WarehouseLocked, WarehouseUnreadable
from hubspot_platform.warehouse.lock import POLL_SECONDS, WAIT_SECONDS, exclusive
from hubspot_platform.warehouse.session import IDENTITY_TABLE

_HEADERS = 3 * 4096  # the file's main header and its two database headers; every checkpoint rewrites one of these
_VACUUM = 100
_SHARE_OF_PUBLISHING = 0.05  # of a run's time, at most; the state is published when the run ends in any case


class DuckDbWarehouse:
    """See `Warehouse`. Threads may share it; each process keeps idle DuckDB instances, without an open file."""

    dialect: Literal["duckdb", "postgres"] = "duckdb"

    def __init__(
        self, path: Path, *, memory_limit: str = "500MB", threads: int = 2, lock_wait: float = WAIT_SECONDS
    ) -> None:
        self.path = path.resolve()
        self.published = self.path.with_name(f"{self.path.stem}.published{self.path.suffix}")
        self._lock = self.path.with_name(self.path.name + ".lock")
        self._publish_lock = self.path.with_name(self.path.name + ".publish.lock")
        self._lock_wait = lock_wait
        self._threads = threads
        spill = self.path.with_name(self.path.name + ".tmp")
        options: dict[str, str | bool | int] = {
            "memory_limit": memory_limit,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        self._pending = False
        self._next_publication = 0.0  # of `publish_soon`, by the monotonic clock
        self._writers = Instances(spill, options, WRITER_THREADS)
        self._readers = Instances(spill, options, threads)

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
        if self._pending or not self.published.exists():
            self.publish()
        # An instance of its own that attaches the file: in an instance that another reader of this process uses, the
        # file's name would stand for that reader's open database, and so for its old copy.
        with self._readers.connection() as connection:
            try:
                _attach(connection, self.published, read_only=True)
            except WarehouseUnreadable as error:
                mend = f"remove {self.published.name}; it is made again from the warehouse"
                raise WarehouseUnreadable("the published copy is damaged", mend=mend) from error
            yield DuckDbSession(connection, threads=self._threads)

    def publish(self) -> bool:
        """See `Warehouse.publish`. Writers wait only while the file is copied, not while the copy reaches the disk."""
        put_off, self._pending = self._pending, False  # before the copy: what is written meanwhile is put off anew
        began = time.monotonic()
        try:
            published = self._copy()
        except BaseException:
            self._pending = put_off
            raise
        if published:
            ended = time.monotonic()
            self._next_publication = ended + (ended - began) / _SHARE_OF_PUBLISHING
        return published

    def _copy(self) -> bool:
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

    def publish_soon(self) -> None:
        """See `Warehouse.publish_soon`: copying the file after each of many tables would take most of a run."""
        self._pending = True
        if time.monotonic() >= self._next_publication:
            self.publish()

    def settle(self) -> None:
        """See `Warehouse.settle`."""
        if self._pending:
            self.publish()

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
                session.execute(f"set global max_vacuum_tasks = {NO_VACUUM}")

    def identity(self) -> str:
        """See `Warehouse.identity`."""
        with self.writer() as session:
            return session.identity()

    @contextmanager
    def _open(self, deadline: float) -> Iterator[DuckDbSession]:
        """Open the file read-write; the caller holds the lock. Whatever happens, the file is closed afterwards."""
        with self._writers.connection() as connection:
            self._attach_for_writing(connection, deadline)
            session = DuckDbSession(connection, threads=self._threads)
            _prepare(session)
            yield session

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
        connection.execute(f"attach '{name}' as {CATALOG} (type duckdb{', read_only' if read_only else ''})")
        connection.execute(f"use {CATALOG}")
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
