"""The mirror as Dagster assets: one multi-asset per entry of the object catalogue, one per kind of reference data.

Thin by design: the window of the run goes to the sync engine, its report becomes metadata. A catalogue entry is all
an object needs to appear here.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import dagster as dg
from dagster._utils.warnings import BetaWarning

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.assets.metadata import column_schema, row_count, table_metadata
from hubspot_platform.hubspot.catalogue import (
    CATALOGUE,
    CUSTOM_OBJECTS,
    REFERENCES,
    SHARED_TABLES,
    ObjectType,
    ReferenceType,
)
from hubspot_platform.hubspot.refresh import MirrorSettings
from hubspot_platform.mirror.plan import SyncRequest
from hubspot_platform.mirror.reference import REFERENCE_TABLES, sync_reference
from hubspot_platform.mirror.rejected import REJECTED_ROW
from hubspot_platform.mirror.report import SyncReport
from hubspot_platform.mirror.sync import sync_object
from hubspot_platform.mirror.tables import ENGAGEMENT, VALUE_ERROR, association_table
from hubspot_platform.mirror.writer import tables_beside
from hubspot_platform.runtime import Platform
from hubspot_platform.state.windows import Window
from hubspot_platform.warehouse.model import Column, Table

GROUP = "hubspot"
POOL = "hubspot_api"
OWNERS = ["team:revops"]
LOG_EVERY_OBJECTS = 20_000
LEFT_OUT = " Left out by `mirror.skip` of the business settings: the table exists and stays empty."


def hourly_partitions(start: datetime) -> dg.HourlyPartitionsDefinition:
    """Return the hourly partitions (UTC) of every searchable object; what lies before is one full read."""
    return dg.HourlyPartitionsDefinition(start.strftime("%Y-%m-%d-%H:%M"))


def _single_run() -> dg.BackfillPolicy:
    with warnings.catch_warnings():
        # A range of hours is one window and therefore one run; the parameter is beta, its behaviour is tested here.
        warnings.simplefilter("ignore", BetaWarning)
        return dg.BackfillPolicy.single_run()


def freshness_of(entry: ObjectType | ReferenceType, mirror: MirrorSettings) -> dg.FreshnessPolicy | None:
    """Return the freshness policy of an entry's tables; None for one that is left out."""
    if mirror.skips(entry):
        return None
    warn, fail = mirror.freshness(entry)
    return dg.FreshnessPolicy.time_window(fail_window=fail, warn_window=warn)


def table_spec(
    table: str,
    description: str,
    entry: ObjectType | ReferenceType,
    columns: Sequence[Column] = (),
    *,
    dialect: str,
    mirror: MirrorSettings,
) -> dg.AssetSpec:
    """Return the asset of a table; `columns` are those known before the portal is asked."""
    return dg.AssetSpec(
        key=[GROUP, table],
        description=f"{description}{LEFT_OUT if mirror.skips(entry) else ''}",
        metadata={
            "dagster/table_name": f"{GROUP}.{table}",
            **({"dagster/column_schema": column_schema(columns)} if columns else {}),
        },
        group_name=GROUP,
        kinds={"hubspot", dialect},
        owners=OWNERS,
        tags={"job": entry.job},
        freshness_policy=freshness_of(entry, mirror),
    )


