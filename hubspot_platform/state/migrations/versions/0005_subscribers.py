"""How far the subscribers of topics have come, and which bug of which system belongs to which company."""

import sqlalchemy as sa
from alembic import op

from hubspot_platform.state.schema import UtcTimestamp

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of cursors and of linked bugs."""
    op.create_table(
        "topic_cursor",
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("subscriber", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("missed", sa.BigInteger, nullable=False),
        sa.Column("moved_at", UtcTimestamp, nullable=False),
    )
    op.create_table(
        "jira_company_issue",
        sa.Column("issue_key", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("company_id", sa.Text, nullable=True),
        sa.Column("hubspot_bug_id", sa.Text, nullable=True),
        sa.Column("archived", sa.Boolean, nullable=False),
        sa.Column("source_updated_at", UtcTimestamp, nullable=False),
        sa.Column("updated_at", UtcTimestamp, nullable=False),
        sa.CheckConstraint("source in ('jira', 'monday')", name="ck_jira_company_issue_source"),
    )
    op.create_index("ix_jira_company_issue_company_id", "jira_company_issue", ["company_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("jira_company_issue")
    op.drop_table("topic_cursor")
