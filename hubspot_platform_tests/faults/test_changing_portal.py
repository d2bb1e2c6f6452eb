"""A portal that changes while it is read, and more records in one instant than search shows: no gap, nothing twice."""

import random
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from hubspot_platform.hubspot.catalogue import CONTACT
from hubspot_platform.mirror.plan import Mode, SyncRequest
from hubspot_platform.mirror.report import SyncReport
from hubspot_platform.mirror.sync import sync_object
from hubspot_platform_tests.faults.conftest import HurriedPlatform, calm, hurried
from hubspot_platform_tests.support.platforms import (
    assert_mirror_equals_portal,
    in_portal,
    mirrored,
    rows,
    sync,
)
from hubspot_platform_tests.support.portal import Portal, portal

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CROWD = 12_000


@pytest.fixture(scope="module")
def shared() -> Iterator[Portal]:
    with portal("contacts=1500,companies=20,deals=20,properties=20") as running:
        yield running


@pytest.fixture
def sandbox(shared: Portal) -> Iterator[Portal]:
    """The module's portal without faults."""
    yield calm(shared)
    calm(shared)


@pytest.fixture(scope="module")
def crowded() -> Iterator[Portal]:
    """A portal with more contacts than one search shows."""
    with portal("contacts=12400,companies=20,deals=20,properties=20") as running:
        assert len(in_portal(running, CONTACT)) > CROWD
        yield running


