"""The sensors on a Dagster instance in memory, a real state store and the sandbox's Slack."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
import sqlalchemy as sa

from hubspot_platform.automation import alerts
from hubspot_platform.automation.alert_sources import Source, observe_checks, observe_freshness
from hubspot_platform.automation.run_failures import FailedRun, take_failure, take_recoveries
from hubspot_platform.errors import PlatformError
from hubspot_platform.state import incidents
from hubspot_platform.state.alerting import alert_outbox, heartbeat, hubspot_alerts
from hubspot_platform_tests.support.platforms import platform_for

KEY = dg.AssetKey(["hubspot", "contact"])
CHECKS = ("rows", "required")
WINDOW = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=2), warn_window=timedelta(hours=1))


class Unauthorized(PlatformError):
    """Stands for the HubSpot error of the same name."""


class World:
    """Definitions whose asset and checks do what the test says."""

    def __init__(self, instance):
        self.instance = instance
        self.error: Exception | None = None
        world = self

        @dg.asset(key=KEY, freshness_policy=WINDOW)
        def contact() -> None:
            if world.error:
                raise world.error

        specs = [dg.AssetCheckSpec(name, asset=KEY) for name in CHECKS]

        @dg.multi_asset_check(specs=specs, can_subset=True)
        def suite(context):
            raise AssertionError("not run here")

        self.job = dg.define_asset_job("sync_contact", selection=dg.AssetSelection.assets(KEY).without_checks())
        self.sensors = {sensor.name: sensor for sensor in alerts.alert_sensors()}
        self.defs = dg.Definitions(
            assets=[contact], asset_checks=[suite], jobs=[self.job], sensors=list(self.sensors.values())
        )
        self.graph = self.defs.get_repository_def().asset_graph

    def report(self, passed, name="rows", **metadata):
        self.instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=KEY, check_name=name, passed=passed, metadata=metadata, description="words"
            )
        )

    def sync(self):
        return self.defs.resolve_job_def("sync_contact").execute_in_process(
            instance=self.instance, raise_on_error=False
        )

    def adhoc(self):
        return self.defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance, asset_selection=[KEY], raise_on_error=False
        )

    def freshness(self, state):
        from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange

        self.instance.report_runless_asset_event(
            FreshnessStateChange(
                key=KEY,
                previous_state=FreshnessState.UNKNOWN,
                new_state=FreshnessState(state),
                state_change_timestamp=datetime.now(UTC).timestamp(),
            )
        )


@pytest.fixture
def world():
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(instance)


@pytest.fixture
def platform(slack, tmp_path):
    with platform_for(slack, tmp_path / "home", slack_channel="#hubspot-alerts") as opened:
        yield opened


@pytest.fixture
def source(small_store, world, clock):
    clock.now = datetime.now(UTC)
    return Source(small_store, world.instance, 4242)


def stored(store, table=hubspot_alerts):
    return store.read(lambda conn: [row._mapping for row in conn.execute(sa.select(table))])


def tick(world, platform, name=alerts.RUNNER):
    context = dg.build_sensor_context(instance=world.instance, definitions=world.defs, resources={"platform": platform})
    return world.sensors[name](context)


def test_the_runner_says_what_it_did_and_the_alert_is_in_slack(world, platform, slack):
    assert tick(world, platform).skip_message == "0 evaluations, 0 messages; 0 sent, 0 waiting"
    world.report(
        False, status="fail", severity="critical", observed=7, threshold=0, unit="rows", subject="hubspot.contact"
    )
    world.report(True, "required")
    assert tick(world, platform).skip_message == "2 evaluations, 1 messages; 1 sent, 0 waiting"
    (message,) = slack.slack_messages()
    assert message["text"] == "🔴 critical: hubspot.contact: rows. 7 rows against 0 rows"
    assert tick(world, platform).skip_message.startswith("0 evaluations, 0 messages")
    assert len(slack.slack_messages()) == 1
    (beat,) = stored(platform.state(), heartbeat)
    assert (beat["name"], beat["detail"]["sent"]) == (alerts.RUNNER, 0)


def test_the_first_tick_announces_no_old_failures(world, platform, slack):
    world.report(False)
    assert tick(world, platform).skip_message.startswith("0 evaluations")
    assert slack.slack_messages() == []


def test_a_single_pass_without_sensor_counts_what_is_there(world, platform, slack):
    world.report(False)
    counts = alerts.run_alert_pass(world.instance, world.graph, platform)
    assert counts == {"evaluations": 1, "messages": 1, "sent": 1, "waiting": 0, "open": 1}
    assert alerts.run_alert_pass(world.instance, world.graph, platform)["sent"] == 0
    assert len(slack.slack_messages()) == 1


def test_without_a_slack_token_nothing_fails(world, slack, tmp_path):
    with platform_for(slack, tmp_path / "quiet", slack_bot_token=None) as platform:
        world.report(False)
        assert alerts.run_alert_pass(world.instance, world.graph, platform)["sent"] == 0
        (row,) = stored(platform.state(), alert_outbox)
        assert (row["state"], row["reason"]) == ("suppressed", "no SLACK_BOT_TOKEN")
    assert slack.slack_messages() == []


@pytest.mark.parametrize(
    ("passed", "severity", "metadata", "state"),
    [
        (False, dg.AssetCheckSeverity.ERROR, {}, ["critical"]),
        (False, dg.AssetCheckSeverity.WARN, {}, []),
        (False, dg.AssetCheckSeverity.ERROR, {"status": "warn", "severity": "critical"}, []),
        (True, dg.AssetCheckSeverity.ERROR, {"status": "skipped"}, []),
        (False, dg.AssetCheckSeverity.WARN, {"status": "fail", "severity": "warning"}, ["warning"]),
        (True, dg.AssetCheckSeverity.WARN, {"status": "error"}, []),
    ],
)
def test_metadata_decides_and_without_it_dagsters_result(world, source, passed, severity, metadata, state):
    world.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(asset_key=KEY, check_name="rows", passed=passed, severity=severity, metadata=metadata)
    )
    assert observe_checks(source, world.graph, replay=True).evaluations == 1
    assert [row["severity"] for row in stored(source.store)] == state


def report_warn(world):
    world.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(asset_key=KEY, check_name="rows", passed=False, severity=dg.AssetCheckSeverity.WARN)
    )


def test_a_check_that_only_warns_is_told_in_the_daily_digest_and_calls_nobody(world, source, clock):
    report_warn(world)
    observe_checks(source, world.graph, replay=True)
    assert stored(source.store) == []
    report_warn(world)
    observe_checks(source, world.graph)
    assert [row["severity"] for row in stored(source.store)] == ["info"]
    (waiting,) = stored(source.store, alert_outbox)
    assert (waiting["due_at"].hour, waiting["due_at"] > clock()) == (8, True)
    for _ in range(12):
        report_warn(world)
        observe_checks(source, world.graph)
    assert [row["severity"] for row in stored(source.store)] == ["info"]
    assert len(stored(source.store, alert_outbox)) == 1


def test_the_message_links_the_run_and_the_asset_in_dagster(world, slack, tmp_path):
    address = "https://dagster.example.com"
    with platform_for(slack, tmp_path / "linked", dagster_url=f"{address}/") as platform:
        world.error = dg.Failure("HubSpot: HTTP 401", metadata={"error": "Unauthorized"})
        result = world.adhoc()
        steps = [event for event in result.all_events if event.is_step_failure]
        source = alerts.source_of(platform, world.instance, alerts.RUNNER)
        take_failure(source, FailedRun(result.dagster_run, source.store.now(), "Steps failed", steps))
        alerts.run_alert_pass(world.instance, world.graph, platform)
    (message,) = slack.slack_messages()
    small_print = message["blocks"][-1]["elements"][0]["text"]
    assert f"<{address}/runs/{result.run_id}|run {result.run_id}>" in small_print
    assert f"<{address}/assets/hubspot/contact|asset hubspot/contact>" in small_print


def test_evaluating_the_same_results_again_changes_nothing(world, source):
    world.report(False)
    observe_checks(source, world.graph, replay=True)
    assert observe_checks(source, world.graph).evaluations == 0
    assert [row["occurrences"] for row in stored(source.store)] == [1]


def fail_run(world, source, run, times=1, **shift):
    for _ in range(times):
        result = run()
        steps = [event for event in result.all_events if event.is_step_failure]
        failed = FailedRun(result.dagster_run, source.store.now(), "Steps failed", steps)
        take_failure(source, failed)


def test_three_failed_runs_open_a_worker_failure_and_one_success_closes_it(world, source, clock):
    clock.now = datetime.now(UTC) - timedelta(hours=10)
    world.error = RuntimeError("boom")
    for count in range(3):
        assert len(stored(source.store)) == 0, count
        clock.forward(hours=1)
        fail_run(world, source, world.sync)
    (alert,) = stored(source.store)
    assert (alert["condition"], alert["severity"], alert["subject"]) == (
        "worker_failure",
        "warning",
        "job sync_contact",
    )
    assert "boom" in alert["detail"]["text"]
    assert take_recoveries(source).evaluations == 0
    clock.now = datetime.now(UTC)
    world.error = None
    world.sync()
    assert take_recoveries(source).evaluations == 1
    assert [row["state"] for row in stored(source.store)] == ["resolved"]


def test_the_same_failed_run_counts_once_and_a_retried_one_not_at_all(world, source, clock):
    world.error = RuntimeError("boom")
    result = world.sync()
    run = result.dagster_run
    failed = FailedRun(run, clock(), "failed")
    assert take_failure(source, failed).evaluations == 1
    assert take_failure(source, failed).evaluations == 0
    retried = FailedRun(run.with_tags({"dagster/will_retry": "true"}), clock.forward(hours=1), "failed")
    assert take_failure(source, retried).evaluations == 0


def test_an_ad_hoc_run_counts_against_its_assets(world, source, clock):
    clock.now = datetime.now(UTC) - timedelta(hours=10)
    world.error = RuntimeError("boom")
    for _ in range(3):
        clock.forward(hours=1)
        fail_run(world, source, world.adhoc)
    (alert,) = stored(source.store)
    assert alert["subject"] == "asset hubspot/contact"
    clock.now = datetime.now(UTC)
    world.error = None
    world.adhoc()
    take_recoveries(source)
    assert [row["state"] for row in stored(source.store)] == ["resolved"]


def test_a_refused_token_is_critical_at_once(world, source):
    world.error = dg.Failure("HubSpot: HTTP 401", metadata={"error": "Unauthorized", "mend": "renew the token"})
    fail_run(world, source, world.sync)
    (alert,) = stored(source.store)
    assert (alert["condition"], alert["severity"]) == ("authentication", "critical")
    world.error = Unauthorized("expired")
    fail_run(world, source, world.sync)
    (alert,) = stored(source.store)
    assert alert["condition"] == "authentication"


def test_the_failure_sensor_feeds_the_same_incidents(world, platform):
    world.error = RuntimeError("boom")
    result = world.sync()
    failure = next(event for event in result.all_events if event.is_run_failure)
    context = dg.build_run_status_sensor_context(
        sensor_name=alerts.FAILURE_SENSOR,
        dagster_event=failure,
        dagster_instance=world.instance,
        dagster_run=result.dagster_run,
        resources={"platform": platform},
    ).for_run_failure()
    world.sensors[alerts.FAILURE_SENSOR](context)
    failing = platform.state().read(lambda conn: incidents.failing_subjects(conn, "worker"))
    assert [(item.topic.subject, item.fails, item.alert) for item in failing] == [("job sync_contact", 1, None)]


def test_freshness_fails_at_once_recovers_after_two_measurements(world, source, clock):
    installed = clock() - timedelta(days=1)
    world.freshness("FAIL")
    assert observe_freshness(source, world.graph, installed).notices == 1
    assert observe_freshness(source, world.graph, installed).evaluations == 0
    (alert,) = stored(source.store)
    assert (alert["condition"], alert["subject"], alert["threshold"]) == ("freshness", "hubspot/contact", 120.0)
    world.freshness("PASS")
    assert observe_freshness(source, world.graph, installed).notices == 0
    clock.forward(minutes=5)
    assert observe_freshness(source, world.graph, installed).notices == 2
    clock.forward(minutes=5)
    assert observe_freshness(source, world.graph, installed).evaluations == 0


def test_freshness_that_stays_bad_an_hour_becomes_critical(world, source, clock):
    world.freshness("FAIL")
    for _ in range(12):
        observe_freshness(source, world.graph, clock() - timedelta(days=1))
        clock.forward(minutes=5)
    (alert,) = stored(source.store)
    assert (alert["severity"], alert["occurrences"]) == ("critical", 12)


def test_never_materialised_for_longer_than_its_window_is_a_problem(world, source, clock):
    installed = clock()
    clock.forward(minutes=119)
    assert observe_freshness(source, world.graph, installed).evaluations == 0
    clock.forward(minutes=2)
    assert observe_freshness(source, world.graph, installed).notices == 1
    assert "never materialised" in stored(source.store)[0]["detail"]["text"]


def test_the_first_quarter_of_an_hour_after_an_install_is_quiet(world, source, clock):
    world.freshness("FAIL")
    installed = clock()
    clock.forward(minutes=14)
    assert observe_freshness(source, world.graph, installed).evaluations == 0
    clock.forward(minutes=1)
    assert observe_freshness(source, world.graph, installed).evaluations == 1


def test_after_a_downtime_what_opens_is_one_message(world, platform, slack):
    tick(world, platform)
    long_ago = datetime.now(UTC) - timedelta(hours=3)
    platform.state().write(
        lambda conn: conn.execute(sa.update(heartbeat).values(at=long_ago, started_at=long_ago, resumed_at=long_ago))
    )
    world.report(False, "rows")
    world.report(False, "required")
    tick(world, platform)
    parent, detail = slack.slack_messages()
    assert "2 alerts opened together" in parent["text"]
    assert detail["thread_ts"] == parent["ts"]


def test_the_three_sensors_run_from_the_first_start():
    sensors = alerts.alert_sensors()
    assert {sensor.name for sensor in sensors} == {
        "HubspotAlertsRunner",
        "freshness_alerts",
        "run_failure_alerts",
    }
    assert {sensor.default_status for sensor in sensors} == {dg.DefaultSensorStatus.RUNNING}
    assert {sensor.minimum_interval_seconds for sensor in sensors} == {30}
