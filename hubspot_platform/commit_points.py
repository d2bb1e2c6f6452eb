"""Named moments at which a crash must lose nothing.

The sync engine, the workers and the model builder announce each one. In production announcing does nothing; with
`HUBSPOT_PLATFORM_KILL_AT=NAME[:N]` the process kills itself with SIGKILL the N-th time it gets there, which is how
the crash tests prove the promise on real processes.
"""

import os
import signal
from typing import Final

COMMIT_POINTS: Final = (
    "sync.lease_taken",
    "sync.page_read",
    "sync.events_prepared",
    "sync.before_merge",
    "sync.inside_merge",
    "sync.chunk_merged",
    "sync.associations_replaced",
    "sync.history_merged",
    "pass.inside_mark",
    "pass.before_census_noted",
    "pass.sweep_part_replaced",
    "migrate.inside_swap",
    "migrate.rebuilt",
    "sync.before_window_completed",
    "sync.window_completed",
    "sync.before_publish",
    "sync.published",
    "gateway.before_store",
    "gateway.stored",
    "worker.claimed",
    "worker.fetched",
    "worker.inside_merge",
    "payments.stored",
    "jira.stored",
    "worker.handled",
    "worker.finished",
)


class _Armed:
    """The one point this process is told to die at, and how often it must still pass it."""

    name: str = ""
    remaining: int = 0


def arm(instruction: str) -> None:
    """Arm `NAME` or `NAME:N` (N from 1); an empty instruction disarms. Raises ValueError for an unknown name."""
    name, _, count = instruction.partition(":")
    if name and name not in COMMIT_POINTS:
        raise ValueError(f"unknown commit point {name!r}; known: {', '.join(COMMIT_POINTS)}")
    _Armed.name, _Armed.remaining = name, int(count or 1)


def reached(name: str) -> None:
    """Announce a commit point; kills this process when it is the armed one."""
    if name != _Armed.name:
        return
    _Armed.remaining -= 1
    if _Armed.remaining <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
