"""Custom objects as one Dagster asset, `hubspot/custom_objects`.

One asset, because definitions load without asking HubSpot and a portal's schemas may change between two runs: the asset
is the list of custom objects, and materialising it syncs the table of each. Every such table is reported under its own
key, `hubspot/custom_<name>`, so its numbers are plotted and models below it start, though nobody declared it.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.assets.hubspot import GROUP, POOL, report_metadata, sync_listener, table_spec, table_state
from hubspot_platform.assets.metadata import row_count, table_metadata
from hubspot_platform.hubspot.catalogue import CUSTOM_OBJECTS
from hubspot_platform.hubspot.refresh import MirrorSettings
from hubspot_platform.mirror.custom_objects import sync_custom_objects
from hubspot_platform.mirror.reference import REFERENCE_TABLES
from hubspot_platform.mirror.report import SyncReport
from hubspot_platform.runtime import Platform


def custom_objects_asset(dialect: str, mirror: MirrorSettings) -> dg.AssetsDefinition:
    """Return the asset that lists the portal's custom objects and syncs all of them."""
    (table,) = REFERENCE_TABLES[CUSTOM_OBJECTS.name]

    @dg.multi_asset(
        name=f"read_{CUSTOM_OBJECTS.name}",
        specs=[
            table_spec(table.name, table.description, CUSTOM_OBJECTS, table.columns, dialect=dialect, mirror=mirror)
        ],
        pool=POOL,
    )
    def read(
        context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        with as_dagster_failure():
            report = sync_custom_objects(platform, run_id=context.run.run_id, listen=sync_listener(context, platform))
        for name, synced in report.objects.items():
            context.log_event(dg.AssetMaterialization([GROUP, name], metadata=_metadata(platform, name, synced)))
        document = report.as_json()
        yield dg.MaterializeResult(
            asset_key=[GROUP, table.name],
            metadata={
                **table_state(platform, table),
                "custom_objects": sorted(report.objects),
                "records_read": document["counts"]["read"],
                "api_calls": document["calls"],
            },
        )

    return read


def _metadata(platform: Platform, name: str, report: SyncReport) -> dict[str, Any]:
    warehouse = platform.warehouse()
    rows = row_count(warehouse, GROUP, name, "not is_deleted")
    return {**table_metadata(rows, report.columns, GROUP, name), **report_metadata(report)}
