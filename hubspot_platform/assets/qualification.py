"""The asset behind job `check_qualification_list_membership`: who is qualified, by the lists people configured."""

from typing import Any

import dagster as dg

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.assets.hubspot import GROUP, OWNERS, freshness_of
from hubspot_platform.assets.metadata import column_schema, row_count, table_metadata
from hubspot_platform.hubspot.catalogue.collections import LISTS
from hubspot_platform.hubspot.refresh import MirrorSettings
from hubspot_platform.mirror.qualification import CONTACT_QUALIFICATION, check_qualification
from hubspot_platform.runtime import Platform

JOB = "check_qualification_list_membership"


def qualification_asset(dialect: str, mirror: MirrorSettings) -> dg.AssetsDefinition:
    """Return the asset of `contact_qualification`; it reads the mirror's list members and publishes what changed."""
    table = CONTACT_QUALIFICATION

    @dg.asset(
        key=[GROUP, table.name],
        deps=[[GROUP, "contact_list_member"]],
        description=table.description,
        group_name=GROUP,
        kinds={dialect},
        owners=OWNERS,
        tags={"job": JOB},
        metadata={
            "dagster/table_name": f"{GROUP}.{table.name}",
            "dagster/column_schema": column_schema(table.columns),
        },
        freshness_policy=freshness_of(LISTS, mirror),
    )
    def contact_qualification(platform: dg.ResourceParam[Platform]) -> dg.MaterializeResult[Any]:
        with as_dagster_failure():
            report = check_qualification(platform)
        rows = row_count(platform.warehouse(), GROUP, table.name)
        return dg.MaterializeResult(
            metadata={
                **table_metadata(rows, table.columns, GROUP, table.name),
                "lists": ", ".join(map(str, platform.business.qualification_lists)) or "none configured",
                "contacts_qualified": report.qualified,
                "contacts_changed": report.changed,
                "events_published": report.published,
            }
        )

    return contact_qualification
