"""Events of Chargebee and Jira for tests: their documents, and platforms that have received some."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from hubspot_platform.runtime import Platform
from hubspot_platform.settings import load_settings
from hubspot_platform.state import database_now, inbox
from hubspot_platform.state.inbox import NewEvent
from hubspot_platform.workers.catalogue import queue
from hubspot_platform.workers.engine import DrainReport, drain
from hubspot_platform_tests.support.stores import prepared_home

PAYMENTS, JIRA, TOPICS = "matrix.payment_events", "matrix.jira_hubspot_events", "matrix.topic_events"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@contextmanager
def bare_platform(home: Path, postgres_url: str | None, **more: Any) -> Iterator[Platform]:
    """Open a platform without a portal on one of the store pairs."""
    if postgres_url is None:
        prepared_home(home)
    urls = {"warehouse_url": postgres_url, "state_url": postgres_url} if postgres_url else {}
    platform = Platform(load_settings(platform_home=home, **urls, **more))
    try:
        yield platform
    finally:
        platform.close()


def payment(number: int, event_type: str = "subscription_changed", *, at: int = 0, **content: Any) -> dict[str, Any]:
    """Return a document of Chargebee, `at` minutes after noon; without content it is about subscription `s1`."""
    return {
        "id": f"ev_{number}",
        "occurred_at": int((NOON + timedelta(minutes=at)).timestamp()),
        "object": "event",
        "api_version": "v2",
        "event_type": event_type,
        "content": content or {"subscription": subscription(version=number)},
    }


def subscription(identity: str = "s1", *, version: int | None, **fields: Any) -> dict[str, Any]:
    """Return a copy of a subscription."""
    versioned = {} if version is None else {"resource_version": version}
    return {"id": identity, "customer_id": "c1", "status": "active", **versioned, **fields}


def issue(key: str, *, at: int, kind: str = "Bug", event: str = "jira:issue_updated", **fields: Any) -> dict[str, Any]:
    """Return a document of Jira about an issue, `at` milliseconds after noon."""
    return {
        "timestamp": int(NOON.timestamp()) * 1000 + at,
        "webhookEvent": event,
        "issue": {
            "id": key.rpartition("-")[2],
            "key": key,
            "fields": {"summary": f"at {at}", "issuetype": {"name": kind}, **fields},
        },
    }


def chargebee_events(documents: Sequence[dict[str, Any]]) -> list[NewEvent]:
    """Return the documents as events of the inbox, whatever is wrong with them."""
    return [
        NewEvent("chargebee", PAYMENTS, d["event_type"], "subscription:s1", d["id"], NOON, orjson.dumps(d))
        for d in documents
    ]


def jira_events(documents: Sequence[dict[str, Any]]) -> list[NewEvent]:
    """Return the documents as events of the inbox, with their time as the key."""
    return [
        NewEvent(
            "jira", JIRA, d["webhookEvent"], f"issue:{d['issue']['key']}", f"{d['timestamp']}", NOON, orjson.dumps(d)
        )
        for d in documents
    ]


def receive(platform: Platform, events: Sequence[NewEvent]) -> inbox.Stored:
    """Store events as the gateway does."""
    return platform.state().write(lambda conn: inbox.store_events(conn, events, database_now(conn)))


def work(platform: Platform, name: str, *, batch: int = 500) -> DrainReport:
    """Empty a queue."""
    return drain(platform, queue(name), batch=batch)


def rows(platform: Platform, sql: str) -> list[dict[str, Any]]:
    """Query the warehouse as it is now."""
    with platform.warehouse().writer() as session:
        return session.query(sql).to_pylist()
