"""The alert outbox: messages wait here until Slack has them; a Slack outage loses and blocks nothing.

`state.incidents` puts notices in, in the transaction of their cause; `automation.alert_delivery` takes them out.
Row states: pending, failed (tried in vain, tried again at `next_attempt_at`, never when that is null), sent,
suppressed (with a reason).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hubspot_platform.alerting.delivery import CONTINUATION, EDITS, Waiting, due_at
from hubspot_platform.alerting.model import Kind, Notice, Severity, Topic
from hubspot_platform.alerting.slack_text import SlackMessage
from hubspot_platform.state.alerting import alert_outbox, hubspot_alerts, put_new

CAUSES = frozenset({"authentication", "rate_limit_critical", "database"})
LINKED = "linked:"
NO_TOKEN = "no SLACK_BOT_TOKEN"  # noqa: S105 - a reason, not a token
UNDELIVERED_AFTER = timedelta(minutes=5)
_OPEN = hubspot_alerts.c.state != "resolved"
_UNSENT = sa.and_(
    alert_outbox.c.state.in_(("pending", "failed")),
    sa.or_(alert_outbox.c.state == "pending", alert_outbox.c.next_attempt_at.is_not(None)),
)


@dataclass(frozen=True)
class DeliveryHealth:
    """How delivery stands; `red` when a message has been tried in vain for five minutes."""

    waiting: int
    oldest_due_at: datetime | None
    failing_alert_ids: tuple[str, ...]
    red: bool


def enqueue(conn: sa.Connection, notices: Sequence[Notice], now: datetime, group: str | None = None) -> None:
    """Insert notices; one already there, by `incident|kind|record`, is left out.

    While a cause alert is open (authentication, quota, database) its symptoms are linked to it and not sent; what
    follows on an alert that was never sent is not sent either.
    """
    if not notices:
        return
    cause = conn.execute(
        sa.select(hubspot_alerts.c.alert_id)
        .where(_OPEN, hubspot_alerts.c.condition.in_(CAUSES))
        .order_by(hubspot_alerts.c.first_seen_at)
        .limit(1)
    ).scalar()
    silent = _silent(conn, {notice.alert_id for notice in notices})
    rows = []
    for notice in notices:
        if notice.kind is Kind.OPENED and cause and notice.topic.condition not in CAUSES:
            silent[notice.alert_id] = f"{LINKED}{cause}"
        reason = silent.get(notice.alert_id)
        rows.append(_row(notice, now, group, reason))
    put_new(conn, alert_outbox, rows)
    for alert_id, reason in silent.items():
        changed = {"delivery_state": "suppressed"}
        if reason.startswith(LINKED):
            changed["group_key"] = reason
        conn.execute(sa.update(hubspot_alerts).where(hubspot_alerts.c.alert_id == alert_id).values(changed))


def _silent(conn: sa.Connection, alert_ids: set[str]) -> dict[str, str]:
    found = conn.execute(
        sa.select(alert_outbox.c.alert_id, alert_outbox.c.reason)
        .join(hubspot_alerts, hubspot_alerts.c.alert_id == alert_outbox.c.alert_id)
        .where(
            alert_outbox.c.alert_id.in_(alert_ids),
            alert_outbox.c.state == "suppressed",
            hubspot_alerts.c.delivery_state == "suppressed",
        )
    )
    return {row.alert_id: row.reason or "" for row in found}


def _row(notice: Notice, now: datetime, group: str | None, reason: str | None) -> dict[str, Any]:
    return {
        "dedup_key": notice.key,
        "alert_id": notice.alert_id,
        "kind": notice.kind.value,
        "severity": notice.severity.value,
        "group_key": (group or notice.group_key) if notice.kind is Kind.OPENED else None,
        "payload": notice_document(notice),
        "created_at": now,
        "due_at": due_at(notice, now),
        "state": "suppressed" if reason else "pending",
        "reason": reason,
        "attempts": 0,
        "thread_ts": None,
    }


def notice_document(notice: Notice) -> dict[str, Any]:
    """Return a notice as JSON."""
    document = asdict(notice)
    return {**document, "at": notice.at.isoformat(), "since": notice.since.isoformat()}


def _notice(document: Mapping[str, Any]) -> Notice:
    return Notice(
        **{
            **document,
            "kind": Kind(document["kind"]),
            "severity": Severity(document["severity"]),
            "topic": Topic(**document["topic"]),
            "at": datetime.fromisoformat(document["at"]),
            "since": datetime.fromisoformat(document["since"]),
        }
    )


def waiting(conn: sa.Connection, now: datetime, limit: int = 1_000) -> list[Waiting]:
    """Return unsent rows that are due, oldest first, each with the thread its alert or group already has."""
    query = (
        sa.select(alert_outbox, hubspot_alerts.c.thread_ts.label("alert_thread"), hubspot_alerts.c.channel)
        .outerjoin(hubspot_alerts, hubspot_alerts.c.alert_id == alert_outbox.c.alert_id)
        .where(_UNSENT, alert_outbox.c.due_at <= now)
        .order_by(alert_outbox.c.id)
        .limit(limit)
    )
    rows = conn.execute(query).all()
    groups = _group_threads(conn, {row.group_key for row in rows if row.group_key})
    return [_waiting(row, groups) for row in rows]


def _waiting(row: sa.Row[Any], groups: Mapping[str, str]) -> Waiting:
    continued = row.kind == CONTINUATION
    return Waiting(
        id=row.id,
        alert_id=row.alert_id,
        severity=Severity(row.severity),
        since=max(row.created_at, row.due_at),
        notice=None if continued else _notice(row.payload),
        message=SlackMessage(**row.payload) if continued else None,
        group_key=row.group_key,
        thread_ts=row.thread_ts or row.alert_thread or groups.get(row.group_key or ""),
        channel=row.channel,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
    )


def _group_threads(conn: sa.Connection, keys: set[str]) -> dict[str, str]:
    found = conn.execute(
        sa.select(hubspot_alerts.c.group_key, sa.func.min(hubspot_alerts.c.thread_ts))
        .where(hubspot_alerts.c.group_key.in_(keys), hubspot_alerts.c.thread_ts.is_not(None))
        .group_by(hubspot_alerts.c.group_key)
    )
    return {row[0]: row[1] for row in found}


def sent_calls(conn: sa.Connection, since: datetime) -> list[tuple[datetime, bool]]:
    """Return the Slack calls made since: when, and whether it counts against the hourly cap.

    Edits and calls that carried a critical notice do not.
    """
    counted = sa.func.max(sa.case((alert_outbox.c.severity == Severity.CRITICAL.value, 2), else_=1))
    posted = sa.func.max(sa.case((alert_outbox.c.kind.in_([kind.value for kind in EDITS]), 0), else_=1))
    rows = conn.execute(
        sa.select(alert_outbox.c.sent_at, counted, posted)
        .where(alert_outbox.c.sent_at > since, alert_outbox.c.message_ts.is_not(None))
        .group_by(alert_outbox.c.sent_at, alert_outbox.c.message_ts)
        .order_by(alert_outbox.c.sent_at)
    )
    return [(at, level == 1 and post == 1) for at, level, post in rows]


@dataclass(frozen=True)
class Receipt:
    """What Slack answered: the message's channel and `ts`, and the thread it lies in (its own for a parent).

    Without a call both are None. `adopt` makes the thread that of the alerts, so that what follows on them goes there.
    """

    channel: str | None
    message_ts: str | None
    thread_ts: str | None
    adopt: bool = True


def mark_sent(conn: sa.Connection, rows: Sequence[Waiting], receipt: Receipt, now: datetime) -> None:
    """Stamp rows as sent, and their alerts as told."""
    ids = [row.id for row in rows]
    conn.execute(
        sa.update(alert_outbox)
        .where(alert_outbox.c.id.in_(ids))
        .values(
            state="sent",
            sent_at=now,
            message_ts=receipt.message_ts,
            thread_ts=receipt.thread_ts,
            next_attempt_at=None,
            attempts=alert_outbox.c.attempts + 1,
        )
    )
    if receipt.message_ts is None:
        return
    told = hubspot_alerts.c.alert_id.in_({row.alert_id for row in rows})
    conn.execute(
        sa.update(hubspot_alerts)
        .where(told)
        .values(delivery_state="sent", last_notified_at=now, next_attempt_at=None, channel=receipt.channel)
    )
    if receipt.adopt and receipt.thread_ts is not None:
        conn.execute(
            sa.update(hubspot_alerts)
            .where(told, hubspot_alerts.c.thread_ts.is_(None))
            .values(thread_ts=receipt.thread_ts)
        )


def continue_in_thread(
    conn: sa.Connection, first: Waiting, messages: Sequence[SlackMessage], thread_ts: str, now: datetime
) -> None:
    """Queue what did not fit the first message for its thread."""
    rows = [
        {
            "dedup_key": f"{first.key}|{thread_ts}|{number}",
            "alert_id": first.alert_id,
            "kind": CONTINUATION,
            "severity": first.severity.value,
            "group_key": None,
            "payload": {"text": item.text, "blocks": list(item.blocks), "metadata": dict(item.metadata)},
            "created_at": now,
            "due_at": now,
            "state": "pending",
            "attempts": 0,
            "thread_ts": thread_ts,
        }
        for number, item in enumerate(messages, 1)
    ]
    put_new(conn, alert_outbox, rows)


@dataclass(frozen=True)
class Attempt:
    """A call in vain: the rows' new state (pending or failed), why, and when to try again (None: never)."""

    state: str
    reason: str
    next_attempt_at: datetime | None


