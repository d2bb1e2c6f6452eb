"""When attribution is computed again although nothing landed: delayed runs that are due, and an hourly sweep.

`definitions.py` takes the job, the sensor and the schedule from here. Everything else follows its sources by the
automation condition of the models.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import dagster as dg

from hubspot_platform.attribution.runs import ask, take_triggers
from hubspot_platform.automation.schedules import UNFINISHED, day_tags
from hubspot_platform.runtime import Platform
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.errors import NothingPublished

JOB = "delayed_attribution"
INTERVAL_SECONDS = 30
SWEEP_CRON = "20 * * * *"

INGESTED = {
    "product.session": "ingested_at",
    "product.lead": "submitted_at",
    "product.mobile_signup": "occurred_at",
    "product.interaction_touchpoint": "ingested_at",
    "product.company_to_client_id": "linked_at",
    "product.company_to_email": "linked_at",
    "product.email_to_client_id": "linked_at",
}
"""The landed tables that hold touches or identities, and the column that says when a row came."""


def attribution_job() -> Any:
    """Return the job that computes every attribution table and publishes what changed."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.groups("attribution"),
        description="Compute attribution again, close the runs that were due, publish what changed.",
    )


def attribution_sensor() -> dg.SensorDefinition:
    """Return the sensor that takes triggers and asks for one run when one or more are due."""

    @dg.sensor(
        name="delayed_attribution_sensor",
        job_name=JOB,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def sensor(
        context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]
    ) -> dg.RunRequest | dg.SkipReason:
        take_triggers(platform)
        busy = context.instance.get_runs(dg.RunsFilter(job_name=JOB, statuses=UNFINISHED), limit=1)
        if busy:
            return dg.SkipReason(f"run {busy[0].run_id} has not finished; it closes what was due when it began")
        oldest = ask(platform)
        if oldest is None:
            return dg.SkipReason("no delayed run is due")
        return dg.RunRequest(tags={**day_tags(platform.clock()), "due_at": oldest.isoformat()})

    return sensor


def attribution_sweep(job: Any) -> dg.ScheduleDefinition:
    """Return the hourly schedule that finds touches and links which arrived after the tables were computed."""

    @dg.schedule(
        name="attribution_sweep",
        job=job,
        cron_schedule=SWEEP_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def schedule(
        context: dg.ScheduleEvaluationContext, platform: dg.ResourceParam[Platform]
    ) -> dg.RunRequest | dg.SkipReason:
        try:
            with platform.warehouse().reader() as session:
                late = arrived_later(session, platform.clock())
        except NothingPublished:
            return dg.SkipReason("there is no warehouse yet")
        if not late:
            return dg.SkipReason("nothing arrived since attribution was computed")
        return dg.RunRequest(tags=day_tags(context.scheduled_execution_time))

    return schedule


def arrived_later(session: Session, now: datetime) -> Sequence[str]:
    """Return the landed tables that hold rows ingested after attribution was computed; all of them if it never was.

    A row dated after `now` is left for later: a wrong date far ahead would ask for a run every hour.
    """
    landed = [name for name in INGESTED if session.columns(name)]
    if not session.columns("attribution.company_summary"):
        return landed
    found = session.query("select max(computed_at) as computed_at from attribution.company_summary").to_pylist()
    computed_at: datetime | None = found[0]["computed_at"]
    if computed_at is None:
        return landed
    return [
        name
        for name in landed
        if session.query(
            f"select 1 as late from {name} where {INGESTED[name]} > ? and {INGESTED[name]} <= ? limit 1",
            [computed_at, now],
        ).num_rows
    ]
