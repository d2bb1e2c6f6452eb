"""The one owner of how HubSpot is called: address, token, versions, timeouts, retries, budget and server
clock.

The aiohttp transport and the governed SDK share one `HubSpotPolicy` and one `Exchange` per call, so that both
wait, count and fail alike.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol

from pydantic import SecretStr

from hubspot_platform.clock import Clock, utc_now
from hubspot_platform.hubspot.errors import ServerTimeUnknown
from hubspot_platform.hubspot.retry import GiveUp, History, Outcome, Retries, Wait, decide
from hubspot_platform.lanes import Bucket, DailyQuota, Lane

# The API version of each area, here and nowhere else.
PREFIXES: Mapping[str, str] = {
    "objects": "/crm/v3/objects",
    "associations": "/crm/v4/associations",
    "account": "/account-info/v3",
    "exports": "/crm/v3/exports",
    "users": "/settings/v3/users",
    "lists": "/crm/v3/lists",
    "forms": "/marketing/v3/forms",
    "submissions": "/form-integrations/v1/submissions",
    "email": "/email/public/v1",
}


class Budget(Protocol):
    """Grants calls. The platform's shared rate budget fulfils it; `UnlimitedBudget` grants everything."""

    async def acquire(self, bucket: Bucket, lane: Lane) -> None:
        """Return when the call may be sent now."""

    def acquire_blocking(self, bucket: Bucket, lane: Lane) -> None:
        """Return when the call may be sent now, for threads."""

    def record(self, bucket: Bucket, lane: Lane, status: int | None, daily: DailyQuota | None) -> None:
        """Note one sent call: its status (None: no answer) and the day quota when HubSpot reported it."""

    async def penalise(self, bucket: Bucket, seconds: float) -> None:
        """Let no process call in this bucket for `seconds`."""

    def penalise_blocking(self, bucket: Bucket, seconds: float) -> None:
        """As `penalise`, for threads."""

    def learn_time_zone(self, name: str) -> None:
        """Take over the portal's time zone, at whose midnight the day's quota starts again."""


class UnlimitedBudget:
    """A budget that grants every call at once: for a server without limits."""

    async def acquire(self, bucket: Bucket, lane: Lane) -> None:
        """Return at once."""

    def acquire_blocking(self, bucket: Bucket, lane: Lane) -> None:
        """Return at once."""

    def record(self, bucket: Bucket, lane: Lane, status: int | None, daily: DailyQuota | None) -> None:
        """Keep no ledger."""

    async def penalise(self, bucket: Bucket, seconds: float) -> None:
        """Slow nobody: the refused call waits by itself."""

    def penalise_blocking(self, bucket: Bucket, seconds: float) -> None:
        """Slow nobody: the refused call waits by itself."""

    def learn_time_zone(self, name: str) -> None:
        """Keep no day."""


class ServerClock:
    """HubSpot's clock, learned from `Date` headers and carried on by the host's monotonic clock.

    The host's wall clock plays no part, so a wrong or stepping host cannot move a sync window. A header names
    the second its answer was made in, so the estimate is never ahead of the server and at most about a second
    behind.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen = ""
        self._offset: float | None = None

    def observe(self, date_header: str) -> None:
        """Learn from one `Date` header; text that is no date is ignored."""
        if not date_header or date_header == self._seen:
            return
        try:
            server = parsedate_to_datetime(date_header)
        except ValueError:
            return
        self._seen = date_header
        offset = server.replace(tzinfo=server.tzinfo or UTC).timestamp() - self._monotonic()
        self._offset = offset if self._offset is None else max(offset, self._offset)

    def now(self) -> datetime:
        """Return the server's time (aware UTC); raises `ServerTimeUnknown` before the first answer."""
        if self._offset is None:
            raise ServerTimeUnknown(
                "HubSpot's time is not known yet", mend="make one call first, for example the account check"
            )
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=self._offset + self._monotonic())


@dataclass(frozen=True, eq=False)
class HubSpotPolicy:
    """How HubSpot is called, for every client in the process. Times are seconds.

    `random` gives [0, 1) for jitter; `sleep` and `sleep_blocking` wait between tries.
    """

    base_url: str
    token: SecretStr
    budget: Budget = field(default_factory=UnlimitedBudget)
    clock: Clock = utc_now
    retries: Retries = field(default_factory=Retries)
    connect_timeout: float = 10.0
    read_timeout: float = 105.0  # the edge answers 524 after 100 s: that answer must still arrive
    in_flight: int = 20  # calls side by side in one read: what a window of the rate limit allows comes at once
    prefixes: Mapping[str, str] = field(default_factory=lambda: PREFIXES)
    random: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    sleep_blocking: Callable[[float], None] = time.sleep
    server_clock: ServerClock = field(default_factory=ServerClock)

    def path(self, area: str, *parts: str) -> str:
        """Return the path of `parts` in an API area, in the version this platform speaks."""
        return "/".join((self.prefixes[area], *parts))

    def url(self, path: str) -> str:
        """Return the full address of `path`."""
        return self.base_url.rstrip("/") + path

    def headers(self) -> dict[str, str]:
        """Return the headers of every call; the authorization among them must not be logged."""
        return {
            "Authorization": f"Bearer {self.token.get_secret_value()}",
            "Accept": "application/json",
            "User-Agent": "hubspot-platform",
        }

    def skew(self) -> timedelta:
        """Return how far the host's clock is ahead of HubSpot's (negative: behind), to about a second."""
        return self.clock() - self.server_clock.now()


class Exchange:
    """One call from the first try to its end: every outcome goes to the budget and to the decision."""

    def __init__(self, policy: HubSpotPolicy, what: str, bucket: Bucket, lane: Lane) -> None:
        self.policy = policy
        self.what = what
        self.bucket = bucket
        self.lane = lane
        self._history = History()

    def observe(self, outcome: Outcome) -> Wait | None:
        """Take in one outcome: None accepts it, a `Wait` asks for another try; raises the typed error at the
        end.
        """
        headers = outcome.headers
        self.policy.budget.record(self.bucket, self.lane, outcome.status, daily_quota(headers))
        self.policy.server_clock.observe(headers.get("date", ""))
        limited = outcome.status == 429
        history = self._history
        if limited:
            history = replace(history, limited=history.limited + 1)
        else:
            history = replace(history, failures=history.failures + 1)
        decision = decide(
            self.what,
            outcome,
            history,
            retries=self.policy.retries,
            bucket=self.bucket,
            random=self.policy.random,
        )
        if isinstance(decision, GiveUp):
            raise decision.error
        if isinstance(decision, Wait):
            spent = history.limited_seconds + (decision.seconds if limited else 0.0)
            self._history = replace(history, limited_seconds=spent)
            return decision
        return None


def daily_quota(headers: Mapping[str, str]) -> DailyQuota | None:
    """Return the day quota in an answer's headers (lower-case names), or None: search and OAuth answers have
    none.
    """
    try:
        return DailyQuota(
            limit=int(headers["x-hubspot-ratelimit-daily"]),
            remaining=int(headers["x-hubspot-ratelimit-daily-remaining"]),
        )
    except (KeyError, ValueError):
        return None
