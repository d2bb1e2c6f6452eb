"""The table that remembers each company's last good figures and ARR range."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from hubspot_platform.payments.profile import profile_row, refresh_profiles, skips_a_range
from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.integration.payments.ledger import AS_OF, START, payment_models, rows


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


def test_a_profile_remembers_the_range_before_and_the_last_good_figures(duckdb: Warehouse) -> None:
    _computed(duckdb, AS_OF, 100)
    first = refresh_profiles(duckdb)
    assert (first.changed, first.jumped) == (2, 0)
    assert refresh_profiles(duckdb).changed == 0

    later = AS_OF + timedelta(days=1)
    _computed(duckdb, later, 1000)
    assert refresh_profiles(duckdb).jumped == 1
    row = _profile(duckdb)
    assert (row["arr"], row["arr_range"], row["previous_arr_range"], row["tier_jump"]) == (
        12000,
        "8001+",
        "1-2000",
        True,
    )
    assert row["changed_at"] == later

    _computed(duckdb, AS_OF + timedelta(days=2), 1100)
    refresh_profiles(duckdb)
    row = _profile(duckdb)
    assert (row["current_mrr"], row["changed_at"], row["previous_arr_range"]) == (1100, later, "1-2000")

    _computed(duckdb, AS_OF + timedelta(days=3), None)
    assert refresh_profiles(duckdb).changed == 0
    assert _profile(duckdb)["current_mrr"] == 1100


def test_figures_of_an_earlier_time_change_nothing(duckdb: Warehouse) -> None:
    _computed(duckdb, AS_OF, 100)
    refresh_profiles(duckdb)
    _computed(duckdb, START, 200)
    assert refresh_profiles(duckdb).changed == 0


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
