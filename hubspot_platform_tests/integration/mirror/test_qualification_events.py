"""Job check_qualification_list_membership: a change of the configured lists is one event, killed or not."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import REFERENCES
from hubspot_platform.mirror.qualification import TOPIC, check_qualification
from hubspot_platform.mirror.reference import sync_reference
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import load_settings
from hubspot_platform.state import topics
from hubspot_platform.state.topics import PublishedEvent
from hubspot_platform_tests.support import children
from hubspot_platform_tests.support.platforms import environment, platform_for, rows
from hubspot_platform_tests.support.portal import Portal, portal

RULE, BY_HAND = 1201, 1202


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A small portal whose lists the tests change."""
    with portal("small") as running:
        yield running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """None for DuckDB with SQLite, else the URL of an empty PostgreSQL database."""
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else None


@pytest.fixture
def business(tmp_path: Path) -> Path:
    """Business settings that name both lists of the seeded portal."""
    file = tmp_path / "business.toml"
    file.write_text(f"qualification_lists = [{RULE}, {BY_HAND}]\n")
    return file


@pytest.fixture
def platform(sandbox: Portal, store_url: str | None, business: Path, tmp_path: Path) -> Iterator[Platform]:
    """A platform that has read the lists, once on each store pair."""
    with platform_for(sandbox, tmp_path, store_url, platform_config=business) as opened:
        sync_reference(opened, REFERENCES["lists"], run_id="test")
        yield opened


def qualified(sandbox: Portal) -> set[int]:
    return {int(m["recordId"]) for m in sandbox.account("memberships") if int(m["listId"]) in (RULE, BY_HAND)}


def published(platform: Platform) -> list[PublishedEvent]:
    return platform.state().read(lambda conn: topics.read_after(conn, TOPIC, 0, 10_000))


def told(platform: Platform) -> set[int]:
    """Return who is qualified to somebody who only reads the events."""
    last = {int(event.key): bool(event.payload["qualified"]) for event in published(platform)}
    return {contact for contact, yes in last.items() if yes}


def check() -> None:
    check_qualification(Platform(load_settings()))


def test_every_change_is_published_once(platform: Platform, sandbox: Portal) -> None:
    report = check_qualification(platform)
    assert told(platform) == qualified(sandbox) != set()
    assert report.qualified == report.changed == report.published == len(published(platform))
    assert check_qualification(platform).published == 0
    sandbox.change_account("lists", "remove", id=str(BY_HAND), first=1)
    added = sandbox.change_account("lists", "add", id=str(BY_HAND), first=2)
    assert added["recordsIdsAdded"]
    sync_reference(platform, REFERENCES["lists"], run_id="test")
    check_qualification(platform)
    assert told(platform) == qualified(sandbox)
    stored = rows(platform, "select contact_id from hubspot.contact_qualification where qualified")
    assert {row["contact_id"] for row in stored} == qualified(sandbox)


@pytest.mark.parametrize("point", ["sync.before_merge", "sync.chunk_merged"])
def test_case_080_a_killed_check_neither_loses_nor_repeats_an_event(
    platform: Platform, sandbox: Portal, store_url: str | None, business: Path, point: str
) -> None:
    stores = environment(sandbox, platform.settings.home, store_url)
    settings = {**stores, "PLATFORM_CONFIG": str(business), "HUBSPOT_PLATFORM_KILL_AT": point}
    child = children.finish(check, settings)
    assert child.returncode == -signal.SIGKILL, child.stderr
    assert published(platform) == []
    check_qualification(platform)
    assert len(published(platform)) == len(qualified(sandbox))
    assert told(platform) == qualified(sandbox)


def test_without_lists_nobody_is_qualified_and_nothing_is_published(
    sandbox: Portal, store_url: str | None, tmp_path: Path
) -> None:
    with platform_for(sandbox, tmp_path, store_url) as opened:
        assert check_qualification(opened).qualified == 0
        assert published(opened) == []
        assert rows(opened, "select count(*) as n from hubspot.contact_qualification") == [{"n": 0}]
