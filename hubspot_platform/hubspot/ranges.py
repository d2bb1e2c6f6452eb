"""Dividing the ids of an object among workers so that every id is read exactly once, whatever their
distribution.

Pure bookkeeping for the full reader: it is told which pages came and says what belongs to whom. A range can
be divided at any moment at any id; what its owner's page in flight brings beyond that point is left to the
new owner.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

PAGE = 100
SMALLEST_SHARE = 2 * PAGE  # records: fewer are not worth another worker
_PAGES_BETWEEN_SPLITS = 1  # so that dividing, which may cost half a page, stays a small part of the reading
# Ranges of this many records keep those that are read side by side close together: a chunk's ids lie in one part of
# the stored table, which is all that its merge then looks at. Every range costs about half a page more.
_RECORDS_IN_A_RANGE = 10_000


class NotInIdOrder(Exception):
    """The list does not run in id order from the cursor given: ids cannot divide it."""


@dataclass(frozen=True, order=True)
class Span:
    """The ids in [low, high): a page says with it which ids it has read for good."""

    low: int
    high: int


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the same ids as spans that neither touch nor overlap, lowest first."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.low <= merged[-1].high:
            merged[-1] = Span(merged[-1].low, max(merged[-1].high, span.high))
        elif span.low < span.high:
            merged.append(span)
    return merged


@dataclass(frozen=True)
class Taken:
    """The part of a page that is for the mirror, and the ids that it reads for good; None when that is not known."""

    own: slice
    covers: Span | None


@dataclass(eq=False)
class IdRange:
    """Ids in [low, high), `high` None at the open end; `cursor` asks for the next page.

    `begun` says that somebody reads it. `spacing` is how far apart the ids of the range lay that this one was cut from,
    until it has pages of its own.
    """

    low: int
    high: int | None = None
    cursor: int = 0
    begun: bool = False
    done: bool = False
    ended_by_server: bool = False
    pages_since_split: int = 0
    read: int = 0
    first_id: int | None = None
    last_id: int = 0
    spacing: float | None = None

    @property
    def position(self) -> int:
        """The lowest id not read yet."""
        return max(self.low, self.cursor)

    @property
    def ids_per_record(self) -> float | None:
        """How far apart the ids lie, as far as is known; None before there are two."""
        if self.first_id is None or self.read < 2:
            return self.spacing
        return max(1.0, (self.last_id - self.first_id) / (self.read - 1))


@dataclass
class RangePlan:
    """Who reads what. `inclusive` says whether a page asked for with cursor N may begin with id N itself.

    `ceiling` is the highest id known when the walk began and `total` the number of records to expect: hints
    for dividing, never limits. Without `total` the ceiling may be an id of another list. Ranges are never divided
    beyond the ceiling: what is created during the walk comes in the open end alone, which is read in its order.
    """

    inclusive: bool
    ceiling: int
    total: int | None = None
    ranges: list[IdRange] = field(default_factory=list)
    highest_seen: int = 0
    finished: list[IdRange] = field(default_factory=list)

    def start(self, low: int) -> IdRange:
        """Return the first range: everything from `low` on, open at the end."""
        first = IdRange(low=low, cursor=self.cursor_before(low))
        self.ranges.append(first)
        return first

    def spread(self, workers: int, *, sample: Sequence[int]) -> None:
        """Cut the first range evenly, into a part for every worker at least; `sample` are ids just before it and tell
        how dense they are.
        """
        first = self.ranges[0]
        span = self._ids_left(first)
        if self.total is not None and len(sample) > 1:
            span = min(span, self.total * (sample[-1] - sample[0]) // (len(sample) - 1))
        self._cut(first, span, max(workers, (self.total or 0) // _RECORDS_IN_A_RANGE))

    def _cut(self, share: IdRange, span: int, parts: int) -> list[IdRange]:
        """Cut the next `span` ids of a range evenly into parts; returns all but the first, lowest first."""
        start, new = share.position, []
        for part in range(1, parts):
            cut = self.divide(share, start + span * part // parts)
            if cut is not None:
                new.append(cut)
                share = cut
        return new

    def cursor_before(self, first_id: int) -> int:
        """Return the cursor whose page begins at `first_id`."""
        return first_id if self.inclusive else first_id - 1

    def _unread_from(self, share: IdRange) -> int:
        return max(share.low, share.cursor if self.inclusive else share.cursor + 1)

    def skip(self, spans: Iterable[Span]) -> None:
        """Take ids out that an earlier walk has read; the open end always stays."""
        for span in spans:
            self.ranges = [part for share in self.ranges for part in self._outside(share, span)]

    def _outside(self, share: IdRange, span: Span) -> list[IdRange]:
        if span.high <= share.low or (share.high is not None and span.low >= share.high):
            return [share]
        parts = [] if span.low <= share.low else [replace(share, high=span.low)]
        if share.high is None or span.high < share.high:
            parts.append(replace(share, low=span.high, cursor=self.cursor_before(span.high)))
        return parts

    def claim(self) -> IdRange | None:
        """Return the lowest range that nobody reads, if need be cut from one that is read; None when there is none."""
        waiting = [share for share in self.ranges if not share.begun] or self.steal()
        if not waiting:
            return None
        share = min(waiting, key=lambda one: one.low)
        share.begun = True
        return share

    def take(self, share: IdRange, ids: Sequence[int], following: int | None) -> Taken:
        """Note a page of `share`: what lies beyond it is for the ranges that follow, as far as nobody reads them.

        `ids` are the page's record ids, `following` its next cursor (None on the last page). Raises
        `NotInIdOrder` when the page contradicts id order.
        """
        low, floor = share.position, share.cursor if self.inclusive else share.cursor + 1
        in_order = all(a < b for a, b in pairwise(ids))
        if not in_order or (ids and ids[0] < floor):
            raise NotInIdOrder
        if following is not None and following <= share.cursor:
            raise NotInIdOrder
        start = bisect_left(ids, share.low)
        stop = self._note(share, ids, start, following)
        for neighbour in self._shown(share, following):
            if bisect_left(ids, self._unread_from(neighbour)) != stop:
                break  # records lie between that somebody reads or has read
            share, stop = neighbour, self._note(neighbour, ids, stop, following)
        if share.ended_by_server:  # what lies after the last record of the list may still come
            return Taken(slice(start, stop), Span(low, ids[stop - 1] + 1) if stop > start else None)
        end = share.high if share.done else self._unread_from(share)
        return Taken(slice(start, stop), None if end is None else Span(low, end))

    def _note(self, share: IdRange, ids: Sequence[int], start: int, following: int | None) -> int:
        """Move a range on by the page's ids from `start` on; returns where those of others begin."""
        stop = len(ids) if share.high is None else bisect_left(ids, share.high)
        self._count(share, ids[start:stop])
        beyond = share.high is not None and (
            stop < len(ids) or (following is not None and following >= self.cursor_before(share.high))
        )
        if following is None or beyond:
            share.ended_by_server = following is None and not beyond
            self._finish(share)
        else:
            share.cursor = following
        return stop

    def _shown(self, share: IdRange, following: int | None) -> list[IdRange]:
        """Return the ranges that nobody reads and whose beginning a page shows that went beyond `share`."""
        if not share.done or share.high is None or following is None:
            return []
        above = [one for one in self.ranges if not one.begun and share.high <= one.low]
        return sorted((one for one in above if one.cursor < following), key=lambda one: one.low)

    def _count(self, share: IdRange, own: Sequence[int]) -> None:
        share.pages_since_split += 1
        if not own:
            return
        share.read += len(own)
        share.first_id = own[0] if share.first_id is None else share.first_id
        share.last_id = own[-1]
        self.highest_seen = max(self.highest_seen, own[-1])
        if self.total is not None:
            self.total = max(0, self.total - len(own))

    def _finish(self, share: IdRange) -> None:
        share.done = True
        self.ranges.remove(share)
        self.finished.append(share)

    def _ids_left(self, share: IdRange) -> int:
        return max(0, (self.ceiling + 1 if share.high is None else share.high) - share.position)

    def records_left(self, share: IdRange) -> int:
        """Return how many records are thought to be left in `share`; 0 when nothing is known yet."""
        spacing = share.ids_per_record
        if spacing is None or share.pages_since_split < _PAGES_BETWEEN_SPLITS:
            return 0
        left = int(self._ids_left(share) / spacing)
        return left if self.total is None else min(left, self.total)

    def steal(self) -> list[IdRange]:
        """Cut the range with most records left and return its upper parts, lowest first; none when none is worth it.

        A long one becomes many, a short one two.
        """
        victim = max(self.ranges, key=self.records_left, default=None)
        left = 0 if victim is None else self.records_left(victim)
        if victim is None or left < 2 * SMALLEST_SHARE:
            return []
        # The ids of the records at the density seen so far: where ids thin out, those further on would hold nothing.
        span = min(self._ids_left(victim), int(left * (victim.ids_per_record or 1.0)))
        return self._cut(victim, span, max(2, left // _RECORDS_IN_A_RANGE))

    def divide(self, share: IdRange, at: int) -> IdRange | None:
        """Cut `share` at id `at` and return the new range from there on, or None when `at` is not ahead in
        it, or beyond the ceiling.
        """
        if share.done or at <= share.position or at > self.ceiling + 1:
            return None
        if share.high is not None and at >= share.high:
            return None
        new = IdRange(low=at, high=share.high, cursor=self.cursor_before(at), spacing=share.ids_per_record)
        share.high = at
        share.pages_since_split = 0
        self.ranges.append(new)
        return new

    def check_complete(self) -> None:
        """Raise `NotInIdOrder` when the server ended a range early although records existed beyond it."""
        highest = min(self.highest_seen, self.ceiling) if self.total is None else self.ceiling
        for share in self.finished:
            if share.ended_by_server and share.high is not None and share.high <= highest:
                raise NotInIdOrder

    @property
    def tail_needed(self) -> bool:
        """Whether the open end was reached before the rest: records created since are still to be read."""
        return bool(self.finished) and self.finished[-1].high is not None
