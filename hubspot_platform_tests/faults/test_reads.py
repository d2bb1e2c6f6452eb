"""Failing and lying answers while an object is synced: the mirror stays right and the cursor never runs ahead."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubspot_platform.hubspot import errors
from hubspot_platform.hubspot.catalogue import CATALOGUE, COMPANY, CONTACT, DEAL, ObjectType
from hubspot_platform.mirror.plan import Mode
from hubspot_platform_tests.faults.conftest import HurriedPlatform, calm, hurried
from hubspot_platform_tests.support.platforms import (
    assert_mirror_equals_portal,
    in_portal,
    mirrored,
    rows,
    settings_for,
    sync,
)
from hubspot_platform_tests.support.portal import TOKEN, Portal, portal

PASSING = [
    {"kind": "http_error", "status": 500, "mode": "json"},
    {"kind": "http_error", "status": 502},
    {"kind": "http_error", "status": 503},
    {"kind": "http_error", "status": 504},
    {"kind": "locked"},
    {"kind": "reset"},
    {"kind": "lost_answer"},
    {"kind": "migrating", "retry_after": "20"},
]


@pytest.fixture(scope="module")
def shared() -> Iterator[Portal]:
    with portal("contacts=650,companies=40,deals=30,properties=20") as running:
        yield running


@pytest.fixture
def sandbox(shared: Portal) -> Iterator[Portal]:
    """The module's portal without faults and with fresh counters."""
    yield calm(shared)
    calm(shared)


def touch(portal: Portal, count: int = 450) -> None:
    """Change some contacts now, more than two search pages hold."""
    portal.change("contacts", "stamp", first=count)


@pytest.mark.parametrize("kind", ["truncated_json", "wrong_content_type"])
def test_case_062_a_broken_page_is_read_again_and_nothing_is_lost(
    platform: HurriedPlatform, sandbox: Portal, kind: str
) -> None:
    sandbox.fault(kind, count=2, skip=1, match={"route": "objects.list"})
    report = sync(platform, CONTACT)
    assert report.retries == len(platform.waits) == 2
    assert_mirror_equals_portal(platform, sandbox, CONTACT)
    touch(sandbox)
    sandbox.fault(kind, count=2, skip=1, match={"route": "search"})
    assert sync(platform, CONTACT).retries == 2
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


@pytest.mark.parametrize("kind", ["truncated_json", "wrong_content_type"])
def test_case_062_a_page_that_stays_broken_leaves_the_cursor_where_it_was(
    platform: HurriedPlatform, sandbox: Portal, kind: str
) -> None:
    sandbox.fault(kind, match={"route": "objects.list"})
    with pytest.raises(errors.MalformedResponse):
        sync(platform, CONTACT)
    assert platform.watermark(CONTACT) is None
    sandbox.clear_faults()
    before = sync(platform, CONTACT).watermark
    touch(sandbox)
    sandbox.fault(kind, skip=2, match={"route": "search"})
    with pytest.raises(errors.MalformedResponse):
        sync(platform, CONTACT)
    assert platform.watermark(CONTACT) == before
    sandbox.clear_faults()
    sync(platform, CONTACT)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


