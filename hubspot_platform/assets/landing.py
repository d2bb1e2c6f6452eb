"""Assets of schemas `product` and `predictions`: one a table of the contract, landed together, each with its check.

Built from the catalogue in `landing/contract.py`; a table that fails does not keep the others from landing.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.assets.hubspot import OWNERS
from hubspot_platform.assets.metadata import column_schema, table_metadata
from hubspot_platform.checks.engine import CheckContext, as_check_result, check_spec, run_test
from hubspot_platform.checks.landing import counted
from hubspot_platform.checks.table import CONTRACT_TEST
from hubspot_platform.errors import PlatformError
from hubspot_platform.landing.contract import CATALOGUE, REJECTED_ROW
from hubspot_platform.landing.land import LandingReport, land
from hubspot_platform.landing.model import LandedTable, Origin
from hubspot_platform.runtime import Platform

POOL = "warehouse_writer"
JOBS: Mapping[Origin, str] = {"product": "land_product", "predictions": "bigquery_to_mysql_ds_data"}
LATE, TOO_LATE = timedelta(hours=2), timedelta(hours=6)

Results = Iterator[dg.MaterializeResult[Any]]


def landing_assets(dialect: str) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Return the assets of both schemas and the table of rejected rows."""
    return [*(_landed_assets(schema, dialect) for schema in JOBS), _rejected_spec(dialect)]


def asset_key(entry: LandedTable) -> dg.AssetKey:
    """Return the key of a landed table's asset."""
    return dg.AssetKey([entry.schema, entry.name])


def _landed_assets(schema: Origin, dialect: str) -> dg.AssetsDefinition:
    entries = {asset_key(entry): entry for entry in CATALOGUE.values() if entry.schema == schema}

    @dg.multi_asset(
        name=f"land_{schema}_tables",  # the job of the product is called land_product
        specs=[_spec(entry, dialect) for entry in entries.values()],
        check_specs=[
            check_spec(CONTRACT_TEST, subject) for subject in CONTRACT_TEST.subjects if subject.schema == schema
        ],
        pool=POOL,
        can_subset=True,
    )
    def land_tables(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> Results:
        chosen = [entry for key, entry in entries.items() if key in context.selected_asset_keys]
        with as_dagster_failure():
            outcomes = land(platform, chosen, run_id=context.run.run_id)
        for outcome in outcomes:
            if outcome.report is not None:
                yield _result(platform, outcome.entry, outcome.report)
        errors = [outcome.error for outcome in outcomes if outcome.error]
        for error in errors:
            context.log.error("%s", error)
        if errors:
            with as_dagster_failure():
                raise _worst(errors)

    return land_tables


def _worst(errors: Sequence[PlatformError]) -> PlatformError:
    """Return the error that fails the step: one that trying again does not mend, if there is one."""
    return next((error for error in errors if not getattr(error, "retryable", False)), errors[0])


def _spec(entry: LandedTable, dialect: str) -> dg.AssetSpec:
    need = "" if entry.required else f" Optional; feeds {entry.feeds}."
    return dg.AssetSpec(
        key=asset_key(entry),
        description=f"{entry.description}{need}",
        group_name=entry.schema,
        kinds={"product", dialect} if entry.schema == "product" else {"bigquery", dialect},
        owners=OWNERS,
        metadata={
            "dagster/table_name": entry.full_name,
            "dagster/column_schema": column_schema(entry.table.columns),
        },
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=TOO_LATE, warn_window=LATE),
        skippable=True,
    )


def _rejected_spec(dialect: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=[REJECTED_ROW.schema, REJECTED_ROW.name],
        description=REJECTED_ROW.description,
        group_name=REJECTED_ROW.schema,
        kinds={dialect},
        owners=OWNERS,
        deps=[asset_key(entry) for entry in CATALOGUE.values()],
        metadata={
            "dagster/table_name": f"{REJECTED_ROW.schema}.{REJECTED_ROW.name}",
            "dagster/column_schema": column_schema(REJECTED_ROW.columns),
        },
    )


def _result(platform: Platform, entry: LandedTable, report: LandingReport) -> dg.MaterializeResult[Any]:
    return dg.MaterializeResult(
        asset_key=asset_key(entry),
        metadata={
            **table_metadata(report.rows_landed, entry.table.columns, entry.schema, entry.name),
            **landing_metadata(report),
        },
        check_results=[_judged(platform, entry, report)],
    )


def landing_metadata(report: LandingReport) -> dict[str, Any]:
    """Return the numbers of a landing; numbers become plots over time in the UI."""
    return {
        "source": report.place,
        "rows_read": report.rows_read,
        "rows_rejected": report.rows_rejected,
        "rows_superseded": report.rows_superseded,
        "seconds": report.seconds,
        **{f"rejected_{reason}": number for reason, number in sorted(report.rejected.items())},
        **({"warning": report.warning} if report.warning else {}),
        **({"absent_columns": list(report.absent_columns)} if report.absent_columns else {}),
        **({"ignored_columns": list(report.ignored_columns)} if report.ignored_columns else {}),
    }


def _judged(platform: Platform, entry: LandedTable, report: LandingReport) -> dg.AssetCheckResult:
    subject = next(found for found in CONTRACT_TEST.subjects if found.qualified == entry.full_name)
    context = CheckContext(platform, platform.clock(), {entry.full_name: counted(report)})
    return as_check_result(CONTRACT_TEST, subject, run_test(CONTRACT_TEST, context, subject))
