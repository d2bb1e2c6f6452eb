"""The admin API under `/sandbox/api`: tests and the demo change the portal directly and read what it counted.

It bypasses rate limits, validation, faults and latency on purpose.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hubspot_platform.sandbox import mutations
from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.errors import SandboxError
from hubspot_platform.sandbox.faults import parse_fault
from hubspot_platform.sandbox.gate import Gate
from hubspot_platform.sandbox.limits import PLANS
from hubspot_platform.sandbox.webhooks import Subscriber, WebhookSender
from hubspot_platform.sandbox.wire import ApiProblem

Body = dict[str, object]


def reply(document: object, status: int = 200) -> Response:
    """Return a JSON response."""
    return Response(orjson.dumps(document), status, media_type="application/json")


def guarded(action: Callable[[Request], Awaitable[object]]) -> Callable[[Request], Awaitable[Response]]:
    """Wrap an admin action: its result as JSON, its refusal as 400 with the reason."""

    async def endpoint(request: Request) -> Response:
        try:
            return reply(await action(request))
        except (SandboxError, ApiProblem, KeyError, ValueError, TypeError) as error:
            return reply({"error": f"{type(error).__name__}: {error}"}, 400)

    return endpoint


async def body_of(request: Request) -> Body:
    """Return the request's JSON object, empty without a body."""
    raw = await request.body()
    document = orjson.loads(raw) if raw else {}
    if not isinstance(document, dict):
        raise SandboxError("a JSON object was expected")
    return document


