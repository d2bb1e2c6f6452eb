"""How fast the sandbox is by itself: list pages fetched by a client that does nothing with them."""

import asyncio
import os
import re
import time
from typing import Any

import aiohttp

from benchmarks.bench import Bench
from benchmarks.results import Line, Outcome, median
from hubspot_platform_tests.support.portal import TOKEN, Portal

_PAGE = 100
_IN_FLIGHT = 8
_PAGING = 8_000  # bytes: the link to the next page names all properties
_AFTER = re.compile(rb'"after":"(\d+)"')


def sandbox_ceiling(bench: Bench) -> Outcome:
    """Fetch every list page several times, as many at once as the platform does, without parsing anything."""
    portal = bench.portal(bench.scale.contacts)
    names = [item["name"] for item in portal.api("GET", "/crm/v3/properties/contacts").json()["results"]]
    samples = [asyncio.run(_fetch_all(portal, names)) for _ in range(bench.samples or bench.scale.samples)]
    pages = median([sample["pages_per_second"] for sample in samples])
    return Outcome(
        [
            Line("sandbox-ceiling", "list pages a second, client without parsing", f"{pages:,.0f}"),
            Line("sandbox-ceiling", "records a second", f"{pages * _PAGE:,.0f}"),
        ],
        {"samples": samples},
    )


async def _fetch_all(portal: Portal, names: list[str]) -> dict[str, Any]:
    url = f"{portal.url}/crm/v3/objects/contacts?limit={_PAGE}&properties={','.join(names)}"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(headers=headers, read_bufsize=1 << 20) as session:

        async def fetch(cursor: str) -> bytes:
            async with session.get(f"{url}&after={cursor}" if cursor else url) as response:
                return await response.read()

        cursors = [""]
        while found := _AFTER.search((await fetch(cursors[-1]))[-_PAGING:]):
            cursors.append(found.group(1).decode())
        portal.reset_stats()
        load, began = os.getloadavg()[0], time.monotonic()
        waiting = iter(cursors)

        async def work() -> int:
            return sum([len(await fetch(cursor)) for cursor in waiting])

        received = sum(await asyncio.gather(*(work() for _ in range(_IN_FLIGHT))))
        seconds = time.monotonic() - began
    return {
        "pages": len(cursors),
        "bytes": received,
        "seconds": round(seconds, 3),
        "pages_per_second": round(len(cursors) / seconds, 1),
        "load_average_before": round(load, 2),
    }
