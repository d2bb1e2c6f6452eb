"""Movements of MRR from month to month, on both engines, and the months that must add up."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from hubspot_platform.sql_models.build import ModelChecksFailedError, build_model
from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.integration.payments.conftest import Built
from hubspot_platform_tests.integration.payments.ledger import (
    AS_OF,
    Ledger,
    build,
    coupon,
    payment_models,
    plan,
    rows,
    seconds,
    subscription,
)

SERIES = (0, 100, 100, 160, 120, 0, 0, 90)
"""Month-end MRR from January 2025 on."""


def _in(month: int, day: int = 10, hour: int = 0, year: int = 2025) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def _state(ledger: Ledger, name: str, at: datetime, dollars: int, **fields: Any) -> None:
    status = "active" if dollars else "cancelled"
    ledger.changed(subscription(name, plan(dollars * 100), status=status, **fields), at)


def tell(ledger: Ledger) -> None:
    ledger.coupons(coupon("w-limited", percent=50, duration="limited_period"))
    for month, dollars in enumerate(SERIES, start=1):
        if month == 1 or dollars != SERIES[month - 2]:
            _state(ledger, "series", _in(month), dollars)
    _state(ledger, "two-a", _in(2), 50, customer_id="two")
    _state(ledger, "two-b", _in(3), 30, customer_id="two")
    _state(ledger, "two-a", _in(4), 0, customer_id="two")
    _state(ledger, "within", _in(5, 2), 10)
    _state(ledger, "within", _in(5, 20), 0)
    _state(ledger, "midnight", _in(7, 1), 10)
    limited = [{"coupon_id": "w-limited", "apply_till": seconds(_in(6, 15))}]
    ledger.changed(subscription("coupon-ends", plan(10000), coupons=limited), _in(4))
    _state(ledger, "francs", _in(1), 100, currency_code="CHF")
    _state(ledger, "francs", _in(3), 200, currency_code="CHF")
    for day, usd in ((date(2025, 1, 31), "1.10"), (date(2025, 2, 28), "1.20"), (date(2025, 4, 30), "1.50")):
        ledger.rate("CHF", day, usd)
    ledger.rate("CHF", date(2025, 6, 30), "1.60")
    ledger.changed(subscription("tiny", plan(5), billing_period_unit="year"), _in(9))
    _state(ledger, "tiny", _in(11), 0)
    _state(ledger, "switch", _in(9), 100, currency_code="CHF")
    _state(ledger, "switch", _in(10), 200)
    _state(ledger, "switch", _in(11), 100)
    ledger.event("coupon_created", _in(9, 1), coupon=coupon("w-changed", percent=10))
    ledger.changed(subscription("coupon-changes", plan(10000), coupons=["w-changed"]), _in(9))
    ledger.event("coupon_updated", _in(11), coupon=coupon("w-changed", percent=50))


def _movements(warehouse: Warehouse, company: str) -> list[tuple[str, str, Decimal]]:
    sql = f"select month, kind, delta_mrr from payments.mrr_movement where company_id = '{company}' order by month"
    return [(row["month"].isoformat()[:7], row["kind"], row["delta_mrr"]) for row in rows(warehouse, sql)]


def test_the_series_of_the_rules(warehouse: Warehouse) -> None:
    assert _movements(warehouse, "series-co") == [
        ("2025-02", "new", 100),
        ("2025-04", "expansion", 60),
        ("2025-05", "contraction", -40),
        ("2025-06", "churn", -120),
        ("2025-08", "reactivation", 90),
    ]


def test_a_second_subscription_is_expansion_and_losing_one_of_two_contraction(warehouse: Warehouse) -> None:
    assert _movements(warehouse, "two") == [
        ("2025-02", "new", 50),
        ("2025-03", "expansion", 30),
        ("2025-04", "contraction", -50),
    ]


def test_what_begins_and_ends_within_a_month_is_no_movement(warehouse: Warehouse) -> None:
    assert _movements(warehouse, "within-co") == []


def test_the_first_instant_of_a_month_belongs_to_it(warehouse: Warehouse) -> None:
    assert _movements(warehouse, "midnight-co") == [("2025-07", "new", 10)]


def test_a_coupon_that_ends_without_an_event_is_expansion(warehouse: Warehouse) -> None:
    assert _movements(warehouse, "coupon-ends-co") == [("2025-04", "new", 50), ("2025-06", "expansion", 50)]


def test_a_coupon_that_is_changed_moves_the_month_of_the_change(warehouse: Warehouse) -> None:
    assert _movements(warehouse, "coupon-changes-co") == [("2025-09", "new", 90), ("2025-11", "contraction", -40)]
    sql = "select discount_value, status from payments.company_current_discount where company_id = 'coupon-changes-co'"
    assert rows(warehouse, sql) == [{"discount_value": 50, "status": "active"}]


def test_less_than_half_a_cent_is_mrr_too(warehouse: Warehouse) -> None:
    assert _movements(warehouse, "tiny-co") == [("2025-09", "new", 0), ("2025-11", "churn", 0)]


def test_another_currency_is_a_change_by_what_both_are_worth_in_dollars(warehouse: Warehouse) -> None:
    assert _movements(warehouse, "switch-co") == [
        ("2025-09", "new", 160),
        ("2025-10", "expansion", 40),
        ("2025-11", "contraction", -100),
    ]


def test_rates_are_no_movement_and_movements_have_their_months_rate(warehouse: Warehouse) -> None:
    """April's rate jumps by a quarter and is refused: March's goes on until June, when the next one is accepted."""
    assert _movements(warehouse, "francs-co") == [("2025-01", "new", 110), ("2025-03", "expansion", 120)]
    found = rows(
        warehouse,
        "select rate from payments.month_rate where currency = 'CHF' and month < date '2025-08-01' order by month",
    )
    rates = [
        Decimal("1.1"),
        Decimal("1.2"),
        Decimal("1.2"),
        Decimal("1.2"),
        Decimal("1.2"),
        Decimal("1.6"),
        Decimal("1.6"),
    ]
    assert [row["rate"] for row in found] == rates


def _months(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    found = rows(warehouse, "select * from payments.mrr_month order by month")
    return {row["month"].isoformat()[:7]: row for row in found}


def test_every_month_adds_up_and_opens_where_the_one_before_closed(built: Built) -> None:
    warehouse, outcomes = built
    assert all(found.passed for found in outcomes["mrr_month"].checks if found.check.severity == "error")
    months = _months(warehouse)
    assert next(iter(months)) == "2025-01"
    assert list(months)[-1] == "2026-04"
    closing = Decimal(0)
    for month in months.values():
        assert month["opening"] == closing
        moved = sum(month[kind] for kind in ("new", "expansion", "contraction", "churn", "reactivation"))
        assert month["opening"] + moved + month["fx_adjustment"] == month["closing"]
        closing = month["closing"]


def test_the_figures_of_the_first_months(warehouse: Warehouse) -> None:
    months = _months(warehouse)
    names = ("opening", "new", "expansion", "contraction", "churn", "reactivation", "fx_adjustment", "closing")
    found = [[int(months[f"2025-0{month}"][name]) for name in names] for month in range(1, 7)]
    assert found == [
        [0, 110, 0, 0, 0, 0, 0, 110],
        [110, 150, 0, 0, 0, 0, 10, 270],
        [270, 0, 150, 0, 0, 0, 0, 420],
        [420, 50, 60, -50, 0, 0, 0, 480],
        [480, 0, 0, -40, 0, 0, 0, 440],
        [440, 0, 50, 0, -120, 0, 80, 450],
    ]
    assert months["2025-01"]["net_revenue_retention"] is None
    assert months["2025-06"]["net_revenue_retention"] == Decimal("0.8409090909")
    assert months["2025-06"]["gross_revenue_retention"] == Decimal("0.7272727273")


def test_retention_is_taken_from_exact_mrr(empty: Warehouse) -> None:
    """A twelfth of five cents opens the month: rounded it would be nothing, and there would be no retention."""
    ledger = Ledger()
    for month, cents in ((1, 5), (2, 10), (3, 4)):
        ledger.changed(subscription("fraction", plan(cents), billing_period_unit="year"), _in(month))
    build(empty, ledger)
    months = _months(empty)
    found = [
        (months[month]["net_revenue_retention"], months[month]["gross_revenue_retention"])
        for month in ("2025-01", "2025-02", "2025-03", "2025-04")
    ]
    assert found[0] == (None, None)
    rounded = [tuple(round(rate, 6) for rate in rates) for rates in found[1:]]
    assert rounded == [(2, 1), (Decimal("0.4"), Decimal("0.4")), (1, 1)]


def test_the_running_month_closes_with_the_companies_of_now(warehouse: Warehouse) -> None:
    """Companies whose rate may not be used now are in the months at their last good rate."""
    running = _months(warehouse)["2026-04"]
    now = rows(
        warehouse,
        "select sum(portion(s.mrr, r.rate, 1)) as total from payments.subscription_state as s "
        "join payments.month_rate as r on r.currency = s.currency and r.month = date '2026-04-01' where s.is_current",
    )[0]["total"]
    assert not running["is_complete"]
    assert abs(running["closing"] - now) < Decimal("0.01")


def test_months_that_do_not_add_up_keep_the_old_table(warehouse: Warehouse) -> None:
    model = next(found for found in payment_models() if found.name == "mrr_month")
    before = _months(warehouse)
    with warehouse.writer() as session:
        moved = "update payments.mrr_movement set delta_exact = delta_exact {} where company_id = 'midnight-co'"
        session.execute(moved.format("+ 0.01"))
        try:
            with pytest.raises(ModelChecksFailedError, match="opening_and_movements_make_closing"):
                build_model(session, model, AS_OF)
        finally:
            session.execute(moved.format("- 0.01"))
    assert _months(warehouse) == before
