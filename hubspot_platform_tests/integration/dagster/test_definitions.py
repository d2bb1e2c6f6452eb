"""What Dagster is told: everything loads without warnings, and every asset shows what people look for."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from hubspot_platform.automation.schedules import hours_to_ask_for
from hubspot_platform.checks.table import TESTS
from hubspot_platform.definitions import definitions
from hubspot_platform.hubspot.catalogue import CATALOGUE, CONTACT, DEAL, REFERENCES, SHARED_TABLES
from hubspot_platform.mirror.plan import PASSES
from hubspot_platform.mirror.tables import association_table
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import load_settings

FIRST = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform on an empty home."""
    opened = Platform(load_settings(platform_home=tmp_path_factory.mktemp("home"), mirror_start=FIRST))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def defs(platform: Platform) -> dg.Definitions:
    """The platform's definitions, which no test changes."""
    return definitions(platform)


def test_the_definitions_load_without_a_single_warning(tmp_path: Path) -> None:
    code = (
        "import warnings; warnings.simplefilter('error', UserWarning); warnings.simplefilter('error', FutureWarning)\n"
        "from dagster._utils.warnings import BetaWarning, PreviewWarning\n"
        "warnings.simplefilter('error', BetaWarning); warnings.simplefilter('error', PreviewWarning)\n"
        "import dagster as dg\n"
        "from hubspot_platform.definitions import defs\n"
        "dg.Definitions.validate_loadable(defs)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PLATFORM_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_table_of_the_catalogue_is_an_asset_with_description_owner_kinds_and_freshness(
    defs: dg.Definitions,
) -> None:
    specs = {spec.key: spec for spec in defs.resolve_all_asset_specs()}
    tables = [
        *(obj.table for obj in CATALOGUE.values()),
        *(target.table for obj in CATALOGUE.values() for target in obj.associations),
        *(table for entry in REFERENCES.values() for table in entry.tables),
    ]
    for table in tables:
        spec = specs[dg.AssetKey(["hubspot", table])]
        assert spec.description
        assert spec.owners
        assert {"hubspot", "duckdb"} <= spec.kinds
        assert spec.freshness_policy is not None


def test_searchable_objects_are_hourly_and_reference_data_is_whole(defs: dg.Definitions) -> None:
    graph = defs.get_repository_def().asset_graph
    for obj in CATALOGUE.values():
        for table in (obj.table, *(association_table(target).name for target in obj.associations)):
            partitions = graph.get(dg.AssetKey(["hubspot", table])).partitions_def
            assert isinstance(partitions, dg.HourlyPartitionsDefinition) is (table not in SHARED_TABLES), table
    for entry in REFERENCES.values():
        for table in entry.tables:
            assert graph.get(dg.AssetKey(["hubspot", table])).partitions_def is None


def test_tables_that_several_syncs_fill_hang_below_all_of_them_and_below_no_step(defs: dg.Definitions) -> None:
    graph = defs.get_repository_def().asset_graph
    engagements = {dg.AssetKey(["hubspot", obj.table]) for obj in CATALOGUE.values() if obj.engagement_type}
    for table in (*SHARED_TABLES, "engagement"):
        node = graph.get(dg.AssetKey(["hubspot", table]))
        assert node.parent_keys == engagements
        assert not node.is_executable


def test_sql_models_show_columns_and_their_lineage_before_any_run(defs: dg.Definitions) -> None:
    specs = {spec.key: spec for spec in defs.resolve_all_asset_specs()}
    metadata = specs[dg.AssetKey(["metrics", "daily_metric"])].metadata
    lineage = metadata["dagster/column_lineage"]
    sources = {dep.asset_key.to_user_string() for deps in lineage.deps_by_column.values() for dep in deps}
    assert sources == {"metrics/metric_record", "metrics/metric_rule"}
    columns = {column.name for column in metadata["dagster/column_schema"].columns}
    assert {"metric_date", "owner_id", "metric", "numerator", "denominator", "value"} <= columns


def test_every_test_of_the_table_is_a_check_on_its_asset(defs: dg.Definitions) -> None:
    keys = defs.get_repository_def().asset_graph.asset_check_keys
    wanted = {dg.AssetCheckKey(subject.asset_key, test.name) for test in TESTS for subject in test.subjects}
    assert wanted <= set(keys)


def test_jobs_and_schedules_have_their_documented_names_and_run_from_the_start(defs: dg.Definitions) -> None:
    repository = defs.get_repository_def()
    names = {"sync_hubspot_contacts", "sync_hubspot_companies", "sync_hubspot_deals", "sync_hubspot_tickets"}
    names |= {"sync_hubspot_calls", "hubspot_meetings", "hubspot_email_engagements", "sync_hubspot_notes"}
    names |= {"sync_hubspot_tasks", "sync_hubspot_communications", "sync_hubspot_custom_objects"}
    names |= {f"mirror_{repair.value}" for repair in PASSES}
    names |= {"hubspot_email_events", "hubspot_contact_list_membership_dag", "check_qualification_list_membership"}
    names |= {"hubspot_dqa_timeliness", "hubspot_dqa_full", "daily_maintenance"}
    assert names <= set(repository.job_names)
    assert {f"{name}_schedule" for name in names} <= {schedule.name for schedule in repository.schedule_defs}
    for schedule in repository.schedule_defs:
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    for sensor in repository.sensor_defs:
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 5, 2, hour, minute, tzinfo=UTC)


def test_an_hourly_object_asks_for_the_hour_that_just_ended() -> None:
    assert hours_to_ask_for(at(9), FIRST, at(10, 5), CONTACT.cadence) == (at(9), at(9))


def test_deals_ask_for_two_hours_in_one_run() -> None:
    assert hours_to_ask_for(at(8), FIRST, at(10, 20), DEAL.cadence) == (at(8), at(9))


def test_case_075_after_an_outage_one_run_covers_the_whole_gap() -> None:
    assert hours_to_ask_for(at(3, 59), FIRST, at(10, 5), CONTACT.cadence) == (at(3), at(9))


def test_nothing_is_asked_for_before_the_first_hour_has_ended() -> None:
    assert hours_to_ask_for(None, at(10), at(10, 5), CONTACT.cadence) is None


def test_case_074_a_job_that_overruns_its_interval_is_skipped_and_says_so(
    platform: Platform, defs: dg.Definitions
) -> None:
    repository = defs.get_repository_def()
    schedule = repository.get_schedule_def("sync_hubspot_contacts_schedule")
    with dg.instance_for_test() as instance:
        context = dg.build_schedule_context(
            instance=instance, scheduled_execution_time=at(10, 5), resources={"platform": platform}
        )
        asked = schedule.evaluate_tick(context)
        assert asked.run_requests is not None
        assert asked.run_requests[0].tags["dagster/asset_partition_range_end"] == "2026-05-02-09:00"
        instance.create_run_for_job(
            repository.get_job("sync_hubspot_contacts"), status=dg.DagsterRunStatus.STARTED, run_config={}
        )
        skipped = schedule.evaluate_tick(context)
        assert skipped.run_requests == []
        assert "has not finished" in str(skipped.skip_message)
