"""Several processes together use at least 97 % of the limit, evenly, and never exceed it where it is counted."""

import bisect
import heapq
import json
import random
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from hubspot_platform.lanes import Bucket, Lane
from hubspot_platform.state import Store, budget_log, migrate, open_state
from hubspot_platform.state.budget import BudgetLimits
from hubspot_platform_tests.integration.state.conftest import ManualTime

CHILD = Path(__file__).with_name("child.py")
LIMIT = 190


def fullest_window(arrivals: list[float]) -> int:
    """Return the most calls a server saw in any ten seconds."""
    ordered = sorted(arrivals)
    return max(n - bisect.bisect_right(ordered, at - 10.0) + 1 for n, at in enumerate(ordered))


def share_of_ceiling(arrivals: list[float]) -> float:
    """Return the rate between the first call and the last against 190 in ten seconds."""
    ordered = sorted(arrivals)
    periods = [later - earlier for earlier, later in zip(ordered, ordered[LIMIT:], strict=False)]
    return 10.0 / (sum(periods) / len(periods))


@dataclass
class Process:
    name: str
    waiting: int
    due: float = 0.0
    served_at: datetime | None = None


def simulate(
    store: Store, moment: ManualTime, processes: int, in_flight: int, seconds: float
) -> dict[str, list[float]]:
    """Run processes with calls of 200 ms ± 40 % on one store, in simulated time; returns arrivals by process."""
    chance, order = random.Random(7), count()
    rule = BudgetLimits().rule(Bucket.API)
    everybody = [Process(f"p{n}", in_flight) for n in range(processes)]
    arrivals: dict[str, list[float]] = {process.name: [] for process in everybody}
    events = [(chance.random() / 10, next(order), process, 0) for process in everybody]
    heapq.heapify(events)
    while events and events[0][0] < seconds:
        now, _, process, answered = heapq.heappop(events)
        moment.advance(now - moment.elapsed)
        first = answered and process.waiting == 0
        process.waiting += answered
        if process.waiting == 0 or (answered and not first) or (not answered and now < process.due - 1e-9):
            continue
        request = budget_log.Request(process.name, Bucket.API, {Lane.SYNC: process.waiting}, process.served_at)
        answer = store.write(lambda conn, request=request: budget_log.take(conn, request, rule))
        granted = answer.granted.get(Lane.SYNC, 0)
        process.waiting -= granted
        process.served_at = answer.at if granted else process.served_at
        for _ in range(granted):
            arrives = now + chance.uniform(0.001, 0.015) + 0.2 * chance.uniform(0.6, 1.4)
            arrivals[process.name].append(arrives)
            heapq.heappush(events, (arrives, next(order), process, 1))
        if answer.again_in is not None:
            process.due = now + answer.again_in + chance.uniform(0.0002, 0.01)
            heapq.heappush(events, (process.due, next(order), process, 0))
    return arrivals


@pytest.mark.parametrize(("processes", "in_flight"), [(1, 8), (4, 2), (4, 8)])
def test_processes_together_reach_the_ceiling_and_never_exceed_it(
    store: Store, moment: ManualTime, processes: int, in_flight: int
) -> None:
    arrivals = simulate(store, moment, processes, in_flight, seconds=25)
    together = [at for mine in arrivals.values() for at in mine]
    assert fullest_window(together) <= LIMIT
    assert share_of_ceiling(together) >= 0.97
    shares = sorted(len(mine) / len(together) * processes for mine in arrivals.values())
    assert shares[0] > 0.9, f"no process starves: {shares}"


@pytest.mark.soak
def test_four_real_processes_share_the_limit(state_url: str) -> None:
    store = open_state(state_url)
    migrate(store)
    store.close()
    children = [
        subprocess.Popen(
            [sys.executable, str(CHILD), "call", state_url, "23", str(seed)], stdout=subprocess.PIPE, text=True
        )
        for seed in range(4)
    ]
    arrivals = [json.loads(child.communicate(timeout=120)[0]) for child in children]
    assert all(child.returncode == 0 for child in children)
    together = [at for mine in arrivals for at in mine]
    assert fullest_window(together) <= LIMIT
    # the simulation above holds the 97 %; here a busy test machine may cost some
    assert share_of_ceiling(together) >= 0.95
    assert min(map(len, arrivals)) > 0.5 * len(together) / 4
