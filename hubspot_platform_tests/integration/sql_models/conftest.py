"""The same tests on both engines."""

from pathlib import Path

import pytest

from hubspot_platform.warehouse import Warehouse, open_warehouse


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    """An empty warehouse."""
    if request.param == "duckdb":
        return open_warehouse(f"duckdb:///{tmp_path / 'warehouse.duckdb'}")
    return open_warehouse(request.getfixturevalue("postgres_url"))
