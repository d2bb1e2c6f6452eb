"""One HTTP request and its answer on ASGI, with a limit on the size and on the time of the body.

A refusal that closes the connection reads on for a moment first: closing on a body that still arrives would reset the
connection, and the sender would see that instead of the answer.

`gateway.app` uses it for the doors, where a web framework's conveniences would cost more than the work itself.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from hubspot_platform.gateway.problems import Problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PROBLEM_TYPE = "application/problem+json"
BODY_SECONDS = 10.0
UNREAD_SECONDS = 3.0
"""How long a refused body is still read and thrown away."""

_CLOSE = {"Connection": "close"}


class Incoming:
    """The messages of one request; `complete` once nothing more of it is to come."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.complete = False

    async def __call__(self) -> Message:
        """Return the next message."""
        message = await self._receive()
        self.complete = not message.get("more_body", False)
        return message


class Disconnected(Exception):
    """The sender went away before its request was complete."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request that arrived: header names in lower case, `uri` as the sender called it, times in epoch ms."""

    uri: str
    headers: Mapping[str, str]
    body: bytes
    now_ms: int


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the headers, names in lower case; of a repeated one the last counts."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def read_body(incoming: Incoming, headers: Mapping[str, str], limit: int, seconds: float) -> bytes:
    """Return the body; Problem 413 as soon as it is too long and 408 when it takes too long, Disconnected."""
    announced = headers.get("content-length", "0")
    too_long = Problem(413, "too_large", f"The body is longer than {limit} bytes.", headers=_CLOSE)
    if announced.isdigit() and int(announced) > limit:
        raise too_long
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await incoming()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > limit:
                    raise too_long
                chunks.append(chunk)
                if incoming.complete:
                    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
    except TimeoutError:
        detail = f"The body did not arrive within {seconds:g} s."
        raise Problem(408, "slow_body", detail, headers=_CLOSE) from None


async def answer(send: Send, status: int, body: bytes) -> None:
    """Send a complete answer."""
    await send(_head(status, body, b"application/json", {}))
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, problem: Problem, incoming: Incoming, most_unread: int) -> None:
    """Answer with a problem; of a body that still arrives at most `most_unread` bytes are read before it is over."""
    body = problem.body()
    closing = "Connection" in problem.headers and not incoming.complete
    await send(_head(problem.status, body, PROBLEM_TYPE.encode(), problem.headers))
    await send({"type": "http.response.body", "body": body, "more_body": closing})
    if closing:
        await _throw_away(incoming, most_unread)
        await send({"type": "http.response.body", "body": b""})


async def _throw_away(incoming: Incoming, most: int) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(UNREAD_SECONDS):
            while most > 0 and not incoming.complete:
                most -= len((await incoming()).get("body", b""))


def _head(status: int, body: bytes, content_type: bytes, headers: Mapping[str, str]) -> Message:
    sent = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    sent += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": sent}
