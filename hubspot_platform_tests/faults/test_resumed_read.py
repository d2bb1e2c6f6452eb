"""kill -9 in the middle of a full read: the next try goes on after the finished id ranges. And kills inside passes."""

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import CONTACT, DEAL
from hubspot_platform.mirror.plan import Mode
from hubspot_platform.state import windows
from hubspot_platform_tests.support import children
from hubspot_platform_tests.support.platforms import (
    assert_mirror_equals_portal,
    environment,
    mirrored,
    platform_for,
    rows,
    sync,
)
from hubspot_platform_tests.support.portal import Portal, portal

CONTACTS = 24_000


@dataclass
class Site:
    """A portal and a store pair, synced by child processes."""

    portal: Portal
    home: Path
    postgres_url: str | None

    def run(self, *options: str, kill_at: str = "") -> dict:
        """Run `hubspot-platform sync` in a process of its own; it must die exactly when it is told to."""
        stores = environment(self.portal, self.home, self.postgres_url)
        child = children.run("sync", *options, "--json", environment={**stores, "HUBSPOT_PLATFORM_KILL_AT": kill_at})
        assert child.returncode == (-signal.SIGKILL if kill_at else 0), child.stderr
        return {} if kill_at else json.loads(child.stdout)["synced"]


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """The store pair of a test."""
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else None


@pytest.fixture(scope="module")
def many() -> Iterator[Portal]:
    """A portal with enough contacts for several chunks."""
    with portal(f"contacts={CONTACTS},companies=10,deals=10,properties=20") as running:
        yield running


def test_case_077_a_full_read_killed_after_two_chunks_goes_on_after_them(
    many: Portal, store_url: str | None, tmp_path: Path
) -> None:
    site = Site(many, tmp_path, store_url)
    site.run("contacts", "--full", kill_at="sync.chunk_merged:2")
    with platform_for(many, tmp_path, store_url) as platform:
        platform.warehouse().publish()
        stored = len(mirrored(platform, CONTACT))
        marked = rows(platform, "select sum(records) as n, count(*) as spans from _platform.read_range")[0]
        assert stored >= marked["n"] > CONTACTS / 2
        identity = platform.warehouse().identity()
        assert platform.state().read(lambda conn: windows.watermark(conn, identity, CONTACT.name)) is None
        # What changes in a finished range meanwhile is not lost: the read completes only what was before it began.
        first = min(mirrored(platform, CONTACT))
        many.change("contacts", "update", id=str(first), properties={"lastname": f"Meanwhile {tmp_path.name}"})
        many.reset_stats()
        report = site.run("contacts", "--full")["contact"]
        assert report["resumed"] == marked["n"]
        assert report["objects_read"] < CONTACTS / 2
        assert many.stats()["calls"] < CONTACTS / 100
        assert rows(platform, "select * from _platform.read_range") == []
        sync(platform, CONTACT)
        assert_mirror_equals_portal(platform, many, CONTACT)


@pytest.mark.soak
def test_marks_of_a_read_that_asked_for_other_properties_do_not_count(
    many: Portal, store_url: str | None, tmp_path: Path
) -> None:
    site = Site(many, tmp_path, store_url)
    site.run("contacts", "--full", kill_at="sync.chunk_merged:1")
    many.define("contacts", "create", name=f"new_{tmp_path.name.replace('-', '_').lower()}", type="string")
    report = site.run("contacts", "--full")["contact"]
    assert report["resumed"] == 0
    assert report["objects_read"] >= report["portal_total"]


@pytest.fixture
def small() -> Iterator[Portal]:
    """A small portal of its own."""
    with portal("contacts=60,companies=40,deals=200") as running:
        yield running


@pytest.mark.parametrize(
    ("point", "option"),
    [
        ("sync.inside_merge", "--census"),
        ("pass.sweep_part_replaced", "--associations"),
        pytest.param("pass.before_census_noted", "--census", marks=pytest.mark.soak),
        pytest.param("pass.inside_mark", "--merges", marks=pytest.mark.soak),
        pytest.param("sync.chunk_merged", "--archived", marks=pytest.mark.soak),
    ],
)
def test_case_080_a_pass_killed_half_way_repairs_everything_when_it_runs_again(
    small: Portal, store_url: str | None, tmp_path: Path, point: str, option: str
) -> None:
    site = Site(small, tmp_path, store_url)
    with platform_for(small, tmp_path, store_url) as platform:
        sync(platform, DEAL)
        ids = sorted(mirrored(platform, DEAL))
        with platform.warehouse().writer() as session:  # what windows never bring back
            session.execute("delete from hubspot.deal where deal_id = ?", [ids[3]])
            session.execute("delete from hubspot.deal_contact where deal_id > ?", [ids[9]])
        small.change("deals", "archive", ids=[str(ids[5])])
        small.change("deals", "merge", primary=str(ids[6]), other=str(ids[7]))
        sync(platform, DEAL, limit=1)
        if option == "--merges":
            sync(platform, DEAL)
            with platform.warehouse().writer() as session:
                session.execute("update hubspot.deal set is_deleted = false where deal_id = ?", [ids[6]])
        site.run("deals", option, kill_at=point)
        for repair in (Mode(option.removeprefix("--")), Mode.CENSUS, Mode.MERGES, Mode.ASSOCIATIONS):
            sync(platform, DEAL, repair=repair)
        assert_mirror_equals_portal(platform, small, DEAL)
        for target in DEAL.associations:
            found = rows(
                platform,
                f"select {target.from_column} as a, {target.to_column} as b, type_id as t from hubspot.{target.table}",
            )
            there = {(int(a), int(b), t) for a, b, t in small.links("deals", target.to_type)}
            assert {(row["a"], row["b"], row["t"]) for row in found} == there
