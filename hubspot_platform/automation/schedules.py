"""Every time of day in one file.

Ingestion runs on schedules because HubSpot's call budget is known; SQL models follow by automation conditions, with
an hourly catch-up. A tick whose predecessor still runs is skipped and recorded, and after an outage one run covers
the whole gap.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from hubspot_platform.assets.hubspot import own_tables
from hubspot_platform.assets.landing import JOBS as LANDING_JOBS
from hubspot_platform.assets.landing import asset_key
from hubspot_platform.assets.operational_state import JOB as COPY_JOB
from hubspot_platform.assets.operational_state import operational_keys
from hubspot_platform.assets.qualification import JOB as QUALIFICATION_JOB
from hubspot_platform.assets.received_events import PAYMENTS_STEP
from hubspot_platform.assets.received_events import asset_key as received_key
from hubspot_platform.automation.forwarding import forward_topics
from hubspot_platform.automation.maintenance import daily_maintenance
from hubspot_platform.automation.passes import pass_jobs
from hubspot_platform.checks.table import FULL, TIMELINESS
from hubspot_platform.hubspot.catalogue import CATALOGUE, REFERENCES, ObjectType, ReferenceType
from hubspot_platform.hubspot.refresh import MirrorSettings
from hubspot_platform.landing.contract import CATALOGUE as LANDED
from hubspot_platform.landing.land import source_of, variable_of
from hubspot_platform.landing.model import Origin
from hubspot_platform.mirror.qualification import CONTACT_QUALIFICATION
from hubspot_platform.payments.tables import PAYMENT_EVENTS
from hubspot_platform.runtime import Platform
from hubspot_platform.sql_models.staleness import stale_models
from hubspot_platform.state import windows
from hubspot_platform.warehouse.errors import NothingPublished

HOUR = timedelta(hours=1)
KEY_FORMAT, DAY_FORMAT = "%Y-%m-%d-%H:%M", "%Y-%m-%d"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

CATCH_UP_CRON = "50 * * * *"
TIMELINESS_CRON = "*/5 * * * *"
FULL_CRON = "40 * * * *"
MAINTENANCE_CRON = "30 3 * * *"
COPY_CRON = "55 * * * *"
CHARGEBEE_CRON = "10 4 * * *"
FORWARD_CRON = "*/5 * * * *"
QUALIFICATION_CRON = "25 * * * *"  # ten minutes after the lists
LANDING_CRONS: Mapping[Origin, str] = {"product": "0 * * * *", "predictions": "5 * * * *"}
DAILY_HOUR = 4
LEFT_OUT = "left_out"  # in the run key of what is not read: one run makes its empty tables
MOST_PARTITIONS_A_RUN = 24 * 31

UNFINISHED = [
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


def day_tags(moment: datetime) -> dict[str, str]:
    """Return the run tags that ask for the daily partition of a moment."""
    day = moment.astimezone(UTC).strftime(DAY_FORMAT)
    return {RANGE_START: day, RANGE_END: day}


def _unfinished_run(context: dg.ScheduleEvaluationContext, job: str) -> str | None:
    runs = context.instance.get_runs(dg.RunsFilter(job_name=job, statuses=UNFINISHED), limit=1)
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


def object_schedule(
    obj: ObjectType, job: Any, first_partition: datetime, mirror: MirrorSettings
) -> dg.ScheduleDefinition:
    """Return the schedule of one object: at its minute, every cadence, for the hours since the last tick."""
    cadence, left_out = mirror.cadence(obj), mirror.skips(obj)

    @dg.schedule(
        name=f"{obj.job}_schedule",
        job=job,
        cron_schedule=_cron(obj, mirror),
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def schedule(
        context: dg.ScheduleEvaluationContext, platform: dg.ResourceParam[Platform]
    ) -> dg.RunRequest | dg.SkipReason:
        busy = _unfinished_run(context, obj.job)
        if busy:
            return dg.SkipReason(f"run {busy} of {obj.job} has not finished; the next tick covers these hours too")
        asked = hours_to_ask_for(_watermark(platform, obj), first_partition, context.scheduled_execution_time, cadence)
        if asked is None:
            return dg.SkipReason("no hour has ended since the first partition")
        start, end = (moment.strftime(KEY_FORMAT) for moment in asked)
        key = f"{obj.job}:{LEFT_OUT if left_out else end}"
        return dg.RunRequest(run_key=key, tags={RANGE_START: start, RANGE_END: end})

    return schedule


def reference_jobs(mirror: MirrorSettings) -> list[tuple[Any, dg.ScheduleDefinition]]:
    """Return the jobs of reference data that has jobs of its own, each with its schedule; kinds may share one."""
    of_objects = {obj.job for obj in CATALOGUE.values()}
    by_job: dict[str, list[ReferenceType]] = {}
    for entry in REFERENCES.values():
        if entry.job not in of_objects:
            by_job.setdefault(entry.job, []).append(entry)
    jobs = [(_reference_job(name, entries), entries) for name, entries in by_job.items()]
    return [(job, _reference_schedule(job, entries, mirror)) for job, entries in jobs]


def _reference_schedule(job: Any, entries: Sequence[ReferenceType], mirror: MirrorSettings) -> dg.ScheduleDefinition:
    cron = _cron(entries[0], mirror)
    return _plain(job, cron, only_once=all(map(mirror.skips, entries)))


def _reference_job(name: str, entries: Sequence[ReferenceType]) -> Any:
    tables = [dg.AssetKey(["hubspot", table]) for entry in entries for table in entry.tables]
    labels = ", ".join(entry.label for entry in entries)
    return dg.define_asset_job(name, selection=dg.AssetSelection.assets(*tables), description=f"Sync: {labels}.")


def _cron(entry: ObjectType | ReferenceType, mirror: MirrorSettings) -> str:
    hours = int(mirror.cadence(entry) / HOUR)
    return f"{entry.minute} {'*' if hours == 1 else f'*/{hours}' if hours < 24 else DAILY_HOUR} * * *"


def qualification_job() -> Any:
    """Return the job that tells Chili Piper's side who became qualified."""
    key = dg.AssetKey(["hubspot", CONTACT_QUALIFICATION.name])
    return dg.define_asset_job(
        QUALIFICATION_JOB,
        selection=dg.AssetSelection.assets(key),
        description="Publish whose membership of the configured lists changed.",
    )


