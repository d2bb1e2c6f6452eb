"""A record HubSpot sends without id or properties is kept aside with its reason; the run and all others go on."""

import json
import logging
from collections.abc import Iterator

import pytest

from hubspot_platform.hubspot.catalogue import CONTACT, DEAL
from hubspot_platform.mirror.plan import Mode
from hubspot_platform.mirror.report import SyncReport
from hubspot_platform_tests.faults.conftest import HurriedPlatform, calm
from hubspot_platform_tests.support.platforms import assert_mirror_equals_portal, in_portal, mirrored, rows, sync
from hubspot_platform_tests.support.portal import Portal, portal

MODES = ("no_id", "text", "no_properties")


@pytest.fixture(scope="module")
def shared() -> Iterator[Portal]:
    with portal("contacts=250,companies=20,deals=60,properties=20") as running:
        yield running


@pytest.fixture
def sandbox(shared: Portal) -> Iterator[Portal]:
    """The module's portal without faults."""
    yield calm(shared)
    calm(shared)


def a_third(sandbox: Portal) -> list[str]:
    """Return the ids of some contacts, spread over pages."""
    return sorted(map(str, in_portal(sandbox, CONTACT)))[::90]


def assert_adds_up(report: SyncReport) -> None:
    """Every record that was read is in exactly one of the outcomes."""
    tally = report.tally()
    outcomes = ("inserted", "updated", "unchanged", "stale", "deduplicated", "rejected")
    assert tally["read"] == sum(tally[name] for name in outcomes)


def reasons(platform: HurriedPlatform) -> list[str]:
    """Return why contacts are kept aside, one entry for each."""
    found = rows(platform, "select reason from hubspot.rejected_row where table_name = 'contact' order by reason")
    return [row["reason"] for row in found]


def test_a_full_read_goes_on_past_broken_records_and_deletes_none_of_them(
    platform: HurriedPlatform, sandbox: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    sync(platform, CONTACT)
    everything = in_portal(sandbox, CONTACT)
    for mode, broken in zip(MODES, a_third(sandbox), strict=False):
        sandbox.fault("broken_record", mode=mode, ids=[broken], match={"route": "objects.list"})
        with caplog.at_level(logging.DEBUG):
            report = sync(platform, CONTACT, full=True)
        sandbox.clear_faults()
        assert (report.rejected, report.vanished) == (1, 0)
        assert_adds_up(report)
        assert everything[int(broken)]["properties"]["email"] not in caplog.text
    assert reasons(platform) == ["no_id", "no_id", "no_properties"]
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


@pytest.mark.parametrize("mode", ["no_id", "no_properties"])
def test_a_first_read_and_its_windows_keep_every_other_record(
    platform: HurriedPlatform, sandbox: Portal, mode: str
) -> None:
    broken = a_third(sandbox)
    sandbox.fault("broken_record", mode=mode, ids=broken)
    first = sync(platform, CONTACT)
    assert_adds_up(first)
    assert (first.mode, first.rejected) == (Mode.FULL, len(broken))
    kept = rows(platform, "select raw_json, reason from hubspot.rejected_row where table_name = 'contact'")
    assert len(kept) == len(broken)
    assert all(row["reason"] == mode for row in kept)
    if mode == "no_properties":
        assert sorted(json.loads(row["raw_json"])["id"] for row in kept) == broken
    changed = sorted(map(str, in_portal(sandbox, CONTACT)))[:120]
    sandbox.change("contacts", "update", ids=changed, properties={"firstname": "Renamed"})
    window = sync(platform, CONTACT)
    assert_adds_up(window)
    assert window.rejected >= len(set(broken) & set(changed))
    here = {record_id for record_id, r in mirrored(platform, CONTACT).items() if "Renamed" in str(r["properties"])}
    assert here == {int(record_id) for record_id in set(changed) - set(broken)}
    sandbox.clear_faults()
    sync(platform, CONTACT, repair=Mode.CENSUS)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


@pytest.mark.parametrize("mode", ["no_id", "no_properties"])
def test_a_census_deletes_nothing_that_only_could_not_be_read(
    platform: HurriedPlatform, sandbox: Portal, mode: str
) -> None:
    sync(platform, CONTACT)
    sandbox.fault("broken_record", mode=mode, ids=a_third(sandbox))
    report = sync(platform, CONTACT, repair=Mode.CENSUS)
    assert report.vanished == 0
    assert_adds_up(report)
    sandbox.clear_faults()
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_history_that_came_without_a_record_loses_that_one_only(platform: HurriedPlatform, sandbox: Portal) -> None:
    sync(platform, DEAL)
    ids = sorted(map(str, in_portal(sandbox, DEAL)))
    sandbox.change("deals", "update", ids=ids[:20], properties={"dealname": "Renamed"})
    sandbox.fault("broken_record", mode="no_id", ids=ids[:1], match={"route": "objects.batch_read"})
    report = sync(platform, DEAL)
    assert report.counts.updated >= 20
    assert_mirror_equals_portal(platform, sandbox, DEAL)
