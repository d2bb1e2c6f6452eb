"""The past of seeded values: worked out from record, property and seed when asked for, always the same, never stored.

The newest version is the value the record was seeded with; stages, lifecycle and owners go the way such values go, most
other properties were set once.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zlib import crc32

from hubspot_platform.sandbox.clock import iso, parse_time
from hubspot_platform.sandbox.history import CALCULATED, Source, Version
from hubspot_platform.sandbox.model import Property, Record, Value
from hubspot_platform.sandbox.portal import ObjectArea, Portal
from hubspot_platform.sandbox.seed.columns import DAY_MS

_MASK = (1 << 64) - 1
ONWARD = ("lifecyclestage", "hs_lead_status")
LONG = 1_000
# shares: values never changed, set once but after creation, empty because somebody cleared them
NEVER_CHANGED, SET_LATER, CLEARED = 0.75, 0.3, 0.02
FORM = Source("FORM", "b1946ac9-2492-4d23-8a7c-4f5a1c9b6e10")


class _Dice:
    """Numbers in [0, 1) that follow from a key: quicker than seeding a generator for every property of every record."""

    def __init__(self, key: int) -> None:
        self._state = key & _MASK

    def roll(self) -> float:
        """Return the next number."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = ((self._state ^ (self._state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return (mixed ^ (mixed >> 31)) / (1 << 64)

    def one_of(self, values: Sequence[str]) -> str:
        """Return one of the values."""
        return values[int(self.roll() * len(values))]

    def way(self, values: Sequence[str]) -> list[str]:
        """Return some of the values, in their order."""
        return [v for v in values if self.roll() < 0.6]


class SeededPast:
    """Answers for the seeded past of one type's records, as the portal was set up when they were seeded."""

    def __init__(self, portal: Portal, area: ObjectArea, seed: int) -> None:
        self._definitions = dict(area.schema.definitions)
        self._stage_name = area.spec.stage[1] if area.spec.stage else ""
        self._stages_before = _stages_before(area)
        self._salt = crc32(f"{seed}:{area.spec.singular}".encode()) << 32
        self._owner_ids = list(portal.owners)
        self._users = [o.user_id for o in portal.owners.values() if o.type == "PERSON"]
        self._app = portal.account.app

    def __call__(self, record: Record, definition: Property, value: Value, until_ms: int) -> list[Version]:
        """Return the versions of one value, newest first."""
        definition = self._definitions.get(definition.name, definition)
        dice = _Dice(record.id * 0x632BE59BD9B4E019 + (self._salt | crc32(definition.name.encode())))
        if value is not None:
            earlier = self._earlier(definition, value, dice)
        elif definition.name in self._definitions and definition.options and dice.roll() < CLEARED:
            earlier = [definition.options[0].value]
        else:
            return []
        return self._dated(record, definition, [*(e for e in earlier if e != value), value or ""], until_ms, dice)

    def _earlier(self, definition: Property, value: str, dice: _Dice) -> list[str]:
        """Return the values before this one, oldest first."""
        name, options = definition.name, [o.value for o in definition.options if not o.hidden]
        if name == self._stage_name:
            return dice.way(self._stages_before.get(value, ()))
        if name == "hubspot_owner_id":
            others = [i for i in self._owner_ids if i != value]
            return [dice.one_of(others) for _ in range(int(dice.roll() * 2.4))] if others else []
        if name in ONWARD and value in options:
            return dice.way(options[: options.index(value)])
        if dice.roll() < NEVER_CHANGED or len(value) > LONG or definition.unique or definition.external_options:
            return []
        return list(_like("enumeration" if options else definition.type, value, options, dice))

    def _dated(
        self, record: Record, definition: Property, values: Sequence[str], until_ms: int, dice: _Dice
    ) -> list[Version]:
        """Return the values as versions between the record's creation and `until_ms`, newest first."""
        span = until_ms - record.created_ms
        if span < len(values):
            values = values[-1:]
        count = len(values)
        shares = [(turn + (dice.roll() if turn else 0.0)) / count for turn in range(count)]
        if count == 1 and dice.roll() < SET_LATER:
            shares = [dice.roll()]
        found = [
            Version(value, record.created_ms + int(span * share), self._source(definition, turn, dice))
            for turn, (value, share) in enumerate(zip(values, shares, strict=True))
        ]
        return found[::-1]

    def _source(self, definition: Property, turn: int, dice: _Dice) -> Source:
        if definition.calculated:
            return CALCULATED
        roll = dice.roll()
        if roll < (0.6 if turn else 0.3) and self._users:
            user = self._users[int(dice.roll() * len(self._users))]
            return Source("CRM_UI", f"userId:{user}", user)
        if roll < 0.75:
            return self._app
        if turn:
            return Source("AUTOMATION_PLATFORM", f"enrollmentId:{int(dice.roll() * 10**9)}")
        return Source("IMPORT", str(int(dice.roll() * 10**7))) if roll < 0.9 else FORM


def _stages_before(area: ObjectArea) -> dict[str, list[str]]:
    """Return the open stages before each stage, in the order of its pipeline."""
    found: dict[str, list[str]] = {}
    for pipeline in area.pipelines.values():
        passed: list[str] = []
        for stage in pipeline.stages:
            found[stage.id] = list(passed)
            if stage.metadata.get("isClosed") != "true":
                passed.append(stage.id)
    return found


def _like(kind: str, value: str, options: Sequence[str], dice: _Dice) -> Iterator[str]:
    """Give one to three values of the same kind."""
    for step in range(1 + int(dice.roll() * 3)):
        match kind:
            case "enumeration":
                yield dice.one_of(options)
            case "number" if value.isdigit():
                yield str(int(int(value) * dice.roll()))
            case "date":
                yield _shifted_day(value, step, dice)
            case "datetime":
                moment = parse_time(value)
                yield value if moment is None else iso(moment - int((1 + 20 * dice.roll()) * DAY_MS))
            case "string" | "phone_number" if step == 0:
                yield value.lower() if value != value.lower() else f"{value} "


def _shifted_day(value: str, step: int, dice: _Dice) -> str:
    try:
        day = datetime.fromisoformat(value)
    except ValueError:
        return value
    return f"{day - timedelta(days=1 + step + int(30 * dice.roll())):%Y-%m-%d}"
