"""The sandbox's whole product database lands, written for a running portal, and both warehouses hold the same."""

from pathlib import Path

import pytest

from hubspot_platform.landing.contract import CATALOGUE, REJECTED_ROW
from hubspot_platform.landing.land import LandingReport, land
from hubspot_platform.runtime import Platform
from hubspot_platform.sandbox.product.facts import portal_facts
from hubspot_platform.sandbox.product.write import write_product
from hubspot_platform.settings import load_settings
from hubspot_platform.warehouse import Table, Warehouse
from hubspot_platform_tests.support.portal import portal

SIZE = "contacts=120,companies=40,deals=30"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("product")
    with portal(SIZE) as running:
        write_product(portal_facts(running.url), 1, folder)
    return folder


def land_all(platform: Platform) -> dict[str, LandingReport]:
    outcomes = land(platform, list(CATALOGUE.values()), run_id="test")
    assert [outcome.error for outcome in outcomes if outcome.error] == []
    return {outcome.entry.full_name: outcome.report for outcome in outcomes if outcome.report}


def content(warehouse: Warehouse, table: Table) -> list[str]:
    columns = [name for name in table.column_names if name != "rejected_at"]
    names = ", ".join(f'"{name}"' for name in columns)
    with warehouse.reader() as session:
        return sorted(map(str, session.query(f"select {names} from {table.qualified}").to_pylist()))


@pytest.mark.postgres
def test_the_sandboxes_product_lands_the_same_in_both_warehouses(
    product: Path, postgres_url: str, tmp_path: Path
) -> None:
    sources = {"product_source": f"dir://{product}/product", "predictions_source": f"dir://{product}/predictions"}
    embedded = Platform(load_settings(platform_home=tmp_path / "one", **sources))
    served = Platform(
        load_settings(platform_home=tmp_path / "two", warehouse_url=postgres_url, state_url=postgres_url, **sources)
    )
    reports, others = land_all(embedded), land_all(served)
    for name, report in reports.items():
        assert report.rows_landed > 0, name
        assert report.rows_read == report.rows_landed + report.rows_rejected + report.rows_superseded, name
        assert (others[name].rows_landed, others[name].rejected) == (report.rows_landed, report.rejected), name
    reasons = set().union(*(report.rejected for report in reports.values()))
    assert reasons == {
        *("bad_type", "missing_value", "unknown_choice", "out_of_range"),
        *("bad_pattern", "unreadable_row", "duplicate_key"),
    }
    assert sum(report.rows_superseded for report in reports.values()) == 2
    for table in (*(entry.table for entry in CATALOGUE.values()), REJECTED_ROW):
        assert content(embedded.warehouse(), table) == content(served.warehouse(), table), table.name
    embedded.close()
    served.close()
