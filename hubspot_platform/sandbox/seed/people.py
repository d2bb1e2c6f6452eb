"""Owners, users, teams and roles of the seeded portal; an owner who left has no user any more."""

import random

from hubspot_platform.sandbox.model import Owner
from hubspot_platform.sandbox.options import Plan
from hubspot_platform.sandbox.people import Role, Team, User
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.seed import contacts, words
from hubspot_platform.sandbox.seed.columns import DAY_MS

SALES, RENEWALS, SUCCESS, FOUNDERS = "900", "901", "902", "903"
ROLES = (
    Role("501", "Sales"),
    Role("502", "Sales manager", requires_billing_write=True),
    Role("503", "Customer success"),
    Role("504", "Marketing"),
)


def fill_people(portal: Portal, plan: Plan) -> None:
    """Put owners, users, teams and roles into the portal."""
    portal.owners = {o.id: o for o in _owners(plan, portal.base_ms)}
    staff = [o for o in portal.owners.values() if o.type == "PERSON" and not o.archived]
    portal.people.roles = {role.id: role for role in ROLES}
    portal.people.users = {
        owner.user_id: User(
            id=owner.user_id,
            email=owner.email,
            first_name=owner.first_name,
            last_name=owner.last_name,
            role_id=None if position == 0 else ROLES[position % len(ROLES)].id,
            super_admin=position == 0,
        )
        for position, owner in enumerate(staff)
    }
    ids = list(portal.people.users)
    renewals = ids[3::4]
    sales = [i for i in ids if i not in renewals]
    portal.people.teams = {
        team.id: team
        for team in (
            Team(SALES, "Sales", tuple(sales), tuple(renewals[:1])),
            Team(RENEWALS, "Renewals", tuple(renewals)),
            Team(SUCCESS, "Customer success", secondary_user_ids=(*sales[1:3], *renewals[:1])),
            Team(FOUNDERS, "Founders"),
        )
    }


def _owners(plan: Plan, base_ms: int) -> list[Owner]:
    rng = random.Random(f"{plan.seed}:owners")
    count = 8 if plan.contacts < 1_000 else 24
    made = base_ms - 800 * DAY_MS
    found = []
    for position in range(count):
        first, last = rng.choice(words.FIRST_NAMES), rng.choice(words.LAST_NAMES)
        found.append(
            Owner(
                id=str(70_001 + position * 13),
                email=f"{contacts.plain(first)}.{contacts.plain(last)}{position}@ourfirm.example",
                first_name=first,
                last_name=last,
                user_id=80_001 + position * 17,
                created_ms=made + position * DAY_MS,
                updated_ms=base_ms - (position + 1) * 9 * DAY_MS,
                archived=position % 6 == 4,
            )
        )
    queue = Owner("79999", "queue@ourfirm.example", "Inbound", "Queue", 89_999, made, made, type="QUEUE")
    return [*found, queue]
