"""What a sync reads is decided from completed windows alone."""

from datetime import UTC, datetime, timedelta

import pytest

from hubspot_platform.hubspot.catalogue import CONTACT
from hubspot_platform.mirror.plan import (
    READ_AHEAD,
    Mode,
    Progress,
    ReadPlan,
    SyncRequest,
    VolumeGuard,
    guard_volume,
    known_progress,
    plan_read,
    stored_after,
)
from hubspot_platform.state.windows import Window

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OVERLAP = timedelta(minutes=15)
LAG = timedelta(seconds=60)


def plan(request: SyncRequest, watermark: datetime | None) -> ReadPlan:
    return plan_read(request, Progress(watermark is not None, watermark), now=NOON, overlap=OVERLAP, lag=LAG)


def test_the_first_read_is_a_full_read_whatever_is_asked_for() -> None:
    asked = SyncRequest(CONTACT, window=Window(NOON - HOUR, NOON))
    assert plan(asked, None) == ReadPlan(Mode.FULL, None, Window(None, NOON))


def test_a_catch_up_reads_from_the_watermark_with_overlap_to_now() -> None:
    found = plan(SyncRequest(CONTACT), NOON - 2 * HOUR)
    assert found.search == Window(NOON - 2 * HOUR - OVERLAP, NOON + READ_AHEAD)
    assert found.completes == Window(NOON - 2 * HOUR - OVERLAP, NOON - LAG)


def test_case_067_the_last_minute_is_read_but_not_yet_complete_because_the_index_lags() -> None:
    found = plan(SyncRequest(CONTACT, window=Window(NOON - HOUR, NOON)), NOON - HOUR)
    assert found.search is not None
    assert found.search.end == NOON
    assert found.completes is not None
    assert found.completes.end == NOON - LAG


def test_the_next_partition_closes_what_the_lag_left_open() -> None:
    later = NOON + HOUR
    request = SyncRequest(CONTACT, window=Window(NOON, later))
    found = plan_read(request, Progress(True, NOON - LAG), now=later + HOUR, overlap=OVERLAP, lag=LAG)
    assert found.completes == Window(NOON - OVERLAP, later)


def test_a_partition_in_the_past_completes_its_whole_hour() -> None:
    hour = Window(NOON - 5 * HOUR, NOON - 4 * HOUR)
    found = plan(SyncRequest(CONTACT, window=hour), NOON)
    assert found.completes == Window(NOON - 5 * HOUR - OVERLAP, NOON - 4 * HOUR)


def test_a_window_in_the_future_reads_nothing_and_completes_nothing() -> None:
    found = plan(SyncRequest(CONTACT, window=Window(NOON + HOUR, NOON + 2 * HOUR)), NOON)
    assert found == ReadPlan(Mode.WINDOW, None, None)


def test_a_limited_read_proves_nothing() -> None:
    assert plan(SyncRequest(CONTACT, limit=10), NOON) == ReadPlan(Mode.LIMITED, None, None)


@pytest.mark.parametrize(("live", "remaining"), [(1000, 900), (100, 75), (10, 0), (0, 0), (100, 300)])
def test_small_losses_pass_the_volume_guard(live: int, remaining: int) -> None:
    guard_volume(SyncRequest(CONTACT), live=live, remaining=remaining, share=0.1)


def test_case_076_a_large_loss_stops_before_anything_is_deleted() -> None:
    with pytest.raises(VolumeGuard, match=r"600 of 1000 contact records are gone.*--confirm-deletes"):
        guard_volume(SyncRequest(CONTACT), live=1000, remaining=400, share=0.1)
    guard_volume(SyncRequest(CONTACT, confirm_deletes=True), live=1000, remaining=400, share=0.1)


def test_case_075_a_window_that_begins_after_the_watermark_is_read_from_the_watermark_on() -> None:
    asked = SyncRequest(CONTACT, window=Window(NOON - HOUR, NOON))
    found = plan(asked, NOON - 40 * HOUR)
    assert found.search == Window(NOON - 40 * HOUR - OVERLAP, NOON)
    assert found.completes == Window(NOON - 40 * HOUR - OVERLAP, NOON - LAG)


@pytest.mark.parametrize(
    ("has_base", "watermark", "stored", "expected"),
    [
        (True, NOON, NOON, Progress(True, NOON)),
        (True, NOON, NOON - HOUR, Progress(True, NOON - HOUR)),
        (True, NOON - HOUR, NOON, Progress(True, NOON - HOUR)),
        (True, NOON, None, Progress(False, None)),
        (False, None, NOON, Progress(False, None)),
        (True, None, NOON, Progress(False, None)),
    ],
    ids=["agree", "older copy", "killed between both notes", "unknown copy", "new state", "gap at the beginning"],
)
def test_case_083_progress_is_what_state_and_warehouse_both_know(
    has_base: bool, watermark: datetime | None, stored: datetime | None, expected: Progress
) -> None:
    assert known_progress(has_base, watermark, stored) == expected


def test_case_083_a_warehouse_counts_as_complete_only_up_to_its_first_gap() -> None:
    assert stored_after(None, Window(None, NOON)) == NOON
    assert stored_after(NOON, Window(None, NOON - HOUR)) == NOON
    assert stored_after(None, Window(NOON, NOON + HOUR)) is None
    assert stored_after(NOON, Window(NOON - HOUR, NOON + HOUR)) == NOON + HOUR
    assert stored_after(NOON, Window(NOON - 2 * HOUR, NOON - HOUR)) == NOON
    assert stored_after(NOON, Window(NOON + HOUR, NOON + 2 * HOUR)) == NOON
