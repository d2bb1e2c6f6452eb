"""What a HubSpot webhook event says, as values: pure, from the inbox's JSON to typed happenings.

The pull workers call `read_event`. HubSpot's documentation and its deliveries differ in places, so the type of an event
may stand in `subscriptionType` or `eventType`, and the object in the type or in `objectTypeId`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from hubspot_platform.errors import PlatformError
from hubspot_platform.hubspot.catalogue import DEAL, ObjectType, UnknownObject, object_type
from hubspot_platform.hubspot.retry import parse_json
from hubspot_platform.mirror.changes import PropertyChange
from hubspot_platform.mirror.values import REPLACEMENT, as_text, storable
from hubspot_platform.state.inbox import InboxEvent

PRIVACY_DELETION = "privacyDeletion"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HIGHEST_ID = 1 << 53
_PROPERTY_NAME = re.compile(r"[A-Za-z0-9_]{1,200}")
_OWN_SOURCES = frozenset({"INTEGRATION", "API"})


class Kind(StrEnum):
    """What happened to a record; the values are HubSpot's event types."""

    CHANGE = "propertyChange"
    CREATION = "creation"
    DELETION = "deletion"
    RESTORE = "restore"
    MERGE = "merge"
    PRIVACY = PRIVACY_DELETION
    ASSOCIATION = "associationChange"


class EventRefused(PlatformError):
    """The event is not what HubSpot documents; the message says which part, never its value."""


@dataclass(frozen=True, slots=True)
class Link:
    """An association that was added or removed; one with a deal leads from it, whatever `association_type` says."""

    from_object: ObjectType
    from_id: int
    to_object: ObjectType
    to_id: int
    association_type: str
    removed: bool
    is_primary: bool


@dataclass(frozen=True, slots=True)
class Happening:
    """One event about one record of `object`.

    `change` is there for a change of a property, with `withheld` without its value; `losers` for a merge into
    `object_id`; `link` for an association. `is_echo`: it reports a write of our own app.
    """

    kind: Kind
    object: ObjectType
    object_id: int
    occurred_at: datetime
    portal_id: int
    source: str | None = None
    is_echo: bool = False
    change: PropertyChange | None = None
    withheld: bool = False
    losers: tuple[int, ...] = ()
    link: Link | None = None


def read_event(event: InboxEvent) -> Happening | None:
    """Return what the event says; None for one that a privacy deletion emptied. Raises EventRefused.

    A privacy deletion itself is read from its key when its body is empty.
    """
    if not event.body:
        return _emptied(event)
    try:
        body = parse_json(event.body)
    except ValueError as error:
        raise EventRefused("the event is no JSON") from error
    if not isinstance(body, dict):
        raise EventRefused("the event is no JSON object")
    kind, obj = _type_of(body)
    occurred_at, portal_id = _moment(body), _number(body, "portalId")
    source = _text(body, "changeSource")
    if kind is Kind.ASSOCIATION:
        link = _link(body, obj)
        return Happening(kind, link.from_object, link.from_id, occurred_at, portal_id, source, link=link)
    if kind is Kind.MERGE:
        survivor, losers = _merge(body)
        return Happening(kind, obj, survivor, occurred_at, portal_id, source, losers=losers)
    object_id = _number(body, "objectId")
    if kind is not Kind.CHANGE:
        return Happening(kind, obj, object_id, occurred_at, portal_id, source)
    change = _change(body, object_id, occurred_at, source)
    withheld = bool(body.get("isSensitive")) or "propertyValue" not in body
    return Happening(kind, obj, object_id, occurred_at, portal_id, source, _is_echo(body), change, withheld)


def _emptied(event: InboxEvent) -> Happening | None:
    name, _, text = event.object_key.partition(":")
    if not event.event_type.endswith(PRIVACY_DELETION) or not text.isdigit():
        return None
    return Happening(Kind.PRIVACY, object_type(name), int(text), event.source_time or event.received_at, 0)


