"""The list endpoint of one object, a page at a time, whatever the number of properties.

Used by the full reader only. When the property names do not fit a URL it lists ids and reads the values by
`batch/read`, whose property names travel in the body.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from hubspot_platform.hubspot.batch import HISTORY_BATCH, read_batch
from hubspot_platform.hubspot.catalogue import ObjectType
from hubspot_platform.hubspot.errors import CursorLoop, Invalid
from hubspot_platform.hubspot.names import history_of
from hubspot_platform.hubspot.records import HISTORY, Json, RecordPage, Records
from hubspot_platform.hubspot.transport import Transport, next_cursor, records_of
from hubspot_platform.lanes import Lane

PAGE = 100
HISTORY_PAGE = 50
LONGEST_QUERY = 8_000  # characters; HubSpot's edge answers 414 somewhere above
_URL_TOO_LONG = 414


class Listing:
    """Pages of one object (live records, or only archived ones) with fixed properties.

    A page that brings history along has at most 50 records. That is cheaper than reading history beside plain pages of
    100: HubSpot answers `batch/read` with history for 50 records a call as well.
    """

    def __init__(
        self, transport: Transport, obj: ObjectType, properties: Sequence[str], *, archived: bool, lane: Lane
    ) -> None:
        self.transport = transport
        self.obj = obj
        self.properties = properties
        self.archived = archived
        self.lane = lane
        self.path = transport.policy.path("objects", obj.path)
        self.what = f"GET {self.path}"
        self._history = history_of(properties)
        self._query = self._encode(properties, self._history)
        self._ids_only = len(self._query) > LONGEST_QUERY
        if self._ids_only:
            self._list_ids_only()

    @property
    def page_size(self) -> int:
        """The most records that HubSpot gives on a page of this list."""
        return HISTORY_PAGE if self._history and not self._ids_only else PAGE

    def _encode(self, properties: Sequence[str], history: Sequence[str] = ()) -> str:
        asked = {"properties": properties, HISTORY: history}
        names = {key: ",".join(listed) for key, listed in asked.items() if listed}
        return urlencode({"archived": str(self.archived).lower(), **names}, safe=",")

    def _list_ids_only(self) -> None:
        self._ids_only = True
        self._query = self._encode(("hs_object_id",))

    async def page(self, cursor: str, size: int = PAGE) -> tuple[Records, str | None]:
        """Return the records of one page, perhaps without their values, and the cursor of the next page."""
        size = min(size, self.page_size)
        after = f"&{urlencode({'after': cursor})}" if cursor else ""
        try:
            page = await self.transport.get_records(self.path, f"limit={size}&{self._query}{after}", lane=self.lane)
        except Invalid as error:
            if error.status != _URL_TOO_LONG or self._ids_only:
                raise
            self._list_ids_only()
            return await self.page(cursor, size)
        return records_of(page, self.what), next_cursor(page.rest)

    async def values(self, records: Records) -> Records:
        """Return the records with their values: they have them already unless the URL was too short."""
        if not self._ids_only or not records.ids:
            return records
        parts: list[Json] = []
        step = HISTORY_BATCH if self._history else len(records)
        for start in range(0, len(records), step):
            ids = records.ids[start : start + step]
            read = await read_batch(
                self.transport, self.obj, ids, self.properties, archived=self.archived, lane=self.lane
            )
            parts += read.records
        found = Records.of(parts)
        return replace(found, nameless=[*records.nameless, *found.nameless])

    async def walk(
        self, cursor: str = "", *, size: int = PAGE, seen: set[str] | None = None
    ) -> AsyncGenerator[tuple[Records, str | None], None]:
        """Follow one cursor to the end, yielding records with values and the next cursor.

        `size` is the first page's. `seen` holds the cursors of pages read before this walk; raises
        `CursorLoop` with the page's number, counted from 1, when one comes back.
        """
        visited = seen if seen is not None else set()
        while True:
            visited.add(cursor)
            records, following = await self.page(cursor, size)
            if following in visited:
                raise CursorLoop(self.what, page=len(visited), cursor=following or "")
            yield await self.values(records), following
            if following is None:
                return
            cursor, size = following, PAGE

    async def search_ids(self, body: Json) -> RecordPage:
        """Ask the search index about ids (never about values); one record, with the total."""
        request = {"limit": 1, "properties": ["hs_object_id"], **body}
        return await self.transport.search(f"{self.path}/search", request, lane=self.lane)
