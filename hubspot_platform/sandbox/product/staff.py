"""Managers and their buckets, their history with companies, and exchange rates of the product database."""

from collections.abc import Iterator, Mapping
from typing import Any

from hubspot_platform.sandbox.product.world import World, at
from hubspot_platform.sandbox.seed.columns import DAY_MS

Row = dict[str, Any]
RATE_DAYS = 800

# US dollars for one unit at the end of the data
RATES: Mapping[str, float] = {
    "EUR": 1.08,
    "GBP": 1.27,
    "CAD": 0.73,
    "AUD": 0.66,
    "INR": 0.012,
    "JPY": 0.0067,
    "KWD": 3.25,
    "SEK": 0.095,
    "TRY": 0.02,
}
STALE, STALE_DAYS, JUMPING, JUMP = "SEK", 12, "TRY", 1.4


def manager_buckets(world: World) -> Iterator[Row]:
    """Yield the rows of `manager_bucket`; the last manager has left, nobody cares for accounts without touch."""
    owners = world.facts.owners
    for place, bucket in enumerate(("sales", "sbp", "onboarding", "success")):
        for position, (owner, name) in enumerate(owners):
            if position % 2 == place % 2 or position == 0:
                yield {
                    "bucket": bucket,
                    "manager_id": owner,
                    "name": name,
                    "position": position + 1,
                    "active": position != len(owners) - 1,
                    "hubspot_owner_id": owner,
                }


def manager_history(world: World) -> Iterator[Row]:
    """Yield the rows of `manager_history`: who cared for paying companies before."""
    rng = world.dice("history")
    owners = [owner for owner, _ in world.facts.owners]
    for account in world.accounts:
        if account.first_paid_ms is None or not owners or rng.random() < 0.4:
            continue
        assigned = account.first_paid_ms
        for _ in range(rng.choice((1, 1, 2))):
            ended = min(assigned + rng.randrange(30, 200) * DAY_MS, world.base_ms)
            yield {
                "company_id": account.company_id,
                "role": "cs" if rng.random() < 0.8 else "sales",
                "manager_id": rng.choice(owners),
                "assigned_at": at(assigned),
                "ended_at": at(ended) if ended < world.base_ms else None,
            }
            assigned = ended


def exchange_rates(world: World) -> Iterator[Row]:
    """Yield the rows of `exchange_rate`: a walk a day; one currency stopped, one jumped overnight."""
    rng = world.dice("rates")
    today = world.base_ms - world.base_ms % DAY_MS
    for currency, last in RATES.items():
        rate = last
        for back in range(RATE_DAYS):
            shown = rate * JUMP if currency == JUMPING and back == 0 else rate
            if not (currency == STALE and back < STALE_DAYS):
                yield {
                    "currency": currency,
                    "rate_date": at(today - back * DAY_MS).date(),
                    "usd_per_unit": f"{shown:.8f}",
                }
            rate = rate * (1 + rng.uniform(-0.004, 0.004))
