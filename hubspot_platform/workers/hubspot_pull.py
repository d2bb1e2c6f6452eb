"""The four pull workers: webhook events of companies, contacts, deals and calls into the mirror.

Each batch first finds out what the mirror lacks and reads that from HubSpot, then applies everything in one
transaction. All of it may be repeated: the last writer by HubSpot's time wins, whatever the order of arrival.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pyarrow as pa

from hubspot_platform.hubspot.catalogue import CATALOGUE, AssociationTarget, ObjectType
from hubspot_platform.hubspot.errors import HubSpotError
from hubspot_platform.mirror import change_writer, lifecycle, writer
from hubspot_platform.mirror.change_tables import ASSOCIATION_CHANGE
from hubspot_platform.mirror.changes import PropertyChange, StoredRecord, Verdict
from hubspot_platform.mirror.lifecycle import Existence, State
from hubspot_platform.runtime import Platform
from hubspot_platform.state import inbox, topics
from hubspot_platform.state.inbox import Applied, Dead, Duplicate, InboxEvent, Outcome, Parked, Retry
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.model import quote
from hubspot_platform.workers.happenings import EventRefused, Happening, Kind, read_event
from hubspot_platform.workers.model import Handler
from hubspot_platform.workers.reading import Links, Read, note_merged, read_links, read_records
from hubspot_platform.workers.shapes import Shape, shape_of

PARK_FOR = timedelta(minutes=30)
GIVE_UP_AFTER = timedelta(hours=24)
RETRY_AFTER = timedelta(minutes=2)
_ENDS = frozenset({Kind.DELETION, Kind.PRIVACY})
_STATES = {
    Kind.DELETION: State.DELETED,
    Kind.RESTORE: State.LIVE,
    Kind.CREATION: State.LIVE,
    Kind.PRIVACY: State.PURGED,
}

logger = logging.getLogger(__name__)


def pull_worker(*objects: ObjectType) -> Handler:
    """Return the handler of a queue whose events are about these objects."""

    def handle(platform: Platform, events: Sequence[InboxEvent]) -> Sequence[Outcome]:
        outcomes: dict[int, Outcome] = {}
        batches: dict[str, _Batch] = {obj.name: _Batch(platform, obj, platform.state().now()) for obj in objects}
        for event in events:
            try:
                happening = read_event(event)
            except EventRefused as refused:
                outcomes[event.id] = Dead(str(refused.args[0]))
                continue
            if happening is None:
                outcomes[event.id] = Duplicate("emptied by a privacy deletion")
            elif happening.object.name not in batches:
                outcomes[event.id] = Dead(f"events about {happening.object.plural} belong to another queue")
            else:
                batches[happening.object.name].items.append((event, happening))
        for batch in batches.values():
            if batch.items:
                outcomes.update(batch.run())
        return [outcomes[event.id] for event in events]

    return handle


@dataclass
class _Batch:
    """The events of one batch that are about one object, and what is known of their records."""

    platform: Platform
    object: ObjectType
    now: datetime
    items: list[tuple[InboxEvent, Happening]] = field(default_factory=list)
    records: dict[int, StoredRecord] = field(default_factory=dict)
    existences: dict[int, Existence] = field(default_factory=dict)
    survivors: dict[int, int] = field(default_factory=dict)
    missing_ends: set[tuple[str, int]] = field(default_factory=set)
    outage: str = ""
    said: dict[int, Existence] = field(default_factory=dict)
    wanted: set[int] = field(default_factory=set)
    linked: dict[AssociationTarget, set[int]] = field(default_factory=dict)
    read: Read = field(default_factory=Read)

    def run(self) -> dict[int, Outcome]:
        """Apply the events and return the outcome of each by its id."""
        names = {happening.change.name for _, happening in self.items if happening.change}
        shape = shape_of(self.platform, self.object, names)
        with self.platform.warehouse().writer() as session:
            ends = self._look(session, shape)
        links: Links = {}
        self.said = self._said()
        self.wanted = self._to_read()
        try:
            self._fetch(shape)
            self._fetch_ends(ends)
            self.linked = self._to_link()
            links = read_links(self.platform, self.object, self.linked)
        except HubSpotError as error:
            self.outage = type(error).__name__
        self._forget_told(shape)
        outcomes, again = self._apply(shape, links)
        self._read_back(shape, again)
        self._empty_bodies()
        return outcomes

    def _portal_id(self) -> int:
        return max(happening.portal_id for _, happening in self.items)

    def _id(self, happening: Happening) -> int:
        return self.survivors.get(happening.object_id, happening.object_id)

    def _look(self, session: Session, shape: Shape) -> dict[str, set[int]]:
        """Learn what the mirror knows of the records; returns the other ends of new associations it does not know."""
        named = sorted({i for _, h in self.items for i in (h.object_id, *h.losers)})
        self.survivors = lifecycle.survivors(session, self.object, named)
        ids = sorted({*named, *self.survivors.values()})
        self.records = change_writer.stored_records(session, shape.layout, ids)
        self.existences = lifecycle.existences(session, self.object, ids)
        ends: dict[str, set[int]] = {}
        for _, happening in self.items:
            link = happening.link
            if link and not link.removed:
                ends.setdefault(link.to_object.name, set()).add(link.to_id)
        return {name: ids - _stored(session, CATALOGUE[name], ids) for name, ids in ends.items()}

    def _said(self) -> dict[int, Existence]:
        """Return what is known of the records' existence when all events of the batch are counted."""
        said = dict(self.existences)
        for _, happening in self.items:
            if happening.kind in _STATES:
                record, new = self._id(happening), Existence(_STATES[happening.kind], happening.occurred_at)
                if lifecycle.newest(said.get(record), new):
                    said[record] = new
        return said

    def _to_read(self) -> set[int]:
        """Return the records that have to be read from HubSpot before their events can be judged."""
        wanted: set[int] = set()
        for _, happening in self.items:
            record = self._id(happening)
            existence, stored = self.said.get(record), self.records.get(record)
            if existence and existence.state is not State.LIVE and existence.occurred_at >= happening.occurred_at:
                continue
            if happening.kind in _ENDS or (existence and existence.state is State.PURGED):
                continue
            if stored is None or happening.withheld or happening.kind is Kind.MERGE:
                wanted.add(record)
            elif stored.is_deleted:
                # Something happened to it after its deletion: HubSpot knows whether it is back.
                deleted_at = stored.deleted_at or stored.updated_at
                if deleted_at is None or happening.occurred_at > deleted_at:
                    wanted.add(record)
        return wanted

    def _fetch(self, shape: Shape) -> None:
        if not self.wanted:
            return
        self.read = read_records(self.platform, shape, self.wanted, portal_id=self._portal_id())
        merged = {loser: h.object_id for _, h in self.items if h.object_id in self.read.live for loser in h.losers}
        note_merged(self.platform, self.object, merged)
        self.survivors |= self.read.survivors | merged
        self.said = self._said()
        known = sorted({*self.wanted, *self.read.live, *self.read.archived})
        with self.platform.warehouse().writer() as session:
            self.records |= change_writer.stored_records(session, shape.layout, known)

    def _read_back(self, shape: Shape, ids: frozenset[int]) -> None:
        """Read records again of which two events of one instant say different things: HubSpot knows which is true."""
        try:
            read_records(self.platform, shape, ids, portal_id=self._portal_id())
        except HubSpotError as error:
            logger.warning("%d %s could not be read back: %s", len(ids), self.object.plural, type(error).__name__)

    def _fetch_ends(self, ends: Mapping[str, set[int]]) -> None:
        for name, ids in ends.items():
            if ids:
                shape = shape_of(self.platform, CATALOGUE[name])
                read = read_records(self.platform, shape, ids, portal_id=self._portal_id())
                unknown = ids - read.live - read.archived - read.survivors.keys()
                self.missing_ends |= {(name, record) for record in unknown}

    def _to_link(self) -> dict[AssociationTarget, set[int]]:
        """Return the records whose associations have to be read, by association table."""
        wanted: dict[AssociationTarget, set[int]] = {}
        for _, happening in self.items:
            record = self._id(happening)
            stored = self.records.get(record)
            if happening.link and stored and not stored.is_deleted and record not in self.read.live:
                for target in self.object.associations:
                    if target.to_type == happening.link.to_object.plural:
                        wanted.setdefault(target, set()).add(record)
        return wanted

    def _apply(self, shape: Shape, links: Links) -> tuple[dict[int, Outcome], frozenset[int]]:
        """Write everything in one transaction; returns the outcomes and the records to read again."""
        obj, at = self.object, self.platform.clock()
        changed = {record: new for record, new in self.said.items() if self.existences.get(record) != new}
        changes = [
            (event.id, self._of_survivor(happening.change))
            for event, happening in self.items
            if happening.change and not happening.withheld and not self._is_purged(happening)
        ]
        # A record that came back was read after that.
        seen = {record: e.occurred_at for record, e in self.said.items() if e.state is State.LIVE}
        with self.platform.warehouse().writer() as session, session.transaction():
            change_writer.hold(session, shape.layout)
            lifecycle.note_existences(session, obj, changed, at)
            decision = change_writer.apply_changes(
                session, shape.layout, [change for _, change in changes], shape.definitions, at, seen
            )
            self._delete(session, shape, changed)
            self._relink(session, links, at)
        verdicts = dict(zip((event_id for event_id, _ in changes), decision.verdicts, strict=True))
        outcomes = {
            event.id: self._outcome(event, happening, verdicts.get(event.id)) for event, happening in self.items
        }
        return outcomes, decision.read_back

    def _of_survivor(self, change: PropertyChange) -> PropertyChange:
        survivor = self.survivors.get(change.object_id)
        return change if survivor is None else replace(change, object_id=survivor)

    def _delete(self, session: Session, shape: Shape, changed: Mapping[int, Existence]) -> None:
        obj = self.object
        gone = {
            record: existence
            for record, existence in changed.items()
            if existence.state is State.DELETED and self._was_there(record, existence.occurred_at)
        }
        if gone:
            writer.delete_records(session, obj, sorted(gone))
            moments = pa.table(
                {
                    obj.id_column: pa.array(list(gone), pa.int64()),
                    "archived_at": pa.array([e.occurred_at for e in gone.values()], pa.timestamp("us", "UTC")),
                }
            )
            session.merge(shape.layout.table, moments)
        purged = sorted(record for record, e in changed.items() if e.state is State.PURGED)
        if purged:
            lifecycle.purge(session, shape.layout, purged)

    def _was_there(self, record: int, deleted_at: datetime) -> bool:
        """Say whether the mirror has the record, and no copy of it that was changed after its deletion."""
        stored = self.records.get(record)
        if stored is None or record in self.read.live:
            return False
        return stored.is_deleted or stored.updated_at is None or stored.updated_at <= deleted_at

    def _relink(self, session: Session, links: Links, at: datetime) -> None:
        for target, rows in links.items():
            writer.replace_associations(session, target, sorted(self.linked[target]), rows, read_at=at)
        changes = [row for _, happening in self.items if (row := _association_row(happening, at))]
        if changes:
            session.merge(ASSOCIATION_CHANGE, pa.Table.from_pylist(changes, schema=ASSOCIATION_CHANGE.arrow_schema()))

    def _outcome(self, event: InboxEvent, happening: Happening, verdict: Verdict | None) -> Outcome:
        record = self._id(happening)
        if self._is_purged(happening) and happening.kind is not Kind.PRIVACY:
            return Duplicate("the record was forgotten for good")
        if lacking := self._lacking(happening):
            return self._wait(event, lacking)
        if happening.is_echo:
            return Duplicate("a write of our own came back")
        if verdict in (None, Verdict.APPLIED) or record in self.read.live:
            return Applied()
        return Duplicate(str(verdict))

    def _lacking(self, happening: Happening) -> str:
        """Return what the event has to wait for, "" when nothing is missing."""
        record, link = self._id(happening), happening.link
        if self.outage and (record in self.wanted or link):
            return "HubSpot was asked in vain"
        if record not in self.records and self._needs_record(happening):
            return f"the {self.object.name} is not in the portal"
        if link and (link.to_object.name, link.to_id) in self.missing_ends:
            return f"the {link.to_object.name} it leads to is not in the portal"
        return ""

    def _is_purged(self, happening: Happening) -> bool:
        existence = self.said.get(self._id(happening))
        return existence is not None and existence.state is State.PURGED

    def _needs_record(self, happening: Happening) -> bool:
        if happening.kind in _ENDS:
            return False
        existence = self.said.get(self._id(happening))
        return existence is None or existence.state is State.LIVE

    def _wait(self, event: InboxEvent, reason: str) -> Outcome:
        """Let an event wait: for HubSpot when it is out of order, else for the record, for a day at most."""
        if self.now - event.received_at > GIVE_UP_AFTER:
            return Dead(f"{reason}, for 24 hours")
        if self.outage:
            return Retry(self.now + RETRY_AFTER, f"{reason}: {self.outage}")
        return Parked(self.now + PARK_FOR, reason)

    def _purged(self) -> list[int]:
        return sorted(record for record, existence in self.said.items() if existence.state is State.PURGED)

    def _forget_told(self, shape: Shape) -> None:
        """Forget what others told of such records by their address, as long as the mirror still knows it."""
        purged = self._purged()
        if not purged:
            return
        with self.platform.warehouse().writer() as session:
            emails = lifecycle.addresses(session, shape.layout, purged)
        if emails:
            store = self.platform.state()
            inbox.forget_addresses(store, emails)
            store.write(lambda conn: topics.forget(conn, emails))

    def _empty_bodies(self) -> None:
        """Empty what the inbox holds of records that were forgotten for good."""
        purged = self._purged()
        keys = {event.object_key for event, happening in self.items if self._id(happening) in purged}
        keys |= {f"{self.object.name}:{record}" for record in purged}
        if keys:
            inbox.purge_objects(self.platform.state(), "hubspot", keys)


def _stored(session: Session, obj: ObjectType, ids: Iterable[int]) -> set[int]:
    """Return those of the ids the mirror has; all of them when it has no such table yet, so cannot know."""
    wanted = set(ids)
    if not session.columns(f"hubspot.{obj.table}"):
        return wanted
    key = quote(obj.id_column)
    found = session.query(
        f"select {key} as id from hubspot.{quote(obj.table)} where {key} in ({change_writer.listed(sorted(wanted))})"
    )
    return set(found["id"].to_pylist())


def _association_row(happening: Happening, at: datetime) -> dict[str, object] | None:
    link = happening.link
    if link is None:
        return None
    return {
        "from_object": link.from_object.name,
        "from_id": link.from_id,
        "to_object": link.to_object.name,
        "to_id": link.to_id,
        "association_type": link.association_type,
        "changed_at": happening.occurred_at,
        "removed": link.removed,
        "is_primary": link.is_primary,
        "source": happening.source,
        "_fivetran_synced": at,
    }
