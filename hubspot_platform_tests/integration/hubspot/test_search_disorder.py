"""A search index that does not sort as asked: the totals decide what is complete."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from pydantic import SecretStr

from hubspot_platform.hubspot.catalogue import CONTACT
from hubspot_platform.hubspot.errors import IncompleteSearch
from hubspot_platform.hubspot.policy import HubSpotPolicy
from hubspot_platform.hubspot.search import read_window
from hubspot_platform.hubspot.transport import Transport

START = datetime(2026, 1, 1, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
HOUR = timedelta(hours=1)


@dataclass
class DisorderedSearch:
    """Records are (id, epoch ms); `missing` ids are counted in totals but never shown, `shuffle` ignores the sort."""

    records: list[tuple[int, int]]
    shuffle: bool = True
    missing: set[int] = field(default_factory=set)
    url: str = ""

    async def search(self, request: web.Request) -> web.Response:
        body = await request.json()
        found = [r for r in self.records if all(_holds(r, f) for f in body["filterGroups"][0]["filters"])]
        start = int(body.get("after", 0))
        assert start + body["limit"] <= 10_000
        if self.shuffle:
            random.Random(len(found)).shuffle(found)
        else:
            found.sort()
        shown = [r for r in found if r[0] not in self.missing]
        page = shown[start : start + body["limit"]]
        answer: dict[str, object] = {
            "total": len(found),
            "results": [{"id": str(i), "properties": {}} for i, _ in page],
        }
        if start + body["limit"] < len(shown):
            answer["paging"] = {"next": {"after": str(start + body["limit"])}}
        return web.json_response(answer)


def _holds(record: tuple[int, int], condition: dict[str, str]) -> bool:
    value = record[0] if condition["propertyName"] == "hs_object_id" else record[1]
    low = int(condition["value"])
    match condition["operator"]:
        case "BETWEEN":
            return low <= value <= int(condition["highValue"])
        case "GT":
            return value > low
        case "LTE":
            return value <= low
    raise AssertionError(condition)


@asynccontextmanager
async def serve(search: DisorderedSearch) -> AsyncIterator[DisorderedSearch]:
    app = web.Application()
    app.add_routes([web.post("/crm/v3/objects/contacts/search", search.search)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        search.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield search
    finally:
        await runner.cleanup()


async def read_ids(search: DisorderedSearch) -> list[int]:
    async with serve(search), Transport(HubSpotPolicy(search.url, SecretStr("pat-test"))) as transport:
        pages = read_window(transport, CONTACT, ("email",), START, START + HOUR)
        return [int(r["id"]) async for page in pages for r in page]


async def test_a_shuffled_index_is_read_by_offset_until_the_total_is_there() -> None:
    records = [(n, START_MS + n) for n in range(1, 1_501)]
    assert sorted(set(await read_ids(DisorderedSearch(records)))) == [i for i, _ in records]


async def test_case_065_a_shuffled_instant_beyond_the_cap_is_divided_by_id() -> None:
    records = [(5_000_000_000 + 3 * n, START_MS) for n in range(12_000)]
    assert sorted(set(await read_ids(DisorderedSearch(records)))) == [i for i, _ in records]


async def test_case_064_records_that_never_show_make_the_window_incomplete() -> None:
    records = [(n, START_MS + n) for n in range(1, 701)]
    with pytest.raises(IncompleteSearch, match="699 of 700"):
        await read_ids(DisorderedSearch(records, shuffle=False, missing={350}))


async def test_a_record_that_leaves_the_window_while_it_is_read_does_not_fail_it() -> None:
    class Moving(DisorderedSearch):
        async def search(self, request: web.Request) -> web.Response:
            answer = await super().search(request)
            self.records = [r for r in self.records if r[0] != 650]
            return answer

    records = [(n, START_MS + n) for n in range(1, 701)]
    assert set(await read_ids(Moving(records, shuffle=False))) >= {i for i, _ in records} - {650}
