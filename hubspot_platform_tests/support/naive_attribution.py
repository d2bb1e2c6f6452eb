"""Attribution as the rules say it, in plain Python and one company at a time: what the SQL must agree with."""

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from hubspot_platform_tests.support.attribution import Product

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+", re.ASCII)
LIMIT = timedelta(days=28)
HALF_LIFE, MICROSECOND = timedelta(days=7), timedelta(microseconds=1)


def usable(text: str | None) -> str | None:
    """A normalised identifier, or None."""
    tidy = (text or "").strip(" \t\r\n").lower()
    return tidy if UUID.fullmatch(tidy) or EMAIL.fullmatch(tidy) else None


@dataclass
class Walk:
    hops: dict[str, int]
    cycle: bool
    goes_on: bool


def neighbours_of(product: Product) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in product.rows["email_to_client_id"]:
        email, browser = usable(row["email"]), usable(row["client_id"])
        if email and browser:
            found[email].add(browser)
            found[browser].add(email)
    return found


def walk(product: Product, company_id: str, neighbours: dict[str, set[str]], hub: int = 200) -> Walk:
    own = {
        node
        for name in ("client_id", "email")
        for row in product.rows[f"company_to_{name}"]
        if row["company_id"] == company_id and (node := usable(row[name]))
    }
    depth = {"": 0}
    edges: set[frozenset[str]] = set()
    frontier = [""]
    for hop in range(1, 6):
        reached = []
        for node in frontier:
            near = own if not node else neighbours[node]
            if len(near) > hub and node:
                continue
            for other in near:
                edges.add(frozenset((node, other)))
                if other not in depth:
                    depth[other] = hop
                    reached.append(other)
        frontier = reached
    last = [node for node in frontier if len(neighbours[node]) <= hub]
    goes_on = any(other not in depth for node in last for other in neighbours[node])
    return Walk({k: v for k, v in depth.items() if k}, len(edges) > len(depth) - 1, goes_on)


@dataclass
class World:
    """What every company's walk reads: who is linked with whom, and which touches an identifier has."""

    product: Product
    neighbours: dict[str, set[str]]
    touches: dict[str, list[dict[str, Any]]]


def world_of(product: Product) -> World:
    """Index the rows; of touches only the external ones, which is all the random companies have."""
    touches: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in {row["touchpoint_id"]: row for row in product.rows["interaction_touchpoint"]}.values():
        for node in {usable(row.get("client_id")), usable(row.get("email"))} - {None}:
            touches[str(node)].append(row)
    return World(product, neighbours_of(product), touches)


def eligible(world: World, hops: dict[str, int], anchor: datetime) -> list[dict[str, Any]]:
    found = {row["touchpoint_id"]: row for node in hops for row in world.touches[node] if row["occurred_at"] <= anchor}
    return list(found.values())


def attribute(world: World, company: dict[str, Any], as_of: datetime) -> dict[str, Any]:
    """The row of `company_summary`."""
    found = walk(world.product, company["company_id"], world.neighbours)
    anchor = company["signup_timestamp"] or as_of
    touches = eligible(world, found.hops, anchor)

    def tie(row: dict[str, Any]) -> tuple[bool, bytes]:
        return row["channel"] == "direct", row["touchpoint_id"].encode()

    oldest = sorted(touches, key=lambda row: (row["occurred_at"], tie(row)))
    newest = sorted(touches, key=lambda row: (as_of - row["occurred_at"], tie(row)))

    def first(rows: list[dict[str, Any]]) -> str | None:
        return rows[0]["touchpoint_id"] if rows else None

    return {
        "company_id": company["company_id"],
        "anchor": anchor,
        "n_clients": sum("@" not in node for node in found.hops),
        "n_emails": sum("@" in node for node in found.hops),
        "max_hop": max(found.hops.values(), default=0),
        "cycle_detected": found.cycle,
        "hop_limit_reached": found.goes_on,
        "n_touchpoints": len(touches),
        "first_touchpoint_id": first(oldest),
        "first_runner_up_id": first(oldest[1:]),
        "limited_touchpoint_id": first([row for row in oldest if row["occurred_at"] >= anchor - LIMIT]),
        "limited_runner_up_id": first([row for row in oldest if row["occurred_at"] >= anchor - LIMIT][1:]),
        "last_touchpoint_id": first(newest),
        "last_runner_up_id": first(newest[1:]),
        "first_non_direct_touchpoint_id": first([row for row in oldest if row["channel"] != "direct"]),
        "last_non_direct_touchpoint_id": first([row for row in newest if row["channel"] != "direct"]),
        "run_number": 0,
        "computed_at": as_of,
    }


def shares(world: World, company: dict[str, Any], as_of: datetime) -> dict[str, list[Decimal]]:
    """The credit of each touch in order of time by the three rules, to 25 digits."""
    anchor = company["signup_timestamp"] or as_of
    hops = walk(world.product, company["company_id"], world.neighbours).hops
    ages = sorted((anchor - row["occurred_at"] for row in eligible(world, hops, anchor)), reverse=True)
    n = len(ages)
    with localcontext(prec=25):
        weights = [Decimal(2) ** (-Decimal(age // MICROSECOND) / (HALF_LIFE // MICROSECOND)) for age in ages]
        total = sum(weights)
        between = [Decimal("0.2") / (n - 2)] * (n - 2) if n > 2 else []
        ends = {0: [], 1: [Decimal(1)], 2: [Decimal("0.5")] * 2}.get(n, [Decimal("0.4")] * 2)
        return {
            "linear": [Decimal(1) / n for _ in ages],
            "position_based": [*ends[:1], *between, *ends[1:]],
            "time_decay": [weight / total for weight in weights],
        }
