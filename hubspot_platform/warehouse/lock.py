"""The inter-process lock around every read-write open of a DuckDB file.

DuckDB gives a file to one writing process and fails at once when it is taken. This lock makes processes, and threads
of one process, wait for each other for a bounded time and says who holds it; `warehouse/duckdb.py` is its only caller.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from hubspot_platform.warehouse.errors import WarehouseLocked

POLL_SECONDS = 0.01
WAIT_SECONDS = 60.0

_holding = threading.local()


@contextmanager
def exclusive(path: Path, *, wait: float = WAIT_SECONDS, poll: float = POLL_SECONDS) -> Iterator[float]:
    """Hold the lock file at `path`; yields the `time.monotonic()` value at which the caller's wait is used up.

    Raises WarehouseLocked with the holder's pid after `wait` seconds, and at once when this thread holds it already:
    the lock is not re-entrant, so waiting would never end.
    """
    deadline = time.monotonic() + wait
    held: set[Path] = _holding.__dict__.setdefault("paths", set())
    if path in held:
        raise _locked(path, os.getpid(), "this thread holds it already", mend="close the open writer first")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=wait, poll_interval=poll)
    except Timeout as error:
        raise _locked(path, holder(path), f"waited {wait:g} s") from error
    held.add(path)
    try:
        _sidecar(path).write_text(str(os.getpid()))
        yield deadline
    finally:
        held.discard(path)
        with suppress(FileNotFoundError):
            _sidecar(path).unlink()
        lock.release()


def holder(path: Path) -> int | None:
    """Return the pid of the process that holds the lock file, None when it left no note."""
    try:
        return int(_sidecar(path).read_text())
    except (FileNotFoundError, ValueError):
        return None


def _sidecar(path: Path) -> Path:
    # The lock file itself stays empty: on some systems it cannot be read while it is locked.
    return path.with_name(path.name + ".holder")


def _locked(path: Path, pid: int | None, why: str, mend: str = "") -> WarehouseLocked:
    who = f"process {pid}" if pid else "another process"
    return WarehouseLocked(
        f"the warehouse is locked by {who} ({path.name}): {why}; nothing was written",
        holder_pid=pid,
        mend=mend or f"try again, or see what {who} is doing",
    )
