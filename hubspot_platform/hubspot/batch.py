"""Reading records by id: `batch/read` with at most 100 inputs a call, whatever the number of properties.

The full reader and the search reader use it when a portal has too many properties for a URL or a search body.
"""

import logging
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from hubspot_platform.hubspot.catalogue import ObjectType, merged_ids
from hubspot_platform.hubspot.crew import Emit, side_by_side
from hubspot_platform.hubspot.names import history_of
from hubspot_platform.hubspot.records import HISTORY, Json, Records, record_id_of
from hubspot_platform.hubspot.transport import Transport, results_of
from hubspot_platform.lanes import Lane

logger = logging.getLogger(__name__)

BATCH = 100
HISTORY_BATCH = 50
_IN_FLIGHT = 4


@dataclass(frozen=True)
class BatchRead:
    """What a batch read gave: records, ids HubSpot says do not exist, and ids it did not answer at all.

    Records without an id are among the records.
    """

    records: list[Json]
    missing: tuple[int, ...] = ()
    unanswered: tuple[int, ...] = ()


async def read_batch(
    transport: Transport,
    obj: ObjectType,
    ids: Sequence[int],
    properties: Sequence[str],
    *,
    archived: bool = False,
    lane: Lane = Lane.SYNC,
) -> BatchRead:
    """Read at most 100 records by id, 50 where history is wanted; the answer may be in any order.

    `properties` may be `PropertyNames`, whose history is then read too.
    An id that HubSpot neither returns nor names in its errors is asked for once more. A merged id is answered
    by its survivor, under another id. Raises the errors of `hubspot.errors`; ids that do not exist are no
    error.
    """
    wanted = dict.fromkeys(ids)
    path = transport.policy.path("objects", obj.path, "batch", "read")
    asked = {"properties": [*dict.fromkeys((*properties, obj.merged_ids_property))]}
    if history := history_of(properties):
        asked[HISTORY] = list(history)
    records: dict[int, Json] = {}
    nameless: list[Json] = []
    missing: set[int] = set()
    for _ in range(2):
        body = {"inputs": [{"id": str(record_id)} for record_id in wanted], **asked}
        address = f"{path}?archived=true" if archived else path
        page = await transport.post_json(address, body, lane=lane)
        nameless.clear()
        for record in results_of(page, f"POST {path}"):
            record_id = record_id_of(record)
            if record_id is None:
                nameless.append(record)
                continue
            records[record_id] = record
            for answered in (record_id, *merged_ids(obj, record)):
                wanted.pop(answered, None)
        for absent in _named_in_errors(page):
            if absent in wanted:
                missing.add(absent)
                wanted.pop(absent)
        if not wanted:
            break
    if wanted:
        logger.warning("%d of %d %s were not answered by a batch read", len(wanted), len(ids), obj.plural)
    return BatchRead([*records.values(), *nameless], tuple(sorted(missing)), tuple(wanted))


async def read_ids(
    transport: Transport,
    obj: ObjectType,
    ids: Sequence[int],
    properties: Sequence[str],
    *,
    archived: bool = False,
    lane: Lane = Lane.BACKFILL,
) -> AsyncGenerator[Records, None]:
    """Yield the records of any number of ids, a batch at a time and in no order; ids that do not exist are left out.

    A merged id is answered by its survivor, under another id. `properties` as for `read_batch`.
    """
    size = HISTORY_BATCH if history_of(properties) else BATCH
    todo = [ids[start : start + size] for start in range(0, len(ids), size)]

    async def work(emit: Emit[Records]) -> None:
        while todo:
            found = await read_batch(transport, obj, todo.pop(), properties, archived=archived, lane=lane)
            await emit(Records.of(found.records))

    async with aclosing(side_by_side(min(_IN_FLIGHT, len(todo)), work, buffer=2 * _IN_FLIGHT)) as batches:
        async for records in batches:
            yield records


def _named_in_errors(page: Json) -> Iterable[int]:
    listed = page.get("errors")
    for error in listed if isinstance(listed, list) else []:
        context = error.get("context") if isinstance(error, dict) else None
        named = context.get("ids") if isinstance(context, dict) else None
        yield from (int(text) for text in named or [] if str(text).isdigit())
