"""Sending webhook events the way HubSpot does: signed JSON arrays of at most 100 events, posted to one URL."""

from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import orjson

from hubspot_platform.hubspot.signatures import delivery_headers
from hubspot_platform.sandbox.clock import PortalClock
from hubspot_platform.sandbox.portal import Account

MAX_EVENTS = 100
TIMEOUT_SECONDS = 5.0

Event = dict[str, object]


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
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        deliveries: list[Delivery] = []
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for start in range(0, len(complete), MAX_EVENTS):
                batch = complete[start : start + MAX_EVENTS]
                deliveries.append(await self._post(session, target, batch, secret or self._account.client_secret))
        return deliveries

    async def _post(self, session: aiohttp.ClientSession, target: str, batch: Sequence[Event], secret: str) -> Delivery:
        body = orjson.dumps(batch)
        headers = {"Content-Type": "application/json", "User-Agent": "HubSpot Webhooks Sandbox"}
        headers |= delivery_headers(secret, target, body, self._clock.now_ms())
        try:
            async with session.post(target, data=body, headers=headers) as answer:
                await answer.read()
                return Delivery(len(batch), answer.status)
        except (TimeoutError, aiohttp.ClientError) as error:
            return Delivery(len(batch), None, type(error).__name__)
