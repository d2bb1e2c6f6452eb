"""Delayed re-runs: due after 0, 6 and 30 minutes, closed together when late, told of only when something changed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hubspot_platform.assets.attribution import credit_rows
from hubspot_platform.attribution.runs import Finished, announce_signups, ask, finish, take_triggers
from hubspot_platform.attribution.tables import CHANNEL_CREDIT
from hubspot_platform.automation.attribution import INGESTED, arrived_later
from hubspot_platform.checks.engine import CheckContext, Status, run_test
from hubspot_platform.checks.table import TESTS
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

    def trigger(self, event_id: str, **about: str) -> None:
        found = about or {"company_id": "A"}
        event = DelayedAttributionTrigger(event_id=event_id, occurred_at=self.now, **found).event()
        self.platform.state().write(lambda conn: topics.announce(conn, [event], database_now(conn)))

    def compute(self, *also: str) -> Finished:
        build(self.platform.warehouse(), self.product, self.now, up_to=("company_profile_attribution", *also))
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


def test_the_oldest_overdue_run_and_how_many_ran_are_measured(bench: Bench) -> None:
    bench.trigger("t1")
    take_triggers(bench.platform)
    with bench.platform.warehouse().writer() as session:
        session.execute("update attribution.attribution_run set started_at = due_at where run_number = 0")
    bench.platform.warehouse().publish()
    (overdue,) = (test for test in TESTS if test.id == "T21")

    found = run_test(overdue, CheckContext(bench.platform, AS_OF + 16 * MINUTE), overdue.subjects[0])

    assert (found.status, found.measurement.observed, found.measurement.rows_failed) == (Status.WARN, 600, 1)
    assert found.measurement.details == {"success_rate": 0.5}


def test_a_run_that_was_given_up_is_shown_for_a_day(bench: Bench) -> None:
    bench.trigger("t1", company_id="nobody")
    take_triggers(bench.platform)
    with bench.platform.warehouse().writer() as session:
        session.execute("update attribution.attribution_run set error = 'not computed after 5 retries'")
    bench.platform.warehouse().publish()
    (overdue,) = (test for test in TESTS if test.id == "T21")

    found = [
        run_test(overdue, CheckContext(bench.platform, AS_OF + passed), overdue.subjects[0])
        for passed in (timedelta(hours=23), timedelta(hours=25))
    ]

    assert [(outcome.status, outcome.measurement.rows_failed) for outcome in found] == [
        (Status.FAIL, 3), (Status.PASS, 0),
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


def test_a_change_that_was_noted_but_not_published_when_the_run_was_killed_is_published_first(bench: Bench) -> None:
    bench.product.external("T1", at("2026-03-01"), client_id=client(1))
    bench.compute()
    noted = bench.now + MINUTE
    with bench.platform.warehouse().writer() as session:
        session.execute(
            "update attribution.published_attribution set old_first_touchpoint_id = first_touchpoint_id, "
            "first_touchpoint_id = 'T0', is_announced = false, "
            f"changed_at = cast('{noted.isoformat()}' as timestamptz)"
        )
    bench.now += 2 * MINUTE
    bench.product.external("T00", at("2026-02-01"), client_id=client(1))

    assert bench.compute() == Finished(runs=0, changed=1, published=2)

    assert [event["new_touchpoint_ids"]["first"] for event in bench.events()] == ["T1", "T0", "T00"]
    assert [event["old_touchpoint_ids"]["first"] for event in bench.events()] == [None, "T1", "T0"]


def test_a_change_published_but_not_marked_when_the_run_was_killed_is_told_of_once(bench: Bench) -> None:
    bench.product.external("T1", at("2026-03-01"), client_id=client(1))
    bench.trigger("t1")
    take_triggers(bench.platform)
    bench.compute()
    with bench.platform.warehouse().writer() as session:
        session.execute("update attribution.published_attribution set is_announced = false")
        session.execute("update attribution.attribution_run set started_at = null, changed = null")

    assert bench.compute() == Finished(runs=1, changed=0, published=0)

    assert len(bench.events()) == 1
    assert bench.runs()[0]["changed"] is True


def test_a_company_whose_id_no_event_can_carry_keeps_no_other_from_being_told_of(bench: Bench) -> None:
    for number, company in enumerate(("x" * 201, "two\nlines"), start=2):
        bench.product.company(company, at("2026-03-01"))
        bench.product.owns(company, client(number))
        bench.product.external(f"T{number}", at("2026-02-01"), client_id=client(number))
    bench.product.external("T1", at("2026-03-01"), client_id=client(1))

    assert bench.compute() == Finished(runs=0, changed=3, published=1)
    assert bench.compute() == Finished(runs=0, changed=0, published=0)


def test_companies_whose_ids_begin_alike_are_told_of_each(bench: Bench) -> None:
    for end in "ab":
        bench.product.company("x" * 100 + end, at("2026-03-01"))
        bench.product.owns("x" * 100 + end, client(1))
    bench.product.external("T1", at("2026-02-01"), client_id=client(1))

    assert bench.compute() == Finished(runs=0, changed=3, published=3)


def test_the_run_number_is_that_of_the_newest_run_that_was_due(bench: Bench) -> None:
    bench.trigger("t1")
    take_triggers(bench.platform)
    bench.now += 31 * MINUTE
    bench.compute()
    assert bench.query("select run_number from attribution.company_summary") == [{"run_number": 2}]
    bench.now += 60 * MINUTE
    bench.trigger("t2")
    take_triggers(bench.platform)

    bench.compute()

    assert bench.query("select run_number from attribution.company_summary") == [{"run_number": 0}]


def test_a_contact_whose_touch_was_known_before_the_trigger_did_not_change(bench: Bench) -> None:
    bench.product.external("T1", at("2026-03-01"), email="ann@x.test")
    bench.product.lead("L1", "ann@x.test", AS_OF)
    bench.compute("contact_profile_attribution_first")
    bench.now += MINUTE
    bench.trigger("t1", email="ann@x.test")
    take_triggers(bench.platform)

    bench.compute("contact_profile_attribution_first")

    assert [row["changed"] for row in bench.runs()] == [False, None, None]
    bench.product.rows["lead"].clear()
    bench.product.rows["interaction_touchpoint"].clear()
    bench.compute("contact_profile_attribution_first")
    assert bench.query("select 1 as n from attribution.published_attribution where entity_type = 'contact'") == []


def test_a_contact_is_looked_at_again_like_a_company_and_nobody_is_told(bench: Bench) -> None:
    bench.product.lead("L1", "ann@x.test", AS_OF)
    bench.product.external("T2", at("2026-03-02"), email="ann@x.test")
    bench.trigger("t1", email="Ann@x.test")
    take_triggers(bench.platform)
    bench.compute("contact_profile_attribution_first")
    first = [(row["entity_type"], row["entity_id"], row["changed"]) for row in bench.runs()]
    assert first == [("contact", "ann@x.test", True), ("contact", "ann@x.test", None), ("contact", "ann@x.test", None)]

    bench.now += 6 * MINUTE
    bench.compute("contact_profile_attribution_first")
    bench.now += 30 * MINUTE
    bench.product.external("T1", at("2026-03-01"), email="ann@x.test")
    bench.compute("contact_profile_attribution_first")

    assert [(row["changed"], row["n_touchpoints"]) for row in bench.runs()] == [(True, 2), (False, 2), (True, 3)]
    assert bench.query("select run_number from attribution.contact_profile_attribution_first") == [{"run_number": 2}]
    assert bench.events() == []


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


def test_a_run_that_fails_is_asked_for_again_ever_later_and_given_up_after_five_retries(bench: Bench) -> None:
    bench.trigger("t1")
    take_triggers(bench.platform)
    asked: list[datetime] = []
    for _ in range(70):
        if ask(bench.platform) is not None:
            asked.append(bench.now)
        bench.now += MINUTE

    own = bench.runs()[0]
    assert (own["attempts"], own["error"]) == (6, "not computed after 5 retries")
    minutes = [(moment - AS_OF) // MINUTE for moment in asked]
    assert minutes[:4] == [0, 1, 3, 6]  # run 0 after 1 and 2 minutes, then run 1 comes due
    assert {0, 1, 3, 7, 15, 31} <= set(minutes)  # run 0 and its five retries


def test_a_mobile_signup_triggers_once_and_old_ones_do_not(bench: Bench) -> None:
    bench.product.mobile("M1", "A", AS_OF - timedelta(hours=1), email="a@x.test")
    bench.product.mobile("M0", "A", AS_OF - timedelta(days=2), email="a@x.test")
    bench.product.mobile("M" * 201, "A", AS_OF - timedelta(hours=1), email="a@x.test")
    with bench.platform.warehouse().writer() as session:
        bench.product.write(session)

    assert (announce_signups(bench.platform), announce_signups(bench.platform)) == (1, 0)

    assert [event["event_id"] for event in bench.events("delayed_attribution_trigger")] == ["mobile_signup:M1"]


def test_the_sweep_finds_rows_ingested_after_the_computation(bench: Bench) -> None:
    early = AS_OF - MINUTE
    bench.product.session(1, client(1), at("2026-03-01"), ingested_at=early)
    bench.product.lead("L1", "ann@x.test", early)
    bench.product.mobile("M1", "A", early, email="ann@x.test")
    bench.product.link("ann@x.test", client(1))
    bench.product.owns("A", "ann@x.test")
    bench.product.external("T1", at("2026-03-01"), client_id=client(1), ingested_at=early)
    bench.compute()
    late = "cast('2026-06-01 12:00:01+00:00' as timestamptz)"
    for table, column in INGESTED.items():
        with bench.platform.warehouse().writer() as session:
            session.execute(f"update {table} set {column} = {late}")
            assert arrived_later(session, AS_OF + MINUTE) == [table]
            assert arrived_later(session, AS_OF) == []  # dated later than now
            session.execute(f"update {table} set {column} = null")
            assert arrived_later(session, AS_OF + MINUTE) == []


def test_channel_credit_shares_out_the_companies_that_paid_to_twelve_places(bench: Bench) -> None:
    for number, channel in enumerate(("email", "organic", "social"), start=1):
        bench.product.external(f"T{number}", at(f"2026-03-0{number}"), client_id=client(1), channel=channel)
    bench.product.company("B", at("2026-03-29"))
    bench.product.owns("B", client(2))
    bench.product.external("T4", at("2026-03-01"), client_id=client(2), channel="organic")
    bench.compute()
    with bench.platform.warehouse().writer() as session:
        session.ensure(CHANNEL_CREDIT)
        session.load(CHANNEL_CREDIT, credit_rows(session, AS_OF))

    rows = bench.query("select channel, conversions, markov, shapley from attribution.channel_credit order by channel")

    third = Decimal("0.333333333333")
    assert [(row["channel"], row["shapley"], row["conversions"]) for row in rows] == [
        ("email", third, 1), ("organic", third, 1), ("social", third, 1),
    ]  # fmt: skip
    # Half of the ways to pay begin without an e-mail: its removal costs half as much as that of the others.
    assert [row["markov"] for row in rows] == [Decimal(share) for share in ("0.2", "0.4", "0.4")]