def object_asset(
    obj: ObjectType, partitions: dg.PartitionsDefinition[str], dialect: str, mirror: MirrorSettings
) -> dg.AssetsDefinition:
    """Return the asset of one object: its table and those of its own associations and changes, read by one step."""
    own = own_tables(obj)
    specs = [
        table_spec(
            obj.table,
            f"{obj.label} records of the portal, one row each: every property typed as `property_<name>`, the object "
            "as HubSpot returned it in `raw_json`, archived and merged records marked as deleted.",
            obj,
            dialect=dialect,
            mirror=mirror,
        ),
        *(
            table_spec(table.name, table.description, obj, table.columns, dialect=dialect, mirror=mirror)
            for table in own
        ),
    ]
    with warnings.catch_warnings():
        # The decorator's backfill_policy parameter is beta; see _single_run.
        warnings.simplefilter("ignore", BetaWarning)

        @dg.multi_asset(
            name=f"read_{obj.plural}",
            specs=[spec.replace_attributes(partitions_def=partitions) for spec in specs],
            pool=POOL,
            backfill_policy=_single_run(),
        )
        def read(
            context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
        ) -> Iterator[dg.MaterializeResult[Any]]:
            window = context.partition_time_window
            request = SyncRequest(obj, window=Window(window.start, window.end))
            with as_dagster_failure():
                report = sync_object(
                    platform, request, run_id=context.run.run_id, listen=sync_listener(context, platform)
                )
                yield from _results(platform, obj, report, own)
                _report_shared(context, platform, obj)

    return read


def sync_listener(context: dg.AssetExecutionContext, platform: Platform) -> Callable[[SyncReport], None]:
    """Return what follows a sync: it passes progress on and writes it to the run's log now and then."""
    logged = 0

    def listen(report: SyncReport) -> None:
        nonlocal logged
        platform.listen(report)
        if report.objects_read - logged >= LOG_EVERY_OBJECTS:
            logged = report.objects_read
            context.log.info("%s: %d of %s records read", report.object, logged, report.portal_total or "?")

    return listen


def _results(
    platform: Platform, obj: ObjectType, report: SyncReport, own: Sequence[Table]
) -> Iterator[dg.MaterializeResult[Any]]:
    warehouse = platform.warehouse()
    with warehouse.reader() as session:
        stored = session.columns(f"{GROUP}.{obj.table}")
    yield dg.MaterializeResult(
        asset_key=[GROUP, obj.table],
        metadata={
            **table_metadata(
                row_count(warehouse, GROUP, obj.table, "not is_deleted"),
                report.columns_of(stored),
                GROUP,
                obj.table,
            ),
            "dagster/partition_row_count": report.objects_read,
            **report_metadata(report),
        },
    )
    for table in own:
        yield dg.MaterializeResult(asset_key=[GROUP, table.name], metadata=table_state(platform, table))


def table_state(platform: Platform, table: Table) -> dict[str, Any]:
    """Return rows, columns and names of a table as it is, as metadata."""
    return table_metadata(row_count(platform.warehouse(), GROUP, table.name), table.columns, GROUP, table.name)


def _report_shared(context: dg.AssetExecutionContext, platform: Platform, obj: ObjectType) -> None:
    """Show the tables that several syncs fill, each the rows of its records, over time.

    Their materialisations start the models below. `value_error` has no models and is only observed.
    """
    for table in shared_tables(obj):
        context.log_event(dg.AssetMaterialization([GROUP, table.name], metadata=table_state(platform, table)))
    metadata = table_state(platform, VALUE_ERROR)
    context.log_event(dg.AssetObservation([GROUP, VALUE_ERROR.name], metadata=metadata))


def own_tables(obj: ObjectType) -> list[Table]:
    """Return the tables beside the object's own that its sync alone fills."""
    associations = [association_table(target) for target in obj.associations if target.table not in SHARED_TABLES]
    return [*associations, *tables_beside(obj)]


def shared_tables(obj: ObjectType) -> list[Table]:
    """Return the tables that the syncs of other objects fill together with this one's."""
    associations = [association_table(target) for target in obj.associations if target.table in SHARED_TABLES]
    return [*associations, ENGAGEMENT] if obj.engagement_type else associations


