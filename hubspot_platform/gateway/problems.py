"""Refusals of the gateway as `application/problem+json`; every door raises `Problem`, `gateway.app` answers it.

A problem says what is wrong with the request and never repeats any of it.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson


class Problem(Exception):
    """A request that is refused. `reason` is the short name it is counted under."""

    def __init__(
        self, status: int, reason: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    def body(self) -> bytes:
        """Return the problem document."""
        document = {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status}
        return orjson.dumps({**document, "detail": self.detail, "reason": self.reason, **self.more})


def unauthorized(reason: str, challenge: str = "") -> Problem:
    """Return the refusal of a request that did not prove who sent it; it says no more than that."""
    headers = {"WWW-Authenticate": challenge} if challenge else {}
    return Problem(401, reason, "The request is not authenticated.", headers=headers)


def busy(status: int, reason: str, detail: str, retry_after: int = 1) -> Problem:
    """Return a refusal that holds for a while: the sender is to come again after `retry_after` seconds."""
    return Problem(status, reason, detail, headers={"Retry-After": str(retry_after), "Connection": "close"})
