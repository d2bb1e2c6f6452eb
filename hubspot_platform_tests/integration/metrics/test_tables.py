"""`daily_metric` and `metric_by_variant`: the same numbers as for any period, day by day and month by month."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest

from hubspot_platform.assets.sql_models import model_assets
from hubspot_platform.metrics.answer import DIMENSIONS, MetricValue, SalesMetrics
from hubspot_platform.warehouse import Warehouse, open_warehouse
from hubspot_platform_tests.integration.metrics.conftest import Prepared, random_records
from hubspot_platform_tests.integration.metrics.models import models
from hubspot_platform_tests.integration.metrics.records import TABLES, Call, Deal, Records, at, prepare

CLOCK_CHANGES = (date(2026, 3, 29), date(2026, 10, 25))


def read(warehouse: Warehouse, sql: str, params: tuple[object, ...] = ()) -> list[dict[str, Any]]:
    with warehouse.reader() as session:
        return session.query(sql, params).to_pylist()


def told(values: Iterator[MetricValue]) -> dict[tuple[str, str | None], tuple[object, ...]]:
    return {
        (value.metric.name, value.variant): (value.numerator, value.denominator, value.value, value.median)
        for value in values
        if value.records
    }


@pytest.mark.parametrize("day", CLOCK_CHANGES)
@pytest.mark.parametrize("owner", [None, "901", "unassigned"])
def test_a_day_is_the_metric_of_that_day(prepared: Prepared, day: date, owner: str | None) -> None:
    report = SalesMetrics(prepared.warehouse, "Europe/Berlin").metric(day, day + timedelta(days=1), owner)
    rows = read(
        prepared.warehouse,
        "select * from metrics.daily_metric where metric_date = ? and owner_id = ?",
        (day, owner or "all"),
    )
    found = {(row["metric"], None): (row["numerator"], row["denominator"], row["value"], row["median"]) for row in rows}
    assert found == told(iter(report.values))
    assert len(found) > 10


def test_days_add_up_to_a_period_but_for_call_to_close_rate(prepared: Prepared) -> None:
    year = (date(2026, 1, 1), date(2027, 1, 1))
    rows = read(
        prepared.warehouse,
        "select metric, sum(numerator) as numerator, sum(denominator) as denominator from metrics.daily_metric "
        "where owner_id = 'all' and metric_date >= ? and metric_date < ? group by metric",
        year,
    )
    days = {row["metric"]: (row["numerator"], row["denominator"]) for row in rows}
    report = SalesMetrics(prepared.warehouse, "Europe/Berlin").metric(*year)
    whole = {value.metric.name: (value.numerator, value.denominator) for value in report.values}
    differing = {name for name, found in whole.items() if days[name] != found}
    assert differing == {"call_to_close_rate"}


def test_records_of_the_years_1_and_9999_are_in_a_period_but_on_no_day_and_are_counted(warehouse: Warehouse) -> None:
    never, usual = Deal(1, at("0001-01-01"), at("9999-12-31"), won=True), Deal(2, None, at("2026-04-01"), won=True)
    outcomes = prepare(warehouse, Records(deals=[never, usual], calls=[Call(3, at("0001-01-01"))]))

    days = read(warehouse, "select distinct metric_date as day from metrics.daily_metric")
    months = read(warehouse, "select distinct period_start as day, period_end as next from metrics.metric_by_variant")
    assert days == [{"day": date(2026, 4, 1)}]
    assert months == [{"day": date(2026, 4, 1), "next": date(2026, 5, 1)}]
    ever = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    report = SalesMetrics(warehouse).metric(*ever, names=("deals_won", "calls_total"))
    assert [value.numerator for value in report.values] == [2, 1]
    (year,) = (found for found in outcomes["metric_record"].checks if found.check.name == "year_has_days")
    records = read(warehouse, "select record_id from metrics.metric_record where record_id <> '2'")
    assert year.violations == len(records) > 0


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_month_of_a_variant_is_the_metric_of_that_month(prepared: Prepared, dimension: str) -> None:
    start, end = date(2026, 3, 1), date(2026, 4, 1)
    report = SalesMetrics(prepared.warehouse, "Europe/Berlin").metric(start, end, by=dimension)
    rows = read(
        prepared.warehouse,
        "select * from metrics.metric_by_variant where period_start = ? and period_end = ? and dimension = ?",
        (start, end, dimension),
    )
    found = {
        (row["metric"], row["variant"]): (row["numerator"], row["denominator"], row["value"], row["median"])
        for row in rows
    }
    assert found == told(iter(report.values))
    intervals = {(row["metric"], row["variant"]): (row["ci_low"], row["ci_high"], row["group_size"]) for row in rows}
    assert intervals == {
        (value.metric.name, value.variant): (value.ci_low, value.ci_high, value.records) for value in report.values
    }


def test_no_blocking_check_fails(prepared: Prepared) -> None:
    failed = [check.check.name for found in prepared.outcomes.values() for check in found.checks if not check.passed]
    assert failed == []


# Newcombe 1998, table I, method 3: score intervals of four proportions.
@pytest.mark.parametrize(
    ("yes", "number", "low", "high"),
    [(81, 263, "25.53", "36.62"), (15, 148, "6.24", "16.05"), (0, 20, "0.00", "16.11"), (1, 29, "0.61", "17.18")],
)
def test_wilson_intervals_are_the_published_ones(
    prepared: Prepared, yes: int, number: int, low: str, high: str
) -> None:
    (found,) = read(prepared.warehouse, "select wilson_low(?, ?) as low, wilson_high(?, ?) as high", (yes, number) * 2)
    assert (round(found["low"], 2), round(found["high"], 2)) == (Decimal(low), Decimal(high))


def test_wilson_intervals_are_exact_to_four_places_and_null_over_nothing(prepared: Prepared) -> None:
    pairs = [(yes, number) for number in (1, 2, 7, 30, 1000, 29_000) for yes in {0, 1, number // 3, number}]
    listed = ", ".join(f"({yes}, {number})" for yes, number in [*pairs, (0, 0)])
    sql = f"select yes, n, wilson_low(yes, n) as low, wilson_high(yes, n) as high from (values {listed}) as v (yes, n)"
    for row in read(prepared.warehouse, sql):
        if row["n"] == 0:
            assert (row["low"], row["high"]) == (None, None)
        else:
            assert (row["low"], row["high"]) == wilson(row["yes"], row["n"])


def wilson(yes: int, number: int) -> tuple[Decimal, Decimal]:
    with localcontext(prec=50):
        z, n = Decimal("1.959963984540054"), Decimal(number)
        share = Decimal(yes) / n
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).sqrt()
        low, high = (round(100 * end, 4) for end in (middle - half, middle + half))
        return low, high


@pytest.mark.postgres
def test_both_engines_hold_the_same_rows(tmp_path: Path, postgres_url: str) -> None:
    records = random_records(11)
    warehouses = [open_warehouse(f"duckdb:///{tmp_path / 'warehouse.duckdb'}"), open_warehouse(postgres_url)]
    for warehouse in warehouses:
        prepare(warehouse, records)
    for table in TABLES:
        name = f"metrics.{table}"
        held = []
        for warehouse in warehouses:
            with warehouse.reader() as session:
                held.append(
                    session.query(f"select * from {name}").sort_by(
                        [(k, "ascending") for k in models()[name].header.grain]
                    )
                )
        assert held[0].schema.remove_metadata() == held[1].schema.remove_metadata()
        assert held[0].to_pylist() == held[1].to_pylist()
        assert held[0].num_rows > 20


def test_every_metric_shows_in_its_asset_the_hubspot_columns_it_comes_from() -> None:
    lineage = {
        spec.key.to_user_string(): spec.metadata["dagster/column_lineage"].deps_by_column
        for asset in model_assets(list(models().values()), "duckdb")
        for spec in asset.specs
    }

    def of(table: str, column: str) -> set[str]:
        if table not in lineage:
            return {f"{table.removeprefix('hubspot/')}.{column}"}
        found = lineage[table].get(column, [])
        return {origin for dep in found for origin in of(dep.asset_key.to_user_string(), dep.column_name)}

    assert of("metrics/deal_metric", "total_sales") >= {"deal.property_amount", "deal.deal_pipeline_stage_id"}
    assert of("metrics/deal_metric", "trial_rate") == {"deal.property_trial_status"}
    assert "deal.property_payment_status" in of("metrics/deal_metric", "cancellation_rate")
    assert "contact.property_createdate" in of("metrics/contact_metric", "time_to_first_contact_hours")
    assert of("metrics/call_metric", "pickup_rate") == {
        "engagement_call.property_hs_call_duration",
        "engagement_call.property_hs_call_disposition",
    }
    everything = of("metrics/daily_metric", "value")
    assert everything >= {"deal.property_amount", "engagement_call.property_hs_call_duration"}
    assert everything == of("metrics/metric_by_variant", "value")
