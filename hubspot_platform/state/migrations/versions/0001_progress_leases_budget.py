"""Completed windows, leases, the rate budget and its ledger."""

import sqlalchemy as sa
from alembic import op

from hubspot_platform.state.schema import ROW_ID, Json, UtcTimestamp

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first tables."""
    _progress_and_leases()
    _budget()
    _ledger()


def _progress_and_leases() -> None:
    op.create_table(
        "sync_cursor",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("warehouse_id", sa.Text, nullable=False),
        sa.Column("object", sa.Text, nullable=False),
        sa.Column("window_start", UtcTimestamp, nullable=True),
        sa.Column("window_end", UtcTimestamp, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=True),
        sa.Column("counts", Json, nullable=False),
        sa.Column("completed_at", UtcTimestamp, nullable=False),
    )
    op.create_index("ix_sync_cursor_object", "sync_cursor", ["warehouse_id", "object", "window_end"])
    op.create_table(
        "lock",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=True),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("renewed_at", UtcTimestamp, nullable=False),
        sa.Column("expires_at", UtcTimestamp, nullable=False),
    )


def _budget() -> None:
    gate = op.create_table(
        "api_gate",
        sa.Column("bucket", sa.Text, primary_key=True),
        sa.Column("paused_at", UtcTimestamp, nullable=True),
        sa.Column("paused_until", UtcTimestamp, nullable=True),
    )
    op.bulk_insert(gate, [{"bucket": "api"}, {"bucket": "search"}])
    op.create_table(
        "api_window",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("bucket", sa.Text, nullable=False),
        sa.Column("at", UtcTimestamp, nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
    )
    op.create_index("ix_api_window_bucket_at", "api_window", ["bucket", "at"])
    op.create_table(
        "api_waiter",
        sa.Column("process", sa.Text, primary_key=True),
        sa.Column("bucket", sa.Text, primary_key=True),
        sa.Column("lane", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("served_at", UtcTimestamp, nullable=True),
        sa.Column("expires_at", UtcTimestamp, nullable=False),
    )


def _ledger() -> None:
    op.create_table(
        "api_usage",
        sa.Column("usage_day", sa.Date, primary_key=True),
        sa.Column("bucket", sa.Text, primary_key=True),
        sa.Column("lane", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("limited", sa.BigInteger, nullable=False),
        sa.Column("errors", sa.BigInteger, nullable=False),
        sa.Column("updated_at", UtcTimestamp, nullable=False),
    )
    op.create_table(
        "api_quota",
        sa.Column("usage_day", sa.Date, primary_key=True),
        sa.Column("daily_limit", sa.BigInteger, nullable=False),
        sa.Column("daily_remaining", sa.BigInteger, nullable=False),
        sa.Column("calls_then", sa.BigInteger, nullable=False),
        sa.Column("seen_at", UtcTimestamp, nullable=False),
    )


def downgrade() -> None:
    """Drop the first tables."""
    for table in ("api_quota", "api_usage", "api_waiter", "api_window", "api_gate", "lock", "sync_cursor"):
        op.drop_table(table)
