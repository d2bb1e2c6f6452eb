"""What the platform does when HubSpot, or the way there, fails: the fault table, over real HTTP."""

import socket
from collections.abc import Callable

import pytest

from hubspot_platform.hubspot import errors
from hubspot_platform.hubspot.catalogue import COMPANY, CONTACT
from hubspot_platform.hubspot.policy import HubSpotPolicy
from hubspot_platform.hubspot.reader import read_all
from hubspot_platform.hubspot.search import read_window
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.lanes import Bucket
from hubspot_platform_tests.integration.hubspot.conftest import Ledger
from hubspot_platform_tests.support.portal import TOKEN, Portal

PolicyFor = Callable[..., HubSpotPolicy]


async def read_contacts(policy: HubSpotPolicy) -> list[str]:
    async with Transport(policy) as transport:
        return [r["id"] async for page in read_all(transport, CONTACT, ("email",)) for r in page]


def contact_ids(portal: Portal) -> list[str]:
    return sorted(record["id"] for record in portal.dump("contacts"))


async def test_case_049_a_token_that_expires_mid_run_stops_the_run_without_retries(
    hubspot: Portal, policy_for: PolicyFor
) -> None:
    hubspot.fault("expired_token", skip=2)
    with pytest.raises(errors.Unauthorized) as raised:
        await read_contacts(policy_for(hubspot.url))
    assert hubspot.stats()["by_status"]["401"] == 1
    assert raised.value.category == "EXPIRED_AUTHENTICATION"
    assert "HUBSPOT_ACCESS_TOKEN" in raised.value.mend
    assert TOKEN not in str(raised.value)


async def test_case_050_a_missing_scope_is_named_and_not_retried(hubspot: Portal, policy_for: PolicyFor) -> None:
    hubspot.fault("missing_scope", match={"object": "contacts"}, scopes=["crm.objects.contacts.read"])
    with pytest.raises(errors.MissingScope) as raised:
        await read_contacts(policy_for(hubspot.url))
    assert raised.value.scopes == ("crm.objects.contacts.read",)
    assert raised.value.correlation_id
    assert hubspot.stats()["calls"] == 1


