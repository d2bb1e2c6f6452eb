"""Lists and who is in them.

HubSpot tells no membership changes. A list whose version, size and last changes are those of its last walk is left
alone for a day; any other is walked from end to end, and only the differences are written: `_fivetran_synced` of a
member says when the mirror saw it join or leave.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from hubspot_platform.commit_points import reached
from hubspot_platform.hubspot.crew import Emit, side_by_side
from hubspot_platform.hubspot.errors import NotFound
from hubspot_platform.hubspot.lists import LAST_ADDED, LAST_REMOVED, SIZE, read_members
from hubspot_platform.hubspot.lists import read_lists as read_all_lists
from hubspot_platform.hubspot.records import Json
from hubspot_platform.lanes import Lane
from hubspot_platform.mirror.reference.reading import CHUNK_ROWS, Reading, int64
from hubspot_platform.mirror.reference.rows import DELETED, SYNCED, columns, typed_rows
from hubspot_platform.mirror.tables import SCHEMA
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.model import Column, LogicalType, Table

CONTACTS = "0-1"
WALK_AGAIN = timedelta(days=1)
_WALKERS = 4
_NOT_TOLD = "HubSpot's lists v3 does not tell it; always null"

CONTACT_LIST = Table(
    SCHEMA,
    "contact_list",
    (
        *columns(
            "id:int name:text created_at:timestamp updated_at:timestamp created_by_id:text deleteable:bool "
            "dynamic:bool filters_updated_at:timestamp list_version:int metadata_error:text "
            "metadata_last_processing_state_change_at:timestamp metadata_last_size_change_at:timestamp "
            "metadata_processing:text metadata_size:int object_type_id:text portal_id:int processing_status:text "
            "processing_type:text",
            deleteable=_NOT_TOLD,
            metadata_error=_NOT_TOLD,
            metadata_last_processing_state_change_at=_NOT_TOLD,
            metadata_processing="same as processing_status",
        ),
        DELETED,
        SYNCED,
    ),
    key=("id",),
    description="Lists (segments) of every object type; deleteable, metadata_error and "
    "metadata_last_processing_state_change_at are null because HubSpot's lists v3 does not tell them.",
)
CONTACT_LIST_MEMBER = Table(
    SCHEMA,
    "contact_list_member",
    (
        *columns("contact_list_id:int contact_id:int added_at:timestamp", added_at="when the contact joined last"),
        Column(DELETED.name, DELETED.type, "no longer in the list"),
        Column(SYNCED.name, SYNCED.type, "when the mirror saw the contact join or leave"),
    ),
    key=("contact_list_id", "contact_id"),
    description="Which contact is or was in which list of contacts, one row per list and contact.",
)
_LIST_WALK = Table(
    "_platform",
    "list_walk",
    (
        Column("contact_list_id", LogicalType.INT, "the list", nullable=False),
        Column("trace", LogicalType.TEXT, "version, size and last changes the list had before it was walked"),
        Column("walked_at", LogicalType.TIMESTAMP, "when it was walked"),
    ),
    key=("contact_list_id",),
    description="The last complete walk of every list.",
)


async def read_lists(reading: Reading) -> None:
    """Read every list, then the members of the contact lists that changed."""
    found = await read_all_lists(reading.transport)
    await reading.replace([(CONTACT_LIST, [_list_row(item, reading.account.portal_id) for item in found])])
    due = await asyncio.to_thread(_due, reading, [item for item in found if _walkable(item)])
    waiting = iter(due)

    async def work(emit: Emit[None]) -> None:
        for item in waiting:
            await _Walk(reading, int(item["listId"]), item).walk()

    async with aclosing(side_by_side(_WALKERS, work, buffer=_WALKERS)) as walks:
        async for _ in walks:
            pass
    await asyncio.to_thread(_forget_deleted_lists, reading)


def _walkable(item: Json) -> bool:
    return item.get("objectTypeId") == CONTACTS and str(item.get("listId")).isdecimal()


def _extra(item: Json) -> Mapping[str, Any]:
    extra = item.get("additionalProperties")
    return extra if isinstance(extra, dict) else {}


def _list_row(item: Json, portal_id: int) -> dict[str, Any]:
    extra = _extra(item)
    changes = [int(text) for name in (LAST_ADDED, LAST_REMOVED) if (text := str(extra.get(name) or "")).isdigit()]
    return {
        "id": item.get("listId"),
        "name": item.get("name"),
        "created_at": item.get("createdAt"),
        "updated_at": item.get("updatedAt"),
        "created_by_id": item.get("createdById"),
        "dynamic": item.get("processingType") == "DYNAMIC",
        "filters_updated_at": item.get("filtersUpdatedAt"),
        "list_version": item.get("listVersion"),
        "metadata_last_size_change_at": max(changes, default=None),
        "metadata_processing": item.get("processingStatus"),
        "metadata_size": extra.get(SIZE),
        "object_type_id": item.get("objectTypeId"),
        "portal_id": portal_id,
        "processing_status": item.get("processingStatus"),
        "processing_type": item.get("processingType"),
    }


def _trace(item: Json) -> str | None:
    """Return what tells one state of a list from another; None when HubSpot does not say enough to tell."""
    extra = _extra(item)
    size = extra.get(SIZE)
    if size is None or (str(size) != "0" and extra.get(LAST_ADDED) is None):
        return None
    return "|".join(
        str(part) for part in (item.get("listVersion"), size, extra.get(LAST_ADDED), extra.get(LAST_REMOVED))
    )


def _due(reading: Reading, lists: list[Json]) -> list[Json]:
    """Return the lists to walk: changed, never walked, or walked a day ago."""
    with reading.warehouse.writer() as session, session.transaction():
        session.ensure(CONTACT_LIST_MEMBER)
        session.ensure(_LIST_WALK)
        stored = session.query(f"select contact_list_id, trace, walked_at from {_LIST_WALK.qualified}").to_pylist()
    known = {row["contact_list_id"]: (row["trace"], row["walked_at"]) for row in stored}

    def unchanged(item: Json) -> bool:
        trace, walked_at = known.get(int(item["listId"]), (None, None))
        recent = walked_at is not None and abs(reading.now - walked_at) < WALK_AGAIN
        return reading.progress.has_base and trace is not None and trace == _trace(item) and recent

    return [item for item in lists if not unchanged(item)]


@dataclass
class _Walk:
    """One list from end to end, its changes written in chunks; the walk counts once all of them are."""

    reading: Reading
    list_id: int
    item: Json
    before: pa.Table = field(init=False)
    met: list[pa.Array] = field(default_factory=list)

    async def walk(self) -> None:
        self.before = await asyncio.to_thread(self._stored)
        waiting: list[Json] = []
        try:
            async with aclosing(self._pages()) as pages:
                async for page in pages:
                    reached("sync.page_read")
                    waiting += page
                    if len(waiting) >= CHUNK_ROWS:
                        await asyncio.to_thread(self._write, waiting)
                        waiting = []
        except NotFound:
            return  # deleted since it was listed: the next read marks its members
        await asyncio.to_thread(self._write, waiting, last=True)

    def _pages(self) -> AsyncGenerator[list[Json], None]:
        lane = Lane.SYNC if self.reading.progress.has_base else Lane.BACKFILL
        return read_members(self.reading.transport, self.list_id, lane=lane)

    def _stored(self) -> pa.Table:
        with self.reading.warehouse.writer() as session:
            return session.query(
                f"select contact_id, added_at from {CONTACT_LIST_MEMBER.qualified} "
                "where contact_list_id = ? and not _fivetran_deleted",
                [self.list_id],
            ).combine_chunks()

    def _write(self, members: list[Json], *, last: bool = False) -> None:
        reading, now = self.reading, self.reading.platform.clock()
        rows = [
            {
                "contact_list_id": self.list_id,
                "contact_id": member.get("recordId"),
                "added_at": member.get("membershipTimestamp"),
            }
            for member in members
        ]
        typed = typed_rows(CONTACT_LIST_MEMBER, rows, now)
        self.met.append(typed.rows["contact_id"].combine_chunks())
        changed = self._changed(typed.rows)
        if not (last or changed.num_rows or typed.rejected.num_rows):
            return
        reached("sync.before_merge")
        with reading.warehouse.writer() as session, session.transaction():
            reading.check_warehouse(session)
            session.merge(CONTACT_LIST_MEMBER, changed)
            reading.keep_rejected(session, typed)
            reached("sync.inside_merge")
            if last:
                self._finish(session, now)
        reached("sync.chunk_merged")
        reading.read[CONTACT_LIST_MEMBER.name] += changed.num_rows

    def _changed(self, rows: pa.Table) -> pa.Table:
        """Return the rows that are not stored like this already."""
        places = pc.index_in(rows["contact_id"], value_set=self.before["contact_id"].combine_chunks())
        same = pc.equal(pc.take(self.before["added_at"], places), rows["added_at"])
        return rows.filter(pc.invert(pc.fill_null(same, False)))

    def _finish(self, session: Session, now: datetime) -> None:
        met = pa.chunked_array(self.met, pa.int64()).combine_chunks()
        stored = self.before["contact_id"]
        gone = stored.filter(pc.invert(pc.is_in(stored, value_set=met)))
        left = pa.table(
            {
                "contact_list_id": int64([self.list_id] * len(gone)),
                "contact_id": gone,
                DELETED.name: pa.array([True] * len(gone), pa.bool_()),
                SYNCED.name: pa.array([now] * len(gone), SYNCED.type.arrow),
            }
        )
        session.merge(CONTACT_LIST_MEMBER, left)
        self.reading.read[CONTACT_LIST_MEMBER.name] += len(gone)
        # A size that is not what was met means that HubSpot shows the members of another moment: walk again next time.
        settled = str(_extra(self.item).get(SIZE)) == str(len(pc.unique(met)))
        walk = {
            "contact_list_id": self.list_id,
            "trace": _trace(self.item) if settled else None,
            "walked_at": self.reading.now,
        }
        session.merge(_LIST_WALK, pa.Table.from_pylist([walk], schema=_LIST_WALK.arrow_schema()))


def _forget_deleted_lists(reading: Reading) -> None:
    """Mark the members of lists that are gone, which are walked anew should they come back."""
    gone = f"contact_list_id in (select id from {CONTACT_LIST.qualified} where _fivetran_deleted)"
    with reading.warehouse.writer() as session, session.transaction():
        reading.check_warehouse(session)
        session.execute(
            f"update {CONTACT_LIST_MEMBER.qualified} set _fivetran_deleted = true, _fivetran_synced = ? "
            f"where not _fivetran_deleted and {gone}",
            [reading.platform.clock()],
        )
        session.execute(f"delete from {_LIST_WALK.qualified} where {gone}")
