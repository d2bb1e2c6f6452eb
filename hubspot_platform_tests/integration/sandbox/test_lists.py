"""Lists v3 through HubSpot's client library and with plain HTTP."""

import httpx
import pytest
from hubspot import HubSpot
from hubspot.crm.lists import ListCreateRequest, ListSearchRequest

from hubspot_platform.sandbox.list_filters import any_of
from hubspot_platform.sandbox.seed.lists import DELETED_LIST, QUALIFIED_BY_HAND_LIST, QUALIFIED_LIST
from hubspot_platform_tests.support.portal import Portal

LISTS = "/crm/v3/lists"


def ok(answer: httpx.Response, status: int = 200) -> dict:
    assert answer.status_code == status, answer.text
    return answer.json()


def members(sandbox: Portal, list_id: int | str) -> list[str]:
    return [m["recordId"] for m in sandbox.account("memberships") if m["listId"] == str(list_id)]


def walk(sandbox: Portal, path: str) -> list[dict]:
    rows: list[dict] = []
    after = ""
    while True:
        page = ok(sandbox.api("GET", f"{path}?limit=10&after={after}"))
        rows += page["results"]
        if "next" not in page.get("paging", {}):
            return rows
        after = page["paging"]["next"]["after"]


def new_list(sandbox: Portal, name: str, **body: object) -> str:
    wanted = {"name": name, "objectTypeId": "0-1", "processingType": "MANUAL", **body}
    return ok(sandbox.api("POST", LISTS, json=wanted))["list"]["listId"]


def test_search_finds_every_list_but_the_deleted_one(sandbox: Portal, client: HubSpot) -> None:
    api = client.crm.lists.lists_api
    names, offset, more = [], 0, True
    while more:
        request = ListSearchRequest(offset=offset, count=4, additional_properties=["hs_list_size"])
        page = api.do_search(request)
        names += [(int(f.list_id), f.processing_type, int(f.additional_properties["hs_list_size"])) for f in page.lists]
        offset, more = page.offset, page.has_more
    assert page.total == len(names) == len({i for i, _, _ in names})
    assert {kind for _, kind, _ in names} == {"MANUAL", "DYNAMIC", "SNAPSHOT"}
    assert DELETED_LIST not in {i for i, _, _ in names}
    assert all(size == len(members(sandbox, i)) for i, _, size in names)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"query": "QUALIFIED for"}, {QUALIFIED_LIST, QUALIFIED_BY_HAND_LIST}),
        ({"listIds": ["1101", "9"]}, {1101}),
        ({"objectTypeId": "0-2"}, {1108}),
        ({"processingTypes": ["SNAPSHOT"]}, {1102}),
    ],
)
def test_search_narrows(sandbox: Portal, body: dict, found: set[int]) -> None:
    lists = ok(sandbox.api("POST", f"{LISTS}/search", json=body))["lists"]
    assert {int(f["listId"]) for f in lists} == found


@pytest.mark.parametrize("body", [{"count": 501}, {"processingTypes": ["STATIC"]}, {"sort": "SIZE"}, {"listIds": "1"}])
def test_search_refuses_what_makes_no_sense(sandbox: Portal, body: dict) -> None:
    assert ok(sandbox.api("POST", f"{LISTS}/search", json=body), 400)["category"] == "VALIDATION_ERROR"


def test_search_sorts_by_size(sandbox: Portal) -> None:
    found = ok(sandbox.api("POST", f"{LISTS}/search", json={"sort": "-HS_LIST_SIZE"}))["lists"]
    sizes = [int(f["additionalProperties"]["hs_list_size"]) for f in found]
    assert sizes == sorted(sizes, reverse=True)
    assert 0 in sizes


def test_a_list_by_id_by_name_and_several(sandbox: Portal, client: HubSpot) -> None:
    one = client.crm.lists.lists_api.get_by_id(str(QUALIFIED_LIST), include_filters=True).list
    assert one.filter_branch.filter_branch_type == "OR"
    assert one.size == len(members(sandbox, QUALIFIED_LIST))
    named = ok(sandbox.api("GET", f"{LISTS}/object-type-id/0-1/name/Newsletter subscribers"))["list"]
    assert named["listId"] == "1101"
    several = ok(sandbox.api("GET", f"{LISTS}?listIds=1101&listIds=1103&listIds=77"))["lists"]
    assert [f["listId"] for f in several] == ["1101", "1103"]
    assert ok(sandbox.api("GET", f"{LISTS}/{DELETED_LIST}"), 404)["category"] == "OBJECT_NOT_FOUND"


