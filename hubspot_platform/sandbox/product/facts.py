"""What the product database must agree on with the portal: its companies, people, won deals and owners.

Read from a running sandbox over its admin API, or from a portal seeded in this process; either way the same facts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from hubspot_platform.sandbox import mutations
from hubspot_platform.sandbox.clock import PortalClock, parse_time
from hubspot_platform.sandbox.errors import SandboxError
from hubspot_platform.sandbox.handlers.reference import owner_json
from hubspot_platform.sandbox.options import Plan
from hubspot_platform.sandbox.seed import build_portal

WON_STAGES = frozenset({"closedwon", "983413"})
_TIMEOUT_SECONDS = 120

Get = Callable[[str, Mapping[str, str]], Any]


@dataclass(frozen=True)
class Firm:
    """A company of the portal; `product_id` is its id in the product, if it is known there."""

    id: str
    name: str
    domain: str | None
    country: str | None
    industry: str | None
    product_id: str | None
    created_ms: int


@dataclass(frozen=True)
class Person:
    """A contact of the portal with the first company it belongs to."""

    id: str
    email: str
    first: str | None
    last: str | None
    phone: str | None
    firm_id: str | None
    created_ms: int


@dataclass(frozen=True)
class Facts:
    """Everything the product database is made of; `won_ms` is when a company's first deal was won."""

    base_ms: int
    firms: tuple[Firm, ...]
    people: tuple[Person, ...]
    won_ms: Mapping[str, int]
    owners: tuple[tuple[str, str], ...]


def portal_facts(url: str) -> Facts:
    """Return the facts of a running sandbox; SandboxError when it cannot be asked."""
    with httpx.Client(base_url=url.rstrip("/"), timeout=_TIMEOUT_SECONDS) as client:

        def get(path: str, query: Mapping[str, str]) -> Any:
            try:
                return client.get(f"/sandbox/api/{path}", params=dict(query)).raise_for_status().json()
            except httpx.HTTPError as error:
                mend = "give the address of a running sandbox"
                raise SandboxError(f"{url}: {type(error).__name__}", mend=mend) from error

        return _facts(get, parse_time(get("state", {})["base"]) or 0)


def seeded_facts(plan: Plan) -> Facts:
    """Return the facts of the portal this plan seeds."""
    portal = build_portal(plan, PortalClock())

    def get(path: str, query: Mapping[str, str]) -> Any:
        kind, *names = path.split("/")
        if kind == "account":
            return [owner_json(portal, owner) for owner in portal.owners.values()]
        return mutations.dump(portal, names[0], query) if kind == "dump" else mutations.all_links(portal, *names)

    return _facts(get, portal.base_ms)


def _facts(get: Get, base_ms: int) -> Facts:
    firms = tuple(_firm(document) for document in _records(get, "companies", _FIRM))
    employer: dict[str, str] = {}
    for contact, company, _ in get("links/contacts/companies", {})["results"]:
        employer.setdefault(contact, company)
    people = tuple(
        _person(document, employer.get(document["id"]))
        for document in _records(get, "contacts", _PERSON)
        if document["properties"].get("email")
    )
    won: dict[str, int] = {}
    closed = {
        document["id"]: parse_time(document["properties"].get("closedate") or "") or base_ms
        for document in _records(get, "deals", ("dealstage", "closedate"))
        if document["properties"].get("dealstage") in WON_STAGES
    }
    for deal, company, _ in get("links/deals/companies", {})["results"]:
        if deal in closed:
            won[company] = min(closed[deal], won.get(company, base_ms))
    owners = [
        (str(owner["id"]), f"{owner['firstName']} {owner['lastName']}")
        for owner in get("account/owners", {})
        if owner["type"] == "PERSON" and not owner["archived"]
    ]
    return Facts(base_ms, firms, people, won, tuple(sorted(owners)))


_FIRM = ("name", "domain", "country", "industry", "product_company_id", "createdate")
_PERSON = ("email", "firstname", "lastname", "phone", "createdate")


def _records(get: Get, plural: str, properties: tuple[str, ...]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(f"dump/{plural}", {"properties": ",".join(properties)})["results"]
    return found


def _firm(document: Mapping[str, Any]) -> Firm:
    values = document["properties"]
    name, domain, country, industry, product_id, created = (values.get(p) for p in _FIRM)
    return Firm(document["id"], name or "", domain, country, industry, product_id, parse_time(created or "") or 0)


def _person(document: Mapping[str, Any], firm_id: str | None) -> Person:
    values = document["properties"]
    email, first, last, phone, created = (values.get(p) for p in _PERSON)
    return Person(document["id"], email, first, last, phone, firm_id, parse_time(created or "") or 0)