def mark_unsent(conn: sa.Connection, rows: Sequence[Waiting], attempt: Attempt) -> None:
    """Keep rows for another attempt, with the reason of the last one."""
    conn.execute(
        sa.update(alert_outbox)
        .where(alert_outbox.c.id.in_([row.id for row in rows]))
        .values(
            state=attempt.state,
            reason=attempt.reason,
            next_attempt_at=attempt.next_attempt_at,
            attempts=alert_outbox.c.attempts + 1,
        )
    )
    conn.execute(
        sa.update(hubspot_alerts)
        .where(hubspot_alerts.c.alert_id.in_({row.alert_id for row in rows}))
        .values(
            delivery_state=attempt.state,
            next_attempt_at=attempt.next_attempt_at,
            delivery_attempts=hubspot_alerts.c.delivery_attempts + 1,
        )
    )


def suppress_waiting(conn: sa.Connection, reason: str) -> int:
    """Set every waiting row aside with a reason; nothing is lost, nothing fails."""
    ids = conn.execute(sa.select(alert_outbox.c.alert_id).where(_UNSENT)).scalars().all()
    if not ids:
        return 0
    conn.execute(sa.update(alert_outbox).where(_UNSENT).values(state="suppressed", reason=reason))
    conn.execute(
        sa.update(hubspot_alerts).where(hubspot_alerts.c.alert_id.in_(set(ids))).values(delivery_state="suppressed")
    )
    return len(ids)


