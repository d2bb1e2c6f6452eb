"""Every time of day in one file.

Ingestion runs on schedules because HubSpot's call budget is known; SQL models follow by automation conditions, with
an hourly catch-up. A tick whose predecessor still runs is skipped and recorded, and after an outage one run covers
the whole gap.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from hubspot_platform.assets.hubspot import own_tables
from hubspot_platform.assets.qualification import JOB as QUALIFICATION_JOB
from hubspot_platform.automation.maintenance import daily_maintenance
from hubspot_platform.automation.passes import pass_jobs
from hubspot_platform.checks.table import FULL, TIMELINESS
from hubspot_platform.hubspot.catalogue import CATALOGUE, REFERENCES, ObjectType, ReferenceType
from hubspot_platform.mirror.qualification import CONTACT_QUALIFICATION
from hubspot_platform.runtime import Platform
from hubspot_platform.sql_models.staleness import stale_models
from hubspot_platform.state import windows
from hubspot_platform.warehouse.errors import NothingPublished

HOUR = timedelta(hours=1)
KEY_FORMAT = "%Y-%m-%d-%H:%M"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

CATCH_UP_CRON = "50 * * * *"
TIMELINESS_CRON = "*/5 * * * *"
FULL_CRON = "40 * * * *"
MAINTENANCE_CRON = "30 3 * * *"
QUALIFICATION_CRON = "25 * * * *"  # ten minutes after the lists
DAILY_HOUR = 4
MOST_PARTITIONS_A_RUN = 24 * 31

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def floor_hour(moment: datetime) -> datetime:
    """Return the start of the moment's hour in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def hours_to_ask_for(
    watermark: datetime | None, first: datetime, tick: datetime, span: timedelta
) -> tuple[datetime, datetime] | None:
    """Return first and last hourly partition a tick asks for, or None when no hour has ended yet.

    Normally the hours the object's cadence covers; after an outage everything from the watermark on, in one run.
    """
    last = floor_hour(tick) - HOUR
    start = floor_hour(tick) - span
    if watermark is not None:
        start = min(start, floor_hour(watermark))
    start = max(start, first, last - (MOST_PARTITIONS_A_RUN - 1) * HOUR)
    return (start, last) if start <= last else None


def _unfinished_run(context: dg.ScheduleEvaluationContext, job: str) -> str | None:
    runs = context.instance.get_runs(dg.RunsFilter(job_name=job, statuses=_UNFINISHED), limit=1)
    return runs[0].run_id if runs else None


def _watermark(platform: Platform, obj: ObjectType) -> datetime | None:
    try:
        with platform.warehouse().reader() as session:
            warehouse_id = session.identity()
    except NothingPublished:
        return None
    return platform.state().read(lambda connection: windows.watermark(connection, warehouse_id, obj.name))


def object_job(obj: ObjectType) -> Any:
    """Return the job that syncs one object with its associations, checks and the reference data that goes with it."""
    keys = [["hubspot", obj.table], *(["hubspot", table.name] for table in own_tables(obj))]
    companions = [["hubspot", table] for entry in REFERENCES.values() if entry.job == obj.job for table in entry.tables]
    return dg.define_asset_job(
        obj.job,
        selection=dg.AssetSelection.assets(*map(dg.AssetKey, keys + companions)),
        description=f"Sync {obj.plural} of the asked hours, with what hangs on them.",
    )


