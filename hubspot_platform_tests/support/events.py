"""HubSpot events for tests: made as HubSpot does, stored as the gateway does, drained by the real engine."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hubspot_platform.gateway.hubspot_events import read_delivery
from hubspot_platform.runtime import Platform
from hubspot_platform.state import database_now, inbox, topics
from hubspot_platform.state.inbox_table import webhook_event
from hubspot_platform.topics.catalogue import parse
from hubspot_platform.workers import catalogue
from hubspot_platform.workers.engine import DrainReport, drain
from hubspot_platform_tests.support.platforms import rows

COMPANIES = "matrix.hubspot_company_webhook_events"
CONTACTS = "matrix.hubspot_contact_webhook_events"
DEALS = "matrix.hubspot_deals_events"
CALLS = "matrix.hubspot_call_webhook_events"
CONTACT_TOPIC = "contact_state_updated"
PULL_QUEUES = (COMPANIES, CONTACTS, DEALS, CALLS)
APP = 99
PORTAL = 4242


def ms(moment: datetime) -> int:
    """Return epoch milliseconds."""
    return round(moment.timestamp() * 1000)


@dataclass
class Events:
    """Makes events and hands them to a platform's inbox."""

    platform: Platform
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def make(self, kind: str, object_id: int, at: datetime, **more: object) -> dict[str, object]:
        """Return an event of a type such as `company.creation`."""
        return {
            "eventId": next(self.numbers),
            "subscriptionId": 7,
            "portalId": PORTAL,
            "appId": APP,
            "occurredAt": ms(at),
            "subscriptionType": kind,
            "attemptNumber": 0,
            "objectId": object_id,
            "changeSource": "CRM_UI",
        } | more

    def change(self, obj: str, object_id: int, at: datetime, **properties: object) -> list[dict[str, object]]:
        """Return one property change for each of the properties."""
        kind = f"{obj}.propertyChange"
        return [
            self.make(kind, object_id, at, propertyName=name, propertyValue=value) for name, value in properties.items()
        ]

    def store(self, *events: Mapping[str, object]) -> inbox.Stored:
        """Store events as one delivery after another, as the gateway does."""
        found = inbox.Stored(0, 0)
        for start in range(0, len(events), 1000):
            body = json.dumps(events[start : start + 1000]).encode()
            delivery = read_delivery(body, portal_id=None, door="/Hubspot/Webhooks/General")
            stored = self.platform.state().write(lambda c, d=delivery: inbox.store_events(c, d, database_now(c)))
            found = inbox.Stored(found.accepted + stored.accepted, found.duplicates + stored.duplicates)
        return found

    def drain(self, queue: str = COMPANIES, **more: Any) -> DrainReport:
        """Let a queue's worker work."""
        return drain(self.platform, catalogue.queue(queue), **more)

    def take(self, queue: str, *events: Mapping[str, object]) -> DrainReport:
        """Store events and let their worker work."""
        self.store(*events)
        return self.drain(queue)

    def rows(self, *, queue: str | None = None) -> Sequence[Any]:
        """Return the inbox rows, oldest first."""
        query = sa.select(webhook_event).order_by(webhook_event.c.id)
        if queue:
            query = query.where(webhook_event.c.queue == queue)
        return self.platform.state().read(lambda conn: conn.execute(query).all())

    def tell_of(self, email: str) -> None:
        """Let Matrix post an event about a contact: it is published, and still in the inbox."""
        said = {"event_id": "told-of", "occurred_at": "2026-03-01T12:00:00Z", "email": email}
        event, store = parse(CONTACT_TOPIC, said).event(), self.platform.state()
        body = json.dumps(said).encode()
        row = inbox.NewEvent("topic", "matrix.topic_events", event.topic, event.key, event.dedupe_key, None, body)
        store.write(lambda conn: inbox.store_events(conn, [row], store.now()))
        store.write(lambda conn: topics.announce(conn, [event], store.now()))

    def told_of(self) -> list[str]:
        """Return the addresses of the contacts that were told of."""
        read = self.platform.state().read(lambda conn: topics.read_after(conn, CONTACT_TOPIC, 0))
        return [event.key for event in read]

    def change_rows(self, **values: object) -> None:
        """Change columns of every unfinished inbox row: what would otherwise take hours of waiting."""
        open_rows = webhook_event.c.status.in_(("ready", "parked", "leased"))
        self.platform.state().write(
            lambda conn: conn.execute(sa.update(webhook_event).where(open_rows).values(**values))
        )


def later(**span: float) -> datetime:
    """Return an instant that long from now, in whole milliseconds."""
    moment = datetime.now(UTC) + timedelta(**span)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def everything(platform: Platform) -> dict[str, list[str]]:
    """Return every row of every table and view of the mirror without the times of processing, in order."""
    processing = {"_fivetran_synced", "applied_at", "seen_at"}
    tables = rows(
        platform,
        "select table_schema as s, table_name as t from information_schema.tables "
        "where table_schema in ('hubspot', '_platform') and table_name not in ('identity', 'progress', 'sync_run')",
    )
    found = {}
    for table in tables:
        name = f'{table["s"]}."{table["t"]}"'
        lines = [
            {column: value for column, value in line.items() if column not in processing}
            for line in rows(platform, f"select * from {name}")
        ]
        found[name] = sorted(json.dumps(line, default=str, sort_keys=True) for line in lines)
    return found
