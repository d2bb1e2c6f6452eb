"""Delayed re-runs: due after 0, 6 and 30 minutes, closed together when late, told of only when something changed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hubspot_platform.assets.attribution import credit_rows
from hubspot_platform.attribution.runs import Finished, announce_signups, ask, finish, take_triggers
from hubspot_platform.automation.attribution import arrived_later
from hubspot_platform.runtime import Platform
from hubspot_platform.state import database_now, topics
from hubspot_platform.topics.models import DelayedAttributionTrigger
from hubspot_platform_tests.support.attribution import AS_OF, Product, at, build, client
from hubspot_platform_tests.support.received import bare_platform

UPDATED = "company_attribution_updated"
MINUTE = timedelta(minutes=1)


class Bench:
    """A platform whose time the test moves, and the product it computes attribution for."""

    def __init__(self, platform: Platform) -> None:
        self.platform, self.product, self.now = platform, Product(), AS_OF
        platform.clock = lambda: self.now
        self.product.company("A", at("2026-03-29"), at("2026-04-01"))
        self.product.owns("A", client(1))

    def trigger(self, event_id: str) -> None:
        event = DelayedAttributionTrigger(event_id=event_id, occurred_at=self.now, company_id="A").event()
        self.platform.state().write(lambda conn: topics.announce(conn, [event], database_now(conn)))

    def compute(self) -> Finished:
        build(self.platform.warehouse(), self.product, self.now, up_to="company_profile_attribution")
        return finish(self.platform)

    def runs(self) -> list[dict[str, Any]]:
        return self.query("select * from attribution.attribution_run order by triggered_at, run_number")

    def events(self, topic: str = UPDATED) -> list[dict[str, Any]]:
        read = self.platform.state().read(lambda conn: topics.read_after(conn, topic, 0))
        return [dict(event.payload) for event in read]

    def query(self, sql: str) -> list[dict[str, Any]]:
        with self.platform.warehouse().writer() as session:
            return session.query(sql).to_pylist()


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with bare_platform(tmp_path, url) as platform:
        yield Bench(platform)


def test_a_trigger_is_due_at_once_after_6_and_after_30_minutes_and_taken_once(bench: Bench) -> None:
    bench.trigger("t1")

    assert (take_triggers(bench.platform), take_triggers(bench.platform)) == (1, 0)

    assert [(row["run_number"], row["due_at"] - AS_OF) for row in bench.runs()] == [
        (0, timedelta(0)), (1, 6 * MINUTE), (2, 30 * MINUTE),
    ]  # fmt: skip


def test_overdue_runs_are_closed_by_one_computation_and_only_a_change_is_published(bench: Bench) -> None:
    bench.product.external("T1", at("2026-03-01"), client_id=client(1))
    bench.trigger("t1")
    take_triggers(bench.platform)
    first = bench.compute()
    assert first == Finished(runs=1, changed=1, published=1)

    bench.now += 31 * MINUTE
    bench.product.external("T0", at("2026-02-20"), client_id=client(1))
    second = bench.compute()

    assert second == Finished(runs=2, changed=1, published=1)
    assert bench.events()[-1]["old_touchpoint_ids"] == {"first": "T1", "last": "T1", "first_limited": "T1"}
    assert bench.events()[-1]["new_touchpoint_ids"] == {"first": "T0", "last": "T1", "first_limited": "T1"}
    assert bench.events()[-1]["models"] == ["first"]
    assert [(row["started_at"], row["changed"], row["n_touchpoints"]) for row in bench.runs()] == [
        (AS_OF, True, 1), (bench.now, True, 2), (bench.now, True, 2),
    ]  # fmt: skip
    assert bench.query("select run_number from attribution.company_profile_attribution") == [{"run_number": 2}]

    assert bench.compute() == Finished(runs=0, changed=0, published=0)
    assert len(bench.events()) == 2


def test_a_result_that_swings_back_is_published_each_time(bench: Bench) -> None:
    bench.product.external("T1", at("2026-03-01"), client_id=client(1))
    bench.compute()
    bench.now += MINUTE
    bench.product.external("T0", at("2026-02-20"), client_id=client(1))
    bench.compute()
    bench.now += MINUTE
    bench.product.rows["interaction_touchpoint"].pop()
    bench.compute()

    assert [event["new_touchpoint_ids"]["first"] for event in bench.events()] == ["T1", "T0", "T1"]


def test_a_run_that_fails_is_asked_for_again_ever_later_and_given_up_after_five_times(bench: Bench) -> None:
    bench.trigger("t1")
    take_triggers(bench.platform)
    asked: list[datetime] = []
    for _ in range(40):
        if ask(bench.platform) is not None:
            asked.append(bench.now)
        bench.now += MINUTE

    own = bench.runs()[0]
    assert (own["attempts"], own["error"]) == (5, "not computed after 5 attempts")
    minutes = [(moment - AS_OF) // MINUTE for moment in asked]
    assert minutes[:4] == [0, 1, 3, 6]  # run 0 after 1 and 2 minutes, then run 1 comes due


def test_a_mobile_signup_triggers_once_and_old_ones_do_not(bench: Bench) -> None:
    bench.product.mobile("M1", "A", AS_OF - timedelta(hours=1), email="a@x.test")
    bench.product.mobile("M0", "A", AS_OF - timedelta(days=2), email="a@x.test")
    with bench.platform.warehouse().writer() as session:
        bench.product.write(session)

    assert (announce_signups(bench.platform), announce_signups(bench.platform)) == (1, 0)

    assert [event["event_id"] for event in bench.events("delayed_attribution_trigger")] == ["mobile_signup:M1"]


def test_the_sweep_finds_rows_ingested_after_the_computation(bench: Bench) -> None:
    bench.product.external("T1", at("2026-03-01"), client_id=client(1), ingested_at=AS_OF - MINUTE)
    bench.compute()
    with bench.platform.warehouse().writer() as session:
        assert arrived_later(session) == []
        session.execute(
            "update product.interaction_touchpoint set ingested_at = cast('2026-06-01 12:00:01+00:00' as timestamptz)"
        )
        assert arrived_later(session) == ["product.interaction_touchpoint"]


def test_channel_credit_counts_companies_that_paid(bench: Bench) -> None:
    bench.product.external("T1", at("2026-03-01"), client_id=client(1), channel="email")
    bench.product.external("T2", at("2026-03-02"), client_id=client(1), channel="organic")
    bench.product.company("B", at("2026-03-29"))
    bench.product.owns("B", client(2))
    bench.product.external("T3", at("2026-03-01"), client_id=client(2), channel="organic")
    bench.compute()

    with bench.platform.warehouse().writer() as session:
        rows = credit_rows(session, AS_OF).to_pylist()

    assert [(row["channel"], float(row["shapley"]), float(row["conversions"])) for row in rows] == [
        ("email", 0.5, 1), ("organic", 0.5, 1),
    ]  # fmt: skip
    assert sum(row["markov"] for row in rows) == 1
