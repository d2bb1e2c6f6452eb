"""`jira_company_issue`: which bug of Jira or Monday.com belongs to which company and which bug object in HubSpot.

`workers.jira` writes the link when a bug's events come in; whoever pushes bugs to HubSpot notes the object's id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert  # SQLite understands its ON CONFLICT as well

from hubspot_platform.state.schema import UtcTimestamp, metadata

jira_company_issue = sa.Table(
    "jira_company_issue",
    metadata,
    sa.Column("issue_key", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("company_id", sa.Text, nullable=True),
    sa.Column("hubspot_bug_id", sa.Text, nullable=True),
    sa.Column("archived", sa.Boolean, nullable=False),
    sa.Column("source_updated_at", UtcTimestamp, nullable=False),
    sa.Column("updated_at", UtcTimestamp, nullable=False),
    sa.CheckConstraint("source in ('jira', 'monday')", name="ck_jira_company_issue_source"),
    sa.Index("ix_jira_company_issue_company_id", "company_id"),
)
"""One row a bug; `archived` when it was deleted or is no bug of a configured project any more."""


@dataclass(frozen=True)
class IssueLink:
    """What one event says of a bug: its company, and whether it still is one; `source_updated_at` orders events."""

    issue_key: str
    source: Literal["jira", "monday"]
    company_id: str | None
    archived: bool
    source_updated_at: datetime


def link(conn: sa.Connection, links: Sequence[IssueLink], now: datetime) -> None:
    """Store links, at most one a bug; one that is older than the stored one changes nothing.

    The id of the bug object in HubSpot stays.
    """
    if not links:
        return
    rows = [{**vars(entry), "updated_at": now} for entry in links]
    statement = insert(jira_company_issue)
    taken = ("source", "company_id", "archived", "source_updated_at", "updated_at")
    changed = statement.on_conflict_do_update(
        index_elements=["issue_key"],
        set_={name: statement.excluded[name] for name in taken},
        where=jira_company_issue.c.source_updated_at <= statement.excluded.source_updated_at,
    )
    conn.execute(changed, rows)


def linked(conn: sa.Connection, issue_keys: Sequence[str]) -> set[str]:
    """Return which of these bugs have a link."""
    query = sa.select(jira_company_issue.c.issue_key).where(jira_company_issue.c.issue_key.in_(issue_keys))
    return set(conn.scalars(query))
