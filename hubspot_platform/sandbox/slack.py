"""Slack's Web API as far as `slack_sdk.WebClient` needs it here, with the received messages kept for reading."""

import itertools
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from hubspot_platform.sandbox.clock import PortalClock
from hubspot_platform.sandbox.slack_page import render_page

Json = dict[str, object]
CHANNELS = ("hubspot-alerts", "data-quality", "general")


@dataclass
class Message:
    """One message; `thread_ts` is the parent's `ts` for replies."""

    ts: str
    channel: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    thread_ts: str | None = None
    username: str | None = None
    edited: str | None = None
    reply_broadcast: bool = False

    def as_json(self) -> Json:
        """Return the message in Slack's shape, empty parts left out."""
        document: Json = {"type": "message", "bot_id": "B0SANDBOX", "user": "U0SANDBOX", "ts": self.ts}
        document |= {"channel": self.channel, "text": self.text}
        optional: Json = {
            "blocks": self.blocks,
            "attachments": self.attachments,
            "metadata": self.metadata,
            "thread_ts": self.thread_ts,
            "username": self.username,
            "edited": {"user": "U0SANDBOX", "ts": self.edited} if self.edited else None,
        }
        return document | {k: v for k, v in optional.items() if v}


class SlackError(Exception):
    """Slack's refusal of a call: HTTP 200 with `ok: false`."""


