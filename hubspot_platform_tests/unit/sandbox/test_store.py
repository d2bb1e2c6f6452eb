"""The record store and the search index over it."""

import pytest

from hubspot_platform.sandbox.clock import from_ms, iso, parse_time, to_ms
from hubspot_platform.sandbox.model import Property
from hubspot_platform.sandbox.object_types import CONTACTS
from hubspot_platform.sandbox.schema import Schema, envelope, render
from hubspot_platform.sandbox.search_index import SearchIndex
from hubspot_platform.sandbox.store import ObjectStore

NAMES = (
    "hs_object_id",
    "createdate",
    "lastmodifieddate",
    "email",
    "firstname",
    "hs_additional_emails",
    "hs_merged_object_ids",
    "hs_calculated_merged_vids",
)
T0 = 1_767_225_600_000


class Ticking:
    def __init__(self) -> None:
        self.ms = T0

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def now() -> Ticking:
    return Ticking()


@pytest.fixture
def store() -> ObjectStore:
    definitions = [Property(n, n, unique=n == "email") for n in NAMES]
    return ObjectStore(CONTACTS, Schema(CONTACTS, definitions))


def test_pages_follow_ids_and_name_the_next_one(store: ObjectStore) -> None:
    for record_id in (30, 10, 20):
        store.create({}, T0, record_id)
    page, following = store.page(0, 2, archived=False)
    assert ([r.id for r in page], following) == ([10, 20], 30)
    page, following = store.page(11, 2, archived=False)
    assert ([r.id for r in page], following) == ([20, 30], None)


def test_a_rendering_is_shared_by_any_order_of_the_same_properties_and_dropped_by_a_write(store: ObjectStore) -> None:
    record = store.create({"email": "a@x.com"}, T0)
    one, two = (store.schema.resolve(names) for names in (["email", "firstname"], ["firstname", "email"]))
    assert one is two
    assert render(store.schema, record, one) is render(store.schema, record, two)
    newer = store.update(record, {"email": "b@x.com"}, T0 + 1)
    assert b"b@x.com" in render(store.schema, newer, one)


def test_a_property_defined_later_is_empty_in_older_records(store: ObjectStore) -> None:
    record = store.create({}, T0)
    store.schema.define(Property("late", "Late"))
    wanted = store.schema.resolve(["late"])
    assert envelope(store.schema, record, wanted)["properties"]["late"] is None  # type: ignore[index]
    assert store.update(record, {"late": "x"}, T0 + 1).values[-1] == "x"


def test_unique_values_follow_changes_archiving_and_restoring(store: ObjectStore) -> None:
    record = store.create({"email": "a@x.com"}, T0)
    assert store.find("email", " A@X.com ") is record
    newer = store.update(record, {"email": "b@x.com"}, T0)
    assert store.find("email", "a@x.com") is None
    assert store.find("email", "b@x.com") is newer
    store.archive(record.id, T0)
    assert store.find("email", "b@x.com") is None
    store.restore(record.id, T0)
    assert store.find("email", "b@x.com") is not None


def test_a_merge_of_merged_records_answers_every_old_id(store: ObjectStore) -> None:
    a, b, c = (store.create({"email": f"{n}@x.com"}, T0 + i) for i, n in enumerate("abc"))
    first = store.merge(a, b, T0 + 10)
    second = store.merge(first, c, T0 + 20)
    assert {store.get(i) for i in (a.id, b.id, c.id, first.id)} == {second}
    assert store.live_ids == [second.id]
    assert store.value(second, "hs_merged_object_ids") == f"{first.id};{c.id};{a.id};{b.id}"
    assert store.value(second, "hs_additional_emails") == "b@x.com;c@x.com"
    assert (second.created_ms, second.updated_ms) == (T0, T0 + 20)


def test_the_index_orders_by_instant_then_id_and_follows_writes(store: ObjectStore, now: Ticking) -> None:
    index = SearchIndex(store, now)
    for record_id in (3, 1, 2):
        store.create({}, T0, record_id)
    assert index.between(T0, T0) == [1, 2, 3]
    store.update(store.records[1], {}, T0 + 5)
    store.archive(2, T0 + 6)
    assert index.between(T0, T0 + 4) == [3]
    assert index.between(T0, T0 + 5) == [3, 1]
    assert store.stamp([1, 3], T0 + 9) == 2
    assert index.between(T0 + 9, T0 + 9) == [1, 3]


def test_a_lagging_index_passes_through_every_version(store: ObjectStore, now: Ticking) -> None:
    index = SearchIndex(store, now)
    record = store.create({"firstname": "one"}, T0)
    index.between(0, T0)
    index.set_lag(10)
    seen = []
    for step, name in enumerate(("two", "three")):
        now.ms = T0 + step * 4_000
        record = store.update(record, {"firstname": name}, now.ms)
    for at in (9_999, 10_000, 13_999, 14_000):
        now.ms = T0 + at
        index.catch_up()
        visible = index.visible(record.id)
        assert visible is not None
        seen.append(store.value(visible, "firstname"))
        assert index.between(0, now.ms) == [record.id]
    assert seen == ["one", "two", "two", "three"]
    store.purge(record.id)
    assert index.visible(record.id) is not None
    index.set_lag(0)
    assert index.visible(record.id) is None
    assert index.all_ids() == []


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1767225600000", T0),
        ("2026-01-01T00:00:00Z", T0),
        ("2026-01-01T01:00:00.001+01:00", T0 + 1),
        ("2026-01-01", T0),
        ("2024-02-30", None),
        ("soon", None),
    ],
)
def test_times_are_read_in_every_form_hubspot_takes(text: str, ms: int | None) -> None:
    assert parse_time(text) == ms


@pytest.mark.parametrize("ms", [0, -1, T0, T0 + 86_399_999, 951_782_400_123])
def test_times_are_written_with_milliseconds_and_read_back(ms: int) -> None:
    assert parse_time(iso(ms)) == ms == to_ms(from_ms(ms))
    assert len(iso(ms)) == len("2026-01-01T00:00:00.000Z")
