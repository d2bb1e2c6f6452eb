"""The definitions of the sales metrics, one by one, on both engines."""

from decimal import Decimal

import pytest

from hubspot_platform.business import Business
from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.integration.metrics.models import build, metrics, rows
from hubspot_platform_tests.integration.sql_models.small_mirror import SmallMirror

DAY = "2026-04-12"


def mini_example() -> SmallMirror:
    """Contacts A, B and C; deal X won for A, deal Y lost for B."""
    mirror = SmallMirror()
    for id_, day in ((1, 1), (2, 2), (3, 3)):
        mirror.contact(id_, f"2026-04-0{day} 09:00")
    mirror.won(
        10,
        "2026-04-02 10:00",
        "2026-04-12 10:00",
        property_amount=Decimal(1200),
        property_number_of_installments__months=Decimal(3),
        property_offer_given="yes",
    )
    mirror.deal(11, "2026-04-02 11:00", property_offer_given="yes")
    mirror.deal_contacts += [(10, 1), (11, 2)]
    return mirror


def one_day(warehouse: Warehouse, metric: str) -> tuple[object, object, object]:
    return metrics(warehouse)[DAY, metric]


def test_the_mini_example(warehouse: Warehouse) -> None:
    build(warehouse, mini_example())
    april = {
        row["metric"]: row
        for row in rows(
            warehouse,
            "select metric, sum(numerator) as n, sum(denominator) as d from metrics.daily_metric "
            "where owner_id = 'all' group by metric",
        )
    }

    assert april["total_sales"]["n"] == 1200
    assert april["deals_won"]["n"] == 1
    assert (april["contact_to_customer_rate"]["n"], april["contact_to_customer_rate"]["d"]) == (1, 3)
    assert april["contacts_created"]["n"] == 3
    assert april["upfront_cash"]["n"] == 400
    assert metrics(warehouse)["2026-04-02", "offer_close_rate"] == (1, 2, 50)
    assert metrics(warehouse)["2026-04-02", "offer_given_rate"] == (2, 2, 100)
    assert one_day(warehouse, "time_to_sale_days") == (864_000, 1, 10)
    assert one_day(warehouse, "average_deal_size") == (1200, 1, 1200)
    assert one_day(warehouse, "average_installments") == (3, 1, 3)


def test_a_null_amount_adds_nothing_to_sales_and_does_not_count_in_the_mean_but_zero_does(
    warehouse: Warehouse,
) -> None:
    mirror = SmallMirror()
    for id_, amount in ((1, Decimal(100)), (2, None), (3, Decimal(0)), (4, Decimal("0.01"))):
        mirror.won(id_, "2026-04-01 10:00", "2026-04-12 10:00", property_amount=amount)
    outcomes = build(warehouse, mirror)

    assert one_day(warehouse, "total_sales") == (Decimal("100.01"), None, Decimal("100.01"))
    assert one_day(warehouse, "deals_won") == (4, None, 4)
    assert one_day(warehouse, "average_deal_size") == (Decimal("100.01"), 3, Decimal("33.3366666667"))
    checks = {found.check.name: found.violations for found in outcomes["hubspot.hubspot_deals_raw"].checks}
    assert checks["won_deals_have_an_amount"] == 1


