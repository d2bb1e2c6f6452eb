"""Lists of the seeded portal: every kind, of contacts and of companies, one of them deleted, one of them empty."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hubspot_platform.sandbox.list_filters import any_of
from hubspot_platform.sandbox.options import Plan
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.record_lists import DYNAMIC, MANUAL, SNAPSHOT, RecordList
from hubspot_platform.sandbox.seed.columns import DAY_MS

# the lists check_qualification_list_membership is pointed at: one rule, and the exceptions people keep by hand
QUALIFIED_LIST, QUALIFIED_BY_HAND_LIST = 1201, 1202
DELETED_LIST = 1107


@dataclass(frozen=True)
class _Seed:
    """One list: a share of the records for those kept by hand, a property and its values for a filter."""

    id: int
    name: str
    processing: str
    share: float = 0.0
    rule: tuple[str, ...] = ()
    plural: str = "contacts"
    age_days: int = 400


_SEEDS = (
    _Seed(1101, "Newsletter subscribers", MANUAL, share=0.35),
    _Seed(1102, "Webinar guests, spring", SNAPSHOT, share=0.08, age_days=120),
    _Seed(1103, "Customers", DYNAMIC, rule=("lifecyclestage", "customer")),
    _Seed(1104, "Watched the sales video", DYNAMIC, rule=("vsl_watched", "true"), age_days=300),
    _Seed(1105, "Marketing and sales qualified leads", DYNAMIC, age_days=300,
          rule=("lifecyclestage", "marketingqualifiedlead", "salesqualifiedlead")),
    _Seed(1106, "Event guests, autumn (not yet invited)", MANUAL, age_days=20),
    _Seed(DELETED_LIST, "Event guests, last year", MANUAL, share=0.05, age_days=500),
    _Seed(1108, "Target accounts", MANUAL, share=0.10, plural="companies", age_days=200),
    _Seed(QUALIFIED_LIST, "Qualified for a sales meeting", DYNAMIC, age_days=250,
          rule=("lifecyclestage", "salesqualifiedlead", "opportunity", "customer")),
    _Seed(QUALIFIED_BY_HAND_LIST, "Qualified for a sales meeting (by hand)", MANUAL, share=0.01, age_days=250),
)  # fmt: skip


def fill_lists(portal: Portal, plan: Plan) -> None:
    """Put the lists into the portal; their members are drawn at the first look."""
    base_ms, users = portal.base_ms, list(portal.people.users)
    ids = {plural: tuple(portal.areas[plural].store.live_ids) for plural in {s.plural for s in _SEEDS}}
    for position, seed in enumerate(_SEEDS):
        area = portal.areas[seed.plural]
        created_ms = base_ms - seed.age_days * DAY_MS
        rng = random.Random(f"{plan.seed}:list:{seed.id}")
        found = RecordList(
            id=seed.id,
            name=seed.name,
            type_id=area.spec.type_id,
            processing=seed.processing,
            created_ms=created_ms,
            created_by=users[position % len(users)],
            branch=any_of(*seed.rule) if seed.rule else None,
            legacy_id=position + 1 if seed.plural == "contacts" else None,
            seeded=_drawn(rng, ids[seed.plural], seed, (created_ms, base_ms)) if seed.share else dict,
        )
        portal.lists.put(found, area.store)
    portal.lists.by_id[DELETED_LIST].deleted_ms = base_ms - 10 * DAY_MS


def _drawn(
    rng: random.Random, ids: Sequence[int], seed: _Seed, span: tuple[int, int]
) -> Callable[[], Mapping[int, int]]:
    """Return the drawing of members: a share of the ids, joined at any time of the span, in groups at one instant."""

    def draw() -> Mapping[int, int]:
        chosen = rng.sample(ids, round(len(ids) * seed.share))
        low, high = span
        if seed.processing == SNAPSHOT:
            return dict.fromkeys(chosen, low)
        moments = [low + int((high - low) * rng.random()) for _ in range(1 + len(chosen) // 3)]
        return {record_id: rng.choice(moments) for record_id in chosen}

    return draw
