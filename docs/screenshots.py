"""Takes the pictures in `docs/images/` again: `make docs`, or `python -m docs.screenshots`.

Runs the demo as a person would, breaks and repairs the portal through the same pages as the browser test, and keeps
a picture of each page the documents show. Needs Chromium; takes about five minutes.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from hubspot_platform.automation.alerts import RUNNER
from hubspot_platform.checks.table import COUNT_CHECK
from hubspot_platform.cli.processes import free_port
from hubspot_platform_tests.support import browser
from hubspot_platform_tests.support.browser import DagsterPages, Page, SlackPage

IMAGES = Path(__file__).parent / "images"
HOST = "127.0.0.1"
READY = "Schedules and sensors are running"
READY_SECONDS = 600.0
POLL_SECONDS = 1.0
STOP_SECONDS = 30.0
CONTACT, METRIC, RAW = "hubspot/contact", "metrics/daily_metric", "hubspot/hubspot_contacts_raw"
MODELS = "sql_model_automation"
ALERT = "C03 count matches hubspot"
OVERSTATED = 0.2  # far beyond the 2 % and the 25 records of difference that the count check forgives
WIDE, WIDEST = 0.8, 2 / 3  # pages with a sidebar, and graphs, need more room than 1600 pixels give


@contextmanager
def demo(size: str, home: Path) -> Iterator[tuple[str, str]]:
    """Run the demo until everything is built; yields the addresses of Dagster's UI and of the sandbox."""
    port, sandbox_port = free_port(HOST), free_port(HOST)
    command = [sys.executable, "-m", "hubspot_platform.cli", "demo", "--size", size, "--home", str(home)]
    log = home / "demo.log"
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--port", str(port), "--sandbox-port", str(sandbox_port)],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while READY not in log.read_text(encoding="utf-8"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the demo did not become ready; its output:\n{log.read_text(encoding='utf-8')}")
            time.sleep(POLL_SECONDS)
        yield f"http://{HOST}:{port}", f"http://{HOST}:{sandbox_port}"
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the demo as Ctrl-C does, and whatever of it is left after half a minute."""
    if process.poll() is not None:
        return
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
    for child in family:
        if child.is_running():
            child.kill()


def tell_the_story(pages: DagsterPages, slack: SlackPage, sandbox: str) -> None:
    """Let the portal count more contacts than it shows, see the alert, let it count well, see the recovery."""
    faults = f"{sandbox}/sandbox/api/faults"
    fault = {"kind": "overstated_total", "share": OVERSTATED, "match": {"route": "search", "object": "contacts"}}
    httpx.post(faults, json=fault, timeout=60).raise_for_status()
    pages.execute_checks(CONTACT)
    pages.checks(CONTACT)
    pages.choose_check(COUNT_CHECK)
    pages.see_part("live rows here, ")
    pages.picture("contact-checks")
    slack.wait_for("an alert", lambda threads: any(ALERT in thread.text for thread in threads))
    slack.picture("slack-opened")
    httpx.delete(faults, timeout=60).raise_for_status()
    pages.materialise_latest_partition(CONTACT)
    for _ in range(2):  # one pass alone recovers nothing
        pages.execute_checks(CONTACT)
    slack.wait_for("a recovery", lambda threads: any(ALERT in t.text and t.replies for t in threads))
    slack.picture("slack")


def show_automation(pages: DagsterPages) -> None:
    """Take the page of every schedule and sensor."""
    pages.zoom(WIDE)
    pages.open(f"{pages.url}/automation")
    pages.see("inbox_workers")  # the list is drawn only as far as the window shows it
    for said in ("Every 5 minutes", "Standard sensor", "At 55 minutes past the hour"):
        pages.see_part(said)
    pages.settle()
    pages.picture("automation")


def show_assets(pages: DagsterPages) -> None:
    """Take the pages of a mirrored table and of a model, and the graph that leads to it."""
    pages.zoom(WIDE)
    pages.asset(CONTACT)
    pages.see("Columns")
    pages.see("property_annualrevenue")
    pages.settle()
    pages.picture("contact-asset")
    pages.asset(CONTACT, "lineage")
    pages.see("hubspot_contacts_raw")
    pages.settle()
    pages.picture("contact-lineage")
    for key, name in ((CONTACT, "contact-row-counts"), (RAW, "model-row-counts")):
        pages.asset(key)
        pages.scroll_to(pages.see("Metadata"))
        pages.press("Plots")
        plot = pages.see("dagster/row_count")
        pages.scroll_to(plot, "center")
        pages.picture(name)
    pages.asset(METRIC)
    pages.scroll_to(pages.see("comes from"), "center")
    pages.picture("model-column-lineage")
    pages.zoom(WIDEST)
    pages.driver.execute_script("localStorage.clear()")  # the last graph's zoom; without it a graph fits the page
    pages.open(f"{pages.url}/assets/{METRIC}?view=lineage&lineageScope=upstream&lineageDepth=5")
    pages.see("phone_number")
    pages.settle()
    pages.picture("asset-graph")


def take_pictures(size: str, home: Path) -> None:
    """Run the demo in `home` and take every picture."""
    with (
        demo(size, home) as (dagster, sandbox),
        tempfile.TemporaryDirectory() as profile,
        browser.chromium(Path(profile)) as driver,
    ):
        pages = DagsterPages(driver, dagster, IMAGES)
        slack = SlackPage(driver, f"{sandbox}/slack/", IMAGES)
        for sensor in (RUNNER, MODELS):
            pages.wait_for_tick(sensor)
        show_automation(pages)
        # From here on only the script starts runs, and the models follow them.
        browser.stop_automation(dagster, keep=frozenset({RUNNER, MODELS}))
        pages.zoom(1)
        tell_the_story(pages, slack, sandbox)
        show_assets(pages)
        pages.zoom(1)
        pages.open(f"{dagster}/runs")
        pages.see(MODELS)  # the newest runs; the list is drawn only as far as the window shows it
        pages.settle()
        pages.picture("runs")
        page = Page(driver, IMAGES)
        page.open(sandbox)
        page.see("HubSpot sandbox")
        page.picture("sandbox")


def main() -> None:
    """Take the pictures; a browser that is missing is said before anything runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="document", help="size of the portal: small, document or large")
    size = parser.parse_args().size
    if browser.missing():
        raise SystemExit(browser.missing())
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        take_pictures(size, Path(home))
    for file in sorted(IMAGES.glob("*.png")):
        print(f"{file.relative_to(IMAGES.parent.parent)}  {file.stat().st_size / 1024:.0f} KB")  # noqa: T201


if __name__ == "__main__":
    main()
