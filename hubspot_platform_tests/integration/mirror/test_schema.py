"""The mirror's tables carry the names, columns and kinds that models written for other HubSpot mirrors expect."""

from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import CATALOGUE, REFERENCES
from hubspot_platform.mirror.reference import sync_reference
from hubspot_platform.warehouse.model import LogicalType
from hubspot_platform_tests.support.platforms import platform_for, sync
from hubspot_platform_tests.support.portal import portal

T, K, D, N, B = LogicalType.TEXT, LogicalType.INT, LogicalType.TIMESTAMP, LogicalType.DECIMAL, LogicalType.BOOL
SYNCED = {"_fivetran_synced": D}
RECORD = {"is_deleted": B, "_fivetran_deleted": B, "portal_id": K, "raw_json": LogicalType.JSON, **SYNCED}

EXPECTED: dict[str, dict[str, LogicalType]] = {
    "contact": {
        **RECORD,
        "id": K,
        "property_annualrevenue": N,
        "property_company": T,
        "property_createdate": D,
        "property_email": T,
        "property_firstname": T,
        "property_hs_merged_object_ids": T,
        "property_jobtitle": T,
        "property_lastname": T,
    },
    "company": {
        **RECORD,
        "id": K,
        "property_address": T,
        "property_address_2": T,
        "property_annualrevenue": N,
        "property_city": T,
        "property_country": T,
        "property_createdate": D,
        "property_description": T,
        "property_industry": T,
        "property_name": T,
        "property_state": T,
    },
    "deal": {
        **RECORD,
        "deal_id": K,
        "deal_pipeline_id": T,
        "deal_pipeline_stage_id": T,
        "owner_id": K,
        "property_amount": N,
        "property_closedate": D,
        "property_createdate": D,
        "property_dealname": T,
        "property_description": T,
    },
    "deal_company": {**SYNCED, "deal_id": K, "company_id": K, "category": T, "type_id": K},
    "deal_contact": {**SYNCED, "deal_id": K, "contact_id": K, "category": T, "type_id": K},
    "deal_pipeline": {
        **SYNCED,
        "_fivetran_deleted": B,
        "active": B,
        "created_at": D,
        "display_order": K,
        "label": T,
        "pipeline_id": T,
        "updated_at": D,
    },
    "deal_pipeline_stage": {
        **SYNCED,
        "_fivetran_deleted": B,
        "active": B,
        "closed_won": B,
        "created_at": D,
        "display_order": K,
        "is_closed": B,
        "label": T,
        "pipeline_id": T,
        "probability": LogicalType.DOUBLE,
        "stage_id": T,
        "updated_at": D,
    },
    "owner": {
        **SYNCED,
        "active_user_id": K,
        "created_at": D,
        "email": T,
        "first_name": T,
        "last_name": T,
        "owner_id": K,
        "portal_id": K,
        "type": T,
        "updated_at": D,
    },
    "property": {
        **SYNCED,
        "_fivetran_id": T,
        "calculated": B,
        "created_at": D,
        "description": T,
        "field_type": T,
        "group_name": T,
        "hubspot_defined": B,
        "hubspot_object": T,
        "label": T,
        "name": T,
        "show_currency_symbol": B,
        "type": T,
        "updated_at": D,
    },
    "property_option": {
        **SYNCED,
        "display_order": K,
        "hidden": B,
        "hubspot_object": T,
        "label": T,
        "name": T,
        "property_id": T,
        "value": T,
    },
}


@pytest.mark.parametrize("engine", ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_every_table_has_the_expected_columns_on_both_engines(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else None
    with portal("small") as running, platform_for(running, tmp_path, url) as platform:
        for obj in CATALOGUE.values():
            sync(platform, obj)
        for entry in REFERENCES.values():
            sync_reference(platform, entry, run_id="test")
        with platform.warehouse().reader() as session:
            stored = {table: session.columns(f"hubspot.{table}") for table in EXPECTED}
    for table, columns in EXPECTED.items():
        assert {name: stored[table].get(name) for name in columns} == columns, table
