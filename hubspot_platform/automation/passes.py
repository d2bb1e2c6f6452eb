"""The passes as jobs: each runs over every object of the catalogue, one step per object, and shows what it found.

`automation.schedules` gives them their times. A step that fails does not keep the others from running.
"""

from typing import Any

import dagster as dg

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.assets.hubspot import GROUP, POOL, report_metadata
from hubspot_platform.hubspot.catalogue import CATALOGUE, ObjectType
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


def _job(mode: Mode, description: str) -> dg.JobDefinition:
    steps = [_step(mode, obj) for obj in CATALOGUE.values() if mode is not Mode.ASSOCIATIONS or obj.associations]

    @dg.graph(name=f"mirror_{mode.value}")
    def every_object() -> None:
        for step in steps:
            step()

    return every_object.to_job(description=description, executor_def=dg.in_process_executor)


def pass_jobs() -> list[tuple[Any, str]]:
    """Return the job of every pass with its cron line (UTC)."""
    return [(_job(mode, description), cron) for mode, (cron, description) in _WHAT.items()]
