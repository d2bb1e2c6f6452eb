from collections.abc import Callable

from hubspot_platform.hubspot.batch import read_batch
from hubspot_platform.hubspot.catalogue import CONTACT
from hubspot_platform.hubspot.policy import HubSpotPolicy
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform_tests.integration.hubspot.conftest import Ledger
from hubspot_platform_tests.support.portal import Portal

PolicyFor = Callable[..., HubSpotPolicy]


async def test_known_ids_come_back_and_unknown_ones_are_named(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    ids = [int(r["id"]) for r in hubspot.dump("contacts")[:50]]
    async with Transport(policy_for(hubspot.url)) as transport:
        read = await read_batch(transport, CONTACT, [*ids, 987_654_321], ("email",))
    assert sorted(int(r["id"]) for r in read.records) == sorted(ids)
    assert read.missing == (987_654_321,)
    assert read.unanswered == ()
    assert len(ledger.granted) == 1


async def test_a_merged_id_is_answered_by_its_survivor(hubspot: Portal, policy_for: PolicyFor, ledger: Ledger) -> None:
    first, second = (r["id"] for r in hubspot.dump("contacts")[100:102])
    survivor = hubspot.change("contacts", "merge", primary=first, other=second)["id"]
    async with Transport(policy_for(hubspot.url)) as transport:
        read = await read_batch(transport, CONTACT, [int(first), int(second)], ("email",))
    assert [r["id"] for r in read.records] == [survivor]
    assert (read.missing, read.unanswered) == ((), ())
    assert len(ledger.granted) == 1


async def test_archived_records_need_the_archived_read(hubspot: Portal, policy_for: PolicyFor) -> None:
    archived = hubspot.dump("contacts", archived=True)[0]["id"]
    async with Transport(policy_for(hubspot.url)) as transport:
        assert (await read_batch(transport, CONTACT, [int(archived)], ("email",))).records == []
        read = await read_batch(transport, CONTACT, [int(archived)], ("email",), archived=True)
    assert [r["id"] for r in read.records] == [archived]
