"""Copies of operational tables in the warehouse, for readers who have only that: `ops.hubspot_alerts` and so on.

The job `copy_operational_state` calls `copy_state`, and `copy_issue_links` follows the worker of Jira's events. Where
the state store lives in the warehouse's own database its tables are in `ops` already, and nothing is copied.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import orjson
import pyarrow as pa
import sqlalchemy as sa

from hubspot_platform.runtime import Platform
from hubspot_platform.state.alerting import hubspot_alerts
from hubspot_platform.state.issues import jira_company_issue
from hubspot_platform.state.schema import OPS_SCHEMA, Json, UtcTimestamp, lock
from hubspot_platform.warehouse.model import Column, LogicalType, Table

READABLE: Final = (hubspot_alerts, jira_company_issue)
"""The operational tables that people know by name; each keeps its columns."""

_TYPES: Final[Sequence[tuple[type[Any], LogicalType]]] = (
    (UtcTimestamp, LogicalType.TIMESTAMP),
    (Json, LogicalType.JSON),
    (sa.Boolean, LogicalType.BOOL),
    (sa.Integer, LogicalType.INT),
    (sa.Double, LogicalType.DOUBLE),
    (sa.Text, LogicalType.TEXT),
)


def copy_of(table: sa.Table) -> Table:
    """Return what a table of the state is in the warehouse."""
    columns = tuple(Column(column.name, _logical(column)) for column in table.columns)
    return Table(OPS_SCHEMA, table.name, columns, tuple(column.name for column in table.primary_key))


def copy_state(platform: Platform, tables: Sequence[sa.Table] = READABLE) -> dict[str, int]:
    """Replace the copies by what the state store holds now; returns rows by table."""
    store, warehouse = platform.state(), platform.warehouse()
    copied: dict[str, int] = {}
    with warehouse.writer() as session:
        is_state = bool(session.columns(f"{OPS_SCHEMA}.{lock.name}"))
        for table in tables:
            rows = store.read(partial(_rows, table=table))
            copied[table.name] = len(rows)
            if is_state:
                continue
            copy = copy_of(table)
            with session.transaction():
                session.ensure(copy)
                session.execute(f"delete from {copy.qualified}")
                session.load(copy, pa.Table.from_pylist(rows, copy.arrow_schema()))
    return copied


def copy_issue_links(platform: Platform) -> None:
    """Replace the copy of `jira_company_issue`."""
    copy_state(platform, (jira_company_issue,))


def _rows(conn: sa.Connection, table: sa.Table) -> list[dict[str, Any]]:
    documents = [column.name for column in table.columns if isinstance(column.type, Json)]
    rows = [dict(row) for row in conn.execute(sa.select(table)).mappings()]
    for row in rows:
        for name in documents:
            row[name] = None if row[name] is None else orjson.dumps(row[name]).decode()
    return rows


def _logical(column: sa.Column[Any]) -> LogicalType:
    return next(logical for kind, logical in _TYPES if isinstance(column.type, kind))
