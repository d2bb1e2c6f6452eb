"""Making a type's values column by column: each generator returns one list with a value per record.

Columns of shared, pre-rendered strings keep a million records small and quick to make; only what must be unique or
must agree with the record's own dates is made per record.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hubspot_platform.sandbox.clock import from_ms, iso
from hubspot_platform.sandbox.model import Choice, Property, Value

Column = list[Value]
DAY_MS = 86_400_000
HISTORY_DAYS = 730
FIRST_BIG_ID = 150_000_000_000
RECENT_SHARE = 0.03
POOL = 4_096


@dataclass
class Draft:
    """One object type in the making: how many, when each was created and changed, and the dice."""

    count: int
    rng: random.Random
    base_ms: int
    ids: list[int]
    created: list[int]
    updated: list[int]

    def pick(self, values: Sequence[Value], weights: Sequence[float] | None = None, missing: float = 0.0) -> Column:
        """Return values drawn by weight, with a share of empty ones."""
        if weights is None and not missing:
            return self.rng.choices(values, k=self.count)
        shares = list(weights or [1.0] * len(values))
        if missing:
            shares.append(sum(shares) * missing / (1 - missing))
            values = [*values, None]
        # drawing from a pool that already has the shares is twice as fast as weighted draws
        return self.rng.choices(self.rng.choices(values, shares, k=POOL), k=self.count)

    def whole(self, low: int, high: int, missing: float = 0.0) -> Column:
        """Return whole numbers; small ones are more frequent."""
        pool = [str(low + int((high - low) * self.rng.random() ** 2)) for _ in range(2_000)]
        return self.pick(pool, missing=missing)

    def money(self, low: int, high: int, missing: float = 0.0) -> Column:
        """Return amounts, mostly round ones, some with cents."""
        pool = [str(low + 50 * int((high - low) / 50 * self.rng.random() ** 2)) for _ in range(1_500)]
        pool += [f"{low + (high - low) * self.rng.random() ** 2:.2f}" for _ in range(500)]
        return self.pick(pool, missing=missing)

    def days(self, before: int, after: int, missing: float = 0.0) -> Column:
        """Return calendar dates from `before` days ago to `after` days ahead."""
        pool = [f"{from_ms(self.base_ms + d * DAY_MS):%Y-%m-%d}" for d in range(-before, after + 1)]
        return self.pick(pool, missing=missing)

    def moments(self, missing: float = 0.0) -> Column:
        """Return instants between each record's creation and its last change."""
        dice = self.rng.random
        return [
            None if dice() < missing else iso(c + int((u - c) * dice()))
            for c, u in zip(self.created, self.updated, strict=True)
        ]

    def sample(self, share: float, least: int = 1) -> list[int]:
        """Return distinct positions for a rare property of the data, at least one."""
        wanted = min(self.count, max(least, round(self.count * share)))
        return self.rng.sample(range(self.count), wanted)


def new_draft(count: int, rng: random.Random, base_ms: int, first_id: int = 0) -> Draft:
    """Return ids (from `first_id` on) and dates of `count` records: two years of growth, some in the last 48 hours."""
    old = count * 3 // 100
    big = first_id + FIRST_BIG_ID + rng.randrange(10**9)
    ids = _climb(rng, first_id + 51, old, 400) + _climb(rng, big, count - old, 4_000)
    dice = rng.random
    span, recent = HISTORY_DAYS * DAY_MS, 2 * DAY_MS
    fresh = int(count * RECENT_SHARE / 2)
    ages = sorted((span - int((span - recent) * dice() ** 0.7) for _ in range(count - fresh)), reverse=True)
    ages += sorted((int(recent * dice()) for _ in range(fresh)), reverse=True)
    created = [base_ms - age for age in ages]
    updated = [
        base_ms - int(recent * dice()) if dice() < RECENT_SHARE else c + int((base_ms - c) * dice() ** 1.5)
        for c in created
    ]
    return Draft(count, rng, base_ms, ids, created, [max(u, c) for u, c in zip(updated, created, strict=True)])


def _climb(rng: random.Random, start: int, count: int, step: int) -> list[int]:
    ids, now = [], start
    for _ in range(count):
        ids.append(now)
        now += 1 + int(step * rng.random() ** 3)
    return ids


Maker = Callable[[Draft], Column]


@dataclass(frozen=True)
class Seeded:
    """A property definition with what fills its column; without a maker it stays empty."""

    definition: Property
    make: Maker | None = None


def choices(*values: str) -> tuple[Choice, ...]:
    """Return options whose labels are derived from their values."""
    return tuple(Choice(v, v.replace("_", " ").capitalize()) for v in values)


def text(name: str, label: str, make: Maker | None = None, **more: object) -> Seeded:
    """Return a text property."""
    return Seeded(Property(name=name, label=label, **more), make)  # type: ignore[arg-type]


def typed(name: str, label: str, kind: str, make: Maker | None = None, **more: object) -> Seeded:
    """Return a property written as `type/fieldType`."""
    value_type, _, field_type = kind.partition("/")
    definition = Property(name=name, label=label, type=value_type, field_type=field_type, **more)  # type: ignore[arg-type]
    return Seeded(definition, make)


def custom(name: str, label: str, kind: str, make: Maker | None = None, **more: object) -> Seeded:
    """Return a property somebody made in this portal."""
    return typed(name, label, kind, make, **{"hubspot_defined": False, "group": "sales_process", **more})


def filler(position: int) -> Seeded:
    """Return one of the nameless custom properties that bring a portal to its wished width."""
    name, label = f"custom_field_{position:03d}", f"Custom field {position}"
    kind = ("string/text", "number/number", "enumeration/select", "datetime/date", "string/text")[position % 5]
    options = choices("north", "south", "east", "west") if kind.startswith("enum") else ()

    def make(draft: Draft) -> Column:
        if kind.startswith("number"):
            return draft.whole(0, 100_000, 0.2)
        if kind.startswith("enum"):
            return draft.pick(["north", "south", "east", "west"], missing=0.2)
        if kind.startswith("datetime"):
            pool = [iso(draft.base_ms - draft.rng.randrange(HISTORY_DAYS * DAY_MS)) for _ in range(5_000)]
            return draft.pick(pool, missing=0.2)
        return draft.pick([f"note {draft.rng.randrange(10**6):06d} on field {position}" for _ in range(5_000)])

    return custom(name, label, kind, make, options=options)


def table(draft: Draft, seeded: Sequence[Seeded], ready: Mapping[str, Column]) -> list[Column]:
    """Return one column per property: the ready-made ones, else by its maker, else empty."""
    empty: Column = [None] * draft.count
    columns = []
    for entry in seeded:
        column = ready.get(entry.definition.name)
        if column is None:
            column = entry.make(draft) if entry.make is not None else empty
        columns.append(column)
    return columns
