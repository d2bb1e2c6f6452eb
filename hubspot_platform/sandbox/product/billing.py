"""The sandbox's billing: Chargebee's webhook events of every paying account, as one stream over the months.

`events` tells each subscription's story from trial to today (see `story.py`) and then disturbs the order as deliveries
do: some arrive late, some twice. The demo gives the file to `hubspot-platform ingest chargebee`.
"""

import random
from collections.abc import Iterator
from typing import Any

from hubspot_platform.sandbox.product.prices import COUPONS
from hubspot_platform.sandbox.product.story import Event, Story
from hubspot_platform.sandbox.product.world import World
from hubspot_platform.sandbox.seed.columns import DAY_MS

LATE, TWICE = 0.02, 0.01
SECOND_SUBSCRIPTION = 0.06


def events(world: World) -> Iterator[dict[str, Any]]:
    """Yield the events in the order they are delivered."""
    rng = world.dice("billing")
    told = [*_catalogue(world), *_stories(world, rng)]
    told.sort(key=lambda event: (event["occurred_at"], event["id"]))
    late = [(n + rng.randrange(2, 12) if rng.random() < LATE else n, n) for n in range(len(told))]
    for _, number in sorted(late):
        yield told[number]
        if rng.random() < TWICE:
            yield told[number]


def _catalogue(world: World) -> Iterator[Event]:
    ms = world.base_ms - 780 * DAY_MS
    for number, coupon in enumerate(COUPONS):
        made = ms + number * 1_000
        yield envelope(f"ev_coupon_{number:04d}", "coupon_created", made, {"coupon": coupon.resource(made)})


def envelope(event_id: str, event_type: str, ms: int, content: dict[str, Any]) -> Event:
    """Return an event as Chargebee posts it."""
    return {
        "id": event_id,
        "occurred_at": ms // 1000,
        "source": "scheduled_job",
        "user": None,
        "object": "event",
        "api_version": "v2",
        "event_type": event_type,
        "content": content,
        "webhook_status": "scheduled",
        "webhooks": [{"id": "whv2_1", "webhook_status": "scheduled", "object": "webhook"}],
    }


def _stories(world: World, rng: random.Random) -> Iterator[Event]:
    number = 0
    for account in world.accounts:
        wanted = account.pays or account.status == "TRIAL"
        for turn in range(2 if account.pays and rng.random() < SECOND_SUBSCRIPTION else 1):
            if wanted:
                number += 1
                story = Story(world, account, number, second=turn == 1)
                for position, (event_type, ms, content) in enumerate(story.told()):
                    yield envelope(f"ev_{number:06d}_{position:04d}", event_type, ms, content)
