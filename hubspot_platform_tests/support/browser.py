"""A real browser for tests and for the pictures in `docs/`: headless Chromium, and Dagster's pages as people use them.

Elements are found by the text and the roles a person sees. Every wait is on a condition and ends after a bounded
time with a picture of the page, so that a failure can be looked at.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

WIDTH, HEIGHT = 1600, 1000
PATIENCE = 60.0
POLL = 0.2
LOCATION = "hubspot_platform"
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DRIVER = "chromedriver"
_IGNORED = (NoSuchElementException, StaleElementReferenceException)

T = TypeVar("T")


def missing() -> str:
    """Say what is not installed, with the mend; empty when a browser can start."""
    absent = [] if _browser() else ["Chromium"]
    absent += [] if shutil.which(DRIVER) else ["chromedriver"]
    return f"no {' and no '.join(absent)} found; mend: apt-get install chromium chromium-driver" if absent else ""


def _browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def chromium(profile: Path) -> Iterator[WebDriver]:
    """Run a headless browser of 1600 x 1000 with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(_browser())
    # Nothing is fetched from outside, and the sandbox of Chromium itself needs rights a container seldom has.
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-extensions",
        "--disable-background-networking",
        "--no-first-run",
        "--hide-scrollbars",
        "--force-device-scale-factor=1",
        f"--window-size={WIDTH},{HEIGHT}",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(argument)
    service = webdriver.ChromeService(shutil.which(DRIVER), env={**os.environ, "TZ": "UTC"})
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


def quoted(text: str) -> str:
    """Return a text as an XPath string."""
    return f'"{text}"' if "'" in text else f"'{text}'"


@dataclass
class Page:
    """A tab of the browser; `pictures` is where pictures go, None keeps none."""

    driver: WebDriver
    pictures: Path | None = None

    def __post_init__(self) -> None:
        self.zoom(1)

    def zoom(self, scale: float) -> None:
        """Make the page 1600 x 1000 pixels of a picture, whatever the window's frame; a smaller scale shows more."""
        size = {"width": round(WIDTH / scale), "height": round(HEIGHT / scale), "deviceScaleFactor": scale}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**size, "mobile": False})

    def open(self, url: str) -> None:
        """Go to an address."""
        self.driver.get(url)

    def rest(self) -> None:
        """Show nothing: drawing what moves on a page of Dagster costs a core for as long as it is open."""
        self.open("about:blank")

    def wait(self, what: str, condition: Callable[[], T | None], seconds: float = PATIENCE, *, poll: float = POLL) -> T:
        """Wait until the condition holds and return what it gave; `what` names it in the failure."""
        try:
            waiting = WebDriverWait(self.driver, seconds, poll, ignored_exceptions=_IGNORED)
            return waiting.until(lambda _: condition())  # type: ignore[return-value]
        except TimeoutException:
            kept = self.picture("failure", always=True)
            raise AssertionError(f"{what}: not within {seconds:.0f} s at {self.driver.current_url} ({kept})") from None

    def find(self, xpath: str) -> WebElement | None:
        """Return the first visible element, None without one."""
        return next((e for e in self.driver.find_elements(By.XPATH, xpath) if e.is_displayed()), None)

    def see(self, text: str, seconds: float = PATIENCE, *, within: str = "") -> WebElement:
        """Wait until an element with exactly this text is visible; `within` is the XPath of what holds it."""
        xpath = f"{within}//*[normalize-space(text())={quoted(text)}]"
        return self.wait(f"the text {text!r}", lambda: self.find(xpath), seconds)

    def see_part(self, text: str) -> WebElement:
        """Wait until an element whose text contains this is visible."""
        xpath = f"//*[contains(normalize-space(text()), {quoted(text)})]"
        return self.wait(f"a text with {text!r}", lambda: self.find(xpath))

    def press(self, text: str, *, within: str = "") -> None:
        """Wait for an enabled button, tab or link whose text begins like this and press it."""
        name = f"starts-with(normalize-space(.), {quoted(text)})"
        xpath = f"{within}//*[self::button or self::a or @role='tab' or @role='menuitem'][{name}]"

        def pressed() -> bool:
            found = self.find(xpath)
            if found is None or not found.is_enabled() or found.get_attribute("aria-disabled") == "true":
                return False
            found.click()
            return True

        self.wait(f"the button {text!r}", pressed)

    def settle(self) -> None:
        """Wait until nothing on the page is still loading."""
        loading = "contains(@class, 'pinner') or contains(@class, 'himmer') or contains(text(), 'Loading')"
        self.wait("a page that has loaded", lambda: self.find(f"//*[{loading}]") is None)

    def scroll_to(self, element: WebElement, position: str = "start") -> None:
        """Bring an element into view."""
        self.driver.execute_script(f"arguments[0].scrollIntoView({{block: '{position}'}})", element)

    def picture(self, name: str, *, always: bool = False) -> Path | None:
        """Keep a picture of the page as `name`.png if pictures are kept; with `always` in a temporary folder."""
        folder = Path(tempfile.mkdtemp(prefix="hubspot-platform-picture-")) if always else self.pictures
        if folder is None:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{name}.png"
        self.driver.save_screenshot(str(file))
        return file


