"""Clocks that lie, calendars with holes, long runs, machines that slept: no hour is lost, none is read twice."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test
from dagster._utils.schedules import schedule_execution_time_iterator

from hubspot_platform.automation.schedules import (
    HOUR,
    MOST_PARTITIONS_A_RUN,
    RANGE_END,
    RANGE_START,
    hours_to_ask_for,
    object_job,
    object_schedule,
)
from hubspot_platform.clock import utc_now
from hubspot_platform.hubspot.catalogue import COMPANY, CONTACT, DEAL, REFERENCES
from hubspot_platform.hubspot.refresh import MirrorSettings
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.mirror.plan import Mode
from hubspot_platform.mirror.reference import sync_reference
from hubspot_platform.mirror.report import SyncReport
from hubspot_platform.mirror.sync import SyncRequest, sync_object
from hubspot_platform.state import windows
from hubspot_platform.state.windows import Window
from hubspot_platform_tests.faults.conftest import HurriedPlatform, calm, hurried
from hubspot_platform_tests.support.platforms import assert_mirror_equals_portal, mirrored, rows, sync
from hubspot_platform_tests.support.portal import Portal, portal

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class HostClock:
    """The host's wall clock, which a test can set wrong."""

    def __init__(self) -> None:
        self.error = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.error


@pytest.fixture(scope="module")
def shared() -> Iterator[Portal]:
    with portal("contacts=200,companies=40,deals=20,properties=20") as running:
        yield running


@pytest.fixture
def sandbox(shared: Portal) -> Iterator[Portal]:
    """The module's portal, at the true time."""
    yield calm(shared)
    calm(shared).clock(skew=0)


@pytest.fixture
def host() -> HostClock:
    return HostClock()


@pytest.fixture
def platform(sandbox: Portal, store_url: str | None, tmp_path: Path, host: HostClock) -> Iterator[HurriedPlatform]:
    """A platform whose host clock can be set wrong."""
    with hurried(sandbox, tmp_path, store_url, host) as opened:
        yield opened


@pytest.mark.parametrize("error", [timedelta(minutes=10), timedelta(minutes=-10), timedelta(days=-400)], ids=str)
def test_case_072_windows_are_hubspots_time_whatever_the_host_thinks(
    platform: HurriedPlatform, sandbox: Portal, host: HostClock, error: timedelta
) -> None:
    host.error = error
    before = utc_now()
    report = sync(platform, CONTACT)
    assert report.watermark is not None
    assert before - 2 * SECOND <= report.watermark <= utc_now()
    record_id = min(mirrored(platform, CONTACT))
    sandbox.change("contacts", "update", id=str(record_id), properties={"lastname": f"changed at {utc_now()}"})
    report = sync(platform, CONTACT)
    assert report.mode is Mode.WINDOW
    assert report.watermark is not None
    assert report.watermark <= utc_now()
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


@pytest.mark.parametrize("skew", [600, -600])
def test_case_072_a_skewed_clock_is_measured(platform: HurriedPlatform, sandbox: Portal, skew: int) -> None:
    sandbox.clock(skew=skew)

    async def measured() -> timedelta:
        with platform.hubspot() as policy:
            async with Transport(policy) as transport:
                await transport.get_json(policy.path("account", "details"))
                return policy.skew()

    assert abs(asyncio.run(measured()) + skew * SECOND) <= 2 * SECOND


@pytest.mark.parametrize("step", [timedelta(minutes=-10), timedelta(minutes=10), timedelta(days=-1)], ids=str)
def test_case_072_a_clock_that_is_stepped_during_a_full_read_deletes_nothing(
    platform: HurriedPlatform, sandbox: Portal, host: HostClock, step: timedelta
) -> None:
    sync(platform, CONTACT)

    def step_once(report: SyncReport) -> None:
        if report.mode is not None:
            host.error = step

    report = sync_object(platform, SyncRequest(CONTACT, full=True), run_id="test", listen=step_once)
    assert report.vanished == 0
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


@pytest.mark.parametrize("error", [timedelta(hours=2), timedelta(hours=-2)], ids=str)
def test_case_072_what_is_gone_is_found_although_the_clock_was_wrong_before(
    platform: HurriedPlatform, sandbox: Portal, host: HostClock, error: timedelta
) -> None:
    host.error = error
    gone = int(sandbox.change("contacts", "create", properties={"lastname": "Soon Gone"})["ids"][0])
    sync(platform, CONTACT)
    assert gone in mirrored(platform, CONTACT)
    sandbox.change("contacts", "purge", id=str(gone))
    host.error = timedelta(0)
    assert sync(platform, CONTACT, full=True).vanished == 1
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


