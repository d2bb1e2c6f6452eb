"""The Dagster shell of alerting: three sensors, all running from the first start, and the pass they share.

`HubspotAlertsRunner` takes in check results and the day's quota, lets time pass and sends; `freshness_alerts` and
`run_failure_alerts` only take in, what they queue is sent at the runner's next tick. `run_alert_pass` does all of it
once, without a sensor, for the demo.
"""

import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import dagster as dg

from hubspot_platform.alerting.links import DagsterLinks
from hubspot_platform.alerting.messages import Mentions
from hubspot_platform.automation.alert_delivery import Counter, Delivery, Pause, deliver
from hubspot_platform.automation.alert_sources import (
    AssetGraph,
    Source,
    Tally,
    observe_checks,
    observe_freshness,
)
from hubspot_platform.automation.quota import observe_quota
from hubspot_platform.automation.run_failures import FailedRun, take_failure, take_recoveries
from hubspot_platform.connectors.slack import SlackConnector
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import Settings
from hubspot_platform.state import Store
from hubspot_platform.state.alerting import beat, last_beat
from hubspot_platform.state.incidents import advance_all, list_alerts

RUNNER = "HubspotAlertsRunner"
FRESHNESS_SENSOR = "freshness_alerts"
FAILURE_SENSOR = "run_failure_alerts"
INTERVAL_SECONDS = 30
DOWNTIME = timedelta(minutes=15)
_HERE, _EVERYBODY = "<!here>", "<!channel>"


def counter_of(settings: Settings) -> Counter | None:
    """Return where alerts go; None without a Slack token."""
    if settings.slack_bot_token is None:
        return None
    return Counter(
        slack=SlackConnector.with_secret(settings.slack_bot_token, settings.slack_base_url),
        channel=settings.slack_channel,
        mentions=Mentions(
            on_call=settings.business.on_call_mention or _HERE,
            lead=settings.business.lead_mention or _EVERYBODY,
        ),
        links=DagsterLinks(settings.dagster_url),
    )


def evaluate(source: Source, graph: AssetGraph, *, replay: bool = False) -> Tally:
    """Take in check results, recovered runs and the day's quota, and let time pass for what is open."""
    tally = observe_checks(source, graph, replay=replay) + take_recoveries(source) + observe_quota(source)
    now = source.store.now()
    return tally + Tally(0, source.store.write(lambda conn: advance_all(conn, now, group=source.group)))


def source_of(platform: Platform, instance: dg.DagsterInstance, sensor: str) -> Source:
    """Return the source of one tick, after a sign of life.

    For 15 minutes after a downtime, what opens shares one group: one summary instead of single alerts.
    """
    store = platform.state()
    now = store.now()
    store.write(lambda conn: beat(conn, sensor, now, {}, DOWNTIME.total_seconds()))
    settings = platform.settings
    return Source(store, instance, settings.hubspot_portal_id, _restart_group(store, now), settings.hubspot_daily_limit)


def _restart_group(store: Store, now: datetime) -> str | None:
    row = store.read(lambda conn: last_beat(conn, RUNNER))
    if row is None or row.resumed_at == row.started_at or now - row.resumed_at > DOWNTIME:
        return None
    return f"restart|{row.resumed_at.isoformat()}"


def installed_at(store: Store, sensor: str) -> datetime:
    """Return when a sensor ticked for the first time on this state."""
    row = store.read(lambda conn: last_beat(conn, sensor))
    first: datetime = row.started_at if row is not None else store.now()
    return first


def run_alert_pass(
    instance: dg.DagsterInstance,
    asset_graph: AssetGraph,
    platform: Platform,
    *,
    replay: bool = True,
    pause: Pause = time.sleep,
) -> dict[str, int]:
    """Evaluate everything once and send what that brings; returns counts by name.

    On a state that never saw a check result, those already recorded count (`replay`), unlike at the sensor's first
    tick. Keys: evaluations, messages (notices queued), sent (Slack messages), waiting, open
    (unresolved alerts).
    """
    source = source_of(platform, instance, RUNNER)
    tally = evaluate(source, asset_graph, replay=replay)
    tally += observe_freshness(source, asset_graph, installed_at(source.store, RUNNER))
    delivery = deliver(source.store, counter_of(platform.settings), pause=pause)
    return {
        "evaluations": tally.evaluations,
        "messages": tally.notices,
        "sent": delivery.sent,
        "waiting": delivery.waiting,
        "open": len(source.store.read(list_alerts)),
    }


def _outcome(tally: Tally, delivery: Delivery | None = None) -> dg.SkipReason:
    """Return the tick's line in Dagster's UI, its audit trail."""
    said = f"{tally.evaluations} evaluations, {tally.notices} messages"
    if delivery is not None:
        said += f"; {delivery.sent} sent, {delivery.waiting} waiting"
        if delivery.stopped:
            said += f" ({delivery.stopped})"
    return dg.SkipReason(said)


def _graph(context: dg.SensorEvaluationContext) -> AssetGraph:
    assert context.repository_def is not None  # noqa: S101 - the daemon always provides it
    return context.repository_def.asset_graph


def _runner_sensor() -> dg.SensorDefinition:
    @dg.sensor(
        name=RUNNER,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Check results become alerts, alerts become Slack messages.",
    )
    def runner(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]) -> dg.SkipReason:
        source = source_of(platform, context.instance, RUNNER)
        tally = evaluate(source, _graph(context))
        delivery = deliver(source.store, counter_of(platform.settings))
        counts = {**asdict(tally), **asdict(delivery)}
        now = source.store.now()
        source.store.write(lambda conn: beat(conn, RUNNER, now, counts, DOWNTIME.total_seconds()))
        return _outcome(tally, delivery)

    return runner


def _freshness_sensor() -> dg.SensorDefinition:
    @dg.sensor(
        name=FRESHNESS_SENSOR,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Assets whose job did not run in time become alerts.",
    )
    def freshness(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]) -> dg.SkipReason:
        source = source_of(platform, context.instance, FRESHNESS_SENSOR)
        return _outcome(observe_freshness(source, _graph(context), installed_at(source.store, FRESHNESS_SENSOR)))

    return freshness


def _failure_sensor() -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name=FAILURE_SENSOR,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Jobs whose runs keep failing become alerts.",
    )
    def failures(context: dg.RunFailureSensorContext, platform: dg.ResourceParam[Platform]) -> dg.SkipReason:
        store = platform.state()
        record = context.instance.get_run_record_by_id(context.dagster_run.run_id)
        ended = datetime.fromtimestamp(record.end_time, UTC) if record and record.end_time else store.now()
        failed = FailedRun(
            run=context.dagster_run,
            ended_at=ended,
            message=context.failure_event.message or "",
            steps=context.get_step_failure_events(),
        )
        source = Source(store, context.instance, platform.settings.hubspot_portal_id)
        return _outcome(take_failure(source, failed))

    return failures


def alert_sensors() -> list[dg.SensorDefinition]:
    """Return the three sensors of alerting, for the definitions."""
    return [_runner_sensor(), _freshness_sensor(), _failure_sensor()]
