"""The day of the quota is the portal's, and an unknown limit is unknown."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hubspot_platform.lanes import DailyQuota
from hubspot_platform.state.usage import Reading, day_ends, usage_day

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = date(2026, 3, 10)


def test_the_day_begins_at_midnight_in_the_portals_time_zone() -> None:
    assert usage_day(datetime(2026, 3, 9, 22, 59, tzinfo=UTC), BERLIN) == date(2026, 3, 9)
    assert usage_day(datetime(2026, 3, 9, 23, 0, tzinfo=UTC), BERLIN) == DAY


def test_the_day_of_the_spring_change_has_23_hours() -> None:
    begins = datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert day_ends(begins, BERLIN) == begins + timedelta(hours=23)


def test_a_midnight_that_does_not_exist_is_the_moment_of_the_change() -> None:
    cairo = ZoneInfo("Africa/Cairo")
    evening = datetime(2026, 4, 23, 20, tzinfo=UTC)
    ends = day_ends(evening, cairo)
    assert usage_day(ends - timedelta(seconds=1), cairo) == date(2026, 4, 23)
    assert usage_day(ends, cairo) == date(2026, 4, 24)


def test_an_unknown_limit_gives_an_unknown_share() -> None:
    assert Reading(DAY, calls=500_000).share_used(None) is None


def test_the_share_is_ours_against_the_configured_limit() -> None:
    assert Reading(DAY, calls=50).share_used(200) == pytest.approx(0.25)


def test_other_apps_count_through_the_headers_and_our_calls_since() -> None:
    known = Reading(DAY, calls=120, headers=DailyQuota(1000, 300), calls_then=100, seen_at=NOON)
    assert known.share_used(None) == pytest.approx(0.72)
    assert known.share_used(150) == pytest.approx(0.8)


def test_an_old_header_informs_but_does_not_stop_work() -> None:
    known = Reading(DAY, calls=10, headers=DailyQuota(1000, 0), calls_then=10, seen_at=NOON)
    assert known.blocking_share(None, NOON + timedelta(minutes=1)) == pytest.approx(1.0)
    assert known.blocking_share(None, NOON + timedelta(minutes=16)) is None
    assert known.share_used(None) == pytest.approx(1.0)