class DagsterPages(Page):
    """Dagster's UI at `url`."""

    def __init__(self, driver: WebDriver, url: str, pictures: Path | None = None) -> None:
        super().__init__(driver, pictures)
        self.url = url

    def asset(self, key: str, view: str = "overview") -> None:
        """Open a view of an asset's page: overview, partitions, events, checks, lineage."""
        self.open(f"{self.url}/assets/{key}?view={view}")
        self.see(key.rsplit("/", 1)[-1])

    def materialise_latest_partition(self, key: str) -> str:
        """Launch a run for the newest partition with the page's own buttons, wait for success; returns the run id."""
        self.asset(key)
        self.press("Materialize")
        dialog = "//*[@role='dialog']"
        self.press("Confirm", within=dialog)  # that the step fills the tables beside this one too
        self.press("Latest", within=dialog)
        self.see("1 partition", within=dialog)
        self.picture("materialise")
        return self._launched(lambda: self.press("Launch 1 run", within=dialog))

    def execute_checks(self, key: str) -> str:
        """Run every check of an asset with the page's own button, wait for the end; returns the run id."""
        self.asset(key, "checks")
        return self._launched(lambda: self.press("Execute all"))

    def _launched(self, launch: Callable[[], None]) -> str:
        before = self.run_ids()
        launch()
        run_id = self.wait("a run has been launched", lambda: next(iter(self.run_ids() - before), None))
        self.rest()
        self.wait(f"run {run_id} over", lambda: self._status(run_id) in ENDED)
        self.open(f"{self.url}/runs/{run_id}")
        ended = "//*[normalize-space(text())='Success' or normalize-space(text())='Failure']"
        outcome = self.wait(f"run {run_id} ended", lambda: self.find(ended)).text
        assert outcome == "Success", f"run {run_id} ended with {outcome}"
        return run_id

    def _status(self, run_id: str) -> str:
        query = "query Run($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
        return str(graphql(self.url, query, id=run_id)["runOrError"]["status"])

    def checks(self, key: str) -> dict[str, str]:
        """Return what the checks page of an asset says by check: Succeeded or Failed."""
        self.asset(key, "checks")
        self.see("Execute all")
        names = [row["name"] for row in self._checks_of(key)]

        def shown() -> dict[str, str] | None:
            found = {name: self._said_of(name) for name in names}
            return {name: str(said) for name, said in found.items()} if all(found.values()) else None

        return self.wait(f"the results of {', '.join(names)}", shown)

    def choose_check(self, check: str) -> None:
        """Choose a check in the list of the checks page that is open; its last execution comes into view."""
        self.wait(f"the check {check!r}", lambda: self.find(f"//*[normalize-space(text())={quoted(check)}]")).click()
        self.see("Latest execution")

    def _said_of(self, check: str) -> str | None:
        """Return the result under a check's name in the list; None while there is another word or none."""
        said = "contains(., 'Succeeded') or contains(., 'Failed')"
        entries = f"//*[normalize-space(text())={quoted(check)}]/ancestor::*[{said}][1]"
        for entry in self.driver.find_elements(By.XPATH, entries):
            found = re.fullmatch(rf"{re.escape(check)}\s+(Succeeded|Failed)", entry.text)
            if found:
                return found.group(1)
        return None

    def _checks_of(self, key: str) -> Sequence[Mapping[str, str]]:
        query = (
            "query Checks($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {"
            " assetChecksOrError { ... on AssetChecks { checks { name } } } } } }"
        )
        node = graphql(self.url, query, key={"path": key.split("/")})["assetNodeOrError"]
        return node["assetChecksOrError"]["checks"]

    def wait_for_tick(self, sensor: str, *, again: bool = False) -> None:
        """Wait until a sensor has evaluated, with `again` once more from now on."""
        self.rest()
        since = time.time() if again else 0.0
        query = (
            "query Ticks($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) { ... on Sensor {"
            " sensorState { ticks(limit: 5) { status timestamp } } } } }"
        )
        selector = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__", "sensorName": sensor}

        def ticked() -> bool:
            ticks = graphql(self.url, query, selector=selector)["sensorOrError"]["sensorState"]["ticks"]
            return any(tick["timestamp"] >= since and tick["status"] != "STARTED" for tick in ticks)

        self.wait(f"a tick of {sensor}", ticked)

    def run_ids(self) -> set[str]:
        """Return the ids of all runs."""
        answer = graphql(self.url, "{ runIdsOrError { ... on RunIds { results } } }")
        return set(answer["runIdsOrError"]["results"])