class Slack:
    """Channels, messages, and the errors tests switch on."""

    def __init__(self, clock: PortalClock) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self.channels = {f"C0{n:03d}": name for n, name in enumerate(CHANNELS, 1)}
        self.messages: list[Message] = []
        self.fault: Json = {}

    def routes(self) -> list[Route]:
        """Return the Web API methods and the page, to be mounted under `/slack`."""
        return [
            Route("/", self.page),
            Route("/api/{method}", self.call, methods=["GET", "POST"]),
        ]

    def admin_routes(self) -> list[Route]:
        """Return the admin endpoints, to be mounted under `/sandbox/api/slack`."""
        return [
            Route("/messages", self.received, methods=["GET", "DELETE"]),
            Route("/fault", self.set_fault, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """Show the received messages, threads in order."""
        return HTMLResponse(render_page(self.channels, [m.as_json() for m in self.messages]))

    async def received(self, request: Request) -> Response:
        """Return (or forget) the received messages."""
        if request.method == "DELETE":
            self.messages.clear()
        return JSONResponse([m.as_json() | {"channel_name": self.channels[m.channel]} for m in self.messages])

    async def set_fault(self, request: Request) -> Response:
        """Make calls fail: `error` (a Slack error name, or `ratelimited` with `retry_after`), `method`, `count`.

        An `http_status` instead of an error answers that status with an empty body. No body removes the fault.
        """
        raw = await request.body()
        self.fault = orjson.loads(raw) if raw else {}
        return JSONResponse(self.fault)

    async def call(self, request: Request) -> Response:
        """Serve one Web API method."""
        given = await _arguments(request)
        name = request.path_params["method"]
        refused = self._fault_for(name)
        if refused is not None:
            return refused
        method = {
            "auth.test": self._auth_test,
            "api.test": self._api_test,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.list": self._list,
            "conversations.info": self._info,
            "conversations.join": self._info,
            "conversations.replies": self._replies,
            "conversations.history": self._history,
        }.get(name)
        try:
            _check_token(request, given)
            if method is None:
                raise SlackError("unknown_method")
            return JSONResponse({"ok": True, **method(given)})
        except SlackError as error:
            return JSONResponse({"ok": False, "error": str(error)})

    def _fault_for(self, name: str) -> Response | None:
        fault = self.fault
        left = fault.get("count")
        if not fault or fault.get("method") not in (None, name) or left == 0:
            return None
        if isinstance(left, int):
            fault["count"] = left - 1
        if "http_status" in fault:
            return Response("upstream error", int(str(fault["http_status"])))
        error = str(fault.get("error", "internal_error"))
        if error in ("ratelimited", "rate_limited"):
            headers = {"Retry-After": str(fault.get("retry_after", 1))}
            return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers=headers)
        return JSONResponse({"ok": False, "error": error})

    def _channel(self, given: Json) -> str:
        wanted = str(given.get("channel") or "").removeprefix("#")
        for identity, name in self.channels.items():
            if wanted in (identity, name):
                return identity
        raise SlackError("channel_not_found")

    def _stamp(self) -> str:
        return f"{self._clock.now_ms() // 1000}.{next(self._numbers):06d}"

    def _auth_test(self, given: Json) -> Json:
        return {
            "url": "https://sandbox.slack.example/",
            "team": "Sandbox",
            "user": "hubspot-platform",
            "team_id": "T0SANDBOX",
            "user_id": "U0SANDBOX",
            "bot_id": "B0SANDBOX",
        }

    def _api_test(self, given: Json) -> Json:
        return {"args": given}

    def _post(self, given: Json) -> Json:
        channel = self._channel(given)
        blocks, text = _listed(given.get("blocks")), str(given.get("text") or "")
        attachments = _listed(given.get("attachments"))
        if not text and not blocks and not attachments:
            raise SlackError("no_text")
        if len(text) > 40_000:
            raise SlackError("msg_too_long")
        if len(blocks) > 50:
            raise SlackError("invalid_blocks")
        thread = given.get("thread_ts")
        metadata = given.get("metadata")
        message = Message(
            self._stamp(),
            channel,
            text,
            blocks,
            attachments,
            orjson.loads(metadata) if isinstance(metadata, str) else metadata,  # type: ignore[arg-type]
            str(thread) if thread else None,
            str(given["username"]) if given.get("username") else None,
        )
        self.messages.append(message)
        return {"channel": channel, "ts": message.ts, "message": message.as_json()}

    def _find(self, given: Json) -> Message:
        channel, ts = self._channel(given), str(given.get("ts") or "")
        for message in self.messages:
            if message.channel == channel and message.ts == ts:
                return message
        raise SlackError("message_not_found")

    def _update(self, given: Json) -> Json:
        message = self._find(given)
        if given.get("text") is not None:
            message.text = str(given["text"])
        if given.get("blocks") is not None:
            message.blocks = _listed(given["blocks"])
        if given.get("attachments") is not None:
            message.attachments = _listed(given["attachments"])
        message.edited = self._stamp()
        return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": message.as_json()}

    def _channel_json(self, identity: str) -> Json:
        return {
            "id": identity,
            "name": self.channels[identity],
            "is_channel": True,
            "is_member": True,
            "is_archived": False,
            "is_private": False,
        }

    def _list(self, given: Json) -> Json:
        rows = [self._channel_json(c) for c in self.channels]
        return {"channels": rows, "response_metadata": {"next_cursor": ""}}

    def _info(self, given: Json) -> Json:
        return {"channel": self._channel_json(self._channel(given))}

    def _replies(self, given: Json) -> Json:
        parent = self._find(given)
        rows = [m.as_json() for m in self.messages if parent.ts in (m.ts, m.thread_ts)]
        return {"messages": rows, "has_more": False}

    def _history(self, given: Json) -> Json:
        channel = self._channel(given)
        rows = [m.as_json() for m in reversed(self.messages) if m.channel == channel and m.thread_ts is None]
        return {"messages": rows, "has_more": False}


async def _arguments(request: Request) -> Json:
    given: Json = dict(request.query_params)
    kind = request.headers.get("content-type", "")
    raw = await request.body()
    if not raw:
        return given
    if "json" in kind:
        document = orjson.loads(raw)
        return given | (document if isinstance(document, dict) else {})
    return given | dict(parse_qsl(raw.decode()))


def _check_token(request: Request, given: Json) -> None:
    token = request.headers.get("authorization", "").removeprefix("Bearer ").strip() or str(given.get("token") or "")
    if not token:
        raise SlackError("not_authed")
    if token.startswith("invalid"):
        raise SlackError("invalid_auth")


def _listed(raw: object) -> list[Json]:
    parsed = orjson.loads(raw) if isinstance(raw, str) and raw else raw
    return [p for p in parsed if isinstance(p, dict)] if isinstance(parsed, list) else []