def test_members_page_by_id_and_by_time(sandbox: Portal) -> None:
    path = "/crm/lists/2026-09/1101/memberships"
    by_id, by_time = walk(sandbox, path), walk(sandbox, f"{path}/join-order")
    ids = [int(m["recordId"]) for m in by_id]
    assert ids == sorted(ids)
    assert list(map(str, ids)) == members(sandbox, 1101)
    moments = [(m["membershipTimestamp"], int(m["recordId"])) for m in by_time]
    assert moments == sorted(moments)
    assert {i for _, i in moments} == set(ids)
    contacts = {r["id"] for r in sandbox.dump("contacts")}
    assert set(map(str, ids)) <= contacts


def test_before_alone_leads_backwards_and_after_wins(sandbox: Portal) -> None:
    path = f"{LISTS}/1101/memberships"
    every = [m["recordId"] for m in ok(sandbox.api("GET", f"{path}?limit=250"))["results"]]
    first = ok(sandbox.api("GET", f"{path}?limit=5"))
    second = ok(sandbox.api("GET", f"{path}?limit=5&after={first['paging']['next']['after']}"))
    back = second["paging"]["prev"]["before"]
    assert [m["recordId"] for m in ok(sandbox.api("GET", f"{path}?limit=5&before={back}"))["results"]] == every[4::-1]
    both = ok(sandbox.api("GET", f"{path}?limit=5&before={back}&after={first['paging']['next']['after']}"))
    assert [m["recordId"] for m in both["results"]] == every[5:10]
    assert "prev" not in first["paging"]


@pytest.mark.parametrize("query", ["limit=251", "limit=0", "after=xyz", "before=12"])
def test_bad_paging_of_members_is_refused(sandbox: Portal, query: str) -> None:
    ok(sandbox.api("GET", f"{LISTS}/1101/memberships?{query}"), 400)


def test_members_are_added_and_removed_with_hubspots_spelling(sandbox: Portal, client: HubSpot) -> None:
    made = client.crm.lists.lists_api.create(
        ListCreateRequest(name="By hand", object_type_id="0-1", processing_type="MANUAL")
    )
    list_id, ids = made.list.list_id, [r["id"] for r in sandbox.dump("contacts")[:3]]
    added = ok(sandbox.api("PUT", f"{LISTS}/{list_id}/memberships/add", json=[*ids[:2], "1", ids[0]]))
    assert added == {"recordsIdsAdded": ids[:2], "recordIdsRemoved": [], "recordIdsMissing": ["1"]}
    changes = {"recordIdsToAdd": [ids[2]], "recordIdsToRemove": [ids[0]]}
    both = ok(sandbox.api("PUT", f"{LISTS}/{list_id}/memberships/add-and-remove", json=changes))
    assert (both["recordsIdsAdded"], both["recordIdsRemoved"]) == ([ids[2]], [ids[0]])
    removed = client.crm.lists.memberships_api.remove(list_id, [ids[1]])
    assert removed.record_ids_removed == [ids[1]]
    assert members(sandbox, list_id) == [ids[2]]


def test_a_record_that_left_and_came_back_keeps_its_first_date(sandbox: Portal) -> None:
    contact = sandbox.change("contacts", "create")["ids"][0]
    list_id = new_list(sandbox, "In and out")
    for action, day in (("add", 1), ("remove", 2), ("add", 3)):
        sandbox.change_account("lists", action, id=list_id, records=[contact], at=f"2026-01-0{day}T00:00:00Z")
    (row,) = ok(sandbox.api("GET", f"{LISTS}/records/0-1/{contact}/memberships"))["results"]
    assert row["listId"] == list_id
    assert (row["firstAddedTimestamp"], row["lastAddedTimestamp"]) == (
        "2026-01-01T00:00:00.000Z", "2026-01-03T00:00:00.000Z",
    )  # fmt: skip
    searched = ok(sandbox.api("POST", f"{LISTS}/search", json={"listIds": [list_id]}))["lists"][0]
    assert searched["additionalProperties"]["hs_last_record_removed_at"] == "1767312000000"


def test_a_dynamic_list_follows_its_contacts_and_takes_no_writes(sandbox: Portal) -> None:
    contact = sandbox.change("contacts", "create", properties={"lifecyclestage": "lead"})["ids"][0]
    assert contact not in members(sandbox, QUALIFIED_LIST)
    sandbox.change("contacts", "update", id=contact, properties={"lifecyclestage": "opportunity"})
    assert contact in members(sandbox, QUALIFIED_LIST)
    refused = ok(sandbox.api("PUT", f"{LISTS}/{QUALIFIED_LIST}/memberships/remove", json=[contact]), 400)
    assert refused["category"] == "VALIDATION_ERROR"
    sandbox.change("contacts", "update", id=contact, properties={"lifecyclestage": "other"})
    assert contact not in members(sandbox, QUALIFIED_LIST)


