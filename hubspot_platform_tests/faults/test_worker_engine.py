"""The engine that empties the inbox: poison, dead and paused workers, and kills lose and double nothing."""

import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hubspot_platform.errors import PlatformError
from hubspot_platform.hubspot.catalogue import COMPANY
from hubspot_platform.runtime import Platform
from hubspot_platform.state import database_now, inbox
from hubspot_platform.state.inbox import MAX_ATTEMPTS, Applied, Depth, InboxEvent, NewEvent, Outcome
from hubspot_platform.warehouse.errors import WarehouseLocked
from hubspot_platform.workers.catalogue import QUEUES, drained, queue
from hubspot_platform.workers.engine import drain
from hubspot_platform.workers.model import Queue
from hubspot_platform_tests.support import children
from hubspot_platform_tests.support.events import COMPANIES, Events, later
from hubspot_platform_tests.support.platforms import environment, platform_for, rows, sync
from hubspot_platform_tests.support.portal import Portal, portal

POINTS = ("worker.inside_merge", "worker.handled")
EVERY_POINT = (*POINTS, "worker.claimed")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    with portal("contacts=5,companies=12,deals=5") as running:
        yield running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str | None:
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else None


@pytest.fixture
def platform(sandbox: Portal, url: str | None, tmp_path: Path) -> Iterator[Platform]:
    with platform_for(sandbox, tmp_path, url) as opened:
        yield opened


def store(platform: Platform, count: int, name: str = "test") -> None:
    """Store events that only their number tells apart."""
    events = [NewEvent("topic", name, "test", f"thing:{n}", f"{name}:{n}", None, b"%d" % n) for n in range(count)]
    platform.state().write(lambda conn: inbox.store_events(conn, events, database_now(conn)))


def worker(handler: Callable[[Platform, Sequence[InboxEvent]], Sequence[Outcome]]) -> Queue:
    return Queue("test", "TestRunner", 1, "A queue of the tests.", handler)


def due_now(platform: Platform) -> None:
    Events(platform).change_rows(due_at=later(minutes=-1))


def test_case_031_an_event_that_always_fails_is_given_up_after_eight_tries_and_its_neighbours_go_on(
    platform: Platform,
) -> None:
    seen: Counter[bytes] = Counter()

    def fragile(_: Platform, events: Sequence[InboxEvent]) -> Sequence[Outcome]:
        if any(event.body == b"5" for event in events):
            raise ZeroDivisionError("a value nobody may see")
        seen.update(event.body for event in events)
        return [Applied()] * len(events)

    store(platform, 9)
    first = drain(platform, worker(fragile))
    assert (first.applied, first.retried, first.dead) == (8, 1, 0)
    assert set(seen.values()) == {1}
    for _ in range(MAX_ATTEMPTS - 1):
        due_now(platform)
        last = drain(platform, worker(fragile))
    assert (last.applied, last.retried, last.dead) == (0, 0, 1)
    (dead,) = platform.state().read(inbox.dead_letters)
    assert (dead["attempts"], dead["reason"]) == (MAX_ATTEMPTS, f"failed {MAX_ATTEMPTS} times; ZeroDivisionError")


def test_what_follows_a_drain_comes_once_after_something_was_applied_and_its_failure_costs_no_event(
    platform: Platform,
) -> None:
    followed: list[int] = []

    def follow(_: Platform) -> None:
        followed.append(1)
        raise WarehouseLocked("the warehouse is locked")

    entry = replace(worker(lambda _, events: [Applied()] * len(events)), afterwards=follow)
    store(platform, 5)
    report = drain(platform, entry, batch=2)
    assert (report.applied, report.depth, followed) == (5, Depth(), [1])
    assert (drain(platform, entry).handled, followed) == (0, [1])


def test_events_wait_through_an_outage_and_are_no_dead_letters_however_long_it_is(platform: Platform) -> None:
    def locked_out(_: Platform, events: Sequence[InboxEvent]) -> Sequence[Outcome]:
        raise WarehouseLocked("the warehouse is locked")

    store(platform, 3)
    for _ in range(MAX_ATTEMPTS + 2):
        report = drain(platform, worker(locked_out))
        assert (report.retried, report.dead) == (3, 0)
        assert "locked" in report.outage
        due_now(platform)


def test_case_029_the_events_of_a_worker_that_died_are_handed_out_again_after_its_lease(platform: Platform) -> None:
    store(platform, 4)
    state = platform.state()
    taken = state.write(
        lambda conn: inbox.claim(conn, "test", "gone", database_now(conn), limit=9, lease=timedelta(seconds=30))
    )
    report = drain(platform, worker(lambda _, events: [Applied()] * len(events)))
    assert (len(taken), report.handled, report.depth.leased) == (4, 0, 4)
    Events(platform).change_rows(lease_until=later(seconds=-1))
    attempts: list[int] = []

    def note(_: Platform, events: Sequence[InboxEvent]) -> Sequence[Outcome]:
        attempts.extend(event.attempts for event in events)
        return [Applied()] * len(events)

    assert drain(platform, worker(note)).applied == 4
    assert attempts == [2, 2, 2, 2]


