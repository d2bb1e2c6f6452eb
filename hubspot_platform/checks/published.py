"""Reading what a check judges from the published copy; `checks.attribution` and `checks.payments` use it."""

from typing import Any

from hubspot_platform.checks.engine import CheckContext
from hubspot_platform.warehouse.errors import NothingPublished


def published_rows(context: CheckContext, table: str, sql: str, *params: object) -> list[dict[str, Any]] | None:
    """Return the rows of a query, or None while `table` (`schema.table`) was never published."""
    try:
        with context.platform.warehouse().reader() as session:
            return session.query(sql, params).to_pylist() if session.columns(table) else None
    except NothingPublished:
        return None
