"""Tickets, engagements and custom objects have every endpoint contacts have, with the same limits and faults."""

import pytest
from hubspot import HubSpot
from hubspot.crm.objects.exceptions import ApiException

from hubspot_platform_tests.support.portal import Portal

STAMP = "2026-11-20T09:30:00.000Z"
# path, type id, what creation needs, a property to change and its new value
TYPES = (
    ("tickets", "0-5", {"subject": "Broken", "hs_pipeline_stage": "1"}, ("hs_ticket_priority", "HIGH")),
    ("calls", "0-48", {"hs_timestamp": STAMP}, ("hs_call_duration", "61000")),
    ("meetings", "0-47", {"hs_timestamp": STAMP}, ("hs_meeting_outcome", "NO_SHOW")),
    ("emails", "0-49", {"hs_timestamp": STAMP, "hs_email_direction": "EMAIL"}, ("hs_email_status", "BOUNCED")),
    ("notes", "0-46", {"hs_timestamp": STAMP}, ("hs_note_body", "<p>x</p>")),
    ("tasks", "0-27", {"hs_timestamp": STAMP}, ("hs_task_status", "COMPLETED")),
    ("communications", "0-18", {"hs_timestamp": STAMP}, ("hs_communication_channel_type", "SMS")),
    ("p4242_bug", "2-3456789", {"summary": "Umlauts broken"}, ("severity", "critical")),
)
each_type = pytest.mark.parametrize(("path", "type_id", "needed", "change"), TYPES, ids=[t[0] for t in TYPES])
DEFAULTS = {"hs_object_id", "hs_createdate", "hs_lastmodifieddate"}


def objects(path: str) -> str:
    return f"/crm/v3/objects/{path}"


@each_type
def test_a_record_is_created_read_changed_searched_and_archived(
    sandbox: Portal, client: HubSpot, path: str, type_id: str, needed: dict, change: tuple[str, str]
) -> None:
    api = client.crm.objects
    made = api.basic_api.create(path, {"properties": needed})
    name, value = change
    sandbox.clock(advance=60)
    changed = api.basic_api.update(path, made.id, {"properties": {name: value}})
    assert changed.updated_at > made.updated_at
    read = sandbox.api("GET", f"{objects(type_id)}/{made.id}?properties={name}").json()
    assert read["properties"][name] == value
    assert read["properties"]["hs_lastmodifieddate"] == read["updatedAt"]
    assert read["url"].endswith(f"/record/{type_id}/{made.id}")
    batch = api.batch_api.read(path, {"inputs": [{"id": made.id}, {"id": "31337"}], "properties": [name]})
    assert [r.properties[name] for r in batch.results] == [value]
    assert batch.errors[0].category == "OBJECT_NOT_FOUND"
    query = {"filters": [{"propertyName": "hs_object_id", "operator": "EQ", "value": made.id}]}
    assert api.search_api.do_search(path, query).total == 1
    api.basic_api.archive(path, made.id)
    assert api.search_api.do_search(path, query).total == 0
    assert api.basic_api.get_by_id(path, made.id, archived=True).archived_at is not None


@each_type
def test_lists_are_complete_and_live_and_archived_apart(
    sandbox: Portal, client: HubSpot, path: str, type_id: str, needed: dict, change: tuple[str, str]
) -> None:
    counts = sandbox.state()["counts"][path]
    live, archived = (client.crm.objects.get_all(path, archived=a) for a in (False, True))
    assert (len(live), len(archived)) == (counts["live"], counts["archived"])
    assert counts["live"] > 5
    assert sandbox.api("GET", f"{objects(path)}?limit=101").status_code == 400


@each_type
def test_creation_names_what_is_missing_and_what_is_wrong(
    sandbox: Portal, path: str, type_id: str, needed: dict, change: tuple[str, str]
) -> None:
    empty = sandbox.api("POST", objects(path), json={"properties": {}})
    assert empty.status_code == 400
    assert {e["context"]["propertyName"][0] for e in empty.json()["errors"]} == set(needed)
    wrong = sandbox.api("POST", objects(path), json={"properties": {**needed, "hs_object_id": "1"}})
    assert wrong.json()["errors"][0]["code"] == "READ_ONLY_VALUE"


