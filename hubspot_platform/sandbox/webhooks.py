"""Sending webhook events the way HubSpot does: signed JSON arrays of at most 100, ten in flight, retried for a day.

The admin API posts given events with `send`, or subscribes a target to the portal's changes; those go out by
themselves from then on, late, twice and in the wrong order when asked to.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from hubspot_platform.hubspot.signatures import delivery_headers
from hubspot_platform.sandbox.changes import Changes, Event, Subscription
from hubspot_platform.sandbox.clock import PortalClock
from hubspot_platform.sandbox.deliveries import Deliveries, Message, Schedule
from hubspot_platform.sandbox.portal import Account, Portal

MAX_EVENTS = 100
IN_FLIGHT = 10
RETRIES = 10
DAY_OF_RETRIES = (60.0, 300.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 10_800.0, 14_400.0, 18_000.0, 28_800.0)
GATHER_SECONDS = 0.05


@dataclass(frozen=True)
class Delivery:
    """What became of one batch; `status` is None when nobody answered in time."""

    events: int
    status: int | None
    error: str = ""


class WebhookSender:
    """Signs and posts events for one portal."""

    def __init__(self, account: Account, clock: PortalClock) -> None:
        self._account = account
        self._clock = clock
        self._next_event = 50_001

    def completed(self, events: Sequence[Event]) -> list[Event]:
        """Return the events with the fields every HubSpot event has; given fields win."""
        found: list[Event] = []
        for event in events:
            base: Event = {
                "eventId": self._next_event,
                "subscriptionId": 7,
                "portalId": self._account.portal_id,
                "appId": self._account.app_id,
                "occurredAt": self._clock.now_ms(),
                "attemptNumber": 0,
                "changeSource": "CRM_UI",
            }
            self._next_event += 1
            found.append(base | event)
        return found

    async def send(self, target: str, events: Sequence[Event], secret: str = "") -> list[Delivery]:
        """Post the events in order, 100 a batch, one batch at a time; every batch is tried once."""
        complete = self.completed(events)
        way = Deliveries(Schedule(()), 1)
        deliveries: list[Delivery] = []
        try:
            for start in range(0, len(complete), MAX_EVENTS):
                batch = complete[start : start + MAX_EVENTS]
                answer = await way.once(self.message(target, batch, secret))
                failed = isinstance(answer, str)
                deliveries.append(Delivery(len(batch), None if failed else int(answer), str(answer) if failed else ""))
        finally:
            await way.close()
        return deliveries

    def message(self, target: str, batch: Sequence[Event], secret: str = "") -> Message:
        """Return the request that brings a batch; each attempt is counted in its events and signed anew."""

        def attempt(number: int) -> tuple[bytes, Mapping[str, str]]:
            body = orjson.dumps([event | {"attemptNumber": number} if number else event for event in batch])
            headers = {"Content-Type": "application/json", "User-Agent": "HubSpot Webhooks Sandbox"}
            signed = delivery_headers(secret or self._account.client_secret, target, body, self._clock.now_ms())
            return body, headers | signed

        return Message(target, len(batch), attempt)


class Subscriber:
    """Sends the portal's changes to one target, for as long as the sandbox lives."""

    def __init__(self, portal: Portal, sender: WebhookSender) -> None:
        self.target = ""
        self._sender = sender
        self._changes = Changes(portal, self._wake)
        self._deliveries: Deliveries | None = None
        self._random = random.Random(portal.account.portal_id)
        self._duplicates = 0.0
        self._shuffled = False
        self._gathering: asyncio.TimerHandle | None = None
        self._told = 0

    def subscribe(self, target: str, subscriptions: Sequence[Mapping[str, object]]) -> list[Subscription]:
        """Send to `target` what these subscriptions name, from now on; replaces earlier ones.

        Each has `type`, `property` for property changes (or a list of them under `properties`), and `object_type_id`
        for `object.*`.
        """
        self.target = target
        found: list[Subscription] = []
        for wanted in subscriptions:
            names = wanted.get("properties") or [wanted.get("property") or ""]
            for name in names if isinstance(names, list) else []:
                number = len(found) + 1
                found.append(
                    Subscription(number, str(wanted["type"]), str(name), str(wanted.get("object_type_id") or ""))
                )
        self._changes.subscriptions = found
        self._changes.watch()
        return found

    def behave(self, wishes: Mapping[str, object]) -> None:
        """Change how deliveries go: `hold`, `duplicates` (a share), `shuffled`, `in_flight`, `retry_seconds` (list)."""
        way = self._way()
        self._duplicates = float(str(wishes.get("duplicates", self._duplicates)))
        self._shuffled = bool(wishes.get("shuffled", self._shuffled))
        if "in_flight" in wishes:
            way.limit(int(str(wishes["in_flight"])))
        waits = wishes.get("retry_seconds")
        if isinstance(waits, list):
            way.schedule.waits = [float(str(wait)) for wait in waits][:RETRIES]
        if "hold" in wishes:
            way.hold(held=bool(wishes["hold"]))

    def as_json(self) -> dict[str, object]:
        """Return the target, how many events the portal's changes made, and what became of the deliveries."""
        counts = self._way().as_json()
        return {
            "target": self.target,
            "subscriptions": len(self._changes.subscriptions),
            "events": self._told,
            **counts,
        }

    def _way(self) -> Deliveries:
        if self._deliveries is None:
            self._deliveries = Deliveries(Schedule(DAY_OF_RETRIES), IN_FLIGHT)
        return self._deliveries

    def _wake(self) -> None:
        """Gather what changes within a moment into one delivery."""
        if self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._flush)

    def _flush(self) -> None:
        self._gathering = None
        events = self._sender.completed(self._changes.take())
        self._told += len(events)
        events += [event for event in events if self._random.random() < self._duplicates]
        if self._shuffled:
            self._random.shuffle(events)
        for start in range(0, len(events), MAX_EVENTS):
            self._way().post(self._sender.message(self.target, events[start : start + MAX_EVENTS]))
