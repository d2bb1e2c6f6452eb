from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from hubspot_platform.hubspot.catalogue import COMPANY, CONTACT, DEAL
from hubspot_platform.hubspot.policy import HubSpotPolicy
from hubspot_platform.hubspot.reader import read_all
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.lanes import Bucket, Lane
from hubspot_platform_tests.integration.hubspot.conftest import Ledger
from hubspot_platform_tests.support.portal import Portal, portal

PolicyFor = Callable[..., HubSpotPolicy]
NAMES = ("email", "firstname", "lastname", "lastmodifieddate")


@pytest.fixture(scope="module")
def big_portal() -> Iterator[Portal]:
    with portal("contacts=6000,companies=50,deals=20,properties=20") as running:
        yield running


async def read(policy: HubSpotPolicy, *args: object, **options: object) -> list[dict]:
    async with Transport(policy) as transport:
        return [r async for page in read_all(transport, *args, **options) for r in page]  # type: ignore[arg-type]


async def test_every_live_record_comes_once_with_its_values(big_portal: Portal, policy_for: PolicyFor) -> None:
    records = await read(policy_for(big_portal.url), CONTACT, NAMES)
    stored = {r["id"]: r["properties"] for r in big_portal.dump("contacts", properties=NAMES)}
    assert len(records) == len(stored)
    assert {r["id"]: {n: r["properties"].get(n) for n in NAMES} for r in records} == {
        record_id: {n: values.get(n) for n in NAMES} for record_id, values in stored.items()
    }


async def test_case_071_archived_records_are_a_walk_of_their_own(big_portal: Portal, policy_for: PolicyFor) -> None:
    records = await read(policy_for(big_portal.url), CONTACT, NAMES, archived=True)
    assert sorted(r["id"] for r in records) == sorted(r["id"] for r in big_portal.dump("contacts", archived=True))
    assert records
    assert all(r["archived"] and r["archivedAt"] for r in records)


async def test_a_range_costs_a_call_at_most_and_is_two_pages_at_least(
    big_portal: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    records = await read(policy_for(big_portal.url), CONTACT, NAMES)
    pages = -(-len(records) // 100)
    listed = sum(bucket is Bucket.API for bucket, _ in ledger.granted)
    assert pages <= listed <= pages + pages // 2 + 8  # the eight first ranges are cut before anything is known
    assert len(ledger.granted) == listed + 1
    assert {lane for _, lane in ledger.granted} == {Lane.BACKFILL}


async def test_more_properties_than_a_url_holds_are_read_by_batch(
    big_portal: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    names = (*NAMES, *(f"a_property_with_a_rather_long_name_number_{n:04}" for n in range(200)))
    records = await read(policy_for(big_portal.url), CONTACT, names)
    stored = {r["id"]: r["properties"]["email"] for r in big_portal.dump("contacts", properties=("email",))}
    assert {r["id"]: r["properties"]["email"] for r in records} == stored


async def test_a_limited_read_stops_at_its_limit(big_portal: Portal, policy_for: PolicyFor, ledger: Ledger) -> None:
    assert len(await read(policy_for(big_portal.url), CONTACT, NAMES, limit=10)) == 10
    assert len(ledger.granted) == 1
    assert len(await read(policy_for(big_portal.url), CONTACT, NAMES, limit=250)) == 250
    assert await read(policy_for(big_portal.url), CONTACT, NAMES, limit=0) == []


async def test_case_068_an_empty_portal_is_read_in_one_call(policy_for: PolicyFor, ledger: Ledger) -> None:
    with portal("empty") as empty:
        assert await read(policy_for(empty.url), DEAL, ("dealname",)) == []
    assert len(ledger.granted) == 1


async def test_a_reader_closed_early_stops_calling(big_portal: Portal, policy_for: PolicyFor) -> None:
    async with Transport(policy_for(big_portal.url)) as transport:
        pages = read_all(transport, CONTACT, NAMES)
        for _ in range(8):
            await anext(pages)
        await pages.aclose()
        calls = transport.stats.calls
        await read(policy_for(big_portal.url), COMPANY, ("name",))
        assert transport.stats.calls == calls


async def test_a_slow_consumer_holds_the_reader_back(big_portal: Portal, policy_for: PolicyFor) -> None:
    async with Transport(replace(policy_for(big_portal.url), in_flight=4)) as transport:
        pages = read_all(transport, CONTACT, NAMES)
        for _ in range(6):
            await anext(pages)
        await read(policy_for(big_portal.url), COMPANY, ("name",))
        held = 2 * transport.policy.in_flight + transport.policy.in_flight + 10
        assert transport.stats.calls <= 6 + held
        await pages.aclose()
