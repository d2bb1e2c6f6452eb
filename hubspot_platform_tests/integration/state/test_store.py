"""One durable transaction a write, whatever thread, event loop or process it comes from."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from hubspot_platform.state import Store, migrate, open_state
from hubspot_platform.state.errors import StateClosed, StateMisuse, StateUnavailable
from hubspot_platform.state.schema import lock, sync_cursor
from hubspot_platform.state.windows import Window, complete

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def put(name: str, conn: sa.Connection) -> str:
    conn.execute(sa.insert(lock).values(name=name, token=1, renewed_at=NOON, expires_at=NOON))
    return name


def names(store: Store) -> set[str]:
    return store.read(lambda conn: set(conn.execute(sa.select(lock.c.name)).scalars()))


def test_a_write_returns_its_result_and_is_there_for_readers(store: Store) -> None:
    assert store.write(lambda conn: put("a", conn)) == "a"
    assert names(store) == {"a"}


def test_a_failing_write_undoes_itself_and_raises_to_its_caller(store: Store) -> None:
    def fail(conn: sa.Connection) -> None:
        put("half", conn)
        raise LookupError("not today")

    with pytest.raises(LookupError, match="not today"):
        store.write(fail)
    assert names(store) == set()
    store.write(lambda conn: put("next", conn))
    assert names(store) == {"next"}


def test_of_writes_that_queue_up_together_only_the_failing_one_fails(store: Store) -> None:
    store.write(lambda conn: put("taken", conn))
    entered, leave = threading.Event(), threading.Event()

    def hold(conn: sa.Connection) -> str:
        entered.set()
        leave.wait(10)
        return put("first", conn)

    async def together() -> list[object]:
        holding = asyncio.create_task(store.write_async(hold))
        await asyncio.to_thread(entered.wait, 10)
        queued = [
            asyncio.create_task(store.write_async(lambda conn, n=name: put(n, conn))) for name in ("a", "taken", "b")
        ]
        await asyncio.sleep(0)
        leave.set()
        return list(await asyncio.gather(holding, *queued, return_exceptions=True))

    first, a, taken, b = asyncio.run(together())
    assert (first, a, b) == ("first", "a", "b")
    assert isinstance(taken, sa.exc.IntegrityError)
    assert names(store) == {"taken", "first", "a", "b"}


def test_threads_and_event_loops_share_one_store(store: Store) -> None:
    async def some(prefix: str) -> None:
        await asyncio.gather(*(store.write_async(lambda conn, n=n: put(f"{prefix}{n}", conn)) for n in range(20)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda loop: asyncio.run(some(f"loop{loop}-")), range(3)))
        list(pool.map(lambda n: store.write(lambda conn: put(f"thread{n}", conn)), range(20)))
    assert len(names(store)) == 80


def test_two_openings_of_one_store_see_each_other(store: Store, state_url: str) -> None:
    other = open_state(state_url)
    try:
        other.write(lambda conn: put("theirs", conn))
        store.write(lambda conn: put("ours", conn))
        assert names(store) == names(other) == {"theirs", "ours"}
    finally:
        other.close()


def test_a_write_inside_a_write_is_refused_instead_of_waiting_for_itself(store: Store) -> None:
    with pytest.raises(StateMisuse):
        store.write(lambda _: store.write(lambda conn: put("inner", conn)))


def test_a_read_cannot_change_anything(store: Store) -> None:
    with pytest.raises(sa.exc.DatabaseError):
        store.read(lambda conn: put("a", conn))
    assert names(store) == set()


def test_a_read_stays_on_its_snapshot(store: Store) -> None:
    def twice(conn: sa.Connection) -> tuple[int, int]:
        count = sa.select(sa.func.count()).select_from(lock)
        before = conn.execute(count).scalar_one()
        store.write(lambda writing: put("meanwhile", writing))
        return before, conn.execute(count).scalar_one()

    assert store.read(twice) == (0, 0)


def test_closing_finishes_what_was_handed_in_and_refuses_the_rest(state_url: str) -> None:
    store = open_state(state_url)
    migrate(store)
    entered, leave = threading.Event(), threading.Event()

    def hold(conn: sa.Connection) -> str:
        entered.set()
        leave.wait(10)
        return put("held", conn)

    async def close_meanwhile() -> None:
        writes = [asyncio.create_task(store.write_async(hold))]
        await asyncio.to_thread(entered.wait, 10)
        writes.append(asyncio.create_task(store.write_async(lambda conn: put("queued", conn))))
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(store.close))
        leave.set()
        await asyncio.gather(closing, *writes)

    asyncio.run(close_meanwhile())
    store.close()
    with pytest.raises(StateClosed):
        store.write(lambda conn: put("late", conn))
    with pytest.raises(StateClosed):
        store.read(lambda conn: None)
    again = open_state(state_url)
    assert names(again) == {"held", "queued"}
    again.close()


async def test_a_caller_cancelled_while_queued_leaves_nothing_behind(tmp_path: Path) -> None:
    store = open_state(f"sqlite:///{tmp_path}/state.db")
    await asyncio.to_thread(migrate, store)
    entered, leave = threading.Event(), threading.Event()

    def hold(_: sa.Connection) -> None:
        entered.set()
        leave.wait(10)

    holding = asyncio.create_task(store.write_async(hold))
    await asyncio.to_thread(entered.wait, 10)
    queued = asyncio.create_task(store.write_async(lambda conn: put("queued", conn)))
    await asyncio.sleep(0)
    queued.cancel()
    with pytest.raises(asyncio.CancelledError):
        await queued
    leave.set()
    await holding
    await asyncio.to_thread(store.close)
    again = open_state(f"sqlite:///{tmp_path}/state.db")
    assert names(again) == set()
    again.close()


def test_instants_keep_microseconds_and_come_back_in_utc(store: Store) -> None:
    precise = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    window = Window(None, precise)
    store.write(lambda conn: complete(conn, "w", "contact", window, mode="full", run_id=None, counts={"read": 3}))
    row = store.read(lambda conn: conn.execute(sa.select(sync_cursor)).one())
    assert row.window_end == precise
    assert row.window_end.tzinfo == UTC
    assert row.window_start is None
    assert row.counts == {"read": 3}


def test_a_naive_instant_is_refused(store: Store) -> None:
    naive = sa.update(lock).values(expires_at=datetime(2026, 3, 10))  # noqa: DTZ001
    with pytest.raises(sa.exc.StatementError, match="naive"):
        store.write(lambda conn: conn.execute(naive))


def test_by_default_the_store_keeps_its_own_time(state_url: str) -> None:
    store = open_state(state_url)
    first, second = store.now(), store.now()
    assert first.tzinfo == UTC
    assert timedelta(0) <= second - first < timedelta(minutes=1)
    assert store.ping() < 10
    store.close()


def test_an_unreachable_server_is_named_without_its_password() -> None:
    store = open_state("postgresql://me:hunter2@127.0.0.1:1/db")
    with pytest.raises(StateUnavailable) as caught:
        store.ping()
    assert "127.0.0.1" in str(caught.value)
    assert "hunter2" not in str(caught.value) + repr(store)
    store.close()


def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("this is a letter, and long enough to be no empty database" * 40)
    with pytest.raises(StateUnavailable):
        open_state(f"sqlite:///{tmp_path}/state.db")


def test_sqlite_flushes_every_commit_to_disk(tmp_path: Path) -> None:
    store = open_state(f"sqlite:///{tmp_path}/state.db")
    pragmas = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
    values = store.write(lambda conn: [conn.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in pragmas])
    assert values == ["wal", 2, 30_000, 1]
    store.close()


def test_a_child_forked_with_an_open_sqlite_store_is_told_to_open_its_own(tmp_path: Path) -> None:
    store = open_state(f"sqlite:///{tmp_path}/state.db")
    migrate(store)
    child = os.fork()
    if child == 0:
        try:
            store.write(lambda conn: put("child", conn))
        except StateClosed:
            os._exit(42)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 42
    store.close()
