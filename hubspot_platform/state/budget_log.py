"""The rate budget's rows: the sliding log, the pause after a 429, and who waits.

Called by `budget.RateBudget` only, one short transaction a turn. The gate row of a bucket is locked first, so
that turns of all processes follow one another; times are the store's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert  # SQLite understands its ON CONFLICT as well

from hubspot_platform.lanes import Bucket, Lane
from hubspot_platform.state.budget_plan import Asker, Rule, Stamp, plan
from hubspot_platform.state.schema import api_gate, api_waiter, api_window
from hubspot_platform.state.store import database_now

_GRACE = timedelta(seconds=1)
"""How long after its turn a silent process keeps its place."""


@dataclass(frozen=True)
class Request:
    """What one process wants of a bucket: permits by lane, and when it last got some."""

    process: str
    bucket: Bucket
    wanted: Mapping[Lane, int]
    served_at: datetime | None


@dataclass(frozen=True)
class Answer:
    """The permits given at `at`, by lane, and what follows from them.

    `row` is their place in the log; ask again for the rest after `again_in` seconds (None = there is no
    rest); `listed` says whether the process' name is on the waiting list now.
    """

    granted: dict[Lane, int]
    at: datetime
    row: int | None
    again_in: float | None
    listed: bool


def take(conn: sa.Connection, request: Request, rule: Rule) -> Answer:
    """Take what is due to the process now and leave its name for the rest."""
    stored = _lock_gate(conn, request.bucket)
    now = database_now(conn)
    paused_until = _end_of_pause(conn, request.bucket, stored, now)
    if paused_until is not None:
        return Answer({}, now, None, (paused_until - now).total_seconds(), listed=True)
    log = _current_log(conn, request.bucket, now, rule.span)
    others, was_waiting = _others(conn, request, now, rule.span)
    served_at = _not_after(request.served_at, now)
    mine = [Asker(request.process, lane, n, served_at) for lane, n in request.wanted.items()]
    decision = plan(request.process, [*others, *mine], log, now, rule)
    row = _stamp(conn, request.bucket, now, sum(decision.granted.values()))
    if was_waiting:
        conn.execute(sa.delete(api_waiter).where(_own(request)))
    if decision.again_at is None:
        return Answer(decision.granted, now, row, None, listed=False)
    conn.execute(
        sa.insert(api_waiter),
        [
            {
                "process": request.process,
                "bucket": request.bucket.value,
                "lane": int(lane),
                "wanted": wanted - decision.granted.get(lane, 0),
                "served_at": now if decision.granted else served_at,
                "expires_at": decision.again_at + _GRACE,
            }
            for lane, wanted in request.wanted.items()
            if wanted > decision.granted.get(lane, 0)
        ],
    )
    return Answer(decision.granted, now, row, (decision.again_at - now).total_seconds(), listed=True)


def restamp(conn: sa.Connection, bucket: Bucket, rows: Mapping[int, float]) -> None:
    """Move stamps by the seconds their calls were sent late: the limit counts calls, not permits."""
    _lock_gate(conn, bucket)
    for row, late in rows.items():
        stamped = conn.execute(sa.select(api_window.c.at).where(api_window.c.id == row)).scalar_one_or_none()
        if stamped is not None:
            moved = stamped + timedelta(seconds=late)
            conn.execute(sa.update(api_window).where(api_window.c.id == row).values(at=moved))


def pause(conn: sa.Connection, bucket: Bucket, seconds: float) -> None:
    """Give nobody a permit of this bucket for `seconds`; a longer pause that runs already stays."""
    paused_until = _lock_gate(conn, bucket)
    now = database_now(conn)
    until = now + timedelta(seconds=seconds)
    if paused_until is None or paused_until[1] < until or paused_until[0] > now:
        conn.execute(
            sa.update(api_gate).where(api_gate.c.bucket == bucket.value).values(paused_at=now, paused_until=until)
        )


def pauses(conn: sa.Connection) -> dict[Bucket, float]:
    """Return the seconds each paused bucket stays paused."""
    now = database_now(conn)
    rows = conn.execute(sa.select(api_gate).where(api_gate.c.paused_until > now)).all()
    return {Bucket(row.bucket): _left(row.paused_at, row.paused_until, now) for row in rows}


def leave(conn: sa.Connection, process: str, bucket: Bucket | None = None) -> None:
    """Take the process' name off the waiting list, of one bucket or of all."""
    mine = api_waiter.c.process == process
    conn.execute(sa.delete(api_waiter).where(mine if bucket is None else mine & (api_waiter.c.bucket == bucket.value)))


