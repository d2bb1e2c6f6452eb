"""Whom an activity is about: people of the portal with their company, deal and ticket, and the staff who did it.

Tickets, engagements and custom objects are made on top of the contacts, companies and deals already in the portal, both
at the start (`build`) and for a simulated day (`day`).
"""

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from hubspot_platform.sandbox.model import Record, Value
from hubspot_platform.sandbox.portal import ObjectArea, Portal
from hubspot_platform.sandbox.seed.columns import Column, Draft

# shares of activities with somebody who is in a deal, or has a deal or a ticket
IN_A_DEAL, BUSY = 0.3, 0.5
DIALLING = {
    "United States": "1",
    "Canada": "1",
    "United Kingdom": "44",
    "Germany": "49",
    "Netherlands": "31",
    "France": "33",
    "Sweden": "46",
    "Australia": "61",
    "India": "91",
}


def e164(number: str, country: str) -> str:
    """Return a number of the seeded portal in international form, whatever way it is written."""
    digits = "".join(c for c in number if c.isdigit())
    if number.startswith("+"):
        return f"+{digits}"
    if digits.startswith("00"):
        return f"+{digits[2:]}"
    code = DIALLING.get(country, "1")
    if digits.startswith("0"):
        return f"+{code}{digits[1:]}"
    return f"+{digits}" if len(digits) > 10 else f"+{code}{digits}"


@dataclass(frozen=True)
class Parties:
    """Records an activity belongs to, by singular object name, each with the labels of its link."""

    person: Record | None = None
    links: tuple[tuple[str, int, tuple[str, ...]], ...] = ()


@dataclass
class Made:
    """Ready columns of a draft and what each of its records is about."""

    columns: dict[str, Column]
    parties: list[Parties] = field(default_factory=list)


class World:
    """The portal as somebody who writes activities sees it."""

    def __init__(self, portal: Portal, rng: random.Random) -> None:
        self.portal = portal
        self.rng = rng
        self._contacts = portal.areas["contacts"].store
        people = [o for o in portal.owners.values() if o.type == "PERSON"]
        self.owner_ids = [o.id for o in people]
        self.user_of = {o.id: o.user_id for o in people}
        teams = {o.id: portal.people.teams_of(o.user_id) for o in people}
        self.team_of = {i: found[0][0].id for i, found in teams.items() if found}
        self._shares = [1 / (1 + rank) for rank in range(len(people))]

    def text(self, record: Record, name: str) -> str:
        """Return a contact's value, empty without one."""
        return self._contacts.value(record, name) or ""

    def person(self, at_ms: int) -> Record | None:
        """Return somebody the portal knew at that moment; nobody in an empty portal."""
        ids, records = self._contacts.live_ids, self._contacts.records
        if not ids:
            return None
        roll = self.rng.random()
        if roll < BUSY and (found := self._customer_of("deal" if roll < IN_A_DEAL else "ticket", at_ms)) is not None:
            return found
        # later contacts have higher ids, but for the survivors of merges
        known = bisect_right(ids, at_ms, key=lambda i: records[i].created_ms)
        return records[ids[int(max(1, known) * self.rng.random())]]

    def _customer_of(self, singular: str, at_ms: int) -> Record | None:
        ids = self.portal.area(singular).store.live_ids
        links = self.portal.associations.links((singular, "contact"), self.rng.choice(ids)) if ids else ()
        found = self._contacts.records[links[0][0]] if links else None
        live = found is not None and found.archived_ms is None and found.created_ms <= at_ms
        return found if live else None

    def parties(self, person: Record | None, *, deal: float = 0.6, ticket: float = 0.4) -> Parties:
        """Return the person with their company and, by chance, a deal and a ticket."""
        if person is None:
            return Parties()
        found: list[tuple[str, int, tuple[str, ...]]] = [("contact", person.id, ())]
        company = self._first(person, "company")
        if company is not None:
            found.append(("company", company, ()))
        for singular, share in (("deal", deal), ("ticket", ticket)):
            if self.rng.random() < share and (other := self._first(person, singular)) is not None:
                found.append((singular, other, ()))
        return Parties(person, tuple(found))

    def _first(self, person: Record, singular: str) -> int | None:
        links = self.portal.associations.links(("contact", singular), person.id)
        return max(links, key=lambda link: len(link[1]))[0] if links else None

    def owned(self, draft: Draft, missing: float) -> dict[str, Column]:
        """Return the owner and team columns."""
        owners: Column = [None] * draft.count
        if self.owner_ids:
            owners = draft.pick(self.owner_ids, self._shares, missing)
        return {"hubspot_owner_id": owners, "hubspot_team_id": [self.team_of.get(o or "") for o in owners]}


def transposed(rows: Sequence[Sequence[Value]], names: Sequence[str]) -> dict[str, Column]:
    """Return rows of values as columns by name."""
    if not rows:
        return {name: [] for name in names}
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def attach(portal: Portal, area: ObjectArea, record_id: int, parties: Parties) -> None:
    """Write the associations of one record."""
    for target, target_id, labels in parties.links:
        pair = (area.spec.singular, target)
        wanted = [t.type_id for t in portal.associations.types.get(pair, ()) if t.label in (None, *labels)]
        portal.associations.add(pair, record_id, target_id, wanted)
