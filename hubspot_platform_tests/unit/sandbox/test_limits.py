"""Rate limits count arrivals in true rolling windows."""

from datetime import UTC, datetime

from hubspot_platform.sandbox.limits import Limits, portal_day_end

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def admit(limits: Limits, at: float, *, app: str = "app", search: bool = False, now: datetime = NOON) -> str | None:
    return limits.admit(app, search=search, at=at, now=now)


def test_the_window_rolls_with_each_call_and_does_not_restart() -> None:
    limits = Limits(per_window=3)
    assert [admit(limits, t) for t in (0.0, 4.0, 8.0)] == [None] * 3
    assert admit(limits, 9.999) == "TEN_SECONDLY_ROLLING"
    assert admit(limits, 10.0) is None
    assert admit(limits, 13.9) == "TEN_SECONDLY_ROLLING"
    assert admit(limits, 14.0) is None


def test_a_refused_call_does_not_use_the_window_up() -> None:
    limits = Limits(per_window=1)
    assert admit(limits, 0.0) is None
    assert all(admit(limits, 0.1 * n) for n in range(1, 100))
    assert admit(limits, 10.0) is None


def test_each_app_has_its_window_and_all_share_search() -> None:
    limits = Limits(per_window=1, searches=2)
    assert [admit(limits, 0.0, app=t) for t in ("a", "b")] == [None, None]
    assert [admit(limits, 0.1, app=t, search=True) for t in ("a", "b", "c")] == [None, None, "SECONDLY"]
    assert admit(limits, 1.1, search=True) is None


def test_a_fresh_app_of_a_busy_account_sees_its_own_headers() -> None:
    limits = Limits(per_window=190, daily=1_000)
    for n in range(10):
        admit(limits, n / 10)
    headers = limits.headers("app", 1.0, NOON)
    assert headers["X-HubSpot-RateLimit-Remaining"] == "180"
    assert headers["X-HubSpot-RateLimit-Daily-Remaining"] == "990"
    assert limits.headers("other", 1.0, NOON)["X-HubSpot-RateLimit-Remaining"] == "190"
    assert Limits().headers("app", 1.0, NOON) == {}


def test_the_day_ends_at_midnight_of_the_portals_time_zone() -> None:
    limits = Limits(daily=1, time_zone="America/New_York")
    assert admit(limits, 0.0, now=datetime(2026, 6, 1, 3, 59, tzinfo=UTC)) is None
    assert admit(limits, 1.0, now=datetime(2026, 6, 1, 3, 59, 59, tzinfo=UTC)) == "DAILY"
    assert admit(limits, 2.0, now=datetime(2026, 6, 1, 4, 0, tzinfo=UTC)) is None


def test_a_day_with_a_clock_change_ends_at_local_midnight() -> None:
    before_spring = datetime(2026, 3, 8, 6, tzinfo=UTC)
    assert portal_day_end(before_spring, "America/New_York") == datetime(2026, 3, 9, 4, tzinfo=UTC)
