"""Associations v4 through HubSpot's client library."""

from hubspot import HubSpot

from hubspot_platform_tests.support.portal import Portal

READ = "/crm/v4/associations/deals/contacts/batch/read"


def test_batch_read_gives_every_type_of_every_pair_and_names_records_without_any(
    sandbox: Portal, client: HubSpot
) -> None:
    deals = [r["id"] for r in sandbox.dump("deals")]
    expected = set(sandbox.links("deals", "contacts"))
    answer = client.crm.associations.v4.batch_api.get_page("deals", "contacts", {"inputs": [{"id": d} for d in deals]})
    rows = {
        (r._from.id, to.to_object_id, t.type_id) for r in answer.results for to in r.to for t in to.association_types
    }
    assert rows == expected
    lonely = set(deals) - {a for a, _, _ in expected}
    assert lonely
    assert answer.errors[0].sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"
    assert set(answer.errors[0].context["fromObjectId"]) == lonely


def test_batch_read_takes_1000_inputs_and_pages_each_input(sandbox: Portal) -> None:
    assert sandbox.api("POST", READ, json={"inputs": [{"id": "1"}] * 1_001}).status_code == 400
    deal = sandbox.change("deals", "create", properties={"dealname": "Crowd", "dealstage": "closedwon"})["ids"][0]
    contacts = [r["id"] for r in sandbox.dump("contacts")[:5]]
    for contact in contacts:
        sandbox.change("deals", "link", id=deal, to=contact, to_object="contacts")
    sandbox.admin("search", {"association_page": 2})
    found: list[str] = []
    after: str | None = None
    calls = 0
    while True:
        entry = {"id": deal} | ({"after": after} if after else {})
        result = sandbox.api("POST", READ, json={"inputs": [entry]}).json()["results"][0]
        calls += 1
        found += [to["toObjectId"] for to in result["to"]]
        if "paging" not in result:
            break
        after = result["paging"]["next"]["after"]
    assert (found, calls) == (contacts, 3)


def test_a_labelled_link_carries_the_unlabelled_one_in_both_directions(sandbox: Portal, client: HubSpot) -> None:
    contact = sandbox.change("contacts", "create")["ids"][0]
    company = sandbox.dump("companies")[0]["id"]
    api = client.crm.associations.v4.basic_api
    primary = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    api.create("contacts", contact, "companies", company, primary)
    assert {(c, t) for f, c, t in sandbox.links("contacts", "companies") if f == contact} == {
        (company, 1),
        (company, 279),
    }
    assert {t for f, c, t in sandbox.links("companies", "contacts") if (f, c) == (company, contact)} == {2, 280}
    api.archive("contacts", contact, "companies", company)
    assert api.get_page("contacts", contact, "companies").results == []
    api.create_default("contacts", contact, "companies", company)
    assert [t for f, _, t in sandbox.links("contacts", "companies") if f == contact] == [279]


def test_labels_can_be_defined_used_and_removed(sandbox: Portal, client: HubSpot) -> None:
    schema = client.crm.associations.v4.schema.definitions_api
    made = schema.create("contacts", "companies", {"label": "Advisor", "name": "advisor", "inverseLabel": "Advised"})
    forward = made.results[0].type_id
    assert "Advised" in {r.label for r in schema.get_all("companies", "contacts").results}
    contact, company, _ = sandbox.links("contacts", "companies")[0]
    batch = client.crm.associations.v4.batch_api
    types = [{"associationCategory": "USER_DEFINED", "associationTypeId": forward}]
    batch.create(
        "contacts", "companies", {"inputs": [{"from": {"id": contact}, "to": {"id": company}, "types": types}]}
    )
    assert (contact, company, forward) in sandbox.links("contacts", "companies")
    schema.remove("contacts", "companies", forward)
    assert (contact, company, forward) not in sandbox.links("contacts", "companies")


def test_links_of_archived_records_are_not_readable(sandbox: Portal) -> None:
    deal, contact, _ = sandbox.links("deals", "contacts")[0]
    sandbox.change("contacts", "archive", id=contact)
    assert contact not in {c for _, c, _ in sandbox.links("deals", "contacts")}
    sandbox.change("contacts", "restore", id=contact)
    assert (deal, contact) in {(d, c) for d, c, _ in sandbox.links("deals", "contacts")}
