"""Switchable faults: what the portal can do wrong, which calls it hits, and how often.

Tests add faults through the admin API or a `--faults` file. Each fault decides by its own seeded generator, so a run
can be repeated. The gate asks `FaultBox.chosen` per call and applies what it gets (`fault_effects`).
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hubspot_platform.sandbox.errors import SandboxError

# kinds that answer instead of the endpoint, and kinds that spoil its answer
REPLACING = (
    "rate_limit",
    "daily_limit",
    "http_error",
    "locked",
    "migrating",
    "expired_token",
    "missing_scope",
    "reset",
)
SPOILING = (
    "slow",
    "truncated_json",
    "wrong_content_type",
    "cursor_loop",
    "empty_page",
    "overstated_total",
    "partial_failure",
    "half_emoji",
    "broken_record",
    "lost_answer",
)
KINDS = (*REPLACING, *SPOILING)
OPTIONS = ("status", "policy", "retry_after", "seconds", "scopes", "mode", "share", "ids", "message")


@dataclass
class Fault:
    """One fault. `match` compares `route` (a kind such as `objects.list`, or its area `objects`), `object` and `token`.

    `skip` lets that many matching calls pass first, `count` limits how many are hit (None: all), `probability` thins
    them. `options` hold the kind's own settings (`OPTIONS`).
    """

    kind: str
    match: Mapping[str, str] = field(default_factory=dict)
    count: int | None = None
    skip: int = 0
    probability: float = 1.0
    seed: int = 0
    options: Mapping[str, object] = field(default_factory=dict)
    number: int = 0
    hits: int = 0
    memory: list[str] = field(default_factory=list)
    _random: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def hit_by(self, facts: Mapping[str, str]) -> bool:
        """Decide whether this call is hit, and count it."""
        if self.count is not None and self.hits >= self.count:
            return False
        for name, wanted in self.match.items():
            given = facts.get(name, "")
            if given != wanted and not (name == "route" and given.startswith(f"{wanted}.")):
                return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.probability < 1.0 and self._random.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def text(self, name: str, default: str = "") -> str:
        """Return an option as text."""
        value = self.options.get(name)
        return default if value is None else str(value)

    def number_of(self, name: str, default: float) -> float:
        """Return an option as a number."""
        value = self.options.get(name)
        return float(value) if isinstance(value, int | float) else default

    def as_json(self) -> dict[str, object]:
        """Return the fault as the admin API lists it."""
        return {
            "number": self.number,
            "kind": self.kind,
            "match": dict(self.match),
            "count": self.count,
            "skip": self.skip,
            "probability": self.probability,
            "hits": self.hits,
            **self.options,
        }


def parse_fault(raw: object) -> Fault:
    """Return the fault a JSON object describes; raises SandboxError naming what is wrong."""
    if not isinstance(raw, dict):
        raise SandboxError("a fault must be a JSON object", mend='for example {"kind": "http_error", "count": 1}')
    kind = raw.get("kind")
    if kind not in KINDS:
        raise SandboxError(f"unknown fault kind {kind!r}", mend=f"one of {', '.join(KINDS)}")
    known = {"kind", "match", "count", "skip", "probability", "seed", *OPTIONS}
    unknown = sorted(set(raw) - known)
    if unknown:
        raise SandboxError(f"unknown fault option {', '.join(unknown)}", mend=f"one of {', '.join(sorted(known))}")
    match = raw.get("match") or {}
    wrong = sorted(set(match) - {"route", "object", "token", "method"})
    if wrong:
        raise SandboxError(f"a fault cannot match on {', '.join(wrong)}", mend="route, object, method or token")
    return Fault(
        kind=str(kind),
        match={str(k): str(v) for k, v in match.items()},
        count=None if raw.get("count") is None else int(raw["count"]),
        skip=int(raw.get("skip") or 0),
        probability=float(raw.get("probability", 1.0)),
        seed=int(raw.get("seed") or 0),
        options={name: raw[name] for name in OPTIONS if name in raw},
    )


class FaultBox:
    """The faults in force, asked in the order they were added."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self.faults: list[Fault] = []
        self._issued = 0
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> Fault:
        """Switch a fault on and number it."""
        self._issued += 1
        fault.number = self._issued
        self.faults.append(fault)
        return fault

    def remove(self, number: int | None = None) -> int:
        """Switch one fault off, or all; returns how many."""
        kept = [] if number is None else [f for f in self.faults if f.number != number]
        gone = len(self.faults) - len(kept)
        self.faults = kept
        return gone

    def chosen(self, facts: Mapping[str, str]) -> list[Fault]:
        """Return the faults this call is hit by; at most one replaces the answer."""
        found: list[Fault] = []
        for fault in self.faults:
            replaced = any(f.kind in REPLACING for f in found)
            if not (replaced and fault.kind in REPLACING) and fault.hit_by(facts):
                found.append(fault)
        return found
