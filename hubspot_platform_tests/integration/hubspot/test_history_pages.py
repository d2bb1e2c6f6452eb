"""History comes with the list's own pages, 50 records each, and by id 50 at a time; it never needs calls of its own."""

from collections.abc import Callable, Sequence

import orjson

from hubspot_platform.hubspot.batch import read_ids
from hubspot_platform.hubspot.catalogue import CONTACT, DEAL, ObjectType
from hubspot_platform.hubspot.listing import LONGEST_QUERY
from hubspot_platform.hubspot.names import PropertyNames
from hubspot_platform.hubspot.policy import HubSpotPolicy
from hubspot_platform.hubspot.reader import read_all
from hubspot_platform.hubspot.records import Records
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform_tests.integration.hubspot.conftest import Ledger
from hubspot_platform_tests.support.portal import Portal

PolicyFor = Callable[..., HubSpotPolicy]
NAMES = PropertyNames(("email", "firstname"), ("lifecyclestage", "hubspot_owner_id"))


def histories(pages: Sequence[Records]) -> dict[int, object]:
    return {i: orjson.loads(text) for page in pages for i, text in zip(page.ids, page.histories, strict=True)}


def in_portal(portal: Portal, obj: ObjectType, history: Sequence[str]) -> dict[int, object]:
    found = portal.http.get(f"/sandbox/api/dump/{obj.plural}", params={"history": ",".join(history)}).json()["results"]
    return {int(record["id"]): record["propertiesWithHistory"] for record in found}


async def test_the_list_brings_values_and_history_in_one_call_per_fifty(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    async with Transport(policy_for(hubspot.url)) as transport:
        pages = [page async for page in read_all(transport, CONTACT, NAMES)]
        calls = len(ledger.granted)
        plain = [page async for page in read_all(transport, CONTACT, list(NAMES))]
    assert histories(pages) == in_portal(hubspot, CONTACT, NAMES.history)
    values = {record["id"]: record["properties"] for page in pages for record in page}
    assert values == {record["id"]: record["properties"] for page in plain for record in page}
    total = len(values)
    assert max(map(len, pages)) == 50
    assert calls <= total / 50 + 3


async def test_names_too_long_for_a_url_travel_in_bodies_of_fifty_ids(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    unknown = tuple(f"a_property_that_no_contact_of_this_portal_has_{number}" for number in range(400))
    assert sum(map(len, unknown)) > LONGEST_QUERY
    names = PropertyNames((*NAMES, *unknown), NAMES.history)
    async with Transport(policy_for(hubspot.url)) as transport:
        pages = [page async for page in read_all(transport, CONTACT, names)]
    assert histories(pages) == in_portal(hubspot, CONTACT, NAMES.history)
    assert hubspot.stats()["by_status"].keys() == {"200"}


async def test_records_by_id_bring_their_history_fifty_a_call(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    wanted = in_portal(hubspot, DEAL, ["dealstage"])
    async with Transport(policy_for(hubspot.url)) as transport:
        names = PropertyNames((), ("dealstage",))
        pages = [page async for page in read_ids(transport, DEAL, list(wanted), names)]
    assert histories(pages) == wanted
    assert len(ledger.granted) == -(-len(wanted) // 50)