def test_engagements_answer_three_properties_unless_asked_and_tickets_nine(sandbox: Portal) -> None:
    for path in ("calls", "meetings", "emails", "notes", "tasks", "communications"):
        assert set(sandbox.api("GET", f"{objects(path)}?limit=1").json()["results"][0]["properties"]) == DEFAULTS
    assert set(sandbox.api("GET", f"{objects('ticket')}?limit=1").json()["results"][0]["properties"]) == {
        "subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_category", "hs_ticket_priority",
        "createdate", "hs_lastmodifieddate", "hs_object_id",
    }  # fmt: skip
    bug = sandbox.api("GET", f"{objects('bug')}?limit=1").json()["results"][0]
    assert set(bug["properties"]) == {*DEFAULTS, "summary"}


def test_a_ticket_needs_a_status_of_its_pipeline(sandbox: Portal) -> None:
    wrong = {"subject": "X", "hs_pipeline": "0", "hs_pipeline_stage": "661201"}
    answer = sandbox.api("POST", objects("tickets"), json={"properties": wrong})
    assert answer.json()["errors"][0]["code"] == "INVALID_OPTION"
    made = sandbox.api("POST", objects("tickets"), json={"properties": {"subject": "X", "hs_pipeline_stage": "4"}})
    assert made.json()["properties"]["hs_pipeline"] == "0"
    moved = {"properties": {"hs_pipeline_stage": "661201"}}
    assert sandbox.api("PATCH", f"{objects('tickets')}/{made.json()['id']}", json=moved).status_code == 400


def test_calls_are_found_by_their_phone_number_and_their_time(sandbox: Portal) -> None:
    made = sandbox.change(
        "calls", "create", properties={"hs_call_to_number": "+12025550999", "hs_timestamp": "2031-01-01T00:00:00Z"}
    )["ids"]
    for name, operator, value in (
        ("hs_call_to_number", "EQ", "+12025550999"),
        ("hs_timestamp", "GTE", "1924905600000"),
    ):
        body = {"filters": [{"propertyName": name, "operator": operator, "value": value}]}
        assert [r["id"] for r in sandbox.api("POST", f"{objects('calls')}/search", json=body).json()["results"]] == made


@pytest.mark.parametrize("name", ["hs_body_preview", "hs_body_preview_html", "hs_email_html"])
def test_search_does_not_filter_on_bodies(sandbox: Portal, name: str) -> None:
    body = {"filters": [{"propertyName": name, "operator": "CONTAINS_TOKEN", "value": "hello"}]}
    assert sandbox.api("POST", f"{objects('emails')}/search", json=body).status_code == 400


def test_without_the_scope_for_mail_its_content_is_missing_and_the_record_is_not(sandbox: Portal) -> None:
    names = "hs_email_text,hs_email_html,hs_email_subject,hs_email_headers,hs_email_status"
    path = f"{objects('emails')}?limit=5&properties={names}"
    assert all("hs_email_text" in r["properties"] for r in sandbox.api("GET", path).json()["results"])
    sandbox.admin("scopes", {"missing": ["sales-email-read"]})
    answer = sandbox.api("GET", f"{path}&propertiesWithHistory=hs_email_text")
    assert answer.status_code == 200
    for record in answer.json()["results"]:
        assert set(record["properties"]) == {*DEFAULTS, "hs_email_status"}
        assert record["propertiesWithHistory"] == {}


