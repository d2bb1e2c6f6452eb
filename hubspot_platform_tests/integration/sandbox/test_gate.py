"""Authentication, scopes, rate limits, latency and faults, as a client meets them."""

import json
from pathlib import Path

import httpx
import pytest
from hubspot import HubSpot
from urllib3.util.retry import Retry

from hubspot_platform_tests.support.portal import TOKEN, Portal, portal

LIST = "/crm/v3/objects/contacts?limit=1"
READ = "/crm/v3/objects/contacts/batch/read"
SEARCH = "/crm/v3/objects/contacts/search"


def test_missing_invalid_and_expired_tokens_are_401(sandbox: Portal) -> None:
    for token, category in (
        ("", "INVALID_AUTHENTICATION"),
        ("invalid-token", "INVALID_AUTHENTICATION"),
        ("expired-token", "EXPIRED_AUTHENTICATION"),
    ):
        answer = sandbox.api("GET", LIST, token=token)
        assert (answer.status_code, answer.json()["category"]) == (401, category)
    sandbox.admin("tokens", {"expired": [TOKEN]})
    assert sandbox.api("GET", LIST).status_code == 401
    assert sandbox.api("GET", LIST, token="another").status_code == 200


def test_a_missing_scope_is_403_and_named(sandbox: Portal) -> None:
    sandbox.admin("scopes", {"missing": ["crm.objects.deals.read"]})
    refused = sandbox.api("GET", "/crm/v3/objects/deals")
    assert refused.status_code == 403
    assert refused.json()["category"] == "MISSING_SCOPES"
    assert refused.json()["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.deals.read"]
    assert refused.json()["links"]["scopes"]
    assert sandbox.api("GET", LIST).status_code == 200


def test_every_answer_has_a_correlation_id_which_errors_repeat(sandbox: Portal) -> None:
    assert sandbox.api("GET", LIST).headers["X-HubSpot-Correlation-Id"]
    refused = sandbox.api("GET", "/crm/v3/objects/contacts/1")
    assert refused.headers["X-HubSpot-Correlation-Id"] == refused.json()["correlationId"]


def test_the_191st_call_within_ten_seconds_is_refused_with_its_policy(sandbox: Portal) -> None:
    sandbox.admin("limits", {"plan": "professional"})
    statuses = [sandbox.api("GET", LIST).status_code for _ in range(190)]
    assert statuses == [200] * 190
    refused = sandbox.api("GET", LIST)
    assert refused.status_code == 429
    assert refused.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert refused.json()["errorType"] == "RATE_LIMIT"
    assert "category" not in refused.json()
    assert refused.headers["X-HubSpot-RateLimit-Remaining"] == "0"
    assert sandbox.api("GET", LIST, token="another-app").status_code == 200
    assert sandbox.stats()["limited_by_policy"] == {"TEN_SECONDLY_ROLLING": 1}


def test_search_has_a_limit_of_its_own_for_all_apps_together(sandbox: Portal) -> None:
    sandbox.admin("limits", {"plan": "professional"})
    answers = [sandbox.api("POST", SEARCH, token=f"app-{n}", json={"limit": 1}) for n in range(6)]
    assert [a.status_code for a in answers].count(429) == 1
    assert answers[-1].json()["policyName"] == "SECONDLY"


def test_the_day_is_used_up_until_portal_midnight(sandbox: Portal) -> None:
    sandbox.admin("limits", {"plan": "professional", "daily": 2})
    sandbox.clock(freeze="2026-06-01T03:59:00+00:00")
    statuses = [sandbox.api("GET", LIST).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert sandbox.api("GET", LIST).json()["policyName"] == "DAILY"
    sandbox.clock(advance=60)
    assert sandbox.api("GET", LIST).headers["X-HubSpot-RateLimit-Daily-Remaining"] == "1"


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ({"kind": "http_error", "status": 502}, 502, "text/html"),
        ({"kind": "http_error", "status": 524}, 524, "text/html"),
        ({"kind": "http_error", "status": 500, "mode": "json"}, 500, "application/json"),
        ({"kind": "locked"}, 423, "application/json"),
        ({"kind": "migrating", "retry_after": 3600}, 477, "application/json"),
        ({"kind": "rate_limit", "policy": "SECONDLY"}, 429, "application/json"),
        ({"kind": "daily_limit"}, 429, "application/json"),
        ({"kind": "expired_token"}, 401, "application/json"),
        ({"kind": "missing_scope"}, 403, "application/json"),
        ({"kind": "wrong_content_type"}, 200, "text/html"),
    ],
)
def test_faults_answer_instead_of_the_endpoint_as_often_as_asked(
    sandbox: Portal, fault: dict, status: int, kind: str
) -> None:
    sandbox.admin("faults", fault | {"match": {"route": "objects.list", "object": "contacts"}, "count": 2, "skip": 1})
    assert sandbox.api("GET", "/crm/v3/objects/deals").status_code == 200
    answers = [sandbox.api("GET", LIST) for _ in range(4)]
    hit = [a.headers["Content-Type"].startswith(kind) and a.status_code == status for a in answers]
    assert hit[1:3] == [True, True]
    assert [a.status_code for a in (answers[0], answers[3])] == [200, 200]
    if kind == "text/html":
        assert answers[1].text.startswith("<")
    if fault["kind"] == "migrating":
        assert answers[1].headers["Retry-After"] == "3600"


