"""Small tables and rows for the warehouse tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from hubspot_platform.warehouse import Column, LogicalType, Table, Warehouse

CONTACT = Table(
    "hubspot",
    "contact",
    (
        Column("id", LogicalType.INT),
        Column("property_email", LogicalType.TEXT),
        Column("property_score", LogicalType.DECIMAL),
        Column("raw_json", LogicalType.JSON),
        Column("updated_at", LogicalType.TIMESTAMP),
        Column("_fivetran_synced", LogicalType.TIMESTAMP),
    ),
    key=("id",),
)

EVERY_TYPE = Table(
    "kinds",
    "every",
    tuple(Column(kind.value + "_column", kind) for kind in LogicalType),
    key=("int_column",),
)


def at(minutes: int) -> datetime:
    """An instant that many minutes into the tests' day."""
    return datetime(2024, 3, 1, tzinfo=UTC) + timedelta(minutes=minutes)


def rows(table: Table, *records: dict[str, Any]) -> pa.Table:
    """Rows of the table with the columns the first record names."""
    names = list(records[0]) if records else list(table.column_names)
    fields = [pa.field(name, table.column(name).type.arrow) for name in names]
    return pa.Table.from_pylist(list(records), pa.schema(fields))


def contact(number: int, minute: int | None, email: str = "a@example.com", synced: int = 0) -> dict[str, Any]:
    return {
        "id": number,
        "property_email": email,
        "property_score": None,
        "raw_json": f'{{"email": "{email}"}}',
        "updated_at": None if minute is None else at(minute),
        "_fivetran_synced": at(synced),
    }


def stored(warehouse: Warehouse, sql: str, params: tuple[object, ...] = ()) -> list[dict[str, Any]]:
    with warehouse.writer() as session:
        return session.query(sql, params).to_pylist()
