"""Sessions of the product database: visits from every kind of advertisement and from none, with ids good and bad."""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from hubspot_platform.sandbox.product.world import MINUTE_MS, Account, User, World, at, new_uuid
from hubspot_platform.sandbox.seed.columns import DAY_MS

SITE = "https://www.ourfirm.example"
PATHS = ("/", "/pricing", "/product", "/blog/shift-planning", "/demo", "/signup")
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/141.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Firefox/143.0",
)
_WORD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_HEX = "0123456789abcdef"
ANONYMOUS = 0.35

Visit = dict[str, Any]
Kind = Callable[[random.Random, int], Visit]


def token(rng: random.Random, length: int, letters: str = _WORD) -> str:
    """Return an opaque identifier."""
    return "".join(rng.choices(letters, k=length))


def _google(campaign: str, medium: str = "cpc", source: str = "google") -> Kind:
    return lambda rng, _: {
        "gclid": token(rng, 62),
        "utm_source": source,
        "utm_medium": medium,
        "utm_campaign": campaign,
        "utm_term": "shift planning",
        "referrer": "https://www.google.com/",
    }


def _facebook(rng: random.Random, ms: int) -> Visit:
    return {
        "fbclid": f"IwAR{token(rng, 60)}_aem_{token(rng, 22)}",
        "fbp": f"fb.1.{ms}.{rng.randrange(10**9, 10**10)}",
        "utm_source": "facebook",
        "utm_medium": "paid_social",
        "utm_campaign": "lookalike-q2",
        "referrer": "https://l.facebook.com/",
    }


def _plain(**values: str) -> Kind:
    return lambda _rng, _ms: dict(values)


def _bing(rng: random.Random, _: int) -> Visit:
    return {"msclkid": token(rng, 32, _HEX), "utm_source": "bing", "utm_medium": "cpc", "utm_campaign": "brand_us"}


KINDS: Sequence[tuple[int, Kind]] = (
    (10, _google("dach_brand_search")),
    (8, _google("generic-us")),
    (3, _google("pmax-eu")),
    (2, _google("awareness", medium="display")),
    (2, _google("launch", medium="cpv", source="youtube")),
    (2, lambda rng, _: {"gclid": token(rng, 70)}),
    (1, lambda rng, _: {"wbraid": token(rng, 40)}),
    (1, lambda rng, _: {"gbraid": token(rng, 40), "gclid": token(rng, 60)}),
    (5, _bing),
    (7, _facebook),
    (3, lambda rng, ms: {"fbclid": f"IwAR{token(rng, 60)}", "fbp": f"fb.1.{ms}.{rng.randrange(10**9, 10**10)}"}),
    (2, lambda rng, _: {"li_fat_id": new_uuid(rng), "utm_source": "linkedin", "utm_medium": "paid"}),
    (1, _plain(utm_source="tiktok", utm_medium="cpc", utm_campaign="short-video")),
    (14, _plain(referrer="https://www.google.de/")),
    (3, _plain(referrer="https://duckduckgo.com/")),
    (1, _plain(referrer="https://notgoogle.example/list")),
    (4, _plain(utm_source="newsletter", utm_medium="email", utm_campaign="spring-launch")),
    (2, _plain(referrer="https://mail.google.com/mail/u/0/")),
    (4, _plain(referrer="https://www.linkedin.com/feed/")),
    (4, _plain(referrer="https://reviews.example/best-tools")),
    (16, _plain()),
    (2, _plain(referrer=f"{SITE}/pricing")),
    # templates nobody filled, and ids cut short on the way
    (1, _plain(gclid="{gclid}", referrer="https://www.google.de/")),
    (1, _plain(utm_source="{{site_source_name}}", utm_medium="{{placement}}", fbclid="IwAR1")),
    (1, _plain(msclkid="0000-not-an-id")),
    (1, lambda rng, _: {"gclid": token(rng, 60), "utm_source": "bing", "utm_medium": "cpc"}),
)
_WEIGHTS = [weight for weight, _ in KINDS]
_MAKERS = [kind for _, kind in KINDS]


def sessions(world: World) -> Iterator[Visit]:
    """Yield the rows of `session`: visits before and after sign-up, and of people who never signed up."""
    rng = world.dice("sessions")
    known = 0
    for account, user in world.users():
        for client, ms in _moments(rng, user, world.base_ms):
            known += 1
            yield _session(rng, client, ms, account, signed_up=ms > user.created_ms)
    for _ in range(round(known * ANONYMOUS)):
        client = new_uuid(rng)
        for _ in range(rng.choice((1, 1, 2))):
            ms = world.base_ms - MINUTE_MS - rng.randrange(300 * DAY_MS)
            yield _session(rng, client, ms, None, signed_up=False)


def _moments(rng: random.Random, user: User, base_ms: int) -> Iterator[tuple[str, int]]:
    """Yield browsers and moments of a user's visits: some weeks before sign-up, now and then after."""
    for _ in range(rng.choices((0, 1, 2, 3, 5), (10, 35, 30, 15, 10))[0]):
        yield rng.choice(user.clients), user.created_ms - int(rng.expovariate(1 / (12 * DAY_MS)))
    if rng.random() < 0.1:
        yield user.clients[0], user.created_ms - 28 * DAY_MS
    since = base_ms - MINUTE_MS - user.created_ms
    for _ in range(rng.randrange(3) if since > MINUTE_MS else 0):
        yield rng.choice(user.clients), user.created_ms + rng.randrange(since)


def _session(rng: random.Random, client: str, ms: int, account: Account | None, *, signed_up: bool) -> Visit:
    kind = _plain() if signed_up and rng.random() < 0.7 else rng.choices(_MAKERS, _WEIGHTS)[0]
    visit = kind(rng, ms)
    query = {name: value for name, value in visit.items() if name not in {"referrer", "fbp"}}
    address = f"{SITE}{'/login' if signed_up else rng.choice(PATHS)}"
    started = at(ms)
    return {
        "session_id": new_uuid(rng),
        "ingested_at": started + timedelta(seconds=rng.randrange(2, 90)),
        "client_id": client,
        "started_at": started,
        "landing_url": f"{address}?{urlencode(query)}" if query else address,
        "user_agent": rng.choice(AGENTS),
        "country": account.country if account else None,
        **visit,
    }
