"""Every file below `sql/` as a Dagster asset.

`definitions.py` calls `sql_model_assets`. The work itself is `sql_models.build.build_model`; this module
only tells Dagster about it.
"""

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import dagster as dg
from dagster._utils.warnings import BetaWarning

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.assets.metadata import column_schema, table_metadata
from hubspot_platform.clock import Clock
from hubspot_platform.sql_models.build import (
    BuildOutcome,
    CheckOutcome,
    ModelChecksFailedError,
    UpstreamMissingError,
    build_model,
    run_checks,
)
from hubspot_platform.sql_models.header import Check, Materialization, Severity
from hubspot_platform.sql_models.model import Model
from hubspot_platform.sql_models.render import BusinessTerms
from hubspot_platform.sql_models.staleness import STARTED_AT
from hubspot_platform.sql_models.store import load_models, sql_folder
from hubspot_platform.warehouse.protocol import Warehouse

Results = Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]

POOL = "warehouse_writer"
FIRST_PARTITION = datetime(2026, 1, 1, tzinfo=UTC)


class ModelContext(Protocol):
    """What these assets need of the resource `platform`."""

    @property
    def clock(self) -> Clock:
        """The process's clock."""

    def warehouse(self) -> Warehouse:
        """The warehouse the models live in."""


def downstream_condition() -> dg.AutomationCondition[dg.AssetKey]:
    """Run when something upstream is new and nothing upstream is known to be wrong.

    `eager()` on a table below an hourly partitioned one waits for every partition since the beginning; a
    model reads the table, not the partitions, so that clause goes.
    """
    eager = dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())
    return eager & dg.AutomationCondition.all_deps_blocking_checks_passed()


def sql_model_assets(
    business: BusinessTerms,
    dialect: str,
    *,
    folder: Path | None = None,
    cache: Path | None = None,
    first_partition: datetime = FIRST_PARTITION,
) -> list[dg.AssetsDefinition]:
    """Return one asset per file below `folder` (the platform's own models when None).

    `cache` is a file that keeps what parsing found, so that later processes start faster; `first_partition` lies in
    the first day of the models that have a day. Raises SqlModelError.
    """
    return model_assets(load_models(folder or sql_folder(), business, cache=cache), dialect, first_partition)


def model_assets(
    models: Sequence[Model], dialect: str, first_partition: datetime = FIRST_PARTITION
) -> list[dg.AssetsDefinition]:
    """Return one asset per model; `dialect` names the warehouse engine shown in the UI."""
    days = daily_partitions(first_partition)
    by_day = frozenset((model.schema, model.name) for model in models if model.header.partition)
    return [_model_asset(model, dialect, days, by_day) for model in models]


def daily_partitions(first_partition: datetime) -> dg.DailyPartitionsDefinition:
    """Return the days (UTC) of the models whose header names a partition column; today is the last of them.

    A model is recomputed as a whole, whatever day is asked for: the day says which state of the table is asked for,
    a range of days is one run, and only the newest day follows its sources by itself.
    """
    return dg.DailyPartitionsDefinition(first_partition.astimezone(UTC).strftime("%Y-%m-%d"), end_offset=1)


def _dependency(read: tuple[str, str], is_daily: bool, upstream_is_daily: bool) -> dg.AssetDep:
    """Return the dependency on a table: its day on the same day of other models, else on the whole table."""
    key = dg.AssetKey(list(read))
    if is_daily and not upstream_is_daily:
        return dg.AssetDep(key, partition_mapping=dg.AllPartitionMapping())
    return dg.AssetDep(key)


def single_run() -> dg.BackfillPolicy:
    """Return the policy that computes any range of days in one run."""
    with warnings.catch_warnings():
        # The whole table is one run for any range of days; the class is beta, its behaviour is tested here.
        warnings.simplefilter("ignore", BetaWarning)
        return dg.BackfillPolicy.single_run()


def _model_asset(
    model: Model, dialect: str, days: dg.DailyPartitionsDefinition, by_day: frozenset[tuple[str, str]]
) -> dg.AssetsDefinition:
    key = dg.AssetKey([model.schema, model.name])
    is_daily = model.header.partition is not None

    spec = dg.AssetSpec(
        key=key,
        deps=[_dependency(read, is_daily, read in by_day) for read in model.analysis.reads],
        group_name=model.schema,
        description=model.header.description,
        owners=list(model.header.owners),
        kinds={"sql", dialect} | ({"view"} if model.header.materialized is Materialization.VIEW else set()),
        code_version=model.code_version,
        metadata={**_described(model), "sql": dg.MetadataValue.md(f"```sql\n{model.sql}\n```")},
        automation_condition=downstream_condition(),
        skippable=True,
        partitions_def=days if is_daily else None,
    )
    with warnings.catch_warnings():
        # The decorator's backfill_policy parameter is beta; see single_run.
        warnings.simplefilter("ignore", BetaWarning)

        @dg.multi_asset(
            name=f"{model.schema}__{model.name}",
            specs=[spec],
            check_specs=[_check_spec(check, key) for check in model.header.all_checks],
            pool=POOL,
            can_subset=True,
            backfill_policy=single_run() if is_daily else None,
        )
        def build(context: dg.AssetExecutionContext, platform: dg.ResourceParam[ModelContext]) -> Results:
            with as_dagster_failure():
                if key in context.selected_asset_keys:
                    yield from _materialise(context, platform, model)
                else:
                    yield from _check_only(context, platform, model)

    return build


