"""Metadata that every table asset shows in the UI: row counts, columns, and where the table is."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from hubspot_platform.warehouse import Warehouse
from hubspot_platform.warehouse.model import Column, quote

MOST_COLUMNS = 300


def column_schema(columns: Sequence[Column]) -> dg.TableSchema:
    """Return the columns for the UI; a table with more than 300 shows the first 300, events are kept small."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type.value,
                description=column.description or None,
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in columns[:MOST_COLUMNS]
        ]
    )


def row_count(warehouse: Warehouse, schema: str, table: str, condition: str = "true") -> int:
    """Return the number of published rows."""
    with warehouse.reader() as session:
        rows = session.query(f"select count(*) as n from {quote(schema)}.{quote(table)} where {condition}")
    return int(rows.column("n")[0].as_py())


def table_metadata(rows: int, columns: Sequence[Column], schema: str, table: str) -> dict[str, Any]:
    """Return the metadata of one materialised table."""
    return {
        "dagster/row_count": rows,
        "dagster/table_name": f"{schema}.{table}",
        "dagster/column_schema": column_schema(columns),
    }