def test_case_030_a_worker_that_paused_past_its_lease_writes_no_outcome(platform: Platform) -> None:
    store(platform, 3)

    def overtaken(inner: Platform, events: Sequence[InboxEvent]) -> Sequence[Outcome]:
        Events(inner).change_rows(lease_until=later(seconds=-1))
        assert drain(inner, worker(lambda _, found: [Applied()] * len(found))).applied == 3
        return [inbox.Dead("too late")] * len(events)

    report = drain(platform, worker(overtaken))
    assert (report.lost, report.handled) == (3, 0)
    assert {row.status for row in Events(platform).rows()} == {"done"}


def test_case_038_events_of_one_object_are_never_with_two_workers(platform: Platform) -> None:
    events = [NewEvent("topic", "test", "test", f"thing:{n % 2}", f"k{n}", None, b"1") for n in range(6)]
    state = platform.state()
    state.write(lambda conn: inbox.store_events(conn, events[:2], database_now(conn)))
    overlapping: list[str] = []

    def first(inner: Platform, found: Sequence[InboxEvent]) -> Sequence[Outcome]:
        state.write(lambda conn: inbox.store_events(conn, events[2:], database_now(conn)))
        second = drain(inner, worker(lambda _, more: [overlapping.append(e.object_key) or Applied() for e in more]))
        assert second.handled == 0
        return [Applied()] * len(found)

    assert drain(platform, Queue("test", "TestRunner", 1, "", first), batch=2, seconds=0.01).applied == 2
    assert overlapping == []
    assert drain(platform, worker(lambda _, more: [Applied()] * len(more))).applied == 4


def test_a_queue_without_a_worker_says_so_and_every_worker_is_named_once() -> None:
    with pytest.raises(PlatformError, match="no worker yet"):
        drain(None, Queue("later", "LaterRunner", 2, ""))  # type: ignore[arg-type]
    assert len({entry.name for entry in QUEUES}) == len({entry.worker for entry in QUEUES}) == len(QUEUES)
    assert [entry.priority for entry in drained()] == sorted(entry.priority for entry in drained())
    assert queue("HubspotDealsRunner").name == "matrix.hubspot_deals_events"


def command(sandbox: Portal, home: Path, url: str | None, kill_at: str = "") -> int:
    stores = environment(sandbox, home, url)
    environ = {**stores, "HUBSPOT_PLATFORM_KILL_AT": kill_at}
    return children.run("process", COMPANIES, "--json", environment=environ).returncode


def killed_and_counted(sandbox: Portal, home: Path, url: str | None, kills: Sequence[str]) -> None:
    """Drain a queue by processes that are killed, then to the end, and count every event and every effect once."""
    with platform_for(sandbox, home, url) as platform:
        sync(platform, COMPANY, full=True)
        companies = [int(record["id"]) for record in sandbox.dump("companies")]
        events = Events(platform)
        at = later(seconds=5)
        changes = [
            change
            for step in range(10)
            for company in companies
            for change in events.change("company", company, at + timedelta(seconds=step), city=f"Step {step}")
        ]
        wrong = events.make("company.propertyChange", companies[0], at, propertyName="no name")
        accepted = events.store(*changes, *changes[:7], wrong).accepted
    for kill_at in kills:
        assert command(sandbox, home, url, kill_at) == -signal.SIGKILL
        with platform_for(sandbox, home, url) as platform:
            Events(platform).change_rows(lease_until=later(minutes=-1), attempts=0)
    assert command(sandbox, home, url) == 0
    with platform_for(sandbox, home, url) as platform:
        statuses = Counter(row.status for row in Events(platform).rows())
        assert statuses.total() == accepted == len(changes) + 1
        assert statuses["done"] + statuses["duplicate"] == len(changes)
        assert statuses["dead"] == 1
        found = rows(platform, "select distinct property_city as city from hubspot.company where not is_deleted")
        assert found == [{"city": "Step 9"}]
        history = rows(
            platform,
            "select count(*) as n, count(distinct value) as v from hubspot.company_property_history "
            "where name = 'city' and value like 'Step %'",
        )
        assert history == [{"n": len(changes), "v": 10}]


def test_case_029_a_worker_killed_around_its_commit_loses_and_doubles_nothing(
    sandbox: Portal, url: str | None, tmp_path: Path
) -> None:
    killed_and_counted(sandbox, tmp_path, url, POINTS if url is None else POINTS[1:])


@pytest.mark.soak
def test_case_029_a_worker_killed_fifty_times_loses_and_doubles_nothing(
    sandbox: Portal, url: str | None, tmp_path: Path
) -> None:
    dice = random.Random(29)
    killed_and_counted(sandbox, tmp_path, url, [dice.choice(EVERY_POINT) for _ in range(50)])
