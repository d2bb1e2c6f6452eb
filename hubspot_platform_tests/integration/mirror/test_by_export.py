"""A first read through HubSpot's export: everything is there after a handful of calls, on both store pairs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import CONTACT, DEAL
from hubspot_platform.hubspot.errors import MissingScope
from hubspot_platform.hubspot.exports import ExportFailed
from hubspot_platform.mirror.plan import Mode
from hubspot_platform_tests.faults.conftest import HurriedPlatform, hurried
from hubspot_platform_tests.support.platforms import assert_mirror_equals_portal, in_portal, mirrored, rows, sync
from hubspot_platform_tests.support.portal import Portal, portal


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A portal whose export of contacts is large enough to be a ZIP."""
    with portal("contacts=2600,companies=50,deals=60,properties=80") as running:
        yield running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, sandbox: Portal, tmp_path: Path) -> Iterator[HurriedPlatform]:
    """A platform on the portal, once on each store pair."""
    sandbox.clear_faults()
    sandbox.reset_stats()
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with hurried(sandbox, tmp_path, url) as opened:
        yield opened
    sandbox.clear_faults()


def without_times(record: dict) -> dict[str, str]:
    """Return the values of a record that are no points in time, which an export tells to the minute only."""
    values = record["properties"].items()
    return {name: value.replace("\x00", "\ufffd") for name, value in values if value and "T" not in value[9:12]}


def test_an_export_brings_every_record_and_value_in_a_few_calls_and_the_census_makes_times_exact(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    on_the_minute = sorted(map(str, in_portal(sandbox, CONTACT)))[:5]
    sandbox.change("contacts", "stamp", ids=on_the_minute, at="2026-10-01T12:34:00Z")
    sandbox.reset_stats()
    report = sync(platform, CONTACT, full=True, by_export=True)
    calls = sandbox.stats()["by_kind"]
    assert (calls["exports.start"], calls["exports.status"]) == (1, 3)
    assert calls["objects.list"] < 15, "archived records only"
    assert calls["associations.batch_read"] == 3
    there = in_portal(sandbox, CONTACT)
    here = mirrored(platform, CONTACT)
    assert set(here) == set(there)
    for record_id, record in there.items():
        assert without_times(here[record_id]) == without_times(dict(record)), record_id
    assert report.mode is Mode.FULL
    assert report.window is not None
    assert platform.watermark(CONTACT) == report.window.end
    assert report.objects_read == report.counts.inserted
    late = rows(platform, "select count(*) as n from hubspot.contact where updated_at > property_lastmodifieddate")
    assert late == [{"n": 0}]
    sync(platform, CONTACT, repair=Mode.CENSUS)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_the_settings_choose_the_objects_that_are_read_so_and_windows_follow(sandbox: Portal, tmp_path: Path) -> None:
    config = tmp_path / "platform.toml"
    config.write_text('[mirror]\nexport = ["deal"]\n')
    with hurried(sandbox, tmp_path, platform_config=config) as platform:
        sandbox.reset_stats()
        assert sync(platform, DEAL).mode is Mode.FULL
        assert sandbox.stats()["by_kind"]["exports.start"] == 1
        changed = sorted(map(str, in_portal(sandbox, DEAL)))[:5]
        sandbox.change("deals", "update", ids=changed, properties={"dealname": "Renamed"})
        assert sync(platform, DEAL).mode is Mode.WINDOW
        assert sandbox.stats()["by_kind"]["exports.start"] == 1
        sync(platform, DEAL, repair=Mode.CENSUS)
        assert_mirror_equals_portal(platform, sandbox, DEAL)


def test_a_download_that_breaks_off_is_asked_for_anew_and_one_that_stays_broken_completes_nothing(
    sandbox: Portal, tmp_path: Path
) -> None:
    with hurried(sandbox, tmp_path) as platform:
        sandbox.fault("http_error", status=503, count=2, match={"route": "exports.download"})
        assert sync(platform, DEAL, full=True, by_export=True).objects_read > 0
        before = platform.watermark(DEAL)
        sandbox.fault("truncated_json", match={"route": "exports.download"})
        with pytest.raises(ExportFailed):
            sync(platform, DEAL, full=True, by_export=True)
        assert platform.watermark(DEAL) == before
        sandbox.clear_faults()
        sandbox.fault("missing_scope", match={"route": "exports.start"}, scopes=["crm.export"])
        with pytest.raises(MissingScope, match="required"):
            sync(platform, DEAL, full=True, by_export=True)
        sandbox.clear_faults()
