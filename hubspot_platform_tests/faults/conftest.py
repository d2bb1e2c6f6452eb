"""What the fault tests share: platforms on both store pairs that note their waits instead of sleeping."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from hubspot_platform.clock import Clock, utc_now
from hubspot_platform.hubspot.catalogue import ObjectType
from hubspot_platform.hubspot.policy import HubSpotPolicy
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import Settings
from hubspot_platform.state import windows
from hubspot_platform.warehouse import Warehouse, open_warehouse
from hubspot_platform_tests.support.platforms import settings_for
from hubspot_platform_tests.support.portal import Portal, calm
from hubspot_platform_tests.support.stores import prepared_home

__all__ = ["HurriedPlatform", "calm", "hurried"]

LOCK_WAIT = 0.3


class HurriedPlatform(Platform):
    """A platform that waits nowhere between tries (`waits` has the seconds) and only briefly for a warehouse."""

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        super().__init__(settings, clock)
        self.waits: list[float] = []
        self._hurried: Warehouse | None = None

    @contextmanager
    def hubspot(self) -> Iterator[HubSpotPolicy]:
        """Yield the platform's policy, with waits that are noted."""

        async def note(seconds: float) -> None:
            self.waits.append(seconds)

        with super().hubspot() as policy:
            yield replace(policy, sleep=note, sleep_blocking=self.waits.append)

    def warehouse(self) -> Warehouse:
        """Return the platform's warehouse, with a short wait for its lock."""
        if self._hurried is None:
            self._hurried = open_warehouse(self.settings.warehouse, lock_wait=LOCK_WAIT)
        return self._hurried

    def watermark(self, obj: ObjectType) -> datetime | None:
        """Return up to when the object is complete."""
        identity = self.warehouse().identity()
        return self.state().read(lambda connection: windows.watermark(connection, identity, obj.name))


@contextmanager
def hurried(
    portal: Portal, home: Path, postgres_url: str | None = None, clock: Clock = utc_now, **more: object
) -> Iterator[HurriedPlatform]:
    """Open a hurried platform on a portal and close it; its state store is migrated already."""
    if postgres_url is None:
        prepared_home(home)
    platform = HurriedPlatform(settings_for(portal, home, postgres_url, **more), clock)
    try:
        yield platform
    finally:
        platform.close()


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """The store pair of a test: None for DuckDB with SQLite, else the URL of a PostgreSQL database of its own."""
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else None


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_store_url(request: pytest.FixtureRequest) -> str | None:
    """As `store_url`, of a database that no migration has seen."""
    return request.getfixturevalue("empty_postgres_url") if request.param == "postgres" else None


@pytest.fixture
def platform(sandbox: Portal, store_url: str | None, tmp_path: Path) -> Iterator[HurriedPlatform]:
    """A platform on the module's portal, once on each store pair."""
    with hurried(sandbox, tmp_path, store_url) as opened:
        yield opened
