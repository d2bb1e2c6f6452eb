"""Which engine a URL means, without opening anything."""

from pathlib import Path

import pytest

from hubspot_platform.errors import ConfigurationError
from hubspot_platform.warehouse import open_warehouse
from hubspot_platform.warehouse.duckdb import DuckDbWarehouse


def test_duckdb_paths_are_relative_with_three_slashes_and_absolute_with_four(tmp_path: Path) -> None:
    relative = open_warehouse("duckdb:///folder/w.duckdb")
    absolute = open_warehouse(f"duckdb:///{tmp_path}/w.duckdb")
    assert isinstance(relative, DuckDbWarehouse)
    assert isinstance(absolute, DuckDbWarehouse)
    assert relative.path == Path.cwd() / "folder" / "w.duckdb"
    assert absolute.path == tmp_path.resolve() / "w.duckdb"
    assert absolute.published == tmp_path.resolve() / "w.published.duckdb"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["postgres://u:pw@h/d", "postgresql://u:pw@h/d", "postgresql+psycopg://u:pw@h/d"])
def test_postgres_in_every_spelling(url: str) -> None:
    warehouse = open_warehouse(url)
    assert warehouse.dialect == "postgres"
    assert "pw@" not in repr(vars(warehouse))


@pytest.mark.parametrize("url", ["mysql://u:s3cret@h/d", "duckdb:///", "duckdb:///:memory:", "s3cret"])
def test_any_other_url_is_a_configuration_error_without_the_url(url: str) -> None:
    with pytest.raises(ConfigurationError, match="WAREHOUSE_URL") as error:
        open_warehouse(url)
    assert "u:s3cret" not in str(error.value)
