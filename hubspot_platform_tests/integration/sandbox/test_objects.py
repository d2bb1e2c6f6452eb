"""The CRM object endpoints, spoken to with HubSpot's own client library and with plain HTTP."""

import httpx
import pytest
from hubspot import HubSpot
from hubspot.crm.contacts.exceptions import ApiException

from hubspot_platform_tests.support.portal import Portal

CONTACTS = "/crm/v3/objects/contacts"


def ok(answer: httpx.Response, status: int = 200) -> dict:
    assert answer.status_code == status, answer.text
    return answer.json()


def new_contact(sandbox: Portal, **properties: str) -> str:
    return ok(sandbox.api("POST", CONTACTS, json={"properties": properties}), 201)["id"]


def test_get_all_of_the_client_library_reads_every_live_and_every_archived_record(
    sandbox: Portal, client: HubSpot
) -> None:
    live = client.crm.contacts.get_all(properties=["email"])
    archived = client.crm.contacts.get_all(properties=["email"], archived=True)
    counts = sandbox.state()["counts"]["contacts"]
    assert (len(live), len(archived)) == (counts["live"], counts["archived"])
    assert {r.id for r in live} == {r["id"] for r in sandbox.dump("contacts")}
    assert all(r.archived_at is not None for r in archived)


@pytest.mark.parametrize("path", [CONTACTS, "/crm/objects/2026-09/contacts", "/crm/objects/2026-03-beta/0-1"])
def test_versions_and_type_spellings_answer_alike(sandbox: Portal, path: str) -> None:
    page = ok(sandbox.api("GET", f"{path}?limit=2"))
    assert [r["id"] for r in page["results"]] == [r["id"] for r in sandbox.dump("contacts")[:2]]


def test_pages_run_in_id_order_and_after_is_the_id_of_the_next_record(sandbox: Portal) -> None:
    ids, after = [], ""
    while True:
        page = ok(sandbox.api("GET", f"{CONTACTS}?limit=100&after={after}"))
        ids += [int(r["id"]) for r in page["results"]]
        if "paging" not in page:
            break
        after = page["paging"]["next"]["after"]
        assert int(after) > ids[-1]
        assert page["paging"]["next"]["link"].startswith(sandbox.url)
    assert ids == sorted(ids)
    assert len(ids) == sandbox.state()["counts"]["contacts"]["live"]


@pytest.mark.parametrize("query", ["limit=101", "limit=0", "limit=x", "after=abc"])
def test_bad_paging_is_a_validation_error(sandbox: Portal, query: str) -> None:
    body = ok(sandbox.api("GET", f"{CONTACTS}?{query}"), 400)
    assert body["category"] == "VALIDATION_ERROR"
    assert body["correlationId"]


def test_unknown_properties_are_left_out_and_known_ones_without_value_are_null(sandbox: Portal) -> None:
    contact = new_contact(sandbox, firstname="Ada")
    for query in ("properties=phone,nonsense", "properties=phone&properties=nonsense"):
        properties = ok(sandbox.api("GET", f"{CONTACTS}/{contact}?{query}"))["properties"]
        assert properties["phone"] is None
        assert "nonsense" not in properties
        assert {"hs_object_id", "createdate", "lastmodifieddate"} < set(properties)


def test_without_properties_the_defaults_of_the_type_are_answered(sandbox: Portal) -> None:
    deal = ok(sandbox.api("GET", "/crm/v3/objects/deals?limit=1"))["results"][0]
    assert set(deal["properties"]) == {
        "dealname", "amount", "closedate", "pipeline", "dealstage", "createdate", "hs_lastmodifieddate", "hs_object_id",
    }  # fmt: skip


def test_updated_at_mirrors_last_modified_and_moves_on_a_write(sandbox: Portal) -> None:
    contact = new_contact(sandbox, firstname="Ada")
    sandbox.clock(advance=60)
    changed = ok(sandbox.api("PATCH", f"{CONTACTS}/{contact}", json={"properties": {"firstname": "Eva"}}))
    assert changed["updatedAt"] == changed["properties"]["lastmodifieddate"] > changed["createdAt"]
    read = ok(sandbox.api("GET", f"{CONTACTS}/{contact}?properties=hs_lastmodifieddate,firstname"))
    assert read["properties"]["hs_lastmodifieddate"] is None
    assert read["properties"]["firstname"] == "Eva"


