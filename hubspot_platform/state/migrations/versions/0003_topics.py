"""Topics and their events."""

import sqlalchemy as sa
from alembic import op

from hubspot_platform.state.schema import ROW_ID, Json, UtcTimestamp

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of topics."""
    op.create_table(
        "topic",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("last_position", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "topic_event",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("payload", Json, nullable=False),
        sa.Column("dedupe_key", sa.Text, nullable=False, unique=True),
        sa.Column("prepared_at", UtcTimestamp, nullable=False),
        sa.Column("published_at", UtcTimestamp, nullable=True),
        sa.Column("position", sa.BigInteger, nullable=True),
    )
    pending = sa.text("published_at is null")
    op.create_index("uq_topic_event_position", "topic_event", ["topic", "position"], unique=True)
    op.create_index("ix_topic_event_pending", "topic_event", ["topic"], sqlite_where=pending, postgresql_where=pending)
    op.create_index("ix_topic_event_prepared_at", "topic_event", ["prepared_at"])


def downgrade() -> None:
    """Drop the tables of topics."""
    op.drop_table("topic_event")
    op.drop_table("topic")
