"""Stores that are locked, damaged, exchanged or half migrated, and rows that come twice."""

import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.hubspot.catalogue import CONTACT, DEAL
from hubspot_platform.mirror.plan import Mode, SyncRequest
from hubspot_platform.mirror.report import SyncReport
from hubspot_platform.mirror.sync import sync_object
from hubspot_platform.state import migrate, open_state, pending_migrations
from hubspot_platform.warehouse import WarehouseLocked, WarehouseUnreadable
from hubspot_platform_tests.faults.conftest import HurriedPlatform, calm, hurried
from hubspot_platform_tests.support import postgres
from hubspot_platform_tests.support.platforms import (
    assert_mirror_equals_portal,
    in_portal,
    mirrored,
    rows,
    sync,
)
from hubspot_platform_tests.support.portal import Portal, portal

HOLD_LOCK = """
import sys
from filelock import FileLock
from pathlib import Path
path = Path(sys.argv[1] + ".lock")
with FileLock(path):
    path.with_name(path.name + ".holder").write_text(str(__import__("os").getpid()))
    print("holding", flush=True)
    sys.stdin.read()
"""
DIE_IN_MIGRATION = """
import os, signal, sys
import sqlalchemy as sa
from hubspot_platform.state import migrate, open_state

@sa.event.listens_for(sa.Engine, "after_cursor_execute")
def _die(_conn, _cursor, statement, *_):
    if "CREATE TABLE" in statement and sys.argv[2] in statement:
        os.kill(os.getpid(), signal.SIGKILL)

migrate(open_state(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def shared() -> Iterator[Portal]:
    with portal("contacts=350,companies=40,deals=150,properties=20") as running:
        yield running


@pytest.fixture
def sandbox(shared: Portal) -> Iterator[Portal]:
    """The module's portal without faults."""
    yield calm(shared)
    calm(shared)


def links(platform: HurriedPlatform) -> list[tuple[int, int, str, int]]:
    """Return the association rows of the deals' contacts."""
    found = rows(platform, "select deal_id, contact_id, category, type_id from hubspot.deal_contact")
    return sorted((row["deal_id"], row["contact_id"], row["category"], row["type_id"]) for row in found)


def in_portal_links(sandbox: Portal, platform: HurriedPlatform) -> set[tuple[int, int, int]]:
    """Return the links the portal shows of live deals."""
    live = set(mirrored(platform, DEAL))
    return {(int(a), int(b), kind) for a, b, kind in sandbox.links("deals", "contacts") if int(a) in live}


@pytest.mark.parametrize("unordered", [False, True], ids=["ordered", "unordered"])
def test_case_081_records_that_come_again_are_one_row_with_one_set_of_links(
    platform: HurriedPlatform, sandbox: Portal, unordered: bool
) -> None:
    sync(platform, DEAL)
    before = links(platform)
    sandbox.admin("search", {"unordered": unordered})
    for _ in range(2):
        report = sync(platform, DEAL, since=datetime.fromisoformat("2020-01-01T00:00:00+00:00"))
        assert report.counts.total == report.objects_read >= len(in_portal(sandbox, DEAL))
        assert report.counts.inserted == 0
    sync(platform, DEAL, full=True)
    assert links(platform) == before
    assert {(a, b, kind) for a, b, _, kind in before} == in_portal_links(sandbox, platform)
    assert_mirror_equals_portal(platform, sandbox, DEAL)


