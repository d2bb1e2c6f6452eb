"""kill -9 at any moment loses nothing a write returned for, on both stores."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from hubspot_platform.state import Store, open_state
from hubspot_platform.state.schema import lock

CHILD = Path(__file__).with_name("child.py")


@pytest.mark.parametrize("after", [1, 50, 400])
def test_kill_9_loses_no_write_that_returned(store: Store, state_url: str, after: int) -> None:
    child = subprocess.Popen(
        [sys.executable, str(CHILD), "write_for_ever", state_url], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    acknowledged = [child.stdout.readline().strip() for _ in range(after)]
    child.send_signal(signal.SIGKILL)
    acknowledged += [line.strip() for line in child.stdout.read().split("\n") if line.strip()]
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    survivor = open_state(state_url)
    kept = survivor.read(lambda conn: set(conn.execute(sa.select(lock.c.name)).scalars()))
    assert set(acknowledged) <= kept
    store.write(lambda conn: conn.execute(sa.delete(lock)))
    survivor.close()
