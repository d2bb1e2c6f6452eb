"""What one measurement changes: open, repeat, raise, close (data quality rules: statuses and alert rules
1-5).

Pure. `state.incidents` calls `observe` for every measurement and `alerting.timers` for what only time
changes.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hubspot_platform.alerting.model import (
    Alert,
    AlertState,
    Incident,
    Kind,
    Notice,
    Observation,
    Resolution,
    Severity,
    Status,
    Step,
    alert_id_of,
)

EDIT_EVERY = timedelta(minutes=15)
FLAP_WINDOW = timedelta(minutes=60)
FLAP_CHANGES = 4
SKIPPED_TOO_LONG = timedelta(hours=24)
FAILURES_TO_RAISE_HOURLY = 3
FAILURES_TO_RAISE_FREQUENT = 12
FREQUENT = timedelta(minutes=15)

_FAILING = (Status.FAIL, Status.ERROR)


@dataclass(frozen=True)
class Mute:
    """Silence with an end, an author and a reason (alert rules: mute)."""

    until: datetime
    by: str
    reason: str


def failures_to_raise(cadence: timedelta) -> int:
    """Return how many failures in a row raise a warning to critical: 12 for 5-minute tests, 3 for hourly
    ones.
    """
    return FAILURES_TO_RAISE_FREQUENT if cadence <= FREQUENT else FAILURES_TO_RAISE_HOURLY


def observe(incident: Incident | None, seen: Observation, mute: Mute | None = None) -> Step:
    """Return what a measurement makes of an incident, and the notices it causes.

    A measurement older than the last one counts at the last one's time, so that time never runs backwards. The
    end of a mute is told by `timers.advance` alone: until then a muted alert stays quiet.
    """
    before = incident or Incident(topic=seen.topic)
    at = max(seen.at, before.last_at) if before.last_at else seen.at
    seen = replace(seen, at=at, severity=seen.severity or before.severity)
    now = _counted(before, seen)
    muted = before.alert is not None and before.alert.state is AlertState.MUTED
    quiet = muted or (mute is not None and mute.until > at)
    match seen.status:
        case Status.SKIPPED:
            return _skipped(now, seen, quiet=quiet)
        case Status.PASS:
            return _passed(now, seen, quiet=quiet)
        case _:
            return _bad(now, seen, quiet=quiet)


def _counted(incident: Incident, seen: Observation) -> Incident:
    """Bring the row counts up to date; a skip is no evidence and leaves them."""
    assert seen.severity is not None  # noqa: S101 - filled by observe
    base = replace(
        incident,
        topic=seen.topic,
        last_status=seen.status,
        last_at=seen.at,
        severity=seen.severity,
        changes=recent_changes(incident.changes, seen.at),
        unit=seen.unit or incident.unit,
        mend=seen.mend or incident.mend,
        run_id=seen.run_id or incident.run_id,
    )
    match seen.status:
        case Status.SKIPPED:
            return replace(base, skipped_since=incident.skipped_since or seen.at)
        case Status.PASS:
            return replace(base, fails=0, bad=0, failing_streak=0, passes=incident.passes + 1, skipped_since=None)
        case _:
            return replace(
                base,
                fails=incident.fails + 1 if seen.status is Status.FAIL else 0,
                bad=incident.bad + 1,
                passes=0,
                failing_streak=incident.failing_streak if seen.status in _FAILING else 0,
                skipped_since=None,
            )


def recent_changes(changes: tuple[datetime, ...], at: datetime) -> tuple[datetime, ...]:
    """Return the opens and closes that lie within the flapping window before `at`."""
    return tuple(change for change in changes if at - change < FLAP_WINDOW)


def _bad(incident: Incident, seen: Observation, *, quiet: bool) -> Step:
    if incident.failing:
        return _repeated(incident, seen, quiet=quiet)
    failed_enough = seen.status is Status.FAIL and incident.fails >= seen.rule.fails
    if failed_enough or incident.bad >= seen.rule.bad:
        return _opened(incident, seen, level_of(seen), quiet=quiet)
    return Step(incident)


def level_of(seen: Observation) -> Severity:
    """Return the level a result has now: a warn lies one below the level of a failure."""
    severity = seen.severity or Severity.WARNING
    return severity.lowered() if seen.status is Status.WARN else severity


def _skipped(incident: Incident, seen: Observation, *, quiet: bool) -> Step:
    if incident.alert is not None:
        return Step(incident)
    since = incident.skipped_since
    if since is None or seen.at - since < SKIPPED_TOO_LONG:
        return Step(incident)
    seen = replace(seen, detail=f"Not measured for 24 hours. {seen.detail}".strip(), observed=None)
    return _opened(incident, seen, Severity.INFO, quiet=quiet)


def _opened(incident: Incident, seen: Observation, level: Severity, *, quiet: bool) -> Step:
    changes = (*incident.changes, seen.at)
    reopened = incident.alert is not None
    newly_flapping = len(changes) >= FLAP_CHANGES and incident.flap_notified_at is None
    alert = incident.alert or _new_alert(seen, level)
    if reopened:
        alert = _touched(alert, seen, max(alert.severity, level, key=lambda severity: severity.rank))
    opened = replace(
        incident,
        failing=True,
        changes=changes,
        failing_streak=1 if seen.status in _FAILING else 0,
        critical_since=critical_clock(incident, alert.severity, seen.at),
        peak=farther(incident.peak if reopened else None, seen),
        flap_notified_at=seen.at if newly_flapping else incident.flap_notified_at,
    )
    if quiet:
        return Step(shown(opened, alert, quiet=True))
    kind = Kind.FLAPPING if newly_flapping else None if reopened else Kind.OPENED
    if kind is None:
        return Step(shown(opened, alert, quiet=False))
    after = shown(replace(opened, announced=True, edited_at=seen.at), alert, quiet=False)
    return Step(after, notices=(notice(after, kind, seen.record_id, seen.at),))


def _new_alert(seen: Observation, level: Severity) -> Alert:
    return Alert(
        alert_id=alert_id_of(seen.topic, seen.record_id),
        topic=seen.topic,
        severity=level,
        state=AlertState.OPEN,
        detail=seen.detail,
        observed=seen.observed,
        threshold=seen.threshold,
        first_seen_at=seen.at,
        last_seen_at=seen.at,
    )


def _touched(alert: Alert, seen: Observation, severity: Severity) -> Alert:
    return replace(
        alert,
        topic=seen.topic,
        severity=severity,
        detail=seen.detail or alert.detail,
        observed=seen.observed,
        threshold=_first(seen.threshold, alert.threshold),
        last_seen_at=seen.at,
        occurrences=alert.occurrences + 1,
        consecutive_passes=0,
    )


def _first(latest: float | None, known: float | None) -> float | None:
    return known if latest is None else latest


def _repeated(incident: Incident, seen: Observation, *, quiet: bool) -> Step:
    """Count the repeat on the open alert; raise it by level or by repetition; edit the parent now and
    then.
    """
    alert = _required(incident)
    streak = incident.failing_streak + 1 if seen.status in _FAILING else 0
    level = level_of(seen)
    if level is Severity.WARNING and streak >= failures_to_raise(seen.cadence):
        level = Severity.CRITICAL
    severity = max(alert.severity, level, key=lambda item: item.rank)
    raised = severity.rank > alert.severity.rank
    alert = _touched(alert, seen, severity)
    after = replace(
        incident,
        failing_streak=streak,
        critical_since=critical_clock(incident, severity, seen.at),
        peak=farther(incident.peak, seen),
    )
    if quiet or after.flap_notified_at is not None:
        return Step(shown(after, alert, quiet=quiet))
    due = after.edited_at is None or seen.at - after.edited_at >= EDIT_EVERY
    kind = Kind.RAISED if raised else Kind.UPDATED if due and severity is not Severity.INFO else None
    if kind is None:
        return Step(shown(after, alert, quiet=False))
    after = shown(replace(after, edited_at=seen.at, announced=True), alert, quiet=False)
    return Step(after, notices=(notice(after, kind, seen.record_id, seen.at),))


def _passed(incident: Incident, seen: Observation, *, quiet: bool) -> Step:
    if incident.alert is None:
        return Step(incident)
    alert = replace(incident.alert, consecutive_passes=incident.passes)
    over = incident.passes >= seen.rule.passes
    if over:
        alert = replace(alert, observed=seen.observed, threshold=_first(seen.threshold, alert.threshold))
    if not incident.failing or not over:
        return Step(shown(incident, alert, quiet=quiet))
    after = replace(incident, failing=False, changes=(*incident.changes, seen.at))
    if after.flap_notified_at is not None:
        return Step(shown(after, alert, quiet=quiet))
    if len(after.changes) < FLAP_CHANGES:
        return closed(replace(after, alert=alert), seen.at, Resolution.AUTOMATIC, seen.record_id, quiet=quiet)
    after = replace(after, flap_notified_at=seen.at)
    if quiet:
        return Step(shown(after, alert, quiet=True))
    after = shown(replace(after, announced=True), alert, quiet=False)
    return Step(after, notices=(notice(after, Kind.FLAPPING, seen.record_id, seen.at),))


def closed(
    incident: Incident, at: datetime, resolution: Resolution, record_id: str, *, quiet: bool, note: str = ""
) -> Step:
    """Close the alert of an incident: one recovery notice in its thread, and the parent marked resolved.

    A muted alert closes without a notice, an alert nobody was told of without any; info alerts live in the
    digest and have no parent to mark. The notices carry the value that is fine now, none when a person closes
    what still fails.
    """
    alert = _required(incident)
    done = replace(alert, state=AlertState.RESOLVED, resolved_at=at, resolution=resolution)
    after = replace(
        incident,
        alert=None,
        failing=False,
        announced=False,
        critical_since=None,
        acknowledged_at=None,
        edited_at=None,
        flap_notified_at=None,
        failing_streak=0,
        peak=None,
    )
    kinds = [Kind.RECOVERED, Kind.CLOSED]
    if quiet:
        kinds.remove(Kind.RECOVERED)
    if alert.severity is Severity.INFO:
        kinds.remove(Kind.CLOSED)
    if not incident.announced:
        kinds = []
    said = replace(done, detail=note, observed=None if incident.failing else done.observed)
    told = tuple(notice(replace(incident, alert=said), kind, record_id, at) for kind in kinds)
    return Step(after, closed=done, notices=told)


def shown(incident: Incident, alert: Alert, *, quiet: bool) -> Incident:
    """Return the incident with its alert in the state people see: muted before flapping before
    acknowledged.
    """
    if quiet:
        state = AlertState.MUTED
    elif incident.flap_notified_at is not None:
        state = AlertState.FLAPPING
    elif incident.acknowledged_at is not None:
        state = AlertState.ACKNOWLEDGED
    else:
        state = AlertState.OPEN
    return replace(incident, alert=replace(alert, state=state))


def critical_clock(incident: Incident, severity: Severity, at: datetime) -> datetime | None:
    """Return since when the alert is critical: the start of the escalation clock."""
    return (incident.critical_since or at) if severity is Severity.CRITICAL else None


def farther(peak: float | None, seen: Observation) -> float | None:
    """Return the worse of two values: the one farther from the threshold (from zero without one)."""
    if seen.observed is None or peak is None:
        return seen.observed if peak is None else peak
    anchor = seen.threshold or 0.0
    return seen.observed if abs(seen.observed - anchor) >= abs(peak - anchor) else peak


def notice(incident: Incident, kind: Kind, record_id: str, at: datetime) -> Notice:
    """Build the notice of an incident's alert as it stands."""
    alert = _required(incident)
    return Notice(
        kind=kind,
        record_id=record_id,
        alert_id=alert.alert_id,
        topic=alert.topic,
        severity=alert.severity,
        at=at,
        since=alert.first_seen_at,
        detail=alert.detail,
        observed=alert.observed,
        threshold=alert.threshold,
        peak=incident.peak,
        unit=incident.unit,
        occurrences=alert.occurrences,
        mend=incident.mend,
        run_id=incident.run_id,
    )


def _required(incident: Incident) -> Alert:
    if incident.alert is None:
        raise ValueError(f"incident {incident.topic.fingerprint} has no open alert")
    return incident.alert
