"""Chargebee's Events API as far as the daily catch-up needs it: events listed by time, page by page.

Events come in over the admin endpoint, from tests and from whoever plays Chargebee's webhooks. Mounted by
`sandbox.app` under `/chargebee`, so that `CHARGEBEE_BASE_URL` is the sandbox's address with `/chargebee`.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Json = dict[str, Any]
MOST, DEFAULT = 100, 10


class Chargebee:
    """The events of one site, and the failure tests switch on."""

    def __init__(self) -> None:
        self.events: list[Json] = []
        self.calls = 0
        self.fault: Json = {}

    def add(self, events: Sequence[Json]) -> int:
        """Keep events that are not there yet; returns how many there are."""
        known = {event["id"] for event in self.events}
        self.events += [event for event in events if event["id"] not in known]
        return len(self.events)

    def routes(self) -> list[Route]:
        """Return the API, to be mounted under `/chargebee`."""
        return [Route("/api/v2/events", self.list_events)]

    def admin_routes(self) -> list[Route]:
        """Return the admin endpoints, to be mounted under `/sandbox/api/chargebee`."""
        return [
            Route("/events", self.kept, methods=["GET", "POST", "DELETE"]),
            Route("/fault", self.set_fault, methods=["POST"]),
        ]

    async def kept(self, request: Request) -> Response:
        """Return, add or forget the events; GET also says how many API calls there were."""
        if request.method == "POST":
            self.add(orjson.loads(await request.body()))
        if request.method == "DELETE":
            self.events.clear()
        return JSONResponse({"events": len(self.events), "calls": self.calls})

    async def set_fault(self, request: Request) -> Response:
        """Make the next `count` calls answer `http_status`, with `retry_after` seconds if given."""
        self.fault = orjson.loads(await request.body())
        return JSONResponse(self.fault)

    async def list_events(self, request: Request) -> Response:
        """Serve one page: `occurred_at[after]`, `sort_by[asc|desc]`, `limit` (at most 100), `offset`."""
        self.calls += 1
        if not _has_key(request):
            return _problem(401, "api_authentication_failed", "The key is missing.")
        if self.fault.get("count", 0) > 0:
            self.fault["count"] -= 1
            after = self.fault.get("retry_after")
            answer = _problem(self.fault["http_status"], "api_request_limit_exceeded", "Switched on by a test.")
            answer.headers.update({} if after is None else {"Retry-After": str(after)})
            return answer
        try:
            asked = dict(request.query_params)
            after = int(asked.get("occurred_at[after]", -1))
            limit, start = int(asked.get("limit", DEFAULT)), int(asked.get("offset", 0))
        except ValueError:
            return _problem(400, "param_wrong_value", "A parameter is no number.")
        if not 1 <= limit <= MOST:
            return _problem(400, "param_wrong_value", f"limit is 1 to {MOST}.")
        found = sorted((e for e in self.events if e["occurred_at"] > after), key=_order)
        if "sort_by[asc]" not in asked:
            found.reverse()
        page = found[start : start + limit]
        more: Json = {"next_offset": str(start + limit)} if start + limit < len(found) else {}
        return Response(
            orjson.dumps({"list": [{"event": event} for event in page], **more}), media_type="application/json"
        )


def _order(event: Mapping[str, Any]) -> tuple[int, str]:
    return event["occurred_at"], event["id"]


def _has_key(request: Request) -> bool:
    """Say whether a key was given as the user of Basic authentication, with an empty password."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and bool(user and colon) and not password


def _problem(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"message": message, "api_error_code": code, "type": "", "http_status_code": status}, status)
