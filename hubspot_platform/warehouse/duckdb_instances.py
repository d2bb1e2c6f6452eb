"""Idle DuckDB instances of one process, so that opening the file costs an attach instead of a start.

`warehouse.duckdb` keeps one for its writer and one for its readers: starting DuckDB takes 30 ms of processor time,
attaching a file 2.
"""

import ctypes
import os
import shutil
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb

CATALOG = "warehouse_file"
# Each merge is committed straight into the file once it is larger than this, instead of to the log and then again.
_CHECKPOINT = "1MB"
# Joining small row groups at every checkpoint rewrites a table many times during one full read (measured: 3x the
# processor time); `DuckDbWarehouse.compact` does it once.
NO_VACUUM = 0
# Bytes: longer texts are compressed, which by default only those of 4,096 are. Records as HubSpot sent them are most of
# a mirror and become a quarter; writing them takes no longer, and every publication copies the file.
_COMPRESSED_FROM = 512
# DuckDB's allocator keeps up to 128 MB per thread for itself, which in a long sync becomes twice the process.
_KEPT_FREE = "4MB"

# What an instance keeps of each file it had open adds up to a megabyte a session; a new one begins with nothing.
_LENDINGS = 25

# Above this, glibc gives memory back as soon as it is freed; left alone, it raises the bound to 32 MB, and what the
# threads of DuckDB free stays with the process.
_KEPT_BY_MALLOC = 1 << 20
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

# A forked process inherits the instances but not their threads: closing one there would wait for them for ever.
_left_to_parent: list[duckdb.DuckDBPyConnection] = []


@dataclass
class _Instance:
    """An instance, the process that started it, and how often it was lent."""

    process: int
    root: duckdb.DuckDBPyConnection
    lendings: int = 0


class Instances:
    """Instances of DuckDB without an open file, one of which stays when nobody uses it. Threads may share this."""

    def __init__(self, spill: Path, options: Mapping[str, str | bool | int], threads: int) -> None:
        self._spill = spill
        self._options = {**options, "threads": threads}
        self._idle: _Instance | None = None
        self._guard = threading.Lock()

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a connection to an instance that nobody else uses; the file attached to it is closed afterwards."""
        instance = self._take() or self._start()
        clean = False
        try:
            with instance.root.cursor() as connection:
                connection.execute("set TimeZone = 'UTC'")
                try:
                    yield connection
                finally:
                    clean = _detach(connection)
        finally:
            instance.lendings += 1
            if not (clean and self._put_back(instance)):
                instance.root.close()

    def _take(self) -> "_Instance | None":
        with self._guard:
            idle, self._idle = self._idle, None
        if idle is not None and idle.process != os.getpid():
            _left_to_parent.append(idle.root)
            return None
        return idle

    def _put_back(self, instance: "_Instance") -> bool:
        with self._guard:
            if self._idle is None and instance.lendings < _LENDINGS:
                self._idle = instance
                return True
            return False

    def _start(self) -> "_Instance":
        _give_memory_back()
        # Every instance spills into a folder of its own: two in one folder would use the same file names.
        self._spill.mkdir(parents=True, exist_ok=True)
        self._remove_orphaned_spill()
        spill = self._spill / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        instance = duckdb.connect(":memory:", config={**self._options, "temp_directory": str(spill)})
        instance.execute(
            f"set global max_vacuum_tasks = {NO_VACUUM}; "
            f"set global checkpoint_threshold = '{_CHECKPOINT}'; "
            f"set global zstd_min_string_length = {_COMPRESSED_FROM}; "
            f"set global allocator_flush_threshold = '{_KEPT_FREE}'; "
            f"set global allocator_bulk_deallocation_flush_threshold = '{_KEPT_FREE}'"
        )
        return _Instance(os.getpid(), instance)

    def _remove_orphaned_spill(self) -> None:
        for folder in self._spill.glob("*-*"):
            try:
                os.kill(int(folder.name.partition("-")[0]), 0)
            except ProcessLookupError:
                shutil.rmtree(folder, ignore_errors=True)
            except (PermissionError, ValueError):
                continue


@cache
def _give_memory_back() -> None:
    """Bound what the C library keeps of freed memory, where it is glibc; once a process."""
    with suppress(AttributeError, OSError):
        allocator = ctypes.CDLL(None)
        for option in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
            allocator.mallopt(option, _KEPT_BY_MALLOC)


def _detach(connection: duckdb.DuckDBPyConnection) -> bool:
    """Close the file; False when only closing the whole instance can do it."""
    with suppress(duckdb.Error):  # there is a transaction to undo only when the session's work raised
        connection.execute("rollback")
    try:
        connection.execute(f"use memory; detach {CATALOG}")
    except duckdb.Error:
        return False
    return True
