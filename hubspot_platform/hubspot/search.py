"""Reading what changed: the records whose last-modified time lies in a window, through the search endpoint.

The mirror calls `read_window` for every scheduled window and `count` to compare totals. Search shows at most
10,000 results a query and its order is not to be trusted blindly, so a window is divided and every part is
reconciled with the total HubSpot reports for it.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import pairwise

import orjson

from hubspot_platform.hubspot.batch import BATCH, read_batch
from hubspot_platform.hubspot.catalogue import ObjectType
from hubspot_platform.hubspot.crew import Emit, WorkList, side_by_side
from hubspot_platform.hubspot.errors import CursorLoop, IncompleteSearch, Unavailable
from hubspot_platform.hubspot.records import Json, RecordPage, Records
from hubspot_platform.hubspot.transport import Transport, next_cursor, records_of
from hubspot_platform.lanes import Lane

PAGE = 200
LARGEST_LEAF = 9_000  # results; the cap is 10,000 and the set may grow while it is read
LONGEST_BODY = 3_000  # characters of a search request, as documented
_IN_FLIGHT = 4  # the account has 5 searches a second
_PASSES = 5
_SAME_PAGE = 3  # an empty page may name itself as the next one; more often than this it never ends
_HIGHEST_ID = (1 << 53) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR_FUTURE = datetime(2100, 1, 1, tzinfo=UTC)
_EDGE_TIMEOUTS = (504, 524)
_NO_RECORDS = Records()


@dataclass(frozen=True)
class Region:
    """Records modified in [low, high] (inclusive epoch ms; `low` None is unbounded) with ids in (id_low,
    id_high].
    """

    low: int | None
    high: int
    id_low: int = 0
    id_high: int | None = None


def region_of(start: datetime | None, end: datetime) -> Region:
    """Return the region of the half-open window [start, end); HubSpot keeps whole milliseconds."""
    return Region(None if start is None else _ceil_ms(start), _ceil_ms(end) - 1)


def _ceil_ms(moment: datetime) -> int:
    return -((_EPOCH - moment) // timedelta(milliseconds=1))


def divide(region: Region, sample: Records = _NO_RECORDS) -> list[Region]:
    """Return the parts of a region, together the same records; [] for a region of a single id.

    `sample` are records of it and only a hint for where to cut: around the instant that most of them share,
    else half way in time, and within one millisecond at their middle id.
    """
    low = 0 if region.low is None else region.low
    if low < region.high:
        instants = Counter(_modified_ms(record) for record in sample)
        instant, times = instants.most_common(1)[0] if instants else (None, 0)
        if instant is not None and 2 * times > len(sample) and low <= instant <= region.high:
            cuts = [(region.low, instant - 1), (instant, instant), (instant + 1, region.high)]
            return [replace(region, low=a, high=b) for a, b in cuts if (0 if a is None else a) <= b]
        middle = (low + region.high) // 2
        return [replace(region, high=middle), replace(region, low=middle + 1)]
    id_high = _HIGHEST_ID if region.id_high is None else region.id_high
    if id_high - region.id_low < 2:
        return []
    ids = sorted(sample.ids)
    middle = ids[len(ids) // 2] if ids else (region.id_low + id_high) // 2
    middle = min(max(middle, region.id_low + 1), id_high - 1)
    return [replace(region, id_high=middle), replace(region, id_low=middle, id_high=id_high)]


def _modified_ms(record: Json) -> int | None:
    try:
        return _ceil_ms(datetime.fromisoformat(str(record.get("updatedAt"))))
    except (TypeError, ValueError):
        return None


class _Paging(Enum):
    """How paging a region by id ended."""

    COMPLETE = "complete"
    MOVED = "moved"
    DISORDERED = "disordered"


async def count(
    transport: Transport,
    obj: ObjectType,
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    lane: Lane = Lane.SYNC,
) -> int:
    """Return how many live records search shows, all of them or those modified in [start, end): one call."""
    search = _Search(transport, obj, (), lane)
    region = None if end is None and start is None else region_of(start, end or _FAR_FUTURE)
    page = await search.ask(region, limit=1)
    return total_of(page, search.what)


async def read_window(
    transport: Transport,
    obj: ObjectType,
    properties: Sequence[str],
    start: datetime | None,
    end: datetime,
    *,
    lane: Lane = Lane.SYNC,
) -> AsyncGenerator[Records, None]:
    """Yield the live records modified in [start, end) page by page, in no order; a record may come twice.

    `end` should lie behind HubSpot's present by the index lag. Raises the errors of `hubspot.errors`, among
    them `IncompleteSearch` when a part never gives as many records as its total says.
    """
    region = region_of(start, end)
    if region.low is not None and region.low > region.high:
        return
    search = _Search(transport, obj, properties, lane)
    todo = WorkList(region)

    async def work(emit: Emit[Records]) -> None:
        while (part := await todo.take()) is not None:
            await todo.finish(await search.read(part, emit))

    async with aclosing(side_by_side(_IN_FLIGHT, work, buffer=2 * _IN_FLIGHT)) as pages:
        async for records in pages:
            yield records


def total_of(page: RecordPage, what: str) -> int:
    """Return a search page's `total`; raises `IncompleteSearch` when it has none."""
    total = page.rest.get("total")
    if not isinstance(total, int):
        raise IncompleteSearch(f"{what}: the answer has no total")
    return total


def in_order(ids: Sequence[int], after: int) -> bool:
    """Return whether `ids` strictly ascend and all lie above `after`."""
    return (not ids or ids[0] > after) and all(a < b for a, b in pairwise(ids))