def _materialise(context: dg.AssetExecutionContext, platform: ModelContext, model: Model) -> Results:
    """Build the table; without its upstreams nothing happens, refused rows leave the old table as it is."""
    key = dg.AssetKey([model.schema, model.name])
    started_at, began = platform.clock(), time.perf_counter()
    warehouse = platform.warehouse()
    try:
        with warehouse.writer() as session:
            outcome = build_model(session, model, _time_of_run(context.run.run_id, model.schema, platform.clock))
    except UpstreamMissingError as waiting:
        context.log.info("not built yet: %s", waiting)
        return
    except ModelChecksFailedError as refused:
        yield from _check_results(context, key, refused.outcomes)
        raise
    warehouse.publish_soon()
    for missing in outcome.missing:
        context.log.warning("%s.%s has no %s; it is read as null", missing.schema, missing.table, missing.column)
    yield dg.MaterializeResult(
        asset_key=key,
        metadata={
            **table_metadata(outcome.rows, model.analysis.columns, model.schema, model.name),
            "dagster/column_lineage": _lineage(model),
            **_measured(outcome, started_at, time.perf_counter() - began),
        },
        check_results=list(_check_results(context, key, outcome.checks)),
    )


@lru_cache(maxsize=64)
def _time_of_run(run_id: str, schema: str, clock: Clock) -> datetime:
    """Return the `as_of` of all models of a schema in one run: tables that are read together speak of one time.

    A run is one process. Each schema has its own time, so that what the run lands first is not in its future.
    """
    del run_id, schema
    return clock()


def _check_only(context: dg.AssetExecutionContext, platform: ModelContext, model: Model) -> Results:
    """Check the table as readers see it, without building it."""
    with platform.warehouse().reader() as session:
        _, outcomes = run_checks(session, model.header, model.table.qualified)
    yield from _check_results(context, dg.AssetKey([model.schema, model.name]), outcomes)


def _measured(outcome: BuildOutcome, started_at: datetime, seconds: float) -> dict[str, Any]:
    missing = [f"{column.table}.{column.column}" for column in outcome.missing]
    return {
        STARTED_AT: dg.MetadataValue.timestamp(started_at),
        "seconds": round(seconds, 3),
        **({"absent_properties": missing} if missing else {}),
    }


def _described(model: Model) -> Mapping[str, Any]:
    return {
        "dagster/table_name": model.qualified,
        "dagster/column_schema": column_schema(model.analysis.columns),
        "dagster/column_lineage": _lineage(model),
        "column_lineage": dg.MetadataValue.md(_lineage_table(model)),
        "grain": ", ".join(model.header.grain),
        **({"partition_column": model.header.partition} if model.header.partition else {}),
    }


def _lineage(model: Model) -> dg.TableColumnLineage:
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(dg.AssetKey([s.schema, s.table]), s.column) for s in sources]
            for name, sources in model.analysis.lineage
            if sources
        }
    )


def _lineage_table(model: Model) -> str:
    """Return where each column comes from, as people read it: the open-source UI keeps column lineage but hides it."""
    lines = ["| column | comes from |", "| --- | --- |"]
    for name, sources in model.analysis.lineage:
        found = ", ".join(f"{source.schema}.{source.table}.{source.column}" for source in sources)
        lines.append(f"| {name} | {found or 'no column'} |")
    return "\n".join(lines)


def _check_spec(check: Check, key: dg.AssetKey) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(check.name, asset=key, description=check.text, blocking=check.severity is Severity.ERROR)


def _check_results(
    context: dg.AssetExecutionContext, key: dg.AssetKey, outcomes: Sequence[CheckOutcome]
) -> Iterator[dg.AssetCheckResult]:
    for outcome in outcomes:
        if dg.AssetCheckKey(key, outcome.check.name) not in context.selected_asset_check_keys:
            continue
        blocking = outcome.check.severity is Severity.ERROR
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=outcome.check.name,
            passed=outcome.passed,
            severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
            description=f"{outcome.violations} rows break: {outcome.check.text}" if outcome.violations else None,
            metadata={
                "subject": key.to_user_string().replace("/", "."),
                "violating_rows": outcome.violations,
                "observed": float(outcome.violations),
                "threshold": 0.0,
                "unit": "rows",
                "rule": outcome.check.text,
            },
        )
