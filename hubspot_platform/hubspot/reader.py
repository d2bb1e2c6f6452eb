"""Reading every record of an object through the list endpoint, several id ranges side by side.

The mirror calls `read_all` for full loads, archived records and `--limit`. The list is complete and fresh,
unlike search; its cursor is in practice the next record's id, which is probed before it is relied on.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import pairwise

from hubspot_platform.hubspot.catalogue import ObjectType
from hubspot_platform.hubspot.crew import Emit, side_by_side
from hubspot_platform.hubspot.errors import HubSpotError, Invalid, Unauthorized
from hubspot_platform.hubspot.listing import PAGE, Listing
from hubspot_platform.hubspot.ranges import IdRange, NotInIdOrder, RangePlan, Span
from hubspot_platform.hubspot.records import Records
from hubspot_platform.hubspot.transport import Transport, records_of
from hubspot_platform.lanes import Lane

logger = logging.getLogger(__name__)

Pages = AsyncGenerator[Records, None]

_LEAD_IN_PAGES = 2  # of archived records, which are few in most portals
_SHORT_LIST = 1_000  # records: not worth probe and ranges


async def read_all(
    transport: Transport,
    obj: ObjectType,
    properties: Sequence[str],
    *,
    archived: bool = False,
    limit: int | None = None,
    lane: Lane = Lane.BACKFILL,
) -> Pages:
    """Yield every record of `obj` (live, or only archived ones) in pages of at most 100, in no order.

    Records created during the walk are read too; a record may come twice. `limit` stops after that many
    records. At most `policy.in_flight` calls run at once. Raises the errors of `hubspot.errors`; `CursorLoop`
    names the page whose cursor came back.
    """
    listing = Listing(transport, obj, properties, archived=archived, lane=lane)
    stream = _read_everything(listing, Unread()) if limit is None else _read_some(listing, limit)
    async with aclosing(stream) as pages:
        async for records in pages:
            if records:
                yield records


@dataclass(frozen=True)
class IdOrder:
    """That cursors are ids: whether the page of a cursor may begin with that very id, and the highest id known."""

    inclusive: bool
    newest: int


@dataclass
class Unread:
    """What is left of a walk that was broken off: `done` are the ids read before.

    `void` becomes true when ids turn out not to divide the list: everything is read, and what pages said they cover
    does not count. `order` is what is known of the cursors; a walk that has to find out leaves it here. `total` is how
    many records search shows, when the caller has just asked.
    """

    done: Sequence[Span] = field(default_factory=tuple)
    void: bool = False
    order: IdOrder | None = None
    total: int | None = None


async def read_rest(
    transport: Transport,
    obj: ObjectType,
    properties: Sequence[str],
    unread: Unread,
    *,
    archived: bool = False,
    lane: Lane = Lane.BACKFILL,
) -> Pages:
    """Yield every record of `obj` whose id is not done, and perhaps some that are; see `read_all`.

    `covers` of a page says which ids it reads for good, so that another walk can go on after them.
    """
    listing = Listing(transport, obj, properties, archived=archived, lane=lane)
    async with aclosing(_read_everything(listing, unread)) as pages:
        async for records in pages:
            if records:
                yield records


async def _read_some(listing: Listing, limit: int) -> Pages:
    left = limit
    async with aclosing(listing.walk(size=max(1, min(PAGE, limit)))) as pages:
        async for records, _ in pages:
            yield records.part(slice(0, left))
            left -= len(records)
            if left <= 0:
                return


async def _read_everything(listing: Listing, unread: Unread) -> Pages:
    """Lead in page by page; then ranges side by side, or one cursor when ids do not divide the list."""
    first: _FirstPage | None = None
    seen: set[str] = set()
    following: str | None = None
    lead_in = _LEAD_IN_PAGES if listing.archived and unread.order is None else 1
    async with aclosing(listing.walk(seen=seen)) as pages:
        async for records, cursor in pages:
            following = cursor
            if first is None and records.ids and following is not None:
                first = _FirstPage(records.ids, following)
            yield records
            if len(seen) == lead_in:
                break
    if following is None:
        return
    walk = None if first is None else await _plan_walk(listing, first, following, unread)
    if walk is not None:
        walk.leave_out(unread.done)
        in_flight = listing.transport.policy.in_flight
        try:
            async with aclosing(side_by_side(in_flight, walk.work, buffer=2 * in_flight)) as stream:
                async for records in stream:
                    yield records
            async with aclosing(walk.tail()) as newest:
                async for records in newest:
                    yield records
        except NotInIdOrder:
            logger.warning("%s are not listed in id order: reading with one cursor", listing.obj.plural)
            seen, following = set(), ""
            unread.void = True
        else:
            return
    async with aclosing(listing.walk(following, seen=seen)) as rest:
        async for records, _ in rest:
            yield records


@dataclass(frozen=True)
class _FirstPage:
    """The ids of a list's first page and the cursor it led to."""

    ids: Sequence[int]
    following: str

    @property
    def inclusive(self) -> bool | None:
        """Whether the cursor is the next id (else it is the last one read); None when it is neither."""
        ascending = len(self.ids) > 2 and all(a < b for a, b in pairwise(self.ids))
        if not ascending or not self.following.isdigit() or int(self.following) < self.ids[-1]:
            return None
        return int(self.following) > self.ids[-1]

    def probe(self) -> tuple[int, int]:
        """Return a cursor of our own, best an id that does not exist, and the id its page should begin with."""
        half = len(self.ids) // 2
        for before, after in pairwise(self.ids[half - 1 :]):
            if after > before + 1:
                return before + 1, after
        return self.ids[half], self.ids[half if self.inclusive else half + 1]


