"""The way of every API request: latency, rate limits, authentication, scopes, faults, endpoint, headers, counters.

A pure ASGI application. `app.Sandbox` hands it everything that is not the admin API, Slack or a page.
"""

import asyncio
import logging
import random
import socket
import struct
import time
from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import format_datetime
from typing import Any

from hubspot_platform.sandbox import fault_effects as effects
from hubspot_platform.sandbox.faults import REPLACING, Fault, FaultBox
from hubspot_platform.sandbox.handlers.endpoints import all_routes
from hubspot_platform.sandbox.limits import Limits
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.routing import Route, Router
from hubspot_platform.sandbox.stats import Stats
from hubspot_platform.sandbox.wire import Answer, ApiProblem, Call, correlation_id

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_URL = 16_384
JITTER = 0.4


class ConnectionDropped(Exception):
    """The answer is a closed connection."""


class Gate:
    """Serves the HubSpot API of one portal."""

    def __init__(self, portal: Portal, limits: Limits, faults: FaultBox, latency_ms: int, seed: int) -> None:
        self.portal = portal
        self.limits = limits
        self.faults = faults
        self.latency_ms = latency_ms
        self.stats = Stats()
        self._random = random.Random(seed)
        self._router = Router(all_routes(limits))
        self.kinds = self._router.kinds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = time.monotonic()
        body = await _body(receive)
        self.stats.arrived(len(body) + len(scope["query_string"]), started)
        call = _call(scope, body)
        delay = self.latency_ms / 2000 * (1 + self._random.uniform(-JITTER, JITTER))
        try:
            if delay:
                await asyncio.sleep(delay)
            answer = await self._answer(call)
            if delay:
                await asyncio.sleep(delay)
            await self._send(answer, call, send)
            self.stats.answered(call.kind or "unknown", answer.status, len(answer.body), time.monotonic())
        except ConnectionDropped:
            self.stats.answered(call.kind or "unknown", 0, 0, time.monotonic())
            _drop(send)
        finally:
            self.stats.in_flight -= 1

    async def _answer(self, call: Call) -> Answer:
        identity = correlation_id()
        try:
            answer = await self._through(call)
        except ApiProblem as problem:
            answer = problem.answer(identity)
        except ConnectionDropped:
            raise
        except Exception:
            logger.exception("the sandbox failed on %s %s", call.method, call.path)
            answer = ApiProblem(500, "INTERNAL_ERROR", "internal error").answer(identity)
        answer.headers.setdefault("X-HubSpot-Correlation-Id", identity)
        return answer

    async def _through(self, call: Call) -> Answer:
        at, now = time.monotonic(), self.portal.clock.now()
        if len(call.path) + len(call.query_string) > MAX_URL:
            call.kind = "url_too_long"
            raise ApiProblem(414, "URI_TOO_LONG", "414 Request-URI Too Large")
        route, params = self._router.resolve(call.method, call.path)
        call.kind, call.params = route.kind, params
        if route.public:
            return await self._with_faults(call, route)
        search = route.kind == "search"
        policy = self.limits.admit(call.token, search=search, at=at, now=now)
        rate_headers = {} if search else self.limits.headers(call.token, at, now)
        if policy is not None:
            self.stats.limited[policy] += 1
            problem = effects.rate_limited(policy, self.portal.account.app_id)
            problem.headers |= rate_headers
            raise problem
        try:
            self._authenticate(call)
            answer = await self._with_faults(call, route)
        except ApiProblem as problem:
            problem.headers |= rate_headers
            raise
        answer.headers |= rate_headers
        return answer

    def _authenticate(self, call: Call) -> None:
        token = call.token
        if token in self.portal.switches.expired_tokens or token.startswith("expired"):
            raise effects.expired_token()
        if not token or token.startswith("invalid"):
            raise ApiProblem(
                401,
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find"
                " more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
            )

    def _scope(self, call: Call, route: Route) -> str:
        name = call.params.get("object") or call.params.get("from")
        if name is None or "{" not in route.scope:
            return route.scope
        spec = self.portal.area(name).spec
        if route.scope.startswith("{object}."):
            return spec.scope_to(route.scope.removeprefix("{object}."))
        return route.scope.replace("{plural}", spec.schema_name)

    async def _with_faults(self, call: Call, route: Route) -> Answer:
        scope = self._scope(call, route)
        if scope in self.portal.switches.missing_scopes:
            raise effects.missing_scopes([scope])
        chosen = self.faults.chosen(self._facts(call)) if self.faults.faults else []
        for fault in chosen:
            self.stats.faults[fault.kind] += 1
            if fault.kind == "slow":
                await asyncio.sleep(fault.number_of("seconds", 1.0))
        for fault in chosen:
            if fault.kind == "reset":
                raise ConnectionDropped
            if fault.kind in REPLACING:
                answer = effects.replacement(fault, self.portal.account.app_id, scope)
                if answer.status == 429:
                    self.stats.limited["fault"] += 1
                return answer
        return self._spoilt(call, route, chosen)

    def _facts(self, call: Call) -> dict[str, str]:
        name = call.params.get("object") or call.params.get("from") or ""
        plural = self.portal.area(name).spec.plural if name else ""
        return {"route": call.kind, "object": plural, "token": call.token, "method": call.method}

    def _spoilt(self, call: Call, route: Route, chosen: list[Fault]) -> Answer:
        def run(given: Call) -> Answer:
            return route.handler(self.portal, given)

        partial = next((f for f in chosen if f.kind == "partial_failure"), None)
        answer = effects.partly_failed(partial, call, run) if partial else run(call)
        for fault in chosen:
            match fault.kind:
                case "cursor_loop":
                    answer = effects.looped(fault, call, answer)
                case "empty_page":
                    answer = effects.emptied(fault, call, answer)
                case "overstated_total":
                    answer = effects.overstated(fault, answer)
                case "half_emoji":
                    answer = effects.halved(answer)
                case "broken_record":
                    answer = effects.broken(fault, answer)
                case "truncated_json":
                    answer = effects.truncated(answer)
                case "wrong_content_type":
                    answer = effects.mistyped(answer)
                case "lost_answer":  # applied, but the caller never hears of it
                    raise ConnectionDropped
        return answer

    async def _send(self, answer: Answer, call: Call, send: Send) -> None:
        headers = [(b"date", format_datetime(self.portal.clock.now(), usegmt=True).encode())]
        if answer.status != 204:
            headers.append((b"content-type", answer.content_type.encode()))
            headers.append((b"content-length", str(len(answer.body)).encode()))
        headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if call.method == "HEAD" else answer.body})


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _call(scope: Scope, body: bytes) -> Call:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    base = f"{scope.get('scheme', 'http')}://{headers.get('host', '127.0.0.1')}"
    query = scope["query_string"].decode("latin-1")
    return Call(scope["method"], scope["path"], query, body, headers, base_url=base)


def _drop(send: Send) -> None:
    """Close the connection with a reset. ASGI has no word for it, so this reaches for uvicorn's own transport."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("a reset can be played under uvicorn only")
    peer = transport.get_extra_info("socket")
    if peer is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
