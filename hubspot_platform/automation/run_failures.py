"""Turns failed runs, and the successes that follow them, into measurements for the alert machine.

The failure sensor of `automation.alerts` calls `take_failure`; its alert pass calls `take_recoveries`, because a
failure sensor never sees a success. Three failed runs in a row open a worker failure, one success closes it; an
authentication, quota or store failure opens its own alert at once (data quality rules: alert conditions).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster_shared.error import SerializableErrorInfo

from hubspot_platform.alerting.model import (
    IMMEDIATE_RULE,
    WORKER_RULE,
    Incident,
    Observation,
    Rule,
    Severity,
    Status,
    Topic,
    fingerprint,
)
from hubspot_platform.automation.alert_sources import Source, Tally
from hubspot_platform.state.incidents import failing_subjects, load, record

WORKER = "worker"
WILL_RETRY = "dagster/will_retry"
CLEAN_FOR = timedelta(minutes=15)
CAUSE = "cause"
RATE_LIMIT_CRITICAL = "rate_limit_critical"

_ADHOC = "__ASSET_JOB"
_JOB, _ASSET = "job ", "asset "
_CAUSES = {
    "Unauthorized": "authentication",
    "MissingScope": "authentication",
    "DailyLimitReached": RATE_LIMIT_CRITICAL,
    "QuotaExhausted": RATE_LIMIT_CRITICAL,
    "StateUnavailable": "database",
}
_CAUSE_TITLES = {
    "authentication": "HubSpot refuses our token or lacks a scope",
    RATE_LIMIT_CRITICAL: "the day's HubSpot calls are used up",
    "database": "a store of the platform cannot be reached",
}


@dataclass(frozen=True)
class FailedRun:
    """What a failed run leaves: its job, when it ended, what failed in it and the steps' errors."""

    run: dg.DagsterRun
    ended_at: datetime
    message: str
    steps: Sequence[DagsterEvent] = ()


def take_failure(source: Source, failed: FailedRun) -> Tally:
    """Count a failed run against its job (against its assets for an ad-hoc run); a run that is retried does not count.

    The same run handed in twice counts once.
    """
    if failed.run.tags.get(WILL_RETRY) == "true":
        return Tally()
    observations = [_worker_failure(source, failed, subject) for subject in _subjects(source, failed)]
    observations += _cause_failure(source, failed)
    known = source.store.read(lambda conn: load(conn, [seen.topic.fingerprint for seen in observations]))
    fresh = [seen for seen in observations if not _already_counted(known.get(seen.topic.fingerprint), seen)]
    if not fresh:
        return Tally()
    now = source.store.now()
    return Tally(len(fresh), source.store.write(lambda conn: record(conn, fresh, now, group=source.group)))


def _already_counted(known: Incident | None, seen: Observation) -> bool:
    return known is not None and known.last_at is not None and known.last_at >= seen.at


def _subjects(source: Source, failed: FailedRun) -> list[str]:
    """Return whose failure it is: the job's, or in an ad-hoc run each asset's whose step failed."""
    if not failed.run.job_name.startswith(_ADHOC):
        return [f"{_JOB}{failed.run.job_name}"]
    planned = source.instance.get_records_for_run(
        failed.run.run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION_PLANNED
    ).records
    events = [row.event_log_entry.dagster_event for row in planned]
    broken = {event.step_key for event in failed.steps}
    keys = {
        event.asset_key.to_user_string()
        for event in events
        if event is not None and event.asset_key is not None and (not broken or event.step_key in broken)
    }
    return [f"{_ASSET}{key}" for key in sorted(keys)] or [f"{_JOB}{failed.run.job_name}"]


def _worker_failure(source: Source, failed: FailedRun, subject: str) -> Observation:
    topic = Topic(
        fingerprint=fingerprint(WORKER, subject),
        source=WORKER,
        condition="worker_failure",
        category=WORKER,
        subject=subject,
        title="runs fail",
        portal_id=source.portal_id,
    )
    return _failure(topic, failed, Severity.WARNING, WORKER_RULE)


