"""One HTTP request and its answer on ASGI, with a limit on the size and on the time of the body.

`gateway.app` uses it for the doors, where a web framework's conveniences would cost more than the work itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from hubspot_platform.gateway.problems import Problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_SECONDS = 10.0
_CLOSE = {"Connection": "close"}


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


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int, seconds: float) -> bytes:
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
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > limit:
                    raise too_long
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
    except TimeoutError:
        detail = f"The body did not arrive within {seconds:g} s."
        raise Problem(408, "slow_body", detail, headers=_CLOSE) from None


async def answer(
    send: Send,
    status: int,
    body: bytes,
    content_type: bytes = b"application/json",
    headers: Mapping[str, str] | None = None,
) -> None:
    """Send a complete answer."""
    sent = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    sent += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})
