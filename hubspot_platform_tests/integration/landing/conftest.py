"""Platforms without a portal, on both store pairs, and folders of small files to land."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hubspot_platform.runtime import Platform
from hubspot_platform.settings import load_settings

Make = Callable[..., Platform]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    made.mkdir()
    return made


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, tmp_path: Path, folder: Path) -> Iterator[Platform]:
    """A platform that lands both schemas from `folder`."""
    stores: dict[str, Any] = {}
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
        stores = {"warehouse_url": url, "state_url": url}
    source = f"dir://{folder}"
    made = Platform(
        load_settings(platform_home=tmp_path / "home", product_source=source, predictions_source=source, **stores)
    )
    yield made
    made.close()


def write_parquet(path: Path, *rows: dict[str, Any]) -> None:
    pq.write_table(pa.Table.from_pylist(list(rows)), path)


def write_ndjson(path: Path, *rows: dict[str, Any]) -> None:
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
