"""The assets of schema `ops`: operational tables that are readable from the warehouse too.

`definitions.py` lists them; the job `copy_operational_state` makes all of them in one run. The work itself is
`ops.copies.copy_state`.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.assets.hubspot import OWNERS
from hubspot_platform.assets.metadata import column_schema, table_metadata
from hubspot_platform.assets.sql_models import POOL
from hubspot_platform.ops.copies import READABLE, copy_of, copy_state
from hubspot_platform.runtime import Platform
from hubspot_platform.state.schema import OPS_SCHEMA

JOB = "copy_operational_state"


def operational_keys() -> list[dg.AssetKey]:
    """Return the keys of the assets."""
    return [dg.AssetKey([OPS_SCHEMA, table.name]) for table in READABLE]


def operational_assets(dialect: str) -> dg.AssetsDefinition:
    """Return the assets; `dialect` names the warehouse engine shown in the UI."""
    tables = [copy_of(table) for table in READABLE]

    @dg.multi_asset(
        name="copy_operational_tables",
        specs=[
            dg.AssetSpec(
                key,
                group_name=OPS_SCHEMA,
                description="The table of this name in the operational state, as of the copy.",
                kinds={"python", dialect},
                owners=OWNERS,
                metadata={
                    "dagster/column_schema": column_schema(table.columns),
                    "dagster/table_name": f"{table.schema}.{table.name}",
                },
            )
            for key, table in zip(operational_keys(), tables, strict=True)
        ],
        pool=POOL,
    )
    def copies(platform: dg.ResourceParam[Platform]) -> Iterator[dg.MaterializeResult[Any]]:
        with as_dagster_failure():
            copied = copy_state(platform)
            platform.warehouse().publish_soon()
        for key, table in zip(operational_keys(), tables, strict=True):
            metadata = table_metadata(copied[table.name], table.columns, table.schema, table.name)
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)

    return copies
