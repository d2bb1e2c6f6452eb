"""CRM search over HTTP: paging, the cap, windows, the lagging index and the undependable order."""

from collections.abc import Iterator

import pytest
from hubspot import HubSpot

from hubspot_platform_tests.support.portal import Portal, portal

SEARCH = "/crm/v3/objects/contacts/search"


def search(sandbox: Portal, *filters: dict, **more: object) -> dict:
    body = {"filterGroups": [{"filters": list(filters)}], "limit": 200, **more}
    answer = sandbox.api("POST", SEARCH, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def condition(name: str, operator: str, value: object = None, **more: object) -> dict:
    return {"propertyName": name, "operator": operator, "value": value, **more}


@pytest.fixture(scope="module")
def wide() -> Iterator[Portal]:
    with portal("contacts=10600,properties=20,companies=10,deals=5") as running:
        yield running


def test_a_window_finds_what_was_modified_in_it_and_the_total_is_exact(sandbox: Portal, client: HubSpot) -> None:
    stamps = sorted(r["updatedAt"] for r in sandbox.dump("contacts"))
    low, high = stamps[50], stamps[199]
    expected = {r["id"] for r in sandbox.dump("contacts") if low <= r["updatedAt"] <= high}
    window = condition("lastmodifieddate", "BETWEEN", low, highValue=high)
    found = search(sandbox, window)
    assert {r["id"] for r in found["results"]} == expected
    assert found["total"] == len(expected)
    typed = client.crm.contacts.search_api.do_search(
        {"filterGroups": [{"filters": [window]}], "limit": 1, "sorts": [{"propertyName": "hs_object_id"}]}
    )
    assert typed.total == len(expected)


def test_pages_of_200_cover_everything_once(sandbox: Portal) -> None:
    found: list[str] = []
    after: str | None = "0"
    while after is not None:
        page = search(sandbox, sorts=["hs_object_id"], after=after)
        found += [r["id"] for r in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after")
    assert found == [r["id"] for r in sandbox.dump("contacts")]


def test_search_answers_carry_no_rate_headers_and_list_answers_do(sandbox: Portal) -> None:
    sandbox.admin("limits", {"plan": "professional"})
    searched = sandbox.api("POST", SEARCH, json={"limit": 1})
    listed = sandbox.api("GET", "/crm/v3/objects/contacts?limit=1")
    assert not [h for h in searched.headers if "ratelimit" in h]
    assert listed.headers["X-HubSpot-RateLimit-Max"] == "190"
    assert listed.headers["X-HubSpot-RateLimit-Remaining"] == "189"


def test_case_064_the_cap_is_10000_and_the_total_may_be_larger(wide: Portal) -> None:
    everything = search(wide, condition("hs_object_id", "GT", "0"), after="9800")
    assert everything["total"] > 10_000
    refused = wide.api("POST", SEARCH, json={"limit": 200, "after": "9801"})
    assert refused.status_code == 400
    assert refused.json()["category"] == "VALIDATION_ERROR"


def test_case_065_records_of_one_instant_are_paged_by_id(wide: Portal) -> None:
    stamped = wide.change("contacts", "stamp", first=10_200, at="2026-01-01T00:00:00Z")
    instant = condition("lastmodifieddate", "EQ", stamped["at"])
    found: list[int] = []
    while True:
        last = str(found[-1]) if found else "0"
        page = search(wide, instant, condition("hs_object_id", "GT", last), sorts=["hs_object_id"])
        found += [int(r["id"]) for r in page["results"]]
        if "paging" not in page:
            break
    assert len(found) == stamped["stamped"] == 10_200
    assert found == sorted(set(found))


def test_case_067_a_lagging_index_shows_the_old_version_until_its_time_has_come(sandbox: Portal) -> None:
    contact = sandbox.dump("contacts")[0]["id"]
    sandbox.change("contacts", "update", id=contact, properties={"city": "Before"})
    sandbox.admin("search", {"lag": 90})
    sandbox.clock(freeze=True)
    sandbox.change("contacts", "update", id=contact, properties={"city": "After"})
    created = sandbox.change("contacts", "create", properties={"city": "Newcomer"})["ids"][0]

    def city() -> str:
        found = search(sandbox, condition("hs_object_id", "EQ", contact), properties=["city"])
        return found["results"][0]["properties"]["city"]

    def newcomers() -> int:
        return search(sandbox, condition("hs_object_id", "EQ", created))["total"]

    assert (city(), newcomers()) == ("Before", 0)
    assert sandbox.api("GET", f"/crm/v3/objects/contacts/{created}").status_code == 200
    sandbox.clock(advance=89)
    assert (city(), newcomers()) == ("Before", 0)
    sandbox.clock(advance=1)
    assert (city(), newcomers()) == ("After", 1)


def test_the_order_by_last_modified_is_not_dependable_when_switched_on(sandbox: Portal) -> None:
    sorts = [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}]
    straight = [r["updatedAt"] for r in search(sandbox, sorts=sorts)["results"]]
    assert straight == sorted(straight)
    sandbox.admin("search", {"unordered": True})
    shuffled = [r["updatedAt"] for r in search(sandbox, sorts=sorts)["results"]]
    assert shuffled != sorted(shuffled)
    assert search(sandbox, sorts=sorts)["total"] == sandbox.state()["counts"]["contacts"]["live"]
    by_id = [int(r["id"]) for r in search(sandbox, sorts=["hs_object_id"])["results"]]
    assert by_id == sorted(by_id)


def test_contacts_of_a_company_and_words_of_a_name_can_be_searched(sandbox: Portal) -> None:
    contact, company, _ = sandbox.links("contacts", "companies")[0]
    found = search(sandbox, condition("associations.company", "EQ", company))
    expected = {a for a, b, _ in sandbox.links("contacts", "companies") if b == company}
    assert {r["id"] for r in found["results"]} == expected
    name = next(r for r in sandbox.dump("contacts") if r["id"] == contact)["properties"]["lastname"]
    found = sandbox.api("POST", SEARCH, json={"query": name, "limit": 200}).json()
    assert contact in {r["id"] for r in found["results"]}


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"after": "x"},
        {"filters": [condition("nonsense", "EQ", "1")]},
        {"filters": [condition("email", "LIKE", "1")]},
        {"filters": [condition("email", "IN")]},
        {"filters": [condition("email", "EQ")]},
        {"filters": [condition("email", "HAS_PROPERTY")] * 7},
        {"filterGroups": [{"filters": [condition("email", "HAS_PROPERTY")]}] * 6},
        {"sorts": ["email", "phone"]},
        {"sorts": ["nonsense"]},
    ],
)
def test_what_hubspot_refuses_is_refused(sandbox: Portal, body: dict) -> None:
    answer = sandbox.api("POST", SEARCH, json=body)
    assert answer.status_code == 400
    assert answer.json()["category"] == "VALIDATION_ERROR"
