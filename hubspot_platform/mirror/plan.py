"""What a sync has to read, decided before anything is read.

There is one notion of progress: completed windows of last-modified time. A partition is a window, a catch-up is the
window from the watermark to now, a full read completes everything before it. These functions are pure; the sync
engine carries their answer out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hubspot_platform.errors import PlatformError
from hubspot_platform.hubspot.catalogue import ObjectType
from hubspot_platform.state.windows import Window

SMALL_LOSS = 25
# HubSpot's clock is known to the second at best; a search that ends a little later misses nothing of "now".
READ_AHEAD = timedelta(seconds=5)


class Mode(StrEnum):
    """How a sync reads: every record, the records changed in a window, a sample that proves nothing, or a pass.

    An object that the business settings leave out is skipped: its tables are there and nothing is read into them.
    Passes find what the windows of last-modified time cannot show; `mirror/passes.py` has one function for each.
    """

    FULL = "full"
    WINDOW = "window"
    LIMITED = "limited"
    CENSUS = "census"
    ARCHIVED = "archived"
    MERGES = "merges"
    ASSOCIATIONS = "associations"
    REFRESH = "refresh"
    SKIPPED = "skipped"


PASSES = (Mode.CENSUS, Mode.ARCHIVED, Mode.MERGES, Mode.ASSOCIATIONS, Mode.REFRESH)
READS_EVERYTHING = (Mode.FULL, Mode.REFRESH)


class VolumeGuard(PlatformError):
    """The portal lost so many records at once that deleting them here needs a person's word."""

    def __init__(self, object_name: str, lost: int, live: int) -> None:
        super().__init__(
            f"{lost} of {live} {object_name} records are gone from the portal; nothing was marked as deleted",
            mend=f"if this is right, run hubspot-platform sync {object_name} --full --confirm-deletes",
        )
        self.lost = lost
        self.live = live


@dataclass(frozen=True)
class SyncRequest:
    """What a caller asks for; without `full`, `window`, `since`, `limit` and `repair` it is "catch up to now".

    `repair` is one of PASSES. Without `history` only present values are read. `by_export` lets a full read go
    through an export of HubSpot.
    """

    object: ObjectType
    full: bool = False
    window: Window | None = None
    since: datetime | None = None
    limit: int | None = None
    confirm_deletes: bool = False
    repair: Mode | None = None
    history: bool = True
    by_export: bool = False


@dataclass(frozen=True)
class Progress:
    """What is complete already: whether a full read is, and up to when without a gap."""

    has_base: bool
    watermark: datetime | None


def known_progress(has_base: bool, watermark: datetime | None, stored_until: datetime | None) -> Progress:
    """Return the progress to go on from: what the state knows, but never more than the warehouse itself holds.

    `stored_until` is the warehouse's own note. An older copy of the warehouse that was brought back has an older one,
    and is read again from there.
    """
    if not has_base or watermark is None or stored_until is None:
        return Progress(False, None)
    return Progress(True, min(watermark, stored_until))


def stored_after(stored_until: datetime | None, window: Window) -> datetime | None:
    """Return up to when a warehouse is complete without a gap once `window` has been read into it too."""
    if window.start is None:
        return window.end if stored_until is None else max(stored_until, window.end)
    if stored_until is None or window.start > stored_until:
        return stored_until
    return max(stored_until, window.end)


@dataclass(frozen=True)
class ReadPlan:
    """How to read, the last-modified window to search, and the window that is complete afterwards."""

    mode: Mode
    search: Window | None
    completes: Window | None


def plan_read(
    request: SyncRequest, progress: Progress, *, now: datetime, overlap: timedelta, lag: timedelta
) -> ReadPlan:
    """Decide what to read; `now` is HubSpot's clock.

    The first read of an object is a full read whatever was asked for, because a window says nothing about what lies
    before it. Every window is read from `overlap` before its start, so that changes the search index showed late are
    read again, and counts as complete only up to `lag` before now. A window that begins after the watermark is read
    from the watermark on: there is no progress beyond a gap.
    """
    if request.limit is not None:
        return ReadPlan(Mode.LIMITED, None, None)
    if request.full or not progress.has_base or progress.watermark is None:
        return ReadPlan(Mode.FULL, None, Window(None, now))
    if request.repair is not None:
        return ReadPlan(request.repair, None, Window(None, now) if request.repair is Mode.REFRESH else None)
    start, end = request.since or progress.watermark, now + READ_AHEAD
    if request.window is not None and request.window.start is not None:
        start, end = request.window.start, min(request.window.end, end)
    start -= overlap
    if progress.watermark < start < end:
        # The hours between would stay a gap that nobody asks for again, and the watermark would never pass it.
        start = progress.watermark - overlap
    complete_until = min(end, now - lag)
    return ReadPlan(
        Mode.WINDOW,
        Window(start, end) if start < end else None,
        Window(start, complete_until) if start < complete_until else None,
    )


def guard_volume(request: SyncRequest, *, live: int, remaining: int, share: float) -> None:
    """Raise VolumeGuard when more than `share` of the live rows (and more than a handful) would be deleted."""
    lost = live - remaining
    if lost > SMALL_LOSS and lost > share * live and not request.confirm_deletes:
        raise VolumeGuard(request.object.name, lost, live)
