"""Lists of records (segments, as HubSpot calls them now) and who is in them.

MANUAL and SNAPSHOT lists keep members until somebody changes them. A DYNAMIC list follows its filters: it is looked at
again when records of its type changed since the last look. Members are made at the first look, so that lists cost a
large portal nothing until somebody asks. `handlers.lists` and the admin API are the callers.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hubspot_platform.sandbox.list_filters import matcher
from hubspot_platform.sandbox.model import Record
from hubspot_platform.sandbox.store import ObjectStore
from hubspot_platform.sandbox.values import DAY_MS

MANUAL, DYNAMIC, SNAPSHOT = "MANUAL", "DYNAMIC", "SNAPSHOT"
PROCESSING_TYPES = (MANUAL, DYNAMIC, SNAPSHOT)
RESTORABLE_MS = 90 * DAY_MS


class Member(NamedTuple):
    """A record in a list: when it was first and when it was last added, in epoch milliseconds."""

    record_id: int
    first_ms: int
    last_ms: int


@dataclass
class RecordList:
    """One list. `seeded` makes the members it starts with, as record id -> moment of joining."""

    id: int
    name: str
    type_id: str
    processing: str
    created_ms: int
    created_by: int
    branch: dict[str, object] | None = None
    legacy_id: int | None = None
    seeded: Callable[[], Mapping[int, int]] = dict
    updated_ms: int = 0
    filters_updated_ms: int | None = None
    version: int = 1
    deleted_ms: int | None = None
    last_added_ms: int | None = None
    last_removed_ms: int | None = None
    _joined: dict[int, Member] | None = None
    _left: dict[int, int] = field(default_factory=dict)
    _looked: int = -1
    _shown: list[Member] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.updated_ms = self.updated_ms or self.created_ms
        if self.branch is not None and self.filters_updated_ms is None:
            self.filters_updated_ms = self.created_ms

    def members(self, store: ObjectStore, changes: int) -> list[Member]:
        """Return the live members in record order; `changes` is how often records of the type changed so far."""
        if self._looked != changes:
            if self._joined is None:
                self._joined = {i: Member(i, at, at) for i, at in self.seeded().items()}
            if self.processing == DYNAMIC:
                self._follow(self._joined, store)
            self._shown = _live(self._joined.values(), store)
            self._looked = changes
            if self._shown and self.last_added_ms is None:
                self.last_added_ms = max(m.last_ms for m in self._shown)
        return self._shown

    def add(self, members: Iterable[Member], records: Iterable[int], at_ms: int) -> list[int]:
        """Add records by id to the present members; returns those that were not in the list."""
        joined = self._joined = {m.record_id: m for m in members}
        added = [i for i in dict.fromkeys(records) if i not in joined]
        for record_id in added:
            joined[record_id] = Member(record_id, self._left.get(record_id, at_ms), at_ms)
        if added:
            self._looked, self.last_added_ms = -1, at_ms
        return added

    def remove(self, members: Iterable[Member], records: Iterable[int], at_ms: int) -> list[int]:
        """Remove records by id from the present members; returns those that were in the list."""
        joined = self._joined = {m.record_id: m for m in members}
        removed = [i for i in dict.fromkeys(records) if i in joined]
        for record_id in removed:
            self._left[record_id] = joined.pop(record_id).first_ms
        if removed:
            self._looked, self.last_removed_ms = -1, at_ms
        return removed

    def refilter(self, branch: dict[str, object], at_ms: int) -> None:
        """Give a DYNAMIC list other filters; members change at the next look."""
        self.branch, self.version, self._looked = branch, self.version + 1, -1
        self.updated_ms = self.filters_updated_ms = at_ms

    def rename(self, name: str, at_ms: int) -> None:
        """Change the name, which makes another version of the list."""
        self.name, self.version, self.updated_ms = name, self.version + 1, at_ms

    def _follow(self, joined: dict[int, Member], store: ObjectStore) -> None:
        matches = matching(self.branch or {}, store)
        for record_id in [i for i in joined if i not in matches]:
            self._left[record_id] = joined.pop(record_id).first_ms
            record = store.records.get(record_id)
            if record is not None:
                self.last_removed_ms = record.archived_ms or record.updated_ms
        for record_id, record in matches.items():
            if record_id not in joined:
                at_ms = max(self.filters_updated_ms or self.created_ms, record.updated_ms)
                joined[record_id] = Member(record_id, self._left.get(record_id, at_ms), at_ms)
                self.last_added_ms = max(at_ms, self.last_added_ms or 0)


def matching(branch: Mapping[str, object], store: ObjectStore) -> dict[int, Record]:
    """Return the live records a filter branch matches, by id."""
    test = matcher(branch, store)
    records = store.records
    return {i: records[i] for i in store.live_ids if test(records[i])}


def _live(joined: Iterable[Member], store: ObjectStore) -> list[Member]:
    """Return the members that are live, merged ones under their survivor's id."""
    found: dict[int, Member] = {}
    for member in joined:
        record = store.get(member.record_id)
        if record is None or record.archived_ms is not None:
            continue
        other = found.get(record.id, member)
        found[record.id] = Member(record.id, min(other.first_ms, member.first_ms), max(other.last_ms, member.last_ms))
    return sorted(found.values())


class Changes:
    """Counts the changes of one type's records."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store
        self.count = 0
        store.listeners.append(self._heard)

    def _heard(self, record_id: int, was: Record | None, became: Record | None) -> None:
        self.count += 1


class Lists:
    """Every list of the portal by id, deleted ones included until their time is over."""

    def __init__(self) -> None:
        self.by_id: dict[int, RecordList] = {}
        self._changes: dict[str, Changes] = {}

    def put(self, found: RecordList, store: ObjectStore) -> RecordList:
        """Add a list of records of this store."""
        self.by_id[found.id] = found
        if found.type_id not in self._changes:
            self._changes[found.type_id] = Changes(store)
        return found

    def live(self) -> list[RecordList]:
        """Return the lists that are not deleted, in id order."""
        return [found for _, found in sorted(self.by_id.items()) if found.deleted_ms is None]

    def store(self, found: RecordList) -> ObjectStore:
        """Return the records a list is made of."""
        return self._changes[found.type_id].store

    def members(self, found: RecordList) -> list[Member]:
        """Return a list's live members in record order."""
        changes = self._changes[found.type_id]
        return found.members(changes.store, changes.count)

    def restorable(self, found: RecordList, now_ms: int) -> bool:
        """Tell whether a deleted list can still be brought back."""
        return found.deleted_ms is not None and found.deleted_ms > now_ms - RESTORABLE_MS

    def next_id(self) -> int:
        """Return the id of the next list somebody makes."""
        return max(self.by_id, default=1_000) + 1
