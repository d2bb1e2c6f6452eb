"""The topics of the platform: events that happened, kept in the order in which they were published.

`mirror.publishing` and later publishers write here; subscribers read by position and remember theirs. An event is
prepared before the rows it tells of are written and published after: whoever is killed between does both again, and
the dedupe key makes that one event.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert  # SQLite understands its ON CONFLICT as well

from hubspot_platform.state.schema import ROW_ID, Json, UtcTimestamp, metadata

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


def prepare(conn: sa.Connection, events: Sequence[Event], now: datetime) -> None:
    """Note events that are about to happen; one whose dedupe key is there already is left out."""
    if not events:
        return
    rows = [
        {"topic": e.topic, "key": e.key, "payload": dict(e.payload), "dedupe_key": e.dedupe_key, "prepared_at": now}
        for e in events
    ]
    conn.execute(insert(topic_event).on_conflict_do_nothing(index_elements=["dedupe_key"]), rows)


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


def read_after(conn: sa.Connection, name: str, position: int, limit: int = 500) -> list[PublishedEvent]:
    """Return the next events of a topic after a position, in order."""
    query = (
        sa.select(topic_event)
        .where(topic_event.c.topic == name, topic_event.c.position > position)
        .order_by(topic_event.c.position)
        .limit(limit)
    )
    return [PublishedEvent(row.position, row.key, row.payload, row.published_at) for row in conn.execute(query)]


def prune(conn: sa.Connection, before: datetime) -> int:
    """Delete events prepared before an instant, published or given up; returns how many."""
    return conn.execute(sa.delete(topic_event).where(topic_event.c.prepared_at < before)).rowcount
