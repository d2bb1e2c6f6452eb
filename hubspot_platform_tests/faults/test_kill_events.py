"""kill -9 at any moment of an engagement sync: every row that came into the mirror is announced once, none twice."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import CALL, DEAL, MEETING
from hubspot_platform.mirror.publishing import TOPIC, EngagementEvent
from hubspot_platform.runtime import Platform
from hubspot_platform.state import topics
from hubspot_platform_tests.support import children
from hubspot_platform_tests.support.platforms import environment, platform_for, rows, sync
from hubspot_platform_tests.support.portal import Portal, portal

POINTS = (
    "sync.events_prepared",
    pytest.param("sync.inside_merge", marks=pytest.mark.soak),
    pytest.param("sync.chunk_merged", marks=pytest.mark.soak),
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A portal that gains a call now and then; each test has stores of its own."""
    with portal("contacts=60,companies=20,deals=30") as running:
        yield running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str | None:
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else None


def events(platform: Platform) -> list[EngagementEvent]:
    """Return what was published, each as its typed payload."""
    found = platform.state().read(lambda conn: topics.read_after(conn, TOPIC, 0, 10_000))
    assert [each.position for each in found] == list(range(1, len(found) + 1))
    return [EngagementEvent.model_validate(each.payload) for each in found]


def announced_once(platform: Platform, obj_table: str = "engagement_call") -> None:
    stored = {row["id"] for row in rows(platform, f"select engagement_id as id from hubspot.{obj_table}")}
    told = Counter(each.engagement_id for each in events(platform))
    assert stored
    assert told == dict.fromkeys(stored, 1)


def test_new_engagements_are_announced_with_what_they_belong_to(
    sandbox: Portal, url: str | None, tmp_path: Path
) -> None:
    with platform_for(sandbox, tmp_path, url) as platform:
        first = sync(platform, CALL)
        assert first.published == first.counts.inserted == len(events(platform))
        announced_once(platform)
        assert sync(platform, CALL, full=True).published == 0
        assert sync(platform, DEAL).published == 0

        contact = sandbox.dump("contacts")[0]["id"]
        (made,) = sandbox.change("calls", "create", properties={"hs_timestamp": "2026-05-01T10:00:00Z"})["ids"]
        sandbox.change("calls", "link", id=made, to_object="contacts", to=contact)
        sync(platform, CALL, full=True)

        (added,) = [each for each in events(platform) if each.engagement_id == int(made)]
        assert added.engagement_type == "CALL"
        assert added.contact_ids == (int(contact),)
        assert added.occurred_at is not None
        assert not added.archived
        assert {row["n"] for row in rows(platform, "select count(*) as n from hubspot.engagement_call")} == {
            len(events(platform))
        }
        meetings = sync(platform, MEETING)
        assert meetings.published == meetings.counts.inserted > 0


@pytest.mark.parametrize("point", POINTS)
def test_case_080_a_killed_engagement_sync_announces_every_row_once(
    sandbox: Portal, url: str | None, tmp_path: Path, point: str
) -> None:
    for _ in range(2):
        stores = environment(sandbox, tmp_path, url)
        child = children.run("sync", "calls", "--json", environment={**stores, "HUBSPOT_PLATFORM_KILL_AT": point})
        assert child.returncode == -signal.SIGKILL
    with platform_for(sandbox, tmp_path, url) as platform:
        sync(platform, CALL)
        announced_once(platform)
        assert platform.state().read(lambda conn: topics.pending(conn, TOPIC)) == []
