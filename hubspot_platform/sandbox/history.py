"""The values a property had before: changes made while the portal ran, and a believable past for seeded records.

A store reports every change here; the objects API and the admin dump ask for versions. Seeded pasts are worked out when
they are asked for (`seed.past`), so that a portal of a million contacts keeps none of them in memory.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.model import Property, Record, Value


@dataclass(frozen=True)
class Source:
    """Who changed a value; `user` is set for people."""

    type: str
    id: str
    user: int | None = None


@dataclass(frozen=True)
class Version:
    """One value a property had from `at_ms` on; a cleared one is an empty text."""

    value: str
    at_ms: int
    source: Source

    def as_json(self) -> dict[str, object]:
        """Return the version as an entry of `propertiesWithHistory`."""
        document: dict[str, object] = {
            "value": self.value,
            "timestamp": iso(self.at_ms),
            "sourceType": self.source.type,
            "sourceId": self.source.id,
        }
        if self.source.user is not None:
            document["updatedByUserId"] = self.source.user
        return document


# (record, definition, the value it had, until when) -> versions, newest first, the first one with that value
Past = Callable[[Record, Property, Value, int], list[Version]]

PERSON = Source("CRM_UI", "userId:80001", 80001)
CALCULATED = Source("CALCULATED", "CalculatedPropertyComputer")
MERGE = Source("MERGE_OBJECTS", "merge")


class History:
    """What happened to the records of one store."""

    def __init__(self) -> None:
        self.past: Past | None = None
        self._changes: dict[int, list[tuple[str, Value, Version]]] = {}
        self._made_by: dict[int, Source] = {}
        self._seeded_until: dict[int, int] = {}
        self._merged: dict[int, tuple[Record, int]] = {}

    def created(self, record_id: int, source: Source) -> None:
        """Remember that a record was made while the portal ran, hence has no seeded past."""
        self._made_by[record_id] = source

    def changed(
        self, record: Record, before: Mapping[str, Value], now: Mapping[str, Value], at_ms: int, source: Source
    ) -> None:
        """Remember the values of a change that differ; `record` is the version before it."""
        if record.id not in self._made_by and record.id not in self._merged:
            self._seeded_until.setdefault(record.id, record.updated_ms)
        for name, value in now.items():
            if before[name] != value:
                entry = (name, before[name], Version(value or "", at_ms, source))
                self._changes.setdefault(record.id, []).append(entry)

    def merged(self, survivor_id: int, primary: Record, at_ms: int) -> None:
        """Let a merge's survivor go on with the primary record's history."""
        self._made_by.pop(survivor_id, None)
        self._merged[survivor_id] = (primary, at_ms)

    def forget(self, record_id: int) -> None:
        """Drop everything known of a record, and of those merged into it."""
        self._changes.pop(record_id, None)
        self._made_by.pop(record_id, None)
        self._seeded_until.pop(record_id, None)
        primary, _ = self._merged.pop(record_id, (None, 0))
        if primary is not None:
            self.forget(primary.id)

    def versions(self, record: Record, definition: Property, column: int) -> list[Version]:
        """Return the values of one property, newest first; none when it never had one."""
        value = record.values[column] if column < len(record.values) else None
        found: list[Version] = []
        for name, before, version in reversed(self._changes.get(record.id, ())):
            if name == definition.name:
                found.append(version)
                value = before
        return found + self._earlier(record, definition, column, value)

    def _earlier(self, record: Record, definition: Property, column: int, value: Value) -> list[Version]:
        primary, at_ms = self._merged.get(record.id, (None, 0))
        if primary is not None:
            older = self.versions(primary, definition, column)
            kept = primary.values[column] if column < len(primary.values) else None
            return older if kept == value else [Version(value or "", at_ms, MERGE), *older]
        source = self._made_by.get(record.id)
        if source is None and self.past is not None:
            return self.past(record, definition, value, self._seeded_until.get(record.id, record.updated_ms))
        return [] if value is None else [Version(value, record.created_ms, source or PERSON)]
