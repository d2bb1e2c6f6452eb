"""The main job as a person sees it: Dagster's UI and Slack's page in a real browser, every process a real one.

`BROWSER_PICTURES=FOLDER` keeps a picture of each stage.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hubspot_platform.automation.alerts import RUNNER
from hubspot_platform.automation.instance import prepare_instance
from hubspot_platform.automation.schedules import HOUR, floor_hour
from hubspot_platform.checks.table import COUNT_CHECK, TESTS
from hubspot_platform.cli.processes import DagsterServices
from hubspot_platform_tests.support import browser
from hubspot_platform_tests.support.browser import DagsterPages, SlackPage
from hubspot_platform_tests.support.platforms import environment, settings_for
from hubspot_platform_tests.support.portal import Portal, portal

pytestmark = pytest.mark.browser

CONTACT = "hubspot/contact"
CONTACTS = 200
UNSEEN = 40  # more than the 25 records of difference that the count check forgives
CHECKS = [test.name for test in TESTS if CONTACT in (subject.asset_key.to_user_string() for subject in test.subjects)]
GREEN = dict.fromkeys(CHECKS, "Succeeded")


@dataclass(frozen=True)
class Stage:
    """Everything a person needs in front of them: the portal, Dagster's pages, Slack's page."""

    portal: Portal
    dagster: DagsterPages
    slack: SlackPage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A portal of clean contacts, Dagster with every process, a browser; nothing runs unless the test asks for it."""
    wanting = browser.missing()
    if wanting:
        if os.environ.get("CI") == "true":
            pytest.fail(wanting)
        pytest.skip(wanting)
    folder = os.environ.get("BROWSER_PICTURES")
    pictures = Path(folder) if folder else None
    first_hour = floor_hour(datetime.now(UTC)) - 3 * HOUR
    home = tmp_path / "home"
    with portal("empty") as running:
        running.change(
            "contacts", "create", count=CONTACTS, properties={"email": "ada@example.com", "firstname": "Ada"}
        )
        settings = settings_for(running, home, mirror_start=first_hour)
        prepare_instance(settings)
        variables = {**environment(running, home, None), "MIRROR_START": first_hour.isoformat()}
        with DagsterServices(settings, host="127.0.0.1", port=0, environment=variables) as services:
            services.start_webserver()
            browser.stop_automation(services.url, keep=frozenset({RUNNER}))
            services.start_daemon()
            with browser.chromium(tmp_path / "profile") as driver:
                yield Stage(
                    running,
                    DagsterPages(driver, services.url, pictures),
                    SlackPage(driver, f"{running.url}/slack/", pictures),
                )


def test_a_failing_check_is_one_slack_message_and_its_repair_one_recovery(stage: Stage) -> None:
    pages = stage.dagster

    pages.materialise_latest_partition(CONTACT)
    assert pages.checks(CONTACT) == GREEN
    pages.picture("checks-green")
    pages.wait_for_tick(RUNNER)  # what a first tick finds counts as known; from here on results are news
    assert stage.slack.threads() == []

    stage.portal.fault("overstated_total", share=UNSEEN / CONTACTS, match={"route": "search", "object": "contacts"})
    failing_run = pages.execute_checks(CONTACT)
    assert pages.checks(CONTACT) == {**GREEN, COUNT_CHECK: "Failed"}
    pages.choose_check(COUNT_CHECK)
    pages.see(f"{CONTACTS} live rows here, {CONTACTS + UNSEEN} records in HubSpot")
    pages.picture("check-failed")
    opened = stage.slack.wait_for("an alert", lambda threads: len(threads) > 0)
    stage.slack.picture("slack-opened")
    assert [len(thread.replies) for thread in opened] == [0]
    assert "C03 count matches hubspot" in opened[0].text
    assert "hubspot.contact" in opened[0].text
    assert f"{UNSEEN} records against 25 records" in opened[0].text
    assert stage.slack.links() == {
        f"{pages.url}/runs/{failing_run}": f"run {failing_run}",
        f"{pages.url}/assets/{CONTACT}": f"asset {CONTACT}",
    }

    stage.portal.clear_faults()
    for _ in range(2):  # one pass alone recovers nothing
        pages.execute_checks(CONTACT)
    assert pages.checks(CONTACT) == GREEN
    stage.slack.wait_for("a recovery", lambda threads: any(thread.replies for thread in threads))
    stage.slack.picture("slack-recovered")

    pages.wait_for_tick(RUNNER, again=True)
    (thread,) = stage.slack.threads()
    (recovery,) = thread.replies
    assert "Recovered" in recovery
    assert "now 0 records (limit 5 records)" in recovery
