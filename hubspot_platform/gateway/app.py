"""The gateway as an ASGI application: doors for events, everything else through Starlette.

A request at a door is limited, read, authenticated, parsed and stored, in this order, each step cheaper than the next;
only then it is answered 200. `gateway.server` runs it.
"""

import logging
import time
import traceback
from collections.abc import Callable

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hubspot_platform.gateway.conditions import FOREIGN_PORTAL, LEGACY_SIGNATURE, REFUSED_SENDERS, Conditions
from hubspot_platform.gateway.doors import TOPICS_PATH, Door, doors, topic_door
from hubspot_platform.gateway.exchange import (
    BODY_SECONDS,
    PROBLEM_TYPE,
    Delivery,
    Disconnected,
    Incoming,
    Receive,
    Scope,
    Send,
    answer,
    headers_of,
    read_body,
    refuse,
)
from hubspot_platform.gateway.hubspot_events import FOREIGN_PORTAL as FOREIGN_QUEUE
from hubspot_platform.gateway.hubspot_events import unwanted_types
from hubspot_platform.gateway.limits import AddressLimit, client_address
from hubspot_platform.gateway.metrics import Metrics
from hubspot_platform.gateway.openapi import description
from hubspot_platform.gateway.problems import Problem, busy
from hubspot_platform.gateway.storing import Storing
from hubspot_platform.settings import Settings
from hubspot_platform.state import Store
from hubspot_platform.state.inbox import NewEvent, Stored
from hubspot_platform.topics.catalogue import subscriptions

logger = logging.getLogger(__name__)

UNREAD_BODIES = 8
"""How much of a refused body is still read and thrown away, in bodies of the permitted length."""


class Gateway:
    """The ASGI entry. `public_url` is what senders call us by, without a slash at its end."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        public_url: str,
        *,
        epoch_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.metrics = Metrics(store, subscriptions(settings))
        self.conditions = Conditions(settings.hubspot_portal_id)
        self.storing = Storing(
            store,
            self.conditions,
            most_waiting=settings.gateway_max_waiting_events,
            reserve=settings.home / "reserve" if store.dialect == "sqlite" else None,
        )
        self._settings = settings
        self._public_url = public_url.rstrip("/")
        self._epoch_ms = epoch_ms
        self._doors = doors(settings)
        self._limit = AddressLimit(settings.gateway_rate_limit)
        self._warned: set[str] = set()
        self._site = Starlette(
            routes=[Route("/openapi.json", _described)], exception_handlers={HTTPException: _refused_by_site}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        door = self._doors.get(path)
        if door is None and path.startswith(TOPICS_PATH):
            door = topic_door(self._settings, path.removeprefix(TOPICS_PATH))
        if door is None:
            await self._site(scope, receive, send)
            return
        incoming = Incoming(receive)
        status = 500
        refusal: Problem | None = None
        try:
            stored = await self._receive(door, scope, incoming)
            status = 200
            await answer(send, 200, b'{"stored":%d,"repeated":%d}' % (stored.accepted, stored.duplicates))
        except Problem as problem:
            status = problem.status
            self.metrics.refusals.labels(door.name, problem.reason).inc()
            if status == 401:
                self.conditions.note(REFUSED_SENDERS)
            refusal = problem
        except Disconnected:
            status = 499
        except Exception as error:  # noqa: BLE001 - recorded, and the sender is told to come again
            place = traceback.extract_tb(error.__traceback__)[-1]
            # the error's own text may quote the delivery
            logger.error("a delivery at %s failed: %s in %s", door.name, type(error).__name__, place)
            refusal = busy(500, "failed", "The delivery could not be processed.")
        finally:
            self.metrics.deliveries.labels(door.name, str(status)).inc()
        if refusal is not None:
            await refuse(send, refusal, incoming, UNREAD_BODIES * self._settings.gateway_max_body_bytes)

    async def _receive(self, door: Door, scope: Scope, incoming: Incoming) -> Stored:
        """Do everything up to the durable row; Problem when the delivery is not taken."""
        if scope["method"] != "POST":
            raise Problem(405, "method", "Events are posted.", headers={"Allow": "POST"})
        headers = headers_of(scope)
        self._refuse_when_too_often(scope, headers)
        await self.storing.refuse_when_closed()
        body = await read_body(incoming, headers, self._settings.gateway_max_body_bytes, BODY_SECONDS)
        started = time.perf_counter()
        delivery = Delivery(self._uri(scope), headers, body, self._epoch_ms())
        proof = door.authenticate(delivery)
        if proof in {"v1", "v2"}:
            self.conditions.note(LEGACY_SIGNATURE)
        events = door.read(delivery)
        stored = await self.storing.take(events) if events else Stored(0, 0)
        self._count(door, events, stored)
        self.metrics.seconds.labels(door.name).observe(time.perf_counter() - started)
        return stored

    def _refuse_when_too_often(self, scope: Scope, headers: dict[str, str]) -> None:
        peer = scope["client"][0] if scope.get("client") else ""
        address = client_address(peer, headers, self._settings.gateway_trusted_proxies)
        wait = self._limit.wait(address, time.monotonic())
        if wait:
            raise busy(429, "too_often", "Too many requests from one address.", max(1, round(wait)))

    def _uri(self, scope: Scope) -> str:
        """Return the URL as the sender called it: our public address, the path as it came, and the query untouched."""
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope["query_string"]
        uri = self._public_url + raw.decode("latin-1")
        return f"{uri}?{query.decode('latin-1')}" if query else uri

    def _count(self, door: Door, events: list[NewEvent], stored: Stored) -> None:
        count = self.metrics.events
        count.labels(door.name, "stored").inc(stored.accepted)
        if stored.duplicates:
            count.labels(door.name, "repeated").inc(stored.duplicates)
        dead = sum(event.status == "dead" for event in events)
        if dead:
            count.labels(door.name, "dead").inc(dead)
            foreign = sum(event.queue == FOREIGN_QUEUE for event in events)
            if foreign:
                self.conditions.note(FOREIGN_PORTAL, foreign)
        for name in unwanted_types(events) - self._warned:
            self._warned.add(name)
            logger.warning("no queue wants events of type %s; they are stored as done", name)


async def _described(_request: Request) -> Response:
    return Response(orjson.dumps(description()), media_type="application/json")


async def _refused_by_site(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    problem = Problem(status, "no_such_path" if status == 404 else "refused", "There is nothing here.")
    return Response(problem.body(), status, headers=headers, media_type=PROBLEM_TYPE)
