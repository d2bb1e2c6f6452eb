"""The asset `funnel/company_profile_change`: what changed in companies' central rows, logged and told.

`definitions.py` lists it. It is of kind `sql` too, so that it is built and caught up with the models around it. The
work itself is `funnel.profile_changes.record_changes`.
"""

import time
from typing import Any

import dagster as dg

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.assets.hubspot import OWNERS
from hubspot_platform.assets.metadata import column_schema, row_count, table_metadata
from hubspot_platform.assets.sql_models import POOL, downstream_condition
from hubspot_platform.funnel.profile_changes import record_changes
from hubspot_platform.funnel.tables import COMPANY_PROFILE_CHANGE as TABLE
from hubspot_platform.funnel.tables import PROFILE
from hubspot_platform.runtime import Platform
from hubspot_platform.sql_models.staleness import STARTED_AT


def profile_change_asset(dialect: str) -> dg.AssetsDefinition:
    """Return the asset; `dialect` names the warehouse engine shown in the UI."""

    @dg.asset(
        key=[TABLE.schema, TABLE.name],
        deps=[dg.AssetKey(PROFILE.split("."))],
        group_name=TABLE.schema,
        description=TABLE.description,
        kinds={"python", "sql", dialect},
        owners=OWNERS,
        code_version="1",
        metadata={
            "dagster/column_schema": column_schema(TABLE.columns),
            "dagster/table_name": f"{TABLE.schema}.{TABLE.name}",
        },
        automation_condition=downstream_condition(),
        pool=POOL,
    )
    def company_profile_change(platform: dg.ResourceParam[Platform]) -> dg.MaterializeResult[Any]:
        started_at, began = platform.clock(), time.perf_counter()
        warehouse = platform.warehouse()
        with as_dagster_failure():
            changes = record_changes(platform)
            warehouse.publish_soon()
        rows = row_count(warehouse, TABLE.schema, TABLE.name)
        return dg.MaterializeResult(
            metadata={
                **table_metadata(rows, TABLE.columns, TABLE.schema, TABLE.name),
                "companies_changed": changes.companies,
                "rows_logged": changes.logged,
                "events_published": changes.published,
                STARTED_AT: dg.MetadataValue.timestamp(started_at),
                "seconds": round(time.perf_counter() - began, 3),
            }
        )

    return company_profile_change
