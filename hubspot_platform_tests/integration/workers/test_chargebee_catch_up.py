"""The daily catch-up over real HTTP: what no webhook brought is found, nothing twice, and no gap after a failed run."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from hubspot_platform.assets.received_events import PAYMENTS_STEP, received_event_assets
from hubspot_platform.automation.forwarding import forward_topics
from hubspot_platform.automation.schedules import chargebee_job, when_set
from hubspot_platform.connectors.chargebee_events import (
    ATTEMPTS,
    ChargebeeEvents,
    ChargebeeRefused,
    ChargebeeUnavailable,
)
from hubspot_platform.errors import ConfigurationError
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import load_settings
from hubspot_platform.workers.catch_up import OVERLAP, catch_up, events_api
from hubspot_platform_tests.support.portal import Portal, portal
from hubspot_platform_tests.support.received import (
    PAYMENTS,
    bare_platform,
    chargebee_events,
    payment,
    receive,
    rows,
    work,
)

KEY = SecretStr("test_key")


@pytest.fixture(scope="module")
def running() -> Iterator[Portal]:
    with portal("contacts=1,companies=1,deals=1") as opened:
        yield opened


@pytest.fixture
def sandbox(running: Portal) -> Portal:
    """The sandbox without events and faults."""
    running.admin("chargebee/events", method="DELETE")
    running.admin("chargebee/fault", {})
    return running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with bare_platform(tmp_path, url) as opened:
        yield opened


@pytest.fixture
def waits() -> list[float]:
    """The pauses the connector made."""
    return []


@pytest.fixture
def api(sandbox: Portal, waits: list[float]) -> Iterator[ChargebeeEvents]:
    with ChargebeeEvents(f"{sandbox.url}/chargebee", KEY, pause=waits.append) as opened:
        yield opened


def happen(sandbox: Portal, *documents: dict) -> None:
    assert sandbox.http.post("/sandbox/api/chargebee/events", json=documents).status_code == 200


def stored(platform: Platform) -> set[str]:
    return {row["event_id"] for row in rows(platform, "select event_id from payments.payment_events")}


def test_events_no_webhook_brought_are_found_page_by_page(
    sandbox: Portal, platform: Platform, api: ChargebeeEvents
) -> None:
    documents = [payment(number, at=number // 50) for number in range(1, 231)]
    happen(sandbox, *documents)
    receive(platform, chargebee_events(documents[5:]))

    report = catch_up(platform, api, "run")

    assert (report.since, report.listed, report.missed) == (None, 230, 5)
    work(platform, PAYMENTS)
    assert stored(platform) == {document["id"] for document in documents}


def test_the_next_run_reaches_back_before_the_last_one(
    sandbox: Portal, platform: Platform, api: ChargebeeEvents
) -> None:
    first = catch_up(platform, api, "first")
    just_before = (first.until - OVERLAP / 2 - datetime(2026, 3, 1, 12, tzinfo=UTC)) / timedelta(minutes=1)
    happen(sandbox, payment(1, at=0), payment(2, at=int(just_before)))

    second = catch_up(platform, api, "second")

    assert second.since == first.until - OVERLAP
    assert (second.listed, second.missed) == (1, 1)


def test_case_080_a_run_that_fails_half_way_leaves_no_gap(
    sandbox: Portal, platform: Platform, api: ChargebeeEvents
) -> None:
    happen(sandbox, *[payment(number) for number in range(1, 151)])

    class HalfWay(ChargebeeEvents):
        def since(self, moment):
            yield next(super().since(moment))
            raise ChargebeeUnavailable("gone")

    with HalfWay(f"{sandbox.url}/chargebee", KEY) as broken, pytest.raises(ChargebeeUnavailable):
        catch_up(platform, broken, "first")

    again = catch_up(platform, api, "second")
    assert (again.since, again.listed, again.missed) == (None, 150, 50)


def test_case_052_limits_and_outages_are_waited_out(sandbox: Portal, api: ChargebeeEvents, waits: list[float]) -> None:
    happen(sandbox, payment(1))
    sandbox.admin("chargebee/fault", {"http_status": 429, "count": 2, "retry_after": 7})
    assert [len(page) for page in api.since(None)] == [1]
    assert waits == [7, 7]

    sandbox.admin("chargebee/fault", {"http_status": 503, "count": ATTEMPTS})
    with pytest.raises(ChargebeeUnavailable, match="503"):
        list(api.since(None))
    assert len(waits) == 2 + ATTEMPTS - 1
    assert sorted(waits[2:]) == waits[2:]


def test_a_wrong_key_is_refused_at_once_and_not_shown(sandbox: Portal, waits: list[float]) -> None:
    keyless = ChargebeeEvents(f"{sandbox.url}/chargebee", SecretStr(""), pause=waits.append)
    with keyless, pytest.raises(ChargebeeRefused, match="CHARGEBEE_API_KEY"):
        list(keyless.since(None))
    assert waits == []
    with pytest.raises(ConfigurationError, match="CHARGEBEE_BASE_URL"):
        events_api(load_settings())


def test_the_asset_lists_stores_and_processes(sandbox: Portal, tmp_path: Path) -> None:
    happen(sandbox, payment(1), payment(2))
    more = {"chargebee_base_url": f"{sandbox.url}/chargebee", "chargebee_api_key": KEY}
    with bare_platform(tmp_path, None, **more) as platform:
        done = dg.materialize(
            received_event_assets("duckdb"),
            resources={"platform": platform},
            run_config={"ops": {PAYMENTS_STEP: {"config": {"list_missed": True}}}},
        )
        (materialized,) = done.asset_materializations_for_node(PAYMENTS_STEP)
        found = {name: value.value for name, value in materialized.metadata.items()}
        assert (found["events_listed"], found["events_missed_by_webhooks"], found["events_applied"]) == (2, 2, 2)
        assert found["dagster/row_count"] == 2
        assert rows(platform, "select count(*) as n from jira.issue") == [{"n": 0}]


def test_the_schedules_wait_for_their_settings(tmp_path: Path) -> None:
    jobs = {"CHARGEBEE_BASE_URL": chargebee_job(), "TOPIC_TRANSPORT": forward_topics}
    more = {"chargebee_base_url": "https://site.example", "topic_transport": "pubsub://project"}
    with (
        dg.instance_for_test() as instance,
        bare_platform(tmp_path, None, **dict.fromkeys(more, "")) as unset,
        bare_platform(tmp_path, None, **more) as ready,
    ):
        for variable, job in jobs.items():
            schedule = when_set(job, "0 * * * *", variable)
            skipped = schedule.evaluate_tick(dg.build_schedule_context(instance, resources={"platform": unset}))
            assert skipped.skip_message == f"{variable} is not set"
            asked = schedule.evaluate_tick(dg.build_schedule_context(instance, resources={"platform": ready}))
            assert len(asked.run_requests or []) == 1
