"""Which stretch of time a question is about: [start, end) in a time zone. Pure; called by `answer.py`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hubspot_platform.errors import UsageError


class PeriodError(UsageError):
    """A period that has no length or runs backwards."""


class TimeZoneError(UsageError):
    """A name that is no IANA time zone."""


@dataclass(frozen=True)
class Period:
    """`start` is inside, `end` is not; both are instants in UTC."""

    start: datetime
    end: datetime
    time_zone: str


def period_of(start: date | datetime, end: date | datetime, time_zone: str) -> Period:
    """Return the period between two days or instants.

    A day begins at its first instant in the zone, also where that is not midnight; an instant without an offset is
    UTC. Raises PeriodError when `end` is not later than `start`, TimeZoneError.
    """
    zone = _zone(time_zone)
    period = Period(_instant(start, zone), _instant(end, zone), time_zone)
    if period.end <= period.start:
        raise PeriodError(
            f"the period from {start.isoformat()} to {end.isoformat()} in {time_zone} is empty",
            mend="let it end later than it starts; the end itself is outside, so a day ends with the next one",
        )
    return period


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TimeZoneError(f"{name!r} is no time zone", mend="use an IANA name, for example Europe/Berlin") from error


def _instant(moment: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    # Of a midnight that the clocks skip or show twice, this is the first instant of the day.
    return datetime.combine(moment, time(), zone).astimezone(UTC)
