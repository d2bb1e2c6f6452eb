"""Companies, users, leads, mobile sign-ups and identity links of the product database."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from hubspot_platform.sandbox.product.visits import SITE, token
from hubspot_platform.sandbox.product.world import MINUTE_MS, Account, User, World, at, new_uuid
from hubspot_platform.sandbox.seed.columns import DAY_MS

Row = dict[str, Any]
KIOSK_PEOPLE = 210  # more than attribution expands
STRANGERS = 0.1


def companies(world: World) -> Iterator[Row]:
    """Yield the rows of `company`."""
    rng = world.dice("companies")
    managers = [owner for owner, _ in world.facts.owners]
    for account in world.accounts:
        cares = account.pays and rng.random() < 0.6 and managers
        sold = account.status in {"TRIAL", "DEMO"} and rng.random() < 0.5 and managers
        locked = bool(cares) and rng.random() < 0.15
        changed = min(world.base_ms, account.created_ms + rng.randrange(max(1, world.base_ms - account.created_ms)))
        yield {
            "company_id": account.company_id,
            "company_name": account.name,
            "domain": account.domain,
            "status": account.status,
            "signup_timestamp": _at(account.signup_ms),
            "num_of_employees_range": account.size,
            "plan_type": account.plan,
            "first_paid_at": _at(account.first_paid_ms),
            "hubspot_company_id": account.hubspot_id,
            "cs_manager_id": rng.choice(managers) if cares else None,
            "cs_manager_locked": locked,
            "cs_manager_locked_until": at(world.base_ms + rng.randrange(-20, 60) * DAY_MS)
            if locked and rng.random() < 0.6
            else None,
            "sales_account_manager_id": rng.choice(managers) if sold else None,
            "sales_manager_locked": False if sold else None,
            "industry": account.industry,
            "country": account.country,
            "white_label": account.plan == "enterprise" and rng.random() < 0.2,
            "created_at": at(account.created_ms),
            "updated_at": at(changed),
        }


def _at(ms: int | None) -> Any:
    return None if ms is None else at(ms)


def users(world: World) -> Iterator[Row]:
    """Yield the rows of `user_profile`."""
    rng = world.dice("users")
    for account, user in world.users():
        last_login = min(world.base_ms, user.created_ms + int(rng.expovariate(1 / (60 * DAY_MS))))
        yield {
            "user_id": user.user_id,
            "company_id": account.company_id,
            "email": user.email,
            "first_name": user.first,
            "last_name": user.last,
            "phone": user.phone,
            "role": rng.choice(("owner", "admin", "manager", "user", "user")),
            "hubspot_contact_id": user.hubspot_id,
            "created_at": at(user.created_ms),
            "last_login_at": at(last_login) if rng.random() < 0.9 else None,
            "updated_at": at(last_login),
        }


def leads(world: World) -> Iterator[Row]:
    """Yield the rows of `lead`: users before they signed up, and people nobody knows otherwise."""
    rng = world.dice("leads")
    number = 0
    for _, user in world.users():
        if rng.random() < 0.25:
            number += 1
            client = rng.choice(user.clients) if rng.random() < 0.8 else None
            yield _lead(rng, number, user.email, client, user.created_ms - rng.randrange(1, 20) * DAY_MS)
    for _ in range(round(len(world.facts.people) * STRANGERS * 0.2) + 3):
        number += 1
        client = new_uuid(rng) if rng.random() < 0.7 else None
        moment = world.base_ms - MINUTE_MS - rng.randrange(200 * DAY_MS)
        yield _lead(rng, number, f"visitor{number}@somewhere.example", client, moment)


def _lead(rng: random.Random, number: int, email: str, client: str | None, ms: int) -> Row:
    query = rng.choice(
        ("", "", f"?gclid={token(rng, 60)}", "?utm_source=newsletter&utm_medium=email", "?utm_medium=organic")
    )
    return {
        "lead_id": f"L{number:06d}",
        "submitted_at": at(ms),
        "email": _spelled(rng, email),
        "client_id": client,
        "form_name": rng.choice(("demo_request", "pricing", "newsletter", "contact_sales")),
        "page_url": f"{SITE}/demo{query}" if rng.random() < 0.9 else None,
        "phone": "+1 212-555-0147" if rng.random() < 0.3 else None,
    }


def _spelled(rng: random.Random, email: str) -> str:
    """Return the address as people type it."""
    roll = rng.random()
    if roll < 0.03:
        return email.upper()
    return f" {email} " if roll < 0.05 else email


def mobile_signups(world: World) -> Iterator[Row]:
    """Yield the rows of `mobile_signup`."""
    rng = world.dice("mobile")
    referrers = (None, "utm_source=google&utm_medium=cpc&utm_campaign=app", "utm_source=(not%20set)", "gclid={gclid}")
    number = 0
    for account, user in world.users():
        if rng.random() < 0.12 or number == 0:
            number += 1
            yield {
                "event_id": f"M{number:06d}",
                "occurred_at": at(user.created_ms),
                "company_id": account.company_id,
                "email": user.email if rng.random() < 0.7 else None,
                "client_id": user.clients[-1] if rng.random() < 0.8 else None,
                "platform": rng.choice(("ios", "android", "iOS")),
                "install_referrer": rng.choice(referrers),
            }


def company_clients(world: World) -> Iterator[Row]:
    """Yield the rows of `company_to_client_id`."""
    rng = world.dice("company_clients")
    for account, user in world.users():
        if user is account.users[0] or rng.random() < 0.3:
            yield _link(rng, user, company_id=account.company_id, client_id=user.clients[0])


def company_emails(world: World) -> Iterator[Row]:
    """Yield the rows of `company_to_email`: some twice, some in another spelling."""
    rng = world.dice("company_emails")
    for account, user in world.users():
        yield _link(rng, user, company_id=account.company_id, email=user.email)
        if rng.random() < 0.03:
            yield _link(rng, user, company_id=account.company_id, email=user.email.upper())


def email_clients(world: World) -> Iterator[Row]:
    """Yield the rows of `email_to_client_id`, with a shared device in a shop and a long chain of acquaintances."""
    rng = world.dice("email_clients")
    for _, user in world.users():
        for client in user.clients:
            yield _link(rng, user, email=_spelled(rng, user.email), client_id=client)
            if rng.random() < 0.04:
                yield _link(rng, user, email=user.email, client_id=client.upper())
        if rng.random() < 0.01:
            yield _link(rng, user, email=user.email, client_id="null")
    first = next((user for _, user in world.users()), None)
    if first is None:
        return
    kiosk = new_uuid(rng)
    for number in range(KIOSK_PEOPLE):
        yield _link(rng, first, email=f"guest{number}@shop.example", client_id=kiosk)
    yield _link(rng, first, email=first.email, client_id=kiosk)
    email = first.email
    for step in range(4):
        client = new_uuid(rng)
        yield _link(rng, first, email=email, client_id=client)
        email = f"acquaintance{step}@chain.example"
        yield _link(rng, first, email=email, client_id=client)


def _link(rng: random.Random, user: User, **ends: str) -> Row:
    return {**ends, "linked_at": at(user.created_ms) + timedelta(seconds=rng.randrange(86_400))}


def usage(world: World) -> Iterator[Row]:
    """Yield the rows of `user_usage`: what users of accounts that still live did in the last sixty days."""
    rng = world.dice("usage")
    today = world.base_ms - world.base_ms % DAY_MS
    for account, user in world.users():
        if not _lives(account, today):
            continue
        busy = rng.choice((0.0, 0.05, 0.2, 0.6))
        for back in range(60 if busy else 0):
            ms = today - back * DAY_MS
            if ms < user.created_ms or rng.random() >= busy:
                continue
            actions = rng.randrange(1, 120)
            yield {
                "user_id": user.user_id,
                "usage_date": at(ms).date(),
                "company_id": account.company_id,
                "sessions": rng.randrange(1, 6),
                "actions": actions,
                "active_minutes": min(actions * 2, 480),
            }


def _lives(account: Account, ms: int) -> bool:
    return account.churned_ms is None or account.churned_ms > ms - 60 * DAY_MS
