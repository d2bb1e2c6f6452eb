"""Filter branches match records by their property values."""

import pytest

from hubspot_platform.sandbox.list_filters import any_of, matcher
from hubspot_platform.sandbox.model import Property
from hubspot_platform.sandbox.object_types import CONTACTS
from hubspot_platform.sandbox.record_lists import matching
from hubspot_platform.sandbox.schema import Schema
from hubspot_platform.sandbox.store import ObjectStore
from hubspot_platform.sandbox.wire import ApiProblem


@pytest.fixture
def store() -> ObjectStore:
    names = ("hs_object_id", "createdate", "lastmodifieddate", "stage", "city")
    contacts = ObjectStore(CONTACTS, Schema(CONTACTS, [Property(n, n) for n in names]))
    for stage, city in (("lead", "Bergen"), ("customer", None), ("lead;customer", "Oslo"), (None, "Oslo")):
        contacts.create({"stage": stage, "city": city}, 1_000)
    return contacts


def condition(name: str, operator: str, *values: str) -> dict:
    operation = {"operationType": "MULTISTRING", "operator": operator, "values": list(values)}
    return {"filterType": "PROPERTY", "property": name, "operation": operation}


def branch(kind: str, *filters: dict, branches: tuple[dict, ...] = ()) -> dict:
    return {"filterBranchType": kind, "filters": list(filters), "filterBranches": list(branches)}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (any_of("stage", "customer"), [1, 2]),
        (any_of("stage", "customer", "lead"), [0, 1, 2]),
        (branch("AND", condition("stage", "IS_NONE_OF", "customer")), [0, 3]),
        (branch("AND", condition("stage", "IS_EQUAL_TO", "lead")), [0]),
        (branch("AND", condition("city", "IS_NOT_EQUAL_TO", "Oslo")), [0, 1]),
        (branch("AND", condition("city", "IS_KNOWN")), [0, 2, 3]),
        (branch("AND", condition("stage", "IS_UNKNOWN")), [3]),
        (branch("AND", condition("city", "IS_EQUAL_TO", "Oslo"), condition("stage", "IS_KNOWN")), [2]),
        (branch("OR", branches=(any_of("city", "Bergen"), any_of("stage", "customer"))), [0, 1, 2]),
    ],
)
def test_branches_match(store: ObjectStore, given: dict, found: list[int]) -> None:
    ids = store.live_ids
    assert [ids.index(i) for i in matching(given, store)] == found


@pytest.mark.parametrize(
    "given",
    [
        {},
        branch("NOT_ALL", condition("city", "IS_KNOWN")),
        branch("AND"),
        branch("AND", condition("nonsense", "IS_KNOWN")),
        branch("AND", condition("city", "SOUNDS_LIKE", "Oslo")),
        branch("AND", {"filterType": "PAGE_VIEW"}),
        {"filterBranchType": "AND", "filters": ["city"]},
    ],
)
def test_branches_that_cannot_be_evaluated_are_refused(store: ObjectStore, given: dict) -> None:
    with pytest.raises(ApiProblem) as refusal:
        matcher(given, store)
    assert refusal.value.status == 400
