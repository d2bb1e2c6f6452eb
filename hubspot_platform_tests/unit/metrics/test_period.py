"""Questions about periods that make no sense are refused before a warehouse is asked."""

from datetime import date

import pytest

from hubspot_platform.metrics.period import PeriodError, Question, TimeZoneError

FIRST = date(2026, 4, 1)


@pytest.mark.parametrize("end", [FIRST, date(2026, 3, 31)])
def test_a_period_that_is_empty_or_runs_backwards_is_refused(end: date) -> None:
    with pytest.raises(PeriodError, match=f"from 2026-04-01 to {end} in UTC is empty — let it end later"):
        Question(FIRST, end, "UTC")


@pytest.mark.parametrize("days", [(date(1, 1, 1), FIRST), (FIRST, date(9999, 12, 31))])
def test_a_day_that_is_not_in_the_calendar_everywhere_is_refused(days: tuple[date, date]) -> None:
    with pytest.raises(PeriodError, match="use days from 0001-01-03 to 9999-12-29"):
        Question(*days, "Asia/Kolkata")


@pytest.mark.parametrize(
    "name", ["Europe/Berlim", "", "Europe", "../etc/passwd", "CEST+2", "a\0b", "localtime", "posixrules"]
)
def test_a_name_that_is_no_zone_everywhere_is_refused(name: str) -> None:
    with pytest.raises(TimeZoneError, match="is no time zone — use an IANA name"):
        Question(FIRST, date(2026, 5, 1), name)
