"""The platform's command line with one part exchanged, for comparison; run as a process by the scenarios.

`--reader sdk` reads with `hubspot-api-client` page by page as its documentation shows; lease, typed columns, chunks,
merges and windows stay the platform's own. `--chunk N` merges N records at a time. `--records-only` leaves associations
out, so that a read is as many calls as there are pages of records.
"""

import argparse
import asyncio
import dataclasses
import sys
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any

from hubspot import HubSpot

from hubspot_platform.cli.main import run
from hubspot_platform.hubspot.catalogue import CATALOGUE, ObjectType
from hubspot_platform.hubspot.reader import Unread
from hubspot_platform.hubspot.records import Records
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.lanes import Lane
from hubspot_platform.mirror import pipeline, sync

PAGE = 100


async def read_serially(
    transport: Transport,
    obj: ObjectType,
    properties: Sequence[str],
    *,
    archived: bool = False,
    limit: int | None = None,
    lane: Lane = Lane.BACKFILL,
) -> AsyncGenerator[Records, None]:
    """Stand in for `read_all`: the stock client, one API object, one page after the other.

    Pages are asked for in a thread, so that the baseline too writes one chunk while it reads the next.
    """
    policy = transport.policy
    client = HubSpot(access_token=policy.token.get_secret_value(), host=policy.base_url)
    api = getattr(client.crm, obj.plural).basic_api
    after: str | None = None
    left = limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        page = await asyncio.to_thread(
            api.get_page, limit=size, after=after, properties=list(properties), archived=archived
        )
        yield Records.of(map(_plain, page.results))
        left = None if left is None else left - len(page.results)
        if page.paging is None or page.paging.next is None:
            return
        after = page.paging.next.after


async def read_rest_serially(
    transport: Transport,
    obj: ObjectType,
    properties: Sequence[str],
    unread: Unread,
    *,
    archived: bool = False,
    lane: Lane = Lane.BACKFILL,
) -> AsyncGenerator[Records, None]:
    """Stand in for `read_rest` of a read that begins."""
    del unread
    async for page in read_serially(transport, obj, properties, archived=archived, lane=lane):
        yield page


def _plain(record: Any) -> dict[str, Any]:
    """Return the client's object as the JSON object it was made from."""
    document = {
        "id": record.id,
        "properties": record.properties,
        "createdAt": _text(record.created_at),
        "updatedAt": _text(record.updated_at),
        "archived": bool(record.archived),
    }
    if record.archived_at is not None:
        document["archivedAt"] = _text(record.archived_at)
    return document


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main() -> None:
    """Exchange the part and run the rest of the arguments as `hubspot-platform`."""
    parser = argparse.ArgumentParser(prog="benchmarks.variant")
    parser.add_argument("--reader", choices=["platform", "sdk"], default="platform")
    parser.add_argument("--chunk", type=int)
    parser.add_argument("--records-only", action="store_true")
    chosen, rest = parser.parse_known_args()
    if chosen.reader == "sdk":
        sync.read_all = read_serially
        sync.read_rest = read_rest_serially
    if chosen.records_only:
        CATALOGUE.update({name: dataclasses.replace(entry, associations=()) for name, entry in CATALOGUE.items()})
    if chosen.chunk is not None:
        pipeline.CHUNK_OBJECTS = chosen.chunk
    sys.argv = ["hubspot-platform", *rest]
    run()


if __name__ == "__main__":
    main()
