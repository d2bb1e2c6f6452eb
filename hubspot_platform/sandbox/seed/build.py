"""Putting the seeded portal together: records of every type, owners, links, archived and merged records."""

import gc
import random
from collections.abc import Sequence
from dataclasses import replace

from hubspot_platform.sandbox.clock import PortalClock, iso
from hubspot_platform.sandbox.model import Owner, Record
from hubspot_platform.sandbox.object_types import OBJECT_TYPES
from hubspot_platform.sandbox.options import Plan
from hubspot_platform.sandbox.portal import Account, ObjectArea, Portal
from hubspot_platform.sandbox.schema import render
from hubspot_platform.sandbox.seed import bugs, companies, contacts, deals, dirt, tickets
from hubspot_platform.sandbox.seed.columns import DAY_MS, Column, Draft, Seeded, filler, new_draft, table
from hubspot_platform.sandbox.seed.kinds import KINDS, PROPERTIES, Kind
from hubspot_platform.sandbox.seed.links import company_deals, deal_links, employments
from hubspot_platform.sandbox.seed.lists import fill_lists
from hubspot_platform.sandbox.seed.marketing import fill_marketing
from hubspot_platform.sandbox.seed.past import SeededPast
from hubspot_platform.sandbox.seed.people import fill_people
from hubspot_platform.sandbox.seed.world import World, attach

ARCHIVED = {"contacts": 0.02, "companies": 0.01, "deals": 0.02}
MERGED, MOST_MERGED = 0.003, 300
PRERENDER_FROM = 10_000
GROUPS = {"sales_process": "Sales process"}


def build_portal(plan: Plan, clock: PortalClock, account: Account | None = None) -> Portal:
    """Return a portal filled by the plan; the same plan and clock give the same portal."""
    portal = Portal(clock, account)
    base_ms = plan.base_ms or clock.now_ms()
    portal.base_ms = base_ms
    seeds = {**PROPERTIES, "contacts": _widened(contacts.PROPERTIES, plan.properties)}
    for spec in OBJECT_TYPES:
        made = base_ms - 760 * DAY_MS
        group = f"{spec.singular}information"
        definitions = [
            replace(
                s.definition,
                group=group if s.definition.group == "information" else s.definition.group,
                created_ms=made,
                updated_ms=made,
            )
            for s in seeds[spec.plural]
        ]
        area = portal.add_type(spec, definitions)
        area.groups = {group: f"{spec.singular.capitalize()} information", **GROUPS}
    portal.areas["deals"].pipelines = deals.pipelines(base_ms)
    portal.areas["tickets"].pipelines = tickets.pipelines(base_ms)
    portal.associations.add_label(("deal", "contact"), "Decision maker", "decision_maker", "Decides on")
    portal.associations.add_label(("deal", "contact"), "Billing contact", "billing_contact", "Pays for")
    portal.associations.add_label(("contact", "company"), "Former employee", "former_employee", "Former employer")
    portal.associations.add_label(("ticket", "contact"), "Reporter", "reporter", "Reported")
    portal.associations.add_label(("ticket", "deal"), "Blocks", "blocks", "Blocked by")
    bugs.declare(portal)
    if plan.contacts:
        fill_people(portal, plan)
        for area in portal.areas.values():
            area.store.history.past = SeededPast(portal, area, plan.seed)
        gc.disable()
        try:
            _fill(portal, plan, seeds)
            if plan.contacts >= PRERENDER_FROM:
                _prerender(portal.areas["contacts"])
        finally:
            gc.enable()
        fill_lists(portal, plan)
        fill_marketing(portal, plan)
    return portal


def _widened(seeded: Sequence[Seeded], width: int | None) -> Sequence[Seeded]:
    if width is None:
        return seeded
    return [*seeded[:width], *(filler(n) for n in range(1, width - len(seeded) + 1))]


def _owned(draft: Draft, owners: Sequence[Owner], missing: float) -> Column:
    people = [o.id for o in owners if o.type == "PERSON"]
    return draft.pick(people, [1 / (1 + rank) for rank in range(len(people))], missing)


