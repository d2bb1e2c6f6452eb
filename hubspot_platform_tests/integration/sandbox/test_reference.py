"""Properties, pipelines, owners and the account through HubSpot's client library."""

import pytest
from hubspot import HubSpot
from hubspot.crm.properties.exceptions import ApiException

from hubspot_platform_tests.support.portal import Portal


def test_definitions_cover_every_type_and_every_property_of_a_record(sandbox: Portal, client: HubSpot) -> None:
    for plural in ("contacts", "companies", "deals"):
        definitions = client.crm.properties.core_api.get_all(plural).results
        assert {d.type for d in definitions} == {
            "string", "number", "bool", "enumeration", "date", "datetime", "phone_number",
        }  # fmt: skip
        assert {d.name for d in definitions} == set(sandbox.dump(plural)[0]["properties"])


def test_a_property_can_be_created_changed_and_archived(sandbox: Portal, client: HubSpot) -> None:
    api = client.crm.properties.core_api
    body = {"name": "shoe_size", "label": "Shoe size", "type": "number", "fieldType": "number", "groupName": "g"}
    assert api.create("contacts", body).type == "number"
    with pytest.raises(ApiException) as refusal:
        api.create("contacts", body)
    assert refusal.value.status == 409
    contact = sandbox.change("contacts", "create", properties={"shoe_size": "43"})["ids"][0]
    assert api.update("contacts", "shoe_size", {"label": "Size"}).label == "Size"
    api.archive("contacts", "shoe_size")
    read = client.crm.contacts.basic_api.get_by_id(contact, properties=["shoe_size"])
    assert "shoe_size" not in read.properties
    assert "shoe_size" in {d.name for d in api.get_all("contacts", archived=True).results}


def test_type_and_field_type_must_pair(sandbox: Portal) -> None:
    body = {"name": "odd", "label": "Odd", "type": "number", "fieldType": "textarea", "groupName": "g"}
    assert sandbox.api("POST", "/crm/v3/properties/contacts", json=body).status_code == 400


def test_case_069_a_retyped_property_keeps_its_stored_values(sandbox: Portal) -> None:
    sandbox.define("contacts", "create", name="budget", type="string", fieldType="text")
    contact = sandbox.change("contacts", "create", properties={"budget": "about 5k"})["ids"][0]
    sandbox.define("contacts", "update", name="budget", type="number", fieldType="number")
    definition = sandbox.api("GET", "/crm/v3/properties/contacts/budget").json()
    assert definition["type"] == "number"
    read = sandbox.api("GET", f"/crm/v3/objects/contacts/{contact}?properties=budget").json()
    assert read["properties"]["budget"] == "about 5k"


def test_deal_pipelines_have_won_and_lost_stages(client: HubSpot) -> None:
    pipelines = client.crm.pipelines.pipelines_api.get_all("deals").results
    assert len(pipelines) == 2
    for pipeline in pipelines:
        outcomes = {(s.metadata["isClosed"], s.metadata["probability"]) for s in pipeline.stages}
        assert {("true", "1.0"), ("true", "0.0")} < outcomes
        stages = client.crm.pipelines.pipeline_stages_api.get_all("deals", pipeline.id).results
        assert [s.id for s in stages] == [s.id for s in pipeline.stages]


def test_owners_page_and_deactivated_ones_have_no_user_id(sandbox: Portal, client: HubSpot) -> None:
    everyone = client.crm.owners.get_all()
    first = sandbox.api("GET", "/crm/v3/owners?limit=3").json()
    assert len(first["results"]) == 3
    assert first["paging"]["next"]["after"]
    assert {o.type for o in everyone} == {"PERSON", "QUEUE"}
    gone = sandbox.api("GET", "/crm/v3/owners?archived=true").json()["results"]
    assert gone
    assert all("userId" not in o and o["userIdIncludingInactive"] for o in gone)
    one = everyone[0]
    assert client.crm.owners.owners_api.get_by_id(one.user_id, id_property="userId").id == one.id


def test_account_and_daily_usage(sandbox: Portal, client: HubSpot) -> None:
    details = client.api_request({"method": "GET", "path": "/account-info/v3/details"}).json()
    assert (details["portalId"], details["timeZone"]) == (4242, "America/New_York")
    sandbox.admin("limits", {"plan": "professional"})
    usage = sandbox.api("GET", "/account-info/2026-09/api-usage/daily/private-apps").json()["results"][0]
    assert usage["usageLimit"] == 625_000
    assert usage["currentUsage"] >= 2
