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


PAIRS = [
    ("tickets", "contacts", 16), ("tickets", "companies", 339), ("tickets", "companies", 26), ("tickets", "deals", 28),
    ("calls", "contacts", 194), ("calls", "companies", 182), ("calls", "deals", 206), ("calls", "tickets", 220),
    ("meetings", "contacts", 200), ("meetings", "companies", 188), ("meetings", "deals", 212),
    ("emails", "contacts", 198), ("emails", "companies", 186), ("emails", "deals", 210), ("emails", "tickets", 224),
    ("notes", "contacts", 202), ("notes", "companies", 190), ("notes", "deals", 214), ("notes", "tickets", 228),
    ("tasks", "contacts", 204), ("tasks", "companies", 192), ("tasks", "deals", 216), ("tasks", "tickets", 230),
    ("communications", "contacts", 81), ("communications", "companies", 87),
]  # fmt: skip


def test_every_pair_of_types_is_seeded_labelled_and_readable_in_batches(sandbox: Portal, client: HubSpot) -> None:
    for source, target, type_id in PAIRS:
        expected = set(sandbox.links(source, target))
        assert any(t == type_id for _, _, t in expected), (source, target)
        listed = sandbox.api("GET", f"/crm/v4/associations/{source}/{target}/labels").json()["results"]
        assert {t for _, _, t in expected} <= {t["typeId"] for t in listed}
        inputs = [{"id": i} for i in {a for a, _, _ in expected}]
        answer = client.crm.associations.v4.batch_api.get_page(source, target, {"inputs": inputs})
        found = {
            (r._from.id, to.to_object_id, t.type_id)
            for r in answer.results
            for to in r.to
            for t in to.association_types
        }
        assert found == expected, (source, target)
        back = {(b, a) for a, b, _ in sandbox.links(target, source)}
        assert back == {(a, b) for a, b, _ in expected}, (source, target)


def test_tickets_have_several_types_with_one_record(sandbox: Portal) -> None:
    labels = sandbox.api("GET", "/crm/v4/associations/tickets/contacts/labels").json()["results"]
    assert {t["label"] for t in labels} == {None, "Reporter"}
    pairs = [(a, b) for a, b, _ in sandbox.links("tickets", "contacts")]
    assert len(pairs) > len(set(pairs))


def test_an_association_does_not_move_the_last_modified_instant(sandbox: Portal, client: HubSpot) -> None:
    call, contact = sandbox.dump("calls")[0], sandbox.dump("contacts")[1]
    sandbox.clock(advance=60)
    api = client.crm.associations.v4.basic_api
    api.create_default("calls", call["id"], "contacts", contact["id"])
    api.archive("calls", call["id"], "contacts", contact["id"])
    for name, record in (("calls", call), ("contacts", contact)):
        assert sandbox.api("GET", f"/crm/v3/objects/{name}/{record['id']}").json()["updatedAt"] == record["updatedAt"]


def test_an_archived_record_has_no_readable_links_until_it_is_restored(sandbox: Portal) -> None:
    call, contact, _ = sandbox.links("calls", "contacts")[0]
    path, body = "/crm/v4/associations/calls/contacts/batch/read", {"inputs": [{"id": call}]}
    sandbox.change("calls", "archive", id=call)
    assert sandbox.api("POST", path, json=body).json()["results"] == []
    sandbox.change("calls", "restore", id=call)
    assert [to["toObjectId"] for to in sandbox.api("POST", path, json=body).json()["results"][0]["to"]] == [contact]


def test_types_that_cannot_be_linked_are_refused(sandbox: Portal) -> None:
    call, note = sandbox.dump("calls")[0]["id"], sandbox.dump("notes")[0]["id"]
    path = f"/crm/v4/objects/calls/{call}/associations/default/notes/{note}"
    assert sandbox.api("PUT", path).status_code == 400
    wrong = sandbox.http.post("/sandbox/api/objects/calls/link", json={"id": call, "to": note, "to_object": "notes"})
    assert wrong.status_code == 400
