"""The inbox in Dagster: a job for every worker, named as it, and the sensor that starts those with something to do.

The sensor looks at one number a queue, so it costs next to nothing while the inbox is empty. A worker's run empties its
queue; while it has not finished no second one of that queue is started.
"""

from typing import Any

import dagster as dg
import sqlalchemy as sa

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.assets.received_events import TABLES, asset_key
from hubspot_platform.automation.schedules import UNFINISHED
from hubspot_platform.runtime import Platform
from hubspot_platform.state import database_now, inbox
from hubspot_platform.workers.catalogue import drained
from hubspot_platform.workers.engine import DrainReport, drain
from hubspot_platform.workers.model import Queue

DRAIN_SECONDS = 300.0
INTERVAL_SECONDS = 5
FIRST_PRIORITY = 10  # of Dagster's run queue; the workers of priority 0 go before every schedule


def worker_jobs(platform: Platform) -> list[Any]:
    """Return the job of every worker; one that fills a table of its own materialises that table's asset.

    The jobs come with their platform: a sensor whose jobs Dagster has to bind first is one that it warns of.
    """
    return [
        dg.define_asset_job(
            queue.worker,
            selection=dg.AssetSelection.assets(asset_key(TABLES[queue.name])),
            description=queue.description,
        )
        if queue.name in TABLES
        else _job(queue, platform)
        for queue in drained()
    ]


def inbox_sensor(jobs: list[Any]) -> dg.SensorDefinition:
    """Return the sensor that starts the workers' jobs, the most urgent first; running from the first start."""

    @dg.sensor(
        name="inbox_workers",
        jobs=jobs,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts the worker of every queue in which events wait.",
    )
    def sensor(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]) -> dg.SensorResult:
        waiting = platform.state().read(_with_due_events)
        if not waiting:
            return dg.SensorResult(skip_reason="no queue has events that are due")
        busy = _busy(context.instance)
        requests = [_request(queue) for queue in waiting if queue.worker not in busy]
        if not requests:
            return dg.SensorResult(skip_reason="the workers of all queues with events are at work")
        return dg.SensorResult(run_requests=requests)

    return sensor


def report_metadata(report: DrainReport) -> dict[str, Any]:
    """Return what a drain did as metadata: counts by outcome, and how full the queue is after it."""
    depth = report.depth
    return {
        "queue": report.queue,
        "applied": report.applied,
        "duplicates": report.duplicates,
        "retried": report.retried,
        "parked": report.parked,
        "dead_letters": report.dead,
        "events_per_second": round(report.handled / report.seconds, 1) if report.seconds else 0.0,
        "queue_ready": depth.ready,
        "queue_parked": depth.parked,
        "queue_dead": depth.dead,
        "oldest_ready_at": depth.oldest_ready_at.isoformat() if depth.oldest_ready_at else "none",
        "outage": report.outage or "none",
    }


def _job(queue: Queue, platform: Platform) -> dg.JobDefinition:
    @dg.op(name=f"drain_{queue.worker}", out=dg.Out(dg.Nothing), description=queue.description)
    def step(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> None:
        with as_dagster_failure():
            report = drain(platform, queue, seconds=DRAIN_SECONDS)
        context.add_output_metadata(report_metadata(report))
        if report.outage:
            raise dg.Failure(f"{report.outage}; the events of {queue.name} wait", allow_retries=False)

    @dg.graph(name=queue.worker)
    def worker() -> None:
        step()

    bound = {"platform": platform}
    return worker.to_job(description=queue.description, executor_def=dg.in_process_executor, resource_defs=bound)


def _with_due_events(conn: sa.Connection) -> list[Queue]:
    now = database_now(conn)
    return [queue for queue in drained() if inbox.is_due(conn, queue.name, now)]


def _busy(instance: dg.DagsterInstance) -> set[str]:
    """Return the workers with a run that has not finished."""
    workers = {queue.worker for queue in drained()}
    runs = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED), limit=500)
    return {run.job_name for run in runs} & workers


def _request(queue: Queue) -> dg.RunRequest:
    return dg.RunRequest(job_name=queue.worker, tags={"dagster/priority": str(FIRST_PRIORITY - queue.priority)})
