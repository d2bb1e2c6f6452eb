"""The inbox."""

import sqlalchemy as sa
from alembic import op

from hubspot_platform.state.schema import ROW_ID, UtcTimestamp

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_webhook_event_open", ["queue", "due_at", "id"], "status in ('ready', 'parked')"),
    ("ix_webhook_event_parked", ["queue"], "status = 'parked'"),
    ("ix_webhook_event_leased", ["queue", "object_key"], "status = 'leased'"),
    ("ix_webhook_event_dead", ["queue"], "status = 'dead'"),
    ("ix_webhook_event_finished_at", ["finished_at"], "finished_at is not null"),
)


def upgrade() -> None:
    """Create the table of events."""
    op.create_table(
        "webhook_event",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("object_key", sa.Text, nullable=False),
        sa.Column("dedupe_key", sa.Text, nullable=False),
        sa.Column("source_time", UtcTimestamp, nullable=True),
        sa.Column("received_at", UtcTimestamp, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", UtcTimestamp, nullable=False),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("finished_at", UtcTimestamp, nullable=True),
        sa.Column("leased_by", sa.Text, nullable=True),
        sa.Column("lease_token", sa.Text, nullable=True),
        sa.Column("lease_until", UtcTimestamp, nullable=True),
        sa.Column("deliveries", sa.Integer, nullable=False),
        sa.Column("last_delivered_at", UtcTimestamp, nullable=False),
    )
    op.create_index("uq_webhook_event_dedupe_key", "webhook_event", ["source", "dedupe_key"], unique=True)
    for name, columns, condition in INDEXES:
        where = sa.text(condition)
        op.create_index(name, "webhook_event", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Drop the table of events."""
    op.drop_table("webhook_event")
