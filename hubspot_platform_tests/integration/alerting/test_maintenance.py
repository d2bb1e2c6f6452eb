"""The daily clean-up on a Dagster instance in memory and real state stores."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from hubspot_platform.automation.maintenance import daily_maintenance, prune_runs, prune_state
from hubspot_platform.business import Retention
from hubspot_platform.state import incidents, topics
from hubspot_platform_tests.integration.alerting.test_incident_store import alerts, outbox, take
from hubspot_platform_tests.support.platforms import platform_for
from hubspot_platform_tests.unit.alerting.support import seen

RETENTION = Retention()


@dg.asset
def table() -> None: ...


@dg.asset
def broken() -> None:
    raise RuntimeError("boom")


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as found:
        yield found


def materialize(instance, asset):
    return dg.materialize([asset], instance=instance, raise_on_error=False).run_id


def left(instance):
    return {run.run_id for run in instance.get_runs()}


def in_days(days):
    return datetime.now(UTC) + timedelta(days=days, minutes=1)


def test_successes_go_after_14_days_and_failures_after_30(instance):
    success, failure = materialize(instance, table), materialize(instance, broken)
    assert prune_runs(instance, in_days(13), RETENTION) == {"successful_runs": 0, "failed_runs": 0}
    assert prune_runs(instance, in_days(14), RETENTION) == {"successful_runs": 1, "failed_runs": 0}
    assert left(instance) == {failure}
    assert success not in left(instance)
    assert prune_runs(instance, in_days(30), RETENTION) == {"successful_runs": 0, "failed_runs": 1}


def test_the_latest_materialisation_outlives_its_run(instance):
    materialize(instance, table)
    prune_runs(instance, in_days(15), RETENTION)
    assert instance.get_latest_materialization_event(table.key) is not None


def test_a_pass_deletes_a_bounded_number_of_runs_oldest_first(instance):
    runs = [materialize(instance, table) for _ in range(4)]
    assert prune_runs(instance, in_days(15), RETENTION, at_most=3)["successful_runs"] == 3
    assert left(instance) == {runs[-1]}


def test_the_retention_is_configurable(instance):
    materialize(instance, table)
    short = Retention(successful_runs=1, failed_runs=1)
    assert prune_runs(instance, in_days(2), short)["successful_runs"] == 1


def test_unfinished_runs_stay(instance):
    instance.create_run_for_job(dg.Definitions(assets=[table]).resolve_implicit_global_asset_job_def())
    assert prune_runs(instance, in_days(400), RETENTION) == {"successful_runs": 0, "failed_runs": 0}


def test_old_records_of_the_state_go_and_open_alerts_stay(store, clock):
    take(store, seen("fail", 0))
    store.write(lambda conn: incidents.advance_all(conn, clock()))
    from hubspot_platform.state import alert_outbox as box

    store.write(lambda conn: box.suppress_waiting(conn, "test"))
    store.write(lambda conn: topics.prepare(conn, [topics.Event("topic", "key", {}, "topic:1")], clock()))
    later = clock.forward(days=1_000)
    counts = prune_state(store, later, RETENTION)
    assert counts == {
        "windows_folded": 0,
        "outbox_rows": 1,
        "topic_events": 1,
        "unread_topic_events": 0,
        "inbox_events": 0,
        "alert_rows": 0,
    }
    assert [row["state"] for row in alerts(store)] == ["open"]
    assert outbox(store) == []


def test_the_job_runs_and_says_what_it_removed(instance, slack, tmp_path):
    with platform_for(slack, tmp_path / "home") as platform:
        result = daily_maintenance.execute_in_process(instance=instance, resources={"platform": platform})
    assert result.success
    assert daily_maintenance.name == "daily_maintenance"
