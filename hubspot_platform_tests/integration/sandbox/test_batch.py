"""Batch calls: the 100 limit, 207 answers, collapsing, and order."""

from hubspot import HubSpot

from hubspot_platform_tests.support.portal import Portal

BATCH = "/crm/v3/objects/contacts/batch"


def test_read_answers_found_records_in_id_order_and_names_the_missing_ones(sandbox: Portal, client: HubSpot) -> None:
    ids = [r["id"] for r in sandbox.dump("contacts")[:3]]
    body = {"inputs": [{"id": i} for i in (ids[2], "999999", ids[0], ids[2])], "properties": ["email"]}
    answer = sandbox.api("POST", f"{BATCH}/read", json=body)
    assert answer.status_code == 207
    assert [r["id"] for r in answer.json()["results"]] == [ids[0], ids[2]]
    assert answer.json()["numErrors"] == 1
    assert answer.json()["errors"][0]["context"] == {"ids": ["999999"]}
    typed = client.crm.contacts.batch_api.read(body)
    assert typed.errors[0].category == "OBJECT_NOT_FOUND"


def test_read_of_a_merged_id_answers_the_survivor(sandbox: Portal) -> None:
    (loser, survivor), *_ = sandbox.merged("contacts").items()
    answer = sandbox.api("POST", f"{BATCH}/read", json={"inputs": [{"id": loser}], "properties": []})
    assert [r["id"] for r in answer.json()["results"]] == [survivor]


def test_more_than_100_inputs_are_refused(sandbox: Portal) -> None:
    body = {"inputs": [{"id": str(n)} for n in range(101)]}
    assert sandbox.api("POST", f"{BATCH}/read", json=body).status_code == 400
    body = {"inputs": [{"id": str(n)} for n in range(51)], "propertiesWithHistory": ["email"]}
    assert sandbox.api("POST", f"{BATCH}/read", json=body).status_code == 400


def test_one_bad_value_fails_the_whole_batch_without_trace_ids(sandbox: Portal) -> None:
    before = sandbox.state()["counts"]["contacts"]["live"]
    inputs = [{"properties": {"firstname": "Good"}}, {"properties": {"lead_score": "bad"}}]
    assert sandbox.api("POST", f"{BATCH}/create", json={"inputs": inputs}).status_code == 400
    assert sandbox.state()["counts"]["contacts"]["live"] == before


def test_with_trace_ids_only_the_bad_input_fails(sandbox: Portal, client: HubSpot) -> None:
    inputs = [
        {"properties": {"firstname": "Good"}, "objectWriteTraceId": "a"},
        {"properties": {"lead_score": "bad"}, "objectWriteTraceId": "b"},
    ]
    answer = sandbox.api("POST", f"{BATCH}/create", json={"inputs": inputs})
    assert answer.status_code == 207
    assert [r["objectWriteTraceId"] for r in answer.json()["results"]] == ["a"]
    assert answer.json()["errors"][0]["context"]["objectWriteTraceId"] == ["b"]
    assert len(client.crm.contacts.batch_api.create({"inputs": inputs}).errors) == 1


def test_update_writes_known_ids_and_names_unknown_ones(sandbox: Portal) -> None:
    contact = sandbox.dump("contacts")[0]["id"]
    inputs = [{"id": i, "properties": {"city": "Oslo"}} for i in ("424242", contact)]
    answer = sandbox.api("POST", f"{BATCH}/update", json={"inputs": inputs})
    assert answer.status_code == 207
    assert answer.json()["results"][0]["properties"]["city"] == "Oslo"
    assert answer.json()["errors"][0]["context"]["ids"] == ["424242"]


def test_update_refuses_email_as_key_and_duplicates(sandbox: Portal) -> None:
    by_mail = [{"id": "a@x.com", "idProperty": "email", "properties": {"city": "Oslo"}}]
    refused = sandbox.api("POST", f"{BATCH}/update", json={"inputs": by_mail})
    assert refused.status_code == 400
    assert "non-unique 0-1 property" in refused.json()["message"]
    twice = [{"id": "1", "properties": {}}, {"id": "1", "properties": {}}]
    assert "Duplicate IDs" in sandbox.api("POST", f"{BATCH}/update", json={"inputs": twice}).json()["message"]


def test_upsert_says_what_is_new(sandbox: Portal, client: HubSpot) -> None:
    sandbox.change("contacts", "create", properties={"email": "here@example.com"})
    inputs = [
        {"id": mail, "idProperty": "email", "properties": {"email": mail, "city": "Oslo"}}
        for mail in ("here@example.com", "fresh@example.com")
    ]
    answer = client.crm.contacts.batch_api.upsert({"inputs": inputs})
    assert {r.properties["email"]: r.new for r in answer.results} == {
        "here@example.com": False,
        "fresh@example.com": True,
    }


def test_two_creates_with_one_email_in_a_batch_are_a_conflict_and_write_nothing(sandbox: Portal) -> None:
    before = sandbox.state()["counts"]["contacts"]["live"]
    inputs = [{"properties": {"email": "same@example.com"}}] * 2
    assert sandbox.api("POST", f"{BATCH}/create", json={"inputs": inputs}).status_code == 409
    assert sandbox.state()["counts"]["contacts"]["live"] == before


def test_archive_ignores_unknown_ids(sandbox: Portal) -> None:
    made = sandbox.change("contacts", "create", count=2)["ids"]
    body = {"inputs": [{"id": i} for i in (*made, "31337")]}
    assert sandbox.api("POST", f"{BATCH}/archive", json=body).status_code == 204
    assert set(made) <= {r["id"] for r in sandbox.dump("contacts", archived=True)}