def test_archived_members_leave_and_merged_ones_stay_as_their_survivor(sandbox: Portal) -> None:
    first, second, third = sandbox.change("contacts", "create", count=3)["ids"]
    list_id = new_list(sandbox, "Merging")
    sandbox.change_account("lists", "add", id=list_id, records=[first, second, third])
    survivor = sandbox.change("contacts", "merge", primary=first, other=second)["id"]
    sandbox.change("contacts", "archive", id=third)
    assert members(sandbox, list_id) == [survivor]


def test_a_snapshot_is_filled_once(sandbox: Portal) -> None:
    branch = any_of("lifecyclestage", "customer")
    list_id = new_list(sandbox, "Customers today", processingType="SNAPSHOT", filterBranch=branch)
    before = members(sandbox, list_id)
    assert before == members(sandbox, 1103)
    sandbox.change("contacts", "create", properties={"lifecyclestage": "customer"})
    assert members(sandbox, list_id) == before
    assert len(members(sandbox, 1103)) == len(before) + 1


def test_other_filters_make_another_version(sandbox: Portal) -> None:
    list_id = new_list(sandbox, "Leads", processingType="DYNAMIC", filterBranch=any_of("lifecyclestage", "lead"))
    changed = sandbox.change_account(
        "lists", "update", id=list_id, filterBranch=any_of("lifecyclestage", "customer"), at="2026-02-01T00:00:00Z"
    )
    assert (changed["listVersion"], changed["filtersUpdatedAt"]) == (2, "2026-02-01T00:00:00.000Z")
    assert members(sandbox, list_id) == members(sandbox, 1103)


def test_a_list_outlives_the_property_it_filters_by(sandbox: Portal) -> None:
    sandbox.define("contacts", "create", name="shoe_size")
    contact = sandbox.change("contacts", "create", properties={"shoe_size": "43"})["ids"][0]
    list_id = new_list(sandbox, "Feet", processingType="DYNAMIC", filterBranch=any_of("shoe_size", "43"))
    sandbox.define("contacts", "delete", name="shoe_size")
    assert members(sandbox, list_id) == [contact]
    assert list_id in {f["listId"] for f in ok(sandbox.api("POST", f"{LISTS}/search", json={"count": 500}))["lists"]}


@pytest.mark.parametrize(
    "body",
    [
        {"processingType": "DYNAMIC"},
        {"processingType": "STATIC"},
        {"name": "Newsletter subscribers"},
        {"name": ""},
        {"filterBranch": {"filterBranchType": "OR", "filters": [{"filterType": "PAGE_VIEW"}]}},
        {"objectTypeId": "9-9"},
    ],
)
def test_lists_that_cannot_be_made_are_refused(sandbox: Portal, body: dict) -> None:
    wanted = {"name": "New", "objectTypeId": "0-1", "processingType": "MANUAL", **body}
    ok(sandbox.api("POST", LISTS, json=wanted), 400)


def test_a_deleted_list_can_be_restored_for_90_days(sandbox: Portal) -> None:
    list_id = new_list(sandbox, "Short-lived")
    assert sandbox.api("DELETE", f"{LISTS}/{list_id}").status_code == 204
    ok(sandbox.api("GET", f"{LISTS}/{list_id}"), 404)
    assert sandbox.api("PUT", f"{LISTS}/{list_id}/restore").status_code == 204
    ok(sandbox.api("GET", f"{LISTS}/{list_id}"))
    sandbox.change_account("lists", "delete", id=list_id, at="2020-01-01T00:00:00Z")
    ok(sandbox.api("PUT", f"{LISTS}/{list_id}/restore"), 404)


def test_lists_of_many_records_and_of_unknown_ones(sandbox: Portal) -> None:
    known = members(sandbox, 1102)[:2]
    inputs = [{"objectTypeId": "0-1", "recordId": i} for i in (*known, "1")]
    answer = ok(sandbox.api("POST", f"{LISTS}/records/memberships/batch/read", json={"inputs": inputs}), 207)
    assert answer["errors"][0]["context"]["ids"] == ["1"]
    assert [r["recordId"] for r in answer["results"]] == known
    assert all("1102" in {m["listId"] for m in r["recordListMemberships"]} for r in answer["results"])


def test_old_ids_are_mapped(sandbox: Portal, client: HubSpot) -> None:
    assert client.crm.lists.mapping_api.translate_legacy_list_id_to_list_id(legacy_list_id="1").list_id == "1101"
    many = ok(sandbox.api("POST", f"{LISTS}/idmapping", json=["2", "999"]))
    assert many == {
        "legacyListIdsToIdsMapping": [{"legacyListId": "2", "listId": "1102"}],
        "missingLegacyListIds": ["999"],
    }


def test_lists_need_their_scopes(sandbox: Portal) -> None:
    sandbox.admin("scopes", {"missing": ["crm.lists.write"]})
    assert sandbox.api("PUT", f"{LISTS}/1101/memberships/add", json=[]).status_code == 403
    assert sandbox.api("GET", f"{LISTS}/1101").status_code == 200
