"""Marketing forms and their submissions."""

import pytest
from hubspot import HubSpot
from hubspot.marketing.forms.exceptions import ApiException

from hubspot_platform.sandbox.form_rules import FIELD_TYPES, GROUP_TYPES
from hubspot_platform_tests.support.portal import Portal

FORMS = "/marketing/v3/forms"
FIELD = {
    "objectTypeId": "0-1", "name": "email", "label": "E-mail", "required": True, "hidden": False, "fieldType": "email",
    "dependentFields": [], "validation": {"blockedEmailDomains": [], "useDefaultBlockList": False},
}  # fmt: skip
GROUP = {"groupType": "default_group", "richTextType": "text", "fields": [FIELD]}


def body(**more: object) -> dict:
    return {
        "formType": "hubspot", "name": "New form", "createdAt": "2026-01-01T00:00:00Z", "archived": False,
        "updatedAt": "2026-01-01T00:00:00Z", "fieldGroups": [GROUP], "configuration": {"language": "en"},
        "displayOptions": {"theme": "default_style"}, "legalConsentOptions": {"type": "none"}, **more,
    }  # fmt: skip


def submissions(sandbox: Portal, form_id: str) -> list[dict]:
    rows: list[dict] = []
    after = ""
    while True:
        path = f"/form-integrations/v1/submissions/forms/{form_id}?limit=10&after={after}"
        page = sandbox.api("GET", path).json()
        rows += page["results"]
        if "paging" not in page:
            return rows
        after = page["paging"]["next"]["after"]


def form_id(sandbox: Portal, name: str) -> str:
    return next(f["id"] for f in sandbox.account("forms") if f["name"] == name)


def test_forms_page_through_the_client_library(sandbox: Portal, client: HubSpot) -> None:
    api = client.marketing.forms.forms_api
    names, after = [], None
    while True:
        page = api.get_page(limit=2, **({"after": after} if after else {}))
        names += [f.name for f in page.results]
        if page.paging is None:
            break
        after = page.paging.next.after
    ours = [f for f in sandbox.account("forms") if f["formType"] == "hubspot"]
    assert sorted(names) == sorted(f["name"] for f in ours if not f["archived"])
    archived = api.get_page(archived=True).results
    assert [f.name for f in archived] == [f["name"] for f in ours if f["archived"]]
    assert all(f.archived_at for f in archived)


def test_every_kind_of_group_field_consent_and_answer_is_there(sandbox: Portal) -> None:
    forms = sandbox.api("GET", f"{FORMS}?limit=100&formTypes=all").json()["results"]
    groups = [g for f in forms for g in f["fieldGroups"]]
    assert {g["groupType"] for g in groups} == set(GROUP_TYPES)
    assert {f["fieldType"] for g in groups for f in g["fields"]} == set(FIELD_TYPES)
    assert all(1 <= len(g["fields"]) <= 3 for g in groups)
    assert {f["legalConsentOptions"]["type"] for f in forms} == {
        "none", "legitimate_interest", "explicit_consent_to_process", "implicit_consent_to_process",
    }  # fmt: skip
    assert {f["configuration"]["postSubmitAction"]["type"] for f in forms} == {"thank_you", "redirect_url"}
    assert {f["formType"] for f in forms} == {"hubspot", "captured"}
    assert all(len(f["displayOptions"]["style"]) == 12 for f in forms)


def test_a_form_is_created_changed_replaced_and_archived(sandbox: Portal, client: HubSpot) -> None:
    api = client.marketing.forms.forms_api
    made = api.create(body())
    assert len(made.id) == 36
    assert made.created_at.isoformat() > "2026-01-01T00:00:00.001"
    assert api.update(made.id, {"name": "Renamed"}).name == "Renamed"
    whole = sandbox.api("PUT", f"{FORMS}/{made.id}", json=body(name="Replaced")).json()
    assert (whole["name"], whole["id"]) == ("Replaced", made.id)
    api.archive(made.id)
    with pytest.raises(ApiException) as refusal:
        api.get_by_id(made.id)
    assert refusal.value.status == 404
    assert sandbox.api("GET", f"{FORMS}/{made.id}?archived=true").json()["archivedAt"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"formType": "flow"},
        {"fieldGroups": [{**GROUP, "groupType": "default"}]},
        {"fieldGroups": [{**GROUP, "fields": [FIELD] * 4}]},
        {"fieldGroups": [{**GROUP, "fields": [{**FIELD, "fieldType": "x"}]}]},
        {"legalConsentOptions": {"type": "maybe"}},
        {"configuration": {"postSubmitAction": {"type": "dance"}}},
    ],
)
def test_wrong_forms_are_refused(sandbox: Portal, wrong: dict) -> None:
    refused = sandbox.api("POST", FORMS, json=body(**wrong))
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")


def test_a_create_body_must_be_complete_timestamps_included(sandbox: Portal) -> None:
    for name in ("createdAt", "archived", "displayOptions"):
        part = body()
        del part[name]
        assert sandbox.api("POST", FORMS, json=part).status_code == 400


def test_submissions_come_newest_first_and_belong_to_contacts(sandbox: Portal) -> None:
    contact_us = form_id(sandbox, "Contact us")
    found = submissions(sandbox, contact_us)
    moments = [s["submittedAt"] for s in found]
    assert moments == sorted(moments, reverse=True)
    assert len({s["conversionId"] for s in found}) == len(found) > 20
    emails = {r["properties"]["email"].lower() for r in sandbox.dump("contacts") if r["properties"]["email"]}
    for submission in found:
        values = {v["name"]: v["value"] for v in submission["values"]}
        assert values["email"].strip().lower() in emails
        assert submission["pageUrl"].startswith("https://")


def test_a_new_submission_does_not_move_the_pages_that_follow(sandbox: Portal) -> None:
    newsletter = form_id(sandbox, "Newsletter")
    path = f"/form-integrations/v1/submissions/forms/{newsletter}?limit=5"
    before = submissions(sandbox, newsletter)
    first = sandbox.api("GET", path).json()
    made = sandbox.change_account("forms", "submit", id=newsletter, values={"email": "late@example.com"})
    second = sandbox.api("GET", f"{path}&after={first['paging']['next']['after']}").json()["results"]
    assert second == before[5:10]
    assert submissions(sandbox, newsletter) == [made, *before]


def test_submissions_of_an_archived_form_stay_readable_and_unknown_forms_are_404(sandbox: Portal) -> None:
    assert submissions(sandbox, form_id(sandbox, "Old contact form"))
    assert sandbox.api("GET", "/form-integrations/v1/submissions/forms/none").status_code == 404
    assert sandbox.api("GET", f"/form-integrations/v1/submissions/forms/{form_id(sandbox, 'Newsletter')}?limit=51"
                       ).status_code == 400  # fmt: skip