async def _plan_walk(listing: Listing, first: _FirstPage, cursor: str, unread: Unread) -> "_Walk | None":
    """Return a parallel walk from `cursor` on, or None when ids cannot divide the list or it is short."""
    if not cursor.isdigit() or not listing.obj.searchable:
        return None
    total: int | None = None
    if unread.order is None or not listing.archived:
        try:
            unread.order, total = await _find_order(listing, first, unread.total)
        except Unauthorized:
            raise
        except HubSpotError as error:
            logger.warning("cannot divide the list of %s, reading with one cursor: %s", listing.obj.plural, error)
    if unread.order is None:
        return None
    inclusive = unread.order.inclusive
    plan = RangePlan(inclusive, ceiling=unread.order.newest, total=None if total is None else total - len(first.ids))
    plan.start(int(cursor) if inclusive else int(cursor) + 1)
    plan.spread(listing.transport.policy.in_flight, sample=first.ids)
    return _Walk(listing, plan)


async def _find_order(listing: Listing, first: _FirstPage, total: int | None) -> tuple[IdOrder | None, int | None]:
    """Ask whether ids divide the list (None: they do not, or it is short) and how many records it has (None: unknown).

    Search never shows archived records, so its total and highest id mean little for their list.
    """
    inclusive = first.inclusive
    if inclusive is None or (total is not None and total <= _SHORT_LIST and not listing.archived):
        return None, None
    newest_first = {"sorts": [{"propertyName": "hs_object_id", "direction": "DESCENDING"}]}
    page, is_id = await asyncio.gather(listing.search_ids(newest_first), _cursor_is_id(listing, first))
    newest, total = records_of(page, listing.what), int(page.rest.get("total", 0))
    if not newest.ids or not is_id or (total <= _SHORT_LIST and not listing.archived):
        return None, None
    return IdOrder(inclusive, newest.ids[0]), None if listing.archived else total


async def _cursor_is_id(listing: Listing, first: _FirstPage) -> bool:
    """Ask for a page with a cursor of our own and return whether it begins where ids say."""
    guess, expected = first.probe()
    probed, _ = await listing.page(str(guess), size=10)
    return bool(probed.ids) and min(probed.ids) >= expected and not set(first.ids).isdisjoint(probed.ids)


class _Walk:
    """Ranges of one list being read side by side; an idle worker divides the range with most left."""

    def __init__(self, listing: Listing, plan: RangePlan) -> None:
        self.listing = listing
        self.plan = plan
        self._first = plan.ranges[0]
        self._changed = asyncio.Condition()

    def leave_out(self, done: Sequence[Span]) -> None:
        """Leave out the ids that were read before; to be called before the work begins."""
        self.plan.skip(done)

    async def work(self, emit: Emit[Records]) -> None:
        """Read ranges until none is left: one worker of the crew."""
        while (share := await self._claim()) is not None:
            made_up = share is not self._first
            while not share.done:
                records = await self._page(share, made_up=made_up)
                made_up = False
                async with self._changed:
                    self._changed.notify_all()
                await emit((await self.listing.values(records)).covering(records.covers))

    async def tail(self) -> Pages:
        """Check the walk and read what was created after the open end had been reached."""
        self.plan.check_complete()
        if self.plan.tail_needed:
            cursor = str(self.plan.cursor_before(self.plan.highest_seen + 1))
            async with aclosing(self.listing.walk(cursor)) as pages:
                async for records, _ in pages:
                    yield records

    async def _page(self, share: IdRange, *, made_up: bool) -> Records:
        try:
            records, following = await self.listing.page(str(share.cursor))
        except Invalid as error:
            if made_up:  # a server may refuse a cursor it did not give
                raise NotInIdOrder from error
            raise
        if following is not None and not following.isdigit():
            raise NotInIdOrder
        taken = self.plan.take(share, records.ids, None if following is None else int(following))
        return records.part(taken.own).covering(taken.covers)

    async def _claim(self) -> IdRange | None:
        """Return a range to read, waiting while nothing can be divided; None when the walk is over."""
        async with self._changed:
            while self.plan.ranges:
                if (share := self.plan.claim()) is not None:
                    self._changed.notify_all()  # what else was cut is for those who wait
                    return share
                await self._changed.wait()
            return None
