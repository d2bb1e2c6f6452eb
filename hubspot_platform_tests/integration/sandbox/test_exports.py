"""Exports v3: start, poll, download; the queue, the limits and the links that expire."""

import csv
import io
import zipfile

import httpx
import pytest
from hubspot import HubSpot
from hubspot.crm.exports import PublicExportRequest

from hubspot_platform.sandbox.clock import parse_time
from hubspot_platform_tests.support.portal import Portal, portal

EXPORT = "/crm/v3/exports/export"


def start(sandbox: Portal, **body: object) -> str:
    wanted = {
        "exportType": "VIEW", "format": "CSV", "exportName": "all", "objectType": "CONTACT", "language": "EN",
        "objectProperties": ["email", "lifecyclestage", "createdate"],
        "exportInternalValuesOptions": ["NAMES", "VALUES"], **body,
    }  # fmt: skip
    answer = sandbox.api("POST", f"{EXPORT}/async", json=wanted)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def status(sandbox: Portal, export_id: str) -> dict:
    return sandbox.api("GET", f"{EXPORT}/async/tasks/{export_id}/status").json()


def finish(sandbox: Portal, export_id: str) -> httpx.Response:
    while (answer := status(sandbox, export_id))["status"] != "COMPLETE":
        assert "result" not in answer
    return httpx.get(answer["result"])


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_an_export_is_pending_then_processing_then_complete(sandbox: Portal, client: HubSpot) -> None:
    api = client.crm.exports.public_exports_api
    request = PublicExportRequest(
        export_type="VIEW", format="CSV", export_name="all", object_type="CONTACT", language="EN",
        object_properties=["email"], associated_object_type="COMPANY", export_internal_values_options=["NAMES"],
        override_associated_objects_per_definition_per_row_limit=False, list_id="", public_crm_search_request={},
    )  # fmt: skip
    task = api.start(request.to_dict() | {
        "exportType": "VIEW", "exportName": "all", "objectType": "CONTACT", "objectProperties": ["email"],
    })  # fmt: skip
    seen = [api.get_status(task.id) for _ in range(3)]
    assert [s.status for s in seen] == ["PENDING", "PROCESSING", "COMPLETE"]
    assert len(rows(httpx.get(seen[-1].result))) == sandbox.state()["counts"]["contacts"]["live"]
    detail = sandbox.api("GET", f"{EXPORT}/{task.id}").json()
    assert (detail["exportState"], detail["recordCount"]) == ("DONE", len(sandbox.dump("contacts")))


def test_the_file_has_the_values_of_every_live_record(sandbox: Portal) -> None:
    stored = {r["id"]: r["properties"] for r in sandbox.dump("contacts", properties=["email", "lifecyclestage"])}
    found = rows(finish(sandbox, start(sandbox)))
    assert {r["Record ID"]: (r["email"], r["lifecyclestage"]) for r in found} == {
        i: (p["email"] or "", p["lifecyclestage"] or "") for i, p in stored.items()
    }


def test_without_internal_names_headers_and_values_are_labels_and_times_are_the_portals(sandbox: Portal) -> None:
    contact = sandbox.change("contacts", "create", properties={"lifecyclestage": "customer"}, at="2026-07-01T01:30:00Z")
    found = rows(finish(sandbox, start(sandbox, exportInternalValuesOptions=[])))
    row = next(r for r in found if r["Record ID"] == contact["ids"][0])
    assert (row["Lifecycle stage"], row["Create date"]) == ("Customer", "2026-06-30 21:30")


def test_an_export_can_follow_filters_a_list_and_associations(sandbox: Portal) -> None:
    filters = [{"propertyName": "lifecyclestage", "operator": "EQ", "value": "customer"}]
    asked = {"publicCrmSearchRequest": {"filters": filters}, "associatedObjectType": ["COMPANY"]}
    by_filter = rows(finish(sandbox, start(sandbox, **asked)))
    by_list = rows(finish(sandbox, start(sandbox, exportType="LIST", listId="1103")))
    assert {r["Record ID"] for r in by_filter} == {r["Record ID"] for r in by_list}
    linked = {(a, b) for a, b, _ in sandbox.links("contacts", "companies")}
    for row in by_filter:
        companies = [c for c in row["Associated Company IDs"].split(";") if c]
        assert {(row["Record ID"], c) for c in companies} == {link for link in linked if link[0] == row["Record ID"]}


