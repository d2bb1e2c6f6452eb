"""Names shared by everything that spends HubSpot's request budget.

The HubSpot client says which bucket a call is counted in and how urgent it is; the rate budget in the
platform's state grants, counts and reports by the same names.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Lane(IntEnum):
    """Urgency of a call: a lower number goes first while calls are scarce."""

    CRITICAL = 0
    SYNC = 1
    BACKFILL = 2


class Bucket(StrEnum):
    """The limit a call is counted against: the app's rolling window or the account's search limit."""

    API = "api"
    SEARCH = "search"


@dataclass(frozen=True)
class DailyQuota:
    """The account's day quota as HubSpot last reported it (`X-HubSpot-RateLimit-Daily` headers)."""

    limit: int
    remaining: int
