"""Whatever the list's cursors turn out to be, every record is read."""

from collections.abc import Callable

import pytest
from pydantic import SecretStr

from hubspot_platform.hubspot.catalogue import CONTACT
from hubspot_platform.hubspot.policy import HubSpotPolicy
from hubspot_platform.hubspot.reader import read_all
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform_tests.integration.hubspot.list_server import ListServer, serve

DENSE = list(range(1, 3_001))
SPARSE = [n * n * 1_000 + 17 for n in range(1, 3_001)]
TWO_CLUSTERS = [*range(1, 1_501), *range(10**13, 10**13 + 3 * 1_500, 3)]


async def read_ids(server: ListServer, properties: tuple[str, ...] = ("email",)) -> list[int]:
    async with Transport(HubSpotPolicy(server.url, SecretStr("pat-test"))) as transport:
        return [int(r["id"]) async for page in read_all(transport, CONTACT, properties) for r in page]


@pytest.mark.parametrize("ids", [DENSE, SPARSE, TWO_CLUSTERS], ids=["dense", "sparse", "two clusters"])
@pytest.mark.parametrize("kind", ["inclusive", "exclusive"])
async def test_id_cursors_divide_the_list_and_no_record_comes_twice(kind: str, ids: list[int]) -> None:
    async with serve(ListServer(ids, kind)) as server:
        assert sorted(await read_ids(server)) == ids


@pytest.mark.parametrize("kind", ["offset", "shuffled"])
async def test_other_cursors_are_followed_one_by_one(kind: str) -> None:
    async with serve(ListServer(SPARSE, kind)) as server:
        assert sorted(set(await read_ids(server))) == SPARSE


async def test_a_server_that_ends_ranges_early_is_found_out_and_read_with_one_cursor() -> None:
    def unknown(cursor: int) -> bool:
        return cursor != 0 and cursor not in known

    known = set(SPARSE)
    async with serve(ListServer(SPARSE, hang_early=unknown)) as server:
        assert set(await read_ids(server)) == known


async def test_without_search_the_list_is_read_with_one_cursor() -> None:
    async with serve(ListServer(SPARSE, search_works=False)) as server:
        assert await read_ids(server) == SPARSE


async def test_a_short_list_is_read_page_by_page() -> None:
    async with serve(ListServer(DENSE[:500])) as server:
        assert await read_ids(server) == DENSE[:500]
        assert (server.page_calls, server.searches) == (6, 1), "five pages, and a probe beside the search"


async def test_a_url_the_server_finds_too_long_becomes_ids_and_batch_reads() -> None:
    async with serve(ListServer(DENSE[:250], longest_url=200)) as server:
        names = tuple(f"property_number_{n}" for n in range(50))
        assert sorted(await read_ids(server, names)) == DENSE[:250]


async def test_records_created_during_the_walk_are_read() -> None:
    server = ListServer(list(SPARSE))
    created = SPARSE[-1] + 5

    async def read_and_create(create: Callable[[], None]) -> set[int]:
        async with Transport(HubSpotPolicy(server.url, SecretStr("pat-test"))) as transport:
            read = set()
            async for page in read_all(transport, CONTACT, ("email",)):
                read |= {int(r["id"]) for r in page}
                if len(read) > 2_000 and created not in server.ids:
                    create()
            return read

    async with serve(server):
        assert created in await read_and_create(lambda: server.ids.append(created))