class Admin:
    """Endpoints over one gate and its portal."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.portal = gate.portal
        self.webhooks = WebhookSender(gate.portal.account, gate.portal.clock)
        self.subscriber = Subscriber(gate.portal, self.webhooks)

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted under `/sandbox/api`."""
        table: dict[str, tuple[str, Callable[[Request], Awaitable[object]]]] = {
            "/ready": ("GET", self.ready),
            "/stats": ("GET", self.stats),
            "/stats/reset": ("POST", self.reset_stats),
            "/state": ("GET", self.state),
            "/limits": ("POST", self.limits),
            "/latency": ("POST", self.latency),
            "/clock": ("POST", self.clock),
            "/search": ("POST", self.search),
            "/webhooks": ("GET", self.webhook_state),
            "/webhooks/send": ("POST", self.send_webhooks),
            "/webhooks/subscribe": ("POST", self.subscribe_webhooks),
            "/webhooks/behave": ("POST", self.behave_webhooks),
            "/scopes": ("POST", self.scopes),
            "/tokens": ("POST", self.tokens),
            "/dump/{object}": ("GET", self.dump),
            "/links/{from}/{to}": ("GET", self.links),
            "/objects/{object}/{action}": ("POST", self.change),
            "/properties/{object}/{action}": ("POST", self.define),
            "/day": ("POST", self.day),
        }
        routes = [Route(path, guarded(action), methods=[method]) for path, (method, action) in table.items()]
        routes.append(Route("/faults", guarded(self.faults), methods=["GET", "POST", "DELETE"]))
        return routes

    async def ready(self, request: Request) -> object:
        """Say that the portal is filled and serving."""
        return {"ready": True, "counts": self.portal.counts()}

    async def stats(self, request: Request) -> object:
        """Return the counters."""
        return self.gate.stats.as_json()

    async def reset_stats(self, request: Request) -> object:
        """Start the counters (and, with `limits`, the rate windows) anew."""
        if (await body_of(request)).get("limits"):
            self.gate.limits.reset()
        self.gate.stats.reset()
        return self.gate.stats.as_json()

    async def state(self, request: Request) -> object:
        """Return counts, clock, limits and switches."""
        portal, limits = self.portal, self.gate.limits
        return {
            "portal_id": portal.account.portal_id,
            "now": iso(portal.clock.now_ms()),
            "base": iso(portal.base_ms),
            "counts": portal.counts(),
            "limits": {
                "per_10_s": limits.per_window,
                "searches_per_s": limits.searches,
                "daily": limits.daily,
                "used_today": limits.used_today(portal.clock.now()),
            },
            "latency_ms": self.gate.latency_ms,
            "missing_scopes": sorted(portal.switches.missing_scopes),
            "unordered_search": portal.switches.unordered_search,
            "index_lag_s": {n: a.index.lag_ms / 1000 for n, a in portal.areas.items()},
            "faults": [f.as_json() for f in self.gate.faults.faults],
            "routes": self.gate.kinds,
        }

    async def limits(self, request: Request) -> object:
        """Set `plan`, or `per_10_s`, `searches_per_s`, `daily` one by one; 0 is unlimited."""
        body, limits = await body_of(request), self.gate.limits
        if "plan" in body:
            limits.set(*PLANS[str(body["plan"])])
        limits.set(
            mutations.whole(body, "per_10_s", limits.per_window),
            mutations.whole(body, "searches_per_s", limits.searches),
            mutations.whole(body, "daily", limits.daily),
        )
        return (await self.state(request))["limits"]  # type: ignore[index]

    async def latency(self, request: Request) -> object:
        """Set the latency in milliseconds."""
        self.gate.latency_ms = mutations.whole(await body_of(request), "ms", 0)
        return {"latency_ms": self.gate.latency_ms}

    async def clock(self, request: Request) -> object:
        """Freeze (`freeze`: true or a time), `advance` or `skew` by seconds, or `resume`."""
        body, clock = await body_of(request), self.portal.clock
        freeze = body.get("freeze")
        if freeze:
            at = None if freeze is True else datetime.fromisoformat(str(freeze))
            if at is not None and at.tzinfo is None:
                raise SandboxError("freeze needs a time with its zone")
            clock.freeze(at)
        if body.get("resume"):
            clock.resume()
        if "advance" in body:
            clock.advance(float(str(body["advance"])))
        if "skew" in body:
            clock.skew(float(str(body["skew"])))
        return {"now": iso(clock.now_ms())}

    async def search(self, request: Request) -> object:
        """Set the index lag (`lag` seconds, of one `object` or all), disorder (`unordered`), links a page."""
        body = await body_of(request)
        if "lag" in body:
            named = [self.portal.area(str(body["object"]))] if "object" in body else self.portal.areas.values()
            for area in named:
                area.index.set_lag(float(str(body["lag"])))
        if "unordered" in body:
            self.portal.switches.unordered_search = bool(body["unordered"])
        if "association_page" in body:
            self.portal.switches.association_page = mutations.whole(body, "association_page", 0)
        return {"lag": body.get("lag"), "unordered": self.portal.switches.unordered_search}

    async def scopes(self, request: Request) -> object:
        """Take scopes away (`missing`) and give all back first."""
        missing = (await body_of(request)).get("missing") or []
        self.portal.take_scopes({str(s) for s in missing} if isinstance(missing, list) else set())
        return {"missing": sorted(self.portal.switches.missing_scopes)}

    async def tokens(self, request: Request) -> object:
        """Expire tokens (`expired`); an empty list makes all valid again."""
        expired = (await body_of(request)).get("expired") or []
        self.portal.switches.expired_tokens = {str(t) for t in expired} if isinstance(expired, list) else set()
        return {"expired": len(self.portal.switches.expired_tokens)}

    async def send_webhooks(self, request: Request) -> object:
        """Post `events` to `target`, signed with `secret` (default: the portal's); returns what each batch was told."""
        body = await body_of(request)
        events = body.get("events")
        if not isinstance(events, list):
            raise SandboxError("events must be a list")
        sent = await self.webhooks.send(str(body["target"]), events, str(body.get("secret") or ""))
        return {"deliveries": [asdict(d) for d in sent]}

    async def subscribe_webhooks(self, request: Request) -> object:
        """Send the portal's changes that `subscriptions` name to `target` from now on, as HubSpot does."""
        body = await body_of(request)
        wanted = body.get("subscriptions")
        if not isinstance(wanted, list):
            raise SandboxError("subscriptions must be a list")
        return {"subscriptions": [asdict(s) for s in self.subscriber.subscribe(str(body["target"]), wanted)]}

    async def behave_webhooks(self, request: Request) -> object:
        """Hold deliveries back or let them go, repeat and shuffle events, limit requests in flight, retry sooner."""
        self.subscriber.behave(await body_of(request))
        return self.subscriber.as_json()

    async def webhook_state(self, request: Request) -> object:
        """Return what became of the events of the portal's changes."""
        return self.subscriber.as_json()

    async def faults(self, request: Request) -> object:
        """List the faults, add one (or a list under `faults`), or remove one (`number`) or all."""
        box = self.gate.faults
        if request.method == "POST":
            body = await body_of(request)
            many = body.get("faults")
            added = [box.add(f) for f in map(parse_fault, many if isinstance(many, list) else [body])]
            return [f.as_json() for f in added]
        if request.method == "DELETE":
            number = request.query_params.get("number")
            return {"removed": box.remove(None if number is None else int(number))}
        return [f.as_json() for f in box.faults]

    async def dump(self, request: Request) -> object:
        """Return the records of a type with all stored values; `properties`, `archived`, `after`, `limit` narrow.

        `history` names properties whose versions are wanted too.
        """
        query = request.query_params
        return mutations.dump(self.portal, request.path_params["object"], query)

    async def links(self, request: Request) -> object:
        """Return every readable link of a pair as rows (from, to, type id)."""
        return mutations.all_links(self.portal, request.path_params["from"], request.path_params["to"])

    async def change(self, request: Request) -> object:
        """Create, update, calculate, archive, restore, purge, merge, stamp, link or unlink records."""
        action = mutations.ACTIONS.get(request.path_params["action"])
        if action is None:
            raise SandboxError("unknown action", mend=f"one of {', '.join(mutations.ACTIONS)}")
        return action(self.portal, self.portal.area(request.path_params["object"]), await body_of(request))

    async def day(self, request: Request) -> object:
        """Let a day of changes of every kind happen; returns the ids touched."""
        return mutations.day(self.portal, await body_of(request))

    async def define(self, request: Request) -> object:
        """Create, change (also the type), or delete a property while the portal runs."""
        action = mutations.PROPERTY_ACTIONS.get(request.path_params["action"])
        if action is None:
            raise SandboxError("unknown action", mend=f"one of {', '.join(mutations.PROPERTY_ACTIONS)}")
        return action(self.portal, self.portal.area(request.path_params["object"]), await body_of(request))
