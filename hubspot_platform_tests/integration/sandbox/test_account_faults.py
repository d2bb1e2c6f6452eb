"""Lists, forms, exports, people and e-mail events fail, loop and are counted the way the CRM objects are."""

import json
from collections.abc import Mapping

import pytest

from hubspot_platform_tests.support.portal import Portal

EVENTS, SEARCH = "/email/public/v1/events", "/crm/v3/lists/search"
MEMBERS, FORMS, USERS = "/crm/v3/lists/1101/memberships", "/marketing/v3/forms", "/settings/v3/users"
# every way these endpoints page: path, how many a page
PAGED = ((EVENTS, 50), (MEMBERS, 10), (f"{MEMBERS}/join-order", 10), (FORMS, 2), (USERS, 2))


def submissions(sandbox: Portal) -> str:
    newsletter = next(f["id"] for f in sandbox.account("forms") if f["name"] == "Newsletter")
    return f"/form-integrations/v1/submissions/forms/{newsletter}"


def cursor(page: Mapping[str, object]) -> str:
    """Return the cursor a page names, whatever its endpoint calls it; empty on the last page."""
    if "hasMore" in page:
        return str(page["offset"]) if page["hasMore"] else ""
    paging = page.get("paging") or {}
    return paging.get("next", {}).get("after", "")  # type: ignore[attr-defined]


def step(sandbox: Portal, path: str, limit: int, after: str) -> dict:
    name = "offset" if path == EVENTS else "after"
    return sandbox.api("GET", path, params={"limit": limit, **({name: after} if after else {})}).json()


def rows(page: Mapping[str, object]) -> list[str]:
    listed = page.get("events") or page.get("results") or []
    assert isinstance(listed, list)
    return [json.dumps(row) for row in listed]


def walk(sandbox: Portal, path: str, limit: int) -> list[str]:
    found: dict[str, None] = {}
    after, steps = "", 0
    while True:
        page = step(sandbox, path, limit, after)
        found |= dict.fromkeys(rows(page))
        after, steps = cursor(page), steps + 1
        assert steps < 500
        if not after:
            return list(found)


@pytest.mark.parametrize(("path", "limit"), PAGED)
@pytest.mark.parametrize("mode", ["repeat", "cycle"])
def test_case_063_cursors_of_every_kind_can_lead_back(sandbox: Portal, path: str, limit: int, mode: str) -> None:
    sandbox.fault("cursor_loop", mode=mode)
    after, seen = "", []
    for _ in range(9):
        after = cursor(step(sandbox, path, limit, after))
        seen.append(after)
    assert len(set(seen)) <= 3
    assert all(seen)


@pytest.mark.parametrize("mode", ["repeat", "cycle"])
def test_case_063_the_offset_of_a_list_search_can_lead_back(sandbox: Portal, mode: str) -> None:
    sandbox.fault("cursor_loop", mode=mode)
    offset, seen = 0, []
    for _ in range(9):
        page = sandbox.api("POST", SEARCH, json={"offset": offset, "count": 2}).json()
        offset = page["offset"]
        seen.append(offset)
        assert page["hasMore"] is True
    assert len(set(seen)) <= 3


@pytest.mark.parametrize(("path", "limit"), PAGED)
def test_case_068_an_empty_first_page_loses_nothing(sandbox: Portal, path: str, limit: int) -> None:
    whole = walk(sandbox, path, limit)
    sandbox.fault("empty_page")
    assert rows(step(sandbox, path, limit, "")) == []
    assert walk(sandbox, path, limit) == whole


def test_case_062_truncated_answers_and_server_errors_hit_every_endpoint(sandbox: Portal) -> None:
    sandbox.fault("truncated_json")
    for path in (*(p for p, _ in PAGED), submissions(sandbox), f"{USERS}/teams"):
        with pytest.raises(json.JSONDecodeError):
            sandbox.api("GET", path).json()
    sandbox.clear_faults()
    sandbox.fault("http_error", status=502, match={"route": "email_events"}, count=1)
    assert [sandbox.api("GET", EVENTS).status_code for _ in range(2)] == [502, 200]


def test_they_share_the_window_of_the_app_and_carry_its_headers(sandbox: Portal) -> None:
    sandbox.admin("limits", {"per_10_s": 4})
    answers = [sandbox.api("GET", path) for path in (USERS, FORMS, EVENTS, MEMBERS, USERS)]
    assert [a.status_code for a in answers] == [200, 200, 200, 200, 429]
    assert [a.headers["X-HubSpot-RateLimit-Remaining"] for a in answers[:4]] == ["3", "2", "1", "0"]
    assert answers[4].json()["policyName"] == "TEN_SECONDLY_ROLLING"


def test_a_list_search_is_not_a_crm_search(sandbox: Portal) -> None:
    sandbox.admin("limits", {"searches_per_s": 1})
    answers = [sandbox.api("POST", SEARCH, json={}).status_code for _ in range(5)]
    assert answers == [200] * 5


def test_they_are_counted_by_their_names(sandbox: Portal) -> None:
    form_submissions = submissions(sandbox)
    sandbox.reset_stats()
    for path in (USERS, f"{USERS}/roles", MEMBERS, FORMS, form_submissions, EVENTS):
        sandbox.api("GET", path)
    assert set(sandbox.stats()["by_kind"]) == {
        "users.list", "users.roles", "lists.members", "forms.list", "forms.submissions", "email_events.list",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ("settings.users.read", USERS),
        ("crm.lists.read", MEMBERS),
        ("forms", FORMS),
        ("content", EVENTS),
        ("crm.export", "/crm/v3/exports/export/1"),
    ],
)
def test_each_needs_its_scope(sandbox: Portal, scope: str, path: str) -> None:
    sandbox.admin("scopes", {"missing": [scope]})
    refused = sandbox.api("GET", path)
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["context"]["requiredGranularScopes"] == [scope]


def test_unknown_admin_commands_say_what_there_is(sandbox: Portal) -> None:
    for method, path in (("GET", "account/ghosts"), ("POST", "account/lists/dance"), ("POST", "account/lists/delete")):
        answer = sandbox.http.request(method, f"/sandbox/api/{path}", json={})
        assert answer.status_code == 400, path
        assert answer.json()["error"]
