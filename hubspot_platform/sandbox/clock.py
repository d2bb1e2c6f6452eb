"""The portal's own clock and its timestamp format.

Everything the sandbox dates (records, the Date header, the day quota) asks this clock, so that a test can freeze,
advance or skew the portal's time while the platform keeps its own.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from hubspot_platform.clock import Clock, utc_now

MILLISECOND = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTES = [f"{m // 60:02d}:{m % 60:02d}:" for m in range(1_440)]


def to_ms(moment: datetime) -> int:
    """Return epoch milliseconds of an aware datetime, cut to whole milliseconds."""
    return (moment - EPOCH) // MILLISECOND


def from_ms(ms: int) -> datetime:
    """Return the aware UTC datetime of epoch milliseconds."""
    return EPOCH + ms * MILLISECOND


@lru_cache(maxsize=8_192)
def _day(days: int) -> str:
    return f"{EPOCH + timedelta(days=days):%Y-%m-%d}T"


def iso(ms: int) -> str:
    """Return the portal's form of a timestamp: ISO-8601 UTC with three decimals and `Z`.

    A million records are dated with it, so days and minutes come from tables.
    """
    days, rest = divmod(ms, 86_400_000)
    minute, rest = divmod(rest, 60_000)
    return f"{_day(days)}{_MINUTES[minute]}{rest // 1000:02d}.{rest % 1000:03d}Z"


def parse_time(text: str) -> int | None:
    """Return epoch milliseconds of an ISO-8601 text or of epoch milliseconds as text; None when it is neither."""
    text = text.strip()
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


class PortalClock:
    """Host time plus a skew, or a frozen moment."""

    def __init__(self, source: Clock = utc_now) -> None:
        self._source = source
        self._skew = timedelta(0)
        self._frozen: datetime | None = None

    def now(self) -> datetime:
        """Return the portal's time."""
        return self._frozen if self._frozen is not None else self._source() + self._skew

    def now_ms(self) -> int:
        """Return the portal's time in epoch milliseconds."""
        return to_ms(self.now())

    def freeze(self, at: datetime | None = None) -> None:
        """Stop the clock at a moment (default: its present one)."""
        self._frozen = at or self.now()

    def resume(self) -> None:
        """Let a frozen clock run on from where it stands."""
        if self._frozen is not None:
            self._skew = self._frozen - self._source()
            self._frozen = None

    def advance(self, seconds: float) -> None:
        """Move the clock forward (or back, when negative)."""
        step = timedelta(seconds=seconds)
        if self._frozen is not None:
            self._frozen += step
        else:
            self._skew += step

    def skew(self, seconds: float) -> None:
        """Run at host time plus this many seconds."""
        self._frozen = None
        self._skew = timedelta(seconds=seconds)
