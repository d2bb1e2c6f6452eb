"""The daily clean-up: old Dagster runs, old operational records and replaced rows go, answers stay the same.

`automation.schedules` runs the job `daily_maintenance`. Each pass is bounded; what is left goes the next day. Dagster
keeps latest materialisations, partitions and check records when their run is deleted.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import dagster as dg

from hubspot_platform.business import Retention
from hubspot_platform.mirror import ledger
from hubspot_platform.runtime import Platform
from hubspot_platform.state import Store, alert_outbox, inbox, incidents, topics, windows
from hubspot_platform.topics.catalogue import subscriptions

RUNS_A_PASS = 2_000
PAGE = 100
ALERTS_KEPT = timedelta(days=400)
INBOX_PAGES = 50
COMPACT_AFTER = timedelta(days=2)

_SUCCESSFUL = [dg.DagsterRunStatus.SUCCESS]
_OTHERS = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def prune_runs(
    instance: dg.DagsterInstance, now: datetime, retention: Retention, *, at_most: int = RUNS_A_PASS
) -> dict[str, int]:
    """Delete finished runs older than their retention, oldest first, at most `at_most`; returns counts.

    Successes 14 days, failed and cancelled runs 30 days, unless configured otherwise. Unfinished runs stay.
    """
    deleted = {"successful_runs": 0, "failed_runs": 0}
    for name, statuses, days in (
        ("successful_runs", _SUCCESSFUL, retention.successful_runs),
        ("failed_runs", _OTHERS, retention.failed_runs),
    ):
        before = now - timedelta(days=days)
        for run_id in _old_runs(instance, statuses, before):
            if sum(deleted.values()) >= at_most:
                return deleted
            instance.delete_run(run_id)
            deleted[name] += 1
    return deleted


def _old_runs(instance: dg.DagsterInstance, statuses: list[dg.DagsterRunStatus], before: datetime) -> Iterator[str]:
    """Yield ids page by page; the caller deletes each, so the next page begins anew."""
    while True:
        page = instance.get_run_records(
            dg.RunsFilter(statuses=statuses, updated_before=before), limit=PAGE, ascending=True
        )
        yield from (row.dagster_run.run_id for row in page)
        if len(page) < PAGE:
            return


def prune_state(
    store: Store, now: datetime, retention: Retention, subscriptions: Sequence[tuple[str, str]] = ()
) -> dict[str, int]:
    """Fold old windows and delete old events, outbox rows, quiet incidents and resolved alerts; returns counts."""
    before = now - timedelta(days=retention.state_records)
    unread_before = now - timedelta(days=retention.unread_events)
    events = store.write(
        lambda conn: topics.prune(conn, before, subscriptions=subscriptions, unread_before=unread_before)
    )
    return {
        "windows_folded": store.write(lambda conn: windows.compact(conn, now - COMPACT_AFTER)),
        "outbox_rows": store.write(lambda conn: alert_outbox.prune(conn, before)),
        "topic_events": events.read + events.given_up,
        "unread_topic_events": events.missed,
        "inbox_events": _prune_inbox(store, before, now - ALERTS_KEPT),
        "alert_rows": store.write(lambda conn: incidents.forget_quiet(conn, before, now - ALERTS_KEPT)),
    }


def _prune_inbox(store: Store, before: datetime, dead_before: datetime) -> int:
    """Delete finished events page by page, so that the gateway never waits long for it; at most a million a pass."""
    deleted = 0
    for _ in range(INBOX_PAGES):
        gone = store.write(lambda conn: inbox.prune(conn, before, dead_before=dead_before))
        deleted += gone
        if gone == 0:
            break
    return deleted


@dg.op(name="clean_up", description="Deletes what is older than its retention.")
def clean_up(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> None:
    """Run one pass and leave its counts in the run's log and on its output."""
    retention = platform.business.retention
    store = platform.state()
    counts = {
        **prune_state(store, store.now(), retention, subscriptions(platform.settings)),
        **prune_runs(context.instance, store.now(), retention),
        **ledger.prune(platform.warehouse(), store.now() - timedelta(days=retention.state_records), store.now()),
    }
    # DuckDB gives the room of replaced rows back only here: doing it with every write would be most of the work.
    platform.warehouse().compact()
    platform.warehouse().publish()
    context.add_output_metadata(counts)
    context.log.info("removed: %s", ", ".join(f"{count} {name}" for name, count in counts.items()))


@dg.job(
    name="daily_maintenance",
    description="Prunes old runs of Dagster and old records of the state store.",
    executor_def=dg.in_process_executor,
)
def daily_maintenance() -> None:
    """Clean up once a day."""
    clean_up()