def test_values_are_stored_in_hubspots_form(sandbox: Portal) -> None:
    contact = new_contact(
        sandbox,
        email="  Ada@Example.COM ",
        vsl_watched=True,  # type: ignore[arg-type]
        lead_score=7,  # type: ignore[arg-type]
        birthday="1767225600000",
        trial_started_at="2026-01-01T02:00:00+02:00",
        product_interests="billing",
    )
    ok(sandbox.api("PATCH", f"{CONTACTS}/{contact}", json={"properties": {"product_interests": ";support"}}))
    names = "email,vsl_watched,lead_score,birthday,trial_started_at,product_interests"
    properties = ok(sandbox.api("GET", f"{CONTACTS}/{contact}?properties={names}"))["properties"]
    assert {n: properties[n] for n in names.split(",")} == {
        "email": "ada@example.com",
        "vsl_watched": "true",
        "lead_score": "7",
        "birthday": "2026-01-01",
        "trial_started_at": "2026-01-01T00:00:00.000Z",
        "product_interests": "billing;support",
    }
    ok(sandbox.api("PATCH", f"{CONTACTS}/{contact}", json={"properties": {"lead_score": ""}}))
    assert ok(sandbox.api("GET", f"{CONTACTS}/{contact}?properties=lead_score"))["properties"]["lead_score"] is None


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"nonsense": "1"}, "PROPERTY_DOESNT_EXIST"),
        ({"lead_score": "many"}, "INVALID_DOUBLE"),
        ({"vsl_watched": "maybe"}, "INVALID_OPTION"),
        ({"lifecyclestage": "Lead"}, "INVALID_OPTION"),
        ({"birthday": "yesterday"}, "INVALID_DATE"),
        ({"birthday": "1767225600001"}, "INVALID_DATE"),
        ({"hs_object_id": "1"}, "READ_ONLY_VALUE"),
        ({"num_notes": "1"}, "READ_ONLY_VALUE"),
        ({"sales_notes": "x" * 65_537}, "PROPERTY_VALUE_TOO_LONG"),
    ],
)
def test_bad_values_are_refused_with_their_code_and_property(
    sandbox: Portal, properties: dict[str, str], code: str
) -> None:
    body = ok(sandbox.api("POST", CONTACTS, json={"properties": properties}), 400)
    assert body["errors"][0]["code"] == code
    assert body["errors"][0]["context"]["propertyName"] == list(properties)
    assert body["message"].startswith("Property values were not valid: [")


def test_a_taken_email_is_a_conflict_whatever_its_case_and_names_the_existing_id(
    sandbox: Portal, client: HubSpot
) -> None:
    contact = new_contact(sandbox, email="taken@example.com")
    with pytest.raises(ApiException) as refusal:
        client.crm.contacts.basic_api.create({"properties": {"email": "TAKEN@example.com"}})
    assert refusal.value.status == 409
    assert f"Existing ID: {contact}" in refusal.value.body


def test_a_deal_needs_a_stage_of_its_pipeline(sandbox: Portal) -> None:
    deals = "/crm/v3/objects/deals"
    assert ok(sandbox.api("POST", deals, json={"properties": {"dealname": "X"}}), 400)
    wrong = {"dealname": "X", "pipeline": "default", "dealstage": "983411"}
    assert ok(sandbox.api("POST", deals, json={"properties": wrong}), 400)["errors"][0]["code"] == "INVALID_OPTION"
    made = ok(sandbox.api("POST", deals, json={"properties": {"dealname": "X", "dealstage": "closedwon"}}), 201)
    assert made["properties"]["pipeline"] == "default"


def test_archived_records_leave_list_and_search_and_are_read_with_archived_only(sandbox: Portal) -> None:
    contact = new_contact(sandbox, email="gone@example.com")
    for _ in range(2):
        assert sandbox.api("DELETE", f"{CONTACTS}/{contact}").status_code == 204
    assert sandbox.api("DELETE", f"{CONTACTS}/999").status_code == 204
    assert sandbox.api("GET", f"{CONTACTS}/{contact}").status_code == 404
    archived = ok(sandbox.api("GET", f"{CONTACTS}/{contact}?archived=true"))
    assert archived["archived"] is True
    assert archived["archivedAt"]
    body = {"filters": [{"propertyName": "hs_object_id", "operator": "EQ", "value": contact}]}
    assert ok(sandbox.api("POST", f"{CONTACTS}/search", json=body))["total"] == 0
    sandbox.change("contacts", "restore", id=contact)
    assert ok(sandbox.api("GET", f"{CONTACTS}/{contact}"))["archived"] is False


