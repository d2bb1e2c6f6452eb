"""Following a cursor to the end where HubSpot gives one: used by the readers of everything that is no CRM object.

An empty page that names a next one is followed; a cursor that comes back raises `CursorLoop`.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

from hubspot_platform.hubspot.errors import CursorLoop, MalformedResponse, Refusal
from hubspot_platform.hubspot.records import Json
from hubspot_platform.hubspot.transport import Transport, next_cursor, results_of
from hubspot_platform.lanes import Lane


async def cursor_pages(
    transport: Transport, path: str, query: Mapping[str, object], *, lane: Lane = Lane.SYNC
) -> AsyncGenerator[list[Json], None]:
    """Yield the `results` of every page at `path`, following `paging.next.after`. Raises `hubspot.errors`."""
    what, seen = f"GET {path}", {""}
    cursor = ""
    while True:
        page = await transport.get_json(path, {**query, **({"after": cursor} if cursor else {})}, lane=lane)
        yield results_of(page, what)
        following = next_cursor(page)
        if following is None:
            return
        if following in seen:
            raise CursorLoop(what, page=len(seen), cursor=following)
        seen.add(following)
        cursor = following


async def offset_pages(
    ask: Callable[[Any], Awaitable[Json]], items: str, what: str
) -> AsyncGenerator[list[Json], None]:
    """Yield the list called `items` of every page, following `offset` while `hasMore` is true.

    `ask` gets the offset of the page, None for the first one.
    """
    seen: set[object] = set()
    offset: object = None
    while True:
        page = await ask(offset)
        found = page.get(items)
        if not isinstance(found, list):
            raise MalformedResponse(what, Refusal(message=f"the answer has no {items}"))
        yield found
        if not page.get("hasMore"):
            return
        seen.add(offset)
        offset = page.get("offset")
        if offset is None or offset in seen:
            raise CursorLoop(what, page=len(seen), cursor=str(offset))
