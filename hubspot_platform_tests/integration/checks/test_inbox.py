"""Events that wait too long, or are too many, make a test of their queue fail; emptying the queue mends it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from hubspot_platform.checks.engine import CheckContext, Outcome, Status, run_test
from hubspot_platform.checks.table import DEPTH_CHECK, LAG_CHECK, QUEUE_SUBJECTS, TESTS
from hubspot_platform.hubspot.catalogue import COMPANY
from hubspot_platform.runtime import Platform
from hubspot_platform_tests.support.events import COMPANIES, Events
from hubspot_platform_tests.support.platforms import platform_for, sync
from hubspot_platform_tests.support.portal import Portal, portal

BURST = 10_001


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A portal of some companies."""
    with portal("contacts=10,companies=40,deals=10") as running:
        yield running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, sandbox: Portal, tmp_path) -> Iterator[Platform]:
    """A platform that has read the companies, on each store pair."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with platform_for(sandbox, tmp_path / "home", url) as opened:
        sync(opened, COMPANY)
        yield opened


def outcome(platform: Platform, name: str, *, after: timedelta = timedelta(0)) -> Outcome:
    """Return what a test says of the companies' queue, some time from now."""
    test = next(test for test in TESTS if test.name == name)
    subject = next(subject for subject in QUEUE_SUBJECTS if subject.object == COMPANIES)
    return run_test(test, CheckContext(platform, platform.state().now() + after), subject)


def test_case_021_a_burst_that_waits_is_told_until_it_is_worked_off(sandbox: Portal, platform: Platform) -> None:
    events = Events(platform)
    company = int(sandbox.dump("companies", properties=["name"])[0]["id"])
    at = platform.state().now()
    assert outcome(platform, LAG_CHECK).status is Status.PASS
    events.store(
        *(
            change
            for number in range(BURST)
            for change in events.change("company", company, at + timedelta(milliseconds=number), name=f"name {number}")
        )
    )
    assert outcome(platform, LAG_CHECK).status is Status.PASS
    assert outcome(platform, LAG_CHECK, after=timedelta(minutes=3)).status is Status.WARN
    assert outcome(platform, LAG_CHECK, after=timedelta(minutes=6)).status is Status.FAIL
    full = outcome(platform, DEPTH_CHECK)
    assert (full.status, full.measurement.observed) == (Status.FAIL, BURST)
    events.drain(COMPANIES)
    assert outcome(platform, LAG_CHECK, after=timedelta(minutes=6)).status is Status.PASS
    assert outcome(platform, DEPTH_CHECK).status is Status.PASS