def test_without_any_amount_the_sum_is_zero_and_the_mean_is_null(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    mirror.won(1, "2026-04-01 10:00", "2026-04-12 10:00")
    build(warehouse, mirror)

    assert one_day(warehouse, "total_sales") == (0, None, 0)
    assert one_day(warehouse, "average_deal_size") == (0, 0, None)
    assert one_day(warehouse, "upfront_cash") == (0, None, 0)
    assert one_day(warehouse, "average_installments") == (0, 0, None)
    assert one_day(warehouse, "cancellation_rate") == (0, 0, None)


def test_money_adds_up_to_the_last_digit(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    for id_ in range(1, 1001):
        mirror.won(id_, "2026-04-01 10:00", "2026-04-12 10:00", property_amount=Decimal("0.1"))
    build(warehouse, mirror)

    assert one_day(warehouse, "total_sales") == (100, None, 100)
    assert one_day(warehouse, "average_deal_size") == (100, 1000, Decimal("0.1"))


@pytest.mark.parametrize(
    ("property_name", "metric"),
    [
        ("property_qualified_status", "qualified_rate"),
        ("property_trial_status", "trial_rate"),
        ("property_offer_given", "offer_given_rate"),
    ],
)
def test_yes_and_no_in_any_case_count_and_anything_else_leaves_both_sides(
    warehouse: Warehouse, property_name: str, metric: str
) -> None:
    mirror = SmallMirror()
    answers = ["Yes", "TRUE", "1", "yes ", "No", "false", "0", "maybe", "", None, "y"]
    for id_, answer in enumerate(answers, start=1):
        mirror.deal(id_, "2026-04-12 10:00", **{property_name: answer})
    build(warehouse, mirror)

    assert one_day(warehouse, metric) == (4, 7, Decimal("57.1428571429"))


def test_only_unknown_answers_give_no_rate(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    mirror.deal(1, "2026-04-12 10:00", property_qualified_status="perhaps")
    build(warehouse, mirror)

    assert one_day(warehouse, "qualified_rate") == (0, 0, None)
    assert one_day(warehouse, "offer_close_rate") == (0, 0, None)


def test_cancellations_are_counted_among_won_deals_with_a_payment_status(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    statuses = ["Cancelled", "canceled", "CHURNED", "refunded", "active", "paused", "", None]
    for id_, status in enumerate(statuses, start=1):
        mirror.won(id_, "2026-04-01 10:00", "2026-04-12 10:00", property_payment_status=status)
    mirror.deal(90, "2026-04-01 10:00", closed="2026-04-12 10:00", property_payment_status="cancelled")
    build(warehouse, mirror)

    assert one_day(warehouse, "cancellation_rate") == (4, 6, Decimal("66.6666666667"))


def test_upfront_cash_divides_by_whole_instalments_of_one_or_more(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    installments = [Decimal(4), Decimal(0), Decimal(-3), None, Decimal("0.5")]
    for id_, number in enumerate(installments, start=1):
        mirror.won(
            id_,
            "2026-04-01 10:00",
            "2026-04-12 10:00",
            property_amount=Decimal(100),
            property_number_of_installments__months=number,
        )
    build(warehouse, mirror)

    assert one_day(warehouse, "upfront_cash") == (425, None, 425)
    assert one_day(warehouse, "average_installments") == (4, 1, 4)


def test_recorded_cash_replaces_the_formula(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    cash = {"property_offer_given": "250.50"}
    mirror.won(1, "2026-04-01 10:00", "2026-04-12 10:00", property_amount=Decimal(900), **cash)
    mirror.won(2, "2026-04-01 10:00", "2026-04-12 10:00", property_amount=Decimal(90))
    build(warehouse, mirror, WithCash())

    assert one_day(warehouse, "upfront_cash") == (Decimal("340.5"), None, Decimal("340.5"))


class WithCash:
    """Settings that find the cash of a deal in another property."""

    report_time_zone = "UTC"
    currency = "USD"
    won_stages = ()
    properties = Business(properties={}).properties | {
        "deal": {**Business(properties={}).properties["deal"], "upfront_cash": "offer_given"}
    }


def test_deals_closed_before_they_were_created_leave_time_to_sale(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    mirror.won(1, "2026-04-13 10:00", "2026-04-12 10:00")
    mirror.won(2, "2026-04-12 10:00", "2026-04-12 10:00")
    mirror.won(3, "2026-04-11 10:00", "2026-04-12 10:00:00.000001")
    build(warehouse, mirror)

    numerator, denominator, value = one_day(warehouse, "time_to_sale_days")
    assert (numerator, denominator) == (Decimal("86400.000001"), 2)
    assert value == Decimal("0.5")


def test_a_contact_is_a_customer_in_any_position_of_any_won_deal(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    for id_ in (1, 2, 3, 4):
        mirror.contact(id_, "2026-04-12 09:00")
    mirror.won(10, "2026-04-01 10:00", "2027-01-01 10:00")
    mirror.won(11, "2026-04-01 10:00", "2027-01-01 10:00")
    mirror.deal(12, "2026-04-01 10:00")
    mirror.deal_contacts += [(10, 1), (10, 2), (11, 2), (12, 3)]
    build(warehouse, mirror)

    assert one_day(warehouse, "contact_to_customer_rate") == (2, 4, 50)


def test_days_begin_at_midnight_of_the_report_zone(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    mirror.contact(1, "2026-04-11 21:59:59.999999")
    mirror.contact(2, "2026-04-11 22:00")
    mirror.contact(3, "2026-04-12 21:59:59")
    mirror.contact(4, "2026-04-12 22:00")
    build(warehouse, mirror, Business(report_time_zone="Europe/Berlin", properties={}))

    created = {day: found[0] for (day, metric), found in metrics(warehouse).items() if metric == "contacts_created"}
    assert created == {"2026-04-11": 1, "2026-04-12": 2, "2026-04-13": 1}


def test_contacts_go_by_contact_owner_deals_by_deal_owner_and_nobody_is_unassigned(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    mirror.contact(1, "2026-04-12 09:00", property_hubspot_owner_id="7")
    mirror.contact(2, "2026-04-12 09:00", property_hubspot_owner_id="")
    mirror.won(10, "2026-04-01 10:00", "2026-04-12 10:00", owner_id=8, property_amount=Decimal(5))
    mirror.won(11, "2026-04-01 10:00", "2026-04-12 10:00", property_amount=Decimal(6))
    mirror.deal_contacts += [(10, 2)]
    build(warehouse, mirror)

    assert metrics(warehouse, "7")[DAY, "contact_to_customer_rate"] == (0, 1, 0)
    assert metrics(warehouse, "unassigned")[DAY, "contact_to_customer_rate"] == (1, 1, 100)
    assert metrics(warehouse, "8")[DAY, "total_sales"] == (5, None, 5)
    assert metrics(warehouse, "unassigned")[DAY, "total_sales"] == (6, None, 6)
    assert metrics(warehouse)[DAY, "total_sales"] == (11, None, 11)
    assert metrics(warehouse)[DAY, "contact_to_customer_rate"] == (1, 2, 50)


def test_deleted_and_merged_records_count_nowhere(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    mirror.contact(1, "2026-04-12 09:00")
    mirror.contact(2, "2026-04-12 09:00", is_deleted=True, _fivetran_deleted=True)
    mirror.won(10, "2026-04-01 10:00", "2026-04-12 10:00", is_deleted=True, property_amount=Decimal(5))
    mirror.deal_contacts += [(10, 1)]
    build(warehouse, mirror)

    found = metrics(warehouse)
    assert found[DAY, "contacts_created"] == (1, None, 1)
    assert found[DAY, "contact_to_customer_rate"] == (0, 1, 0)
    assert (DAY, "total_sales") not in found


def test_records_without_the_date_of_a_metric_are_in_no_period(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    mirror.contact(1, None)
    mirror.won(10, "2026-04-12 10:00", "", property_amount=Decimal(5), property_offer_given="yes")
    build(warehouse, mirror)

    found = metrics(warehouse)
    assert {metric for _, metric in found} == {"qualified_rate", "trial_rate", "offer_given_rate", "offer_close_rate"}
    assert found[DAY, "offer_close_rate"] == (1, 1, 100)
