"""The table that remembers each company's last good figures and ARR range."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from hubspot_platform.payments.profile import profile_row, refresh_profiles, skips_a_range
from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.integration.payments.ledger import (
    AS_OF,
    START,
    Ledger,
    build,
    payment_models,
    plan,
    rows,
    subscription,
)


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


def test_a_profile_remembers_the_range_before_and_the_last_good_figures(empty: Warehouse) -> None:
    _computed(empty, AS_OF, 100)
    first = refresh_profiles(empty)
    assert (first.changed, first.jumped) == (2, 0)
    assert refresh_profiles(empty).changed == 0

    later = AS_OF + timedelta(days=1)
    _computed(empty, later, 1000)
    assert refresh_profiles(empty).jumped == 1
    row = _profile(empty)
    assert (row["arr"], row["arr_range"], row["previous_arr_range"], row["tier_jump"]) == (
        12000,
        "8001+",
        "1-2000",
        True,
    )
    assert row["changed_at"] == later

    _computed(empty, AS_OF + timedelta(days=2), 1100)
    refresh_profiles(empty)
    row = _profile(empty)
    assert (row["current_mrr"], row["changed_at"], row["previous_arr_range"]) == (1100, later, "1-2000")

    _computed(empty, AS_OF + timedelta(days=3), None)
    assert refresh_profiles(empty).changed == 0
    assert _profile(empty)["current_mrr"] == 1100


def test_figures_of_an_earlier_time_change_nothing(empty: Warehouse) -> None:
    _computed(empty, AS_OF, 100)
    refresh_profiles(empty)
    _computed(empty, START, 200)
    assert refresh_profiles(empty).changed == 0


def test_a_company_that_lost_its_last_subscription_to_another_is_worth_nothing(empty: Warehouse) -> None:
    """One moves by the subscription's own field, one because its customer is mapped later."""
    ledger, later = Ledger(), AS_OF + timedelta(days=2)
    ledger.changed(subscription("moved", plan(100_000), cf_company_id="old"))
    ledger.changed(subscription("mapped", plan(5000), customer_id="customer"))
    ledger.changed(subscription("krona", plan(5000), currency_code="SEK"))
    ledger.rate("SEK", AS_OF.date(), "0.1")
    build(empty, ledger)
    refresh_profiles(empty)
    ledger.changed(subscription("moved", plan(100_000), cf_company_id="new"), AS_OF + timedelta(days=1))
    mapped = {"id": "customer", "cf_company_id": "found"}
    ledger.event("customer_changed", AS_OF + timedelta(days=1), customer=mapped)
    ledger.rate("SEK", later.date(), "0.5")
    build(empty, ledger, later)

    assert refresh_profiles(empty).changed == 4
    assert refresh_profiles(empty).changed == 0

    found = {row.pop("company_id"): row for row in rows(empty, "select * from payments.company_profile_arr_range")}
    mrr = {name: row["current_mrr"] for name, row in found.items()}
    assert mrr == {"old": 0, "customer": 0, "new": 1000, "found": 50, "krona-co": 5}
    assert found["old"] == {
        "arr": 0, "arr_range": "0", "previous_arr_range": "8001+", "tier_jump": True, "changed_at": later,
        "current_mrr": 0, "effective_mrr": 0, "as_of": later,
    }  # fmt: skip

    build(empty, ledger, later + timedelta(days=1))
    assert refresh_profiles(empty).changed == 0


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
