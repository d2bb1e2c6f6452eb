"""Progress is the completed windows, per warehouse and object, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hubspot_platform.state import Store, leases, windows
from hubspot_platform.state.errors import LeaseLost
from hubspot_platform.state.schema import sync_cursor
from hubspot_platform.state.windows import Window
from hubspot_platform_tests.integration.state.conftest import ManualTime

MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)


def at(hour: float) -> datetime:
    return MIDNIGHT + timedelta(hours=hour)


def span(start: float | None, end: float) -> Window:
    return Window(None if start is None else at(start), at(end))


def done(store: Store, *spans: Window, warehouse: str = "w", lease: leases.Lease | None = None) -> None:
    for window in spans:
        store.write(
            lambda conn, window=window: windows.complete(
                conn, warehouse, "contact", window, mode="window", run_id="r", counts={"read": 1}, lease=lease
            )
        )


def watermark(store: Store, warehouse: str = "w", name: str = "contact") -> datetime | None:
    return store.read(lambda conn: windows.watermark(conn, warehouse, name))


def test_before_a_full_read_there_is_no_watermark(store: Store) -> None:
    assert watermark(store) is None
    done(store, span(3, 4))
    assert watermark(store) is None
    assert not store.read(lambda conn: windows.has_base(conn, "w", "contact"))


def test_the_watermark_is_the_end_of_the_unbroken_row(store: Store) -> None:
    done(store, span(None, 1), span(2, 3), span(1, 2), span(4, 5))
    assert store.read(lambda conn: windows.has_base(conn, "w", "contact"))
    assert watermark(store) == at(3)
    assert store.read(lambda conn: windows.completed(conn, "w", "contact")) == [span(None, 3), span(4, 5)]


def test_a_window_completed_twice_or_overlapping_changes_nothing(store: Store) -> None:
    done(store, span(None, 2), span(1, 2), span(1, 2), span(0.5, 1.5))
    assert watermark(store) == at(2)


def test_another_warehouse_or_object_does_not_inherit_progress(store: Store) -> None:
    done(store, span(None, 2))
    assert watermark(store, warehouse="replaced") is None
    assert watermark(store, name="deal") is None


def test_a_lost_lease_completes_nothing(store: Store, moment: ManualTime) -> None:
    mine = leases.try_acquire(store, "sync:contact", "a", timedelta(minutes=1))
    done(store, span(None, 1), lease=mine)
    moment.advance(61)
    theirs = leases.try_acquire(store, "sync:contact", "b", timedelta(minutes=1))
    with pytest.raises(LeaseLost):
        done(store, span(1, 2), lease=mine)
    assert watermark(store) == at(1)
    done(store, span(1, 2), lease=theirs)
    assert watermark(store) == at(2)


def test_compacting_folds_old_rows_and_changes_no_answer(store: Store, moment: ManualTime) -> None:
    done(store, span(None, 1), span(1, 2), span(2, 3), span(5, 6), span(6, 7), span(9, 10))
    done(store, span(None, 4), warehouse="other")
    moment.advance(3600)
    border = moment.now
    done(store, span(3, 4))
    before = store.read(lambda conn: windows.completed(conn, "w", "contact"))
    assert store.write(lambda conn: windows.compact(conn, border)) == 3
    assert store.read(lambda conn: windows.completed(conn, "w", "contact")) == before
    assert watermark(store) == at(4)
    assert watermark(store, warehouse="other") == at(4)
    query = sa.select(sync_cursor.c.counts).where(
        sync_cursor.c.mode == "compacted", sync_cursor.c.window_start.is_(None)
    )
    assert store.read(lambda conn: conn.execute(query).scalar_one()) == {"read": 3}
    assert store.write(lambda conn: windows.compact(conn, border)) == 0
