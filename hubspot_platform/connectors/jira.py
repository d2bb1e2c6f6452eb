"""The event in a delivery of Jira's webhooks.

The gateway's door `/jira/webhooks` and `ingest` call this; who sent a delivery is `connectors.jira_headers`' business.
"""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, TypeGuard

from hubspot_platform.errors import PlatformError
from hubspot_platform.state.inbox import NewEvent

QUEUE: Final = "matrix.jira_hubspot_events"
_LATEST_MS = 7_258_118_400_000  # 2200


class NoEvent(PlatformError):
    """A document is no event of an issue; the message names the field, never its value."""


def inbox_event(document: Any, body: bytes, identifier: str, door: str) -> NewEvent:
    """Return a webhook document as an inbox event; without an identifier its own digest stands for it. NoEvent."""
    if not isinstance(document, dict):
        raise NoEvent("the document is no JSON object")
    kind, issue, stamp = document.get("webhookEvent"), document.get("issue"), document.get("timestamp")
    if not _is_name(kind):
        raise NoEvent("webhookEvent is missing or wrong")
    if stamp.__class__ is not int or not 0 <= stamp <= _LATEST_MS:
        raise NoEvent("timestamp is missing or wrong")
    key = issue.get("key") if isinstance(issue, dict) else None
    if not _is_name(key):
        raise NoEvent("issue.key is missing or wrong")
    name = identifier if _is_name(identifier) else f"digest:{sha256(body).hexdigest()}"
    happened = datetime.fromtimestamp(stamp // 1000, UTC).replace(microsecond=stamp % 1000 * 1000)
    return NewEvent("jira", QUEUE, kind, f"issue:{key}", name, happened, body, door)


def _is_name(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isascii() and value.isprintable()
