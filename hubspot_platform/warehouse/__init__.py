"""The analytical store behind one small protocol: `open_warehouse` gives DuckDB or PostgreSQL by URL.

Everything that reads or writes tables imports from here: the table model, the protocol, the errors.
"""

from pathlib import Path

from hubspot_platform.errors import ConfigurationError
from hubspot_platform.urls import is_postgres, postgres_url
from hubspot_platform.warehouse.errors import (
    DuplicateKey,
    NothingPublished,
    QueryRefused,
    RowsRefused,
    WarehouseError,
    WarehouseLocked,
    WarehouseUnavailable,
    WarehouseUnreadable,
)
from hubspot_platform.warehouse.lock import WAIT_SECONDS
from hubspot_platform.warehouse.model import Column, Index, LogicalType, MergeCounts, Table, quote
from hubspot_platform.warehouse.protocol import Session, Warehouse

__all__ = [
    "Column",
    "DuplicateKey",
    "Index",
    "LogicalType",
    "MergeCounts",
    "NothingPublished",
    "QueryRefused",
    "RowsRefused",
    "Session",
    "Table",
    "Warehouse",
    "WarehouseError",
    "WarehouseLocked",
    "WarehouseUnavailable",
    "WarehouseUnreadable",
    "open_warehouse",
    "quote",
]

_DUCKDB = "duckdb:///"


def open_warehouse(
    url: str, *, memory_limit: str = "500MB", threads: int = 2, lock_wait: float = WAIT_SECONDS
) -> Warehouse:
    """Return the warehouse of a URL, `duckdb:///PATH` or `postgresql://…`, without touching it.

    `memory_limit` and `threads` bound DuckDB; `lock_wait` is how many seconds a writer waits for another one. Raises
    ConfigurationError for another scheme; the URL itself is never in a message, it may hold a password.
    """
    if url.startswith(_DUCKDB) and url not in {_DUCKDB, _DUCKDB + ":memory:"}:
        from hubspot_platform.warehouse.duckdb import DuckDbWarehouse

        path = Path(url.removeprefix(_DUCKDB)).expanduser()
        return DuckDbWarehouse(path, memory_limit=memory_limit, threads=threads, lock_wait=lock_wait)
    if is_postgres(url):
        from hubspot_platform.warehouse.postgres import PostgresWarehouse

        return PostgresWarehouse(postgres_url(url, "libpq"), lock_wait=lock_wait)
    raise ConfigurationError(
        "WAREHOUSE_URL",
        f"no warehouse for {url.partition(':')[0]!r}",
        mend="write duckdb:///PATH or postgresql://user@host:5432/database",
    )
