"""Custom object schemas and pipelines, changed while the portal runs."""

from collections.abc import Iterator

import pytest
from hubspot import HubSpot
from hubspot.crm.schemas.exceptions import ApiException

from hubspot_platform_tests.support.portal import Portal, portal

SCHEMAS = "/crm-object-schemas/v3/schemas"
SITE = {
    "name": "site",
    "labels": {"singular": "Site", "plural": "Sites"},
    "primaryDisplayProperty": "site_name",
    "requiredProperties": ["site_name"],
    "searchableProperties": ["site_name"],
    "properties": [
        {"name": "site_name", "label": "Name", "type": "string", "fieldType": "text"},
        {"name": "site_code", "label": "Code", "type": "string", "fieldType": "text", "hasUniqueValue": True},
    ],
    "associatedObjects": ["COMPANY"],
}


@pytest.fixture(scope="module")
def shared_portal() -> Iterator[Portal]:
    """A portal of its own: these tests add types and pipelines."""
    with portal("small") as running:
        yield running


def test_the_list_holds_custom_types_only_with_properties_and_associations(sandbox: Portal, client: HubSpot) -> None:
    (bug,) = client.crm.schemas.core_api.get_all().results
    assert (bug.object_type_id, bug.fully_qualified_name, bug.name) == ("2-3456789", "p4242_bug", "bug")
    assert bug.required_properties == ["summary"]
    assert {"summary", "jira_key", "status", "hs_lastmodifieddate"} <= {p.name for p in bug.properties}
    assert {(a.to_object_type_id, a.name) for a in bug.associations} == {
        ("0-2", "bug_to_company"),
        ("0-1", "bug_to_contact"),
        ("0-5", "bug_to_ticket"),
    }
    definitions = sandbox.api("GET", "/crm/v3/properties/2-3456789").json()["results"]
    assert {p["name"] for p in definitions} == {p.name for p in bug.properties}


@pytest.mark.parametrize("name", ["2-3456789", "p4242_bug", "bug", "contacts", "0-5"])
def test_a_schema_answers_to_every_spelling_and_standard_ones_too(sandbox: Portal, name: str) -> None:
    found = sandbox.api("GET", f"{SCHEMAS}/{name}").json()
    assert name in {found["objectTypeId"], found["fullyQualifiedName"], found["name"], "contacts"}
    assert found["properties"]
    assert sandbox.api("GET", f"/crm-object-schemas/2026-09/schemas/{name}").json() == found


def test_a_type_is_made_used_and_deleted(sandbox: Portal, client: HubSpot) -> None:
    made = sandbox.api("POST", SCHEMAS, json=SITE)
    assert made.status_code == 201
    type_id = made.json()["objectTypeId"]
    assert sandbox.api("POST", SCHEMAS, json=SITE).status_code == 409
    objects = client.crm.objects
    record = objects.basic_api.create("p4242_site", {"properties": {"site_name": "Oslo", "site_code": "O1"}})
    upserted = objects.batch_api.upsert(
        "site", {"inputs": [{"id": "O1", "idProperty": "site_code", "properties": {"site_name": "Oslo 2"}}]}
    )
    assert [(r.id, r.new) for r in upserted.results] == [(record.id, False)]
    company = sandbox.dump("companies")[0]["id"]
    client.crm.associations.v4.basic_api.create_default("site", record.id, "companies", company)
    assert [b for a, b, _ in sandbox.links("site", "companies")] == [company]
    with pytest.raises(ApiException) as refusal:
        client.crm.schemas.core_api.archive(type_id)
    assert refusal.value.status == 400
    sandbox.change("site", "archive", id=record.id)
    client.crm.schemas.core_api.archive(type_id)
    assert sandbox.api("GET", "/crm/v3/objects/site").status_code == 400
    assert [s.name for s in client.crm.schemas.core_api.get_all(archived=True).results] == ["site"]
    client.crm.schemas.core_api.archive(type_id, archived=True)
    assert client.crm.schemas.core_api.get_all(archived=True).results == []


def test_a_schema_can_be_changed_and_linked(sandbox: Portal, client: HubSpot) -> None:
    api = client.crm.schemas.core_api
    changed = api.update("bug", {"labels": {"singular": "Defect", "plural": "Defects"}, "requiredProperties": []})
    assert changed.labels.plural == "Defects"
    assert sandbox.api("POST", "/crm/v3/objects/bug", json={"properties": {}}).status_code == 201
    link = api.create_association(
        "bug", {"fromObjectTypeId": "2-3456789", "toObjectTypeId": "0-3", "name": "bug_to_deal"}
    )
    deal, bug = sandbox.dump("deals")[0]["id"], sandbox.dump("bug")[0]["id"]
    types = [{"associationCategory": "USER_DEFINED", "associationTypeId": int(link.id)}]
    client.crm.associations.v4.basic_api.create("bug", bug, "deals", deal, types)
    assert (deal, bug) in {(d, b) for d, b, _ in sandbox.links("deals", "bug")}


