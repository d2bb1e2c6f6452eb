"""The asset `payments/company_profile_arr_range`: each company's last good revenue figures and the range before.

`definitions.py` lists it. The work itself is `payments.profile.refresh_profiles`.
"""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.assets.hubspot import OWNERS
from hubspot_platform.assets.metadata import column_schema, row_count, table_metadata
from hubspot_platform.assets.sql_models import POOL, downstream_condition
from hubspot_platform.payments.profile import COMPANY_PROFILE_ARR_RANGE as TABLE
from hubspot_platform.payments.profile import refresh_profiles
from hubspot_platform.runtime import Platform
from hubspot_platform.sql_models.staleness import STARTED_AT

KEY = dg.AssetKey([TABLE.schema, TABLE.name])
NO_JUMPS_CHECK = "no_tier_jump"


def company_profile_asset(dialect: str) -> dg.AssetsDefinition:
    """Return the asset; `dialect` names the warehouse engine shown in the UI."""

    @dg.asset(
        key=KEY,
        deps=[dg.AssetKey(["payments", "company_mrr"])],
        group_name=TABLE.schema,
        description=TABLE.description,
        kinds={"python", dialect},
        owners=OWNERS,
        code_version="1",
        metadata={
            "dagster/column_schema": column_schema(TABLE.columns),
            "dagster/table_name": f"{TABLE.schema}.{TABLE.name}",
        },
        automation_condition=downstream_condition(),
        check_specs=[
            dg.AssetCheckSpec(NO_JUMPS_CHECK, asset=KEY, description="no company's last change skipped an ARR range")
        ],
        pool=POOL,
    )
    def company_profile_arr_range(platform: dg.ResourceParam[Platform]) -> Iterator[dg.MaterializeResult[Any]]:
        started_at, began = platform.clock(), time.perf_counter()
        warehouse = platform.warehouse()
        with as_dagster_failure():
            changes = refresh_profiles(warehouse)
            rows = row_count(warehouse, TABLE.schema, TABLE.name)
            jumps = row_count(warehouse, TABLE.schema, TABLE.name, "tier_jump")
        yield dg.MaterializeResult(
            metadata={
                **table_metadata(rows, TABLE.columns, TABLE.schema, TABLE.name),
                "companies_changed": changes.changed,
                "tier_jumps": changes.jumped,
                STARTED_AT: dg.MetadataValue.timestamp(started_at),
                "seconds": round(time.perf_counter() - began, 3),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=NO_JUMPS_CHECK,
                    passed=jumps == 0,
                    severity=dg.AssetCheckSeverity.WARN,
                    description=f"{jumps} companies to look at" if jumps else None,
                    metadata={"subject": "payments.company_profile_arr_range", "observed": float(jumps)},
                )
            ],
        )

    return company_profile_arr_range
