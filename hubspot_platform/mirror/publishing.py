"""Tells the rest of the platform of new calls, meetings and e-mails: one `engagement_event` for each row inserted.

The sync engine calls `prepare` before it merges a chunk, `publish` after, and `settle` when it begins: what a killed
sync had merged and not yet published is published then. So there is one event a row, however often a sync is killed
or repeated.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from hubspot_platform.commit_points import reached
from hubspot_platform.hubspot.associations import AssociationRow
from hubspot_platform.hubspot.catalogue import AssociationTarget, ObjectType
from hubspot_platform.mirror.chunks import Chunk
from hubspot_platform.state import Store, database_now, topics
from hubspot_platform.state.topics import Event
from hubspot_platform.warehouse import Warehouse
from hubspot_platform.warehouse.model import quote

TOPIC = "engagement_event"
PUBLISHED_TYPES = frozenset({"CALL", "MEETING", "EMAIL"})
_IDS_PER_STATEMENT = 500
_COLUMNS = {
    "engagement_id": "engagement_id",
    "portal_id": "portal_id",
    "occurred_at": "property_hs_timestamp",
    "created_at": "property_hs_createdate",
    "owner_id": "property_hubspot_owner_id",
    "archived": "is_deleted",
}


class EngagementEvent(BaseModel):
    """A call, meeting or e-mail came into the mirror; ids of what it is associated with, in ascending order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engagement_id: int
    engagement_type: Literal["CALL", "MEETING", "EMAIL"]
    portal_id: int
    occurred_at: datetime | None
    created_at: datetime | None
    owner_id: int | None
    archived: bool
    contact_ids: tuple[int, ...] = ()
    company_ids: tuple[int, ...] = ()
    deal_ids: tuple[int, ...] = ()
    ticket_ids: tuple[int, ...] = ()

    def event(self) -> Event:
        """Return the event for the topic; an engagement is new once in a portal."""
        return Event(
            TOPIC,
            f"{self.engagement_type}:{self.engagement_id}",
            self.model_dump(mode="json"),
            f"{TOPIC}:{self.portal_id}:{self.engagement_id}",
        )


def prepare(
    store: Store,
    warehouse: Warehouse,
    obj: ObjectType,
    chunk: Chunk,
    associations: Mapping[AssociationTarget, Sequence[AssociationRow]],
) -> tuple[str, ...]:
    """Note the events of the chunk's rows that the mirror does not have yet; returns their keys for `publish`."""
    if obj.engagement_type not in PUBLISHED_TYPES or not chunk.ids:
        return ()
    known = _stored(warehouse, obj, chunk.ids)
    new = chunk.rows.filter(pc.invert(pc.is_in(chunk.rows[obj.id_column], value_set=pa.array(known, pa.int64()))))
    linked = _linked(associations, set(new[obj.id_column].to_pylist()))
    columns = {name: column for name, column in _COLUMNS.items() if column in new.column_names}
    events = [
        EngagementEvent.model_validate(
            {
                **dict.fromkeys(_COLUMNS),
                **{name: row[column] for name, column in columns.items()},
                "archived": bool(row["is_deleted"]),
                "engagement_type": obj.engagement_type,
                **linked.get(row[obj.id_column], {}),
            }
        ).event()
        for row in new.select(list(columns.values())).to_pylist()
    ]
    if events:
        store.write(lambda conn: topics.prepare(conn, events, database_now(conn)))
    reached("sync.events_prepared")
    return tuple(event.dedupe_key for event in events)


def publish(store: Store, keys: Sequence[str]) -> int:
    """Publish prepared events whose rows are durable now; returns how many."""
    if not keys:
        return 0
    return store.write(lambda conn: topics.publish(conn, TOPIC, keys, database_now(conn)))


def settle(store: Store, warehouse: Warehouse, obj: ObjectType) -> int:
    """Publish what earlier, killed syncs merged and did not publish; the caller holds the object's lease."""
    if obj.engagement_type not in PUBLISHED_TYPES:
        return 0
    prefix = f"{obj.engagement_type}:"
    pending = {
        int(event.key.removeprefix(prefix)): event.dedupe_key
        for event in store.read(lambda conn: topics.pending(conn, TOPIC))
        if event.key.startswith(prefix)
    }
    return publish(store, [pending[engagement_id] for engagement_id in _stored(warehouse, obj, list(pending))])


def _stored(warehouse: Warehouse, obj: ObjectType, ids: Sequence[int]) -> list[int]:
    found: list[int] = []
    if not ids:
        return found
    column = quote(obj.id_column)
    with warehouse.writer() as session:
        for start in range(0, len(ids), _IDS_PER_STATEMENT):
            part = ids[start : start + _IDS_PER_STATEMENT]
            marks = ", ".join("?" * len(part))
            sql = f"select {column} as id from hubspot.{quote(obj.table)} where {column} in ({marks})"
            found += session.query(sql, part)["id"].to_pylist()
    return found


def _linked(
    associations: Mapping[AssociationTarget, Sequence[AssociationRow]], wanted: set[int]
) -> dict[int, dict[str, tuple[int, ...]]]:
    """Return record id → `contact_ids`, `company_ids` and so on."""
    found: dict[int, dict[str, set[int]]] = {}
    for target, rows in associations.items():
        for row in rows:
            if row.from_id in wanted:
                found.setdefault(row.from_id, {}).setdefault(f"{target.to_column}s", set()).add(row.to_id)
    return {record: {name: tuple(sorted(ids)) for name, ids in groups.items()} for record, groups in found.items()}
