"""Events of Chargebee and Jira: killed after the warehouse was written, shuffled, repeated; the tables are the same.

What the platform promises is at least once for topics' subscribers and exactly one effect in every table.
"""

import json
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from hubspot_platform.jira.tables import ISSUE
from hubspot_platform.payments.tables import PAYMENT_EVENTS
from hubspot_platform.runtime import Platform
from hubspot_platform.state import topics
from hubspot_platform.state.inbox import InboxEvent
from hubspot_platform.state.inbox_table import webhook_event
from hubspot_platform.state.issues import jira_company_issue
from hubspot_platform.warehouse.model import Table
from hubspot_platform.workers.catalogue import queue
from hubspot_platform_tests.support import children
from hubspot_platform_tests.support.received import JIRA, NOON, PAYMENTS, bare_platform, issue, payment, rows, work


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str | None:
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else None


@pytest.fixture
def platform(url: str | None, tmp_path: Path) -> Iterator[Platform]:
    with bare_platform(tmp_path, url) as opened:
        yield opened


CASES = {
    "chargebee": ("payments.stored", PAYMENTS, PAYMENT_EVENTS, "payments_webhook"),
    "jira": ("jira.stored", JIRA, ISSUE, "jira_events_webhook"),
}
DOCUMENTS = {
    "chargebee": [payment(number, at=number) for number in range(1, 6)],
    "jira": [issue(f"BUG-{number}", at=number) for number in range(1, 6)],
}


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("duckdb", "chargebee"),
        ("duckdb", "jira"),
        pytest.param("postgres", "chargebee", marks=pytest.mark.postgres),
    ],
    indirect=["url"],
)
def test_case_029_a_worker_killed_after_its_write_has_one_effect(url: str | None, tmp_path: Path, source: str) -> None:
    point, name, table, topic = CASES[source]
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join(map(json.dumps, DOCUMENTS[source])))
    stores = {"WAREHOUSE_URL": url or "", "STATE_URL": url or "", "PLATFORM_HOME": str(tmp_path / "home")}
    killed = children.run(
        "ingest", source, str(file), environment={**stores, "HUBSPOT_PLATFORM_KILL_AT": point}, folder=tmp_path
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with bare_platform(tmp_path / "home", url) as platform:
        before = rows(platform, f"select * from {table.qualified} order by 1")
        assert len(before) == 5
        assert told(platform, topic) == Counter()
        assert work(platform, name).handled == 0, "nobody takes over before the lease has ended"

        expired = sa.update(webhook_event).values(lease_until=platform.state().now() - timedelta(seconds=1))
        platform.state().write(lambda conn: conn.execute(expired))
        assert work(platform, name).applied == 5
        assert rows(platform, f"select * from {table.qualified} order by 1") == before
        assert set(told(platform, topic).values()) == {1}
        assert len(told(platform, topic)) == 5


def told(platform: Platform, topic: str) -> Counter[str]:
    """What the topic's events are about, and how often."""
    return Counter(
        event.payload["event_id"] for event in platform.state().read(lambda conn: topics.read_after(conn, topic, 0))
    )


def claimed(documents: Sequence[dict[str, Any]], name: str) -> list[InboxEvent]:
    """Return events as the engine hands them out; who they are does not depend on the order they come in."""
    found = []
    for number, document in enumerate(documents):
        body = orjson.dumps(document)
        key = str(document.get("id") or f"{document['timestamp']}:{number}")
        received = NOON + timedelta(seconds=number)
        found.append(InboxEvent(number, "jira", name, "?", "?", key, NOON, received, body, 1, "token"))
    return found


def handle(platform: Platform, name: str, events: Sequence[InboxEvent], sizes: Sequence[int]) -> None:
    """Hand events to the queue's worker in batches of these sizes, the rest at once."""
    handler, left = queue(name).handler, list(events)
    assert handler is not None
    for size in [*sizes, len(left)]:
        batch, left = left[:size], left[size:]
        if batch:
            assert len(handler(platform, batch)) == len(batch)


def state_of(platform: Platform, table: Table) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    links = sa.select(jira_company_issue).order_by(jira_company_issue.c.issue_key)
    found = platform.state().read(lambda conn: [dict(row) for row in conn.execute(links).mappings()])
    kept = [{name: value for name, value in row.items() if name != "updated_at"} for row in found]
    return rows(platform, f"select * from {table.qualified} order by 1"), kept


def forget(platform: Platform, table: Table) -> None:
    with platform.warehouse().writer() as session:
        session.ensure(table)
        session.execute(f"delete from {table.qualified}")
    platform.state().write(lambda conn: conn.execute(sa.delete(jira_company_issue)))


PAYMENTS_MIXED = [payment(n, at=n % 4) for n in range(1, 8)] + [payment(8, "x", at=0, x={})]
ISSUES_MIXED = [
    issue("BUG-1", at=1, customfield_10050="1"),
    issue("BUG-1", at=5, customfield_10050="2"),
    issue("BUG-1", at=5, event="jira:issue_deleted", customfield_10050="2"),
    issue("BUG-1", at=3, customfield_10050="3"),
    issue("BUG-2", at=7),
    issue("BUG-2", at=7, customfield_10050="4"),
    issue("BUG-3", at=2, kind="Bug"),
    issue("BUG-3", at=1, kind="Story"),
]
FEW = settings(max_examples=5)


@FEW
@given(data=st.data())
@pytest.mark.parametrize(
    ("name", "table", "documents"), [(PAYMENTS, PAYMENT_EVENTS, PAYMENTS_MIXED), (JIRA, ISSUE, ISSUES_MIXED)]
)
def test_case_037_shuffled_and_repeated_events_give_the_same_tables(
    platform: Platform, name: str, table: Table, documents: list[dict[str, Any]], data: st.DataObject
) -> None:
    events = claimed(documents, name)
    repeated = events + data.draw(st.lists(st.sampled_from(events), max_size=6))
    shuffled = data.draw(st.permutations(repeated))
    sizes = data.draw(st.lists(st.integers(1, 5), max_size=4))

    forget(platform, table)
    handle(platform, name, events, [])
    in_order = state_of(platform, table)
    forget(platform, table)
    handle(platform, name, shuffled, sizes)
    assert state_of(platform, table) == in_order
