"""The topics of the platform: events that happened, kept in the order in which they were published.

Publishers write here, subscribers read by position; each has a cursor a topic, moved after its work is durable, so an
event comes at least once. An event is prepared before the rows it tells of are written and published after: whoever is
killed between does both again, and the dedupe key makes that one event. `topics.catalogue` says who subscribes to what.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert  # SQLite understands its ON CONFLICT as well

from hubspot_platform.state.schema import ROW_ID, Json, UtcTimestamp, metadata
from hubspot_platform.state.store import database_now

_PENDING = sa.text("published_at is null")

topic = sa.Table(
    "topic",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("last_position", sa.BigInteger, nullable=False),
)
"""One row a topic, locked while it is published to: so positions become visible in their order, without gaps."""

topic_event = sa.Table(
    "topic_event",
    metadata,
    sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("payload", Json, nullable=False),
    sa.Column("dedupe_key", sa.Text, nullable=False, unique=True),
    sa.Column("prepared_at", UtcTimestamp, nullable=False),
    sa.Column("published_at", UtcTimestamp, nullable=True),
    sa.Column("position", sa.BigInteger, nullable=True),
    sa.Index("uq_topic_event_position", "topic", "position", unique=True),
    sa.Index("ix_topic_event_pending", "topic", sqlite_where=_PENDING, postgresql_where=_PENDING),
    sa.Index("ix_topic_event_prepared_at", "prepared_at"),
)
"""Events; `position` counts from 1 within a topic and is null until the event is published."""

topic_cursor = sa.Table(
    "topic_cursor",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("subscriber", sa.Text, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("missed", sa.BigInteger, nullable=False),
    sa.Column("moved_at", UtcTimestamp, nullable=False),
)
"""How far each subscriber has come; without a row it is at 0. `missed` events were deleted before it read them."""

_KEYS_A_STATEMENT = 5_000
MOST_READ = 10_000
"""The most events one read returns, whatever limit it is given."""


@dataclass(frozen=True)
class Event:
    """One event: `key` names what it is about, `dedupe_key` the happening itself, once for ever."""

    topic: str
    key: str
    payload: Mapping[str, Any]
    dedupe_key: str


@dataclass(frozen=True)
class PendingEvent:
    """One event that was prepared and not published yet."""

    id: int
    key: str
    dedupe_key: str


@dataclass(frozen=True)
class PublishedEvent:
    """One event as a subscriber reads it."""

    position: int
    key: str
    payload: Mapping[str, Any]
    published_at: datetime
    dedupe_key: str


def prepare(conn: sa.Connection, events: Sequence[Event], now: datetime) -> None:
    """Note events that are about to happen; one whose dedupe key is there already is left out."""
    for name in sorted({event.topic for event in events}):
        _hold(conn, name)  # whoever announces the same events at this moment sees them afterwards
    if events:
        rows = [_row(event, now) for event in events]
        conn.execute(insert(topic_event).on_conflict_do_nothing(index_elements=["dedupe_key"]), rows)


def _row(event: Event, now: datetime) -> dict[str, Any]:
    return {
        "topic": event.topic,
        "key": event.key,
        "payload": dict(event.payload),
        "dedupe_key": event.dedupe_key,
        "prepared_at": now,
    }


def pending(conn: sa.Connection, name: str) -> list[PendingEvent]:
    """Return the events of a topic that are not published, as they were prepared."""
    query = (
        sa.select(topic_event.c.id, topic_event.c.key, topic_event.c.dedupe_key)
        .where(topic_event.c.topic == name, topic_event.c.published_at.is_(None))
        .order_by(topic_event.c.id)
    )
    return [PendingEvent(row.id, row.key, row.dedupe_key) for row in conn.execute(query)]


def publish(conn: sa.Connection, name: str, dedupe_keys: Collection[str], now: datetime) -> int:
    """Publish the prepared events of a topic with these dedupe keys and return how many were not published before."""
    wanted = set(dedupe_keys)
    last = _hold(conn, name)
    ids = [event.id for event in pending(conn, name) if event.dedupe_key in wanted]
    if not ids:
        return 0
    conn.execute(
        sa.update(topic_event)
        .where(topic_event.c.id == sa.bindparam("event_id"))
        .values(position=sa.bindparam("at"), published_at=now),
        [{"event_id": event_id, "at": at} for at, event_id in enumerate(ids, start=last + 1)],
    )
    conn.execute(sa.update(topic).where(topic.c.name == name).values(last_position=last + len(ids)))
    return len(ids)


def _hold(conn: sa.Connection, name: str) -> int:
    """Keep others from publishing to the topic until the transaction ends, and return its last position."""
    conn.execute(insert(topic).values(name=name, last_position=0).on_conflict_do_nothing(index_elements=["name"]))
    held = sa.select(topic.c.last_position).where(topic.c.name == name).with_for_update()
    return int(conn.execute(held).scalar_one())


def announce(conn: sa.Connection, events: Sequence[Event], now: datetime) -> int:
    """Prepare and publish events at once, for rows that are durable already; returns how many are new."""
    by_topic: dict[str, dict[str, Event]] = {}
    for event in events:
        by_topic.setdefault(event.topic, {}).setdefault(event.dedupe_key, event)
    # Topics are locked in one order by everybody, so that two publishers never wait for each other.
    return sum(_announce(conn, name, by_topic[name], now) for name in sorted(by_topic))


def _announce(conn: sa.Connection, name: str, events: Mapping[str, Event], now: datetime) -> int:
    """Insert the events nobody knows as published ones, and publish those that were prepared before."""
    last = _hold(conn, name)
    known = _published(conn, list(events))
    rows = [
        _row(event, now) | {"published_at": now, "position": position}
        for position, event in enumerate((e for key, e in events.items() if key not in known), start=last + 1)
    ]
    if rows:
        conn.execute(sa.insert(topic_event), rows)
        conn.execute(sa.update(topic).where(topic.c.name == name).values(last_position=last + len(rows)))
    prepared = [key for key, published in known.items() if not published]
    return len(rows) + (publish(conn, name, prepared, now) if prepared else 0)


def _published(conn: sa.Connection, dedupe_keys: Sequence[str]) -> dict[str, bool]:
    """Return of each key that is there whether its event is published."""
    found: dict[str, bool] = {}
    c = topic_event.c
    for start in range(0, len(dedupe_keys), _KEYS_A_STATEMENT):
        query = sa.select(c.dedupe_key, c.published_at.is_not(None).label("published")).where(
            c.dedupe_key.in_(dedupe_keys[start : start + _KEYS_A_STATEMENT])
        )
        found |= {row.dedupe_key: bool(row.published) for row in conn.execute(query)}
    return found


def read_after(conn: sa.Connection, name: str, position: int, limit: int = 500) -> list[PublishedEvent]:
    """Return the next events of a topic after a position, in order, at most `MOST_READ`."""
    query = (
        sa.select(topic_event)
        .where(topic_event.c.topic == name, topic_event.c.position > position)
        .order_by(topic_event.c.position)
        .limit(min(limit, MOST_READ))
    )
    return [
        PublishedEvent(row.position, row.key, row.payload, row.published_at, row.dedupe_key)
        for row in conn.execute(query)
    ]


def read(conn: sa.Connection, name: str, subscriber: str, limit: int = 500) -> list[PublishedEvent]:
    """Return the events a subscriber has not acknowledged, oldest first; the same ones until it does."""
    return read_after(conn, name, _cursor(conn, name, subscriber).position, limit)


def acknowledge(conn: sa.Connection, name: str, subscriber: str, position: int, now: datetime) -> bool:
    """Note that a subscriber is done with everything up to a position; False when it was there before.

    A cursor never goes back: one who comes late with an older position changes nothing.
    """
    row = {"topic": name, "subscriber": subscriber, "position": position, "missed": 0, "moved_at": now}
    statement = insert(topic_cursor).values(row)
    moved = statement.on_conflict_do_update(
        index_elements=["topic", "subscriber"],
        set_={"position": statement.excluded.position, "moved_at": statement.excluded.moved_at},
        where=topic_cursor.c.position < statement.excluded.position,
    )
    return conn.execute(moved.returning(topic_cursor.c.position)).first() is not None


def forget(conn: sa.Connection, keys: Collection[str]) -> int:
    """Delete every event about these keys (in lower case), read or not, for a privacy deletion; returns how many."""
    return conn.execute(sa.delete(topic_event).where(sa.func.lower(topic_event.c.key).in_(keys))).rowcount


@dataclass(frozen=True)
class Backlog:
    """What a subscriber has not read of a topic; `missed` events were deleted before it did."""

    topic: str
    subscriber: str
    waiting: int
    oldest_at: datetime | None
    missed: int


@dataclass(frozen=True)
class _Cursor:
    position: int = 0
    missed: int = 0


def _cursor(conn: sa.Connection, name: str, subscriber: str) -> _Cursor:
    query = sa.select(topic_cursor.c.position, topic_cursor.c.missed).where(
        topic_cursor.c.topic == name, topic_cursor.c.subscriber == subscriber
    )
    row = conn.execute(query).one_or_none()
    return _Cursor(row.position, row.missed) if row else _Cursor()


def backlogs(conn: sa.Connection, subscriptions: Sequence[tuple[str, str]]) -> list[Backlog]:
    """Return what waits for each pair of topic and subscriber, also for those that never read."""
    return [_backlog(conn, name, subscriber) for name, subscriber in subscriptions]


def _backlog(conn: sa.Connection, name: str, subscriber: str) -> Backlog:
    """Count by positions, which have no gaps after the first event that is still there: one look-up, however many."""
    at = _cursor(conn, name, subscriber)
    last = conn.execute(sa.select(topic.c.last_position).where(topic.c.name == name)).scalar()
    first = conn.execute(
        sa.select(topic_event.c.position, topic_event.c.published_at)
        .where(topic_event.c.topic == name, topic_event.c.position > at.position)
        .order_by(topic_event.c.position)
        .limit(1)
    ).one_or_none()
    if first is None or last is None:
        return Backlog(name, subscriber, 0, None, at.missed)
    return Backlog(name, subscriber, last - first.position + 1, first.published_at, at.missed)


@dataclass(frozen=True)
class Pruned:
    """What a clean-up deleted: events everybody had read, prepared ones given up, and those somebody missed."""

    read: int = 0
    given_up: int = 0
    missed: int = 0


def prune(
    conn: sa.Connection,
    before: datetime,
    *,
    subscriptions: Sequence[tuple[str, str]] = (),
    unread_before: datetime | None = None,
) -> Pruned:
    """Delete events older than an instant that every subscriber has read, or that were never published.

    What a subscriber of `subscriptions` has not read stays until `unread_before` (for ever without one); what goes
    then is counted as missed on its cursor.
    """
    never = sa.delete(topic_event).where(topic_event.c.prepared_at < before, topic_event.c.position.is_(None))
    given_up = conn.execute(never).rowcount
    read = missed = 0
    for name in conn.scalars(sa.select(topic.c.name).order_by(topic.c.name)).all():
        readers = sorted(subscriber for of, subscriber in subscriptions if of == name)
        if unread_before and readers:
            missed += _skip_unread(conn, name, readers, unread_before)
        gone = sa.delete(topic_event).where(topic_event.c.topic == name, topic_event.c.published_at < before)
        if readers:
            gone = gone.where(topic_event.c.position <= _slowest(conn, name, readers))
        read += conn.execute(gone).rowcount
    return Pruned(read, given_up, missed)


def _slowest(conn: sa.Connection, name: str, readers: Sequence[str]) -> int:
    return min(_cursor(conn, name, subscriber).position for subscriber in readers)


def _skip_unread(conn: sa.Connection, name: str, readers: Sequence[str], unread_before: datetime) -> int:
    """Delete what is too old though somebody has not read it, count it on their cursors; returns how many events."""
    too_old = sa.select(sa.func.max(topic_event.c.position)).where(
        topic_event.c.topic == name, topic_event.c.published_at < unread_before
    )
    last = conn.execute(too_old).scalar_one()
    slowest = _slowest(conn, name, readers)
    if last is None or last <= slowest:
        return 0
    for subscriber in readers:
        position = _cursor(conn, name, subscriber).position
        missed = conn.execute(sa.select(sa.func.count()).select_from(topic_event).where(_span(name, position, last)))
        if acknowledge(conn, name, subscriber, last, database_now(conn)):
            counted = sa.update(topic_cursor).values(missed=topic_cursor.c.missed + missed.scalar_one())
            conn.execute(counted.where(topic_cursor.c.topic == name, topic_cursor.c.subscriber == subscriber))
    return conn.execute(sa.delete(topic_event).where(_span(name, slowest, last))).rowcount


def _span(name: str, after: int, last: int) -> sa.ColumnElement[bool]:
    return sa.and_(topic_event.c.topic == name, topic_event.c.position > after, topic_event.c.position <= last)
