"""The product's own view of its customers: accounts with their status and users with their browsers.

Made of the portal's facts by `build_world`; every table of the product database and the billing are written from it.
"""

import random
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from hubspot_platform.sandbox.clock import from_ms
from hubspot_platform.sandbox.product.facts import Facts, Firm, Person
from hubspot_platform.sandbox.seed.columns import DAY_MS

MINUTE_MS = 60_000
ONLY_IN_PRODUCT = 0.05
SIGNED_UP, SELF_SERVICE, CHURNED = 0.55, 0.12, 0.15
PLANS = ("sbp", "standard", "standard", "enterprise")
SIZES = ("1-10", "11-50", "51-200", "201-500", "501+")


@dataclass
class User:
    """A user of the product; `clients` are the browsers they use."""

    user_id: str
    email: str
    first: str | None
    last: str | None
    phone: str | None
    hubspot_id: str | None
    created_ms: int
    clients: list[str] = field(default_factory=list)


@dataclass
class Account:
    """A company of the product."""

    company_id: str
    name: str
    domain: str | None
    country: str | None
    industry: str | None
    hubspot_id: str | None
    created_ms: int
    status: str = "LEAD"
    plan: str | None = None
    size: str | None = None
    signup_ms: int | None = None
    first_paid_ms: int | None = None
    churned_ms: int | None = None
    users: list[User] = field(default_factory=list)

    @property
    def pays(self) -> bool:
        """Whether it ever paid."""
        return self.first_paid_ms is not None


@dataclass
class World:
    """All accounts; `dice(part)` gives each table random numbers of its own."""

    facts: Facts
    seed: int
    accounts: list[Account]

    @property
    def base_ms(self) -> int:
        """The moment the data ends at."""
        return self.facts.base_ms

    def dice(self, part: str) -> random.Random:
        """Return the random numbers of one part of the data."""
        return random.Random(f"{self.seed}:product:{part}")

    def users(self) -> list[tuple[Account, User]]:
        """Return every user with their account."""
        return [(account, user) for account in self.accounts for user in account.users]


def at(ms: int) -> datetime:
    """Return the instant of epoch milliseconds."""
    return from_ms(ms)


def new_uuid(rng: random.Random) -> str:
    """Return a random UUID."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def build_world(facts: Facts, seed: int) -> World:
    """Return the accounts of the product: the portal's companies it knows, and some the portal has not."""
    rng = random.Random(f"{seed}:product:world")
    accounts = [_account(firm, facts, rng) for firm in facts.firms if firm.product_id]
    known = {account.hubspot_id: account for account in accounts}
    for number in range(round(len(accounts) * ONLY_IN_PRODUCT)):
        created = facts.base_ms - rng.randrange(400 * DAY_MS)
        name = f"Unlisted {number + 1}"
        firm = Firm("", name, f"unlisted{number + 1}.example", "United States", None, str(90_000 + number), created)
        accounts.append(_account(firm, facts, rng))
    for person in facts.people:
        account = known.get(person.firm_id or "")
        if account is not None and account.status != "LEAD" and rng.random() < 0.75:
            account.users.append(_user(person, account, facts.base_ms, rng))
    for account in accounts:
        if account.status != "LEAD" and not account.users:
            account.users.append(_founder(account, rng))
    _share_devices(accounts, rng)
    return World(facts, seed, accounts)


def _account(firm: Firm, facts: Facts, rng: random.Random) -> Account:
    account = Account(
        company_id=firm.product_id or "",
        name=firm.name,
        domain=firm.domain,
        country=firm.country,
        industry=firm.industry,
        hubspot_id=firm.id or None,
        created_ms=firm.created_ms,
        size=rng.choice([*SIZES, None]) if rng.random() < 0.3 else rng.choice(SIZES),
    )
    won = facts.won_ms.get(firm.id)
    if won is not None or rng.random() < SELF_SERVICE:
        account.first_paid_ms = won or min(firm.created_ms + rng.randrange(1, 90) * DAY_MS, facts.base_ms - DAY_MS)
        # The portal may know a company later than the product, never the product a payment before the company.
        account.created_ms = min(account.created_ms, account.first_paid_ms - 20 * DAY_MS)
        account.signup_ms = account.created_ms + rng.randrange(5 * DAY_MS)
        account.plan = rng.choice(PLANS) if won is not None else "sbp"
        account.status = "PAYING"
        if rng.random() < CHURNED and facts.base_ms - account.first_paid_ms > 90 * DAY_MS:
            left = facts.base_ms - account.first_paid_ms - 60 * DAY_MS
            account.churned_ms = account.first_paid_ms + 60 * DAY_MS + rng.randrange(left)
            account.status = "CHURNED"
    elif rng.random() < SIGNED_UP:
        account.status = rng.choice(("TRIAL", "DEMO", "FREE", "FREE"))
        account.plan = account.status.lower()
        account.signup_ms = min(account.created_ms + rng.randrange(10 * DAY_MS), facts.base_ms - MINUTE_MS)
    elif rng.random() < 0.2:
        account.plan = "trial"
    return account


def _user(person: Person, account: Account, base_ms: int, rng: random.Random) -> User:
    earliest = account.signup_ms or account.created_ms
    created = min(max(earliest, person.created_ms - rng.randrange(DAY_MS)), base_ms - MINUTE_MS)
    user = User(f"u{person.id}", person.email, person.first, person.last, person.phone, person.id, created)
    user.clients = [new_uuid(rng) for _ in range(rng.choices((1, 2, 3), (60, 30, 10))[0])]
    return user


def _founder(account: Account, rng: random.Random) -> User:
    email = f"owner{account.company_id}@{account.domain or 'mail.example'}"
    created = account.signup_ms or account.created_ms
    return User(f"p{account.company_id}", email, None, None, None, None, created, [new_uuid(rng)])


def _share_devices(accounts: list[Account], rng: random.Random) -> None:
    """Let some colleagues share a browser, and now and then people of two companies."""
    signed_up = [account for account in accounts if account.users]
    for account in signed_up:
        if len(account.users) > 1 and rng.random() < 0.15:
            lender, borrower = rng.sample(account.users, 2)
            borrower.clients.append(lender.clients[0])
    for _ in range(max(1, len(signed_up) // 60) if len(signed_up) > 1 else 0):
        one, other = rng.sample(signed_up, 2)
        other.users[0].clients.append(one.users[0].clients[0])
