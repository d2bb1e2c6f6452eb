from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from hubspot_platform.hubspot.catalogue import CONTACT
from hubspot_platform.hubspot.policy import HubSpotPolicy
from hubspot_platform.hubspot.search import LARGEST_LEAF, count, read_window
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.lanes import Bucket, Lane
from hubspot_platform_tests.integration.hubspot.conftest import Ledger
from hubspot_platform_tests.support.portal import Portal, portal

PolicyFor = Callable[..., HubSpotPolicy]
NAMES = ("email", "lastmodifieddate")
HOUR = timedelta(hours=1)
# Long after everything a fresh portal holds.
MONTHLY_JOB = datetime(2031, 1, 1, 3, tzinfo=UTC)
EDITS = datetime(2031, 2, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def big_portal() -> Iterator[Portal]:
    with portal("contacts=32000,companies=20,deals=20,properties=20") as running:
        running.change("contacts", "stamp", first=30_000, at=MONTHLY_JOB.isoformat())
        yield running


async def window(
    policy: HubSpotPolicy, start: datetime | None, end: datetime, names: tuple[str, ...] = NAMES
) -> list[dict]:
    async with Transport(policy) as transport:
        return [r async for page in read_window(transport, CONTACT, names, start, end) for r in page]


def modified_in(running: Portal, start: datetime, end: datetime) -> list[str]:
    dumped = running.dump("contacts", properties=("lastmodifieddate",))
    return sorted(r["id"] for r in dumped if start <= datetime.fromisoformat(r["updatedAt"]) < end)


async def test_a_thousand_changes_are_five_searches_and_nothing_else(
    big_portal: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    changed = [r["id"] for r in big_portal.dump("contacts")[-1_000:]]
    big_portal.change("contacts", "stamp", ids=changed, at=EDITS.isoformat())
    records = await window(policy_for(big_portal.url), EDITS - HOUR, EDITS + HOUR)
    assert sorted(r["id"] for r in records) == sorted(changed)
    assert all(set(r["properties"]) >= set(NAMES) for r in records)
    assert ledger.granted == [(Bucket.SEARCH, Lane.SYNC)] * 5


async def test_a_window_is_half_open_to_the_millisecond(big_portal: Portal, policy_for: PolicyFor) -> None:
    edge = datetime(2031, 3, 1, tzinfo=UTC)
    ids = [r["id"] for r in big_portal.dump("contacts")[-3:]]
    for record_id, shift in zip(ids, (-1, 0, 1), strict=True):
        at = edge + timedelta(milliseconds=shift)
        big_portal.change("contacts", "stamp", ids=[record_id], at=at.isoformat())
    policy = policy_for(big_portal.url)
    before = await window(policy, edge - HOUR, edge)
    after = await window(policy, edge, edge + HOUR)
    assert [r["id"] for r in before] == ids[:1]
    assert sorted(r["id"] for r in after) == sorted(ids[1:])


async def test_case_065_thirty_thousand_records_of_one_instant_come_whole_and_end(
    big_portal: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    records = await window(policy_for(big_portal.url), MONTHLY_JOB - HOUR, MONTHLY_JOB + HOUR)
    expected = modified_in(big_portal, MONTHLY_JOB - HOUR, MONTHLY_JOB + HOUR)
    assert len(expected) > 25_000
    assert sorted(r["id"] for r in records) == expected
    assert len(ledger.granted) <= len(expected) // 200 + 5


async def test_case_064_a_window_over_the_cap_is_divided_until_every_part_fits(
    policy_for: PolicyFor,
) -> None:
    with portal("contacts=9500,companies=0,deals=0,properties=20") as busy:
        everything = await window(policy_for(busy.url), None, datetime(2032, 1, 1, tzinfo=UTC))
        stored = sorted(r["id"] for r in busy.dump("contacts"))
    assert len(stored) > LARGEST_LEAF
    assert sorted(r["id"] for r in everything) == stored


async def test_case_067_a_record_the_index_does_not_show_yet_is_not_in_the_window_and_comes_with_the_next_read(
    big_portal: Portal, policy_for: PolicyFor
) -> None:
    at = datetime(2031, 4, 1, tzinfo=UTC)
    record_id = big_portal.dump("contacts")[0]["id"]
    big_portal.admin("search", {"lag": 600})
    try:
        big_portal.change("contacts", "stamp", ids=[record_id], at=at.isoformat())
        assert await window(policy_for(big_portal.url), at - HOUR, at + HOUR) == []
    finally:
        big_portal.admin("search", {"lag": 0})
    assert [r["id"] for r in await window(policy_for(big_portal.url), at - HOUR, at + HOUR)] == [record_id]


async def test_more_properties_than_a_search_body_holds_are_read_by_batch(
    big_portal: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    at = datetime(2031, 5, 1, tzinfo=UTC)
    stored = {r["id"]: r["properties"]["email"] for r in big_portal.dump("contacts", properties=("email",))[:300]}
    big_portal.change("contacts", "stamp", ids=list(stored), at=at.isoformat())
    names = (*NAMES, *(f"a_property_with_a_rather_long_name_number_{n:04}" for n in range(80)))
    records = await window(policy_for(big_portal.url), at, at + HOUR, names)
    assert {r["id"]: r["properties"]["email"] for r in records} == stored
    assert sum(bucket is Bucket.API for bucket, _ in ledger.granted) == 3


async def test_counts_are_one_call(big_portal: Portal, policy_for: PolicyFor, ledger: Ledger) -> None:
    async with Transport(policy_for(big_portal.url)) as transport:
        assert await count(transport, CONTACT) == len(big_portal.dump("contacts"))
        instant = await count(transport, CONTACT, MONTHLY_JOB, MONTHLY_JOB + timedelta(milliseconds=1))
        assert instant == len(modified_in(big_portal, MONTHLY_JOB, MONTHLY_JOB + HOUR))
    assert len(ledger.granted) == 2


async def test_an_empty_window_costs_one_call_or_none(
    big_portal: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    quiet = datetime(2030, 6, 1, tzinfo=UTC)
    assert await window(policy_for(big_portal.url), quiet, quiet + HOUR) == []
    assert len(ledger.granted) == 1
    assert await window(policy_for(big_portal.url), quiet, quiet) == []
    assert len(ledger.granted) == 1


async def test_a_search_too_heavy_for_the_edge_is_divided(
    big_portal: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    at = datetime(2031, 6, 1, tzinfo=UTC)
    ids = sorted(r["id"] for r in big_portal.dump("contacts")[:50])
    big_portal.change("contacts", "stamp", ids=ids, at=at.isoformat())
    big_portal.fault("http_error", status=524, count=3, match={"route": "search"})
    records = await window(policy_for(big_portal.url), at - HOUR, at + HOUR)
    big_portal.clear_faults()
    assert sorted(r["id"] for r in records) == ids
