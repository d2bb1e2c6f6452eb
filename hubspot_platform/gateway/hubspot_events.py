"""HubSpot's webhook deliveries as inbox events: read, routed and given the key that makes a repeat visible.

The doors call `read_delivery` with a verified body, `ingest` with recorded ones. A malformed event costs its
neighbours nothing: it becomes a dead letter.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

import orjson

from hubspot_platform.gateway.documents import dump, load
from hubspot_platform.gateway.problems import Problem
from hubspot_platform.gateway.routing import UNROUTED, association_ends, is_plain, plain, route, route_association
from hubspot_platform.state.inbox import NewEvent

MOST_EVENTS: Final = 1_000
MALFORMED: Final = "malformed"
FOREIGN_PORTAL: Final = "foreign_portal"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MS = 7_258_118_400_000  # 2200
_MOST_NAME = 100
_REPEATED_KEYS = "a key was given twice, the last one counts"
_NOT_WANTED = "no queue wants events of this type"


def read_delivery(body: bytes, *, portal_id: int | None, door: str) -> list[NewEvent]:
    """Return the events of a delivery: a JSON array of at most 1,000.

    Events of another portal than `portal_id` (None: any) are quarantined. Problem 400 when the body is no JSON array,
    413 when it holds too many.
    """
    document = load(body)
    if not isinstance(document.content, list):
        raise Problem(400, "no_array", "The body is no JSON array.")
    if len(document.content) > MOST_EVENTS:
        raise Problem(413, "too_many_events", f"A delivery holds at most {MOST_EVENTS} events.")
    note = _REPEATED_KEYS if document.repeated_keys else None
    return [_event(event, portal_id, door, note) for event in document.content]


def _event(event: Any, portal_id: int | None, door: str, note: str | None) -> NewEvent:
    try:
        return _sound_event(event, portal_id, door, note)
    except _Malformed as error:
        body = dump(event)
        key = f"malformed:{blake2b(body, digest_size=16).hexdigest()}"
        return NewEvent("hubspot", MALFORMED, MALFORMED, "", key, None, body, door, "dead", str(error))


class _Malformed(Exception):
    """An event lacks what every event has; the message names the field."""


def _sound_event(event: Any, portal_id: int | None, door: str, note: str | None) -> NewEvent:
    if not isinstance(event, dict):
        raise _Malformed("the event is no JSON object")
    kind = event.get("subscriptionType") or event.get("eventType")
    if not isinstance(kind, str) or "." not in kind or len(kind) > _MOST_NAME or not is_plain(kind):
        raise _Malformed("subscriptionType is missing or wrong")
    if kind.endswith(".associationChange"):
        ends = association_ends(event)
        if ends is None:
            raise _Malformed("the association does not name both ends")
        routed, record = route_association(ends)
    else:
        type_id = plain(event.get("objectTypeId")) if kind.startswith("object.") else ""
        routed, record = route(kind, type_id), event.get("objectId")
    object_key = f"{routed.object_type}:{_record_id(record)}"
    occurred = event.get("occurredAt")
    if occurred.__class__ is not int or not 0 <= occurred <= _LATEST_MS:
        raise _Malformed("occurredAt is missing or wrong")
    portal = event.get("portalId")
    queue, status, reason = routed.queue, "ready", note
    if portal_id is not None and portal != portal_id:
        queue, status, reason = FOREIGN_PORTAL, "dead", "the portal is not the configured one"
    elif queue == UNROUTED:
        status, reason = "done", _NOT_WANTED
    return NewEvent(
        "hubspot",
        queue,
        routed.event_type,
        object_key,
        _dedupe_key(event, portal, occurred),
        _EPOCH + timedelta(milliseconds=occurred),
        dump(event),
        door,
        status,  # type: ignore[arg-type]
        reason,
    )


def _record_id(value: Any) -> int:
    if value.__class__ is int and value > 0:
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    raise _Malformed("the id of the record is missing or wrong")


def _dedupe_key(event: dict[str, Any], portal: Any, occurred: int) -> str:
    """Return the event's key: everything it says except how often it was tried.

    HubSpot's `eventId` is not unique. The time stands in front so that new keys are neighbours in the index.
    """
    said = event.copy()
    said.pop("attemptNumber", None)
    try:
        text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        text = dump(dict(sorted(said.items())))
    return f"{occurred}:{portal}:{blake2b(text, digest_size=16).hexdigest()}"


def unwanted_types(events: Sequence[NewEvent]) -> set[str]:
    """Return the types among events that no queue wants."""
    return {event.event_type for event in events if event.queue == UNROUTED}