def _type_of(body: Mapping[str, Any]) -> tuple[Kind, ObjectType]:
    said = str(body.get("subscriptionType") or body.get("eventType") or "")
    return _named_type(said, str(body.get("objectTypeId") or body.get("fromObjectTypeId") or ""))


@lru_cache(maxsize=1024)
def _named_type(said: str, type_id: str) -> tuple[Kind, ObjectType]:
    name, _, happened = said.partition(".")
    try:
        kind = Kind(happened)
    except ValueError as error:
        raise EventRefused("subscriptionType is none the mirror follows") from error
    return kind, _object(type_id if name == "object" else name)


def _object(name: str) -> ObjectType:
    try:
        return object_type(name)
    except UnknownObject as error:
        raise EventRefused("the object is none the mirror has") from error


def _moment(body: Mapping[str, Any]) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=_number(body, "occurredAt"))
    except OverflowError as error:
        raise EventRefused("occurredAt is no time") from error


def _number(body: Mapping[str, Any], name: str) -> int:
    found = body.get(name)
    if found.__class__ is int and 0 < found < _HIGHEST_ID:
        return found
    text = found if isinstance(found, str) else ""
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < _HIGHEST_ID:
        raise EventRefused(f"{name} is no positive number")
    return int(text)


def _text(body: Mapping[str, Any], name: str) -> str | None:
    found = body.get(name)
    return None if found is None else storable(as_text(found))


def _is_echo(body: Mapping[str, Any]) -> bool:
    """Tell a write of our own app: HubSpot names the integration that wrote, and the app that gets the event is us."""
    app = str(body.get("appId") or "")
    return bool(app) and body.get("changeSource") in _OWN_SOURCES and str(body.get("sourceId") or "") == app


def _change(body: Mapping[str, Any], object_id: int, occurred_at: datetime, source: str | None) -> PropertyChange:
    name = str(body.get("propertyName") or "")
    if not _PROPERTY_NAME.fullmatch(name):
        raise EventRefused("propertyName is no property's name")
    found = body.get("propertyValue")
    value = None if found is None or found == "" else as_text(found)
    stored = None if value is None else storable(value)
    event_id = body.get("eventId")
    return PropertyChange(
        object_id,
        name,
        stored,
        occurred_at,
        event_id if isinstance(event_id, int) and abs(event_id) < _HIGHEST_ID else 0,
        source,
        _text(body, "sourceId"),
        characters_replaced=stored is not None and REPLACEMENT in stored,  # here or on its way, which is the same
    )


def _merge(body: Mapping[str, Any]) -> tuple[int, tuple[int, ...]]:
    listed = body.get("mergedObjectIds")
    ids = {_number({"mergedObjectIds": found}, "mergedObjectIds") for found in listed or []}
    named = [name for name in ("newObjectId", "primaryObjectId", "objectId") if body.get(name)]
    if not named or not isinstance(listed, list | None):
        raise EventRefused("the merge names no survivor")
    survivor = _number(body, named[0])
    if named[0] == "newObjectId":
        ids.update(_number(body, name) for name in named[1:])
    return survivor, tuple(sorted(ids - {survivor}))


def _link(body: Mapping[str, Any], obj: ObjectType) -> Link:
    kind = str(body.get("associationType") or "")
    if "_TO_" in kind:
        source, _, target = kind.lower().partition("_to_")
        from_object, to_object = _object(source), _object(target)
    else:
        from_object, to_object = obj, _object(str(body.get("toObjectTypeId") or ""))
        kind = f"{body.get('associationCategory') or 'HUBSPOT_DEFINED'}:{_number(body, 'associationTypeId')}"
    from_id, to_id = _number(body, "fromObjectId"), _number(body, "toObjectId")
    if to_object is DEAL and from_object is not DEAL:
        # HubSpot sends one event from either side: the mirror keeps associations at the deal.
        from_object, from_id, to_object, to_id = to_object, to_id, from_object, from_id
    return Link(
        from_object,
        from_id,
        to_object,
        to_id,
        kind,
        removed=body.get("associationRemoved") is True,
        is_primary=body.get("isPrimaryAssociation") is True,
    )
