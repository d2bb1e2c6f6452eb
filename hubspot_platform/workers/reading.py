"""Reads records and associations from HubSpot for the pull workers and writes them as every sync does.

A record an event names and the mirror lacks is read here once, live or archived; so are records that events disagree
about. HubSpot is called before the warehouse is opened.
"""

import asyncio
from collections.abc import AsyncIterable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hubspot_platform.commit_points import reached
from hubspot_platform.hubspot.associations import AssociationRow, read_associations
from hubspot_platform.hubspot.batch import read_ids
from hubspot_platform.hubspot.catalogue import AssociationTarget, ObjectType, merged_ids
from hubspot_platform.hubspot.records import Records
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.lanes import Lane
from hubspot_platform.mirror import compared, publishing, writer
from hubspot_platform.mirror.chunks import Chunk, build_chunk
from hubspot_platform.mirror.lifecycle import repoint
from hubspot_platform.runtime import Platform
from hubspot_platform.workers.shapes import Shape

Links = Mapping[AssociationTarget, Sequence[AssociationRow]]


@dataclass
class Read:
    """What HubSpot answered: ids that are live, ids in the recycle bin, and merged id → the record that survives."""

    live: set[int] = field(default_factory=set)
    archived: set[int] = field(default_factory=set)
    survivors: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Answer:
    live: Chunk
    archived: Chunk
    associations: Links
    survivors: Mapping[int, int]


def read_records(platform: Platform, shape: Shape, ids: Collection[int], *, portal_id: int) -> Read:
    """Read records into the mirror and say what became of each id; one that is in none of the answers is unknown.

    Raises the errors of `hubspot.errors` before anything is written.
    """
    if not ids:
        return Read()
    obj, warehouse, store = shape.layout.object, platform.warehouse(), platform.state()
    answer = asyncio.run(_ask(platform, shape, sorted(ids), portal_id))
    reached("worker.fetched")
    none: Links = dict.fromkeys(obj.associations, ())
    for chunk, links in ((answer.live, answer.associations), (answer.archived, none)):
        if chunk.ids:
            keys = publishing.prepare(store, warehouse, obj, chunk, links)
            writer.write_chunk(warehouse, warehouse.identity(), shape.layout, chunk, links)
            publishing.publish(store, keys)
    if answer.live.ids:
        compared.mark_live(warehouse, obj, answer.live.ids)
    note_merged(platform, obj, answer.survivors)
    return Read(set(answer.live.ids), set(answer.archived.ids), dict(answer.survivors))


def note_merged(platform: Platform, obj: ObjectType, losers: Mapping[int, int]) -> None:
    """Delete merged records and let what led to them lead to the survivors."""
    if not losers:
        return
    warehouse = platform.warehouse()
    compared.note_merges(warehouse, obj, losers)
    with warehouse.writer() as session, session.transaction():
        repoint(session, obj, losers)
        writer.delete_records(session, obj, sorted(losers))


def read_links(platform: Platform, obj: ObjectType, ids: Mapping[AssociationTarget, Collection[int]]) -> Links:
    """Return the associations the records have in HubSpot now."""

    async def ask() -> Links:
        with platform.hubspot() as policy:
            async with Transport(policy) as transport:
                return {
                    target: await _flat(read_associations(transport, obj, target.to_type, sorted(wanted)))
                    for target, wanted in ids.items()
                }

    return asyncio.run(ask()) if ids else {}


async def _ask(platform: Platform, shape: Shape, ids: Sequence[int], portal_id: int) -> _Answer:
    layout, obj = shape.layout, shape.layout.object
    with platform.hubspot() as policy:
        async with Transport(policy) as transport:
            names = layout.properties
            live = [page async for page in read_ids(transport, obj, ids, names, lane=Lane.SYNC)]
            survivors = _survivors(obj, live)
            found = {record for page in live for record in page.ids} | survivors.keys()
            rest = [record for record in ids if record not in found]
            archived = [p async for p in read_ids(transport, obj, rest, names, archived=True, lane=Lane.SYNC)]
            at = platform.clock()
            chunk = _chunk(shape, live, portal_id, at)
            associations = {
                target: await _flat(read_associations(transport, obj, target.to_type, chunk.ids))
                for target in obj.associations
                if chunk.ids
            }
    return _Answer(chunk, _chunk(shape, archived, portal_id, at), associations, survivors)


async def _flat(pages: AsyncIterable[Iterable[AssociationRow]]) -> list[AssociationRow]:
    return [row async for page in pages for row in page]


def _survivors(obj: ObjectType, pages: Sequence[Records]) -> dict[int, int]:
    return {loser: int(record["id"]) for page in pages for record in page for loser in merged_ids(obj, record)}


def _chunk(shape: Shape, pages: Sequence[Records], portal_id: int, read_at: datetime) -> Chunk:
    return build_chunk(
        shape.layout, [page for page in pages if page] or [Records()], portal_id=portal_id, read_at=read_at
    )
