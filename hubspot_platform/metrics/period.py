"""Which stretch of time a question is about: [start, end) in a time zone; called by `answer.py`.

The warehouse says when a day begins, as it does for the tables: its time zones may be newer or older than the host's.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from hubspot_platform.errors import UsageError
from hubspot_platform.time_zones import is_time_zone
from hubspot_platform.warehouse import Session

_FIRST_DAY, _LAST_DAY = date(1, 1, 3), date(9999, 12, 29)
"""Days that begin in a year from 1 to 9999 in every zone."""


class PeriodError(UsageError):
    """A period that has no length, runs backwards or lies outside the calendar."""


class TimeZoneError(UsageError):
    """A name that is no IANA time zone."""


@dataclass(frozen=True)
class Period:
    """`start` is inside, `end` is not; both are instants in UTC."""

    start: datetime
    end: datetime
    time_zone: str


@dataclass(frozen=True)
class Question:
    """A period as it was asked for: from the first instant of a day, or from an instant; UTC without an offset.

    Raises TimeZoneError, and PeriodError when `end` is not later than `start` or a day is none of the calendar.
    """

    start: date | datetime
    end: date | datetime
    time_zone: str

    def __post_init__(self) -> None:
        if not is_time_zone(self.time_zone):
            mend = "use an IANA name, for example Europe/Berlin"
            raise TimeZoneError(f"{self.time_zone!r} is no time zone", mend=mend)
        for day in self._days():
            if not _FIRST_DAY <= day <= _LAST_DAY:
                mend = f"use days from {_FIRST_DAY} to {_LAST_DAY}"
                raise PeriodError(f"{day} does not begin within the calendar in every time zone", mend=mend)
        if len(self._days()) == 2 and self.end <= self.start:
            raise self._empty()

    def period(self, session: Session) -> Period:
        """Return its instants; a day begins at its first one, also where that is not midnight."""
        columns = [f"day_start(cast(? as date), ?) as day_{number}" for number, _ in enumerate(self._days())]
        rows: list[dict[str, datetime]] = [{}]
        if columns:
            params: list[object] = [value for day in self._days() for value in (day, self.time_zone)]
            rows = session.query(f"select {', '.join(columns)}", params).to_pylist()
        first_instants = iter(rows[0].values())
        asked = (self.start, self.end)
        start, end = (_utc(found if isinstance(found, datetime) else next(first_instants)) for found in asked)
        if end <= start:
            raise self._empty()
        return Period(start, end, self.time_zone)

    def _days(self) -> list[date]:
        return [moment for moment in (self.start, self.end) if not isinstance(moment, datetime)]

    def _empty(self) -> PeriodError:
        return PeriodError(
            f"the period from {self.start.isoformat()} to {self.end.isoformat()} in {self.time_zone} is empty",
            mend="let it end later than it starts; the end itself is outside, so a day ends with the next one",
        )


def _utc(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
