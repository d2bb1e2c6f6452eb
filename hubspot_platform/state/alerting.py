"""The tables of alerting: alerts, what is remembered of each incident, the outbox, cursors, mutes, heartbeats.

`state.incidents` keeps incidents and alerts, `state.alert_outbox` the messages; both work inside the caller's
transaction. Readers of `hubspot_alerts` find the columns the data quality rules name.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert  # SQLite understands its ON CONFLICT as well

from hubspot_platform.state.schema import ROW_ID, Json, UtcTimestamp, metadata

_UNRESOLVED = sa.text("state <> 'resolved'")
_WAITING = sa.text("state in ('pending', 'failed')")


def _topic_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("condition", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("portal_id", sa.BigInteger, nullable=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
    ]


hubspot_alerts = sa.Table(
    "hubspot_alerts",
    metadata,
    sa.Column("alert_id", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    *_topic_columns(),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("detail", Json, nullable=True),
    sa.Column("observed", sa.Double, nullable=True),
    sa.Column("threshold", sa.Double, nullable=True),
    sa.Column("first_seen_at", UtcTimestamp, nullable=False),
    sa.Column("last_seen_at", UtcTimestamp, nullable=False),
    sa.Column("resolved_at", UtcTimestamp, nullable=True),
    sa.Column("occurrences", sa.Integer, nullable=False),
    sa.Column("consecutive_passes", sa.Integer, nullable=False),
    sa.Column("escalation_level", sa.Integer, nullable=False),
    sa.Column("escalated_at", UtcTimestamp, nullable=True),
    sa.Column("acknowledged_by", sa.Text, nullable=True),
    sa.Column("muted_until", UtcTimestamp, nullable=True),
    sa.Column("muted_by", sa.Text, nullable=True),
    sa.Column("resolution", sa.Text, nullable=True),
    sa.Column("channel", sa.Text, nullable=True),
    sa.Column("thread_ts", sa.Text, nullable=True),
    sa.Column("group_key", sa.Text, nullable=True),
    sa.Column("remediation_run_id", sa.Text, nullable=True),
    sa.Column("delivery_state", sa.Text, nullable=False, server_default="pending"),
    sa.Column("delivery_attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_attempt_at", UtcTimestamp, nullable=True),
    sa.Column("last_notified_at", UtcTimestamp, nullable=True),
    sa.Index(
        "uq_hubspot_alerts_unresolved",
        "fingerprint",
        unique=True,
        sqlite_where=_UNRESOLVED,
        postgresql_where=_UNRESOLVED,
    ),
    sa.Index("ix_hubspot_alerts_first_seen_at", "first_seen_at"),
    sa.Index("ix_hubspot_alerts_thread_ts", "thread_ts"),
)
"""One row an alert; at most one unresolved row a fingerprint."""

incident = sa.Table(
    "incident",
    metadata,
    sa.Column("fingerprint", sa.Text, primary_key=True),
    *_topic_columns(),
    sa.Column("alert_id", sa.Text, nullable=True),
    sa.Column("failing", sa.Boolean, nullable=False),
    sa.Column("last_status", sa.Text, nullable=True),
    sa.Column("last_at", UtcTimestamp, nullable=True),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("fails", sa.Integer, nullable=False),
    sa.Column("bad", sa.Integer, nullable=False),
    sa.Column("passes", sa.Integer, nullable=False),
    sa.Column("failing_streak", sa.Integer, nullable=False),
    sa.Column("skipped_since", UtcTimestamp, nullable=True),
    sa.Column("changes", Json, nullable=False),
    sa.Column("critical_since", UtcTimestamp, nullable=True),
    sa.Column("acknowledged_at", UtcTimestamp, nullable=True),
    sa.Column("announced", sa.Boolean, nullable=False),
    sa.Column("edited_at", UtcTimestamp, nullable=True),
    sa.Column("flap_notified_at", UtcTimestamp, nullable=True),
    sa.Column("peak", sa.Double, nullable=True),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("mend", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=True),
    sa.Index("ix_incident_source", "source"),
)
"""What the alert machine remembers between two measurements, alert or not."""

alert_outbox = sa.Table(
    "alert_outbox",
    metadata,
    sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
    sa.Column("dedup_key", sa.Text, nullable=False, unique=True),
    sa.Column("alert_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("group_key", sa.Text, nullable=True),
    sa.Column("payload", Json, nullable=False),
    sa.Column("created_at", UtcTimestamp, nullable=False),
    sa.Column("due_at", UtcTimestamp, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", UtcTimestamp, nullable=True),
    sa.Column("sent_at", UtcTimestamp, nullable=True),
    sa.Column("message_ts", sa.Text, nullable=True),
    sa.Column("thread_ts", sa.Text, nullable=True),
    sa.Column("reported_at", UtcTimestamp, nullable=True),
    sa.Index("ix_alert_outbox_waiting", "id", sqlite_where=_WAITING, postgresql_where=_WAITING),
    sa.Index("ix_alert_outbox_sent_at", "sent_at"),
)
"""Messages to send, in order; the unique key `incident|kind|record` makes a second insert nothing."""

check_cursor = sa.Table(
    "check_cursor",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("last_id", sa.BigInteger, nullable=False),
    sa.Column("pending", Json, nullable=False),
    sa.Column("updated_at", UtcTimestamp, nullable=False),
)
"""What was already seen of each source: the last id, and ids still to be looked at again."""

alert_mute = sa.Table(
    "alert_mute",
    metadata,
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("until", UtcTimestamp, nullable=False),
    sa.Column("muted_by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_at", UtcTimestamp, nullable=False),
)
"""Mutes by `fingerprint` or `condition`, always with an end, an author and a reason."""

heartbeat = sa.Table(
    "heartbeat",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", UtcTimestamp, nullable=False),
    sa.Column("started_at", UtcTimestamp, nullable=False),
    sa.Column("resumed_at", UtcTimestamp, nullable=False),
    sa.Column("detail", Json, nullable=False),
)
"""Last sign of life of each loop, its first, and its first after the last long silence."""


def put(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], keep: Sequence[str] = ()) -> None:
    """Insert rows or, where the primary key exists, overwrite the given columns except those in `keep`."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = insert(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys and name not in keep}
    conn.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), list(rows))


