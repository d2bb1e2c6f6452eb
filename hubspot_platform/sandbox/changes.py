"""What changes in the portal, as the events of HubSpot's webhooks; `sandbox.webhooks` subscribes and sends them.

A change is noted when it happens and read when it is sent: only then it shows whether a record that went away was
archived, merged into another or deleted for good.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from hubspot_platform.sandbox.model import Record
from hubspot_platform.sandbox.portal import ObjectArea, Portal

Event = dict[str, object]
Pair = tuple[str, str]

_OWN_TYPES: Final = frozenset({"contact", "company", "deal", "ticket", "product", "line_item"})


@dataclass(frozen=True)
class Subscription:
    """One subscription: `company.propertyChange` with its property, `deal.associationChange`, `object.deletion` …

    `object_type_id` says which type an `object.*` subscription is about.
    """

    id: int
    type: str
    property_name: str = ""
    object_type_id: str = ""


@dataclass
class _Noted:
    area: ObjectArea
    record_id: int
    was: Record | None
    became: Record | None
    restored: bool
    at_ms: int


@dataclass
class Changes:
    """Watches a portal; `wake` is called when something was noted."""

    portal: Portal
    wake: Callable[[], None]
    subscriptions: list[Subscription] = field(default_factory=list)
    _noted: list[_Noted | Event] = field(default_factory=list)
    _archived: dict[str, set[int]] = field(default_factory=dict)
    _watching: bool = False

    def watch(self) -> None:
        """Begin to watch; what happened before is not told."""
        if self._watching:
            return
        self._watching = True
        for area in self.portal.areas.values():
            self._archived[area.spec.plural] = set(area.store.archived_ids)
            area.store.listeners.append(self._listener(area))
        self.portal.associations.listeners.append(self._linked)

    def take(self) -> list[Event]:
        """Return the events of everything noted since the last time, for subscriptions that exist, and forget it."""
        noted, self._noted = self._noted, []
        events: list[Event] = []
        merged: set[int] = set()
        for each in noted:
            if isinstance(each, _Noted):
                events += self._events(each, merged)
            else:
                events.append(each)
        return events

    def _listener(self, area: ObjectArea) -> Callable[[int, Record | None, Record | None], None]:
        archived = self._archived[area.spec.plural]

        def listen(record_id: int, was: Record | None, became: Record | None) -> None:
            if not self.subscriptions:
                return
            restored = was is None and record_id in archived
            (archived.add if became is None else archived.discard)(record_id)
            at_ms = self.portal.clock.now_ms() if became is None else became.updated_ms
            self._noted.append(_Noted(area, record_id, was, became, restored, at_ms))
            self.wake()

        return listen

    def _events(self, noted: _Noted, merged: set[int]) -> list[Event]:
        area, record_id = noted.area, noted.record_id
        survivor = area.store.survivors.get(record_id)
        if noted.became is None and survivor is not None:
            return self._merge(noted, survivor, merged)
        if noted.became is None:
            gone = record_id not in area.store.records
            forgotten = self._told(area, "privacyDeletion", record_id, noted.at_ms, {}) if gone else []
            return forgotten + self._told(area, "deletion", record_id, noted.at_ms, {"changeFlag": "DELETED"})
        if noted.was is None:
            if record_id in merged:
                return []
            kind, more = ("restore", {}) if noted.restored else ("creation", {"changeFlag": "CREATED"})
            told = self._told(area, kind, record_id, noted.at_ms, more)
            return told if noted.restored else told + self._properties(noted)
        return self._properties(noted)

    def _merge(self, noted: _Noted, survivor: int, merged: set[int]) -> list[Event]:
        if survivor in merged:
            return []
        merged.add(survivor)
        others = [old for old, new in noted.area.store.survivors.items() if new == survivor and old != noted.record_id]
        more: Event = {
            "primaryObjectId": noted.record_id,
            "mergedObjectIds": others,
            "newObjectId": survivor,
            "numberOfPropertiesMoved": len(noted.area.schema.column),
            "changeSource": "MERGE_OBJECTS",
        }
        return self._told(noted.area, "merge", survivor, noted.at_ms, more)

    def _properties(self, noted: _Noted) -> list[Event]:
        events: list[Event] = []
        store, became = noted.area.store, noted.became
        for subscription in self._subscriptions(noted.area, "propertyChange"):
            name = subscription.property_name
            if became is None or noted.area.schema.column.get(name) is None:
                continue
            value = store.value(became, name)
            if value == (store.value(noted.was, name) if noted.was is not None else None):
                continue
            more: Event = {"propertyName": name, "propertyValue": value or ""}
            events.append(self._event(noted.area, subscription, noted.record_id, noted.at_ms) | more)
        return events

    def _linked(self, pair: Pair, source: int, target: int, removed: bool) -> None:
        for own, other, ends in ((pair[0], pair[1], (source, target)), (pair[1], pair[0], (target, source))):
            area = self.portal.area(own)
            for subscription in self._subscriptions(area, "associationChange"):
                event = self._event(area, subscription, ends[0], self.portal.clock.now_ms())
                del event["objectId"]
                event |= {"fromObjectId": ends[0], "toObjectId": ends[1], "associationRemoved": removed}
                event |= {"isPrimaryAssociation": False}
                if subscription.type.startswith("object."):
                    event["fromObjectTypeId"] = area.spec.type_id
                    event["toObjectTypeId"] = self.portal.area(other).spec.type_id
                else:
                    event["associationType"] = f"{own}_TO_{other}".upper()
                self._noted.append(event)
                self.wake()

    def _told(
        self, area: ObjectArea, change: str, record_id: int, at_ms: int, more: Mapping[str, object]
    ) -> list[Event]:
        found = self._subscriptions(area, change)
        return [self._event(area, subscription, record_id, at_ms) | dict(more) for subscription in found]

    def _subscriptions(self, area: ObjectArea, change: str) -> list[Subscription]:
        own, generic = f"{area.spec.singular}.{change}", f"object.{change}"
        return [
            each
            for each in self.subscriptions
            if (each.type == own and area.spec.singular in _OWN_TYPES)
            or (each.type == generic and each.object_type_id == area.spec.type_id)
        ]

    def _event(self, area: ObjectArea, subscription: Subscription, record_id: int, at_ms: int) -> Event:
        event: Event = {
            "subscriptionId": subscription.id,
            "subscriptionType": subscription.type,
            "objectId": record_id,
            "occurredAt": at_ms,
        }
        if subscription.type.startswith("object."):
            event["objectTypeId"] = area.spec.type_id
        return event
