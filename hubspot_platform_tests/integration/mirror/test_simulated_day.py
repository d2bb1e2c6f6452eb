"""A whole day of changes, most of which no window of last-modified time shows: then mirror equals portal."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import CALL, CATALOGUE, COMPANY, CONTACT, DEAL, TICKET, ObjectType
from hubspot_platform.mirror.plan import PASSES, Mode
from hubspot_platform.mirror.report import SyncReport
from hubspot_platform.runtime import Platform
from hubspot_platform_tests.support.platforms import (
    assert_mirror_equals_portal,
    mirrored,
    platform_for,
    rows,
    sync,
)
from hubspot_platform_tests.support.portal import Portal, portal

LAG = 300
OTHERS = (
    "companies=120,deals=120,tickets=60,calls=80,meetings=60,emails=80,notes=40,tasks=40,communications=40,"
    "properties=30"
)
SOME = (CONTACT, COMPANY, DEAL, TICKET, CALL)  # every kind of entry; engagements share their code


@dataclass(frozen=True)
class Day:
    """A day's portal: so many contacts get one instant of change, and these objects are mirrored."""

    store: str
    crowd: int
    objects: tuple[ObjectType, ...]


DAYS = [
    pytest.param(Day("duckdb", 250, SOME), id="duckdb"),
    pytest.param(Day("postgres", 250, SOME), id="postgres", marks=pytest.mark.postgres),
    # More than search shows of one instant, and every object.
    pytest.param(Day("duckdb", 10_600, tuple(CATALOGUE.values())), id="duckdb-crowd", marks=pytest.mark.soak),
    pytest.param(
        Day("postgres", 10_600, tuple(CATALOGUE.values())),
        id="postgres-crowd",
        marks=[pytest.mark.soak, pytest.mark.postgres],
    ),
]


@pytest.fixture(params=DAYS)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Portal, Platform, Day]]:
    """A platform that has read its objects of a portal a day before now."""
    day: Day = request.param
    url = request.getfixturevalue("postgres_url") if day.store == "postgres" else None
    size = f"contacts={day.crowd + 200},{OTHERS}"
    with portal(size, "--base-time", "2026-11-20T00:00:00") as sandbox, platform_for(sandbox, tmp_path, url) as opened:
        sandbox.clock(freeze="2026-11-20T00:00:00+00:00")
        for obj in day.objects:
            assert sync(opened, obj).mode is Mode.FULL
        yield sandbox, opened, day


def assert_adds_up(report: SyncReport) -> None:
    tally = report.tally()
    outcomes = ("inserted", "updated", "unchanged", "stale", "rejected", "deduplicated")
    assert tally["read"] == sum(tally[name] for name in outcomes), report
    assert report.finished_at is not None
    assert report.calls > 0
    assert report.lag_seconds is not None


def assert_associations_equal(platform: Platform, sandbox: Portal, obj: ObjectType) -> None:
    live = set(mirrored(platform, obj))
    for target in obj.associations:
        found = rows(
            platform,
            f"select {target.from_column} as a, {target.to_column} as b, type_id as t from hubspot.{target.table}",
        )
        here = [(row["a"], row["b"], row["t"]) for row in found if row["a"] in live]
        there = {(int(a), int(b), t) for a, b, t in sandbox.links(obj.plural, target.to_type)}
        assert len(here) == len(set(here))
        assert set(here) == there, (obj.name, target.table)


def test_after_a_day_of_every_kind_of_change_the_passes_make_the_mirror_equal_to_the_portal(
    site: tuple[Portal, Platform, Day],
) -> None:
    sandbox, platform, day = site
    crowd = day.crowd
    sandbox.admin("search", {"lag": LAG})
    sandbox.clock(advance=24 * 3600)
    told = sandbox.admin("day", {"hours": 24, "each": 20, "crowd": crowd})
    assert told["crowd"]["stamped"] > 0.9 * crowd  # type: ignore[index, call-overload]
    sandbox.clock(advance=LAG + 60)
    reports = [sync(platform, obj) for obj in day.objects]
    read = {report.object: report.objects_read for report in reports}
    assert read[CONTACT.name] > 0.9 * crowd
    # An hour whose changes search shows only after its window was read, most of them beyond the overlap.
    sandbox.clock(advance=3600)
    sandbox.admin("day", {"hours": 1, "each": 20})
    for wait in (0, LAG + 60):
        sandbox.clock(advance=wait)
        reports += [sync(platform, obj) for obj in day.objects]
    for repair in PASSES:
        wanted = [obj for obj in day.objects if obj.associations or repair is not Mode.ASSOCIATIONS]
        reports += [sync(platform, obj, repair=repair) for obj in wanted]
        if repair is Mode.CENSUS:
            assert sum(report.findings["missing"] for report in reports[-len(wanted) :])
            assert sum(report.findings["stale"] for report in reports[-len(wanted) :])
        if repair is Mode.ASSOCIATIONS:
            assert sum(report.findings["records"] for report in reports[-len(wanted) :])
        if repair is Mode.REFRESH:
            assert sum(report.counts.updated for report in reports[-len(wanted) :])
    for report in reports:
        assert_adds_up(report)
    for obj in day.objects:
        assert_mirror_equals_portal(platform, sandbox, obj)
        archived = {int(record["id"]) for record in sandbox.dump(obj.plural, archived=True)}
        merged = {int(loser) for loser in sandbox.merged(obj.plural)}
        assert archived | merged.intersection(mirrored(platform, obj, deleted=True)) <= set(
            mirrored(platform, obj, deleted=True)
        )
        assert_associations_equal(platform, sandbox, obj)
    for obj in day.objects:  # and now there is nothing left to repair
        census = sync(platform, obj, repair=Mode.CENSUS)
        assert set(census.findings.values()) == {0}, (obj.name, census.findings)
    kept = rows(platform, "select object, mode, objects_read, requests from _platform.sync_run")
    assert {(row["object"], row["mode"]) for row in kept} >= {(obj.name, "census") for obj in day.objects}
