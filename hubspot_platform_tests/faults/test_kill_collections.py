"""kill -9 in the middle of reading list members or e-mail events, then run it again: nothing lost, nothing twice."""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import REFERENCES
from hubspot_platform.mirror.reference import sync_reference
from hubspot_platform.runtime import Platform
from hubspot_platform.state import windows
from hubspot_platform_tests.support import children
from hubspot_platform_tests.support.platforms import environment, platform_for, rows
from hubspot_platform_tests.support.portal import Portal, portal

# One point a kind in every test run, where a mistake would cost most; the rest soaks.
LISTS_POINTS = ("sync.inside_merge:3", pytest.param("sync.before_window_completed", marks=pytest.mark.soak))
EVENTS_POINTS = (
    "sync.window_completed:2",
    pytest.param("sync.inside_merge:20", marks=pytest.mark.soak),
    pytest.param("sync.before_publish", marks=pytest.mark.soak),
)
CHUNKS = 3  # the portal has this many chunks of events at least


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A portal with several chunks of events."""
    with portal("contacts=1000,companies=50,deals=10") as running:
        yield running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """None for DuckDB with SQLite, else the URL of an empty PostgreSQL database."""
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else None


def killed(sandbox: Portal, home: Path, url: str | None, name: str, point: str) -> bool:
    """Run a sync that dies at a commit point, in a process of its own."""
    stores = environment(sandbox, home, url)
    child = children.run("sync", name, "--json", environment={**stores, "HUBSPOT_PLATFORM_KILL_AT": point})
    return child.returncode == -signal.SIGKILL


def members(platform: Platform) -> set[tuple[int, int]]:
    found = rows(platform, "select contact_list_id, contact_id from hubspot.contact_list_member")
    return {(row["contact_list_id"], row["contact_id"]) for row in found}


def in_portal(sandbox: Portal) -> set[tuple[int, int]]:
    contact_lists = {entry["listId"] for entry in sandbox.account("lists") if entry["objectTypeId"] == "0-1"}
    found = sandbox.account("memberships")
    return {(int(m["listId"]), int(m["recordId"])) for m in found if m["listId"] in contact_lists}


@pytest.mark.parametrize("point", LISTS_POINTS)
def test_case_080_list_members_survive_a_kill(
    sandbox: Portal, store_url: str | None, tmp_path: Path, point: str
) -> None:
    assert killed(sandbox, tmp_path, store_url, "lists", point)
    with platform_for(sandbox, tmp_path, store_url) as platform:
        sync_reference(platform, REFERENCES["lists"], run_id="test")
        assert members(platform) == in_portal(sandbox) != set()


@pytest.mark.parametrize("point", EVENTS_POINTS)
def test_case_080_email_events_survive_a_kill_and_the_log_goes_on_where_it_was(
    sandbox: Portal, store_url: str | None, tmp_path: Path, point: str
) -> None:
    assert killed(sandbox, tmp_path, store_url, "email_events", point)
    there = sandbox.account("email_events")
    assert len(there) > CHUNKS * 5_000
    with platform_for(sandbox, tmp_path, store_url) as platform:
        identity = platform.warehouse().identity()
        until = platform.state().read(lambda c: windows.watermark(c, identity, "email_events"))
        if until is not None:
            platform.warehouse().publish()
            stored = {row["id"] for row in rows(platform, "select id from hubspot.email_event")}
            epoch = datetime(1970, 1, 1, tzinfo=UTC)
            before = {e["id"] for e in there if epoch + timedelta(milliseconds=e["created"]) < until}
            assert before <= stored, "the cursor is ahead of the rows"
        sandbox.reset_stats()
        sync_reference(platform, REFERENCES["email_events"], run_id="test")
        again = [(r["id"], r["created"]) for r in rows(platform, "select id, created from hubspot.email_event")]
        assert len(again) == len(set(again)) == len(sandbox.account("email_events"))
        calls = sandbox.stats()["by_kind"]["email_events.list"]
        if until is not None:
            sandbox.reset_stats()
            sync_reference(platform, REFERENCES["email_events"], run_id="test", full=True)
            assert calls < sandbox.stats()["by_kind"]["email_events.list"], "what is complete is not read again"