@dataclass(frozen=True)
class Thread:
    """A message of Slack's page as it reads, and the replies under it."""

    text: str
    replies: tuple[str, ...]


class SlackPage(Page):
    """The sandbox's page of received Slack messages, at `url`."""

    def __init__(self, driver: WebDriver, url: str, pictures: Path | None = None) -> None:
        super().__init__(driver, pictures)
        self.url = url

    def threads(self) -> list[Thread]:
        """Return what the page shows now, oldest first."""
        self.open(self.url)
        return [self._thread(article) for article in self.driver.find_elements(By.TAG_NAME, "article")]

    def _thread(self, article: WebElement) -> Thread:
        parent, *replies = (message.text for message in article.find_elements(By.CLASS_NAME, "message"))
        return Thread(parent, tuple(replies))

    def links(self) -> dict[str, str]:
        """Return the links in the messages the page shows now: address -> words."""
        found = self.driver.find_elements(By.CSS_SELECTOR, ".message a")
        return {str(link.get_attribute("href")): link.text for link in found}

    def wait_for(self, what: str, condition: Callable[[list[Thread]], bool]) -> list[Thread]:
        """Wait until the page shows what the condition asks for; returns its threads."""

        def shown() -> list[Thread] | None:
            threads = self.threads()
            return threads if condition(threads) else None

        return self.wait(what, shown, 2 * PATIENCE, poll=1.0)


def graphql(url: str, query: str, **variables: object) -> dict:
    """Ask Dagster's API as its pages do; errors fail the test."""
    body = {"query": query, "variables": variables}
    answer = httpx.post(f"{url}/graphql", json=body, timeout=60).json()
    assert not answer.get("errors"), answer["errors"]
    return answer["data"]


def stop_automation(url: str, *, keep: frozenset[str] = frozenset()) -> None:
    """Switch off every schedule and sensor except the kept ones, so that only the test starts runs."""
    query = (
        "{ repositoriesOrError { ... on RepositoryConnection { nodes {"
        " schedules { scheduleState { id } } sensors { name sensorState { id } } } } } }"
    )
    for repository in graphql(url, query)["repositoriesOrError"]["nodes"]:
        for schedule in repository["schedules"]:
            mutation = "mutation Stop($id: String) { stopRunningSchedule(id: $id) { __typename } }"
            graphql(url, mutation, id=schedule["scheduleState"]["id"])
        for sensor in repository["sensors"]:
            if sensor["name"] not in keep:
                mutation = "mutation Stop($id: String) { stopSensor(id: $id) { __typename } }"
                graphql(url, mutation, id=sensor["sensorState"]["id"])