def test_case_062_a_truncated_page_is_not_json(sandbox: Portal) -> None:
    sandbox.fault("truncated_json", count=1)
    with pytest.raises(json.JSONDecodeError):
        sandbox.api("GET", LIST).json()


def test_a_reset_closes_the_connection_and_a_lost_answer_was_applied(sandbox: Portal) -> None:
    sandbox.fault("reset", count=1)
    with pytest.raises(httpx.TransportError):
        sandbox.api("GET", LIST)
    sandbox.fault("lost_answer", match={"route": "objects.create"}, count=1)
    before = sandbox.state()["counts"]["contacts"]["live"]
    with pytest.raises(httpx.TransportError):
        sandbox.api("POST", "/crm/v3/objects/contacts", json={"properties": {}})
    assert sandbox.state()["counts"]["contacts"]["live"] == before + 1


def test_an_overstated_total_counts_records_no_list_shows_until_it_is_removed(sandbox: Portal) -> None:
    def answers() -> tuple[int, list[dict], list[dict]]:
        found = sandbox.api("POST", SEARCH, json={"limit": 200}).json()
        listed = sandbox.api("GET", "/crm/v3/objects/contacts?limit=100").json()
        return found["total"], found["results"], listed["results"]

    total, *records = answers()
    sandbox.fault("overstated_total", share=0.2, match={"object": "contacts"})
    assert answers() == (total + round(total * 0.2), *records)
    sandbox.clear_faults()
    assert answers() == (total, *records)


@pytest.mark.parametrize(("mode", "distinct"), [("repeat", 1), ("cycle", 3)])
def test_case_063_cursors_that_lead_back(sandbox: Portal, mode: str, distinct: int) -> None:
    sandbox.fault("cursor_loop", mode=mode)
    after, seen = "", []
    for _ in range(9):
        page = sandbox.api("GET", f"/crm/v3/objects/contacts?limit=10&after={after}").json()
        after = page["paging"]["next"]["after"]
        seen.append(after)
    assert len(set(seen)) <= distinct


def test_case_068_an_empty_page_with_a_next_link_loses_nothing(sandbox: Portal) -> None:
    sandbox.fault("empty_page", probability=0.5, seed=3)
    ids: list[str] = []
    after, empty, cursors = "", 0, [-1]
    while True:
        page = sandbox.api("GET", f"/crm/v3/objects/contacts?limit=10&after={after}").json()
        ids += [r["id"] for r in page["results"]]
        empty += not page["results"]
        if "paging" not in page:
            break
        after = page["paging"]["next"]["after"]
        assert int(after) > cursors[-1]
        cursors.append(int(after))
    assert empty > 0
    assert ids == [r["id"] for r in sandbox.dump("contacts")]


def test_partial_failures_leave_the_rest_of_the_batch_done(sandbox: Portal) -> None:
    ids = [r["id"] for r in sandbox.dump("contacts")[:10]]
    sandbox.fault("partial_failure", ids=[ids[3]], count=1)
    inputs = [{"id": i, "properties": {"city": "Bergen"}} for i in ids]
    answer = sandbox.api("POST", "/crm/v3/objects/contacts/batch/update", json={"inputs": inputs})
    assert answer.status_code == 207
    assert answer.json()["errors"][0]["context"]["ids"] == [ids[3]]
    cities = {r["id"]: r["properties"]["city"] for r in sandbox.dump("contacts")[:10]}
    assert [i for i in ids if cities[i] != "Bergen"] == [ids[3]]


def test_hubspots_client_rides_out_a_storm_with_its_own_retries(sandbox: Portal) -> None:
    sandbox.fault("rate_limit", count=2, retry_after="0", match={"route": "objects.batch_read"})
    retry = Retry(total=5, status_forcelist=(429,), allowed_methods=None)
    client = HubSpot(access_token=TOKEN, host=sandbox.url, base_url=sandbox.url, retry=retry)
    contact = sandbox.dump("contacts")[0]["id"]
    assert client.crm.contacts.batch_api.read({"inputs": [{"id": contact}], "properties": []}).results[0].id == contact
    assert sandbox.stats()["by_status"] == {"200": 1, "429": 2}


def test_the_server_counts_calls_bytes_and_peaks(sandbox: Portal) -> None:
    size = len(sandbox.api("GET", LIST).content)
    sandbox.api("POST", SEARCH, json={"limit": 1})
    stats = sandbox.stats()
    assert stats["by_kind"] == {"objects.list": 1, "search": 1}
    assert stats["bytes_out"] > size
    assert (stats["in_flight"], stats["in_flight_peak"]) == (0, 1)


def test_an_unknown_fault_is_refused_with_the_reason(sandbox: Portal) -> None:
    for body in (
        {"kind": "gremlins"},
        {"kind": "reset", "colour": "red"},
        {"kind": "reset", "match": {"moon": "full"}},
    ):
        answer = sandbox.http.post("/sandbox/api/faults", json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]


def test_faults_come_from_a_file_too_and_latency_is_added(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text(json.dumps([{"kind": "locked", "count": 1}]))
    with portal("empty", "--faults", str(file), "--latency-ms", "50") as running:
        first, second = running.api("GET", LIST), running.api("GET", LIST)
        assert (first.status_code, second.status_code) == (423, 200)
        assert second.json() == {"results": []}
        assert second.elapsed.total_seconds() >= 0.05 * 0.6
