"""The sensor that starts the workers: only where events are due, never twice, the urgent ones first."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from hubspot_platform.automation.inbox import inbox_sensor, worker_jobs
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import load_settings
from hubspot_platform.workers.catalogue import drained
from hubspot_platform_tests.support.events import CALLS, COMPANIES, DEALS, Events, later

TYPES = {COMPANIES: ("company.propertyChange", {}), DEALS: ("deal.propertyChange", {}),
         CALLS: ("object.deletion", {"objectTypeId": "0-48"})}  # fmt: skip


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    opened = Platform(load_settings(platform_home=tmp_path))
    yield opened
    opened.close()


def evaluate(platform: Platform, instance: dg.DagsterInstance) -> dg.SensorResult:
    context = dg.build_sensor_context(instance, resources={"platform": platform})
    found = inbox_sensor(worker_jobs(platform))(context)
    assert isinstance(found, dg.SensorResult)
    return found


def store(platform: Platform, *queues: str) -> Events:
    events = Events(platform)
    for name in queues:
        kind, more = TYPES[name]
        events.store(events.make(kind, 5, later(), propertyName="name", propertyValue="x", **more))
    return events


def test_an_empty_inbox_and_one_whose_events_are_not_due_start_nothing(platform: Platform) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert not evaluate(platform, instance).run_requests
        store(platform, COMPANIES).change_rows(due_at=later(hours=1))
        assert not evaluate(platform, instance).run_requests


def test_due_events_start_their_workers_by_priority_and_none_that_is_at_work(platform: Platform) -> None:
    store(platform, CALLS, DEALS, COMPANIES)
    with dg.DagsterInstance.ephemeral() as instance:
        asked = evaluate(platform, instance).run_requests or []
        assert [request.job_name for request in asked] == [
            "HubspotCompanyWebhookRunner",
            "HubspotDealsRunner",
            "HubspotCallWebhookRunner",
        ]
        priorities = [int(request.tags["dagster/priority"]) for request in asked]
        assert priorities == sorted(priorities, reverse=True)
        job = next(job for job in worker_jobs(platform) if job.name == "HubspotDealsRunner")
        definitions = dg.Definitions(jobs=[job])
        instance.create_run_for_job(definitions.resolve_job_def(job.name), status=dg.DagsterRunStatus.STARTED)
        asked = evaluate(platform, instance).run_requests or []
        assert "HubspotDealsRunner" not in [request.job_name for request in asked]
        assert len(asked) == 2


def test_every_queue_with_a_worker_has_a_job_of_the_workers_name(platform: Platform) -> None:
    assert [job.name for job in worker_jobs(platform)] == [queue.worker for queue in drained()]


def test_a_workers_run_empties_its_queue_and_shows_what_it_did_and_what_is_left(platform: Platform) -> None:
    events = store(platform, DEALS)
    events.store(events.make("company.propertyChange", 5, later(), propertyName="no name"))
    job = next(job for job in worker_jobs(platform) if job.name == "HubspotCompanyWebhookRunner")
    definitions = dg.Definitions(jobs=[job])
    done = definitions.resolve_job_def(job.name).execute_in_process()
    (output,) = [event for event in done.all_events if event.event_type is dg.DagsterEventType.STEP_OUTPUT]
    shown = {name: value.value for name, value in output.step_output_data.metadata.items()}
    assert (shown["queue"], shown["dead_letters"], shown["queue_dead"], shown["queue_ready"]) == (COMPANIES, 1, 1, 0)
    assert {row.queue: row.status for row in events.rows()} == {DEALS: "ready", COMPANIES: "dead"}