def _lock_gate(conn: sa.Connection, bucket: Bucket) -> tuple[datetime, datetime] | None:
    """Wait for our turn; returns when the bucket's last pause began and ends."""
    query = sa.select(api_gate).where(api_gate.c.bucket == bucket.value).with_for_update()
    row = conn.execute(query).first()
    if row is None:
        conn.execute(insert(api_gate).values(bucket=bucket.value).on_conflict_do_nothing())
        row = conn.execute(query).one()
    return None if row.paused_until is None else (row.paused_at, row.paused_until)


def _end_of_pause(
    conn: sa.Connection, bucket: Bucket, stored: tuple[datetime, datetime] | None, now: datetime
) -> datetime | None:
    """Return the end of a pause that still runs; one from the future (clock set back) starts over now."""
    if stored is None or stored[1] <= now:
        return None
    if stored[0] <= now:
        return stored[1]
    until = now + (stored[1] - stored[0])
    conn.execute(sa.update(api_gate).where(api_gate.c.bucket == bucket.value).values(paused_at=now, paused_until=until))
    return until


def _left(paused_at: datetime, paused_until: datetime, now: datetime) -> float:
    return (paused_until - max(paused_at, now)).total_seconds()


def _current_log(conn: sa.Connection, bucket: Bucket, now: datetime, span: timedelta) -> list[Stamp]:
    """Return the stamps of the last `span`; older ones are deleted, those of the future count as now."""
    rows = conn.execute(sa.select(api_window).where(api_window.c.bucket == bucket.value)).all()
    if any(row.at <= now - span for row in rows):
        conn.execute(sa.delete(api_window).where(api_window.c.bucket == bucket.value, api_window.c.at <= now - span))
    if any(row.at > now for row in rows):
        conn.execute(
            sa.update(api_window).where(api_window.c.bucket == bucket.value, api_window.c.at > now).values(at=now)
        )
    return [Stamp(min(row.at, now), row.n) for row in rows if row.at > now - span]


def _others(conn: sa.Connection, request: Request, now: datetime, span: timedelta) -> tuple[list[Asker], bool]:
    """Return the other processes that wait, and whether this one is on the list."""
    rows = conn.execute(sa.select(api_waiter).where(api_waiter.c.bucket == request.bucket.value)).all()
    alive = [row for row in rows if now < row.expires_at <= now + span + 2 * _GRACE]
    gone = {row.process for row in rows} - {row.process for row in alive} - {request.process}
    if gone:
        conn.execute(
            sa.delete(api_waiter).where(api_waiter.c.bucket == request.bucket.value, api_waiter.c.process.in_(gone))
        )
    others = [
        Asker(row.process, Lane(row.lane), row.wanted, _not_after(row.served_at, now))
        for row in alive
        if row.process != request.process
    ]
    return others, any(row.process == request.process for row in rows)


def _not_after(served_at: datetime | None, now: datetime) -> datetime | None:
    """After a clock was set back, nobody is last in turn until it catches up."""
    return None if served_at is None else min(served_at, now)


def _stamp(conn: sa.Connection, bucket: Bucket, now: datetime, n: int) -> int | None:
    if n == 0:
        return None
    row = {"bucket": bucket.value, "at": now, "n": n}
    return int(conn.execute(sa.insert(api_window).values(row).returning(api_window.c.id)).scalar_one())


def _own(request: Request) -> sa.ColumnElement[bool]:
    return sa.and_(api_waiter.c.process == request.process, api_waiter.c.bucket == request.bucket.value)
