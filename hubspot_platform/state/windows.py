"""One notion of progress: the windows of time an object was read for, completely.

The mirror completes a window once its rows are durable in the warehouse; `sync` reads the watermark from it,
a Dagster partition is one such window, and nothing else remembers a position. Windows belong to one
warehouse, so that an empty or replaced warehouse never inherits somebody else's progress.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from hubspot_platform.state.leases import Lease, verify
from hubspot_platform.state.schema import sync_cursor
from hubspot_platform.state.store import database_now


@dataclass(frozen=True)
class Window:
    """The half-open span [start, end) of aware instants; a start of None is everything before the end."""

    start: datetime | None
    end: datetime

    def __post_init__(self) -> None:
        if self.end.tzinfo is None or (self.start is not None and self.start.tzinfo is None):
            raise ValueError(f"{self}: a window's bounds carry a time zone")
        if self.start is not None and self.start >= self.end:
            raise ValueError(f"{self}: a window ends after it starts")

    def __str__(self) -> str:
        return f"[{self.start.isoformat() if self.start else 'the beginning'}, {self.end.isoformat()})"


def merge_windows(windows: Iterable[Window]) -> list[Window]:
    """Return the same instants as windows that neither touch nor overlap, earliest first."""
    merged: list[Window] = []
    for window in sorted(windows, key=_by_start):
        last = merged[-1] if merged else None
        if last is None or (window.start is not None and window.start > last.end):
            merged.append(window)
        elif window.end > last.end:
            merged[-1] = Window(last.start, window.end)
    return merged


def gaps(windows: Iterable[Window], until: datetime) -> list[Window]:
    """Return what is missing before `until`, earliest first; without a base the first gap has no start."""
    missing: list[Window] = []
    reached: datetime | None = None
    for window in merge_windows(windows):
        if window.start is not None and (reached is None or window.start > reached):
            end = min(window.start, until)
            if reached is None or reached < end:
                missing.append(Window(reached, end))
        reached = window.end
        if reached >= until:
            return missing
    return [*missing, Window(reached, until)]


def complete(  # noqa: PLR0913 - one row of the table, all of it by name
    conn: sa.Connection,
    warehouse_id: str,
    object_name: str,
    window: Window,
    *,
    mode: str,
    run_id: str | None,
    counts: Mapping[str, int],
    lease: Lease | None = None,
) -> None:
    """Record that everything HubSpot changed in `window` is durable in the warehouse.

    With a lease, its fencing token is checked in this very transaction: LeaseLost, and nothing is recorded.
    Completing the same window again changes no answer.
    """
    if lease is not None:
        verify(conn, lease)
    conn.execute(
        sa.insert(sync_cursor),
        {
            "warehouse_id": warehouse_id,
            "object": object_name,
            "window_start": window.start,
            "window_end": window.end,
            "mode": mode,
            "run_id": run_id,
            "counts": dict(counts),
            "completed_at": database_now(conn),
        },
    )


def completed(conn: sa.Connection, warehouse_id: str, object_name: str) -> list[Window]:
    """Return the completed windows, merged, earliest first."""
    query = sa.select(sync_cursor.c.window_start, sync_cursor.c.window_end).where(
        sync_cursor.c.warehouse_id == warehouse_id, sync_cursor.c.object == object_name
    )
    return merge_windows(Window(start, end) for start, end in conn.execute(query))


def watermark(conn: sa.Connection, warehouse_id: str, object_name: str) -> datetime | None:
    """Return the end of the unbroken row of windows that begins with everything; None before a full read."""
    windows = completed(conn, warehouse_id, object_name)
    return windows[0].end if windows and windows[0].start is None else None


def has_base(conn: sa.Connection, warehouse_id: str, object_name: str) -> bool:
    """Say whether a full read was ever completed."""
    query = sa.select(sa.literal(1)).where(
        sync_cursor.c.warehouse_id == warehouse_id,
        sync_cursor.c.object == object_name,
        sync_cursor.c.window_start.is_(None),
    )
    return conn.execute(query.limit(1)).first() is not None


def compact(conn: sa.Connection, older_than: datetime) -> int:
    """Fold rows completed before `older_than` without changing any answer; returns the rows saved."""
    old = sync_cursor.c.completed_at < older_than
    scopes = conn.execute(
        sa.select(sync_cursor.c.warehouse_id, sync_cursor.c.object)
        .where(old)
        .group_by(sync_cursor.c.warehouse_id, sync_cursor.c.object)
        .having(sa.func.count() > 1)
    ).all()
    return sum(_fold(conn, warehouse_id, object_name, old) for warehouse_id, object_name in scopes)


def _fold(conn: sa.Connection, warehouse_id: str, object_name: str, old: sa.ColumnElement[bool]) -> int:
    scope = sa.and_(sync_cursor.c.warehouse_id == warehouse_id, sync_cursor.c.object == object_name, old)
    rows = conn.execute(sa.select(sync_cursor).where(scope).with_for_update()).all()
    folded = merge_windows(Window(row.window_start, row.window_end) for row in rows)
    if len(folded) == len(rows):
        return 0
    conn.execute(sa.delete(sync_cursor).where(sync_cursor.c.id.in_([row.id for row in rows])))
    conn.execute(
        sa.insert(sync_cursor),
        [
            {
                "warehouse_id": warehouse_id,
                "object": object_name,
                "window_start": window.start,
                "window_end": window.end,
                "mode": "compacted",
                "run_id": None,
                "counts": _total([row.counts for row in rows if _inside(row, window)]),
                "completed_at": max(row.completed_at for row in rows if _inside(row, window)),
            }
            for window in folded
        ],
    )
    return len(rows) - len(folded)


def _inside(row: sa.Row[tuple[object, ...]], window: Window) -> bool:
    if row.window_end > window.end:
        return False
    return window.start is None or (row.window_start is not None and row.window_start >= window.start)


def _total(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts:
        for name, number in each.items():
            total[name] = total.get(name, 0) + number
    return total


def _by_start(window: Window) -> tuple[bool, float]:
    return (window.start is not None, window.start.timestamp() if window.start is not None else 0.0)
