"""Asynchronous exports: a queue that works on one at a time and hands out links that expire.

An export advances one step each time somebody asks for the status of any export, so a client that polls sees PENDING,
then PROCESSING, then COMPLETE, without waiting. `handlers.exports` is the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hubspot_platform.sandbox.model import Record

PENDING, PROCESSING, COMPLETE = "PENDING", "PROCESSING", "COMPLETE"
MOST_A_DAY = 30
LINK_MS = 300_000


@dataclass
class Export:
    """One export: what was asked for and, as they were at that moment, the records."""

    id: int
    kind: str
    plural: str
    name: str
    properties: tuple[str, ...]
    associated: tuple[str, ...]
    internal: frozenset[str]
    records: Sequence[Record]
    requested_ms: int
    status: str = PENDING
    started_ms: int | None = None
    completed_ms: int | None = None


class Exports:
    """Every export that was started, in order."""

    def __init__(self) -> None:
        self.by_id: dict[int, Export] = {}

    def started_since(self, moment_ms: int) -> int:
        """Return how many exports were started after a moment."""
        return sum(e.requested_ms > moment_ms for e in self.by_id.values())

    def put(self, export: Export) -> None:
        """Queue an export."""
        self.by_id[export.id] = export

    def advance(self, now_ms: int) -> None:
        """Take the oldest unfinished export one step further."""
        head = next((e for e in self.by_id.values() if e.status != COMPLETE), None)
        if head is None:
            return
        if head.status == PENDING:
            head.status, head.started_ms = PROCESSING, now_ms
        else:
            head.status, head.completed_ms = COMPLETE, now_ms