def report_metadata(report: SyncReport) -> dict[str, Any]:
    """Return the numbers of a sync as metadata; numbers become plots over time in the UI."""
    return {
        "mode": str(report.mode),
        **{f"records_{name}": value for name, value in report.tally().items()},
        "records_merged_away": report.merged_away,
        "records_vanished": report.vanished,
        **{f"found_{name}": number for name, number in report.findings.items()},
        **({"window": str(report.window)} if report.window else {}),
        **({"records_resumed": report.resumed} if report.resumed else {}),
        "api_calls": report.calls,
        "api_retries": report.retries,
        "api_limited": report.limited,
        **({"portal_total": report.portal_total} if report.portal_total is not None else {}),
        **({"live_rows": report.live_rows} if report.live_rows is not None else {}),
        **({"watermark": report.watermark.isoformat()} if report.watermark else {}),
        **({"watermark_lag_seconds": report.lag_seconds} if report.lag_seconds is not None else {}),
        **({"seconds": report.seconds} if report.seconds is not None else {}),
        **({"new_columns": list(report.new_columns)} if report.new_columns else {}),
        **({"absent_properties": list(report.absent)} if report.absent else {}),
        **(
            {"type_drift": [f"{d.property}: {d.column_type} ← {d.declared}" for d in report.drift]}
            if report.drift
            else {}
        ),
    }


def reference_asset(entry: ReferenceType, dialect: str, mirror: MirrorSettings) -> dg.AssetsDefinition:
    """Return the asset of one kind of reference data."""
    tables: tuple[Table, ...] = REFERENCE_TABLES[entry.name]

    @dg.multi_asset(
        name=f"read_{entry.name}",
        specs=[
            table_spec(table.name, table.description, entry, table.columns, dialect=dialect, mirror=mirror)
            for table in tables
        ],
        pool=POOL,
    )
    def read(
        context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        with as_dagster_failure():
            report = sync_reference(platform, entry, run_id=context.run.run_id)
        for table in tables:
            yield dg.MaterializeResult(
                asset_key=[GROUP, table.name],
                metadata={
                    **table_metadata(_live_rows(platform, table), table.columns, GROUP, table.name),
                    "rows_read": report.rows[table.name],
                    "rows_rejected": report.rejected,
                    "api_calls": report.calls,
                    "api_retries": report.retries,
                    "seconds": report.seconds,
                },
            )

    return read


def _live_rows(platform: Platform, table: Table) -> int:
    live = "not _fivetran_deleted" if "_fivetran_deleted" in table.column_names else "true"
    return row_count(platform.warehouse(), GROUP, table.name, live)


def shared_asset(
    table: Table, filled_with: Sequence[str], dialect: str, freshness: dg.FreshnessPolicy | None = None
) -> dg.AssetSpec:
    """Return the asset of a table that several reads fill besides their own tables; it has no step of its own."""
    return dg.AssetSpec(
        key=[GROUP, table.name],
        description=table.description,
        group_name=GROUP,
        kinds={"hubspot", dialect},
        owners=OWNERS,
        deps=[[GROUP, name] for name in filled_with],
        freshness_policy=freshness,
        metadata={
            "dagster/table_name": f"{GROUP}.{table.name}",
            "dagster/column_schema": column_schema(table.columns),
        },
    )


def mirror_assets(start: datetime, dialect: str, mirror: MirrorSettings) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Return every asset of schema `hubspot` that HubSpot itself fills, but those of custom objects."""
    partitions = hourly_partitions(start)
    shared: dict[Table, list[ObjectType]] = {}
    for obj in CATALOGUE.values():
        for table in shared_tables(obj):
            shared.setdefault(table, []).append(obj)
    references = [entry for entry in REFERENCES.values() if entry is not CUSTOM_OBJECTS]
    return [
        *(object_asset(obj, partitions, dialect, mirror) for obj in CATALOGUE.values()),
        *(reference_asset(entry, dialect, mirror) for entry in references),
        *(
            shared_asset(table, [obj.table for obj in objects], dialect, freshness_of(objects[0], mirror))
            for table, objects in shared.items()
        ),
        shared_asset(VALUE_ERROR, [obj.table for obj in CATALOGUE.values()], dialect),
        shared_asset(
            REJECTED_ROW,
            [*(obj.table for obj in CATALOGUE.values()), *(table for entry in references for table in entry.tables)],
            dialect,
        ),
    ]