def test_a_merge_makes_a_new_record_that_both_old_ids_answer(sandbox: Portal, client: HubSpot) -> None:
    first = new_contact(sandbox, email="first@example.com", firstname="First")
    second = new_contact(sandbox, email="second@example.com", phone="+12125550147")
    company = sandbox.dump("companies")[0]["id"]
    sandbox.change("contacts", "link", id=second, to=company, to_object="companies", types=[1])
    merged = client.crm.contacts.basic_api.merge({"primaryObjectId": first, "objectIdToMerge": second})
    assert merged.id not in {first, second}
    names = "email,phone,hs_merged_object_ids,hs_additional_emails"
    for old in (first, second):
        read = ok(sandbox.api("GET", f"{CONTACTS}/{old}?properties={names}"))
        assert read["id"] == merged.id
        assert read["properties"]["hs_merged_object_ids"] == f"{first};{second}"
        assert read["properties"]["email"] == "first@example.com"
        assert read["properties"]["hs_additional_emails"] == "second@example.com"
        assert read["properties"]["phone"] == "+12125550147"
    live = {r["id"] for r in sandbox.dump("contacts")}
    archived = {r["id"] for r in sandbox.dump("contacts", archived=True)}
    assert merged.id in live
    assert not {first, second} & (live | archived)
    assert (merged.id, company, 1) in sandbox.links("contacts", "companies")
    by_mail = ok(sandbox.api("GET", f"{CONTACTS}/second@example.com?idProperty=email"))
    assert by_mail["id"] == merged.id


def test_a_privacy_deletion_leaves_no_trace(sandbox: Portal, client: HubSpot) -> None:
    contact = new_contact(sandbox, email="forget@example.com")
    client.crm.contacts.basic_api.purge({"objectId": contact})
    for archived in ("true", "false"):
        assert sandbox.api("GET", f"{CONTACTS}/{contact}?archived={archived}").status_code == 404


def test_associations_and_history_are_inlined_when_asked_for(sandbox: Portal, client: HubSpot) -> None:
    deal, contact, _ = sandbox.links("deals", "contacts")[0]
    read = client.crm.deals.basic_api.get_by_id(deal, associations=["contacts"], properties_with_history=["dealname"])
    rows = read.associations["contacts"].results
    assert (contact, "deal_to_contact_unlabeled") in {(r.id, r.type) for r in rows}
    assert read.properties_with_history["dealname"][0].value == sandbox.dump("deals")[0]["properties"]["dealname"]


def test_route_method_and_url_length_errors(sandbox: Portal) -> None:
    assert ok(sandbox.api("GET", "/crm/v3/nothing"), 404)["category"] == "OBJECT_NOT_FOUND"
    assert ok(sandbox.api("PUT", f"{CONTACTS}/1"), 405)["status"] == "error"
    assert ok(sandbox.api("GET", "/crm/v3/objects/unicorns"), 400)["category"] == "VALIDATION_ERROR"
    names = ",".join(f"property_{n:04d}" for n in range(1_300))
    assert sandbox.api("GET", f"{CONTACTS}?properties={names}").status_code == 414
    assert sandbox.api("GET", f"{CONTACTS}?properties={names[:8000]}").status_code == 200


def test_the_date_header_follows_the_portals_clock(sandbox: Portal) -> None:
    sandbox.clock(freeze="2027-01-01T00:00:00+00:00")
    assert sandbox.api("GET", f"{CONTACTS}?limit=1").headers["Date"] == "Fri, 01 Jan 2027 00:00:00 GMT"
    created = ok(sandbox.api("POST", CONTACTS, json={"properties": {}}), 201)
    assert created["createdAt"] == "2027-01-01T00:00:00.000Z"
    sandbox.clock(resume=True, advance=-3600)
    assert "2026" in sandbox.api("GET", f"{CONTACTS}?limit=1").headers["Date"]
