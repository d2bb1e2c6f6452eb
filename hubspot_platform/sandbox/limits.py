"""HubSpot's rate limits: a true rolling ten-second window per app, five searches a second, and the day's quota.

Calls are counted when they arrive; a refused call does not count. The gate asks `admit` once per request.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

WINDOW = 10.0
SEARCH_WINDOW = 1.0

# plan -> (calls per rolling 10 s, searches per second, calls a day); 0 is unlimited
PLANS: Mapping[str, tuple[int, int, int]] = {
    "none": (0, 0, 0),
    "free": (100, 5, 250_000),
    "professional": (190, 5, 625_000),
    "addon": (250, 5, 1_625_000),
}


def portal_day_end(now: datetime, time_zone: str) -> datetime:
    """Return the next midnight of the portal's time zone."""
    local = now.astimezone(ZoneInfo(time_zone))
    return datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), ZoneInfo(time_zone))


@dataclass
class Limits:
    """The limits in force, and the arrivals still inside their windows."""

    per_window: int = 0
    searches: int = 0
    daily: int = 0
    time_zone: str = "America/New_York"
    _arrivals: dict[str, deque[float]] = field(default_factory=dict)
    _searches: deque[float] = field(default_factory=deque)
    _day: str = ""
    _used: int = 0

    @classmethod
    def of_plan(cls, plan: str, time_zone: str) -> "Limits":
        """Return the limits of a plan name."""
        return cls(*PLANS[plan], time_zone=time_zone)

    def set(self, per_window: int, searches: int, daily: int) -> None:
        """Change the limits in force; the windows keep what they counted."""
        self.per_window, self.searches, self.daily = per_window, searches, daily

    def admit(self, token: str, *, search: bool, at: float, now: datetime) -> str | None:
        """Count a call arriving at monotonic second `at`; returns the policy that refuses it, else None."""
        if self.daily and self.used_today(now) >= self.daily:
            return "DAILY"
        if search:
            if not self._fits(self._searches, self.searches, SEARCH_WINDOW, at):
                return "SECONDLY"
        elif not self._fits(self._arrivals.setdefault(token, deque()), self.per_window, WINDOW, at):
            return "TEN_SECONDLY_ROLLING"
        self.used_today(now)
        self._used += 1
        return None

    def used_today(self, now: datetime) -> int:
        """Return the calls counted since the portal's midnight."""
        day = f"{now.astimezone(ZoneInfo(self.time_zone)):%Y-%m-%d}"
        if day != self._day:
            self._day, self._used = day, 0
        return self._used

    def headers(self, token: str, at: float, now: datetime) -> dict[str, str]:
        """Return the rate headers of a non-search answer; none when nothing is limited."""
        if not self.per_window:
            return {}
        arrivals = self._arrivals.get(token, deque())
        left = self.per_window - sum(1 for t in arrivals if t > at - WINDOW)
        found = {
            "X-HubSpot-RateLimit-Max": str(self.per_window),
            "X-HubSpot-RateLimit-Remaining": str(max(0, left)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Secondly": str(self.per_window // 10),
            "X-HubSpot-RateLimit-Secondly-Remaining": str(self.per_window // 10),
        }
        if self.daily:
            found["X-HubSpot-RateLimit-Daily"] = str(self.daily)
            found["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(0, self.daily - self.used_today(now)))
        return found

    def reset(self) -> None:
        """Forget every call counted so far."""
        self._arrivals.clear()
        self._searches.clear()
        self._used = 0

    @staticmethod
    def _fits(arrivals: deque[float], most: int, window: float, at: float) -> bool:
        if not most:
            return True
        while arrivals and arrivals[0] <= at - window:
            arrivals.popleft()
        if len(arrivals) >= most:
            return False
        arrivals.append(at)
        return True