@pytest.mark.parametrize(
    ("scope", "path", "other"),
    [
        ("tickets", "tickets", "contacts"),
        ("crm.objects.contacts.read", "calls", "companies"),
        ("crm.objects.custom.read", "bug", "tickets"),
    ],
)
def test_each_type_asks_for_its_own_scope(sandbox: Portal, client: HubSpot, scope: str, path: str, other: str) -> None:
    sandbox.admin("scopes", {"missing": [scope]})
    with pytest.raises(ApiException) as refusal:
        client.crm.objects.basic_api.get_page(path)
    assert refusal.value.status == 403
    assert scope in refusal.value.body
    assert sandbox.api("GET", f"{objects(other)}?limit=1").status_code == 200


def test_faults_hit_one_type_alone(sandbox: Portal) -> None:
    sandbox.fault("http_error", match={"object": "p4242_bug"}, status=503)
    assert sandbox.api("GET", f"{objects('2-3456789')}?limit=1").status_code == 503
    assert sandbox.api("GET", f"{objects('tickets')}?limit=1").status_code == 200


def test_search_can_lag_for_one_type_by_minutes(sandbox: Portal) -> None:
    sandbox.admin("search", {"lag": 300, "object": "tickets"})
    ticket = sandbox.change("tickets", "create", properties={"subject": "Late"})["ids"][0]
    note = sandbox.change("notes", "create", properties={"hs_note_body": "at once"})["ids"][0]

    def found(path: str, key: str) -> int:
        body = {"filters": [{"propertyName": "hs_object_id", "operator": "EQ", "value": key}]}
        return sandbox.api("POST", f"{objects(path)}/search", json=body).json()["total"]

    assert (found("tickets", ticket), found("notes", note)) == (0, 1)
    sandbox.clock(advance=301)
    assert found("tickets", ticket) == 1


def test_the_outcomes_of_calls_have_names(sandbox: Portal) -> None:
    listed = sandbox.api("GET", "/calling/v1/dispositions").json()
    assert {"id": "f240bbac-87c9-4f6e-bf70-924b57d47db7", "label": "Connected", "deleted": False} in listed
    definition = sandbox.api("GET", "/crm/v3/properties/calls/hs_call_disposition").json()
    assert {o["value"] for o in definition["options"]} == {d["id"] for d in listed}


def test_a_merge_of_tickets_keeps_links_and_both_old_ids(sandbox: Portal, client: HubSpot) -> None:
    first, second = sandbox.change("tickets", "create", count=2, properties={"subject": "Twice"})["ids"]
    contact = sandbox.dump("contacts")[0]["id"]
    sandbox.change("tickets", "link", id=second, to=contact, to_object="contacts")
    merged = sandbox.api(
        "POST", f"{objects('tickets')}/merge", json={"primaryObjectId": first, "objectIdToMerge": second}
    )
    survivor = merged.json()["id"]
    assert survivor not in {first, second}
    for old in (first, second):
        assert sandbox.api("GET", f"{objects('tickets')}/{old}").json()["id"] == survivor
    assert (survivor, contact, 16) in sandbox.links("tickets", "contacts")


def test_a_record_merged_250_times_takes_no_more(sandbox: Portal) -> None:
    listed = ";".join(str(n) for n in range(250))
    full = sandbox.change("tickets", "create", properties={"hs_merged_object_ids": listed})["ids"][0]
    other = sandbox.change("tickets", "create", properties={"subject": "One more"})["ids"][0]
    body = {"primaryObjectId": full, "objectIdToMerge": other}
    assert sandbox.api("POST", f"{objects('tickets')}/merge", json=body).status_code == 400


def test_an_address_deleted_for_privacy_before_it_was_known_is_refused_later(sandbox: Portal) -> None:
    body = {"objectId": "Never@Example.com", "idProperty": "email"}
    assert sandbox.api("POST", f"{objects('contacts')}/gdpr-delete", json=body).status_code == 204
    refused = sandbox.api("POST", objects("contacts"), json={"properties": {"email": "never@example.com"}})
    assert refused.status_code == 400
    sandbox.api("POST", objects("contacts"), json={"properties": {"email": "other@example.com"}})