@pytest.mark.parametrize(("mode", "page"), [("repeat", 2), ("cycle", 4)])
def test_case_063_a_cursor_loop_names_its_page_and_moves_no_cursor(
    platform: HurriedPlatform, sandbox: Portal, mode: str, page: int
) -> None:
    sandbox.fault("cursor_loop", mode=mode, match={"route": "objects.list"})
    with pytest.raises(errors.CursorLoop, match=f"page {page}") as caught:
        sync(platform, CONTACT)
    assert caught.value.page == page
    assert platform.watermark(CONTACT) is None
    sandbox.clear_faults()
    sync(platform, CONTACT)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_case_063_a_search_cursor_that_leads_back_repeats_nothing_for_ever(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    sync(platform, CONTACT)
    touch(sandbox)
    sandbox.fault("cursor_loop", match={"route": "search"})
    sync(platform, CONTACT)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_case_067_a_change_the_index_shows_late_comes_with_a_later_run(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    sync(platform, CONTACT)
    record_id, name = min(in_portal(sandbox, CONTACT)), f"Late {uuid.uuid4()}"
    sandbox.admin("search", {"lag": 600})
    sandbox.change("contacts", "update", id=str(record_id), properties={"lastname": name})
    created = int(sandbox.change("contacts", "create", properties={"lastname": name})["ids"][0])
    sync(platform, CONTACT)
    assert mirrored(platform, CONTACT)[record_id]["properties"]["lastname"] != name
    sandbox.clock(advance=300)
    sync(platform, CONTACT)
    assert created not in mirrored(platform, CONTACT)
    sandbox.clock(advance=301)
    sync(platform, CONTACT)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_case_068_an_empty_page_with_a_next_link_is_not_the_end(platform: HurriedPlatform, sandbox: Portal) -> None:
    sandbox.fault("empty_page", match={"route": "objects.list"})
    sync(platform, CONTACT)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)
    touch(sandbox)
    sandbox.fault("empty_page", match={"route": "search"}, skip=1, count=1)
    sync(platform, CONTACT)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_case_063_a_search_whose_empty_page_names_itself_for_ever_ends_with_an_error(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    sync(platform, CONTACT)
    touch(sandbox)
    sandbox.fault("empty_page", match={"route": "search"})
    with pytest.raises(errors.CursorLoop, match="page 1"):
        sync(platform, CONTACT)


def test_case_068_an_empty_portal_is_a_fresh_mirror_without_rows(store_url: str | None, tmp_path: Path) -> None:
    with portal("empty") as running, hurried(running, tmp_path, store_url) as platform:
        for obj in CATALOGUE.values():
            first = sync(platform, obj)
            assert platform.watermark(obj) == first.watermark is not None
            second = sync(platform, obj)
            assert (first.mode, second.mode) == (Mode.FULL, Mode.WINDOW)
            assert (first.objects_read, second.objects_read) == (0, 0)
            assert second.lag_seconds is not None
            assert second.lag_seconds <= 60
            assert mirrored(platform, obj) == {}
        running.change("contacts", "create", properties={"email": "first@example.com"})
        assert sync(platform, CONTACT).counts.inserted == 1
        assert_mirror_equals_portal(platform, running, CONTACT)


def test_case_071_archived_records_are_tombstones_and_not_counted(platform: HurriedPlatform, sandbox: Portal) -> None:
    report = sync(platform, CONTACT)
    live, archived = in_portal(sandbox, CONTACT), sandbox.dump("contacts", archived=True)
    assert report.archived_read == len(archived) > 0
    counted = rows(platform, "select count(*) as n from hubspot.contact where not is_deleted")[0]["n"]
    assert counted == report.portal_total == len(live)
    stored = mirrored(platform, CONTACT, deleted=True)
    for record in archived:
        assert stored[int(record["id"])]["archivedAt"] == record["archivedAt"]
    dated = rows(platform, "select count(*) as n from hubspot.contact where is_deleted and archived_at is not null")
    assert dated[0]["n"] == len(archived)


def test_case_049_a_token_that_expires_mid_run_ends_the_run_and_burns_nothing(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    before = sync(platform, CONTACT).watermark
    touch(sandbox)
    sandbox.reset_stats()
    sandbox.admin("faults", {"kind": "expired_token", "skip": 1, "match": {"route": "search"}})
    with pytest.raises(errors.Unauthorized, match="HUBSPOT_ACCESS_TOKEN") as caught:
        sync(platform, CONTACT)
    assert TOKEN not in str(caught.value)
    assert sandbox.stats()["by_status"]["401"] <= 4, "only the calls that were under way"
    assert platform.waits == []
    assert platform.watermark(CONTACT) == before
    sandbox.clear_faults()
    sync(platform, CONTACT)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_case_050_a_missing_scope_is_named_once_and_stops_only_its_object(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    sandbox.admin("scopes", {"missing": ["crm.objects.deals.read"]})
    try:
        with pytest.raises(errors.MissingScope) as caught:
            sync(platform, DEAL)
        assert caught.value.scopes == ("crm.objects.deals.read",)
        assert "crm.objects.deals.read" in caught.value.mend
        assert sandbox.stats()["by_status"]["403"] <= 2, "the count and the first page go out together, once each"
        assert platform.watermark(DEAL) is None
        sync(platform, COMPANY)
        assert_mirror_equals_portal(platform, sandbox, COMPANY)
    finally:
        sandbox.admin("scopes", {"missing": []})


def test_case_051_retry_after_is_waited_exactly_and_only_the_refused_call_repeated(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    sandbox.fault("rate_limit", count=3, skip=3, retry_after="0.1")
    report = sync(platform, CONTACT)
    assert platform.waits == [0.1] * 3
    assert (report.limited, report.retries) == (3, 3)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_case_051_a_storm_of_429_costs_one_call_each(platform: HurriedPlatform, sandbox: Portal) -> None:
    calls = sync(platform, COMPANY, full=True).calls
    sandbox.fault("rate_limit", count=40, skip=3, retry_after="0.01")
    assert sync(platform, COMPANY, full=True).calls == calls + 40
    assert_mirror_equals_portal(platform, sandbox, COMPANY)


def test_case_051_the_daily_limit_ends_the_run_and_the_next_one_resumes_alone(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    before = sync(platform, CONTACT).watermark
    touch(sandbox)
    sandbox.reset_stats()
    sandbox.fault("daily_limit", skip=4)
    with pytest.raises(errors.DailyLimitReached, match="midnight"):
        sync(platform, CONTACT)
    assert platform.waits == []
    assert sandbox.stats()["by_status"]["429"] <= 4
    assert platform.watermark(CONTACT) == before
    sandbox.clear_faults()
    sync(platform, CONTACT)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}".strip())
@pytest.mark.parametrize("skip", [0, 1, 6], ids=["account", "definitions", "pages"])
def test_case_052_a_passing_failure_costs_waits_and_no_record(
    sandbox: Portal, tmp_path: Path, fault: dict[str, object], skip: int
) -> None:
    with hurried(sandbox, tmp_path) as platform:
        sandbox.fault(count=2, skip=skip, **fault)  # type: ignore[arg-type]
        sync(platform, DEAL)
        assert len(platform.waits) == 2
        assert all(wait <= 30 for wait in platform.waits)
        assert_mirror_equals_portal(platform, sandbox, DEAL)


@pytest.mark.parametrize(("obj", "route"), [(CONTACT, "search"), (DEAL, "associations")], ids=["search", "links"])
def test_case_052_a_failure_that_stays_is_tried_eight_times_and_moves_no_cursor(
    platform: HurriedPlatform, sandbox: Portal, obj: ObjectType, route: str
) -> None:
    before = sync(platform, obj).watermark
    sandbox.change(obj.plural, "stamp", first=20)
    sandbox.reset_stats()
    sandbox.fault("http_error", status=502, match={"route": route})
    with pytest.raises(errors.Unavailable) as caught:
        sync(platform, obj)
    assert "<html" not in str(caught.value).lower()
    assert sandbox.stats()["by_status"]["502"] == 8
    assert platform.watermark(obj) == before
    sandbox.clear_faults()
    sync(platform, obj)
    assert_mirror_equals_portal(platform, sandbox, obj)


def test_case_052_a_portal_that_moves_for_a_day_parks_the_run(platform: HurriedPlatform, sandbox: Portal) -> None:
    before = sync(platform, CONTACT).watermark
    sandbox.reset_stats()
    sandbox.fault("migrating", retry_after="86400")
    with pytest.raises(errors.PortalMoving, match="86400 seconds") as caught:
        sync(platform, CONTACT)
    assert caught.value.retry_after == 86_400
    assert sandbox.stats()["calls"] == 1
    assert platform.waits == []
    assert platform.watermark(CONTACT) == before


def test_case_052_a_portal_without_address_or_tls_is_unavailable(sandbox: Portal, tmp_path: Path) -> None:
    port = sandbox.url.rpartition(":")[2]
    for address in ("http://host.invalid", f"https://127.0.0.1:{port}"):
        platform = HurriedPlatform(settings_for(sandbox, tmp_path, hubspot_base_url=address))
        with pytest.raises(errors.Unavailable, match="no answer"):
            sync(platform, CONTACT)
        assert len(platform.waits) == 7
        assert platform.watermark(CONTACT) is None
        platform.close()
