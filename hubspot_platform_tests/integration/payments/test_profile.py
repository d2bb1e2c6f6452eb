"""The table that remembers each company's last good figures and ARR range, and what it publishes."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from hubspot_platform.payments.profile import profile_row, refresh_profiles, skips_a_range
from hubspot_platform.state import migrate, open_state, topics
from hubspot_platform.state.store import Store
from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.integration.payments.ledger import AS_OF, START, payment_models, rows

TOPIC = "company_metadata_changed"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    migrate(opened)
    yield opened
    opened.close()


def _computed(warehouse: Warehouse, as_of: datetime, mrr: int | None) -> None:
    """Put `payments.company_mrr` as a run makes it: the company `acme`, and `steady` that never changes."""
    table = next(model.table for model in payment_models() if model.name == "company_mrr")
    figures = [{"company_id": name, "as_of": as_of, "subscriptions": 1} for name in ("acme", "steady")]
    for row, dollars in zip(figures, (mrr, 1), strict=True):
        if dollars is not None:
            arr = 12 * dollars
            at_most = "1-2000" if arr <= 2000 else "2001-8000" if arr <= 8000 else "8001+"
            row |= {"current_mrr": Decimal(dollars), "effective_mrr": Decimal(dollars), "arr": Decimal(arr)}
            row["arr_range"] = at_most
    with warehouse.writer() as session:
        session.ensure(table)
        session.execute(f"delete from {table.qualified}")
        session.load(table, pa.Table.from_pylist(figures, table.arrow_schema()))


def _profile(warehouse: Warehouse) -> dict[str, Any]:
    return rows(warehouse, "select * from payments.company_profile_arr_range where company_id = 'acme'")[0]


def _published(store: Store) -> list[tuple[str, tuple[str, ...]]]:
    events = store.read(lambda conn: topics.read_after(conn, TOPIC, 0))
    return [(event.key, tuple(event.payload["fields"])) for event in events]


def test_a_profile_remembers_the_range_before_and_the_last_good_figures(duckdb: Warehouse, store: Store) -> None:
    everything = ("current_mrr", "effective_mrr", "arr", "arr_range")

    _computed(duckdb, AS_OF, 100)
    first = refresh_profiles(duckdb, store)
    assert (first.changed, first.jumped, first.published) == (2, 0, 2)
    assert refresh_profiles(duckdb, store).changed == 0

    later = AS_OF + timedelta(days=1)
    _computed(duckdb, later, 1000)
    assert refresh_profiles(duckdb, store).jumped == 1
    row = _profile(duckdb)
    assert (row["arr"], row["arr_range"], row["previous_arr_range"], row["tier_jump"]) == (
        12000,
        "8001+",
        "1-2000",
        True,
    )
    assert row["changed_at"] == later

    _computed(duckdb, AS_OF + timedelta(days=2), 1100)
    refresh_profiles(duckdb, store)
    row = _profile(duckdb)
    assert (row["current_mrr"], row["changed_at"], row["previous_arr_range"]) == (1100, later, "1-2000")

    _computed(duckdb, AS_OF + timedelta(days=3), None)
    assert refresh_profiles(duckdb, store).changed == 0
    assert _profile(duckdb)["current_mrr"] == 1100

    assert _published(store) == [
        *sorted([("acme", everything), ("steady", everything)]),
        ("acme", everything),
        ("acme", ("current_mrr", "effective_mrr", "arr")),
    ]


def test_figures_of_an_earlier_time_change_nothing(duckdb: Warehouse, store: Store) -> None:
    _computed(duckdb, AS_OF, 100)
    refresh_profiles(duckdb, store)
    _computed(duckdb, START, 200)
    assert refresh_profiles(duckdb, store).changed == 0


def test_events_a_crash_left_behind_are_published_by_the_next_run(duckdb: Warehouse, store: Store) -> None:
    left = topics.Event(TOPIC, "acme", {"fields": []}, f"{TOPIC}:payments:acme:2026-03-31")
    store.write(lambda conn: topics.prepare(conn, [left], store.now()))
    _computed(duckdb, AS_OF, 100)
    assert refresh_profiles(duckdb, store).published == 3


def test_only_a_change_by_more_than_one_range_is_a_jump() -> None:
    assert not skips_a_range(None, "8001+")
    assert not skips_a_range("1-2000", "2001-8000")
    assert skips_a_range("8001+", "1-2000")


def test_a_jump_stays_marked_until_the_next_change_of_range() -> None:
    found = {
        "company_id": "acme", "current_mrr": 1, "effective_mrr": 1, "arr": 12, "arr_range": "1-2000", "as_of": AS_OF,
        "old_arr_range": "1-2000", "previous_arr_range": "8001+", "tier_jump": True, "changed_at": START,
    }  # fmt: skip
    assert profile_row(found)["tier_jump"]
    assert not profile_row({**found, "old_arr_range": "2001-8000"})["tier_jump"]
