"""Marketing e-mail: campaigns, and the log of what happened to every message, each kind of event in its own table.

The log is read in windows of creation time, oldest first and several side by side. A window counts as complete once
its events and those of all windows before it are durable, so a read that was killed goes on where it was.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from hubspot_platform.commit_points import reached
from hubspot_platform.hubspot import email_events
from hubspot_platform.hubspot.crew import Emit, side_by_side
from hubspot_platform.hubspot.errors import NotFound
from hubspot_platform.hubspot.records import Json
from hubspot_platform.lanes import Lane
from hubspot_platform.mirror.plan import READ_AHEAD
from hubspot_platform.mirror.reference.email_tables import EMAIL_CAMPAIGN, EMAIL_EVENT, EVENT_TABLES
from hubspot_platform.mirror.reference.reading import Reading
from hubspot_platform.state.windows import Window
from hubspot_platform.warehouse.model import Table

SLICE = timedelta(days=1)
RETENTION = timedelta(days=90)  # what is older is seldom there any more, and is read as one window
_AT_ONCE, _PAGES_WAITING = 6, 4
_CHUNK_EVENTS = 5_000  # every event is two rows, and as JSON several times as large

_LINKS = {"caused_by": "causedBy", "obsoleted_by": "obsoletedBy", "sent_by": "sentBy"}


async def read_campaigns(reading: Reading) -> None:
    """Read every campaign, one call each."""
    waiting = iter(await email_events.read_campaign_ids(reading.transport))

    async def work(emit: Emit[Json]) -> None:
        for campaign_id in waiting:
            try:
                await emit(await email_events.read_campaign(reading.transport, campaign_id))
            except NotFound:
                continue  # deleted since it was listed

    async with aclosing(side_by_side(_AT_ONCE, work, buffer=_PAGES_WAITING)) as campaigns:
        rows = [_fields(EMAIL_CAMPAIGN, found) async for found in campaigns]
    await reading.replace([(EMAIL_CAMPAIGN, rows)])


async def read_events(reading: Reading) -> datetime:
    """Read the events since the last read, with the usual overlap; returns until when the log is complete."""
    await reading.merge([(table, []) for table in (EMAIL_EVENT, *EVENT_TABLES.values())])
    business = reading.platform.business
    known = reading.progress.watermark
    slices = list(day_windows(None if known is None else known - business.overlap, reading.now + READ_AHEAD))
    settled = reading.now - business.search_lag
    done = Finished(slices)
    waiting = iter(enumerate(slices))
    lane = Lane.BACKFILL if known is None else Lane.SYNC

    async def work(emit: Emit[tuple[int, list[Json] | None]]) -> None:
        for number, span in waiting:
            async with aclosing(email_events.read_events(reading.transport, span.start, span.end, lane=lane)) as pages:
                async for page in pages:
                    reached("sync.page_read")
                    await emit((number, page))
            await emit((number, None))

    chunk: list[Json] = []
    async with aclosing(side_by_side(_AT_ONCE, work, buffer=_PAGES_WAITING)) as pages:
        async for number, page in pages:
            if page is None:
                done.read(number)
                continue
            chunk += page
            if len(chunk) >= _CHUNK_EVENTS:
                await _write(reading, chunk)
                chunk = []
                await _complete(reading, done, settled)
    await _write(reading, chunk)
    return settled


def day_windows(start: datetime | None, end: datetime) -> Iterator[Window]:
    """Cut [start, end) into windows of a day, oldest first; without a start the first one holds all that is old."""
    if start is None:
        start = end - RETENTION
        yield Window(None, start)
    while start < end:
        following = min(start + SLICE, end)
        yield Window(start, following)
        start = following


@dataclass
class Finished:
    """Which windows are read; `complete` names what is complete once everything read so far is written."""

    slices: Sequence[Window]
    unread: set[int] = field(init=False)
    reached: int = 0

    def __post_init__(self) -> None:
        self.unread = set(range(len(self.slices)))

    def read(self, number: int) -> None:
        """Note that all pages of a window were handed out."""
        self.unread.discard(number)

    def complete(self, until: datetime) -> Window | None:
        """Return the windows read since the last call without a gap before them, as one that ends by `until`."""
        first, self.reached = self.reached, min(self.unread, default=len(self.slices))
        if first == self.reached:
            return None
        start, end = self.slices[first].start, min(self.slices[self.reached - 1].end, until)
        return Window(start, end) if start is None or start < end else None


async def _complete(reading: Reading, done: Finished, settled: datetime) -> None:
    window = done.complete(settled)
    if window is not None:
        await reading.complete(window)


async def _write(reading: Reading, events: Sequence[Json]) -> None:
    """Store events; one that came twice is one row."""
    by_table: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        by_table[EMAIL_EVENT.name].append(event_row(event))
        table = EVENT_TABLES.get(str(event.get("type")))
        if table is not None:
            by_table[table.name].append(detail_row(event))
    tables = {table.name: table for table in (EMAIL_EVENT, *EVENT_TABLES.values())}
    await reading.merge([(tables[name], rows) for name, rows in by_table.items()])


def event_row(event: Json) -> dict[str, Any]:
    """Return the row of `email_event` of an event as HubSpot sends it."""
    row = _fields(EMAIL_EVENT, event)
    for column, name in _LINKS.items():
        link = event.get(name)
        known: Mapping[str, Any] = link if isinstance(link, dict) else {}
        row[f"{column}_id"], row[f"{column}_created"] = known.get("id"), known.get("created")
    if event.get("type") == "SENT" and row["sent_by_id"] is None:
        # models join all events of a message, its sending too, by one id
        row["sent_by_id"], row["sent_by_created"] = row["id"], row["created"]
    return row


def detail_row(event: Json) -> dict[str, Any]:
    """Return the row of the table of the event's own kind."""
    return _fields(EVENT_TABLES[str(event["type"])], event)


def _fields(table: Table, source: Json) -> dict[str, Any]:
    """Return a row by the table's own names: `user_agent` is HubSpot's `userAgent`, and so on."""
    return {column: source.get(_camel(column)) for column in table.column_names if not column.startswith("_")}


@lru_cache
def _camel(column: str) -> str:
    first, *others = column.split("_")
    return first + "".join(map(str.capitalize, others))
