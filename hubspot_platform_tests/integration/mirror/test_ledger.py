"""The warehouse's memory of its reading is kept as long as operational records, and marks as long as they serve."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import CONTACT
from hubspot_platform.hubspot.ranges import Span
from hubspot_platform.mirror import ledger
from hubspot_platform.mirror.ledger import ReadMarks
from hubspot_platform.mirror.plan import Mode
from hubspot_platform.mirror.report import SyncReport
from hubspot_platform.warehouse import Warehouse, open_warehouse

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    """An empty warehouse of each kind."""
    duckdb = f"duckdb:///{tmp_path / 'warehouse.duckdb'}"
    return open_warehouse(request.getfixturevalue("postgres_url") if request.param == "postgres" else duckdb)


def test_old_runs_and_marks_go_and_the_others_stay(warehouse: Warehouse) -> None:
    assert ledger.prune(warehouse, NOW, NOW) == {}, "nothing was ever read"
    for age in (100, 91, 89, 0):
        at = NOW - age * DAY
        ledger.note_run(warehouse, f"run-{age}", SyncReport("contact", at, finished_at=at, mode=Mode.WINDOW))
    for hours in (25, 23):
        marks = ReadMarks(NOW - timedelta(hours=hours), "shape")
        with warehouse.writer() as session, session.transaction():
            ledger.mark_ranges(session, CONTACT, [Span(0, hours)], 1, marks)
    assert ledger.prune(warehouse, NOW - 90 * DAY, NOW) == {"sync_runs": 2, "read_ranges": 1}
    assert ledger.prune(warehouse, NOW - 90 * DAY, NOW) == {"sync_runs": 0, "read_ranges": 0}
    with warehouse.writer() as session:
        kept = session.query(f"select run_id from {ledger.SYNC_RUN.qualified} order by run_id")
        ranges = session.query(f"select high from {ledger.READ_RANGE.qualified}")
    assert kept["run_id"].to_pylist() == ["run-0", "run-89"]
    assert ranges["high"].to_pylist() == [23]
