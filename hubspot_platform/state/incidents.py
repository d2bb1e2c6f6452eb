"""Keeps incidents and alerts: feeds the pure alert machine and stores its answer in the caller's transaction.

The Dagster sensors call `record` and `advance_all`; the command line calls `acknowledge`, `mute` and `resolve`.
What a measurement changes, its alert row and its outbox rows commit together or not at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hubspot_platform.alerting import machine, timers
from hubspot_platform.alerting.machine import Mute
from hubspot_platform.alerting.model import (
    Alert,
    AlertState,
    Incident,
    Notice,
    Observation,
    Resolution,
    Severity,
    Status,
    Step,
    Topic,
)
from hubspot_platform.alerting.redaction import redact, redact_observation
from hubspot_platform.errors import UsageError
from hubspot_platform.state.alert_outbox import enqueue
from hubspot_platform.state.alerting import alert_mute, hubspot_alerts, incident, lock_alerting, put

_TOPIC = ("fingerprint", "source", "condition", "category", "subject", "title", "portal_id")


@dataclass
class _Changes:
    """What one transaction decided, written at its end."""

    incidents: dict[str, Incident] = field(default_factory=dict)
    closed: list[Alert] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def take(self, step: Step) -> None:
        self.incidents[step.incident.topic.fingerprint] = step.incident
        if step.closed is not None:
            self.closed.append(step.closed)
        self.notices += step.notices


def record(conn: sa.Connection, observations: Sequence[Observation], now: datetime, *, group: str | None = None) -> int:
    """Store measurements in their order and return the number of notices they caused.

    Free texts are redacted first. With `group` the alerts that open share one message, whatever their run.
    """
    if not observations:
        return 0
    lock_alerting(conn, now)
    mutes = _active_mutes(conn, now)
    changes = _Changes(load(conn, [seen.topic.fingerprint for seen in observations]))
    for seen in map(redact_observation, observations):
        before = changes.incidents.get(seen.topic.fingerprint)
        changes.take(machine.observe(before, seen, _mute_of(mutes, seen.topic)))
    return _save(conn, changes, now, group)


def advance_all(conn: sa.Connection, now: datetime, *, group: str | None = None) -> int:
    """Let time pass for every unresolved alert; returns the number of notices that caused."""
    lock_alerting(conn, now)
    mutes = _active_mutes(conn, now)
    changes = _Changes()
    for before in load(conn, None).values():
        step = timers.advance(before, now, _mute_of(mutes, before.topic))
        if step.incident != before or step.notices:
            changes.take(step)
    return _save(conn, changes, now, group)


def acknowledge(conn: sa.Connection, alert_id: str, by: str, now: datetime) -> None:
    """Stop the mentions of an open alert for 24 hours; UsageError when no such alert is open."""
    lock_alerting(conn, now)
    changes = _Changes()
    changes.take(timers.acknowledge(_open_incident(conn, alert_id), redact(by), now))
    _save(conn, changes, now, None)


def resolve(conn: sa.Connection, alert_id: str, by: str, resolution: Resolution, now: datetime) -> None:
    """Close an open alert by hand; UsageError when no such alert is open."""
    lock_alerting(conn, now)
    changes = _Changes()
    changes.take(timers.resolve(_open_incident(conn, alert_id), redact(by), resolution, now))
    _save(conn, changes, now, None)


def mute(conn: sa.Connection, scope: str, value: str, wish: Mute, now: datetime) -> None:
    """Silence a `fingerprint` or a `condition` until an end at most seven days away, with author and reason.

    UsageError for another scope, an end that is past or too far, and a missing author or reason. Measurements go
    on; when the mute ends, what still fails is told again.
    """
    if scope not in {"fingerprint", "condition"} or not value:
        raise UsageError(f"cannot mute by {scope!r}", mend="mute a fingerprint or a condition")
    if not now < wish.until <= now + timers.LONGEST_MUTE:
        raise UsageError("a mute ends within seven days", mend="give an end between now and seven days from now")
    if not wish.by.strip() or not wish.reason.strip():
        raise UsageError("a mute needs its author and a reason", mend="say who mutes and why")
    row = {
        "scope": scope,
        "value": value,
        "until": wish.until,
        "muted_by": redact(wish.by),
        "reason": redact(wish.reason),
        "created_at": now,
    }
    put(conn, alert_mute, [row])
    advance_all(conn, now)


def unmute(conn: sa.Connection, scope: str, value: str, now: datetime) -> None:
    """End a mute before its time."""
    conn.execute(sa.delete(alert_mute).where(alert_mute.c.scope == scope, alert_mute.c.value == value))
    advance_all(conn, now)


def list_alerts(
    conn: sa.Connection, *, resolved_since: datetime | None = None, limit: int = 200
) -> list[dict[str, Any]]:
    """Return rows of `hubspot_alerts`: the unresolved ones, with those resolved since a time if asked; newest first."""
    wanted: sa.ColumnElement[bool] = hubspot_alerts.c.state != AlertState.RESOLVED.value
    if resolved_since is not None:
        wanted = sa.or_(wanted, hubspot_alerts.c.resolved_at >= resolved_since)
    query = sa.select(hubspot_alerts).where(wanted).order_by(hubspot_alerts.c.first_seen_at.desc()).limit(limit)
    return [dict(row._mapping) for row in conn.execute(query)]


def alerts_of_threads(conn: sa.Connection, threads: Iterable[str]) -> dict[str, list[Alert]]:
    """Return thread `ts` -> the alerts that share it, oldest first."""
    rows = conn.execute(
        sa.select(hubspot_alerts)
        .where(hubspot_alerts.c.thread_ts.in_(set(threads)))
        .order_by(hubspot_alerts.c.first_seen_at, hubspot_alerts.c.alert_id)
    )
    found: dict[str, list[Alert]] = {}
    for row in rows:
        found.setdefault(row.thread_ts, []).append(_alert(row))
    return found


def failing_subjects(conn: sa.Connection, source: str) -> list[Incident]:
    """Return the incidents of a source whose last measurement was not a pass."""
    return [
        found
        for found in load(conn, None, source=source).values()
        if found.bad > 0 or found.fails > 0 or found.alert is not None
    ]


def load(conn: sa.Connection, fingerprints: Iterable[str] | None, *, source: str | None = None) -> dict[str, Incident]:
    """Return incidents by fingerprint with their unresolved alert: those asked for, else those with an open alert.

    With a source: all of that source.
    """
    open_alert = sa.and_(
        hubspot_alerts.c.fingerprint == incident.c.fingerprint,
        hubspot_alerts.c.state != AlertState.RESOLVED.value,
    )
    wanted: sa.ColumnElement[bool]
    if fingerprints is not None:
        wanted = incident.c.fingerprint.in_(list(set(fingerprints)))
    elif source is not None:
        wanted = incident.c.source == source
    else:
        wanted = incident.c.alert_id.is_not(None)
    incidents = conn.execute(sa.select(incident).where(wanted)).all()
    alerts = {
        row.fingerprint: _alert(row)
        for row in conn.execute(
            sa.select(hubspot_alerts).where(
                open_alert, hubspot_alerts.c.fingerprint.in_(sa.select(incident.c.fingerprint).where(wanted))
            )
        )
    }
    return {row.fingerprint: _incident(row, alerts.get(row.fingerprint)) for row in incidents}


def _open_incident(conn: sa.Connection, alert_id: str) -> Incident:
    found = conn.execute(
        sa.select(hubspot_alerts.c.fingerprint).where(
            hubspot_alerts.c.alert_id == alert_id, hubspot_alerts.c.state != AlertState.RESOLVED.value
        )
    ).scalar()
    if found is None:
        raise UsageError(f"no open alert {alert_id!r}", mend="see hubspot-platform alerts list")
    return load(conn, [found])[found]


def _active_mutes(conn: sa.Connection, now: datetime) -> dict[tuple[str, str], Mute]:
    rows = conn.execute(sa.select(alert_mute).where(alert_mute.c.until > now))
    return {(row.scope, row.value): Mute(row.until, row.muted_by, row.reason) for row in rows}


def _mute_of(mutes: dict[tuple[str, str], Mute], topic: Topic) -> Mute | None:
    found = [mutes[key] for key in (("fingerprint", topic.fingerprint), ("condition", topic.condition)) if key in mutes]
    return max(found, key=lambda item: item.until, default=None)


def _save(conn: sa.Connection, changes: _Changes, now: datetime, group: str | None) -> int:
    """Write closed alerts before open ones, so that the unique index never sees two unresolved rows."""
    open_alerts = [item.alert for item in changes.incidents.values() if item.alert is not None]
    groups = {notice.alert_id: group or notice.group_key for notice in changes.notices}
    put(conn, hubspot_alerts, [_alert_row(alert, None) for alert in changes.closed], keep=("group_key",))
    put(
        conn,
        hubspot_alerts,
        [_alert_row(alert, groups.get(alert.alert_id)) for alert in open_alerts],
        keep=("group_key",),
    )
    put(conn, incident, [_incident_row(item) for item in changes.incidents.values()])
    enqueue(conn, changes.notices, now, group)
    return len(changes.notices)


def _topic_values(topic: Topic) -> dict[str, Any]:
    return {name: getattr(topic, name) for name in _TOPIC}


def _topic(row: sa.Row[Any]) -> Topic:
    return Topic(**{name: getattr(row, name) for name in _TOPIC})


_ALERT_PLAIN = (
    "alert_id",
    "observed",
    "threshold",
    "first_seen_at",
    "last_seen_at",
    "resolved_at",
    "occurrences",
    "consecutive_passes",
    "escalation_level",
    "escalated_at",
    "acknowledged_by",
    "muted_until",
    "muted_by",
)


def _alert_row(alert: Alert, group_key: str | None) -> dict[str, Any]:
    return {
        **_topic_values(alert.topic),
        **{name: getattr(alert, name) for name in _ALERT_PLAIN},
        "severity": alert.severity.value,
        "state": alert.state.value,
        "detail": {"text": alert.detail},
        "resolution": alert.resolution.value if alert.resolution else None,
        "group_key": group_key,
    }


def _alert(row: sa.Row[Any]) -> Alert:
    return Alert(
        topic=_topic(row),
        severity=Severity(row.severity),
        state=AlertState(row.state),
        detail=(row.detail or {}).get("text", ""),
        resolution=Resolution(row.resolution) if row.resolution else None,
        group_key=row.group_key,
        **{name: getattr(row, name) for name in _ALERT_PLAIN},
    )


_INCIDENT_PLAIN = (
    "failing",
    "last_at",
    "fails",
    "bad",
    "passes",
    "failing_streak",
    "skipped_since",
    "critical_since",
    "acknowledged_at",
    "announced",
    "edited_at",
    "flap_notified_at",
    "peak",
    "unit",
    "mend",
    "run_id",
)


def _incident_row(item: Incident) -> dict[str, Any]:
    return {
        **_topic_values(item.topic),
        **{name: getattr(item, name) for name in _INCIDENT_PLAIN},
        "alert_id": item.alert.alert_id if item.alert else None,
        "last_status": item.last_status.value if item.last_status else None,
        "severity": item.severity.value,
        "changes": [change.isoformat() for change in item.changes],
    }


def _incident(row: sa.Row[Any], alert: Alert | None) -> Incident:
    plain = Incident(topic=_topic(row), **{name: getattr(row, name) for name in _INCIDENT_PLAIN})
    return replace(
        plain,
        alert=alert,
        last_status=Status(row.last_status) if row.last_status else None,
        severity=Severity(row.severity),
        changes=tuple(datetime.fromisoformat(change) for change in row.changes),
    )


def forget_quiet(conn: sa.Connection, last_seen_before: datetime, alerts_before: datetime) -> int:
    """Delete incidents not measured and alerts resolved since; returns the rows deleted."""
    gone = conn.execute(
        sa.delete(incident).where(incident.c.alert_id.is_(None), incident.c.last_at < last_seen_before)
    ).rowcount
    gone += conn.execute(sa.delete(hubspot_alerts).where(hubspot_alerts.c.resolved_at < alerts_before)).rowcount
    gone += conn.execute(
        sa.delete(alert_mute).where(alert_mute.c.until < last_seen_before - timedelta(days=1))
    ).rowcount
    return gone
