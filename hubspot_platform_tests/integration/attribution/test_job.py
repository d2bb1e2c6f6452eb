"""Attribution as Dagster runs it: one job computes everything in order, the sensor asks for it when a run is due."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from hubspot_platform.automation.attribution import attribution_sensor
from hubspot_platform.automation.instance import prepare_instance
from hubspot_platform.automation.runs import execute
from hubspot_platform.checks.engine import CheckContext, Status, run_test
from hubspot_platform.checks.table import TESTS
from hubspot_platform.state import database_now, topics
from hubspot_platform.topics.models import DelayedAttributionTrigger
from hubspot_platform_tests.support.attribution import Product, at, attribution_models, client
from hubspot_platform_tests.support.received import bare_platform


def test_a_due_trigger_leads_to_one_run_that_computes_everything_and_publishes(tmp_path: Path) -> None:
    product = Product()
    product.company("A", at("2026-03-29"), at("2026-04-01"))
    product.owns("A", client(1))
    product.session(5, client(1), at("2026-03-01"))
    with bare_platform(tmp_path, None) as platform:
        prepare_instance(platform.settings)
        with platform.warehouse().writer() as session:
            product.write(session)
        now = datetime.now(UTC)
        event = DelayedAttributionTrigger(event_id="t1", occurred_at=now, company_id="A").event()
        platform.state().write(lambda conn: topics.announce(conn, [event], database_now(conn)))
        sensor = attribution_sensor()
        with (
            dg.DagsterInstance.ephemeral() as instance,
            dg.build_sensor_context(instance, resources={"platform": platform}) as context,
        ):
            asked = sensor(context)
        assert isinstance(asked, dg.RunRequest)
        assert asked.tags["dagster/asset_partition_range_start"] == now.strftime("%Y-%m-%d")

        ticks = itertools.count(1)
        platform.clock = lambda: now + timedelta(seconds=next(ticks))
        outcome = execute(platform, job="delayed_attribution")

        assert outcome.success, outcome.error
        tables = {model.name for model in attribution_models()}
        assert set(outcome.rows) == {
            f"attribution/{name}" for name in tables | {"attribution_run", "published_attribution", "channel_credit"}
        }
        told = platform.state().read(lambda conn: topics.read_after(conn, "company_attribution_updated", 0))
        assert [event.key for event in told] == ["A"]
        with platform.warehouse().reader() as session:
            runs = session.query("select * from attribution.attribution_run order by run_number").to_pylist()
            times = session.query(
                "select computed_at from attribution.company_identity union all "
                "select computed_at from attribution.company_attribution union all "
                "select started_at from attribution.attribution_run where started_at is not null"
            )["computed_at"]
        assert len(times) > 3
        assert len(set(times.to_pylist())) == 1  # one run speaks of one time
        assert [row["started_at"] is not None for row in runs] == [True, False, False]
        later = CheckContext(platform, now + timedelta(minutes=12))
        found = {
            (test.id, subject.table): run_test(test, later, subject)
            for test in TESTS
            for subject in test.subjects
            if subject.schema == "attribution"
        }
        assert {key: outcome.status for key, outcome in found.items() if outcome.status is not Status.PASS} == {
            ("T21", "attribution_run"): Status.WARN
        }
        overdue = found["T21", "attribution_run"].measurement
        assert (overdue.observed, overdue.details) == (6 * 60, {"success_rate": 0.5})
        assert found["X15", "company_profile_attribution"].measurement.rows_checked == 1
