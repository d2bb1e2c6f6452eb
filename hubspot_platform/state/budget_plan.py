"""Who gets the next permits of a rate limit: a pure decision over the sliding log and everybody who waits.

`budget_log.take` calls it inside its transaction; every process computes the same order, so nobody has to
hand permits over.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hubspot_platform.lanes import Lane


@dataclass(frozen=True)
class Rule:
    """At most `limit` calls in any `span`; a limit of 0 is none."""

    limit: int
    span: timedelta


@dataclass(frozen=True)
class Asker:
    """A process that wants permits in one lane; `served_at` is when it last got some (None = never)."""

    process: str
    lane: Lane
    wanted: int
    served_at: datetime | None


@dataclass(frozen=True)
class Stamp:
    """`n` calls allowed at one instant."""

    at: datetime
    n: int


@dataclass(frozen=True)
class Plan:
    """The permits given now, by lane, and when to ask again for the rest (None = there is no rest)."""

    granted: dict[Lane, int]
    again_at: datetime | None


POLL = timedelta(milliseconds=100)
"""How long a process sleeps at least while others are ahead of it: they may vanish and leave their turn."""

_NEVER = datetime.min.replace(tzinfo=UTC)


def plan(me: str, askers: Sequence[Asker], log: Iterable[Stamp], now: datetime, rule: Rule) -> Plan:
    """Share out what is free now and foresee this process' next turn.

    Permits go lane by lane, inside a lane round the processes in turn, longest unserved first. A permit
    another process is due stays free for it: it wakes at the same instant. `log` holds the stamps of the last
    `span`.
    """
    stamps = sorted(log, key=lambda stamp: stamp.at)
    freed = [stamp.at + rule.span for stamp in stamps for _ in range(stamp.n)]
    free = rule.limit - len(freed)
    slots = [now] * free if free >= 0 else []
    later = freed if free >= 0 else freed[-free:]
    granted: dict[Lane, int] = {}
    others_ahead = False
    order = _order(askers)
    for _, (process, lane) in zip(slots, order, strict=False):
        if process == me:
            granted[lane] = granted.get(lane, 0) + 1
        else:
            others_ahead = True
    wanted = sum(asker.wanted for asker in askers if asker.process == me)
    if sum(granted.values()) >= wanted:
        return Plan(granted, None)
    turn = now + rule.span
    for slot, (process, _) in zip(later, order, strict=False):
        if process == me:
            turn = slot
            break
        others_ahead = True
    if others_ahead:
        first = later[0] if later and free <= 0 else now
        turn = min(turn, max(first, now + POLL))
    return Plan(granted, turn)


def _order(askers: Sequence[Asker]) -> Iterator[tuple[str, Lane]]:
    """Yield who gets each successive permit until nobody wants any."""
    for lane in Lane:
        waiting = sorted(
            (asker for asker in askers if asker.lane == lane and asker.wanted > 0),
            key=lambda asker: (asker.served_at or _NEVER, asker.process),
        )
        yield from _round_robin(deque((asker.process, asker.wanted) for asker in waiting), lane)


def _round_robin(ring: deque[tuple[str, int]], lane: Lane) -> Iterator[tuple[str, Lane]]:
    while ring:
        process, wanted = ring.popleft()
        yield process, lane
        if wanted > 1:
            ring.append((process, wanted - 1))
