"""Every test of this folder that asks for `state_url` or `store` runs on SQLite and on PostgreSQL."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hubspot_platform.state import Store, migrate, open_state
from hubspot_platform_tests.support.stores import migrated_sqlite


class ManualTime:
    """A wall clock, a monotonic clock and a pause that tests move instead of waiting for."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 10, 12, tzinfo=UTC)
        self.elapsed = 0.0

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self.elapsed += seconds

    def set_back(self, seconds: float) -> None:
        """Set the wall clock back, as NTP or a person may."""
        self.now -= timedelta(seconds=seconds)

    def pause(self, condition: threading.Condition, seconds: float) -> None:
        """Stand in for a timed wait: it is over once those just served had a moment to go on."""
        condition.wait(min(seconds, 0.05))
        self.advance(seconds)


@pytest.fixture
def moment() -> ManualTime:
    return ManualTime()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'state.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a state store that no migration has seen."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'state.db'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


@pytest.fixture
def store(state_url: str, moment: ManualTime) -> Iterator[Store]:
    """A migrated store that goes by the test's clock."""
    if state_url.startswith("sqlite"):
        migrated_sqlite(Path(state_url.removeprefix("sqlite:///")))
    opened = open_state(state_url, moment)
    migrate(opened)
    yield opened
    opened.close()
