"""What events say about the existence of records: deleted, restored, merged away, forgotten for good.

The workers call these inside their transaction; the writer of whole records asks `without_purged` and `keep_deleted`,
so that a sync that read an older copy revives nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from hubspot_platform.hubspot.catalogue import CATALOGUE, ObjectType
from hubspot_platform.mirror import ledger
from hubspot_platform.mirror.change_tables import EVENT_VALUE, OBJECT_STATE
from hubspot_platform.mirror.change_writer import SETTLED_AFTER, listed
from hubspot_platform.mirror.chunks import Chunk
from hubspot_platform.mirror.history import history_table
from hubspot_platform.mirror.tables import SCHEMA, VALUE_ERROR, ObjectLayout, association_table
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.model import Column, Table, quote


class State(StrEnum):
    """What the last event about a record's existence made of it."""

    LIVE = "live"
    DELETED = "deleted"
    PURGED = "purged"


@dataclass(frozen=True, slots=True)
class Existence:
    """A record's state and since when, by HubSpot's clock."""

    state: State
    occurred_at: datetime


def newest(known: Existence | None, said: Existence) -> bool:
    """Say whether what an event says replaces what is known: nothing follows a purge, at one instant deletion wins."""
    if known is None:
        return True
    if State.PURGED in (known.state, said.state):
        return known.state is not State.PURGED
    if said.occurred_at == known.occurred_at:
        return said.state is State.DELETED and known.state is State.LIVE
    return said.occurred_at > known.occurred_at


def existences(session: Session, obj: ObjectType, ids: Sequence[int]) -> dict[int, Existence]:
    """Return what events said about the records."""
    if not ids:
        return {}
    found = session.query(
        f"select object_id, state, occurred_at from {OBJECT_STATE.qualified} "
        f"where object = ? and object_id in ({listed(ids)})",
        [obj.name],
    )
    return {row["object_id"]: Existence(State(row["state"]), row["occurred_at"]) for row in found.to_pylist()}


def note_existences(session: Session, obj: ObjectType, said: Mapping[int, Existence], now: datetime) -> None:
    """Keep what events said about records."""
    rows = [
        {
            "object": obj.name,
            "object_id": object_id,
            "state": existence.state.value,
            "occurred_at": existence.occurred_at,
            "applied_at": now,
        }
        for object_id, existence in said.items()
    ]
    if rows:
        session.merge(OBJECT_STATE, pa.Table.from_pylist(rows, schema=OBJECT_STATE.arrow_schema()))


def survivors(session: Session, obj: ObjectType, ids: Sequence[int]) -> dict[int, int]:
    """Return merged id → the record it is part of now."""
    if not ids or not session.columns(ledger.MERGED):
        return {}
    found = session.query(
        f"select id, survivor_id from {ledger.MERGED.qualified} where object = ? and id in ({listed(ids)})", [obj.name]
    )
    return {row["id"]: row["survivor_id"] for row in found.to_pylist()}


def without_purged(session: Session, obj: ObjectType, chunk: Chunk) -> Chunk:
    """Return the chunk without the records that were forgotten for good: a search may show them for a while."""
    found = session.query(
        f"select object_id from {OBJECT_STATE.qualified} where object = ? and state = ?", [obj.name, State.PURGED.value]
    )["object_id"]
    gone = found.filter(pc.is_in(found, value_set=pa.array(chunk.ids, pa.int64()))).combine_chunks()
    if not len(gone):
        return chunk
    history = chunk.history
    if history is not None:
        column = history.rows[f"{obj.name}_id"]
        history = replace(history, rows=history.rows.filter(pc.invert(pc.is_in(column, value_set=gone))))
    rows, errors = chunk.rows, chunk.errors
    return replace(
        chunk,
        rows=rows.filter(pc.invert(pc.is_in(rows[obj.id_column], value_set=gone))),
        errors=errors.filter(pc.invert(pc.is_in(errors["object_id"], value_set=gone))),
        history=history,
    )


def deleted_since(session: Session, layout: ObjectLayout, chunk: Chunk) -> list[int]:
    """Return the chunk's records that were deleted after their copies were made."""
    obj = layout.object
    found = session.query(
        f"select s.object_id as id from {OBJECT_STATE.qualified} as s join {layout.table.qualified} as r "
        f"on r.{quote(obj.id_column)} = s.object_id where s.object = ? and s.state = ? "
        "and (r.updated_at is null or s.occurred_at > r.updated_at) and s.applied_at > ?",
        [obj.name, State.DELETED.value, chunk.read_at - SETTLED_AFTER],
    )["id"].to_pylist()
    return sorted(set(found).intersection(chunk.ids))