def chargebee_job() -> Any:
    """Return the job that lists the payment events no webhook brought and processes them."""
    return dg.define_asset_job(
        "chargebee_catch_up",
        selection=dg.AssetSelection.assets(received_key(PAYMENT_EVENTS)),
        config={"ops": {PAYMENTS_STEP: {"config": {"list_missed": True}}}},
        description="List Chargebee's events since the last run, store those that are missing, and process them.",
    )


def when_set(job: Any, cron: str, variable: str) -> dg.ScheduleDefinition:
    """Return a schedule whose ticks are skipped while the variable is not set or the last run is not over."""

    @dg.schedule(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def schedule(
        context: dg.ScheduleEvaluationContext, platform: dg.ResourceParam[Platform]
    ) -> dg.RunRequest | dg.SkipReason:
        if not getattr(platform.settings, variable.lower()):
            return dg.SkipReason(f"{variable} is not set")
        busy = _unfinished_run(context, job.name)
        return dg.SkipReason(f"run {busy} of {job.name} has not finished") if busy else dg.RunRequest()

    return schedule


def landing_job(schema: Origin) -> Any:
    """Return the job that lands every table of one schema."""
    keys = [asset_key(entry) for entry in LANDED.values() if entry.schema == schema]
    return dg.define_asset_job(
        LANDING_JOBS[schema], selection=dg.AssetSelection.assets(*keys), description=f"Land the tables of {schema}."
    )


def prediction_merge_job() -> Any:
    """Return the job that joins the scores of contacts by hand; by itself the model follows the landing."""
    key = dg.AssetKey(["predictions", "contact_conversion_probability"])
    return dg.define_asset_job(
        "trigger_update_contact_predictions",
        selection=dg.AssetSelection.assets(key),
        description="Join the two scores of every contact.",
    )


def landing_schedule(schema: Origin, job: Any) -> dg.ScheduleDefinition:
    """Return the schedule of one schema's landing; without a source its ticks are skipped."""

    @dg.schedule(
        name=f"{LANDING_JOBS[schema]}_schedule",
        job=job,
        cron_schedule=LANDING_CRONS[schema],
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def schedule(
        context: dg.ScheduleEvaluationContext, platform: dg.ResourceParam[Platform]
    ) -> dg.RunRequest | dg.SkipReason:
        if source_of(platform.settings, schema) is None:
            return dg.SkipReason(f"{variable_of(schema)} is not set")
        busy = _unfinished_run(context, LANDING_JOBS[schema])
        return dg.SkipReason(f"run {busy} still lands {schema}") if busy else dg.RunRequest()

    return schedule


def copy_job() -> Any:
    """Return the job that copies operational tables into the warehouse."""
    return dg.define_asset_job(
        COPY_JOB,
        selection=dg.AssetSelection.assets(*operational_keys()),
        description="Copy the operational tables that readers of the warehouse may look into.",
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
        graph = context.repository_def.asset_graph
        with_days = any(graph.get(key).is_partitioned for key in stale)
        return dg.RunRequest(
            asset_selection=stale, tags=day_tags(context.scheduled_execution_time) if with_days else {}
        )

    return schedule


def _plain(job: Any, cron: str, *, only_once: bool = False) -> dg.ScheduleDefinition:
    """Return a schedule that asks for nothing in particular; `only_once` by a run key that stays the same."""

    def once(_: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=f"{job.name}:{LEFT_OUT}")

    return dg.ScheduleDefinition(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        execution_fn=once if only_once else None,
    )


def jobs_and_schedules(
    first_partition: datetime, suites: dict[str, dg.AssetChecksDefinition], mirror: MirrorSettings
) -> tuple[list[Any], list[dg.ScheduleDefinition]]:
    """Return every job and every schedule of the platform."""
    objects = {obj.name: object_job(obj) for obj in CATALOGUE.values()}
    references = reference_jobs(mirror)
    passes = pass_jobs(mirror)
    qualification = qualification_job()
    chargebee = chargebee_job()
    landings = {schema: landing_job(schema) for schema in LANDING_CRONS}
    copies = copy_job()
    timeliness, full = suite_job(TIMELINESS, suites[TIMELINESS]), suite_job(FULL, suites[FULL])
    schedules: Sequence[dg.ScheduleDefinition] = [
        *(object_schedule(obj, objects[obj.name], first_partition, mirror) for obj in CATALOGUE.values()),
        *(schedule for _, schedule in references),
        *(_plain(job, cron) for job, cron in passes),
        _plain(qualification, QUALIFICATION_CRON),
        *(landing_schedule(schema, job) for schema, job in landings.items()),
        when_set(chargebee, CHARGEBEE_CRON, "CHARGEBEE_BASE_URL"),
        when_set(forward_topics, FORWARD_CRON, "TOPIC_TRANSPORT"),
        _plain(timeliness, TIMELINESS_CRON),
        _plain(full, FULL_CRON),
        _plain(daily_maintenance, MAINTENANCE_CRON),
        _plain(copies, COPY_CRON),
        model_catch_up(),
    ]
    others = [job for job, _ in (*references, *passes)]
    own = [qualification, chargebee, forward_topics, timeliness, full, daily_maintenance, copies]
    return [*objects.values(), *others, *landings.values(), prediction_merge_job(), *own], list(schedules)