def test_one_export_runs_at_a_time_and_the_rest_queue(sandbox: Portal) -> None:
    first, second = start(sandbox), start(sandbox)
    assert [status(sandbox, second)["status"] for _ in range(3)] == ["PENDING"] * 3
    assert status(sandbox, first)["status"] == "COMPLETE"
    assert finish(sandbox, second).status_code == 200


def test_a_link_expires_after_five_minutes_and_the_next_status_has_a_fresh_one(sandbox: Portal) -> None:
    export_id = start(sandbox)
    finish(sandbox, export_id)
    link = status(sandbox, export_id)["result"]
    sandbox.clock(advance=301)
    assert httpx.get(link).status_code == 403
    assert finish(sandbox, export_id).status_code == 200


def test_the_download_needs_no_token_and_counts_against_no_limit(sandbox: Portal) -> None:
    export_id = start(sandbox)
    finish(sandbox, export_id)
    link = status(sandbox, export_id)["result"]
    used = sandbox.state()["limits"]["used_today"]
    assert httpx.get(link).status_code == 200
    assert sandbox.state()["limits"]["used_today"] == used
    assert sandbox.api("GET", f"{EXPORT}/{export_id}", token="").status_code == 401


def test_a_truncated_download_is_shorter_than_the_file(sandbox: Portal) -> None:
    export_id = start(sandbox)
    whole = finish(sandbox, export_id).content
    sandbox.fault("truncated_json", match={"route": "exports.download"}, count=1)
    assert len(finish(sandbox, export_id).content) == len(whole) // 2


def test_a_large_file_is_a_zip(sandbox: Portal) -> None:
    sandbox.change("contacts", "create", properties={"sales_notes": "x" * 60_000}, count=40)
    answer = finish(sandbox, start(sandbox, objectProperties=["sales_notes"]))
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        (name,) = packed.namelist()
        content = list(csv.DictReader(io.StringIO(packed.read(name).decode())))
    assert len(content) == sandbox.state()["counts"]["contacts"]["live"]


def test_the_31st_export_of_a_day_is_refused() -> None:
    with portal("small") as sandbox:
        for _ in range(30):
            start(sandbox)
        refused = sandbox.api("POST", f"{EXPORT}/async", json={"exportType": "VIEW"})
        assert (refused.status_code, refused.json()["errorType"]) == (429, "RATE_LIMIT")
        sandbox.clock(advance=86_401)
        start(sandbox)


@pytest.mark.parametrize(
    "body",
    [
        {"format": "XLSX"},
        {"objectProperties": ["nonsense"]},
        {"objectProperties": []},
        {"exportType": "ALL"},
        {"exportType": "LIST", "listId": "1108"},
        {"publicCrmSearchRequest": {"filterGroups": [{"filters": []}] * 4}},
        {"objectType": "SPACESHIP"},
    ],
)
def test_exports_that_cannot_be_made_are_refused(sandbox: Portal, body: dict) -> None:
    wanted = {"exportType": "VIEW", "format": "CSV", "objectType": "CONTACT", "objectProperties": ["email"], **body}
    assert sandbox.api("POST", f"{EXPORT}/async", json=wanted).status_code == 400


def test_the_file_is_as_of_the_start(sandbox: Portal) -> None:
    contact = sandbox.dump("contacts")[0]["id"]
    export_id = start(sandbox, objectProperties=["jobtitle", "createdate"])
    sandbox.change("contacts", "update", id=contact, properties={"jobtitle": "changed later"})
    found = {r["Record ID"]: r for r in rows(finish(sandbox, export_id))}
    assert found[contact]["jobtitle"] != "changed later"
    assert parse_time(found[contact]["createdate"]) is not None
