"""The records of one object type: live, archived and merged ones, in id order.

This is the portal's primary store, always fresh; `search_index.SearchIndex` hears of every change and may lag.
Handlers, the admin API and the seeding are its callers. Nothing here knows HTTP.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping

from hubspot_platform.sandbox.clock import iso, parse_time
from hubspot_platform.sandbox.history import CALCULATED, PERSON, History, Source, Version
from hubspot_platform.sandbox.model import ObjectSpec, Record, Value
from hubspot_platform.sandbox.schema import Schema

Listener = Callable[[int, Record | None, Record | None], None]
ID_STEP = 37


class ObjectStore:
    """Records by id, the sorted ids the list endpoint walks, and the survivors of merges."""

    def __init__(self, spec: ObjectSpec, schema: Schema) -> None:
        self.spec = spec
        self.schema = schema
        self.records: dict[int, Record] = {}
        self.live_ids: list[int] = []
        self.archived_ids: list[int] = []
        self.survivors: dict[int, int] = {}
        self.next_id = spec.first_id + 1001
        self.listeners: list[Listener] = []
        self.history = History()
        self._unique: dict[str, dict[str, int]] = {}

    def load(self, records: Iterable[Record]) -> None:
        """Take the seeded records over; ids must be unique."""
        self.records = {r.id: r for r in records}
        self.live_ids = sorted(i for i, r in self.records.items() if r.archived_ms is None)
        self.archived_ids = sorted(i for i, r in self.records.items() if r.archived_ms is not None)
        self.next_id = max(self.records, default=self.spec.first_id + 1001 - ID_STEP) + ID_STEP
        self._unique.clear()

    def get(self, record_id: int) -> Record | None:
        """Return the record of that id, archived or not; a merged id answers its survivor."""
        seen = record_id
        while seen in self.survivors:
            seen = self.survivors[seen]
        return self.records.get(seen)

    def page(self, after: int, limit: int, *, archived: bool) -> tuple[list[Record], int | None]:
        """Return up to `limit` records from id `after` on, and the id the next page starts with."""
        ids = self.archived_ids if archived else self.live_ids
        start = bisect_left(ids, after)
        chosen = ids[start : start + limit]
        following = start + limit
        records = self.records
        return [records[i] for i in chosen], ids[following] if following < len(ids) else None

    def value(self, record: Record, name: str) -> Value:
        """Return one property of a record, None without one."""
        column = self.schema.column.get(name)
        return None if column is None or column >= len(record.values) else record.values[column]

    def find(self, name: str, value: str) -> Record | None:
        """Return the live record with this unique value (e-mail matches any case and additional addresses)."""
        index = self._unique.get(name)
        if index is None:
            index = self._unique[name] = {}
            for record_id in self.live_ids:
                for key in self._keys(name, self.records[record_id]):
                    index.setdefault(key, record_id)
        found = index.get(value.strip().lower())
        return None if found is None else self.records.get(found)

    def versions(self, record: Record, name: str) -> list[Version]:
        """Return the history of one property, newest first, as deep as HubSpot keeps it; empty for an unknown one."""
        definition = self.schema.shown(name)
        if definition is None:
            return []
        column = self.schema.column[name]
        if column in (self.schema.id_column, self.schema.created_column):
            return [Version(record.values[column] or "", record.created_ms, PERSON)]
        if column == self.schema.modified_column:
            return [Version(record.values[column] or "", record.updated_ms, CALCULATED)]
        return self.history.versions(record, definition, column)[: self.spec.history_depth]

    def create(
        self, changes: Mapping[str, Value], at_ms: int, record_id: int | None = None, source: Source = PERSON
    ) -> Record:
        """Add a live record; an id is issued unless one is given."""
        if record_id is None:
            record_id = self.next_id
        self.next_id = max(self.next_id, record_id) + ID_STEP
        stamp = iso(at_ms)
        base: dict[str, Value] = {
            self.spec.created_property: stamp,
            **changes,
            "hs_object_id": str(record_id),
            self.spec.modified_property: stamp,
        }
        created_ms = parse_time(base[self.spec.created_property] or "")
        record = Record(record_id, self._row((), base), at_ms if created_ms is None else created_ms, at_ms)
        self.history.created(record_id, source)
        self._put(record)
        return record

    def update(self, record: Record, changes: Mapping[str, Value], at_ms: int, source: Source = PERSON) -> Record:
        """Replace a record by a version with these values, modified at that moment."""
        self._remember(record, changes, at_ms, source)
        stamped = {**changes, self.spec.modified_property: iso(at_ms)}
        newer = Record(record.id, self._row(record.values, stamped), record.created_ms, at_ms)
        newer.archived_ms = record.archived_ms
        self._put(newer)
        return newer

    def calculate(self, record: Record, changes: Mapping[str, Value], at_ms: int) -> Record:
        """Replace a record by a version with these values whose last-modified instant stays where it was."""
        self._remember(record, changes, at_ms, CALCULATED)
        newer = Record(record.id, self._row(record.values, changes), record.created_ms, record.updated_ms)
        newer.archived_ms = record.archived_ms
        self._put(newer)
        return newer

    def archive(self, record_id: int, at_ms: int) -> bool:
        """Move a live record to the recycle bin; False when there is none of that id."""
        record = self.records.get(record_id)
        if record is None or record.archived_ms is not None:
            return False
        newer = Record(record.id, record.values, record.created_ms, record.updated_ms)
        newer.archived_ms = at_ms
        self._put(newer)
        return True

    def restore(self, record_id: int, at_ms: int) -> bool:
        """Bring an archived record back, modified at that moment."""
        record = self.records.get(record_id)
        if record is None or record.archived_ms is None:
            return False
        newer = Record(record.id, record.values, record.created_ms, record.updated_ms)
        self.update(newer, {}, at_ms)
        return True

    def purge(self, record_id: int) -> bool:
        """Remove a record without a trace, as a privacy deletion does."""
        self.history.forget(record_id)
        return self._remove(record_id)

    def _remove(self, record_id: int) -> bool:
        record = self.records.pop(record_id, None)
        if record is None:
            return False
        self._unplace(record_id)
        self._forget_keys(record)
        if record.archived_ms is None:
            for listener in self.listeners:
                listener(record_id, record, None)
        return True

    def merge(self, primary: Record, other: Record, at_ms: int) -> Record:
        """Make one new record of two: the primary's values, the other's where it has none; both ids answer it."""
        names = self.schema.column
        values: dict[str, Value] = {}
        for name in names:
            first = self.value(primary, name)
            values[name] = first if first not in (None, "") else self.value(other, name)
        merged_ids = [str(primary.id), str(other.id)]
        for old in (primary, other):
            earlier = self.value(old, "hs_merged_object_ids")
            merged_ids += [i for i in (earlier or "").split(";") if i]
        values["hs_merged_object_ids"] = ";".join(dict.fromkeys(merged_ids))
        self._merge_emails(values, primary, other, at_ms)
        created = min(primary.created_ms, other.created_ms)
        self._remove(primary.id)
        self.purge(other.id)
        survivor = self.create({**values, self.spec.created_property: iso(created)}, at_ms)
        self.history.merged(survivor.id, primary, at_ms)
        for old in (primary, other):
            self.survivors[old.id] = survivor.id
        return survivor

    def stamp(self, record_ids: Iterable[int], at_ms: int) -> int:
        """Give many records one identical last-modified instant; returns how many there were."""
        count = 0
        for record_id in record_ids:
            record = self.records.get(record_id)
            if record is not None:
                self.update(record, {}, at_ms)
                count += 1
        return count

    def _merge_emails(self, values: dict[str, Value], primary: Record, other: Record, at_ms: int) -> None:
        if "hs_additional_emails" not in self.schema.column:
            return
        emails: list[str] = []
        for old in (primary, other):
            for name in ("email", "hs_additional_emails"):
                emails += [e for e in (self.value(old, name) or "").split(";") if e]
        extra = list(dict.fromkeys(e for e in emails if e != values.get("email")))
        values["hs_additional_emails"] = ";".join(extra) or None
        if "hs_calculated_merged_vids" in self.schema.column:
            pairs = [f"{primary.id}:{at_ms}", f"{other.id}:{at_ms}"]
            pairs += [e for old in (primary, other) if (e := self.value(old, "hs_calculated_merged_vids"))]
            values["hs_calculated_merged_vids"] = ";".join(pairs)

    def _remember(self, record: Record, changes: Mapping[str, Value], at_ms: int, source: Source) -> None:
        before = {name: self.value(record, name) for name in changes}
        self.history.changed(record, before, changes, at_ms, source)

    def _row(self, old: tuple[Value, ...], changes: Mapping[str, Value]) -> tuple[Value, ...]:
        row = list(old)
        column = self.schema.column
        row += [None] * (len(column) - len(row))
        for name, value in changes.items():
            row[column[name]] = value
        return tuple(row)

    def _put(self, record: Record) -> None:
        before = self.records.get(record.id)
        self.records[record.id] = record
        if before is not None:
            self._forget_keys(before)
        if record.archived_ms is None:
            for name, index in self._unique.items():
                for key in self._keys(name, record):
                    index.setdefault(key, record.id)
        was_archived = None if before is None else before.archived_ms is not None
        is_archived = record.archived_ms is not None
        if was_archived != is_archived:
            if was_archived is not None:
                self._unplace(record.id)
            insort(self.archived_ids if is_archived else self.live_ids, record.id)
        self._tell(before, record)

    def _unplace(self, record_id: int) -> None:
        for ids in (self.live_ids, self.archived_ids):
            position = bisect_left(ids, record_id)
            if position < len(ids) and ids[position] == record_id:
                ids.pop(position)

    def _keys(self, name: str, record: Record) -> list[str]:
        value = self.value(record, name)
        keys = [value] if value else []
        if name == "email":
            keys += (self.value(record, "hs_additional_emails") or "").split(";")
        return [k.strip().lower() for k in keys if k.strip()]

    def _forget_keys(self, record: Record) -> None:
        for name, index in self._unique.items():
            for key in self._keys(name, record):
                if index.get(key) == record.id:
                    del index[key]

    def _tell(self, before: Record | None, now: Record) -> None:
        """Report the live version before and after a change (None where there is none)."""
        was = None if before is None or before.archived_ms is not None else before
        became = None if now.archived_ms is not None else now
        for listener in self.listeners:
            listener(now.id, was, became)
