"""Models whose header names a partition column have days: how Dagster asks for them, and what a run does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from hubspot_platform.assets.sql_models import model_assets
from hubspot_platform.automation.runs import by_partitions
from hubspot_platform.sql_models.store import parse_model
from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.integration.sql_models.test_assets import (
    BUSINESS,
    TOTAL,
    SmallPlatform,
    deal,
    embedded,
    evaluate,
    instance,
)
from hubspot_platform_tests.integration.sql_models.test_build import fill
from hubspot_platform_tests.unit.sql_models.terms import with_header

__all__ = ["embedded", "instance"]

DAY_LINE = "-- partition: as_of"
SNAPSHOT = parse_model(
    "mart",
    "snapshot",
    with_header(
        "select cast(d.id as text) as id, cast(${as_of} as timestamptz) as as_of from hubspot.deal as d"
    ).replace("-- owner", f"{DAY_LINE}\n-- owner"),
    BUSINESS,
)
BELOW = parse_model(
    "mart",
    "total",
    with_header(
        "select cast(t.id as text) as id, cast(t.as_of as timestamptz) as as_of from mart.snapshot as t"
    ).replace("-- owner", f"{DAY_LINE}\n-- owner"),
    BUSINESS,
)
SNAP = dg.AssetKey(["mart", "snapshot"])
TICK = timedelta(seconds=30)
NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)


def today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")


def days_run(warehouse: Warehouse, instance: dg.DagsterInstance, first: str, last: str) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        model_assets([SNAPSHOT, BELOW], warehouse.dialect),
        resources={"platform": SmallPlatform(warehouse, clock=lambda: NOON)},
        instance=instance,
        tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
    )


def test_a_range_of_days_is_one_run_that_fills_the_table_once(
    embedded: Warehouse, instance: dg.DagsterInstance
) -> None:
    with embedded.writer() as session:
        fill(session, ("a", "1", None), ("b", "2", "won"))

    result = days_run(embedded, instance, "2026-02-01", "2026-02-03")

    assert result.success
    assert instance.get_materialized_partitions(SNAP) == {"2026-02-01", "2026-02-02", "2026-02-03"}
    with embedded.reader() as session:
        found = session.query("select id, as_of from mart.total order by id").to_pylist()
    assert found == [{"id": "a", "as_of": NOON}, {"id": "b", "as_of": NOON}]


def test_any_change_upstream_asks_for_the_newest_day_of_the_whole_chain_every_time(
    embedded: Warehouse, instance: dg.DagsterInstance
) -> None:
    with embedded.writer() as session:
        fill(session, ("a", "1", None))
    defs = dg.Definitions(
        assets=[deal, *model_assets([SNAPSHOT, BELOW], "duckdb")], resources={"platform": SmallPlatform(embedded)}
    )
    days_run(embedded, instance, today(), today())
    moment = datetime.now(UTC)
    quiet = evaluate(defs, instance, evaluation_time=moment)
    assert quiet.total_requested == 0
    cursor: Any = quiet.cursor

    for hour in ("2026-01-02-03:00", "2026-01-02-04:00"):  # long before the newest day
        dg.materialize([deal], partition_key=hour, instance=instance)
        asked = evaluate(defs, instance, cursor=cursor, evaluation_time=(moment := moment + TICK))
        assert asked.get_requested_partitions(SNAP) == {today()}
        assert asked.get_requested_partitions(TOTAL) == {today()}  # in the same run, not half a minute later
        days_run(embedded, instance, today(), today())
        cursor = evaluate(defs, instance, cursor=asked.cursor, evaluation_time=(moment := moment + TICK)).cursor


def test_hours_and_days_are_two_runs_and_what_reads_days_waits_for_them(embedded: Warehouse) -> None:
    plain = parse_model(
        "mart", "plain", with_header("select cast(d.id as text) as id from hubspot.deal as d"), BUSINESS
    )
    last = parse_model("mart", "last", with_header("select cast(t.id as text) as id from mart.total as t"), BUSINESS)
    repository = dg.Definitions(
        assets=[deal, *model_assets([SNAPSHOT, BELOW, plain, last], "duckdb")],
        resources={"platform": SmallPlatform(embedded)},
    ).get_repository_def()
    keys = list(repository.asset_graph.materializable_asset_keys)

    first, second = by_partitions(repository, keys)

    assert {key.path[-1] for key in first} == {"deal", "plain"}
    assert {key.path[-1] for key in second} == {"snapshot", "total", "last"}
    without_hours = [key for key in keys if key.path[-1] != "deal"]
    assert list(by_partitions(repository, without_hours)) == [without_hours]
