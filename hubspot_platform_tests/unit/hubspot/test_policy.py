from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from hubspot_platform.hubspot.errors import ServerTimeUnknown, Unauthorized
from hubspot_platform.hubspot.policy import Exchange, HubSpotPolicy, ServerClock, UnlimitedBudget, daily_quota
from hubspot_platform.hubspot.retry import Outcome, Wait
from hubspot_platform.lanes import Bucket, DailyQuota, Lane

TOKEN = "pat-na1-0f0f0f0f-aaaa-bbbb-cccc-000000000001"


class Ledger(UnlimitedBudget):
    def __init__(self) -> None:
        self.calls: list[tuple[Bucket, Lane, int | None, DailyQuota | None]] = []

    def record(self, bucket: Bucket, lane: Lane, status: int | None, daily: DailyQuota | None) -> None:
        self.calls.append((bucket, lane, status, daily))


def policy(**changes: object) -> HubSpotPolicy:
    return HubSpotPolicy("https://api.example.test/", SecretStr(TOKEN), **changes)  # type: ignore[arg-type]


def test_the_token_shows_in_the_header_and_nowhere_else() -> None:
    one = policy()
    assert one.headers()["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in repr(one)
    with pytest.raises(Unauthorized) as raised:
        Exchange(one, "GET /x", Bucket.API, Lane.SYNC).observe(
            Outcome(401, {}, b'{"message":"Authentication credentials not found: Bearer %s"}' % TOKEN.encode())
        )
    assert TOKEN not in str(raised.value)


def test_paths_take_their_version_from_one_table() -> None:
    one = policy(prefixes={"objects": "/crm/objects/2026-09"})
    assert one.url(one.path("objects", "contacts", "batch", "read")) == (
        "https://api.example.test/crm/objects/2026-09/contacts/batch/read"
    )


def test_every_outcome_is_recorded_with_the_day_quota_hubspot_reports() -> None:
    ledger = Ledger()
    exchange = Exchange(policy(budget=ledger), "GET /x", Bucket.API, Lane.CRITICAL)
    quota = {"x-hubspot-ratelimit-daily": "625000", "x-hubspot-ratelimit-daily-remaining": "624999"}
    assert isinstance(exchange.observe(Outcome(None, fault="no answer")), Wait)
    assert isinstance(exchange.observe(Outcome(429, quota)), Wait)
    assert exchange.observe(Outcome(200, quota)) is None
    assert ledger.calls == [
        (Bucket.API, Lane.CRITICAL, None, None),
        (Bucket.API, Lane.CRITICAL, 429, DailyQuota(625_000, 624_999)),
        (Bucket.API, Lane.CRITICAL, 200, DailyQuota(625_000, 624_999)),
    ]


def test_search_and_oauth_answers_carry_no_day_quota() -> None:
    assert daily_quota({}) is None
    assert daily_quota({"x-hubspot-ratelimit-daily": "n/a", "x-hubspot-ratelimit-daily-remaining": "1"}) is None


def test_case_072_server_time_comes_from_hubspot_and_ignores_the_hosts_clock() -> None:
    ticks = [100.0]
    clock = ServerClock(monotonic=lambda: ticks[0])
    with pytest.raises(ServerTimeUnknown):
        clock.now()
    clock.observe("Thu, 01 Jan 2026 00:00:10 GMT")
    ticks[0] = 105.5
    assert clock.now() == datetime(2026, 1, 1, 0, 0, 15, 500_000, tzinfo=UTC)

    fast_host = policy(server_clock=clock, clock=lambda: datetime(2026, 1, 1, 0, 10, 15, 500_000, tzinfo=UTC))
    assert fast_host.skew() == timedelta(minutes=10)


def test_server_time_keeps_the_closest_estimate_that_is_not_ahead() -> None:
    ticks = [100.0]
    clock = ServerClock(monotonic=lambda: ticks[0])
    clock.observe("Thu, 01 Jan 2026 00:00:10 GMT")
    ticks[0] = 100.9
    clock.observe("Thu, 01 Jan 2026 00:00:10 GMT")
    clock.observe("not a date")
    assert clock.now() == datetime(2026, 1, 1, 0, 0, 10, 900_000, tzinfo=UTC)
    ticks[0] = 101.0
    clock.observe("Thu, 01 Jan 2026 00:00:12 GMT")
    assert clock.now() == datetime(2026, 1, 1, 0, 0, 12, tzinfo=UTC)
