"""History survives what pages, portals and processes do: a kill, a cut page, a portal that loses records."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import DEAL
from hubspot_platform_tests.integration.mirror.test_history import stages, stored, told
from hubspot_platform_tests.support import children
from hubspot_platform_tests.support.platforms import environment, mirrored, platform_for, rows, sync
from hubspot_platform_tests.support.portal import Portal, portal


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A portal with enough deals for several pages."""
    with portal("contacts=40,companies=10,deals=400") as running:
        yield running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """Each store pair in turn."""
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else None


@pytest.mark.parametrize(
    "point", ["sync.history_merged", pytest.param("sync.before_window_completed", marks=pytest.mark.soak)]
)
def test_case_080_a_kill_loses_no_change_and_repeats_none(
    sandbox: Portal, store_url: str | None, tmp_path: Path, point: str
) -> None:
    environ = {**environment(sandbox, tmp_path, store_url), "HUBSPOT_PLATFORM_KILL_AT": point}
    child = children.run("sync", "deals", "--full", "--json", environment=environ)
    assert child.returncode == -signal.SIGKILL
    with platform_for(sandbox, tmp_path, store_url) as platform:
        platform.warehouse().publish()
        deals = {row["id"] for row in rows(platform, "select deal_id as id from hubspot.deal")}
        changed = {row["id"] for row in rows(platform, "select deal_id as id from hubspot.deal_property_history")}
        assert changed == deals, "a record and its changes are one transaction"
        sync(platform, DEAL, full=True)
        assert stored(platform, DEAL) == told(sandbox, DEAL) + told(sandbox, DEAL, archived=True)
        for deal, record in sorted(mirrored(platform, DEAL).items())[:20]:
            assert stages(platform, deal)[-1][0] == record["properties"]["dealstage"]


@pytest.mark.parametrize("kind", ["truncated_json", "wrong_content_type"])
def test_case_062_a_broken_page_with_history_is_read_again(sandbox: Portal, tmp_path: Path, kind: str) -> None:
    sandbox.fault(kind, count=2, skip=1, match={"route": "objects.list"})
    with platform_for(sandbox, tmp_path) as platform:
        assert sync(platform, DEAL).retries == 2
        assert stored(platform, DEAL) == told(sandbox, DEAL) + told(sandbox, DEAL, archived=True)
    sandbox.clear_faults()


def test_case_071_changes_of_archived_and_purged_records_stay(
    sandbox: Portal, store_url: str | None, tmp_path: Path
) -> None:
    with platform_for(sandbox, tmp_path, store_url) as platform:
        sync(platform, DEAL)
        before = stored(platform, DEAL)
        first, second = sorted(mirrored(platform, DEAL))[:2]
        sandbox.change("deals", "archive", ids=[str(first)])
        sandbox.change("deals", "purge", ids=[str(second)])
        sync(platform, DEAL, full=True)
        assert stored(platform, DEAL) >= before