def repoint(session: Session, obj: ObjectType, merged: Mapping[int, int]) -> None:
    """Let associations that other records have with merged ones lead to the survivors; a pair is there once."""
    for source in CATALOGUE.values():
        for target in source.associations:
            table = association_table(target)
            if target.to_type != obj.plural or not session.columns(table):
                continue
            column = quote(target.to_column)
            found = session.query(f"select * from {table.qualified} where {column} in ({listed(merged)})")
            if not found.num_rows:
                continue
            survivor = [merged[loser] for loser in found[target.to_column].to_pylist()]
            place = found.schema.get_field_index(target.to_column)
            moved = found.set_column(place, target.to_column, pa.array(survivor, pa.int64()))
            session.merge(table, moved)
            session.execute(f"delete from {table.qualified} where {column} in ({listed(merged)})")


# Beside the contact's own tables: where else its values or its address are.
_OF_CONTACTS: Mapping[str, str] = {
    "hubspot.contact_list_member": "contact_id",
    "hubspot.contact_form_submission": "contact_id",
    "hubspot.contact_qualification": "contact_id",
}


def purge(session: Session, layout: ObjectLayout, ids: Sequence[int]) -> None:
    """Forget records for good: values, history, value errors, associations and what else bears them.

    Of each stays a deleted row with its id. Tables made by SQL models lose them when they are built next.
    """
    obj = layout.object
    emails = addresses(session, layout, ids)
    for name, column in _tables_of(obj):
        if session.columns(name):
            session.execute(f"delete from {name} where {quote(column)} in ({listed(ids)})")
    for table, column in ((VALUE_ERROR, "object_type"), (EVENT_VALUE, "object")):
        session.execute(
            f"delete from {table.qualified} where {column} = ? and object_id in ({listed(ids)})", [obj.name]
        )
    if emails and session.columns("hubspot.email_event"):
        marks = ", ".join("?" * len(emails))
        session.execute(f"update hubspot.email_event set recipient = null where lower(recipient) in ({marks})", emails)
    stored = session.query(
        f"select {quote(obj.id_column)} as id, portal_id, updated_at, archived_at, _fivetran_synced "
        f"from {layout.table.qualified} where {quote(obj.id_column)} in ({listed(ids)})"
    ).to_pylist()
    rows = [
        {
            obj.id_column: row["id"],
            "portal_id": row["portal_id"],
            "updated_at": row["updated_at"],
            "archived_at": row["archived_at"],
            "is_deleted": True,
            "_fivetran_deleted": True,
            "_fivetran_synced": row["_fivetran_synced"],
            "raw_json": f'{{"id":"{row["id"]}","archived":true,"properties":{{}}}}',
        }
        for row in stored
    ]
    blank = pa.Table.from_pylist(rows, schema=_whole(session, layout).arrow_schema())
    session.replace_matching(_whole(session, layout), blank, match=pa.table({obj.id_column: pa.array(ids, pa.int64())}))


def _whole(session: Session, layout: ObjectLayout) -> Table:
    """Return the stored table with every column it has, those of properties the portal no longer knows too."""
    columns = session.columns(layout.table)
    spec = tuple(Column(name, kind, nullable=name not in layout.table.key) for name, kind in columns.items())
    return replace(layout.table, columns=spec)


def _tables_of(obj: ObjectType) -> list[tuple[str, str]]:
    """Return the tables that hold rows of an object's records, each with the column of the record's id."""
    found = [(f"{SCHEMA}.{target.table}", target.from_column) for target in obj.associations]
    found += [
        (f"{SCHEMA}.{target.table}", target.to_column)
        for source in CATALOGUE.values()
        for target in source.associations
        if target.to_type == obj.plural
    ]
    history = history_table(obj)
    if history is not None:
        found.append((f"{SCHEMA}.{history.name}", history.key[0]))
    if obj.name == "contact":
        found += _OF_CONTACTS.items()
    return list(dict.fromkeys(found))


def addresses(session: Session, layout: ObjectLayout, ids: Sequence[int]) -> list[str]:
    """Return the e-mail addresses that the mirror has of records, in lower case; only contacts have one."""
    if layout.object.name != "contact" or "property_email" not in layout.table.column_names:
        return []
    found = session.query(
        f"select lower(property_email) as email from {layout.table.qualified} "
        f"where id in ({listed(ids)}) and property_email is not null"
    )
    return sorted(set(found["email"].to_pylist()))
