"""kill -9 of the gateway: what was accepted is stored, exactly once, and what was not is sent again."""

import json
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from hubspot_platform.hubspot.signatures import delivery_headers
from hubspot_platform.state import open_state
from hubspot_platform_tests.support.gateway import GENERAL, SECRET, Running, event, fork_gateway

SENDERS = 4


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


def post(url: str, numbers: Sequence[int]) -> bool:
    """Deliver events and say whether they were accepted; False when the gateway died."""
    body = json.dumps([event(number) for number in numbers]).encode()
    target = f"{url}{GENERAL}"
    try:
        headers = delivery_headers(SECRET, target, body, time.time_ns() // 1_000_000)
        return httpx.post(target, content=body, headers=headers, timeout=20).status_code == 200
    except httpx.TransportError:
        return False


def stored(state_url: str) -> list[int]:
    """Return the numbers of the stored events."""
    with closing(open_state(state_url)) as store:
        rows = Running("", "", store, httpx.Client()).rows()
    return sorted(json.loads(row.body)["eventId"] for row in rows)


def send_until_dead(url: str, sender: int, accepted: set[int], begun: threading.Event) -> None:
    for start in range(sender, sender + 10_000 * SENDERS, SENDERS):
        numbers = range(start * 10, start * 10 + 10)
        if not post(url, numbers):
            return
        accepted.update(numbers)
        if len(accepted) > 200:
            begun.set()


def kill_under_load(home: Path, state_url: str, number: int) -> None:
    """Send from several sides, kill in the middle, and compare what was accepted with what is stored."""
    gateway = fork_gateway(home, state_url)
    accepted: set[int] = set()
    begun = threading.Event()
    base = number * 10_000 * SENDERS
    threads = [
        threading.Thread(target=send_until_dead, args=(gateway.url, base + sender, accepted, begun))
        for sender in range(SENDERS)
    ]
    for thread in threads:
        thread.start()
    assert begun.wait(60)
    gateway.kill()
    for thread in threads:
        thread.join(60)

    found = stored(state_url)
    assert len(found) == len(set(found)), "an event is stored twice"
    assert accepted <= set(found), "an accepted event is lost"


def test_case_001_killed_between_commit_and_answer_the_repeat_is_absorbed(tmp_path: Path, state_url: str) -> None:
    gateway = fork_gateway(tmp_path, state_url, HUBSPOT_PLATFORM_KILL_AT="gateway.stored:2")
    assert post(gateway.url, [1, 2])
    assert not post(gateway.url, [3, 4]), "the gateway should have died before its answer"
    assert stored(state_url) == [1, 2, 3, 4]
    gateway.kill()

    again = fork_gateway(tmp_path, state_url)
    assert post(again.url, [3, 4])
    again.kill()
    assert stored(state_url) == [1, 2, 3, 4]


def test_case_002_killed_before_the_commit_the_repeat_is_stored_once(tmp_path: Path) -> None:
    state_url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    gateway = fork_gateway(tmp_path, state_url, HUBSPOT_PLATFORM_KILL_AT="gateway.before_store:2")
    assert post(gateway.url, [1, 2])
    assert not post(gateway.url, [3, 4])
    assert stored(state_url) == [1, 2]
    gateway.kill()

    again = fork_gateway(tmp_path, state_url)
    assert post(again.url, [3, 4])
    again.kill()
    assert stored(state_url) == [1, 2, 3, 4]


def test_killed_under_load_everything_accepted_is_stored_once(tmp_path: Path, state_url: str) -> None:
    kill_under_load(tmp_path, state_url, 0)


@pytest.mark.soak
def test_killed_under_load_fifty_times(tmp_path: Path, state_url: str) -> None:
    for number in range(50):
        kill_under_load(tmp_path, state_url, number)
