"""The ledger of API calls: how many each day of the portal saw, and which share of the day is used.

The rate budget counts into a `Ledger` and asks its `Reading` whether ordinary work may go on; the command
line, checks and the dashboard read `totals` and `reading`. A day ends at midnight in the portal's time zone
(HubSpot reference: rate limits).
"""

import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert  # SQLite understands its ON CONFLICT as well

from hubspot_platform.lanes import Bucket, DailyQuota, Lane
from hubspot_platform.state.schema import api_quota, api_usage

HEADERS_TRUSTED = timedelta(minutes=15)
"""How long a remainder HubSpot reported can stop work; afterwards a call goes through and renews it."""


@dataclass(frozen=True)
class Usage:
    """The calls of one day, bucket and lane; `limited` were answered 429, `errors` otherwise failed."""

    day: date
    bucket: Bucket
    lane: Lane
    calls: int
    limited: int
    errors: int


@dataclass(frozen=True)
class Reading:
    """What is known about one day: our calls, and HubSpot's last word with our calls at that moment."""

    day: date
    calls: int
    headers: DailyQuota | None = None
    calls_then: int = 0
    seen_at: datetime | None = None

    def share_used(self, configured: int | None) -> float | None:
        """Return the used share of the day: the larger of our own count's and of HubSpot's.

        None when no limit is known: an unknown share is never taken for 0 %.
        """
        shares = [self.calls / configured] if configured else []
        if self.headers is not None and self.headers.limit > 0:
            used = self.headers.limit - self.headers.remaining + max(0, self.calls - self.calls_then)
            shares.append(used / self.headers.limit)
        return max(shares, default=None)

    def blocking_share(self, configured: int | None, now: datetime) -> float | None:
        """Return the share that may stop work: as `share_used`, without a word of HubSpot's that grew old.

        Else a reading taken across midnight, or a limit raised since, would stop everything until tomorrow.
        """
        if self.seen_at is not None and abs(now - self.seen_at) > HEADERS_TRUSTED:
            return Reading(self.day, self.calls).share_used(configured)
        return self.share_used(configured)


def usage_day(now: datetime, zone: ZoneInfo) -> date:
    """Return the portal's calendar day at an instant."""
    return now.astimezone(zone).date()


def day_ends(now: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) at which the portal's day ends and HubSpot's count starts over."""
    return datetime.combine(usage_day(now, zone) + timedelta(days=1), time.min, zone).astimezone(UTC)


def totals(conn: sa.Connection, first: date, last: date) -> list[Usage]:
    """Return the ledger of the days `first` to `last`, both included, by day, bucket and lane."""
    query = (
        sa.select(api_usage)
        .where(api_usage.c.usage_day.between(first, last))
        .order_by(api_usage.c.usage_day, api_usage.c.bucket, api_usage.c.lane)
    )
    return [
        Usage(row.usage_day, Bucket(row.bucket), Lane(row.lane), row.calls, row.limited, row.errors)
        for row in conn.execute(query)
    ]


def reading(conn: sa.Connection, day: date) -> Reading:
    """Return what is known about a day, over all processes."""
    quota = conn.execute(sa.select(api_quota).where(api_quota.c.usage_day == day)).first()
    calls = _calls(conn, day)
    if quota is None:
        return Reading(day, calls)
    headers = DailyQuota(quota.daily_limit, quota.daily_remaining)
    return Reading(day, calls, headers, quota.calls_then, quota.seen_at)


def latest_reading(conn: sa.Connection, now: datetime) -> Reading | None:
    """Return what is known about the day that calls were last counted on; None without any for 24 hours.

    For processes that call nobody: only those that do know the portal's time zone, and so its day.
    """
    query = sa.select(api_usage.c.usage_day).where(api_usage.c.updated_at > now - timedelta(days=1))
    day = conn.execute(query.order_by(api_usage.c.updated_at.desc(), api_usage.c.usage_day.desc()).limit(1)).scalar()
    return None if day is None else reading(conn, day)


class Ledger:
    """Calls counted in memory until `flush` adds them to the store; safe to use from any thread."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._lock = threading.Lock()
        self._counts: dict[tuple[date, Bucket, Lane], list[int]] = {}
        self._headers: dict[date, tuple[datetime, DailyQuota]] = {}

    def add(self, bucket: Bucket, lane: Lane, status: int | None, headers: DailyQuota | None, now: datetime) -> None:
        """Count one call and its outcome; a status of None is a call that got no answer."""
        day = usage_day(now, self.zone)
        limited = status == 429
        failed = status is None or (status >= 400 and not limited)
        with self._lock:
            counts = self._counts.setdefault((day, bucket, lane), [0, 0, 0])
            for index, number in enumerate((1, int(limited), int(failed))):
                counts[index] += number
            if headers is not None:
                self._headers[day] = (now, headers)

    def unflushed(self, day: date) -> int:
        """Return the calls of a day the store does not know yet."""
        with self._lock:
            return sum(counts[0] for key, counts in self._counts.items() if key[0] == day)

    def take(self) -> "Counts":
        """Hand over what was counted and start anew; `give_back` undoes it when it could not be stored."""
        with self._lock:
            taken = Counts(self._counts, self._headers)
            self._counts, self._headers = {}, {}
            return taken

    def give_back(self, counts: "Counts") -> None:
        """Count again what could not be stored."""
        with self._lock:
            for key, numbers in counts.calls.items():
                mine = self._counts.setdefault(key, [0, 0, 0])
                for index, number in enumerate(numbers):
                    mine[index] += number
            self._headers = {**counts.headers, **self._headers}


@dataclass(frozen=True)
class Counts:
    """What a ledger counted since its last flush: [calls, limited, errors] by key, and headers by day."""

    calls: dict[tuple[date, Bucket, Lane], list[int]]
    headers: dict[date, tuple[datetime, DailyQuota]]

    def __bool__(self) -> bool:
        return bool(self.calls or self.headers)

    def store(self, conn: sa.Connection, now: datetime) -> None:
        """Add the counts to the store, in the same order in every process."""
        for (day, bucket, lane), (calls, limited, errors) in sorted(self.calls.items()):
            row = {"calls": calls, "limited": limited, "errors": errors}
            key = {"usage_day": day, "bucket": bucket.value, "lane": int(lane)}
            conn.execute(
                insert(api_usage)
                .values(**key, **row, updated_at=now)
                .on_conflict_do_update(
                    index_elements=list(key),
                    set_={**{name: api_usage.c[name] + n for name, n in row.items()}, "updated_at": now},
                )
            )
        for day, (seen_at, headers) in sorted(self.headers.items()):
            _store_headers(conn, day, seen_at, headers)


def _store_headers(conn: sa.Connection, day: date, seen_at: datetime, headers: DailyQuota) -> None:
    said = {
        "daily_limit": headers.limit,
        "daily_remaining": headers.remaining,
        "calls_then": _calls(conn, day),
        "seen_at": seen_at,
    }
    conn.execute(
        insert(api_quota)
        .values(usage_day=day, **said)
        .on_conflict_do_update(index_elements=["usage_day"], set_=said, where=api_quota.c.seen_at <= seen_at)
    )


def _calls(conn: sa.Connection, day: date) -> int:
    query = sa.select(sa.func.coalesce(sa.func.sum(api_usage.c.calls), 0))
    return int(conn.execute(query.where(api_usage.c.usage_day == day)).scalar_one())
