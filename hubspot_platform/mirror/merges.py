"""Which records were merged into which: `merged_deal` and `contact_merge_audit`, from the survivors' merge traces.

HubSpot gives no log of merges any more; a survivor names the ids merged into it, a contact's survivor with the time of
each merge. The mirror's writer stores them in the transaction of the records.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from hubspot_platform.hubspot.catalogue import CONTACT, DEAL, ObjectType, merged_ids
from hubspot_platform.mirror.chunks import Chunk
from hubspot_platform.mirror.tables import SCHEMA, column_of
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.model import Column, LogicalType, Table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SYNCED = Column("_fivetran_synced", LogicalType.TIMESTAMP, "when the mirror read the surviving record")
_NOT_GIVEN = "null: HubSpot does not give it any more"

MERGED_DEAL = Table(
    SCHEMA,
    "merged_deal",
    (
        Column("deal_id", LogicalType.INT, "HubSpot id of the deal that survived", nullable=False),
        Column("merged_deal_id", LogicalType.INT, "HubSpot id of a deal merged into it", nullable=False),
        _SYNCED,
    ),
    key=("deal_id", "merged_deal_id"),
    description="Deals merged into others, also by way of a deal that was merged away itself later.",
)
CONTACT_MERGE_AUDIT = Table(
    SCHEMA,
    "contact_merge_audit",
    (
        Column("contact_id", LogicalType.INT, "HubSpot id of the contact that survived", nullable=False),
        Column("vid_to_merge", LogicalType.INT, "HubSpot id of the contact merged into it", nullable=False),
        Column("canonical_vid", LogicalType.INT, "same as contact_id: the id that answers for both"),
        Column("timestamp", LogicalType.TIMESTAMP, "when they were merged; null when HubSpot names only the id"),
        Column("entity_id", LogicalType.TEXT, _NOT_GIVEN),
        Column("first_name", LogicalType.TEXT, _NOT_GIVEN),
        Column("last_name", LogicalType.TEXT, _NOT_GIVEN),
        Column("num_properties_moved", LogicalType.INT, _NOT_GIVEN),
        Column("user_id", LogicalType.INT, _NOT_GIVEN),
        _SYNCED,
    ),
    key=("contact_id", "vid_to_merge"),
    description="Contacts merged into others and when; who merged them and how much moved is not known any more.",
)


def merge_table(obj: ObjectType) -> Table | None:
    """Return the table of an object's merges; None for objects that have none."""
    return {DEAL.name: MERGED_DEAL, CONTACT.name: CONTACT_MERGE_AUDIT}.get(obj.name)


def write_merges(session: Session, obj: ObjectType, chunk: Chunk) -> int:
    """Store the merges that the chunk's records show; returns how many are new."""
    table = merge_table(obj)
    if table is None or not chunk.merged_away:
        return 0
    rows = _merge_rows(obj, table, chunk)
    inserted = session.merge(table, rows).inserted if rows.num_rows else 0
    return inserted + (_close(session) if obj is DEAL and inserted else 0)


def _merge_rows(obj: ObjectType, table: Table, chunk: Chunk) -> pa.Table:
    found = [
        {
            table.key[0]: survivor,
            table.key[1]: loser,
            "canonical_vid": survivor,
            "timestamp": merged_at,
            "_fivetran_synced": chunk.read_at,
        }
        for survivor, loser, merged_at in _merges(obj, chunk)
    ]
    return pa.Table.from_pylist(found, schema=table.arrow_schema())


def _merges(obj: ObjectType, chunk: Chunk) -> Iterator[tuple[int, int, datetime | None]]:
    """Yield survivor, loser and the time of the merge, if it is known."""
    traces = {name: chunk.rows[column_of(name)] for name in obj.merge_traces}
    marked = {at for column in traces.values() for at in pc.indices_nonzero(column.is_valid()).to_pylist()}
    for at in sorted(marked):
        survivor = chunk.rows[obj.id_column][at].as_py()
        properties = {name: column[at].as_py() for name, column in traces.items()}
        times = merge_times(properties.get(obj.merged_pairs_property or "") or "")
        for loser in merged_ids(obj, {"id": str(survivor), "properties": properties}):
            yield survivor, loser, times.get(loser)


def merge_times(pairs: str) -> dict[int, datetime]:
    """Return when ids were merged, from "id:epochMs;…"; what is neither id nor time is left out."""
    times: dict[int, datetime] = {}
    for pair in pairs.split(";"):
        loser, _, moment = pair.strip().partition(":")
        if loser.isascii() and loser.isdigit() and moment.isascii() and moment.isdigit() and len(moment) <= 14:
            times[int(loser)] = _EPOCH + timedelta(milliseconds=int(moment))
    return times


def _close(session: Session) -> int:
    """Add what is merged by way of another merge until nothing is missing; returns how many rows that is."""
    added = 0
    while True:
        further = session.query(
            f"""
            select distinct a.deal_id, b.merged_deal_id, a._fivetran_synced
            from {MERGED_DEAL.qualified} as a
            join {MERGED_DEAL.qualified} as b on b.deal_id = a.merged_deal_id
            where
                b.merged_deal_id <> a.deal_id
                and not exists (
                    select 1 from {MERGED_DEAL.qualified} as c
                    where c.deal_id = a.deal_id and c.merged_deal_id = b.merged_deal_id
                )
            """
        )
        if not further.num_rows:
            return added
        added += session.merge(MERGED_DEAL, further).inserted
