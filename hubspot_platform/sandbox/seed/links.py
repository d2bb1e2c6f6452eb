"""Who belongs to whom in the seeded portal: employments, and the contacts and companies of deals."""

from collections.abc import Sequence
from dataclasses import dataclass

from hubspot_platform.sandbox.association_types import Pair
from hubspot_platform.sandbox.associations import Associations, Links, Types
from hubspot_platform.sandbox.seed.columns import Draft

Jobs = Sequence[tuple[int, ...]]
Table = dict[int, list[tuple[int, Types]]]


@dataclass(frozen=True)
class DealParties:
    """Positions of a deal's company and contacts."""

    company: int
    contacts: tuple[int, ...]


def employments(people: Draft, firms: int) -> list[tuple[int, ...]]:
    """Return each contact's companies by position, the primary one first: most have one, some none or two."""
    dice = people.rng.random
    if firms == 0:
        return [()] * people.count
    found: list[tuple[int, ...]] = []
    for _ in range(people.count):
        roll = dice()
        first = int(firms * dice() ** 1.6)  # a few big employers, many small ones
        if roll < 0.12:
            found.append(())
        elif roll < 0.95:
            found.append((first,))
        else:
            second = int(firms * dice())
            found.append((first, second) if second != first else (first,))
    return found


def company_deals(bargains: Draft, jobs: Jobs, firms: int) -> list[DealParties]:
    """Return each deal's company and one to four of its people."""
    rng = bargains.rng
    staff: dict[int, list[int]] = {}
    for person, employers in enumerate(jobs):
        for firm in employers:
            staff.setdefault(firm, []).append(person)
    hiring = sorted(staff)
    found: list[DealParties] = []
    for _ in range(bargains.count):
        if not hiring:
            found.append(DealParties(0, ()))
            continue
        firm = hiring[int(len(hiring) * rng.random() ** 1.3)]
        wanted = rng.choices((0, 1, 2, 3, 4), (4, 62, 22, 8, 4))[0]
        chosen = rng.sample(staff[firm], min(wanted, len(staff[firm])))
        found.append(DealParties(firm, tuple(chosen)))
    return found


def _ids(associations: Associations, pair: Pair, *labels: str | None) -> tuple[Types, Types]:
    """Return the type ids of these labels forward and backward."""
    types = [t for t in associations.types[pair] if t.label in labels]
    return tuple(sorted(t.type_id for t in types)), tuple(sorted(t.inverse_id for t in types))


class _Writer:
    """Collects both directions of the links of one pair."""

    def __init__(self, associations: Associations, pair: Pair) -> None:
        self._associations = associations
        self._pair = pair
        self._forward: Table = {}
        self._backward: Table = {}
        self._known: dict[tuple[str | None, ...], tuple[Types, Types]] = {}

    def link(self, source: int, target: int, *labels: str | None) -> None:
        if labels not in self._known:
            self._known[labels] = _ids(self._associations, self._pair, *labels)
        forward, backward = self._known[labels]
        self._forward.setdefault(source, []).append((target, forward))
        self._backward.setdefault(target, []).append((source, backward))

    def tables(self) -> dict[Pair, dict[int, Links]]:
        back = (self._pair[1], self._pair[0])
        return {
            self._pair: {k: tuple(sorted(v)) for k, v in self._forward.items()},
            back: {k: tuple(sorted(v)) for k, v in self._backward.items()},
        }


def deal_links(
    associations: Associations, drafts: tuple[Draft, Draft, Draft], jobs: Jobs, parties: Sequence[DealParties]
) -> dict[Pair, dict[int, Links]]:
    """Return every link of the portal by ordered pair; `drafts` are companies, contacts, deals."""
    firms, people, bargains = drafts
    dice = bargains.rng.random
    work = _Writer(associations, ("contact", "company"))
    for person, employers in zip(people.ids, jobs, strict=True):
        for rank, firm in enumerate(employers):
            labels = (None, "Primary") if rank == 0 else (None, "Former employee") if dice() < 0.5 else (None,)
            work.link(person, firms.ids[firm], *labels)
    buyers, sellers = _Writer(associations, ("deal", "contact")), _Writer(associations, ("deal", "company"))
    for deal, party in zip(bargains.ids, parties, strict=True):
        for rank, person in enumerate(party.contacts):
            extra = "Decision maker" if rank == 0 else "Billing contact"
            buyers.link(deal, people.ids[person], *((None, extra) if dice() < 0.4 else (None,)))
        if firms.count and dice() < 0.97:
            sellers.link(deal, firms.ids[party.company], None, "Primary")
    return {**work.tables(), **buyers.tables(), **sellers.tables()}
