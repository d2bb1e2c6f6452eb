"""The DuckDB file among processes and threads: locking, publishing, killed writers, damaged and replaced files."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from hubspot_platform.warehouse import NothingPublished, WarehouseLocked, WarehouseUnreadable
from hubspot_platform.warehouse.duckdb import DuckDbWarehouse
from hubspot_platform_tests.support.warehouse import CONTACT, contact, rows, stored

HOLD_WRITER = """
import sys
from hubspot_platform.warehouse import open_warehouse
with open_warehouse("duckdb:///" + sys.argv[1]).writer() as session, session.transaction():
    session.execute("insert into hubspot.contact (id) values (99)")
    print("holding", flush=True)
    sys.stdin.read()
"""
HOLD_FILE = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("holding", flush=True)
sys.stdin.read()
"""


@contextmanager
def process(code: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the warehouse until its input closes or it is killed."""
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        try:
            assert started.stdout.readline() == "holding\n"
            yield started
        finally:
            started.kill()


def filled(path: Path, lock_wait: float = 5) -> DuckDbWarehouse:
    warehouse = DuckDbWarehouse(path, lock_wait=lock_wait)
    with warehouse.writer() as session:
        session.ensure(CONTACT)
        session.merge(CONTACT, rows(CONTACT, contact(1, 1), contact(2, 1)))
    return warehouse


def ids(warehouse: DuckDbWarehouse) -> list[int]:
    return [row["id"] for row in stored(warehouse, "select id from hubspot.contact order by id")]


def published_ids(warehouse: DuckDbWarehouse) -> list[int]:
    with warehouse.reader() as session:
        return sorted(session.query("select id from hubspot.contact")["id"].to_pylist())


def add(warehouse: DuckDbWarehouse, *numbers: int) -> None:
    with warehouse.writer() as session:
        session.merge(CONTACT, rows(CONTACT, *(contact(n, 1) for n in numbers)))


@pytest.mark.parametrize("code", [HOLD_WRITER, HOLD_FILE])
def test_case_082_a_lock_held_too_long_is_retryable_and_names_the_holder(duckdb_path: Path, code: str) -> None:
    warehouse = filled(duckdb_path, lock_wait=0.3)
    with process(code, duckdb_path) as holder:
        with pytest.raises(WarehouseLocked, match=str(holder.pid)) as locked, warehouse.writer():
            pytest.fail("opened in spite of the lock")
        assert locked.value.retryable
        assert locked.value.holder_pid == holder.pid
    assert ids(warehouse) == [1, 2]


def test_a_writer_waits_for_the_one_before(duckdb_path: Path) -> None:
    warehouse = filled(duckdb_path)
    with process(HOLD_WRITER, duckdb_path) as holder:
        assert holder.stdin is not None
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(ids, warehouse)
            holder.stdin.close()
            assert waiting.result() == [1, 2, 99]


def test_threads_of_one_process_take_turns(duckdb_path: Path) -> None:
    warehouse = filled(duckdb_path)
    inside = threading.Semaphore(1)

    def work(number: int) -> bool:
        with warehouse.writer() as session:
            alone = inside.acquire(blocking=False)
            session.merge(CONTACT, rows(CONTACT, contact(number, 1)))
            inside.release()
            return alone

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(40)))
    assert ids(warehouse) == list(range(40))


def test_a_thread_that_opens_twice_is_told_at_once(duckdb_path: Path) -> None:
    warehouse = filled(duckdb_path)
    with warehouse.writer(), pytest.raises(WarehouseLocked, match="this thread"), warehouse.writer():
        pass
    assert ids(warehouse) == [1, 2]


def test_a_writer_killed_in_a_transaction_leaves_what_was_committed(duckdb_path: Path) -> None:
    warehouse = filled(duckdb_path)
    with process(HOLD_WRITER, duckdb_path) as holder:
        holder.kill()
        holder.wait()
        assert ids(warehouse) == [1, 2]
    add(warehouse, 3)
    assert ids(warehouse) == [1, 2, 3]


def test_publishing_is_skipped_until_something_is_written(duckdb_path: Path) -> None:
    warehouse = filled(duckdb_path)
    assert warehouse.publish()
    assert not warehouse.publish()
    assert warehouse.identity()  # opening alone is no change
    assert not warehouse.publish()
    add(warehouse, 3)
    assert published_ids(warehouse) == [1, 2]
    assert warehouse.publish()
    assert published_ids(warehouse) == [1, 2, 3]
    assert sorted(p.name for p in duckdb_path.parent.glob("*.duckdb*") if not p.is_dir()) == [
        "warehouse.duckdb",
        "warehouse.duckdb.lock",
        "warehouse.duckdb.publish.lock",
        "warehouse.published.duckdb",
    ]


def test_what_is_published_soon_is_seen_here_at_once_and_by_others_when_it_is_settled(duckdb_path: Path) -> None:
    warehouse, other = filled(duckdb_path), DuckDbWarehouse(duckdb_path)
    warehouse.publish()
    published = duckdb_path.with_name("warehouse.published.duckdb")
    copies = set()
    for number in range(3, 40):
        add(warehouse, number)
        warehouse.publish_soon()
        copies.add(published.stat().st_mtime_ns)
    assert len(copies) < 37, "a copy for each of many tables"
    add(warehouse, 40)
    warehouse.publish_soon()
    assert published_ids(warehouse) == list(range(1, 41))
    add(warehouse, 41)
    warehouse.publish_soon()
    warehouse.settle()
    assert published_ids(other) == list(range(1, 42))


def test_a_reader_keeps_its_copy_while_a_new_one_is_published(duckdb_path: Path) -> None:
    warehouse = filled(duckdb_path)
    with warehouse.reader() as old:
        add(warehouse, 3)
        warehouse.publish()
        with warehouse.reader() as new:
            assert new.query("select count(*) as n from hubspot.contact")["n"][0].as_py() == 3
        assert old.query("select count(*) as n from hubspot.contact")["n"][0].as_py() == 2


def test_readers_do_not_wait_for_a_writer_and_never_see_half_a_copy(duckdb_path: Path) -> None:
    warehouse = filled(duckdb_path)
    warehouse.publish()
    with process(HOLD_WRITER, duckdb_path):
        assert published_ids(warehouse) == [1, 2]
    done = threading.Event()

    def read() -> int:
        seen = 0
        while not done.is_set():
            found = published_ids(warehouse)
            assert found == list(range(1, len(found) + 1))
            seen += 1
        return seen

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        try:
            for number in range(3, 15):
                add(warehouse, number)
                warehouse.publish()
        finally:
            done.set()
        assert all(reader.result() for reader in readers)


def test_the_first_reader_publishes_what_was_never_published(duckdb_path: Path) -> None:
    warehouse = filled(duckdb_path)
    assert not warehouse.published.exists()
    assert published_ids(warehouse) == [1, 2]


def test_nothing_to_read_says_what_to_run(duckdb_path: Path) -> None:
    with pytest.raises(NothingPublished, match="sync all"), DuckDbWarehouse(duckdb_path).reader():
        pass
    assert not duckdb_path.exists()


def test_the_log_of_a_killed_writer_is_published_too(duckdb_path: Path) -> None:
    warehouse = filled(duckdb_path)
    warehouse.publish()
    code = HOLD_WRITER.replace(", session.transaction()", "")
    with process(code, duckdb_path) as holder:
        holder.kill()
        holder.wait()
    assert warehouse.publish()
    assert published_ids(warehouse) == [1, 2, 99]


@pytest.mark.parametrize("damage", ["emptied", "other", "cut", "overwritten"])
def test_case_083_a_damaged_file_is_refused_and_left_as_it_is(duckdb_path: Path, damage: str) -> None:
    warehouse = filled(duckdb_path)
    whole = duckdb_path.read_bytes()
    broken = {
        "emptied": b"",
        "other": b"SQLite format 3\0" * 2000,
        "cut": whole[: len(whole) // 3],
        "overwritten": whole[:12288] + b"\xff" * (len(whole) - 12288),
    }[damage]
    duckdb_path.write_bytes(broken)
    with pytest.raises(WarehouseUnreadable) as unreadable:
        add(warehouse, 3)
    assert "sync all --full" in unreadable.value.mend
    assert duckdb_path.read_bytes() == broken
    duckdb_path.write_bytes(whole)
    assert ids(warehouse) == [1, 2]


def test_case_083_a_replaced_file_has_another_identity(duckdb_path: Path) -> None:
    warehouse = filled(duckdb_path)
    before = warehouse.identity()
    copy = duckdb_path.with_name("backup.duckdb")
    copy.write_bytes(duckdb_path.read_bytes())
    duckdb_path.unlink()
    assert warehouse.identity() != before
    copy.replace(duckdb_path)
    assert warehouse.identity() == before


def test_a_damaged_published_copy_says_how_to_get_another(duckdb_path: Path) -> None:
    warehouse = filled(duckdb_path)
    warehouse.publish()
    warehouse.published.write_bytes(b"rubbish" * 4000)
    with pytest.raises(WarehouseUnreadable, match=r"remove warehouse\.published\.duckdb"), warehouse.reader():
        pass
    warehouse.published.unlink()
    assert published_ids(warehouse) == [1, 2]


def test_every_open_has_the_same_settings(duckdb_path: Path) -> None:
    warehouse = DuckDbWarehouse(duckdb_path, memory_limit="200MB", threads=1)
    names = {"zone": "TimeZone", "threads": "threads", "memory": "memory_limit"}
    sql = "select " + ", ".join(f"current_setting('{name}') as {key}" for key, name in names.items())
    with warehouse.writer() as session:
        written = session.query(sql).to_pylist()
    with warehouse.reader() as session:
        assert session.query(sql).to_pylist() == written
    assert written == [{"zone": "UTC", "threads": 1, "memory": "190.7 MiB"}]


def test_compaction_joins_small_pieces_and_keeps_the_rows(duckdb_path: Path) -> None:
    warehouse = filled(duckdb_path)
    pieces = "select count(distinct row_group_id) as n from pragma_storage_info('hubspot.contact')"
    for number in range(3, 9):
        add(warehouse, number)
    before = stored(warehouse, pieces)[0]["n"]
    warehouse.compact()
    assert stored(warehouse, pieces)[0]["n"] == 1 < before
    assert ids(warehouse) == list(range(1, 9))


def test_a_path_may_hold_quotes_and_spaces(tmp_path: Path) -> None:
    warehouse = filled(tmp_path / "it's a folder" / "ware house.duckdb")
    assert published_ids(warehouse) == [1, 2]


def test_spilled_data_of_dead_processes_is_removed(duckdb_path: Path) -> None:
    with process(HOLD_FILE, duckdb_path.with_name("other.duckdb")) as holder:
        spill = duckdb_path.with_name("warehouse.duckdb.tmp")
        (spill / f"{holder.pid}-aaaa").mkdir(parents=True)
        filled(duckdb_path)
        assert (spill / f"{holder.pid}-aaaa").exists()
        holder.kill()
        holder.wait()
    filled(duckdb_path)
    assert not (spill / f"{holder.pid}-aaaa").exists()
