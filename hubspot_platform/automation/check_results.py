"""Reads asset check results from Dagster's storage: the only module that uses its undocumented calls.

`automation.alert_sources` asks for what is new since its cursors. The two calls used
(`get_latest_asset_check_execution_by_key`, `get_asset_check_execution_history`) behave alike on SQLite and
PostgreSQL; they see results without a run and, as records left PLANNED, checks that could not run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)

PAGE = 200

Cursor = tuple[int, frozenset[int]]
"""The last record id looked at, and ids whose result was not there yet."""

NOTHING_SEEN: Cursor = (0, frozenset())


class Outcome(StrEnum):
    """How an execution ended, as far as Dagster knows."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_RUN = "could not run"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class CheckResult:
    """One finished execution of a check; `metadata` holds the plain values the check attached."""

    key: dg.AssetCheckKey
    record_id: int
    run_id: str | None
    at: datetime
    partition: str | None
    outcome: Outcome
    error_severity: bool = True
    description: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckNews:
    """Finished executions in ascending id, and the cursor that remembers them."""

    results: Sequence[CheckResult]
    cursor: Cursor


def latest_cursors(instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey]) -> dict[dg.AssetCheckKey, Cursor]:
    """Return cursors that count everything recorded so far as seen, except what still runs."""
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    return {
        key: (record.id, frozenset({record.id}) if _unfinished(instance, record) else frozenset())
        for key, record in latest.items()
    }


def news(
    instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey], seen: Mapping[dg.AssetCheckKey, Cursor]
) -> dict[dg.AssetCheckKey, CheckNews]:
    """Return what finished since the cursors; keys without news are missing.

    Record ids are given when a check is planned, so ids are in the order of starts: an unfinished one is kept in
    the cursor and looked at again.
    """
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    found: dict[dg.AssetCheckKey, CheckNews] = {}
    for key, record in latest.items():
        cursor = seen.get(key, NOTHING_SEEN)
        if record.id > cursor[0] or cursor[1]:
            update = _news_of(instance, key, cursor)
            if update.results or update.cursor != cursor:
                found[key] = update
    return found


def _news_of(instance: dg.DagsterInstance, key: dg.AssetCheckKey, cursor: Cursor) -> CheckNews:
    last, pending = cursor
    floor = min([*pending, last + 1])
    results: list[CheckResult] = []
    waiting: set[int] = set()
    newest = last
    for record in _history(instance, key, floor):
        newest = max(newest, record.id)
        if record.id <= last and record.id not in pending:
            continue
        result = _result(instance, record)
        if result is None:
            waiting.add(record.id)
        else:
            results.append(result)
    results.sort(key=lambda result: result.record_id)
    return CheckNews(results, (newest, frozenset(waiting)))


def _history(instance: dg.DagsterInstance, key: dg.AssetCheckKey, floor: int) -> Iterator[AssetCheckExecutionRecord]:
    """Yield records down to an id, page by page: a backfill makes thousands for one check."""
    before: int | None = None
    while True:
        page = instance.event_log_storage.get_asset_check_execution_history(key, limit=PAGE, cursor=before)
        for record in page:
            if record.id < floor:
                return
            yield record
        if len(page) < PAGE:
            return
        before = page[-1].id


def _result(instance: dg.DagsterInstance, record: AssetCheckExecutionRecord) -> CheckResult | None:
    """Return a record's result; None while its run is on."""
    if record.status is AssetCheckExecutionRecordStatus.PLANNED:
        return _unevaluated(instance, record)
    evaluation = record.evaluation
    event = record.event
    if evaluation is None or event is None:
        return None
    return CheckResult(
        key=record.key,
        record_id=record.id,
        run_id=record.run_id or None,
        at=datetime.fromtimestamp(event.timestamp, UTC),
        partition=record.partition,
        outcome=Outcome.PASSED if evaluation.passed else Outcome.FAILED,
        error_severity=evaluation.severity is dg.AssetCheckSeverity.ERROR,
        description=evaluation.description or "",
        metadata={name: value.value for name, value in evaluation.metadata.items()},
    )


def _unevaluated(instance: dg.DagsterInstance, record: AssetCheckExecutionRecord) -> CheckResult | None:
    run = instance.get_run_record_by_id(record.run_id)
    ended = record.create_timestamp
    outcome = Outcome.NOT_RUN
    if run is not None:
        if not run.dagster_run.is_finished:
            return None
        ended = run.end_time or ended
        if run.dagster_run.status is dg.DagsterRunStatus.FAILURE:
            outcome = Outcome.COULD_NOT_RUN
    return CheckResult(
        key=record.key,
        record_id=record.id,
        run_id=record.run_id,
        at=datetime.fromtimestamp(ended, UTC),
        partition=record.partition,
        outcome=outcome,
    )


def _unfinished(instance: dg.DagsterInstance, record: AssetCheckExecutionRecord) -> bool:
    planned = record.status is AssetCheckExecutionRecordStatus.PLANNED
    return planned and _unevaluated(instance, record) is None
