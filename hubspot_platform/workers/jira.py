"""JiraHubspotIntegrationWorker's first half: issues into `jira.issue`, bugs linked to companies, and told to a topic.

What HubSpot should know of a bug is sent by whoever subscribes to `jira_events_webhook`.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from hubspot_platform.commit_points import reached
from hubspot_platform.jira.issues import IssueEvent, NoIssueEvent, Order, issue_event, order_of, settle
from hubspot_platform.jira.tables import ISSUE
from hubspot_platform.runtime import Platform
from hubspot_platform.state import database_now, issues, topics
from hubspot_platform.state.inbox import Applied, Dead, Duplicate, InboxEvent, Outcome
from hubspot_platform.warehouse import Session

STALE = Duplicate("stale: a newer event of the issue came first")
_KEYS_PER_STATEMENT = 500


def handle_jira_events(platform: Platform, events: Sequence[InboxEvent]) -> list[Outcome]:
    """Keep the newest copy of each issue; what is no event of an issue is a dead letter."""
    outcomes: dict[int, Outcome] = {}
    read: dict[int, IssueEvent] = {}
    for event in events:
        try:
            read[event.id] = issue_event(event.body, event.dedupe_key, platform.business.jira)
        except NoIssueEvent as error:
            outcomes[event.id] = Dead(str(error))
    if read:
        received = {event.id: event.received_at for event in events}
        told = [(number, said) for number, issue in read.items() for said in (issue, issue.former()) if said]
        rows: dict[str, dict[str, Any]] = {}
        with platform.warehouse().writer() as session, session.transaction():
            session.ensure(ISSUE)
            fresh = settle([said for _, said in told], _orders(session, sorted({said.key for _, said in told})))
            for (number, said), is_fresh in zip(told, fresh, strict=True):
                if is_fresh:
                    rows[said.key] = {**said.row, "received_at": received[number]}
            session.merge(ISSUE, pa.Table.from_pylist(list(rows.values()), schema=ISSUE.arrow_schema()))
        reached("jira.stored")
        applied = [each for each, is_fresh in zip(told, fresh, strict=True) if is_fresh]
        platform.state().write(lambda conn: _tell(conn, [said for _, said in applied]))
        current = {number for number, _ in applied}
        outcomes |= {number: Applied() if number in current else STALE for number in read}
    return [outcomes[event.id] for event in events]


def _orders(session: Session, keys: Sequence[str]) -> dict[str, Order]:
    found: dict[str, Order] = {}
    for start in range(0, len(keys), _KEYS_PER_STATEMENT):
        part = keys[start : start + _KEYS_PER_STATEMENT]
        marks = ", ".join("?" * len(part))
        sql = (
            f"select issue_key, source_updated_at, is_deleted, event_key from {ISSUE.qualified} "
            f"where issue_key in ({marks})"
        )
        found |= {row["issue_key"]: order_of(row) for row in session.query(sql, part).to_pylist()}
    return found


def _tell(conn: sa.Connection, applied: Sequence[IssueEvent]) -> None:
    """Link bugs to companies and announce them; issues that are none are let go where they were linked before."""
    bugs = {issue.key for issue in applied if issue.row["is_bug"]}
    concerned = bugs | issues.linked(conn, sorted({issue.key for issue in applied} - bugs))
    told = [issue for issue in applied if issue.key in concerned]
    now = database_now(conn)
    issues.link(conn, list({issue.key: issue.link() for issue in told}.values()), now)
    topics.announce(conn, [issue.happening().event() for issue in told], now)