def _fill(portal: Portal, plan: Plan, seeds: dict[str, Sequence[Seeded]]) -> None:
    base_ms, owners = portal.base_ms, list(portal.owners.values())
    firms = new_draft(plan.companies, random.Random(f"{plan.seed}:companies"), base_ms)
    company_columns, employers = companies.firms(firms)
    company_columns["hubspot_owner_id"] = _owned(firms, owners, 0.08)

    people = new_draft(plan.contacts, random.Random(f"{plan.seed}:contacts"), base_ms)
    jobs = employments(people, len(employers))
    places = [employers[j[0]] if j else None for j in jobs]
    contact_columns = contacts.people(people, places)
    contact_columns["hubspot_owner_id"] = _owned(people, owners, 0.1)
    contacts.spoil(people, contact_columns)

    bargains = new_draft(plan.deals, random.Random(f"{plan.seed}:deals"), base_ms)
    staff = company_deals(bargains, jobs, len(employers))
    deal_columns = deals.sales(bargains, [employers[s.company].name if employers else "Deal" for s in staff])
    deal_columns["hubspot_owner_id"] = _owned(bargains, owners, 0.05)
    deal_columns["num_associated_contacts"] = [str(len(s.contacts)) for s in staff]

    for plural, draft, ready in (
        ("companies", firms, company_columns),
        ("contacts", people, contact_columns),
        ("deals", bargains, deal_columns),
    ):
        _load(portal.areas[plural], draft, seeds[plural], ready, ARCHIVED[plural])
    for pair, links in deal_links(portal.associations, (firms, people, bargains), jobs, staff).items():
        portal.associations.load(pair, links)
    for plural in ("contacts", "companies", "deals"):
        _merge_some(portal, portal.areas[plural], random.Random(f"{plan.seed}:merge:{plural}"))
    for kind in KINDS:
        _fill_kind(portal, plan, kind)
    _merge_some(portal, portal.areas["tickets"], random.Random(f"{plan.seed}:merge:tickets"))


def _fill_kind(portal: Portal, plan: Plan, kind: Kind) -> None:
    area = portal.area(kind.name)
    rng = random.Random(f"{plan.seed}:{kind.key}")
    draft = new_draft(plan.others.get(kind.key, 0), rng, portal.base_ms, area.spec.first_id)
    made = kind.make(draft, World(portal, rng))
    _load(area, draft, kind.properties, made.columns, kind.archived)
    for record_id, parties in zip(draft.ids, made.parties, strict=True):
        attach(portal, area, record_id, parties)


def _load(area: ObjectArea, draft: Draft, seeded: Sequence[Seeded], ready: dict[str, Column], archived: float) -> None:
    ready |= {
        "hs_object_id": list(map(str, draft.ids)),
        area.spec.created_property: list(map(iso, draft.created)),
        area.spec.modified_property: list(map(iso, draft.updated)),
    }
    seeded = sorted(seeded, key=lambda entry: area.schema.column[entry.definition.name])
    columns = table(draft, seeded, ready)
    by_name = {s.definition.name: c for s, c in zip(seeded, columns, strict=True)}
    dirt.spoil_types(
        draft, by_name, ("annualrevenue", "number_of_installments__months"), ("birthday", "contract_start")
    )
    if area.spec.singular == "contact":
        dirt.spoil_texts(draft, by_name, "sales_notes", "jobtitle", "sales_script_version")
    rows = zip(*columns, strict=True)
    records = [Record(i, row, c, u) for i, row, c, u in zip(draft.ids, rows, draft.created, draft.updated, strict=True)]
    for position in draft.sample(archived):
        records[position].archived_ms = draft.base_ms - draft.rng.randrange(80 * DAY_MS)
    area.store.load(records)


def _prerender(area: ObjectArea) -> None:
    """Render every record with all its properties, the set a full read asks for, before the first call."""
    wanted = area.schema.resolve([d.name for d in area.schema.listed()])
    for record in area.store.records.values():
        render(area.schema, record, wanted)


def _merge_some(portal: Portal, area: ObjectArea, rng: random.Random) -> None:
    ids = area.store.live_ids
    wanted = min(MOST_MERGED, max(1, round(len(ids) * MERGED))) if len(ids) >= 20 else 0
    for _ in range(wanted):
        primary, other = (area.store.records[i] for i in rng.sample(area.store.live_ids, 2))
        at_ms = max(portal.base_ms - rng.randrange(60 * DAY_MS), primary.updated_ms, other.updated_ms)
        survivor = area.store.merge(primary, other, at_ms)
        for old in (primary, other):
            portal.associations.move(area.spec.singular, old.id, survivor.id)