@pytest.mark.parametrize("error", [timedelta(hours=2), timedelta(hours=-2)], ids=str)
def test_case_072_a_deleted_definition_is_found_although_the_clock_was_wrong_before(
    platform: HurriedPlatform, sandbox: Portal, host: HostClock, error: timedelta
) -> None:
    name = f"short_lived_{store_number(platform)}_{int(error.total_seconds() > 0)}"
    sandbox.define("companies", "create", name=name)
    host.error = error
    sync_reference(platform, REFERENCES["properties"], run_id="test")
    sandbox.define("companies", "delete", name=name)
    host.error = timedelta(0)
    sync_reference(platform, REFERENCES["properties"], run_id="test")
    marked = rows(platform, "select name from hubspot.property where _fivetran_deleted")
    assert marked == [{"name": name}]


def store_number(platform: HurriedPlatform) -> int:
    """Return a number of the platform's engine, to tell names of two tests apart."""
    return ["duckdb", "postgres"].index(platform.warehouse().dialect)


def ticks(cron: str, start: datetime, count: int) -> list[datetime]:
    """Return the next ticks of a schedule as Dagster computes them."""
    found = schedule_execution_time_iterator(start.timestamp(), cron, "UTC", ascending=True)
    return [next(found).astimezone(UTC) for _ in range(count)]


def hours_read(span: timedelta, moments: list[datetime]) -> list[datetime]:
    """Return every hour the ticks ask for, tick by tick, when each one succeeds."""
    read: list[datetime] = []
    for tick in moments:
        asked = hours_to_ask_for(tick.replace(minute=0) - span, FIRST.replace(year=2020), tick, span)
        assert asked is not None
        start, last = asked
        while start <= last:
            read.append(start)
            start += HOUR
    return read


@pytest.mark.parametrize(
    "around",
    [
        datetime(2026, 3, 8, tzinfo=ZoneInfo("America/New_York")),  # the hour from 2 to 3 does not exist
        datetime(2026, 11, 1, tzinfo=ZoneInfo("America/New_York")),  # the hour from 1 to 2 comes twice
        datetime(2028, 2, 28, 20, tzinfo=UTC),  # 29 February follows
        datetime(2027, 2, 28, 20, tzinfo=UTC),  # 1 March follows
        datetime(2026, 12, 31, 20, tzinfo=UTC),
    ],
    ids=["spring", "autumn", "leap day", "no leap day", "year end"],
)
@pytest.mark.parametrize(("cron", "span"), [("5 * * * *", HOUR), ("20 */2 * * *", 2 * HOUR)], ids=["1 h", "2 h"])
def test_case_073_every_hour_is_read_once_whatever_the_calendar_does(
    around: datetime, cron: str, span: timedelta
) -> None:
    moments = ticks(cron, around.astimezone(UTC), 12)
    read = hours_read(span, moments)
    assert len(set(read)) == len(read), "an hour was read twice"
    assert [later - earlier for earlier, later in pairwise(read)] == [HOUR] * (len(read) - 1)
    assert {moment.tzinfo for moment in read} == {UTC}
    assert read[-1] + HOUR <= moments[-1]


def test_case_073_a_watermark_in_another_zone_is_the_same_hour() -> None:
    zone = ZoneInfo("Asia/Kolkata")  # half an hour off the full hours of UTC
    watermark = datetime(2026, 5, 1, 14, 40, tzinfo=zone)
    asked = hours_to_ask_for(watermark, FIRST, datetime(2026, 5, 1, 12, 5, tzinfo=UTC).astimezone(zone), HOUR)
    assert asked == (datetime(2026, 5, 1, 9, tzinfo=UTC), datetime(2026, 5, 1, 11, tzinfo=UTC))


def test_case_073_schedules_fire_in_utc() -> None:
    for obj in (CONTACT, COMPANY, DEAL):
        assert object_schedule(obj, object_job(obj), FIRST, MirrorSettings()).execution_timezone == "UTC"


def evaluate(platform: HurriedPlatform, instance: dg.DagsterInstance, tick: datetime) -> dg.RunRequest | dg.SkipReason:
    """Evaluate the schedule of the contacts at a tick, as the daemon does."""
    schedule = object_schedule(CONTACT, object_job(CONTACT), FIRST, MirrorSettings())
    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=tick, resources={"platform": platform}
    )
    return schedule(context)  # type: ignore[return-value]


