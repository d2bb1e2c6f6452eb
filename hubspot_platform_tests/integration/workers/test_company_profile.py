"""The central row of a company and its change log: what HubSpot's users enter stands beside what the product says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from hubspot_platform.hubspot.catalogue import COMPANY
from hubspot_platform.hubspot.properties import PropertyDefinition
from hubspot_platform.mirror.history import history_table
from hubspot_platform.mirror.tables import layout_for
from hubspot_platform.payments.profile import COMPANY_PROFILE_ARR_RANGE
from hubspot_platform.warehouse import Session, Table, Warehouse, open_warehouse
from hubspot_platform_tests.support.profile import PRODUCT, build_profile

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    if request.param == "duckdb":
        return open_warehouse(f"duckdb:///{tmp_path / 'warehouse.duckdb'}")
    return open_warehouse(request.getfixturevalue("postgres_url"))


def _define(name: str, kind: str = "string") -> PropertyDefinition:
    return PropertyDefinition(name=name, label=name, type=kind, field_type="text")


def _fill(session: Session, table: Table, *rows: dict[str, Any]) -> None:
    session.ensure(table)
    if rows:
        session.merge(table, pa.Table.from_pylist(list(rows), schema=table.arrow_schema()))


def _build(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        build_profile(session)
    warehouse.publish()


def _rows(warehouse: Warehouse, sql: str) -> list[dict[str, Any]]:
    with warehouse.reader() as session:
        return session.query(sql).to_pylist()


def test_pulled_properties_reach_the_profile_and_every_change_the_log(warehouse: Warehouse) -> None:
    layout = layout_for(
        COMPANY,
        [_define("cs_notes"), _define("is_using_api", "bool"), _define("launch_timestamp", "datetime"),
         _define("product_company_id")],
        {},
    )  # fmt: skip
    history = history_table(COMPANY)
    assert history is not None
    with warehouse.writer() as session, session.transaction():
        company = {"is_deleted": False, "updated_at": NOON, "raw_json": "{}"}
        _fill(
            session,
            layout.table,
            company | {"id": 1, "property_cs_notes": "Call back", "property_is_using_api": True},
            company | {"id": 2, "property_product_company_id": " c2 ", "property_launch_timestamp": NOON},
            company | {"id": 3, "property_name": "Only in HubSpot"},
            company | {"id": 4, "property_product_company_id": "c1"},
        )
        product = {"created_at": NOON, "cs_manager_locked": False, "status": "PAYING"}
        _fill(
            session,
            PRODUCT,
            product | {"company_id": "c1", "company_name": "One", "hubspot_company_id": "1", "updated_at": NOON},
            product | {"company_id": "c2", "company_name": "Two", "updated_at": NOON + timedelta(days=1)},
        )
        _fill(session, COMPANY_PROFILE_ARR_RANGE, {"company_id": "c1", "current_mrr": 100, "arr_range": "1-2000"})
        change = {"company_id": 1, "name": "cs_notes", "instant_rank": 0, "source": "CRM_UI"}
        _fill(
            session,
            history,
            change | {"value": "Called", "timestamp": NOON - timedelta(hours=2)},
            change | {"value": "Called", "timestamp": NOON - timedelta(hours=1)},
            change | {"value": "Call back", "timestamp": NOON},
            change | {"value": "Lead", "timestamp": NOON, "name": "lifecyclestage"},
            change | {"value": "x", "timestamp": NOON, "company_id": 3},
        )
    _build(warehouse)
    found = {row["company_id"]: row for row in _rows(warehouse, "select * from funnel.company_profile_meta_data")}
    assert set(found) == {"c1", "c2", "hubspot:3", "hubspot:4"}
    one, two = found["c1"], found["c2"]
    assert (one["hubspot_company_id"], one["cs_notes"], one["is_using_api"], one["arr_range"]) == (
        1,
        "Call back",
        True,
        "1-2000",
    )
    assert (two["hubspot_company_id"], two["launch_timestamp"], two["current_mrr"]) == (2, NOON, None)
    assert two["updated_at"] == NOON + timedelta(days=1)
    assert found["hubspot:3"]["company_name"] == "Only in HubSpot"

    log = _rows(warehouse, "select * from funnel.company_change_log order by company_id, changed_at")
    assert [(row["company_id"], row["old_value"], row["new_value"], row["source"]) for row in log] == [
        ("c1", None, "Called", "hubspot"),
        ("c1", "Called", "Call back", "hubspot"),
        ("hubspot:3", None, "x", "hubspot"),
    ]
    assert len({row["change_id"] for row in log}) == 3


def test_without_a_landed_product_the_profile_holds_what_hubspot_says(warehouse: Warehouse) -> None:
    layout = layout_for(COMPANY, [_define("cs_notes")], {})
    with warehouse.writer() as session:
        _fill(session, layout.table, {"id": 9, "property_cs_notes": "Alone", "is_deleted": False, "updated_at": NOON})
        history = history_table(COMPANY)
        assert history is not None
        _fill(session, history)
    _build(warehouse)
    (row,) = _rows(warehouse, "select company_id, company_name, status, cs_notes from funnel.company_profile_meta_data")
    assert row == {"company_id": "hubspot:9", "company_name": None, "status": None, "cs_notes": "Alone"}