@pytest.fixture(scope="module")
def read_before(crowded: Portal, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose embedded stores hold the crowded portal as it was first; tests work on copies."""
    home = tmp_path_factory.mktemp("read")
    with hurried(crowded, home) as platform:
        sync(platform, CONTACT)
    return home


class Unrest:
    """Changes contacts, at most a hundred times a second, until it is stopped; every run changes them alike."""

    def __init__(self, sandbox: Portal, *, seed: int) -> None:
        self._portal = Portal(sandbox.url, sandbox.process, httpx.Client(base_url=sandbox.url, timeout=60))
        self._chance = random.Random(seed)
        self._ids = sorted(in_portal(sandbox, CONTACT))
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self.changes = 0
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            while not self._over.wait(0.01):
                self._change(self.changes)
                self.changes += 1
        except BaseException as error:
            self._failure = error
            raise

    def _change(self, number: int) -> None:
        change, pick = self._portal.change, self._chance.choice
        match number % 6:
            case 0:
                self._ids += [
                    int(i) for i in change("contacts", "create", count=3, properties={"lastname": "New"})["ids"]
                ]
            case 1 | 2:
                ids = [str(pick(self._ids)) for _ in range(5)]
                change("contacts", "update", ids=sorted(set(ids)), properties={"lastname": f"Changed {number}"})
            case 3:
                gone = pick(self._ids)
                self._ids.remove(gone)
                change("contacts", "archive", id=str(gone))
            case 4:
                back = pick(self._ids)
                change("contacts", "archive", id=str(back))
                change("contacts", "restore", id=str(back))
            case 5:
                first, second = self._chance.sample(self._ids, 2)
                merged = change("contacts", "merge", primary=str(first), other=str(second))
                self._ids = [i for i in self._ids if i not in (first, second)] + [int(merged["id"])]

    def stop(self) -> None:
        self._over.set()
        self._thread.join(60)
        self._portal.http.close()
        assert self._failure is None

    def start(self) -> None:
        self._thread.start()


@contextmanager
def unrest(sandbox: Portal, seed: int) -> Iterator[Unrest]:
    """Let the portal change for the length of the block."""
    running = Unrest(sandbox, seed=seed)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def once_reading(change: Callable[[], None]) -> Callable[[SyncReport], None]:
    """Return a listener that makes a change between the decision what to read and the first record."""
    pending = [change]

    def listen(report: SyncReport) -> None:
        if report.mode is not None and pending:
            pending.pop()()

    return listen


def keys_are_unique(platform: HurriedPlatform) -> bool:
    """Say whether no contact stands twice in the mirror, live and deleted taken together."""
    found = rows(platform, "select count(*) as n, count(distinct id) as ids from hubspot.contact")[0]
    return bool(found["n"] == found["ids"])


def test_case_066_a_full_read_of_a_changing_portal_is_made_right_by_the_next_run(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    with unrest(sandbox, 1) as changes:
        report = sync(platform, CONTACT, full=True)
    assert changes.changes > 0
    assert report.counts.total == report.objects_read
    assert sync(platform, CONTACT).mode is Mode.WINDOW
    assert keys_are_unique(platform)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_case_066_a_window_of_a_changing_portal_is_made_right_by_the_next_run(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    sync(platform, CONTACT)
    with unrest(sandbox, 2) as changes:
        report = sync(platform, CONTACT, since=LONG_AGO)
    assert changes.changes > 0
    assert report.counts.total == report.objects_read
    sync(platform, CONTACT)
    assert keys_are_unique(platform)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_case_066_a_change_between_decision_and_reading_is_not_lost(platform: HurriedPlatform, sandbox: Portal) -> None:
    sync(platform, CONTACT)
    live = sorted(in_portal(sandbox, CONTACT))

    def change() -> None:
        sandbox.change("contacts", "update", id=str(live[0]), properties={"lastname": "In between"})
        sandbox.change("contacts", "archive", id=str(live[1]))
        sandbox.change("contacts", "create", properties={"lastname": "In between"})

    sync_object(platform, SyncRequest(CONTACT), run_id="test", listen=once_reading(change))
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_case_067_an_index_that_lags_while_the_portal_changes_is_caught_up_with(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    sync(platform, CONTACT)
    sandbox.admin("search", {"lag": 120})
    with unrest(sandbox, 5):
        sync(platform, CONTACT)
        sync(platform, CONTACT)
    sandbox.clock(advance=121)
    sync(platform, CONTACT)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_a_record_whose_modification_time_went_back_is_not_taken_for_vanished(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    sync(platform, CONTACT)
    first = min(in_portal(sandbox, CONTACT))
    sandbox.change("contacts", "stamp", ids=[str(first)], at="2021-01-01T00:00:00Z")
    report = sync(platform, CONTACT, full=True)
    assert report.vanished == 0
    assert first in mirrored(platform, CONTACT)


def test_case_064_a_window_beyond_the_search_cap_is_divided_and_its_total_reconciled(
    crowded: Portal, read_before: Path, tmp_path: Path
) -> None:
    shutil.copytree(read_before, tmp_path, dirs_exist_ok=True)
    with hurried(calm(crowded), tmp_path) as platform:
        report = sync(platform, CONTACT, since=LONG_AGO)
        assert report.mode is Mode.WINDOW
        assert report.objects_read >= len(in_portal(crowded, CONTACT)) > 10_000
        assert report.counts.inserted == report.counts.updated == 0
        assert keys_are_unique(platform)


def test_case_065_12000_records_of_one_instant_are_read_whole(
    crowded: Portal, read_before: Path, store_url: str | None, tmp_path: Path
) -> None:
    if store_url is None:
        shutil.copytree(read_before, tmp_path, dirs_exist_ok=True)
    with hurried(calm(crowded), tmp_path, store_url) as platform:
        if store_url:
            sync(platform, CONTACT)
        crowded.clock(advance=3600)
        crowded.change("contacts", "stamp", first=CROWD)
        crowded.reset_stats()
        report = sync(platform, CONTACT)
        assert report.mode is Mode.WINDOW
        assert report.counts.updated == CROWD
        assert report.calls < 2 * CROWD / 200
        assert_mirror_equals_portal(platform, crowded, CONTACT)


def test_case_065_an_instant_that_loses_records_while_it_is_read_ends_and_misses_none(
    crowded: Portal, read_before: Path, tmp_path: Path
) -> None:
    shutil.copytree(read_before, tmp_path, dirs_exist_ok=True)
    with hurried(calm(crowded), tmp_path) as platform:
        crowded.clock(advance=3600)
        crowded.change("contacts", "stamp", first=CROWD)
        with unrest(crowded, 6):
            sync(platform, CONTACT)
        sync(platform, CONTACT)
        assert keys_are_unique(platform)
        assert_mirror_equals_portal(platform, crowded, CONTACT)
