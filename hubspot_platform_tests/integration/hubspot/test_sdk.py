"""The SDK under the policy: owners, pipelines, properties, and the account through the transport."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from hubspot_platform.hubspot import errors
from hubspot_platform.hubspot.account import account_details, check_portal
from hubspot_platform.hubspot.catalogue import CONTACT, DEAL
from hubspot_platform.hubspot.policy import HubSpotPolicy
from hubspot_platform.hubspot.properties import fetch_definitions
from hubspot_platform.hubspot.reference import fetch_owners, fetch_pipelines
from hubspot_platform.hubspot.sdk import sdk_client
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.lanes import Bucket, Lane
from hubspot_platform_tests.integration.hubspot.conftest import Ledger
from hubspot_platform_tests.support.portal import TOKEN, Portal

PolicyFor = Callable[..., HubSpotPolicy]


def test_property_definitions_come_with_types_and_options(hubspot: Portal, policy_for: PolicyFor) -> None:
    definitions = {d.name: d for d in fetch_definitions(sdk_client(policy_for(hubspot.url)), CONTACT)}
    assert len(definitions) == hubspot.state()["counts"]["contacts"]["properties"]
    assert definitions["email"].type == "string"
    assert definitions["lastmodifieddate"].type == "datetime"
    assert definitions["lastmodifieddate"].hubspot_defined
    stages = definitions["lifecyclestage"]
    assert stages.type == "enumeration"
    assert "customer" in {option.value for option in stages.options}


def test_a_property_created_or_removed_shows_in_the_next_fetch(hubspot: Portal, policy_for: PolicyFor) -> None:
    sdk = sdk_client(policy_for(hubspot.url))
    hubspot.define("deals", "create", name="brand_new", label="Brand new", type="number", fieldType="number")
    assert "brand_new" in {d.name for d in fetch_definitions(sdk, DEAL)}
    hubspot.define("deals", "delete", name="brand_new")
    assert "brand_new" not in {d.name for d in fetch_definitions(sdk, DEAL)}


def test_owners_include_archived_ones_with_their_user(hubspot: Portal, policy_for: PolicyFor) -> None:
    owners = fetch_owners(sdk_client(policy_for(hubspot.url)))
    archived = [owner for owner in owners if owner.archived]
    assert archived
    assert all(o.active_user_id is None and o.user_id for o in archived)
    assert all(o.active_user_id == o.user_id for o in owners if not o.archived and o.type == "PERSON")
    assert [o.owner_id for o in owners] == sorted({o.owner_id for o in owners})


def test_pipelines_say_which_stages_are_closed_and_won(hubspot: Portal, policy_for: PolicyFor) -> None:
    pipelines = {p.pipeline_id: p for p in fetch_pipelines(sdk_client(policy_for(hubspot.url)), "deals")}
    stages = {stage.stage_id: stage for stage in pipelines["default"].stages}
    assert stages["closedwon"].closed_won
    assert stages["closedwon"].probability == Decimal("1.0")
    assert stages["closedlost"].is_closed
    assert not stages["closedlost"].closed_won
    assert [s.display_order for s in pipelines["default"].stages] == sorted(s.display_order for s in stages.values())


def test_every_sdk_call_is_granted_and_recorded(hubspot: Portal, policy_for: PolicyFor, ledger: Ledger) -> None:
    sdk = sdk_client(policy_for(hubspot.url), lane=Lane.BACKFILL)
    fetch_owners(sdk)
    fetch_definitions(sdk, CONTACT)
    fetch_pipelines(sdk, "deals")
    assert ledger.granted == [(Bucket.API, Lane.BACKFILL)] * hubspot.stats()["calls"]
    assert ledger.statuses() == [200] * len(ledger.granted)


def test_every_api_object_shares_one_governed_pool(policy_for: PolicyFor) -> None:
    sdk = sdk_client(policy_for("http://127.0.0.1:1"))
    apis = [
        sdk.crm.owners.owners_api,
        sdk.crm.properties.core_api,
        sdk.crm.pipelines.pipelines_api,
        sdk.crm.contacts.basic_api,
        sdk.crm.contacts.search_api,
    ]
    assert len({id(api.api_client.rest_client.pool_manager) for api in apis}) == 1
    assert sdk.crm.owners.owners_api is apis[0]
    with pytest.raises(NotImplementedError):
        sdk.api_request({"path": "/account-info/v3/details"})


def test_case_051_the_sdk_waits_out_limits_as_the_transport_does(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    hubspot.fault("rate_limit", count=2, retry_after="4")
    assert fetch_pipelines(sdk_client(policy_for(hubspot.url)), "deals")
    assert ledger.waits == [4.0, 4.0]
    assert ledger.penalties == [(Bucket.API, 4.0)] * 2


@pytest.mark.parametrize("kind", ["reset", "truncated_json", "wrong_content_type", "locked", "http_error"])
def test_case_052_the_sdk_repeats_what_may_pass(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger, kind: str
) -> None:
    hubspot.fault(kind, count=1)
    assert fetch_pipelines(sdk_client(policy_for(hubspot.url)), "deals")
    assert len(ledger.waits) == 1


def test_case_050_the_sdk_raises_the_platforms_errors(hubspot: Portal, policy_for: PolicyFor) -> None:
    hubspot.fault("missing_scope", scopes=["crm.objects.owners.read"])
    with pytest.raises(errors.MissingScope) as raised:
        fetch_owners(sdk_client(policy_for(hubspot.url)))
    assert raised.value.scopes == ("crm.objects.owners.read",)
    assert TOKEN not in str(raised.value)


def test_the_sdk_gives_up_on_a_silent_server(hubspot: Portal, policy_for: PolicyFor, ledger: Ledger) -> None:
    hubspot.fault("slow", seconds=30, count=1)
    assert fetch_pipelines(sdk_client(policy_for(hubspot.url, read_timeout=0.2)), "deals")
    assert ledger.statuses() == [None, 200]


async def test_case_061_the_account_names_its_portal_and_teaches_the_servers_time(
    hubspot: Portal, policy_for: PolicyFor
) -> None:
    async with Transport(policy_for(hubspot.url)) as transport:
        with pytest.raises(errors.ServerTimeUnknown):
            transport.server_now()
        account = await account_details(transport)
        assert transport.server_now() is not None
    assert (account.portal_id, account.time_zone) == (4242, "America/New_York")
    check_portal(account, 4242)
    check_portal(account, None)
    with pytest.raises(errors.WrongPortal, match="4242"):
        check_portal(account, 17)
