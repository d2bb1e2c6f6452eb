"""The tables of the operational state and the column types they share, for SQLite and PostgreSQL alike.

Every module under `state/` reads and writes through these tables; other modules add their own tables to
`metadata`. In PostgreSQL they live in the schema `ops`, which the store sets by translating the empty schema
name.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = sa.MetaData()

OPS_SCHEMA = "ops"


class UtcTimestamp(TypeDecorator[datetime]):
    """An instant with microseconds: aware UTC datetimes in and out, naive ones refused.

    SQLite keeps ISO text without an offset, which sorts as time does; PostgreSQL keeps `timestamptz`.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware datetime into what the store keeps; ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: instants in the state carry a time zone")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """Turn what the store keeps into an aware UTC datetime: SQLite text without a zone, or psycopg's datetime."""
        del coltype
        return _read_text if dialect.name == "sqlite" else _in_utc


def _read_text(stored: str | None) -> datetime | None:
    return None if stored is None else datetime.fromisoformat(stored).replace(tzinfo=UTC)


def _in_utc(stored: datetime | None) -> datetime | None:
    return None if stored is None else stored.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A JSON document: `jsonb` in PostgreSQL, text in SQLite; Python's None is SQL's null."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Pick the store's own type."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(JSONB(none_as_null=True))
        return dialect.type_descriptor(sa.JSON(none_as_null=True))


ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""Type of a generated key: SQLite generates them for INTEGER only."""

sync_cursor = sa.Table(
    "sync_cursor",
    metadata,
    sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
    sa.Column("warehouse_id", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("window_start", UtcTimestamp, nullable=True),
    sa.Column("window_end", UtcTimestamp, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=True),
    sa.Column("counts", Json, nullable=False),
    sa.Column("completed_at", UtcTimestamp, nullable=False),
    sa.Index("ix_sync_cursor_object", "warehouse_id", "object", "window_end"),
)
"""Completed windows; a null `window_start` is everything before `window_end`."""

lock = sa.Table(
    "lock",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=True),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("renewed_at", UtcTimestamp, nullable=False),
    sa.Column("expires_at", UtcTimestamp, nullable=False),
)
"""Leases; a row outlives its holder (null = free) so that the token never repeats."""

api_gate = sa.Table(
    "api_gate",
    metadata,
    sa.Column("bucket", sa.Text, primary_key=True),
    sa.Column("paused_at", UtcTimestamp, nullable=True),
    sa.Column("paused_until", UtcTimestamp, nullable=True),
)
"""One row a bucket: locked while permits are given, and the pause after HubSpot answered 429."""

api_window = sa.Table(
    "api_window",
    metadata,
    sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
    sa.Column("bucket", sa.Text, nullable=False),
    sa.Column("at", UtcTimestamp, nullable=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Index("ix_api_window_bucket_at", "bucket", "at"),
)
"""The sliding log: `n` calls allowed at one instant."""

api_waiter = sa.Table(
    "api_waiter",
    metadata,
    sa.Column("process", sa.Text, primary_key=True),
    sa.Column("bucket", sa.Text, primary_key=True),
    sa.Column("lane", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("wanted", sa.Integer, nullable=False),
    sa.Column("served_at", UtcTimestamp, nullable=True),
    sa.Column("expires_at", UtcTimestamp, nullable=False),
)
"""Who waits for permits; a dead process' row expires a second after it should have come back."""

api_usage = sa.Table(
    "api_usage",
    metadata,
    sa.Column("usage_day", sa.Date, primary_key=True),
    sa.Column("bucket", sa.Text, primary_key=True),
    sa.Column("lane", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("limited", sa.BigInteger, nullable=False),
    sa.Column("errors", sa.BigInteger, nullable=False),
    sa.Column("updated_at", UtcTimestamp, nullable=False),
)
"""The ledger: calls of each day of the portal."""

api_quota = sa.Table(
    "api_quota",
    metadata,
    sa.Column("usage_day", sa.Date, primary_key=True),
    sa.Column("daily_limit", sa.BigInteger, nullable=False),
    sa.Column("daily_remaining", sa.BigInteger, nullable=False),
    sa.Column("calls_then", sa.BigInteger, nullable=False),
    sa.Column("seen_at", UtcTimestamp, nullable=False),
)
"""What HubSpot last said about the account's day, and the ledger's total at that moment."""
