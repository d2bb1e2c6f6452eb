"""What a store remembers of its values: changes, clearing, merges and privacy deletion."""

import pytest

from hubspot_platform.sandbox.history import CALCULATED, MERGE, PERSON, Source, Version
from hubspot_platform.sandbox.model import Property, Record, Value
from hubspot_platform.sandbox.object_types import CONTACTS, DEALS
from hubspot_platform.sandbox.schema import Schema
from hubspot_platform.sandbox.store import ObjectStore

T0 = 1_767_225_600_000
IMPORT = Source("IMPORT", "77")
NAMES = ("hs_object_id", "createdate", "lastmodifieddate", "email", "firstname", "hs_merged_object_ids")


@pytest.fixture
def store() -> ObjectStore:
    return ObjectStore(CONTACTS, Schema(CONTACTS, [Property(n, n) for n in NAMES]))


def told(store: ObjectStore, record: Record, name: str = "firstname") -> list[tuple[str, int, Source]]:
    return [(v.value, v.at_ms - T0, v.source) for v in store.versions(record, name)]


def test_versions_run_from_the_current_value_to_the_first_one(store: ObjectStore) -> None:
    record = store.create({"firstname": "one"}, T0, source=IMPORT)
    record = store.update(record, {"firstname": "two"}, T0 + 5)
    record = store.update(record, {"firstname": "two", "email": "a@x.com"}, T0 + 6)
    record = store.update(record, {"firstname": None}, T0 + 9, IMPORT)
    assert told(store, record) == [("", 9, IMPORT), ("two", 5, PERSON), ("one", 0, IMPORT)]
    assert told(store, record, "email") == [("a@x.com", 6, PERSON)]
    assert told(store, record, "lastmodifieddate") == [("2026-01-01T00:00:00.009Z", 9, CALCULATED)]
    assert told(store, record, "nonsense") == []


def test_a_calculated_value_leaves_the_last_modified_instant_alone(store: ObjectStore) -> None:
    record = store.create({"firstname": "one"}, T0)
    newer = store.calculate(record, {"firstname": "two"}, T0 + 60_000)
    assert (newer.updated_ms, newer.values[store.schema.modified_column]) == (T0, "2026-01-01T00:00:00.000Z")
    assert told(store, newer) == [("two", 60_000, CALCULATED), ("one", 0, PERSON)]


@pytest.mark.parametrize(("spec", "depth"), [(CONTACTS, 45), (DEALS, 20)])
def test_history_is_only_so_deep(spec, depth: int) -> None:
    names = ("hs_object_id", "createdate", spec.modified_property, "city")
    store = ObjectStore(spec, Schema(spec, [Property(n, n) for n in names]))
    record = store.create({"city": "0"}, T0)
    for step in range(1, 60):
        record = store.update(record, {"city": str(step)}, T0 + step)
    assert [v.value for v in store.versions(record, "city")] == [str(59 - back) for back in range(depth)]


def test_a_survivor_goes_on_with_the_primary_records_history(store: ObjectStore) -> None:
    primary, other = store.create({"firstname": "Ada"}, T0), store.create({"email": "b@x.com"}, T0 + 1)
    primary = store.update(primary, {"firstname": "Eva"}, T0 + 2)
    survivor = store.merge(primary, other, T0 + 10)
    assert told(store, survivor) == [("Eva", 2, PERSON), ("Ada", 0, PERSON)]
    assert told(store, survivor, "email") == [("b@x.com", 10, MERGE)]
    last = store.merge(survivor, store.create({}, T0 + 11), T0 + 20)
    last = store.update(last, {"firstname": "Zoë"}, T0 + 30)
    assert [value for value, _, _ in told(store, last)] == ["Zoë", "Eva", "Ada"]


def test_a_merge_keeps_the_pairs_of_earlier_merges() -> None:
    names = (*NAMES, "hs_additional_emails", "hs_calculated_merged_vids")
    store = ObjectStore(CONTACTS, Schema(CONTACTS, [Property(n, n) for n in names]))
    a, b, c = (store.create({}, T0) for _ in range(3))
    first = store.merge(a, b, T0 + 1)
    second = store.merge(first, c, T0 + 2)
    pairs = [(first.id, 2), (c.id, 2), (a.id, 1), (b.id, 1)]
    assert store.value(second, "hs_calculated_merged_vids") == ";".join(f"{i}:{T0 + at}" for i, at in pairs)


def test_a_privacy_deletion_drops_the_history_of_everything_merged_into_the_record(store: ObjectStore) -> None:
    primary = store.update(store.create({"firstname": "Ada"}, T0), {"firstname": "Eva"}, T0 + 1)
    survivor = store.merge(primary, store.create({}, T0), T0 + 2)
    survivor = store.update(survivor, {"firstname": "Zoë"}, T0 + 3)
    store.purge(survivor.id)
    again = store.create({}, T0 + 9, survivor.id)
    assert told(store, again) == []
    assert told(store, store.create({}, T0 + 9, primary.id)) == []


def test_a_seeded_past_ends_where_the_first_change_begins(store: ObjectStore) -> None:
    def past(record: Record, definition: Property, value: Value, until_ms: int) -> list[Version]:
        return [Version(value or "", until_ms, IMPORT)]

    store.history.past = past
    store.load([Record(7, ("7", "", "", None, "old", None), T0, T0 + 100)])
    record = store.records[7]
    assert told(store, record) == [("old", 100, IMPORT)]
    store.stamp([7], T0 + 500)
    record = store.update(store.records[7], {"firstname": "new"}, T0 + 900)
    assert told(store, record) == [("new", 900, PERSON), ("old", 100, IMPORT)]