def test_case_081_a_record_that_is_archived_between_two_walks_is_one_tombstone(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    record_id = max(in_portal(sandbox, CONTACT))

    def archive_once(report: SyncReport) -> None:
        if report.objects_read and record_id in in_portal(sandbox, CONTACT):
            sandbox.change("contacts", "archive", id=str(record_id))

    report = sync_object(platform, SyncRequest(CONTACT), run_id="test", listen=archive_once)
    assert report.counts.total == report.objects_read
    again = sync(platform, CONTACT)  # the list of archived records may have begun before the record was in it
    assert report.counts.updated + again.counts.updated == 1
    assert record_id in mirrored(platform, CONTACT, deleted=True)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


@contextmanager
def locked(platform: HurriedPlatform) -> Iterator[int | None]:
    """Keep the warehouse from being written by another program; yields its pid where the engine names it."""
    if platform.warehouse().dialect == "postgres":
        with closing(psycopg.connect(platform.settings.warehouse)) as other:
            other.execute("lock table hubspot.contact in access exclusive mode")
            yield None
        return
    path = platform.settings.warehouse.removeprefix("duckdb:///")
    command = [sys.executable, "-c", HOLD_LOCK, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holding\n"
        yield holder.pid
        holder.kill()


def test_case_082_a_warehouse_locked_too_long_is_retryable_and_half_of_nothing_is_written(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    sync(platform, CONTACT)
    before, stored = platform.watermark(CONTACT), mirrored(platform, CONTACT)
    sandbox.change("contacts", "update", first=50, properties={"lastname": "Locked"})
    sandbox.clock(advance=3600)
    taken: list[AbstractContextManager[int | None]] = []
    pids: list[int | None] = []

    def take(report: SyncReport) -> None:
        if report.mode is not None and not taken:
            taken.append(locked(platform))
            pids.append(taken[0].__enter__())

    with pytest.raises(WarehouseLocked) as caught:
        sync_object(platform, SyncRequest(CONTACT), run_id="test", listen=take)
    assert caught.value.retryable
    assert "nothing was written" in str(caught.value)
    assert caught.value.holder_pid == pids[0]
    taken[0].__exit__(None, None, None)
    with pytest.raises(dg.RetryRequested), as_dagster_failure():
        raise caught.value
    platform.warehouse().publish()
    assert mirrored(platform, CONTACT) == stored
    assert platform.watermark(CONTACT) == before
    sync(platform, CONTACT)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_case_082_a_lock_given_back_in_time_is_only_waited_for(platform: HurriedPlatform, sandbox: Portal) -> None:
    sync(platform, CONTACT)
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with platform.warehouse().writer() as session, session.transaction():
            session.execute("update hubspot.contact set portal_id = portal_id")
            entered.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(10)
    threading.Timer(0.05, leave.set).start()
    sync(platform, CONTACT, full=True)
    holder.join()
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


@pytest.mark.parametrize("damage", ["overwritten", "cut", "other"])
def test_case_083_a_damaged_warehouse_file_is_refused_and_left_alone(
    sandbox: Portal, tmp_path: Path, damage: str
) -> None:
    file = tmp_path / "warehouse.duckdb"
    with hurried(sandbox, tmp_path) as platform:
        sync(platform, CONTACT)
        whole, before = file.read_bytes(), platform.watermark(CONTACT)
        broken = {
            "overwritten": whole[:12288] + b"\xff" * (len(whole) - 12288),
            "cut": whole[:20_000],
            "other": b"SQLite format 3\0" * 2000,
        }[damage]
        file.write_bytes(broken)
        with pytest.raises(WarehouseUnreadable) as caught:
            sync(platform, CONTACT)
        assert "backup" in caught.value.mend or "--full" in caught.value.mend
        assert file.read_bytes() == broken
        assert len(mirrored(platform, CONTACT)) == len(in_portal(sandbox, CONTACT)), "the published copy still reads"
        file.write_bytes(whole)
        assert platform.watermark(CONTACT) == before
        assert sync(platform, CONTACT).mode is Mode.WINDOW
        assert_mirror_equals_portal(platform, sandbox, CONTACT)


@dataclass
class Exchangeable:
    """A platform whose warehouse can be saved, brought back, or emptied, apart from its state."""

    platform: HurriedPlatform
    save: Callable[[], None]
    bring_back: Callable[[], None]
    empty: Callable[[], None]


@contextmanager
def on_files(sandbox: Portal, home: Path) -> Iterator[Exchangeable]:
    """Yield a platform on DuckDB."""
    file, backup = home / "warehouse.duckdb", home / "backup"

    def empty() -> None:
        for path in home.glob("warehouse.*duckdb"):
            path.unlink()

    def bring_back() -> None:
        empty()
        file.write_bytes(backup.read_bytes())

    with hurried(sandbox, home) as platform:
        yield Exchangeable(platform, lambda: backup.write_bytes(file.read_bytes()) and None, bring_back, empty)


@contextmanager
def on_databases(sandbox: Portal, home: Path, server: str) -> Iterator[Exchangeable]:
    """Yield a platform whose warehouse is a PostgreSQL database of its own."""
    with postgres.database(server) as state, postgres.database(server) as warehouse:
        name, backup = warehouse.rpartition("/")[2], state.rpartition("/")[2] + "_backup"

        def run(*statements: str) -> None:
            with psycopg.connect(server, autocommit=True) as connection:
                for statement in statements:
                    connection.execute(statement.encode())

        drop = f'drop database "{name}" with (force)'
        with hurried(sandbox, home, state, warehouse_url=warehouse) as platform:
            yield Exchangeable(
                platform,
                lambda: run(f'create database "{backup}" template "{name}"'),
                lambda: run(drop, f'alter database "{backup}" rename to "{name}"'),
                lambda: run(drop, f'create database "{name}"'),
            )


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def exchangeable(request: pytest.FixtureRequest, sandbox: Portal, tmp_path: Path) -> Iterator[Exchangeable]:
    """A platform with an exchangeable warehouse, on each engine."""
    if request.param == "postgres":
        server = request.getfixturevalue("postgres_server")
        with on_databases(sandbox, tmp_path, server) as site:
            yield site
    else:
        with on_files(sandbox, tmp_path) as site:
            yield site


def test_case_083_an_emptied_warehouse_inherits_no_progress(exchangeable: Exchangeable, sandbox: Portal) -> None:
    platform = exchangeable.platform
    sync(platform, CONTACT)
    exchangeable.save()
    identity, before = platform.warehouse().identity(), platform.watermark(CONTACT)
    exchangeable.empty()
    fresh = HurriedPlatform(platform.settings)
    assert fresh.warehouse().identity() != identity
    assert fresh.watermark(CONTACT) is None
    assert sync(fresh, CONTACT).mode is Mode.FULL
    assert_mirror_equals_portal(fresh, sandbox, CONTACT)
    fresh.close()
    exchangeable.bring_back()
    again = HurriedPlatform(platform.settings)
    assert again.watermark(CONTACT) == before
    assert sync(again, CONTACT).mode is Mode.WINDOW
    assert_mirror_equals_portal(again, sandbox, CONTACT)
    again.close()


def test_case_083_an_older_copy_of_the_warehouse_is_brought_up_to_date_from_its_own_progress(
    exchangeable: Exchangeable, sandbox: Portal
) -> None:
    platform = exchangeable.platform
    sync(platform, CONTACT)
    exchangeable.save()
    for record_id in sorted(mirrored(platform, CONTACT))[:2]:
        sandbox.clock(advance=3600)
        sandbox.change("contacts", "update", id=str(record_id), properties={"lastname": f"Changed {uuid.uuid4()}"})
        sandbox.clock(advance=3600)
        sync(platform, CONTACT)
    assert_mirror_equals_portal(platform, sandbox, CONTACT)
    exchangeable.bring_back()
    restored = HurriedPlatform(platform.settings)
    sync(restored, CONTACT)
    assert_mirror_equals_portal(restored, sandbox, CONTACT)
    restored.close()


@pytest.mark.parametrize("table", ["api_window", "incident"])
def test_case_084_a_migration_that_was_interrupted_is_finished_by_the_next_start(
    sandbox: Portal, empty_store_url: str | None, tmp_path: Path, table: str
) -> None:
    state_url = empty_store_url or f"sqlite:///{tmp_path / 'state.sqlite'}"
    died = subprocess.run([sys.executable, "-c", DIE_IN_MIGRATION, state_url, table], timeout=60, check=False)
    assert died.returncode == -9
    store = open_state(state_url)
    pending = pending_migrations(store)
    assert pending, "the version says what is missing"
    store.close()
    with hurried(sandbox, tmp_path, empty_store_url) as platform:
        assert pending_migrations(platform.state()) == []
        assert migrate(platform.state()) == []
        sync(platform, CONTACT)
        assert_mirror_equals_portal(platform, sandbox, CONTACT)
