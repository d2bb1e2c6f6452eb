"""Platforms for tests: a sandbox portal joined to a store pair (DuckDB + SQLite, or PostgreSQL for both)."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from hubspot_platform.hubspot.catalogue import ObjectType
from hubspot_platform.mirror.plan import SyncRequest
from hubspot_platform.mirror.report import SyncReport
from hubspot_platform.mirror.sync import sync_object
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import Settings, load_settings
from hubspot_platform_tests.support.portal import TOKEN, Portal
from hubspot_platform_tests.support.stores import prepared_home

SLACK_TOKEN = "xoxb-sandbox"


def environment(portal: Portal, home: Path, postgres_url: str | None) -> dict[str, str]:
    """Return the environment variables of a platform on this portal and store pair."""
    return {
        "HUBSPOT_BASE_URL": portal.url,
        "HUBSPOT_ACCESS_TOKEN": TOKEN,
        "HUBSPOT_RATE_LIMIT": "0",
        "HUBSPOT_SEARCH_RATE_LIMIT": "0",
        "SLACK_BASE_URL": portal.slack_url,
        "SLACK_BOT_TOKEN": SLACK_TOKEN,
        "PLATFORM_HOME": str(home),
        "WAREHOUSE_URL": postgres_url or "",
        "STATE_URL": postgres_url or "",
    }


def settings_for(portal: Portal, home: Path, postgres_url: str | None = None, **more: Any) -> Settings:
    """Return the settings of such a platform in this process."""
    values: dict[str, Any] = {
        (name if name == "HUBSPOT_ACCESS_TOKEN" else name.lower()): value
        for name, value in environment(portal, home, postgres_url).items()
        if value
    }
    return load_settings(**{**values, **more})


@contextmanager
def platform_for(portal: Portal, home: Path, postgres_url: str | None = None, **more: Any) -> Iterator[Platform]:
    """Open a platform on the portal and close it; its state store is migrated already."""
    if postgres_url is None:
        prepared_home(home)
    platform = Platform(settings_for(portal, home, postgres_url, **more))
    try:
        yield platform
    finally:
        platform.close()


def sync(platform: Platform, obj: ObjectType, **request: Any) -> SyncReport:
    """Sync one object as the platform does."""
    return sync_object(platform, SyncRequest(obj, **request), run_id="test")


def rows(platform: Platform, sql: str, *params: object) -> list[dict[str, Any]]:
    """Query the published warehouse."""
    with platform.warehouse().reader() as session:
        found: pa.Table = session.query(sql, params)
    return found.to_pylist()


def mirrored(platform: Platform, obj: ObjectType, *, deleted: bool = False) -> dict[int, dict[str, Any]]:
    """Return the mirror's records of an object by id: the object as HubSpot returned it."""
    found = rows(
        platform, f"select {obj.id_column} as id, raw_json from hubspot.{obj.table} where is_deleted = ?", deleted
    )
    assert len({row["id"] for row in found}) == len(found), "an id stands twice in the mirror"
    return {row["id"]: json.loads(row["raw_json"]) for row in found}


def in_portal(portal: Portal, obj: ObjectType) -> dict[int, Mapping[str, Any]]:
    """Return the portal's live records of an object by id."""
    return {int(record["id"]): record for record in portal.dump(obj.plural)}


def assert_mirror_equals_portal(platform: Platform, portal: Portal, obj: ObjectType) -> None:
    """Every live record of the portal is in the mirror with every value, and no other live record is."""
    here, there = mirrored(platform, obj), in_portal(portal, obj)
    assert set(here) == set(there)
    for record_id, record in there.items():
        stored = {name: value for name, value in here[record_id]["properties"].items() if value not in (None, "")}
        wanted = {
            name: value.replace("\x00", "\ufffd")
            for name, value in record["properties"].items()
            if value not in (None, "")
        }
        assert stored == wanted, f"{obj.name} {record_id}"
