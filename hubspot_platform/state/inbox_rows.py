"""Writing many events at once, as fast as each database takes them; `state.inbox.store_events` calls this.

At thousands of events a second the statement itself is what costs, so both engines get one that is prepared once:
SQLite inserts of 100, of 10 and of one row, PostgreSQL one insert from arrays.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

import sqlalchemy as sa

from hubspot_platform.state.inbox_table import webhook_event
from hubspot_platform.state.schema import OPS_SCHEMA

if TYPE_CHECKING:
    from hubspot_platform.state.inbox import NewEvent

_COLUMNS = (
    "source", "queue", "event_type", "object_key", "dedupe_key", "source_time", "received_at", "route", "body",
    "status", "attempts", "due_at", "reason", "finished_at", "deliveries", "last_delivered_at",
)  # fmt: skip
_TYPES = (
    "text", "text", "text", "text", "text", "timestamptz", "timestamptz", "text", "text",
    "text", "int", "timestamptz", "text", "timestamptz", "int", "timestamptz",
)  # fmt: skip
_NAMES = ", ".join(_COLUMNS)
_MARKS = f"({', '.join('?' * len(_COLUMNS))})"
_SQLITE = {
    size: f"insert into webhook_event ({_NAMES}) values {', '.join([_MARKS] * size)} "
    "on conflict (source, dedupe_key) do nothing"
    for size in (100, 10, 1)
}
"""Inserts by number of rows, largest first. One step for many rows also lets go of Python's lock only once."""

_POSTGRES = (
    f"insert into {OPS_SCHEMA}.webhook_event ({_NAMES}) "
    f"select * from unnest({', '.join(f'%s::{name}[]' for name in _TYPES)}) "
    "on conflict (source, dedupe_key) do nothing returning source, dedupe_key"
)

Key = tuple[str, str]


def insert_rows(conn: sa.Connection, events: Sequence["NewEvent"], now: datetime) -> list[Key]:
    """Insert events and return (source, dedupe key) of those that were there already, as often as they came."""
    if not events:
        return []
    if conn.dialect.name == "sqlite":
        return _insert_sqlite(conn, events, now)
    rows = [_row(event, event.source_time, now) for event in sorted(events, key=lambda e: (e.source, e.dedupe_key))]
    # sorted, so that two deliveries with the same events wait for each other instead of locking each other out
    result = conn.exec_driver_sql(_POSTGRES, tuple(list(column) for column in zip(*rows, strict=True)))
    return _without({(source, key) for source, key in result}, events)


def _insert_sqlite(conn: sa.Connection, events: Sequence["NewEvent"], now: datetime) -> list[Key]:
    stamp = _sqlite_time(now)
    rows = [_row(event, event.source_time and _sqlite_time(event.source_time), stamp) for event in events]
    stored = 0
    for start, size in _parts(len(rows)):
        values = tuple(chain.from_iterable(rows[start : start + size]))
        stored += conn.exec_driver_sql(_SQLITE[size], values).rowcount
    if stored == len(rows):
        return []
    # nobody else writes meanwhile, so what was just stored are the highest ids
    c = webhook_event.c
    new = conn.execute(sa.select(c.source, c.dedupe_key).order_by(c.id.desc()).limit(stored))
    return _without({(source, key) for source, key in new}, events)


def _parts(count: int) -> Iterator[tuple[int, int]]:
    """Cut so many rows into the sizes there are statements for: where each part starts, and its size."""
    start = 0
    for size in _SQLITE:
        while count - start >= size:
            yield start, size
            start += size


def _sqlite_time(moment: datetime) -> str:
    """Return a time as `UtcTimestamp` keeps it in SQLite."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _without(new: set[Key], events: Sequence["NewEvent"]) -> list[Key]:
    """Return the keys of events that made no row; of one that came twice in a delivery the second did not."""
    repeated: list[Key] = []
    for event in events:
        key: Key = (event.source, event.dedupe_key)
        if key in new:
            new.discard(key)
        else:
            repeated.append(key)
    return repeated


def note_repeated(conn: sa.Connection, keys: Sequence[Key], now: datetime) -> None:
    """Count one more delivery of events that are stored."""
    c = webhook_event.c
    conn.execute(
        sa.update(webhook_event)
        .where(c.source == sa.bindparam("of_source"), c.dedupe_key == sa.bindparam("of_key"))
        .values(deliveries=c.deliveries + 1, last_delivered_at=now),
        [{"of_source": source, "of_key": key} for source, key in sorted(keys)],
    )


def _row(event: "NewEvent", source_time: object, now: object) -> tuple[object, ...]:
    finished = None if event.status == "ready" else now
    return (
        event.source, event.queue, event.event_type, event.object_key, event.dedupe_key, source_time, now, event.route,
        event.body.decode(), event.status, 0, now, event.reason, finished, 1, now,
    )  # fmt: skip
