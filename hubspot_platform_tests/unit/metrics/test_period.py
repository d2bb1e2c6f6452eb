"""Periods in time zones: days begin at their first instant, whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from hubspot_platform.metrics.period import PeriodError, TimeZoneError, period_of


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "zone", "start", "hours"),
    [
        (date(2026, 4, 1), "UTC", "2026-04-01 00:00", 24),
        (date(2026, 4, 1), "Europe/Berlin", "2026-03-31 22:00", 24),
        (date(2026, 3, 29), "Europe/Berlin", "2026-03-28 23:00", 23),
        (date(2026, 10, 25), "Europe/Berlin", "2026-10-24 22:00", 25),
        (date(2026, 4, 1), "Asia/Kolkata", "2026-03-31 18:30", 24),
        (date(2018, 11, 4), "America/Sao_Paulo", "2018-11-04 03:00", 23),
        (date(2018, 2, 17), "America/Sao_Paulo", "2018-02-17 02:00", 25),
        (date(2025, 11, 2), "America/Havana", "2025-11-02 04:00", 25),
    ],
)
def test_a_day_begins_at_its_first_instant(day: date, zone: str, start: str, hours: int) -> None:
    period = period_of(day, day + timedelta(days=1), zone)
    assert period.start == utc(start)
    assert period.end - period.start == timedelta(hours=hours)


def test_instants_are_taken_as_they_are_and_those_without_an_offset_are_utc() -> None:
    east = timezone(timedelta(hours=2))
    start, end = datetime(2026, 4, 1, 9, tzinfo=east), datetime.fromisoformat("2026-04-01 09:00")
    period = period_of(start, end, "America/New_York")
    assert (period.start, period.end) == (utc("2026-04-01 07:00"), utc("2026-04-01 09:00"))


@pytest.mark.parametrize("end", [date(2026, 4, 1), date(2026, 3, 31)])
def test_a_period_that_is_empty_or_runs_backwards_is_refused(end: date) -> None:
    with pytest.raises(PeriodError, match=f"from 2026-04-01 to {end} in UTC is empty — let it end later"):
        period_of(date(2026, 4, 1), end, "UTC")


@pytest.mark.parametrize("name", ["Europe/Berlim", "", "Europe", "../etc/passwd", "CEST+2", "a\0b"])
def test_a_name_that_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(TimeZoneError, match="is no time zone — use an IANA name"):
        period_of(date(2026, 4, 1), date(2026, 5, 1), name)