def put_new(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; one that collides with a unique key is left out."""
    if rows:
        conn.execute(insert(table).on_conflict_do_nothing(), list(rows))


def lock_alerting(conn: sa.Connection, now: datetime) -> None:
    """Let one writer at a time change incidents and cursors (SQLite's writers take turns anyway)."""
    row = {"source": "platform", "key": "alerts", "last_id": 0, "pending": [], "updated_at": now}
    put_new(conn, check_cursor, [row])
    mine = sa.and_(check_cursor.c.source == "platform", check_cursor.c.key == "alerts")
    conn.execute(sa.select(check_cursor.c.last_id).where(mine).with_for_update())


def cursors(conn: sa.Connection, source: str) -> dict[str, tuple[int, frozenset[int]]]:
    """Return key -> (last id seen, ids to look at again) of a source."""
    rows = conn.execute(sa.select(check_cursor).where(check_cursor.c.source == source))
    return {row.key: (row.last_id, frozenset(row.pending)) for row in rows}


def set_cursors(
    conn: sa.Connection, source: str, seen: Mapping[str, tuple[int, frozenset[int]]], now: datetime
) -> None:
    """Store cursors as `cursors` returned them."""
    rows = [
        {"source": source, "key": key, "last_id": last, "pending": sorted(pending), "updated_at": now}
        for key, (last, pending) in seen.items()
    ]
    put(conn, check_cursor, rows)


def beat(conn: sa.Connection, name: str, now: datetime, detail: Mapping[str, Any], silence: float) -> None:
    """Write a sign of life; after more than `silence` seconds without one, `resumed_at` moves to now."""
    before = conn.execute(sa.select(heartbeat).where(heartbeat.c.name == name)).first()
    resumed = before is None or (now - before.at).total_seconds() > silence
    row = {
        "name": name,
        "at": now,
        "started_at": before.started_at if before else now,
        "resumed_at": now if before is None or resumed else before.resumed_at,
        "detail": dict(detail),
    }
    put(conn, heartbeat, [row])


def last_beat(conn: sa.Connection, name: str) -> sa.Row[Any] | None:
    """Return the heartbeat row of a loop (`at`, `started_at`, `resumed_at`, `detail`), None before its first."""
    return conn.execute(sa.select(heartbeat).where(heartbeat.c.name == name)).first()