def object_schedule(obj: ObjectType, job: Any, first_partition: datetime) -> dg.ScheduleDefinition:
    """Return the schedule of one object: at its minute, every `cadence`, for the hours since the last tick."""

    @dg.schedule(
        name=f"{obj.job}_schedule",
        job=job,
        cron_schedule=_cron(obj),
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def schedule(
        context: dg.ScheduleEvaluationContext, platform: dg.ResourceParam[Platform]
    ) -> dg.RunRequest | dg.SkipReason:
        busy = _unfinished_run(context, obj.job)
        if busy:
            return dg.SkipReason(f"run {busy} of {obj.job} has not finished; the next tick covers these hours too")
        asked = hours_to_ask_for(
            _watermark(platform, obj), first_partition, context.scheduled_execution_time, obj.cadence
        )
        if asked is None:
            return dg.SkipReason("no hour has ended since the first partition")
        start, end = (moment.strftime(KEY_FORMAT) for moment in asked)
        return dg.RunRequest(run_key=f"{obj.job}:{end}", tags={RANGE_START: start, RANGE_END: end})

    return schedule


def reference_jobs() -> list[tuple[Any, str]]:
    """Return the jobs of reference data that has jobs of its own, each with its cron; kinds may share one."""
    of_objects = {obj.job for obj in CATALOGUE.values()}
    by_job: dict[str, list[ReferenceType]] = {}
    for entry in REFERENCES.values():
        if entry.job not in of_objects:
            by_job.setdefault(entry.job, []).append(entry)
    return [(_reference_job(name, entries), _cron(entries[0])) for name, entries in by_job.items()]


def _reference_job(name: str, entries: Sequence[ReferenceType]) -> Any:
    tables = [dg.AssetKey(["hubspot", table]) for entry in entries for table in entry.tables]
    labels = ", ".join(entry.label for entry in entries)
    return dg.define_asset_job(name, selection=dg.AssetSelection.assets(*tables), description=f"Sync: {labels}.")


def _cron(entry: ObjectType | ReferenceType) -> str:
    hours = int(entry.cadence / HOUR)
    return f"{entry.minute} {'*' if hours == 1 else f'*/{hours}' if hours < 24 else DAILY_HOUR} * * *"


def qualification_job() -> Any:
    """Return the job that tells Chili Piper's side who became qualified."""
    key = dg.AssetKey(["hubspot", CONTACT_QUALIFICATION.name])
    return dg.define_asset_job(
        QUALIFICATION_JOB,
        selection=dg.AssetSelection.assets(key),
        description="Publish whose membership of the configured lists changed.",
    )


def suite_job(name: str, checks: dg.AssetChecksDefinition) -> Any:
    """Return the job of one suite of data quality tests."""
    return dg.define_asset_job(name, selection=dg.AssetSelection.checks(checks), description=f"Suite {name}.")


def model_catch_up() -> dg.ScheduleDefinition:
    """Return the hourly schedule that builds models whose upstream is newer than they are.

    The automation condition swallows an update that arrives right after a request; this catches what it lost.
    """

    @dg.schedule(
        name="sql_model_catch_up",
        cron_schedule=CATCH_UP_CRON,
        execution_timezone="UTC",
        target=dg.AssetSelection.kind("sql"),
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        assert context.repository_def is not None  # noqa: S101 - the daemon always provides it
        stale = stale_models(context.instance, context.repository_def.asset_graph)
        if not stale:
            return dg.SkipReason("every model is newer than what it reads")
        return dg.RunRequest(asset_selection=stale)

    return schedule


def _plain(job: Any, cron: str) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def jobs_and_schedules(
    first_partition: datetime, suites: dict[str, dg.AssetChecksDefinition]
) -> tuple[list[Any], list[dg.ScheduleDefinition]]:
    """Return every job and every schedule of the platform."""
    objects = {obj.name: object_job(obj) for obj in CATALOGUE.values()}
    references = reference_jobs()
    passes = pass_jobs()
    qualification = qualification_job()
    timeliness, full = suite_job(TIMELINESS, suites[TIMELINESS]), suite_job(FULL, suites[FULL])
    schedules: Sequence[dg.ScheduleDefinition] = [
        *(object_schedule(obj, objects[obj.name], first_partition) for obj in CATALOGUE.values()),
        *(_plain(job, cron) for job, cron in references),
        *(_plain(job, cron) for job, cron in passes),
        _plain(qualification, QUALIFICATION_CRON),
        _plain(timeliness, TIMELINESS_CRON),
        _plain(full, FULL_CRON),
        _plain(daily_maintenance, MAINTENANCE_CRON),
        model_catch_up(),
    ]
    others = [job for job, _ in (*references, *passes)]
    return [*objects.values(), *others, qualification, timeliness, full, daily_maintenance], list(schedules)
