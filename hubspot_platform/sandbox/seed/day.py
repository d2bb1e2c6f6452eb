"""A day in the life of the portal: records of every type created, changed, calculated, merged, archived and re-linked.

The admin API plays it for tests and the demo. Everything is spread over the hours before the portal's present moment
and happens in the order of its time, to records not changed later than that; the same portal, seed and moment give the
same day.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.handlers.objects import merge_records
from hubspot_platform.sandbox.history import PERSON
from hubspot_platform.sandbox.model import Record, Value
from hubspot_platform.sandbox.portal import ObjectArea, Portal
from hubspot_platform.sandbox.seed import companies, contacts, deals
from hubspot_platform.sandbox.seed.columns import Draft, table
from hubspot_platform.sandbox.seed.kinds import KINDS, PROPERTIES
from hubspot_platform.sandbox.seed.world import Made, Parties, World, attach
from hubspot_platform.sandbox.store import ID_STEP

MERGED = ("contacts", "companies", "deals", "tickets")
LINKED = (("deal", "contact"), ("deal", "company"), ("contact", "company"), ("ticket", "contact"), ("call", "contact"))
# these are logged minutes after they happened
LOGGED, LOGGED_WITHIN_MS = ("calls", "emails", "notes", "communications"), 600_000
MOST_CHANGED = 3
TRIES = 20

Values = Mapping[str, Value]


@dataclass(frozen=True)
class DayPlan:
    """`each` is the number of creations and of updates per type, `crowd` of contacts stamped with one instant."""

    start_ms: int
    end_ms: int
    each: int
    crowd: int
    seed: int


def play(portal: Portal, plan: DayPlan) -> dict[str, object]:
    """Change the portal and return the ids touched by type and by what was done to them."""
    day = _Day(portal, plan)
    for name in PROPERTIES:
        day.fill(portal.area(name), name)
    for pair in LINKED:
        day.link(pair)
    if plan.crowd:
        day.at(1, day.stamp)
    day.run()
    return {
        "from": iso(plan.start_ms),
        "until": iso(plan.end_ms),
        "changes": day.changes,
        "links": day.links,
        "crowd": day.crowd,
    }


class _Day:
    """Collects what shall happen when, then lets it happen."""

    def __init__(self, portal: Portal, plan: DayPlan) -> None:
        self._portal = portal
        self._plan = plan
        self._rng = random.Random(f"{plan.seed}:day:{plan.end_ms}")
        self._events: list[tuple[int, int, Callable[[int], None]]] = []
        self.changes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        self.links: dict[str, int] = {"added": 0, "removed": 0}
        self.crowd: dict[str, object] = {}

    def at(self, times: int, event: Callable[[int], None]) -> None:
        """Let something happen so many times, each at a moment of the day."""
        for _ in range(times):
            moment = self._rng.randrange(self._plan.start_ms, self._plan.end_ms)
            self._events.append((moment, len(self._events), event))

    def run(self) -> None:
        """Let everything happen in order."""
        for moment, _, event in sorted(self._events, key=lambda planned: planned[:2]):
            event(moment)

    def told(self, name: str, what: str, *ids: int) -> None:
        """Note what was done to which records."""
        self.changes[name][what] += map(str, ids)

    def fill(self, area: ObjectArea, name: str) -> None:
        """Plan the day of one object type."""
        each = self._plan.each
        rows = self._rows(area, name, 2 * each)
        fresh, used = iter(rows[:each]), iter(rows[each:])
        self.at(each, lambda at_ms: self._create(area, name, *next(fresh), at_ms))
        self.at(each, lambda at_ms: self._update(area, name, next(used)[0], at_ms))
        self.at(each // 2, lambda at_ms: self._calculate(area, name, at_ms))
        self.at(max(1, each // 5), lambda at_ms: self._archive(area, name, at_ms))
        self.at(max(1, each // 10), lambda at_ms: self._restore(area, name, at_ms))
        if name in MERGED:
            self.at(max(1, each // 5), lambda at_ms: self._merge(area, name, at_ms))
        if name == "contacts":
            self.at(1, lambda at_ms: self._purge(area, name, at_ms))

    def stamp(self, at_ms: int) -> None:
        """Give a crowd of contacts one identical last-modified instant."""
        store = self._portal.areas["contacts"].store
        ids = [i for i in store.live_ids if store.records[i].updated_ms <= at_ms][: self._plan.crowd]
        self.crowd = {"at": iso(at_ms), "stamped": store.stamp(ids, at_ms)}

    def link(self, pair: tuple[str, str]) -> None:
        """Plan associations that come and go without touching either record."""
        self.at(max(1, self._plan.each // 5), lambda at_ms: self._add_link(pair, at_ms))
        self.at(max(1, self._plan.each // 5), lambda at_ms: self._drop_link(pair, at_ms))

    def _rows(self, area: ObjectArea, name: str, count: int) -> list[tuple[Values, Parties]]:
        first = area.store.next_id
        ids = list(range(first, first + count * ID_STEP, ID_STEP))
        moments = [self._plan.end_ms] * count
        draft = Draft(count, self._rng, self._plan.end_ms, ids, moments, moments)
        made = self._made(name, draft)
        columns = table(draft, PROPERTIES[name], made.columns)
        names = [entry.definition.name for entry in PROPERTIES[name]]
        known = [n in area.schema.column for n in names]
        rows = zip(*columns, strict=True)
        return [
            ({n: v for n, v, k in zip(names, row, known, strict=True) if k and v is not None}, parties)
            for row, parties in zip(rows, made.parties, strict=True)
        ]

    def _made(self, name: str, draft: Draft) -> Made:
        world = World(self._portal, self._rng)
        if name not in ("contacts", "companies", "deals"):
            return next(kind for kind in KINDS if kind.name == name).make(draft, world)
        parties = [world.parties(world.person(at_ms), deal=0, ticket=0) for at_ms in draft.created]
        owners = {"hubspot_owner_id": world.owned(draft, 0.05)["hubspot_owner_id"]}
        if name == "companies":
            return Made(companies.firms(draft)[0] | owners, [Parties()] * draft.count)
        if name == "deals":
            return Made(deals.sales(draft, ["New customer"] * draft.count) | owners, parties)
        columns = contacts.people(draft, [None] * draft.count) | owners
        columns["email"] = [e and f"{i}.{e}" for i, e in zip(draft.ids, columns["email"], strict=True)]
        companies_only = [Parties(links=tuple(k for k in p.links if k[0] == "company")) for p in parties]
        return Made(columns, companies_only)

    def _picked(self, area: ObjectArea, at_ms: int, *, archived: bool = False) -> Record | None:
        ids = area.store.archived_ids if archived else area.store.live_ids
        for _ in range(TRIES if ids else 0):
            found = area.store.records[self._rng.choice(ids)]
            if max(found.updated_ms, found.archived_ms or 0) <= at_ms:
                return found
        return None

    def _create(self, area: ObjectArea, name: str, values: Values, parties: Parties, at_ms: int) -> None:
        taken = {n for n, v in values.items() if area.schema.definitions[n].unique and v and area.store.find(n, v)}
        own = (area.spec.created_property, area.spec.modified_property, "hs_object_id", *taken)
        given = {n: v for n, v in values.items() if n not in own}
        if name in LOGGED:
            given["hs_timestamp"] = iso(at_ms - self._rng.randrange(LOGGED_WITHIN_MS))
        record = area.store.create(given, at_ms)
        self.told(name, "created", record.id)
        still = [(target, found.id, labels) for target, i, labels in parties.links if (found := self._now(target, i))]
        attach(self._portal, area, record.id, Parties(links=tuple(still)))

    def _now(self, target: str, record_id: int) -> Record | None:
        found = self._portal.area(target).store.get(record_id)
        return None if found is None or found.archived_ms is not None else found

    def _update(self, area: ObjectArea, name: str, values: Values, at_ms: int) -> None:
        record = self._picked(area, at_ms)
        if record is None:
            return
        stage = area.spec.stage or ("", "", "")
        definitions = area.schema.definitions
        free = [
            n
            for n in values
            if n not in stage and not (definitions[n].read_only or definitions[n].calculated or definitions[n].unique)
        ]
        chosen = self._rng.sample(free, min(len(free), self._rng.randint(1, MOST_CHANGED)))
        changes = {n: values[n] for n in chosen} | self._moved_on(area, record)
        area.store.update(record, changes, at_ms, PERSON)
        self.told(name, "updated", record.id)

    def _moved_on(self, area: ObjectArea, record: Record) -> dict[str, Value]:
        """Return a next stage of the record's own pipeline, for half of those that have one."""
        if area.spec.stage is None or self._rng.random() < 0.5:
            return {}
        pipeline = area.pipelines.get(area.store.value(record, area.spec.stage[0]) or "")
        return {area.spec.stage[1]: self._rng.choice(pipeline.live_stages()).id} if pipeline else {}

    def _calculate(self, area: ObjectArea, name: str, at_ms: int) -> None:
        record = self._picked(area, at_ms)
        numbers = [d.name for d in area.schema.listed() if d.calculated and d.type == "number"]
        if record is None or not numbers:
            return
        target = self._rng.choice(numbers)
        area.store.calculate(record, {target: str(self._rng.randrange(1_000))}, at_ms)
        self.told(name, "calculated", record.id)

    def _archive(self, area: ObjectArea, name: str, at_ms: int) -> None:
        record = self._picked(area, at_ms)
        if record is not None:
            area.store.archive(record.id, at_ms)
            self.told(name, "archived", record.id)

    def _restore(self, area: ObjectArea, name: str, at_ms: int) -> None:
        record = self._picked(area, at_ms, archived=True)
        if record is not None:
            area.store.restore(record.id, at_ms)
            self.told(name, "restored", record.id)

    def _merge(self, area: ObjectArea, name: str, at_ms: int) -> None:
        primary, other = self._picked(area, at_ms), self._picked(area, at_ms)
        if primary is None or other is None or primary.id == other.id:
            return
        survivor = merge_records(self._portal, area, primary, other, at_ms)
        self.told(name, "merged_away", primary.id, other.id)
        self.told(name, "survivors", survivor.id)

    def _purge(self, area: ObjectArea, name: str, at_ms: int) -> None:
        record = self._picked(area, at_ms)
        if record is not None:
            self._portal.purge(area, record.id)
            self.told(name, "purged", record.id)

    def _add_link(self, pair: tuple[str, str], at_ms: int) -> None:
        source, target = (self._picked(self._portal.area(name), at_ms) for name in pair)
        if source is not None and target is not None:
            types = [t.type_id for t in self._portal.associations.types[pair]]
            self._portal.associations.add(pair, source.id, target.id, [self._rng.choice(types)])
            self.links["added"] += 1

    def _drop_link(self, pair: tuple[str, str], at_ms: int) -> None:
        source = self._picked(self._portal.area(pair[0]), at_ms)
        links = () if source is None else self._portal.associations.links(pair, source.id)
        if source is not None and links:
            self._portal.associations.remove(pair, source.id, self._rng.choice(links)[0])
            self.links["removed"] += 1
