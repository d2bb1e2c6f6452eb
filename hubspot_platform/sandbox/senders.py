"""Chargebee and Jira calling us: event documents posted with their systems' authentication and retry schedules.

The admin API hands documents over (`/sandbox/api/senders/{chargebee|jira}`); `sandbox.app` mounts it.
"""

import base64
import itertools
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.routing import Route

from hubspot_platform.connectors.jira_headers import IDENTIFIER_HEADER, SIGNATURE_HEADER, sign
from hubspot_platform.sandbox.admin import body_of, guarded
from hubspot_platform.sandbox.deliveries import Deliveries, Message, Schedule
from hubspot_platform.sandbox.errors import SandboxError

CHARGEBEE_WAITS = (120.0, 360.0, 1_800.0, 3_600.0, 18_000.0, 86_400.0, 172_800.0)
JIRA_WAITS = (300.0, 600.0, 900.0, 900.0, 900.0)
_JIRA_REPEATS = frozenset({408, 409, 425, 429})
_IN_FLIGHT = 5


class Senders:
    """The webhooks of both systems."""

    def __init__(self) -> None:
        self._ways: dict[str, Deliveries] = {}
        self._identifiers = itertools.count(1)

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted under `/sandbox/api/senders`."""
        return [Route("/{system}", guarded(self.serve), methods=["GET", "POST"])]

    async def serve(self, request: Request) -> object:
        """Post `documents` to `target`; `user` (Chargebee) or `secret` (Jira) proves it, `retry_seconds` changes the
        schedule. GET says what became of them.
        """
        system = request.path_params["system"]
        if system not in {"chargebee", "jira"}:
            raise SandboxError("unknown system", mend="chargebee or jira")
        way = self._way(system)
        if request.method == "POST":
            body = await body_of(request)
            waits = body.get("retry_seconds")
            if isinstance(waits, list):
                way.schedule.waits = [float(str(wait)) for wait in waits]
            documents = body.get("documents")
            for document in documents if isinstance(documents, list) else []:
                make = self._payment if system == "chargebee" else self._issue
                way.post(make(str(body["target"]), document, body))
        return way.as_json()

    def _way(self, system: str) -> Deliveries:
        if system not in self._ways:
            chargebee, jira = Schedule(CHARGEBEE_WAITS), Schedule(JIRA_WAITS, _jira_repeats)
            self._ways[system] = Deliveries(chargebee if system == "chargebee" else jira, _IN_FLIGHT)
        return self._ways[system]

    def _payment(self, target: str, document: Any, body: Mapping[str, object]) -> Message:
        basic = base64.b64encode(str(body["user"]).encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {basic}"}
        sent = orjson.dumps(document)
        return Message(target, 1, lambda _: (sent, headers))

    def _issue(self, target: str, document: Any, body: Mapping[str, object]) -> Message:
        sent = orjson.dumps(document)
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: sign(str(body["secret"]), sent),
            IDENTIFIER_HEADER: f"webhook-{next(self._identifiers)}",
        }
        return Message(target, 1, lambda _: (sent, headers))


def _jira_repeats(status: int) -> bool:
    return status in _JIRA_REPEATS or status >= 500
