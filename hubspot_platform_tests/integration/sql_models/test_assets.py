"""SQL models as Dagster assets: what they show, when they run, and what a refused build leaves behind."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._utils.warnings import BetaWarning

from hubspot_platform.assets.sql_models import model_assets, sql_model_assets
from hubspot_platform.business import Business
from hubspot_platform.clock import Clock, utc_now
from hubspot_platform.sql_models.model import Model
from hubspot_platform.sql_models.staleness import stale_models
from hubspot_platform.sql_models.store import parse_model
from hubspot_platform.warehouse import Warehouse, open_warehouse
from hubspot_platform_tests.integration.sql_models.test_build import QUERY, fill, stored
from hubspot_platform_tests.unit.sql_models.terms import BUSINESS, model, with_header

DEAL, THING, TOTAL = (dg.AssetKey(key) for key in (["hubspot", "deal"], ["mart", "thing"], ["mart", "total"]))
HOURS = dg.HourlyPartitionsDefinition("2026-01-01-00:00")
CHECKED = model(QUERY, "-- check: positive error: amount > 0", "-- check: has_stage warn: not_null(stage)")
BELOW = parse_model("mart", "total", with_header("select cast(t.id as text) as id from mart.thing as t"), BUSINESS)


@dataclass
class SmallPlatform:
    """The part of the resource `platform` that models use."""

    the_warehouse: Warehouse
    business: Business = field(default_factory=lambda: Business(properties={}))
    clock: Clock = utc_now

    def warehouse(self) -> Warehouse:
        return self.the_warehouse


@dg.asset(key=DEAL, partitions_def=HOURS)
def deal() -> dg.MaterializeResult[Any]:
    return dg.MaterializeResult()


@pytest.fixture
def embedded(tmp_path: Path) -> Warehouse:
    """What Dagster decides does not depend on the engine."""
    return open_warehouse(f"duckdb:///{tmp_path / 'warehouse.duckdb'}")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


def evaluate(defs: dg.Definitions, instance: dg.DagsterInstance, **known: Any) -> Any:
    with warnings.catch_warnings():
        # Dagster's own tester selects with a parameter Dagster calls beta.
        warnings.simplefilter("ignore", BetaWarning)
        return dg.evaluate_automation_conditions(defs, instance, **known)


def definitions(warehouse: Warehouse, *models: Model) -> dg.Definitions:
    return dg.Definitions(
        assets=[deal, *model_assets(models, warehouse.dialect)], resources={"platform": SmallPlatform(warehouse)}
    )


def run(warehouse: Warehouse, instance: dg.DagsterInstance, *models: Model) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        model_assets(models, warehouse.dialect),
        resources={"platform": SmallPlatform(warehouse)},
        instance=instance,
        raise_on_error=False,
    )


def test_what_an_asset_shows_before_its_first_run(embedded: Warehouse) -> None:
    (asset,) = model_assets([CHECKED], embedded.dialect)
    spec = next(iter(asset.specs))

    assert spec.key == THING
    assert (spec.group_name, spec.description, spec.owners) == ("mart", "What it holds.", ["team:revops"])
    assert spec.kinds == {"sql", embedded.dialect}
    assert [dep.asset_key for dep in spec.deps] == [DEAL]
    assert spec.code_version == CHECKED.code_version
    assert [column.name for column in spec.metadata["dagster/column_schema"].columns] == ["id", "amount", "stage"]
    assert spec.metadata["dagster/column_lineage"].deps_by_column["amount"] == [dg.TableColumnDep(DEAL, "amount")]
    assert "from hubspot.deal" in spec.metadata["sql"].md_str
    assert {(check.name, check.blocking) for check in asset.check_specs} == {
        ("grain_not_null", True),
        ("grain_unique", True),
        ("positive", True),
        ("has_stage", False),
    }
    assert asset.op.pool == "warehouse_writer"


def test_the_platforms_own_models_load(embedded: Warehouse) -> None:
    keys = {asset.key.to_user_string() for asset in sql_model_assets(Business(properties={}), embedded.dialect)}

    assert keys >= {"hubspot/hubspot_contacts_raw", "hubspot/hubspot_deals_raw", "metrics/daily_metric"}


def test_a_run_builds_publishes_and_reports(warehouse: Warehouse, instance: dg.DagsterInstance) -> None:
    with warehouse.writer() as session:
        fill(session, ("a", "1", None), ("b", "2", "won"))

    result = run(warehouse, instance, CHECKED)

    (event,) = result.get_asset_materialization_events()
    shown = event.materialization.metadata
    assert shown["dagster/row_count"].value == 2
    assert set(shown) >= {"dagster/column_schema", "dagster/column_lineage", "started_at", "seconds"}
    found = {check.check_name: (check.passed, check.severity) for check in result.get_asset_check_evaluations()}
    assert found == {
        "grain_not_null": (True, dg.AssetCheckSeverity.ERROR),
        "grain_unique": (True, dg.AssetCheckSeverity.ERROR),
        "positive": (True, dg.AssetCheckSeverity.ERROR),
        "has_stage": (False, dg.AssetCheckSeverity.WARN),
    }
    with warehouse.reader() as session:
        assert stored(session) == ["a", "b"]


def test_a_blocking_check_keeps_the_old_table_and_tells_how_many_rows(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    with warehouse.writer() as session:
        fill(session, ("a", "1", "won"))
    assert run(warehouse, instance, CHECKED).success
    with warehouse.writer() as session:
        fill(session, ("b", "-1", "won"), ("c", "-2", "won"))

    result = run(warehouse, instance, CHECKED, BELOW)

    assert not result.success
    assert result.get_asset_materialization_events() == []
    found = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert not found["positive"].passed
    assert found["positive"].metadata["violating_rows"].value == 2
    assert found["grain_unique"].passed
    with warehouse.reader() as session:
        assert stored(session) == ["a"]
        assert session.columns("mart.total") == {}


def test_checks_run_alone_on_the_published_table(warehouse: Warehouse, instance: dg.DagsterInstance) -> None:
    with warehouse.writer() as session:
        fill(session, ("a", "1", None))
    assert run(warehouse, instance, CHECKED).success
    assets = model_assets([CHECKED], warehouse.dialect)

    result = dg.materialize(
        assets,
        selection=dg.AssetSelection.checks(dg.AssetCheckKey(THING, "has_stage")),
        resources={"platform": SmallPlatform(warehouse)},
        instance=instance,
    )

    (found,) = result.get_asset_check_evaluations()
    assert (found.check_name, found.passed) == ("has_stage", False)
    assert result.get_asset_materialization_events() == []


def test_a_model_without_its_upstreams_waits_without_failing(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    with warehouse.writer() as session:
        session.execute("create schema if not exists mart")

    result = run(warehouse, instance, CHECKED)

    assert result.success
    assert result.get_asset_materialization_events() == []


def test_a_model_is_requested_when_one_of_many_hourly_partitions_arrives(
    embedded: Warehouse, instance: dg.DagsterInstance
) -> None:
    defs = definitions(embedded, CHECKED)
    quiet = evaluate(defs, instance)
    assert quiet.total_requested == 0

    dg.materialize([deal], partition_key="2026-01-02-03:00", instance=instance)
    asked = evaluate(defs, instance, cursor=quiet.cursor)

    assert asked.get_requested_partitions(THING) == {None}


def test_a_model_is_not_requested_while_a_blocking_check_upstream_fails(
    embedded: Warehouse, instance: dg.DagsterInstance
) -> None:
    with embedded.writer() as session:
        fill(session, ("b", "-1", "won"))
    defs = definitions(embedded, CHECKED, BELOW)
    before = evaluate(defs, instance)
    assert not run(embedded, instance, CHECKED).success
    instance.report_runless_asset_event(dg.AssetMaterialization(THING))

    asked = evaluate(defs, instance, cursor=before.cursor)

    assert asked.get_num_requested(TOTAL) == 0


def test_stale_models_are_those_with_something_newer_upstream_and_all_below(
    embedded: Warehouse, instance: dg.DagsterInstance
) -> None:
    with embedded.writer() as session:
        fill(session, ("a", "1", "won"))
    models = (CHECKED, BELOW)
    graph = definitions(embedded, *models).resolve_asset_graph()

    assert stale_models(instance, graph) == []  # nothing upstream exists yet

    dg.materialize([deal], partition_key="2026-01-02-03:00", instance=instance)
    assert stale_models(instance, graph) == [THING, TOTAL]

    assert run(embedded, instance, *models).success
    assert stale_models(instance, graph) == []

    dg.materialize([deal], partition_key="2026-01-02-04:00", instance=instance)
    assert stale_models(instance, graph) == [THING, TOTAL]


def test_an_upstream_that_arrives_while_a_model_is_built_makes_it_stale(
    embedded: Warehouse, instance: dg.DagsterInstance
) -> None:
    with embedded.writer() as session:
        fill(session, ("a", "1", "won"))
    dg.materialize([deal], partition_key="2026-01-02-03:00", instance=instance)
    began_before = SmallPlatform(embedded, clock=lambda: datetime.now(UTC) - timedelta(minutes=1))
    dg.materialize(model_assets([CHECKED], embedded.dialect), resources={"platform": began_before}, instance=instance)

    assert stale_models(instance, definitions(embedded, CHECKED).resolve_asset_graph()) == [THING]


def test_a_changed_text_makes_a_model_stale(embedded: Warehouse, instance: dg.DagsterInstance) -> None:
    with embedded.writer() as session:
        fill(session, ("a", "1", "won"))
    dg.materialize([deal], partition_key="2026-01-02-03:00", instance=instance)
    run(embedded, instance, CHECKED)

    assert stale_models(instance, definitions(embedded, model(QUERY)).resolve_asset_graph()) == [THING]
