"""The lock alone: one holder at a time, a bounded wait, and a note of who holds it."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hubspot_platform.warehouse import WarehouseLocked
from hubspot_platform.warehouse.lock import exclusive, holder


def test_the_holder_is_noted_while_the_lock_is_held(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "w.lock"
    assert holder(path) is None
    with exclusive(path):
        assert holder(path) == os.getpid()
    assert holder(path) is None


def test_another_thread_waits_no_longer_than_told(tmp_path: Path) -> None:
    path = tmp_path / "w.lock"

    def attempt() -> None:
        with exclusive(path, wait=0.05):
            pytest.fail("two holders")

    with ThreadPoolExecutor() as pool, exclusive(path), pytest.raises(WarehouseLocked) as locked:
        pool.submit(attempt).result()
    assert locked.value.holder_pid == os.getpid()


def test_a_thread_that_holds_it_is_refused_at_once_and_may_hold_another(tmp_path: Path) -> None:
    path = tmp_path / "w.lock"
    with exclusive(path), exclusive(tmp_path / "other.lock"):
        with pytest.raises(WarehouseLocked, match="this thread"), exclusive(path, wait=600):
            pass
        assert holder(path) == os.getpid()


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "w.lock"
    with pytest.raises(RuntimeError), exclusive(path):
        raise RuntimeError
    turns: list[int] = []
    threads = [threading.Thread(target=lambda n=n: _take(path, turns, n)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(turns) == [0, 1, 2, 3]


def _take(path: Path, turns: list[int], number: int) -> None:
    with exclusive(path, wait=5):
        turns.append(number)
