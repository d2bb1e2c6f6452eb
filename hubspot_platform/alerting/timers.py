"""What only time or a person changes: escalation, flapping, mute and acknowledgement (alert rules 3, 5 and
7).

Pure. `state.incidents` calls `advance` for every unresolved alert at each pass, and the rest for the
command line.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from hubspot_platform.alerting.machine import Mute, closed, notice, recent_changes, shown
from hubspot_platform.alerting.model import (
    Alert,
    AlertState,
    Incident,
    Kind,
    Resolution,
    Severity,
    Step,
)

ON_CALL_AFTER = timedelta(minutes=15)
LEAD_AFTER = timedelta(minutes=60)
ACKNOWLEDGED_FOR = timedelta(hours=24)
FLAP_EVERY = timedelta(hours=1)
LONGEST_MUTE = timedelta(days=7)


def advance(incident: Incident, now: datetime, mute: Mute | None = None) -> Step:
    """Return what the passing of time makes of an incident: at most one notice, two when it closes.

    Order: a mute silences everything; its end, the end of an acknowledgement and the end of flapping come
    before escalation.
    """
    alert = incident.alert
    if alert is None:
        return Step(incident)
    incident = replace(incident, changes=recent_changes(incident.changes, now))
    if mute is not None and mute.until > now:
        muted = replace(alert, muted_until=mute.until, muted_by=mute.by)
        return Step(shown(incident, muted, quiet=True))
    if alert.state is AlertState.MUTED:
        return _unmuted(incident, alert, now)
    if incident.flap_notified_at is not None:
        return _flapping(incident, alert, now, incident.flap_notified_at)
    if incident.acknowledged_at is not None:
        return _acknowledged(incident, alert, now, incident.acknowledged_at)
    return _escalated(incident, alert, now)


def _unmuted(incident: Incident, alert: Alert, now: datetime) -> Step:
    """Re-notify when the mute ends and the condition still holds; a flapping one waits for its hourly
    message.
    """
    record_id = f"{alert.alert_id}@{now.isoformat()}"
    cleared = shown(incident, replace(alert, muted_until=None, muted_by=None), quiet=False)
    if not incident.failing:
        return Step(cleared)
    kind = Kind.RESUMED if incident.announced else Kind.OPENED
    restarted = replace(cleared, announced=True, edited_at=now, critical_since=_restarted(incident, now))
    return Step(restarted, notices=(notice(restarted, kind, record_id, now),))


def _restarted(incident: Incident, now: datetime) -> datetime | None:
    return now if incident.critical_since is not None else None


def _flapping(incident: Incident, alert: Alert, now: datetime, notified: datetime) -> Step:
    record_id = f"{alert.alert_id}@{now.isoformat()}"
    if incident.changes:
        if now - notified < FLAP_EVERY:
            return Step(incident)
        after = replace(incident, flap_notified_at=now, announced=True)
        return Step(after, notices=(notice(after, Kind.FLAPPING, record_id, now),))
    settled = replace(incident, flap_notified_at=None)
    if not incident.failing:
        return closed(settled, now, Resolution.AUTOMATIC, record_id, quiet=False)
    after = shown(replace(settled, announced=True, critical_since=_restarted(incident, now)), alert, quiet=False)
    return Step(after, notices=(notice(after, Kind.RESUMED, record_id, now),))


def _acknowledged(incident: Incident, alert: Alert, now: datetime, since: datetime) -> Step:
    if now - since < ACKNOWLEDGED_FOR:
        return Step(incident)
    cleared = replace(incident, acknowledged_at=None, critical_since=_restarted(incident, now))
    after = shown(cleared, replace(alert, acknowledged_by=None), quiet=False)
    record_id = f"{alert.alert_id}@{since.isoformat()}"
    return Step(after, notices=(notice(after, Kind.RESUMED, record_id, now),))


def _escalated(incident: Incident, alert: Alert, now: datetime) -> Step:
    """Mention on-call, then the lead; each once; not while the latest result passes."""
    since = incident.critical_since
    if alert.severity is not Severity.CRITICAL or since is None or incident.passes > 0:
        return Step(incident)
    waited = now - since
    level = 2 if waited >= LEAD_AFTER else 1 if waited >= ON_CALL_AFTER else 0
    if level <= alert.escalation_level:
        return Step(incident)
    kind = Kind.ESCALATED_LEAD if level == 2 else Kind.ESCALATED_ON_CALL
    after = replace(incident, alert=replace(alert, escalation_level=level, escalated_at=now))
    return Step(after, notices=(notice(after, kind, alert.alert_id, now),))


def acknowledge(incident: Incident, by: str, now: datetime) -> Step:
    """Stop the mentions of the open alert for 24 hours; measuring goes on."""
    if incident.alert is None:
        return Step(incident)
    quiet = incident.alert.state is AlertState.MUTED
    taken = replace(incident.alert, acknowledged_by=by)
    return Step(shown(replace(incident, acknowledged_at=now), taken, quiet=quiet))


def resolve(incident: Incident, by: str, resolution: Resolution, now: datetime) -> Step:
    """Close the open alert by hand; a condition that still holds opens a new one at its next failure."""
    if incident.alert is None:
        return Step(incident)
    quiet = incident.alert.state is AlertState.MUTED
    record_id = f"{incident.alert.alert_id}@{now.isoformat()}"
    step = closed(incident, now, resolution, record_id, quiet=quiet, note=f"Closed by {by} ({resolution.value}).")
    return replace(step, incident=replace(step.incident, fails=0, bad=0, passes=0))
