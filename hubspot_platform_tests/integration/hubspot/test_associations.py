from collections import Counter
from collections.abc import Callable

import pytest

from hubspot_platform.hubspot.associations import read_associations
from hubspot_platform.hubspot.catalogue import DEAL
from hubspot_platform.hubspot.errors import MalformedResponse
from hubspot_platform.hubspot.policy import HubSpotPolicy
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform_tests.integration.hubspot.conftest import Ledger
from hubspot_platform_tests.support.portal import Portal

PolicyFor = Callable[..., HubSpotPolicy]


async def rows_of(policy: HubSpotPolicy, to_type: str, ids: list[int]) -> list[tuple[str, str, int]]:
    async with Transport(policy) as transport:
        pages = read_associations(transport, DEAL, to_type, ids)
        return [(str(r.from_id), str(r.to_id), r.type_id) async for rows in pages for r in rows]


def deal_ids(portal: Portal) -> list[int]:
    return [int(record["id"]) for record in portal.dump("deals")]


@pytest.mark.parametrize("to_type", ["contacts", "companies"])
async def test_every_link_and_type_comes_once(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger, to_type: str
) -> None:
    rows = await rows_of(policy_for(hubspot.url), to_type, deal_ids(hubspot))
    assert sorted(rows) == sorted(hubspot.links("deals", to_type))
    assert rows
    assert len(ledger.granted) == 1


async def test_records_with_more_links_than_a_page_are_paged_one_by_one(hubspot: Portal, policy_for: PolicyFor) -> None:
    hubspot.admin("search", {"association_page": 1})
    try:
        rows = await rows_of(policy_for(hubspot.url), "companies", deal_ids(hubspot))
    finally:
        hubspot.admin("search", {"association_page": 0})
    assert sorted(rows) == sorted(hubspot.links("deals", "companies"))


async def test_records_without_links_and_unknown_ids_are_empty_and_no_error(
    hubspot: Portal, policy_for: PolicyFor
) -> None:
    lonely = hubspot.change("deals", "create", properties={"dealname": "lonely"})["ids"]
    assert await rows_of(policy_for(hubspot.url), "contacts", [int(lonely[0]), 987_654_321]) == []
    assert await rows_of(policy_for(hubspot.url), "contacts", []) == []


async def test_case_081_an_id_given_twice_gives_its_links_once(hubspot: Portal, policy_for: PolicyFor) -> None:
    rows = await rows_of(policy_for(hubspot.url), "contacts", deal_ids(hubspot) * 2)
    assert max(Counter(rows).values()) == 1


async def test_more_than_a_thousand_records_are_several_calls(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    many = deal_ids(hubspot) + list(range(10**9, 10**9 + 2_000))
    assert sorted(await rows_of(policy_for(hubspot.url), "contacts", many)) == sorted(
        hubspot.links("deals", "contacts")
    )
    assert len(ledger.granted) == 3


async def test_inputs_that_failed_for_another_reason_fail_the_read(hubspot: Portal, policy_for: PolicyFor) -> None:
    hubspot.fault("partial_failure", share=0.2, match={"route": "associations"})
    with pytest.raises(MalformedResponse):
        await rows_of(policy_for(hubspot.url), "contacts", deal_ids(hubspot))
