"""The one table that says which queue wants which event of HubSpot, and what a routed event is called.

`gateway.hubspot_events` asks `route`. Events no queue wants are stored as done under `UNROUTED`: visible, never lost,
and never sent again by HubSpot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from hubspot_platform.hubspot.catalogue import CATALOGUE

GENERAL: Final = "hubspot_general_webhook"
ASSOCIATIONS: Final = "hubspot_association_changed_webhook"
UNROUTED: Final = "unrouted"
_MOST_NAME = 50

_RECORD = frozenset({"creation", "deletion", "propertyChange", "merge", "restore"})

ROUTES: Final[Mapping[str, tuple[frozenset[str], str]]] = {
    "company": (_RECORD, "matrix.hubspot_company_webhook_events"),
    "contact": (_RECORD | {"privacyDeletion"}, "matrix.hubspot_contact_webhook_events"),
    "deal": (_RECORD, "matrix.hubspot_deals_events"),
    "call": (_RECORD, "matrix.hubspot_call_webhook_events"),
}
"""Object type → the changes its queue wants, and the queue. Associations with a deal go to the deals' queue too."""

_WITH_OWN_SUBSCRIPTIONS = frozenset({"company", "contact", "deal"})
_TYPE_NAMES = {entry.type_id: entry.name for entry in CATALOGUE.values()}


def subscriptions(properties: Mapping[str, Sequence[str]]) -> list[dict[str, object]]:
    """Return the webhook subscriptions whose events have a queue, property changes for these properties of a type.

    What an app must be subscribed to in HubSpot, and the body of the sandbox's `webhooks/subscribe`.
    """
    wanted: list[dict[str, object]] = [{"type": "deal.associationChange"}]
    for name, (changes, _) in ROUTES.items():
        generic = name not in _WITH_OWN_SUBSCRIPTIONS
        about = {"object_type_id": next(i for i, n in _TYPE_NAMES.items() if n == name)} if generic else {}
        for change in sorted(changes):
            names = {"properties": list(properties.get(name, ()))} if change == "propertyChange" else {}
            if change != "propertyChange" or names["properties"]:
                wanted.append({"type": f"{'object' if generic else name}.{change}", **about, **names})
    return wanted


def is_plain(text: str) -> bool:
    """Say whether a name from outside is one we may use as it is: printable ASCII."""
    return text.isascii() and text.isprintable()


def plain(value: Any) -> str:
    """Return a short name from outside, or nothing when it is missing or not plain."""
    text = str(value or "")
    return text if len(text) <= _MOST_NAME and is_plain(text) else ""


@dataclass(frozen=True, slots=True)
class Routed:
    """Where an event goes; `object_type` is what its key begins with."""

    queue: str
    event_type: str
    object_type: str


@lru_cache(maxsize=1024)
def route(subscription_type: str, type_id: str) -> Routed:
    """Return where a change of a record goes; `type_id` names the type when the subscription says `object`."""
    named, _, change = subscription_type.partition(".")
    object_type = _TYPE_NAMES.get(type_id, type_id) if named == "object" else named
    wanted, queue = ROUTES.get(object_type, (frozenset(), UNROUTED))
    return Routed(queue if change in wanted else UNROUTED, f"{GENERAL}.{object_type}.{change}", object_type)


def association_ends(event: Mapping[str, Any]) -> tuple[tuple[str, Any], tuple[str, Any]] | None:
    """Return (type, id) of both ends of an association event, None when it does not name them."""
    spoken = plain(event.get("associationType")).lower().split("_to_")
    if len(spoken) == 2:
        types = (spoken[0], spoken[1])
    else:
        ids = (plain(event.get("fromObjectTypeId")), plain(event.get("toObjectTypeId")))
        types = (_TYPE_NAMES.get(ids[0], ids[0]), _TYPE_NAMES.get(ids[1], ids[1]))
    if not all(types):
        return None
    return (types[0], event.get("fromObjectId")), (types[1], event.get("toObjectId"))


def route_association(ends: tuple[tuple[str, Any], tuple[str, Any]]) -> tuple[Routed, Any]:
    """Return where a changed association goes and the id of the record it is filed under: the deal, if one end is."""
    (own, own_id), (other, other_id) = ends
    if other == "deal" != own:
        (own, own_id), other = (other, other_id), own
    queue = ROUTES["deal"][1] if own == "deal" else UNROUTED
    return Routed(queue, f"{ASSOCIATIONS}.{own}.{other}", own), own_id