async def test_case_051_retry_after_is_waited_exactly_and_told_to_everybody(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    hubspot.fault("rate_limit", count=1, skip=1, retry_after="7")
    assert sorted(await read_contacts(policy_for(hubspot.url))) == contact_ids(hubspot)
    assert ledger.waits == [7.0]
    assert ledger.penalties == [(Bucket.API, 7.0)]


async def test_case_051_a_limit_storm_is_ridden_out_and_repeats_only_the_refused_call(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    hubspot.fault("rate_limit", count=40, skip=1)
    assert sorted(await read_contacts(policy_for(hubspot.url))) == contact_ids(hubspot)
    assert ledger.statuses().count(429) == 40
    assert max(ledger.waits) <= 10.0
    assert len(ledger.penalties) == 40


async def test_case_051_a_search_limit_slows_searches_only(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    hubspot.fault("rate_limit", policy="SECONDLY", count=1, match={"route": "search"})
    policy = policy_for(hubspot.url)
    async with Transport(policy) as transport:
        await transport.get_json(policy.path("account", "details"))
        pages = read_window(transport, COMPANY, ("name",), None, transport.server_now())
        assert len([r async for page in pages for r in page]) == len(hubspot.dump("companies"))
    assert [bucket for bucket, _ in ledger.penalties] == [Bucket.SEARCH]


async def test_case_051_the_daily_limit_ends_the_run_after_one_call(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    hubspot.fault("daily_limit")
    with pytest.raises(errors.DailyLimitReached):
        await read_contacts(policy_for(hubspot.url))
    assert hubspot.stats()["calls"] == 1
    assert ledger.waits == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "http_error", "status": 500, "mode": "json"},
        {"kind": "http_error", "status": 502},
        {"kind": "http_error", "status": 503},
        {"kind": "http_error", "status": 504},
        {"kind": "http_error", "status": 524},
        {"kind": "locked"},
        {"kind": "reset"},
        {"kind": "migrating", "retry_after": "20"},
        {"kind": "lost_answer"},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}".strip(),
)
async def test_case_052_passing_faults_cost_a_retry_and_no_record(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger, fault: dict[str, object]
) -> None:
    hubspot.fault(**{"count": 2, "skip": 1, **fault})  # type: ignore[arg-type]
    assert sorted(await read_contacts(policy_for(hubspot.url))) == contact_ids(hubspot)
    assert len(ledger.waits) == 2
    if fault["kind"] == "locked":
        assert min(ledger.waits) >= 2.0
    if fault["kind"] == "migrating":
        assert ledger.waits == [20.0, 20.0]


async def test_case_052_a_fault_that_stays_ends_the_run_after_eight_tries(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    hubspot.fault("http_error", status=502)
    with pytest.raises(errors.Unavailable) as raised:
        await read_contacts(policy_for(hubspot.url))
    assert hubspot.stats()["calls"] == 8
    assert ledger.waits == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]
    assert "html" not in str(raised.value).lower()


async def test_case_052_a_portal_that_moves_for_a_day_parks_the_run(hubspot: Portal, policy_for: PolicyFor) -> None:
    hubspot.fault("migrating", retry_after="86400")
    with pytest.raises(errors.PortalMoving) as raised:
        await read_contacts(policy_for(hubspot.url))
    assert raised.value.retry_after == 86_400
    assert hubspot.stats()["calls"] == 1


async def test_case_052_a_host_that_does_not_answer_is_tried_eight_times(policy_for: PolicyFor, ledger: Ledger) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", "http://host.invalid"):
        ledger.waits.clear()
        with pytest.raises(errors.Unavailable):
            await read_contacts(policy_for(url))
        assert len(ledger.waits) == 7


async def test_case_052_an_answer_slower_than_the_read_timeout_is_asked_for_again(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    hubspot.fault("slow", seconds=30, count=1)
    policy = policy_for(hubspot.url, read_timeout=0.2)
    assert sorted(await read_contacts(policy)) == contact_ids(hubspot)
    assert ledger.statuses()[0] is None


@pytest.mark.parametrize("kind", ["truncated_json", "wrong_content_type"])
async def test_case_062_a_broken_page_is_read_again(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger, kind: str
) -> None:
    hubspot.fault(kind, count=2, skip=3)
    assert sorted(await read_contacts(policy_for(hubspot.url))) == contact_ids(hubspot)
    assert len(ledger.waits) == 2


async def test_case_062_a_page_that_stays_broken_fails_the_read(hubspot: Portal, policy_for: PolicyFor) -> None:
    hubspot.fault("truncated_json")
    with pytest.raises(errors.MalformedResponse):
        await read_contacts(policy_for(hubspot.url))
    assert hubspot.stats()["calls"] == 8


@pytest.mark.parametrize(("mode", "page"), [("repeat", 2), ("cycle", 4)])
async def test_case_063_a_cursor_loop_fails_the_read_with_its_page(
    hubspot: Portal, policy_for: PolicyFor, mode: str, page: int
) -> None:
    hubspot.fault("cursor_loop", mode=mode, match={"route": "objects.list"})
    with pytest.raises(errors.CursorLoop) as raised:
        await read_contacts(policy_for(hubspot.url))
    assert raised.value.page == page
    assert f"page {page}" in str(raised.value)


async def test_case_068_an_empty_page_with_a_next_link_is_not_the_end(hubspot: Portal, policy_for: PolicyFor) -> None:
    hubspot.fault("empty_page", match={"route": "objects.list"})
    assert sorted(set(await read_contacts(policy_for(hubspot.url)))) == contact_ids(hubspot)


async def test_every_call_is_granted_and_recorded_with_the_day_quota(
    hubspot: Portal, policy_for: PolicyFor, ledger: Ledger
) -> None:
    await read_contacts(policy_for(hubspot.url))
    assert len(ledger.granted) == len(ledger.recorded) == hubspot.stats()["calls"]
