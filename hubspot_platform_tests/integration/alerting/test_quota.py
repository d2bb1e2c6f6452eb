"""The day's HubSpot calls as an alert source: at, just beyond and just within every level, on both state stores."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import sqlalchemy as sa

from hubspot_platform.alerting.messages import single
from hubspot_platform.automation.alert_sources import Source
from hubspot_platform.automation.quota import CONDITIONS, observe_quota
from hubspot_platform.automation.run_failures import FailedRun, take_failure, take_recoveries
from hubspot_platform.lanes import Bucket, DailyQuota, Lane
from hubspot_platform.state import alert_outbox as outbox
from hubspot_platform.state import incidents
from hubspot_platform.state.alerting import alert_outbox, hubspot_alerts
from hubspot_platform.state.usage import Ledger, latest_reading

WARNING, CRITICAL = (condition.name for condition in CONDITIONS)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


@pytest.fixture
def source(store, instance):
    return Source(store, instance, 4242)


class Portal:
    """Calls as the rate budget of some process counts them, answered with the account's remainder."""

    def __init__(self, store, clock):
        self.store = store
        self.clock = clock

    def says(self, used, limit=1_000, calls=1, zone="UTC"):
        ledger = Ledger(ZoneInfo(zone))
        headers = DailyQuota(limit, limit - used) if limit is not None else None
        now = self.clock.forward(seconds=1)
        for _ in range(calls):
            ledger.add(Bucket.API, Lane.SYNC, 200, headers, now)
        self.store.write(lambda conn: ledger.take().store(conn, now))


@pytest.fixture
def portal(store, clock):
    return Portal(store, clock)


def open_alerts(store):
    rows = store.read(lambda conn: conn.execute(sa.select(hubspot_alerts).order_by(hubspot_alerts.c.condition)).all())
    return {row.condition: row.severity for row in rows if row.state != "resolved"}


def told(store):
    rows = store.read(lambda conn: conn.execute(sa.select(alert_outbox).order_by(alert_outbox.c.id)).all())
    return [(row.payload["topic"]["condition"], row.kind, row.state) for row in rows]


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        (799, {}),
        (800, {}),
        (801, {WARNING: "warning"}),
        (950, {WARNING: "warning"}),
        (951, {WARNING: "warning", CRITICAL: "critical"}),
    ],
)
def test_a_condition_opens_at_once_and_strictly_above_its_level(source, portal, used, expected):
    portal.says(used)
    observe_quota(source)
    assert open_alerts(source.store) == expected


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        (850, {WARNING: "warning", CRITICAL: "critical"}),
        (849, {WARNING: "warning"}),
        (750, {WARNING: "warning"}),
        (749, {}),
    ],
)
def test_a_condition_clears_strictly_below_its_own_level(source, portal, used, expected):
    portal.says(990)
    observe_quota(source)
    portal.says(used)
    observe_quota(source)
    assert open_alerts(source.store) == expected


def test_between_the_levels_nothing_opens(source, portal):
    portal.says(790)
    assert observe_quota(source).evaluations == 0
    assert open_alerts(source.store) == {}


def test_the_new_day_clears_both(source, portal, clock):
    portal.says(990)
    observe_quota(source)
    clock.forward(hours=18)  # past midnight
    observe_quota(source)
    assert set(open_alerts(source.store)) == {WARNING, CRITICAL}  # nobody asked HubSpot yet
    portal.says(3)
    observe_quota(source)
    assert open_alerts(source.store) == {}


def test_the_day_is_the_portals_as_the_calling_processes_know_it(source, portal, clock):
    clock.forward(hours=22)  # 04:00 UTC of the next day, still the day before in Los Angeles
    portal.says(900, zone="America/Los_Angeles")
    observe_quota(source)
    assert open_alerts(source.store) == {WARNING: "warning"}
    known = source.store.read(lambda conn: latest_reading(conn, clock()))
    assert known.day == clock().date() - timedelta(days=1)


@pytest.mark.parametrize(("configured", "expected"), [(None, {}), (100, {WARNING: "warning"})])
def test_without_headers_our_own_calls_count_against_the_configured_limit(
    store, instance, portal, configured, expected
):
    portal.says(0, limit=None, calls=81)
    observe_quota(Source(store, instance, daily_limit=configured))
    assert open_alerts(store) == expected


def test_a_limit_of_zero_and_a_ledger_of_yesterday_are_unknown_and_not_zero(source, portal, clock):
    portal.says(0, limit=0)
    assert observe_quota(source).evaluations == 0
    portal.says(990)
    clock.forward(hours=25)
    assert observe_quota(source).evaluations == 0


def test_what_stays_too_large_is_counted_every_five_minutes_and_a_warning_stays_one(source, portal, clock):
    portal.says(820)
    for _ in range(60):
        observe_quota(source)
        clock.forward(minutes=2, seconds=30)
    rows = source.store.read(incidents.list_alerts)
    assert [(row["severity"], row["occurrences"]) for row in rows] == [("warning", 30)]


def test_the_critical_condition_is_the_cause_and_its_symptoms_are_not_sent(source, portal):
    portal.says(990)
    observe_quota(source)
    assert told(source.store) == [(WARNING, "opened", "suppressed"), (CRITICAL, "opened", "pending")]


def test_the_message_says_percentages_and_the_recovery_what_is_fine_now(source, portal):
    portal.says(834)
    observe_quota(source)
    portal.says(740)
    observe_quota(source)
    rows = source.store.read(lambda conn: outbox.waiting(conn, source.store.now()))
    texts = [single(row.notice)[0].text for row in rows]
    assert "83.4 % against 80 %" in texts[0]
    assert "now 74 % (limit 80 %)" in texts[1]


def failed(instance, clock, error):
    @dg.op
    def call() -> None:
        raise dg.Failure("refused", metadata={"error": error})

    @dg.job
    def sync() -> None:
        call()

    result = sync.execute_in_process(instance=instance, raise_on_error=False)
    steps = [event for event in result.all_events if event.is_step_failure]
    return FailedRun(result.dagster_run, clock(), "Steps failed", steps)


def test_a_run_the_quota_stopped_and_the_ledger_are_one_alert(source, portal, instance, clock):
    portal.says(960)
    observe_quota(source)
    take_failure(source, failed(instance, clock, "QuotaExhausted"))
    assert [row["condition"] for row in source.store.read(incidents.list_alerts)].count(CRITICAL) == 1


def test_a_refusal_of_hubspot_is_not_closed_by_our_smaller_count(source, portal, instance, clock):
    portal.says(0, limit=None, calls=10)
    take_failure(source, failed(instance, clock, "DailyLimitReached"))
    observe_quota(Source(source.store, instance, daily_limit=1_000))
    assert open_alerts(source.store) == {CRITICAL: "critical"}
    assert take_recoveries(source).evaluations == 0