class _Search:
    """The search endpoint of one object with fixed properties."""

    def __init__(self, transport: Transport, obj: ObjectType, properties: Sequence[str], lane: Lane) -> None:
        self.transport = transport
        self.obj = obj
        self.properties = properties
        self.lane = lane
        self.path = transport.policy.path("objects", obj.path, "search")
        self.what = f"POST {self.path}"
        self._names: Sequence[str] = properties
        longest = Region(_HIGHEST_ID, _HIGHEST_ID, _HIGHEST_ID, _HIGHEST_ID)
        if len(orjson.dumps(self._body(longest, PAGE, 0))) > LONGEST_BODY:
            self._names = ("hs_object_id",)

    async def read(self, region: Region, emit: Emit[Records]) -> list[Region]:
        """Read a region whole, or return its parts when it is too large for one query."""
        try:
            page = await self.ask(region)
        except Unavailable as error:
            parts = divide(region) if error.status in _EDGE_TIMEOUTS else []
            if not parts:
                raise
            return parts
        for _ in range(2):
            too_large = total_of(page, self.what) > LARGEST_LEAF
            if too_large and region.low != region.high:
                return divide(region, records_of(page, self.what))
            ended = await self._by_id(region, page, emit)
            if ended is _Paging.COMPLETE:
                return []
            if ended is _Paging.DISORDERED:
                if too_large:
                    return divide(region, records_of(page, self.what))
                break
            page = await self.ask(region)
        await self._by_offset(region, emit)
        return []

    async def _by_id(self, region: Region, page: RecordPage, emit: Emit[Records]) -> _Paging:
        """Page by id from the first page on, as long as order and totals hold."""
        last = region.id_low
        expected = 0
        while True:
            records, total = records_of(page, self.what), total_of(page, self.what)
            shown = len(records) + len(records.nameless)
            if not in_order(records.ids, last) or (total and not records.ids):
                return _Paging.DISORDERED
            if total < expected:
                return _Paging.MOVED
            await self._emit(records, emit)
            if total <= shown:
                return _Paging.COMPLETE
            # A record without an id may lie behind the last one that has one, and is then shown again.
            last, expected = records.ids[-1], total - shown
            page = await self.ask(replace(region, id_low=last))

    async def _by_offset(self, region: Region, emit: Emit[Records]) -> None:
        """Page by offset, whatever the order, until as many different records came as the total says."""
        seen: set[int] = set()
        nameless: set[bytes] = set()
        total = 0
        for attempt in range(_PASSES):
            cursor: str | None = "0"
            asked: dict[str, int] = {}
            while cursor is not None and int(cursor) + PAGE <= 10_000:
                asked[cursor] = asked.get(cursor, 0) + 1
                if asked[cursor] > _SAME_PAGE:
                    raise CursorLoop(self.what, page=len(asked), cursor=cursor)
                page = await self.ask(region, offset=int(cursor), descending=attempt % 2 == 1)
                total = total_of(page, self.what)
                found = records_of(page, self.what)
                unnamed = [text for text in found.nameless if text not in nameless]
                fresh = replace(found.without(seen), nameless=unnamed)
                seen.update(fresh.ids)
                nameless.update(unnamed)
                await self._emit(fresh, emit)
                cursor = next_cursor(page.rest)
            if len(seen) + len(nameless) >= total:
                return
        raise IncompleteSearch(
            f"{self.what}: {len(seen) + len(nameless)} of {total} records after {_PASSES} passes",
            mend="the window was not completed and is read again by the next run",
        )

    async def _emit(self, records: Records, emit: Emit[Records]) -> None:
        if not records:
            return
        if self._names is self.properties:
            await emit(records)
            return
        if records.nameless:
            await emit(Records(nameless=records.nameless))
        for start in range(0, len(records), BATCH):
            ids = records.ids[start : start + BATCH]
            # A plain list of names: history comes 50 records at a time, and only once for a record that is met twice.
            read = await read_batch(self.transport, self.obj, ids, list(self.properties), lane=self.lane)
            await emit(Records.of(read.records))

    async def ask(
        self, region: Region | None, *, limit: int = PAGE, offset: int = 0, descending: bool = False
    ) -> RecordPage:
        """Return one page of a region, sorted by id."""
        body = self._body(region, limit, offset, descending=descending)
        return await self.transport.search(self.path, body, lane=self.lane)

    def _body(self, region: Region | None, limit: int, offset: int, *, descending: bool = False) -> Json:
        filters = [] if region is None else _filters(region, self.obj.modified_property)
        direction = "DESCENDING" if descending else "ASCENDING"
        return {
            "filterGroups": [{"filters": filters}] if filters else [],
            "sorts": [{"propertyName": "hs_object_id", "direction": direction}],
            "properties": list(self._names),
            "limit": limit,
            **({"after": str(offset)} if offset else {}),
        }


def _filters(region: Region, modified: str) -> list[Json]:
    if region.low is None:
        time: Json = {"propertyName": modified, "operator": "LTE", "value": str(region.high)}
    else:
        bounds = {"value": str(region.low), "highValue": str(region.high)}
        time = {"propertyName": modified, "operator": "BETWEEN", **bounds}
    filters = [time]
    if region.id_low:
        filters.append({"propertyName": "hs_object_id", "operator": "GT", "value": str(region.id_low)})
    if region.id_high is not None:
        filters.append({"propertyName": "hs_object_id", "operator": "LTE", "value": str(region.id_high)})
    return filters
