"""Alerts, incidents, the alert outbox, cursors, mutes and heartbeats."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hubspot_platform.state.schema import ROW_ID, Json, UtcTimestamp

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of alerting."""
    _alerts()
    _incidents()
    _outbox()
    _small_tables()


def _topic() -> list[sa.Column[Any]]:
    return [
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("condition", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("portal_id", sa.BigInteger, nullable=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
    ]


def _alerts() -> None:
    op.create_table(
        "hubspot_alerts",
        sa.Column("alert_id", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, nullable=False),
        *_topic(),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("detail", Json, nullable=True),
        sa.Column("observed", sa.Double, nullable=True),
        sa.Column("threshold", sa.Double, nullable=True),
        sa.Column("first_seen_at", UtcTimestamp, nullable=False),
        sa.Column("last_seen_at", UtcTimestamp, nullable=False),
        sa.Column("resolved_at", UtcTimestamp, nullable=True),
        sa.Column("occurrences", sa.Integer, nullable=False),
        sa.Column("consecutive_passes", sa.Integer, nullable=False),
        sa.Column("escalation_level", sa.Integer, nullable=False),
        sa.Column("escalated_at", UtcTimestamp, nullable=True),
        sa.Column("acknowledged_by", sa.Text, nullable=True),
        sa.Column("muted_until", UtcTimestamp, nullable=True),
        sa.Column("muted_by", sa.Text, nullable=True),
        sa.Column("resolution", sa.Text, nullable=True),
        sa.Column("channel", sa.Text, nullable=True),
        sa.Column("thread_ts", sa.Text, nullable=True),
        sa.Column("group_key", sa.Text, nullable=True),
        sa.Column("remediation_run_id", sa.Text, nullable=True),
        sa.Column("delivery_state", sa.Text, nullable=False, server_default="pending"),
        sa.Column("delivery_attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_attempt_at", UtcTimestamp, nullable=True),
        sa.Column("last_notified_at", UtcTimestamp, nullable=True),
    )
    unresolved = sa.text("state <> 'resolved'")
    op.create_index(
        "uq_hubspot_alerts_unresolved",
        "hubspot_alerts",
        ["fingerprint"],
        unique=True,
        sqlite_where=unresolved,
        postgresql_where=unresolved,
    )
    op.create_index("ix_hubspot_alerts_first_seen_at", "hubspot_alerts", ["first_seen_at"])
    op.create_index("ix_hubspot_alerts_thread_ts", "hubspot_alerts", ["thread_ts"])


def _incidents() -> None:
    op.create_table(
        "incident",
        sa.Column("fingerprint", sa.Text, primary_key=True),
        *_topic(),
        sa.Column("alert_id", sa.Text, nullable=True),
        sa.Column("failing", sa.Boolean, nullable=False),
        sa.Column("last_status", sa.Text, nullable=True),
        sa.Column("last_at", UtcTimestamp, nullable=True),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("fails", sa.Integer, nullable=False),
        sa.Column("bad", sa.Integer, nullable=False),
        sa.Column("passes", sa.Integer, nullable=False),
        sa.Column("failing_streak", sa.Integer, nullable=False),
        sa.Column("skipped_since", UtcTimestamp, nullable=True),
        sa.Column("changes", Json, nullable=False),
        sa.Column("critical_since", UtcTimestamp, nullable=True),
        sa.Column("acknowledged_at", UtcTimestamp, nullable=True),
        sa.Column("announced", sa.Boolean, nullable=False),
        sa.Column("edited_at", UtcTimestamp, nullable=True),
        sa.Column("flap_notified_at", UtcTimestamp, nullable=True),
        sa.Column("peak", sa.Double, nullable=True),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("mend", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=True),
    )
    op.create_index("ix_incident_source", "incident", ["source"])


def _outbox() -> None:
    op.create_table(
        "alert_outbox",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("dedup_key", sa.Text, nullable=False, unique=True),
        sa.Column("alert_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("group_key", sa.Text, nullable=True),
        sa.Column("payload", Json, nullable=False),
        sa.Column("created_at", UtcTimestamp, nullable=False),
        sa.Column("due_at", UtcTimestamp, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", UtcTimestamp, nullable=True),
        sa.Column("sent_at", UtcTimestamp, nullable=True),
        sa.Column("message_ts", sa.Text, nullable=True),
        sa.Column("thread_ts", sa.Text, nullable=True),
        sa.Column("reported_at", UtcTimestamp, nullable=True),
    )
    waiting = sa.text("state in ('pending', 'failed')")
    op.create_index("ix_alert_outbox_waiting", "alert_outbox", ["id"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_index("ix_alert_outbox_sent_at", "alert_outbox", ["sent_at"])


def _small_tables() -> None:
    op.create_table(
        "check_cursor",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("last_id", sa.BigInteger, nullable=False),
        sa.Column("pending", Json, nullable=False),
        sa.Column("updated_at", UtcTimestamp, nullable=False),
    )
    op.create_table(
        "alert_mute",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, primary_key=True),
        sa.Column("until", UtcTimestamp, nullable=False),
        sa.Column("muted_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", UtcTimestamp, nullable=False),
    )
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("at", UtcTimestamp, nullable=False),
        sa.Column("started_at", UtcTimestamp, nullable=False),
        sa.Column("resumed_at", UtcTimestamp, nullable=False),
        sa.Column("detail", Json, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables of alerting."""
    for table in ("heartbeat", "alert_mute", "check_cursor", "alert_outbox", "incident", "hubspot_alerts"):
        op.drop_table(table)
