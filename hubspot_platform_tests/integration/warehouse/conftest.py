"""Both engines under one name: every test that asks for `warehouse` runs on DuckDB and on PostgreSQL."""

from pathlib import Path

import pytest

from hubspot_platform.warehouse import Warehouse, open_warehouse


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    if request.param == "postgres":
        return open_warehouse(request.getfixturevalue("postgres_url"), lock_wait=5)
    return open_warehouse(f"duckdb:///{tmp_path / 'store' / 'warehouse.duckdb'}", lock_wait=5)


@pytest.fixture
def duckdb_path(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.duckdb"
