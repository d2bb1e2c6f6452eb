"""Chargebee's webhook door: who sent a delivery, and the event in it.

Chargebee signs nothing: a delivery proves itself by the Basic credentials set on the webhook. The gateway's door
`/bi/api/PaymentEvents/` and `ingest` call this.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, TypeGuard

from hubspot_platform.errors import PlatformError
from hubspot_platform.state.inbox import NewEvent

QUEUE: Final = "matrix.payment_events"
_LATEST = 7_258_118_400  # 2200
_RESOURCES = ("subscription", "invoice", "credit_note", "transaction", "coupon", "customer")


class CredentialsRefused(PlatformError):
    """The Basic credentials are missing or wrong."""


class NoEvent(PlatformError):
    """A document is no event; the message names the field, never its value."""


def check_credentials(authorization: str, users: Sequence[str]) -> None:
    """Compare the `Authorization` header with `user:password` entries (two while they rotate), in constant time.

    Raises CredentialsRefused.
    """
    scheme, _, encoded = authorization.partition(" ")
    try:
        given = base64.b64decode(encoded.strip(), validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        given = b""
    user, _, password = given.partition(b":")
    held = [_equal(user, expected[0]) & _equal(password, expected[1]) for expected in map(_parts, users)]
    if not (given and any(held)):
        raise CredentialsRefused("the credentials do not match")


def _parts(entry: str) -> tuple[bytes, bytes]:
    user, _, password = entry.encode().partition(b":")
    return user, password


def _equal(given: bytes, expected: bytes) -> bool:
    """Compare digests, so that not even the lengths show."""
    return hmac.compare_digest(sha256(given).digest(), sha256(expected).digest())


def inbox_event(document: Any, body: bytes, door: str) -> NewEvent:
    """Return an event document as an inbox event, unknown types too; raises NoEvent."""
    if not isinstance(document, dict):
        raise NoEvent("the document is no JSON object")
    event_id, event_type = document.get("id"), document.get("event_type")
    occurred = document.get("occurred_at")
    if not _is_name(event_id):
        raise NoEvent("id is missing or wrong")
    if not _is_name(event_type):
        raise NoEvent("event_type is missing or wrong")
    if occurred.__class__ is not int or not 0 <= occurred <= _LATEST:
        raise NoEvent("occurred_at is missing or wrong")
    happened = datetime.fromtimestamp(occurred, UTC)
    return NewEvent(
        "chargebee", QUEUE, f"chargebee.{event_type}", _object_key(document), event_id, happened, body, door
    )


def _object_key(document: dict[str, Any]) -> str:
    """Return what one worker at a time means for a payment: the customer, whatever resource the event is about."""
    content = document.get("content")
    resources = content if isinstance(content, dict) else {}
    for name in _RESOURCES:
        resource = resources.get(name)
        if isinstance(resource, dict):
            customer = resource.get("id") if name == "customer" else resource.get("customer_id")
            if _is_name(customer):
                return f"customer:{customer}"
    return f"event:{document['id']}"


def _is_name(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isascii() and value.isprintable()