@pytest.mark.parametrize(
    "wrong",
    [{"name": "no spaces"}, {"labels": None}, {"requiredProperties": ["nonsense"]}, {"associatedObjects": ["X"]}],
)
def test_schemas_that_make_no_sense_are_refused_and_leave_nothing(sandbox: Portal, wrong: dict) -> None:
    answer = sandbox.api("POST", SCHEMAS, json={**SITE, "name": "broken", **wrong})
    assert answer.status_code == 400
    assert sandbox.api("GET", f"{SCHEMAS}/broken").status_code == 404
    assert "p4242_broken" not in sandbox.state()["counts"]


def test_without_the_tier_schemas_are_forbidden(sandbox: Portal) -> None:
    sandbox.admin("scopes", {"missing": ["crm.schemas.custom.read"]})
    answer = sandbox.api("GET", SCHEMAS)
    assert answer.status_code == 403
    assert answer.json()["category"] == "MISSING_SCOPES"


def test_schemas_can_be_read_in_a_batch(sandbox: Portal) -> None:
    answer = sandbox.api("POST", f"{SCHEMAS}/batch/read", json={"inputs": [{"id": "2-3456789"}, {"id": "2-1"}]})
    assert answer.status_code == 207
    assert [s["name"] for s in answer.json()["results"]] == ["bug"]


def test_ticket_pipelines_carry_the_state_of_their_stages(sandbox: Portal, client: HubSpot) -> None:
    found = {p.id: p for p in client.crm.pipelines.pipelines_api.get_all("tickets").results}
    assert set(found) == {"0", "88213"}
    assert [(s.id, s.metadata["ticketState"]) for s in found["0"].stages] == [
        ("1", "OPEN"), ("2", "OPEN"), ("3", "OPEN"), ("4", "CLOSED"),
    ]  # fmt: skip


def test_pipelines_and_stages_come_change_and_go(sandbox: Portal, client: HubSpot) -> None:
    pipelines, stages = client.crm.pipelines.pipelines_api, client.crm.pipelines.pipeline_stages_api
    new = {"label": "Won", "displayOrder": 0, "metadata": {"probability": "1.0"}}
    made = pipelines.create("deals", {"label": "Partners", "displayOrder": 2, "stages": [new]})
    assert made.stages[0].metadata == {"probability": "1.0", "isClosed": "true"}
    added = stages.create("deals", made.id, {"label": "Talk", "displayOrder": 1, "metadata": {"probability": "0.3"}})
    stages.update("deals", made.id, added.id, {"label": "Talks", "metadata": {"probability": "0.0"}})
    read = stages.get_by_id("deals", made.id, added.id)
    assert (read.label, read.metadata["isClosed"]) == ("Talks", "true")
    sandbox.clock(advance=60)
    pipelines.update("deals", made.id, {"label": "Channel"})
    changed = pipelines.get_by_id("deals", made.id)
    assert (changed.label, changed.updated_at > made.updated_at) == ("Channel", True)
    options = sandbox.api("GET", "/crm/v3/properties/deals/dealstage").json()["options"]
    assert {"Talks (Channel)", "Won (Channel)", "Closed won (Sales Pipeline)"} <= {o["label"] for o in options}
    deal = {"dealname": "X", "pipeline": made.id, "dealstage": added.id}
    assert sandbox.api("POST", "/crm/v3/objects/deals", json={"properties": deal}).status_code == 201
    path = f"/crm/v3/pipelines/deals/{made.id}"
    used = "validateReferencesBeforeDelete=true"
    assert sandbox.api("DELETE", f"{path}/stages/{added.id}?{used}").status_code == 400
    assert sandbox.api("DELETE", f"{path}?{used}").status_code == 400
    stages.archive("deals", made.id, added.id)
    assert sandbox.api("POST", "/crm/v3/objects/deals", json={"properties": deal}).status_code == 400
    pipelines.archive("deals", made.id)
    assert made.id not in {p.id for p in pipelines.get_all("deals").results}


@pytest.mark.parametrize("metadata", [{}, {"probability": "2"}, {"probability": "0.35"}, {"probability": "x"}])
def test_a_deal_stage_needs_a_probability_in_tenths(sandbox: Portal, metadata: dict) -> None:
    body = {"label": "Odd", "metadata": metadata}
    assert sandbox.api("POST", "/crm/v3/pipelines/deals/default/stages", json=body).status_code == 400