def release_suppressed(conn: sa.Connection) -> int:
    """Announce what was set aside and still stands: its cause is resolved, or there is a token now."""
    causes = sa.select(LINKED + hubspot_alerts.c.alert_id).where(_OPEN)
    standing = sa.select(hubspot_alerts.c.alert_id).where(_OPEN, hubspot_alerts.c.delivery_state == "suppressed")
    free = sa.and_(
        alert_outbox.c.state == "suppressed",
        alert_outbox.c.kind == Kind.OPENED.value,
        alert_outbox.c.alert_id.in_(standing),
        sa.or_(alert_outbox.c.reason == NO_TOKEN, alert_outbox.c.reason.not_in(causes)),
    )
    ids = conn.execute(sa.select(alert_outbox.c.alert_id).where(free)).scalars().all()
    if not ids:
        return 0
    conn.execute(sa.update(alert_outbox).where(free).values(state="pending", reason=None))
    conn.execute(
        sa.update(hubspot_alerts).where(hubspot_alerts.c.alert_id.in_(set(ids))).values(delivery_state="pending")
    )
    return len(ids)


def unreported(conn: sa.Connection, now: datetime) -> list[tuple[str, str]]:
    """Return (alert id, reason) of what failed for good or for five minutes, and note that it was reported."""
    late = sa.and_(
        alert_outbox.c.state.in_(("pending", "failed")),
        alert_outbox.c.attempts > 0,
        alert_outbox.c.reported_at.is_(None),
        sa.or_(alert_outbox.c.state == "failed", alert_outbox.c.due_at < now - UNDELIVERED_AFTER),
    )
    rows = conn.execute(sa.select(alert_outbox.c.alert_id, alert_outbox.c.reason).where(late)).all()
    if rows:
        conn.execute(sa.update(alert_outbox).where(late).values(reported_at=now))
    return sorted({(row.alert_id, row.reason or "") for row in rows})


def delivery_health(conn: sa.Connection, now: datetime) -> DeliveryHealth:
    """Return how delivery stands, for the health endpoint and `doctor`."""
    rows = conn.execute(
        sa.select(alert_outbox.c.alert_id, alert_outbox.c.due_at, alert_outbox.c.attempts)
        .where(_UNSENT, alert_outbox.c.due_at <= now)
        .order_by(alert_outbox.c.due_at)
    ).all()
    late = [row for row in rows if row.attempts > 0 and row.due_at < now - UNDELIVERED_AFTER]
    return DeliveryHealth(
        waiting=len(rows),
        oldest_due_at=rows[0].due_at if rows else None,
        failing_alert_ids=tuple(sorted({row.alert_id for row in late})),
        red=bool(late),
    )


def prune(conn: sa.Connection, older_than: datetime) -> int:
    """Delete rows that are done with and older; returns how many."""
    done = sa.or_(
        alert_outbox.c.state.in_(("sent", "suppressed")),
        sa.and_(alert_outbox.c.state == "failed", alert_outbox.c.next_attempt_at.is_(None)),
    )
    return conn.execute(sa.delete(alert_outbox).where(done, alert_outbox.c.created_at < older_than)).rowcount
