"""The log of marketing e-mail events (v1) and its campaigns, as HubSpot sends them.

HubSpot ends v1 in September 2027; `mirror.reference.email` knows of the log only what these three functions give.
"""

import math
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any

from hubspot_platform.hubspot.paging import offset_pages
from hubspot_platform.hubspot.records import Json
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.lanes import Lane

_EVENTS_PAGE, _CAMPAIGNS_PAGE = 1_000, 1_000


async def read_events(
    transport: Transport, start: datetime | None, end: datetime, *, lane: Lane
) -> AsyncGenerator[list[Json], None]:
    """Yield the events created in [start, end), newest first, up to 1,000 a page; a start of None is the beginning.

    Pages may repeat an event of the page before. Raises `hubspot.errors` (scope `content`).
    """
    path = transport.policy.path("email", "events")
    span = {"limit": _EVENTS_PAGE, "endTimestamp": math.ceil(end.timestamp() * 1000) - 1}  # HubSpot includes both ends
    if start is not None:
        span["startTimestamp"] = math.floor(start.timestamp() * 1000)

    async def ask(offset: Any) -> Json:
        return await transport.get_json(path, {**span, **({"offset": offset} if offset else {})}, lane=lane)

    async for page in offset_pages(ask, "events", f"GET {path}"):
        yield page


async def read_campaign_ids(transport: Transport) -> list[int]:
    """Return the id of every campaign."""
    path = transport.policy.path("email", "campaigns", "by-id")

    async def ask(offset: Any) -> Json:
        return await transport.get_json(path, {"limit": _CAMPAIGNS_PAGE, **({"offset": offset} if offset else {})})

    pages = offset_pages(ask, "campaigns", f"GET {path}")
    found = [str(campaign.get("id")) async for page in pages for campaign in page]
    return sorted({int(text) for text in found if text.isdecimal()})


async def read_campaign(transport: Transport, campaign_id: int) -> Json:
    """Return one campaign."""
    return await transport.get_json(transport.policy.path("email", "campaigns", str(campaign_id)))
