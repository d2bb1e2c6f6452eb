"""The passes as jobs: one step per object of the catalogue and one for all custom objects; they show what they found.

`automation.schedules` gives them their times. A step that fails does not keep the others from running.
"""

from typing import Any

import dagster as dg

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.assets.hubspot import GROUP, POOL, report_metadata
from hubspot_platform.hubspot.catalogue import CATALOGUE, CUSTOM_OBJECTS, ObjectType
from hubspot_platform.hubspot.refresh import MirrorSettings
from hubspot_platform.mirror.custom_objects import sync_custom_objects
from hubspot_platform.mirror.plan import Mode, SyncRequest
from hubspot_platform.mirror.sync import sync_object
from hubspot_platform.runtime import Platform

CENSUS_CRON = "0 2 * * *"
ARCHIVED_CRON = "15 */6 * * *"
MERGES_CRON = "35 1 * * *"
ASSOCIATIONS_CRON = "0 4 * * 6"
REFRESH_CRON = "0 4 * * 0"

_WHAT: dict[Mode, tuple[str, str]] = {
    Mode.CENSUS: (
        CENSUS_CRON,
        "Compares every id and its last-modified time with HubSpot's list and repairs the rest.",
    ),
    Mode.ARCHIVED: (ARCHIVED_CRON, "Reads what was archived or restored since the last time."),
    Mode.MERGES: (MERGES_CRON, "Follows merged records to those that survive and deletes the others."),
    Mode.ASSOCIATIONS: (ASSOCIATIONS_CRON, "Compares the associations of every record with HubSpot's."),
    Mode.REFRESH: (REFRESH_CRON, "Compares every value with HubSpot's, calculated ones too; rewrites what differs."),
}


def _step(mode: Mode, obj: ObjectType) -> dg.OpDefinition:
    @dg.op(name=f"{mode.value}_{obj.plural}", pool=POOL, out=dg.Out(dg.Nothing))
    def step(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> None:
        with as_dagster_failure():
            report = sync_object(platform, SyncRequest(obj, repair=mode), run_id=context.run_id)
        metadata = report_metadata(report)
        context.log_event(dg.AssetObservation([GROUP, obj.table], metadata=metadata))
        context.add_output_metadata(metadata)

    return step


def _custom_step(mode: Mode) -> dg.OpDefinition:
    """Return the step that runs the pass over whatever custom objects the portal has by then."""

    @dg.op(name=f"{mode.value}_{CUSTOM_OBJECTS.name}", pool=POOL, out=dg.Out(dg.Nothing))
    def step(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> None:
        with as_dagster_failure():
            done = sync_custom_objects(
                platform, run_id=context.run_id, request=lambda obj: SyncRequest(obj, repair=mode)
            )
        for name, report in done.objects.items():
            context.log_event(dg.AssetObservation([GROUP, name], metadata=report_metadata(report)))
        context.add_output_metadata({"custom_objects": sorted(done.objects), "api_calls": done.as_json()["calls"]})

    return step


def _job(mode: Mode, description: str, mirror: MirrorSettings) -> dg.JobDefinition:
    objects = [obj for obj in CATALOGUE.values() if not mirror.skips(obj)]
    steps = [_step(mode, obj) for obj in objects if mode is not Mode.ASSOCIATIONS or obj.associations]
    if not mirror.skips(CUSTOM_OBJECTS):
        steps.append(_custom_step(mode))

    @dg.graph(name=f"mirror_{mode.value}")
    def every_object() -> None:
        for step in steps:
            step()

    return every_object.to_job(description=description, executor_def=dg.in_process_executor)


def pass_jobs(mirror: MirrorSettings) -> list[tuple[Any, str]]:
    """Return the job of every pass with its cron line (UTC)."""
    return [(_job(mode, description, mirror), cron) for mode, (cron, description) in _WHAT.items()]
