"""Lists (segments) and who is in them, as HubSpot sends them; called by `mirror.reference.lists`."""

from collections.abc import AsyncGenerator
from typing import Any

from hubspot_platform.hubspot.paging import cursor_pages, offset_pages
from hubspot_platform.hubspot.records import Json
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.lanes import Lane

SIZE, LAST_ADDED, LAST_REMOVED = "hs_list_size", "hs_last_record_added_at", "hs_last_record_removed_at"
_LISTS_PAGE, _MEMBERS_PAGE = 500, 250


async def read_lists(transport: Transport) -> list[Json]:
    """Return every live list of every object type, with size and last changes under `additionalProperties`."""
    path = transport.policy.path("lists", "search")

    async def ask(offset: Any) -> Json:
        body = {"offset": offset or 0, "count": _LISTS_PAGE, "additionalProperties": [SIZE, LAST_ADDED, LAST_REMOVED]}
        return await transport.post_json(path, body)

    found = [item async for page in offset_pages(ask, "lists", f"POST {path}") for item in page]
    # A list made meanwhile moves the others along, and one of them comes twice.
    return list({str(item.get("listId")): item for item in found}.values())


async def read_members(transport: Transport, list_id: int, *, lane: Lane) -> AsyncGenerator[list[Json], None]:
    """Yield the members of a list in record order, 250 a page: `{recordId, membershipTimestamp}`."""
    path = transport.policy.path("lists", str(list_id), "memberships")
    async for page in cursor_pages(transport, path, {"limit": _MEMBERS_PAGE}, lane=lane):
        yield page