def _cause_failure(source: Source, failed: FailedRun) -> list[Observation]:
    conditions = sorted({_CAUSES[name] for name in _error_names(failed.steps) if name in _CAUSES})
    return [
        _failure(
            Topic(
                fingerprint=fingerprint(CAUSE, condition),
                source=WORKER,
                condition=condition,
                category="security" if condition == "authentication" else "rate_limit",
                subject=_subjects(source, failed)[0],
                title=_CAUSE_TITLES[condition],
                portal_id=source.portal_id,
            ),
            failed,
            Severity.CRITICAL,
            IMMEDIATE_RULE,
        )
        for condition in conditions
    ]


def _failure(topic: Topic, failed: FailedRun, severity: Severity, rule: Rule) -> Observation:
    return Observation(
        topic=topic,
        status=Status.FAIL,
        at=failed.ended_at,
        record_id=failed.run.run_id,
        severity=severity,
        detail="\n".join(filter(None, (failed.message, *_step_errors(failed.steps)))),
        mend=next(iter(_mends(failed.steps)), "open the run in Dagster; its failed step shows the error"),
        run_id=failed.run.run_id,
        rule=rule,
    )


def _error_names(steps: Sequence[DagsterEvent]) -> set[str]:
    """Return the class names in the errors' chains and those a Failure names in its metadata."""
    names: set[str] = set()
    for event in steps:
        data = event.step_failure_data
        error: SerializableErrorInfo | None = data.error
        while error is not None:
            names.add(error.cls_name or "")
            error = error.cause
        if data.user_failure_data is not None and "error" in data.user_failure_data.metadata:
            names.add(str(data.user_failure_data.metadata["error"].value))
    return names


def _step_errors(steps: Sequence[DagsterEvent]) -> list[str]:
    """Return one line a failed step: Failure's description, else the innermost error's message."""
    lines = []
    for event in steps:
        data = event.step_failure_data
        if data.user_failure_data is not None and data.user_failure_data.description:
            text = data.user_failure_data.description
        else:
            error = data.error
            while error is not None and error.cause is not None:
                error = error.cause
            text = error.message if error is not None else "no error recorded"
        lines.append(f"{event.step_key}: {text.strip()}")
    return lines


def _mends(steps: Sequence[DagsterEvent]) -> list[str]:
    found = []
    for event in steps:
        data = event.step_failure_data.user_failure_data
        if data is not None and "mend" in data.metadata:
            found.append(str(data.metadata["mend"].value))
    return found


def take_recoveries(source: Source) -> Tally:
    """Close what works again: a later success of the job, a later materialisation of the asset.

    An authentication alert also needs 15 minutes without another refusal.
    """
    now = source.store.now()
    failing = source.store.read(lambda conn: failing_subjects(conn, WORKER))
    observations = []
    for incident in failing:
        succeeded_at = _success_after(source.instance, incident)
        if succeeded_at is None:
            continue
        cause = incident.topic.condition == "authentication"
        if cause and incident.last_at is not None and now - incident.last_at < CLEAN_FOR:
            continue
        observations.append(
            Observation(
                topic=incident.topic,
                status=Status.PASS,
                at=succeeded_at,
                record_id=f"success@{succeeded_at.isoformat()}",
                mend=incident.mend,
                rule=WORKER_RULE,
            )
        )
    if not observations:
        return Tally()
    return Tally(
        len(observations),
        source.store.write(lambda conn: record(conn, observations, now, group=source.group)),
    )


def _success_after(instance: dg.DagsterInstance, incident: Incident) -> datetime | None:
    """Return the end of a success later than the last failure, None without one."""
    failed_at = incident.last_at
    subject = incident.topic.subject
    if failed_at is None:
        return None
    if subject.startswith(_ASSET):
        key = dg.AssetKey.from_user_string(subject.removeprefix(_ASSET))
        event = instance.get_latest_materialization_event(key)
        done = event.timestamp if event else None
    else:
        # Dagster compares `updated_after` in whole seconds, so the end is compared again below
        runs = instance.get_run_records(
            dg.RunsFilter(
                job_name=subject.removeprefix(_JOB),
                statuses=[dg.DagsterRunStatus.SUCCESS],
                updated_after=failed_at - timedelta(seconds=1),
            ),
            limit=1,
        )
        done = runs[0].end_time if runs else None
    if done is None:
        return None
    ended = datetime.fromtimestamp(done, UTC)
    return ended if ended > failed_at else None
