"""Leases with fencing tokens: one holder of a name at a time, across processes and hosts.

A sync holds the lease of its object while it runs; whoever writes on its strength calls `verify` in the same
transaction. A crashed holder's lease expires by itself; its token then no longer verifies.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert  # SQLite understands its ON CONFLICT as well

from hubspot_platform.state.errors import LeaseBusy, LeaseLost, StateError
from hubspot_platform.state.holders import is_gone
from hubspot_platform.state.schema import lock
from hubspot_platform.state.store import Store, database_now

_POLL_SECONDS = 0.1
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lease:
    """A holder's right to a name; `token` is larger than every earlier holder's."""

    name: str
    holder: str
    token: int
    expires_at: datetime
    lost: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)
    """Set by `held` when the renewal found the lease gone; long work may stop early on it."""


def try_acquire(store: Store, name: str, holder: str, ttl: timedelta) -> Lease | None:
    """Take the lease for `ttl` when it is free, expired or of a dead process here; None when somebody holds it.

    A holder is one run, not one program: asking again with the same holder's name does not share the lease.
    """
    return store.write(lambda conn: _take(conn, name, holder, ttl))


def renew(store: Store, lease: Lease, ttl: timedelta) -> Lease:
    """Keep the lease for `ttl` from now; LeaseLost when it went to somebody else."""

    def extend(conn: sa.Connection) -> Lease:
        now = database_now(conn)
        mine = _mine(lease)
        changed = conn.execute(sa.update(lock).where(mine).values(renewed_at=now, expires_at=now + ttl))
        if changed.rowcount == 0:
            raise LeaseLost(lease.name, lease.token)
        return replace(lease, expires_at=now + ttl)

    return store.write(extend)


def release(store: Store, lease: Lease) -> None:
    """Give the lease back; nothing happens when it is no longer ours."""

    def free(conn: sa.Connection) -> None:
        conn.execute(sa.update(lock).where(_mine(lease)).values(holder=None, expires_at=database_now(conn)))

    store.write(free)


def verify(conn: sa.Connection, lease: Lease) -> None:
    """Check that nobody took the lease since, and keep it so until this transaction ends; LeaseLost.

    An expired lease nobody took still verifies: the row is locked, so no clock can let a second holder in
    between.
    """
    if conn.execute(sa.select(lock.c.token).where(_mine(lease)).with_for_update()).first() is None:
        raise LeaseLost(lease.name, lease.token)


@contextmanager
def held(store: Store, name: str, *, holder: str, ttl: timedelta, wait: timedelta = timedelta(0)) -> Iterator[Lease]:
    """Hold the lease for the block, renewed in the background; LeaseBusy when it stays taken for `wait`.

    LeaseLost at the end of a block that outlived its lease: another process may have worked at the same time.
    """
    lease = _acquire_within(store, name, holder, ttl, wait)
    done = threading.Event()
    renewal = threading.Thread(target=_keep_renewed, args=(store, lease, ttl, done), name=f"lease-{name}", daemon=True)
    renewal.start()
    try:
        yield lease
    finally:
        done.set()
        renewal.join()
        release(store, lease)
    if lease.lost.is_set():
        raise LeaseLost(lease.name, lease.token)


def _acquire_within(store: Store, name: str, holder: str, ttl: timedelta, wait: timedelta) -> Lease:
    deadline = time.monotonic() + wait.total_seconds()
    pause = threading.Event()
    while True:
        lease = try_acquire(store, name, holder, ttl)
        if lease is not None:
            return lease
        left = deadline - time.monotonic()
        if left <= 0:
            raise store.read(lambda conn: _busy(conn, name))
        pause.wait(min(_POLL_SECONDS, left))


def _busy(conn: sa.Connection, name: str) -> LeaseBusy:
    row = conn.execute(sa.select(lock.c.holder, lock.c.expires_at).where(lock.c.name == name)).one()
    return LeaseBusy(name, row.holder or "a run that just ended", row.expires_at)


def _keep_renewed(store: Store, lease: Lease, ttl: timedelta, done: threading.Event) -> None:
    """Renew at a third of the time until `done`; a store that fails for a moment is asked again."""
    while not done.wait(ttl.total_seconds() / 3):
        try:
            renew(store, lease, ttl)
        except LeaseLost:
            lease.lost.set()
            _log.warning("lease %r of %s was lost while it was held", lease.name, lease.holder)
            return
        except (StateError, sa.exc.SQLAlchemyError) as error:
            _log.warning("lease %r could not be renewed and is tried again: %s", lease.name, error)


def _take(conn: sa.Connection, name: str, holder: str, ttl: timedelta) -> Lease | None:
    now = database_now(conn)
    unheld = {"name": name, "token": 0, "renewed_at": now, "expires_at": now}
    conn.execute(insert(lock).values(unheld).on_conflict_do_nothing())
    row = conn.execute(sa.select(lock).where(lock.c.name == name).with_for_update()).one()
    now = database_now(conn)  # again: waiting for the row may have taken a while
    held_by_another = row.holder is not None and not is_gone(row.holder)
    if held_by_another and row.renewed_at > now:
        # the clock was set back: the lease ends its own span from now, not from a time that may be hours away
        expires_at = now + (row.expires_at - row.renewed_at)
        conn.execute(sa.update(lock).where(lock.c.name == name).values(renewed_at=now, expires_at=expires_at))
        return None
    if held_by_another and row.expires_at > now:
        return None
    lease = Lease(name, holder, row.token + 1, now + ttl)
    conn.execute(
        sa.update(lock)
        .where(lock.c.name == name)
        .values(holder=holder, token=lease.token, renewed_at=now, expires_at=lease.expires_at)
    )
    return lease


def _mine(lease: Lease) -> sa.ColumnElement[bool]:
    return sa.and_(lock.c.name == lease.name, lock.c.token == lease.token, lock.c.holder == lease.holder)
