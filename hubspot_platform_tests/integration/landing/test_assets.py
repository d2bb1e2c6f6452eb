"""Landing in Dagster: a table is an asset with its counts and its check, and one that fails stops only itself."""

import json
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from hubspot_platform.assets.landing import JOBS, asset_key, landing_assets
from hubspot_platform.automation.schedules import landing_job, landing_schedule
from hubspot_platform.checks.table import CONTRACT_TEST
from hubspot_platform.cli.land import chosen_tables
from hubspot_platform.cli.main import app
from hubspot_platform.errors import UsageError
from hubspot_platform.landing.contract import CATALOGUE, PREDICTIONS
from hubspot_platform.landing.model import LandedTable
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import load_settings
from hubspot_platform_tests.integration.landing.test_landing import rates

RATE, LINK, BUG = (CATALOGUE[f"product.{name}"] for name in ("exchange_rate", "company_to_client_id", "monday_bug"))


@pytest.fixture
def defs(tmp_path: Path) -> dg.Definitions:
    """The landed assets and the job of the predictions."""
    return dg.Definitions(
        assets=landing_assets("duckdb"),
        jobs=[landing_job("predictions")],
        resources={"platform": Platform(load_settings(platform_home=tmp_path))},
    )


def selected(*entries: LandedTable) -> list[dg.AssetKey]:
    return [asset_key(entry) for entry in entries]


def test_tables_land_with_counts_and_checks_and_a_failing_one_stops_only_itself(tmp_path: Path) -> None:
    rates(tmp_path, "EUR,2026-05-01,1.08", "EUR,2026-05-02,n/a")
    platform = Platform(load_settings(platform_home=tmp_path / "home", product_source=f"dir://{tmp_path}"))
    with dg.instance_for_test() as instance:
        result = dg.materialize(
            [asset for asset in landing_assets("duckdb") if isinstance(asset, dg.AssetsDefinition)],
            selection=selected(RATE, LINK, BUG),
            resources={"platform": platform},
            instance=instance,
            raise_on_error=False,
        )
    platform.close()
    assert not result.success
    landed = {event.asset_key: event.step_materialization_data.materialization.metadata for event in
              result.get_asset_materialization_events()}  # fmt: skip
    assert set(landed) == set(selected(RATE, BUG))
    rate = {name: value.value for name, value in landed[asset_key(RATE)].items()}
    assert (rate["dagster/row_count"], rate["rows_rejected"], rate["rejected_bad_type"]) == (1, 1, 1)
    assert "the table is empty" in landed[asset_key(BUG)]["warning"].value
    checks = {evaluation.asset_key: evaluation for evaluation in result.get_asset_check_evaluations()}
    assert checks[asset_key(BUG)].passed
    assert not checks[asset_key(RATE)].passed
    assert checks[asset_key(RATE)].severity is dg.AssetCheckSeverity.WARN
    assert checks[asset_key(RATE)].description == "1 of 2 rows break the contract: bad_type (1)"
    said = {name: value.value for name, value in checks[asset_key(RATE)].metadata.items()}
    assert (said["test"], said["status"], said["subject"]) == ("A01", "warn", "product.exchange_rate")
    assert (said["rows_read"], said["rows_rejected"], said["observed"]) == (2, 1, 1)
    failure = result.get_step_failure_events()[0].step_failure_data.user_failure_data
    assert failure is not None
    assert "company_to_client_id is not there" in str(failure.description)


def test_every_table_is_an_asset_with_a_check_and_freshness(defs: dg.Definitions) -> None:
    specs = {spec.key: spec for spec in defs.resolve_all_asset_specs()}
    checks = defs.get_repository_def().asset_graph.asset_check_keys
    for entry in CATALOGUE.values():
        spec = specs[asset_key(entry)]
        assert spec.group_name == entry.schema
        assert spec.freshness_policy is not None
        assert dg.AssetCheckKey(asset_key(entry), CONTRACT_TEST.name) in checks
    assert dg.AssetKey(["product", "rejected_row"]) in specs


def test_a_schedule_skips_without_a_source_and_while_its_job_still_runs(tmp_path: Path, defs: dg.Definitions) -> None:
    schedule = landing_schedule("predictions", landing_job("predictions"))
    assert (schedule.name, schedule.cron_schedule) == ("bigquery_to_mysql_ds_data_schedule", "5 * * * *")
    unset = Platform(load_settings(platform_home=tmp_path, predictions_source=""))
    ready = Platform(load_settings(platform_home=tmp_path, predictions_source=f"dir://{tmp_path}"))
    with dg.instance_for_test() as instance:
        skipped = schedule.evaluate_tick(dg.build_schedule_context(instance, resources={"platform": unset}))
        assert skipped.skip_message == "PREDICTIONS_SOURCE is not set"
        context = dg.build_schedule_context(instance, resources={"platform": ready})
        assert len(schedule.evaluate_tick(context).run_requests or []) == 1
        running = instance.create_run_for_job(
            defs.resolve_job_def(JOBS["predictions"]), status=dg.DagsterRunStatus.STARTED, run_config={}
        )
        busy = schedule.evaluate_tick(context)
        assert busy.skip_message == f"run {running.run_id} still lands predictions"


def test_the_command_prints_one_document_and_fails_when_a_table_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates(tmp_path, "EUR,2026-05-01,1.08", "EUR,2026-05-02,n/a")
    monkeypatch.setenv("PLATFORM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PRODUCT_SOURCE", f"dir://{tmp_path}")
    done = CliRunner().invoke(app, ["land", "exchange_rate", "company", "--json"])
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    company, rate = document["tables"]
    assert not document["ok"]
    assert (rate["rows_landed"], rate["rejected"]) == (1, {"bad_type": 1})
    assert "company is not there" in company["error"]


def test_the_command_line_knows_schemas_and_tables_by_name() -> None:
    settings = load_settings(product_source="", predictions_source="dir:///somewhere")
    assert tuple(chosen_tables(settings, [])) == PREDICTIONS
    names = [entry.full_name for entry in chosen_tables(settings, ["Company", "predictions.contact_cp_score"])]
    assert names == ["product.company", "predictions.contact_cp_score"]
    assert len(chosen_tables(settings, ["product"])) == len(CATALOGUE) - len(PREDICTIONS)
    with pytest.raises(UsageError, match="no landed table is called 'companies'"):
        chosen_tables(settings, ["companies"])
