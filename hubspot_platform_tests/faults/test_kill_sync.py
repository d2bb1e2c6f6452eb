"""kill -9 at any moment of a sync, then run it again: no row lost, none duplicated, the cursor never ahead.

Real processes and real signals: a child runs `hubspot-platform sync`, dies at a named commit point or at a random
moment, and the stores are looked at before and after the next sync.
"""

import json
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hubspot_platform.commit_points import COMMIT_POINTS
from hubspot_platform.hubspot.catalogue import DEAL
from hubspot_platform.state import windows
from hubspot_platform.warehouse.errors import NothingPublished
from hubspot_platform_tests.support.children import Child, command
from hubspot_platform_tests.support.platforms import (
    assert_mirror_equals_portal,
    environment,
    in_portal,
    mirrored,
    platform_for,
    rows,
)
from hubspot_platform_tests.support.portal import Portal, portal

# Five kills a store in every test run: three where a mistake would cost most, two at random. The rest soaks.
POINTS_OF_EVERY_RUN = ("sync.inside_merge", "sync.before_window_completed", "sync.before_publish")
POINTS_OF_OTHERS = ("sync.events_prepared",)  # deals announce nothing; what does is killed there in test_kill_events
RANDOM_KILLS = 2
SOAK_KILLS = 20


@dataclass
class Site:
    """A portal and a store pair, synced by child processes."""

    portal: Portal
    home: Path
    postgres_url: str | None

    def start(self, *, kill_at: str = "") -> Child:
        """Start a sync of the deals in a process of its own."""
        stores = environment(self.portal, self.home, self.postgres_url)
        return Child(command("sync", "deals", "--full", "--json"), {**stores, "HUBSPOT_PLATFORM_KILL_AT": kill_at})

    def finish(self) -> None:
        """Run a sync to its end."""
        done = self.start().ended(120)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["failed"] == {}

    def assert_cursor_not_ahead(self) -> None:
        """If the object counts as complete, everything that was in the portal before is in the warehouse."""
        with platform_for(self.portal, self.home, self.postgres_url) as platform:
            identity = platform.warehouse().identity()
            watermark = platform.state().read(lambda c: windows.watermark(c, identity, DEAL.name))
            if watermark is None:
                return
            platform.warehouse().publish()
            assert set(mirrored(platform, DEAL)) == set(in_portal(self.portal, DEAL))

    def assert_complete(self) -> None:
        """The mirror equals the portal, associations included, and no key stands twice."""
        with platform_for(self.portal, self.home, self.postgres_url) as platform:
            assert_mirror_equals_portal(platform, self.portal, DEAL)
            for target in DEAL.associations:
                table = f"hubspot.{target.table}"
                here = rows(
                    platform, f"select {target.from_column} as a, {target.to_column} as b, type_id as t from {table}"
                )
                pairs = [(row["a"], row["b"], row["t"]) for row in here]
                live = set(mirrored(platform, DEAL))
                there = {
                    (int(a), int(b), t) for a, b, t in self.portal.links("deals", target.to_type) if int(a) in live
                }
                assert len(pairs) == len(set(pairs))
                assert set(pairs) == there


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A portal that answers slowly enough to be killed in the middle of."""
    with portal("contacts=200,companies=40,deals=500", "--latency-ms", "30") as running:
        yield running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def site(request: pytest.FixtureRequest, sandbox: Portal, tmp_path: Path) -> Site:
    """A fresh store pair."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    return Site(sandbox, tmp_path, url)


def _kill_at(site: Site, point: str) -> None:
    assert site.start(kill_at=point).wait(120) == -signal.SIGKILL, "the commit point was reached"
    site.assert_cursor_not_ahead()
    site.finish()
    site.assert_complete()


@pytest.mark.parametrize("point", POINTS_OF_EVERY_RUN)
def test_case_080_a_kill_where_rows_and_cursor_part_loses_nothing(site: Site, point: str) -> None:
    _kill_at(site, point)


@pytest.mark.soak
@pytest.mark.parametrize(
    "point", [point for point in COMMIT_POINTS if point.startswith("sync.") and point not in POINTS_OF_OTHERS]
)
def test_case_080_a_kill_at_every_commit_point_loses_nothing(site: Site, point: str) -> None:
    _kill_at(site, point)


def _kill_at_random_moments(site: Site, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    began = time.monotonic()
    site.finish()
    whole = time.monotonic() - began
    for _ in range(kills):
        child = site.start()
        try:
            child.wait(chance.uniform(whole / 10, whole))
        except subprocess.TimeoutExpired:
            child.kill()
        site.assert_cursor_not_ahead()
    site.finish()
    site.assert_complete()


def test_kills_at_random_moments_lose_nothing(site: Site) -> None:
    _kill_at_random_moments(site, RANDOM_KILLS, seed=1)


@pytest.mark.soak
def test_many_kills_at_random_moments_lose_nothing(site: Site) -> None:
    _kill_at_random_moments(site, SOAK_KILLS, seed=2)


def test_nothing_is_published_before_the_first_sync(site: Site) -> None:
    with platform_for(site.portal, site.home, site.postgres_url) as platform:
        if site.postgres_url is None:
            with pytest.raises(NothingPublished):
                mirrored(platform, DEAL)