def complete_until(platform: HurriedPlatform, moment: datetime) -> None:
    """Count the contacts as complete up to a moment."""
    with platform.warehouse().writer() as session:
        session.execute("create table if not exists public_note (n integer)")
    platform.warehouse().publish()
    identity = platform.warehouse().identity()
    platform.state().write(
        lambda connection: windows.complete(
            connection, identity, CONTACT.name, Window(None, moment), mode="full", run_id="test", counts={}
        )
    )


TICK = datetime(2026, 5, 1, 12, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def stored_instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as opened:
        yield opened


@pytest.fixture
def instance(stored_instance: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance without runs."""
    yield stored_instance
    stored_instance.wipe()


@pytest.mark.parametrize(
    "status",
    [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED],
    ids=lambda status: status.value,
)
def test_case_074_a_tick_during_a_run_is_skipped_and_says_why(
    sandbox: Portal, tmp_path: Path, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    with hurried(sandbox, tmp_path) as platform:
        complete_until(platform, TICK - HOUR)
        run = create_run_for_test(instance, job_name=CONTACT.job, status=status)
        skipped = evaluate(platform, instance, TICK)
        assert isinstance(skipped, dg.SkipReason)
        assert run.run_id in str(skipped.skip_message)
        assert "has not finished" in str(skipped.skip_message)


@pytest.mark.parametrize(
    "status",
    [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED],
    ids=lambda status: status.value,
)
def test_case_074_the_tick_after_a_run_covers_what_was_skipped(
    sandbox: Portal, tmp_path: Path, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    with hurried(sandbox, tmp_path) as platform:
        complete_until(platform, TICK - 3 * HOUR)
        create_run_for_test(instance, job_name=CONTACT.job, status=status)
        create_run_for_test(instance, job_name=COMPANY.job, status=dg.DagsterRunStatus.STARTED)
        request = evaluate(platform, instance, TICK)
        assert isinstance(request, dg.RunRequest)
        assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2026-05-01-09:00", "2026-05-01-11:00")


def test_case_075_after_an_outage_one_run_covers_the_whole_gap(
    sandbox: Portal, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    with hurried(sandbox, tmp_path) as platform:
        complete_until(platform, TICK - timedelta(days=3, minutes=20))
        request = evaluate(platform, instance, TICK)
        assert isinstance(request, dg.RunRequest)
        assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2026-04-28-11:00", "2026-05-01-11:00")
        again = evaluate(platform, instance, TICK)
        assert isinstance(again, dg.RunRequest)
        assert again.run_key == request.run_key, "the same tick asked twice is one run"
        complete_until(platform, TICK)
        request = evaluate(platform, instance, TICK + HOUR)
        assert isinstance(request, dg.RunRequest)
        assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2026-05-01-12:00", "2026-05-01-12:00")


def test_case_075_nothing_is_asked_for_before_the_first_hour_has_ended(
    sandbox: Portal, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    with hurried(sandbox, tmp_path) as platform:
        assert isinstance(evaluate(platform, instance, FIRST + timedelta(minutes=5)), dg.SkipReason)
        request = evaluate(platform, instance, FIRST + timedelta(minutes=65))
        assert isinstance(request, dg.RunRequest)
        assert request.tags[RANGE_START] == request.tags[RANGE_END] == "2026-01-01-00:00"


def test_case_075_a_gap_longer_than_a_run_may_ask_for_is_closed_by_that_run(
    store_url: str | None, tmp_path: Path
) -> None:
    with portal("contacts=60,properties=20") as running, hurried(running, tmp_path, store_url) as platform:
        started = datetime.fromisoformat(running.clock(freeze=True))
        # When the schedule ticks: of an hour that has just ended the search does not show everything yet.
        tick = started.replace(minute=CONTACT.minute, second=0, microsecond=0) + HOUR
        start = datetime.fromisoformat(running.clock(advance=(tick - started).total_seconds()))
        sync(platform, CONTACT)
        running.clock(advance=3600)
        changed = str(min(mirrored(platform, CONTACT)))
        running.change("contacts", "update", id=changed, properties={"lastname": "Early"})
        running.clock(advance=(MOST_PARTITIONS_A_RUN + 48) * 3600)
        now = start + (MOST_PARTITIONS_A_RUN + 49) * HOUR
        asked = hours_to_ask_for(platform.watermark(CONTACT), FIRST, now, HOUR)
        assert asked is not None
        report = sync(platform, CONTACT, window=Window(asked[0], asked[1] + HOUR))
        assert report.mode is Mode.WINDOW
        assert platform.watermark(CONTACT) == asked[1] + HOUR
        assert_mirror_equals_portal(platform, running, CONTACT)
