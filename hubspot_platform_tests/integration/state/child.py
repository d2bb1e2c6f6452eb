"""Programs the tests run in real child processes: `python child.py PROGRAM STATE_URL …`."""

import asyncio
import json
import os
import random
import signal
import sys
import threading
import time

import sqlalchemy as sa

from hubspot_platform.clock import utc_now
from hubspot_platform.lanes import Bucket, Lane
from hubspot_platform.state import migrate, open_state
from hubspot_platform.state.budget import BudgetLimits, RateBudget
from hubspot_platform.state.schema import lock


def write_for_ever(url: str) -> None:
    """Write from eight threads; print each name once its write returned."""
    store = open_state(url)
    printing = threading.Lock()

    def loop(thread: int) -> None:
        n = 0
        while True:
            name, now = f"{thread}-{n}", utc_now()
            row = {"name": name, "token": 1, "renewed_at": now, "expires_at": now}
            store.write(lambda conn, row=row: conn.execute(sa.insert(lock), row))
            with printing:
                sys.stdout.write(name + "\n")
                sys.stdout.flush()
            n += 1

    for thread in range(8):
        threading.Thread(target=loop, args=(thread,)).start()


def migrate_once(url: str) -> None:
    """Migrate and print the revisions applied."""
    store = open_state(url)
    sys.stdout.write(json.dumps(migrate(store)))
    store.close()


def migrate_and_die(url: str) -> None:
    """Die of SIGKILL in the middle of the first migration."""

    @sa.event.listens_for(sa.Engine, "after_cursor_execute")
    def _die(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if "CREATE TABLE" in statement and "api_window" in statement:
            os.kill(os.getpid(), signal.SIGKILL)

    migrate(open_state(url))


def call(url: str, seconds: str, seed: str) -> None:
    """Call an imagined server for some seconds, 8 calls in flight; print when each call arrived there."""
    stop, chance, arrived = time.monotonic() + float(seconds), random.Random(int(seed)), []

    async def worker(budget: RateBudget) -> None:
        while True:
            try:
                await asyncio.wait_for(budget.acquire(Bucket.API, Lane.SYNC), max(0.01, stop - time.monotonic()))
            except TimeoutError:
                return
            latency = 0.2 * chance.uniform(0.6, 1.4)
            arrived.append(time.monotonic() + latency)
            await asyncio.sleep(latency)
            budget.record(Bucket.API, Lane.SYNC, 200)

    async def main() -> None:
        store = open_state(url)
        budget = RateBudget(store, BudgetLimits(daily=625_000))
        await asyncio.gather(*(worker(budget) for _ in range(8)))
        budget.close()
        store.close()

    asyncio.run(main())
    sys.stdout.write(json.dumps(arrived))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
