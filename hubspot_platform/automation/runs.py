"""Runs on the home's Dagster instance, without the daemon.

`hubspot-platform build` and the demo execute jobs and selections here, in this process; they appear in the Dagster
UI like any other run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from hubspot_platform.automation.instance import open_instance
from hubspot_platform.automation.schedules import HOUR, KEY_FORMAT, RANGE_END, RANGE_START, day_tags, floor_hour
from hubspot_platform.clock import utc_now
from hubspot_platform.definitions import definitions
from hubspot_platform.errors import UsageError
from hubspot_platform.runtime import Platform

_QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}


@dataclass(frozen=True)
class CheckOutcome:
    """One check's result in a run; `status` is pass, warn, fail, error or skipped."""

    asset: str
    check: str
    status: str
    message: str


@dataclass(frozen=True)
class RunOutcome:
    """What one run did; `rows` are the row counts of the materialised tables."""

    job: str
    run_id: str
    success: bool
    error: str
    rows: dict[str, int]
    checks: tuple[CheckOutcome, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the outcome for machines."""
        return asdict(self)


def hours_from(first_partition: datetime, now: datetime) -> dict[str, str]:
    """Return the run tags that ask for every hourly partition until now; empty while no hour has ended."""
    last = floor_hour(now) - HOUR
    if last < first_partition:
        return {}
    return {RANGE_START: first_partition.strftime(KEY_FORMAT), RANGE_END: last.strftime(KEY_FORMAT)}


def execute(
    platform: Platform,
    *,
    job: str | None = None,
    selection: Sequence[str] = (),
    defs: dg.Definitions | None = None,
) -> RunOutcome:
    """Execute a job by name, or assets by Dagster selections, in one run; those with days in a second one.

    Objects are asked for every hour since the first partition, models with days for the day of the platform's clock.
    Who executes several gives the platform's definitions, which take half a second to make. Raises UsageError for a
    name or selection that matches nothing.
    """
    defs = definitions(platform) if defs is None else defs
    repository = defs.get_repository_def()
    selections: list[list[dg.AssetKey] | None] = [None]
    if job is None:
        selections = list(by_partitions(repository, _resolve(repository, selection)))
        found = defs.resolve_implicit_global_asset_job_def()
    else:
        known = [name for name in repository.job_names if not name.startswith("__")]
        if job not in known:
            raise UsageError(f"unknown job {job!r}", mend=f"use one of: {', '.join(sorted(known))}")
        found = defs.resolve_job_def(job)
    outcomes: list[RunOutcome] = []
    with open_instance(platform.settings) as instance:
        for asset_selection in selections:
            keys = asset_selection or list(found.asset_layer.executable_asset_keys)
            result = found.execute_in_process(
                instance=instance,
                asset_selection=asset_selection,
                tags=_partition_tags(platform, repository, keys),
                run_config=_QUIET,
                raise_on_error=False,
            )
            outcomes.append(_outcome(job or " ".join(selection), result))
    return _joined(outcomes)


def by_partitions(repository: dg.RepositoryDefinition, keys: Sequence[dg.AssetKey]) -> Iterator[list[dg.AssetKey]]:
    """Divide assets into runs, since one run knows one kind of partitions: first what has hours, then what has days.

    Assets without partitions go into the second run when they read, near or far, one with days.
    """
    graph = repository.asset_graph
    daily = {key for key in keys if _is_daily(repository, key)}
    hourly = {key for key in keys if graph.get(key).is_partitioned} - daily
    if not daily or not hourly:
        yield list(keys)
        return
    late = set(daily)
    for key in graph.toposorted_asset_keys:
        if key in keys and late & graph.get(key).parent_keys:
            late.add(key)
    yield [key for key in keys if key not in late]
    yield [key for key in keys if key in late]


def _is_daily(repository: dg.RepositoryDefinition, key: dg.AssetKey) -> bool:
    return isinstance(repository.asset_graph.get(key).partitions_def, dg.DailyPartitionsDefinition)


def _partition_tags(
    platform: Platform, repository: dg.RepositoryDefinition, keys: Sequence[dg.AssetKey]
) -> dict[str, str]:
    first = platform.settings.first_partition
    if any(_is_daily(repository, key) for key in keys):
        # A clock that was fixed before the first day or after today still asks for a day that exists.
        return day_tags(min(max(platform.clock().astimezone(UTC), first), utc_now()))
    if any(repository.asset_graph.get(key).is_partitioned for key in keys):
        return hours_from(first, platform.clock())
    return {}


def _joined(outcomes: Sequence[RunOutcome]) -> RunOutcome:
    """Return what the runs did as one outcome, with the id of the last of them."""
    last = outcomes[-1]
    return replace(
        last,
        success=all(outcome.success for outcome in outcomes),
        error=next((outcome.error for outcome in outcomes if outcome.error), ""),
        rows={key: rows for outcome in outcomes for key, rows in outcome.rows.items()},
        checks=tuple(check for outcome in outcomes for check in outcome.checks),
    )


def _resolve(repository: dg.RepositoryDefinition, selection: Sequence[str]) -> list[dg.AssetKey]:
    graph = repository.asset_graph
    keys: set[dg.AssetKey] = set()
    for text in selection:
        try:
            found = dg.AssetSelection.from_string(_as_key_expression(text)).resolve(graph)
        except Exception as error:
            raise UsageError(f"{text!r} is no asset selection: {error}", mend="see docs/recipes.md") from error
        if not found:
            raise UsageError(f"{text!r} selects no asset", mend="try hubspot/contact, kind:sql or group:metrics")
        keys |= found
    return sorted(keys & set(graph.materializable_asset_keys))


def _as_key_expression(text: str) -> str:
    """Let `metrics/daily_metric+` mean `key:"metrics/daily_metric"+`, and leave full expressions alone."""
    core = text.strip("+*")
    if not core or ":" in core or any(character in core for character in ' ()"'):
        return text
    return text.replace(core, f'key:"{core}"')


def _outcome(name: str, result: dg.ExecuteInProcessResult) -> RunOutcome:
    rows: dict[str, int] = {}
    for event in result.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        count = materialization.metadata.get("dagster/row_count")
        if count is not None:
            rows[materialization.asset_key.to_user_string()] = int(str(count.value))
    checks = tuple(
        CheckOutcome(
            asset=evaluation.asset_key.to_user_string(),
            check=evaluation.check_name,
            status=_status(evaluation),
            message=evaluation.description or "",
        )
        for evaluation in result.get_asset_check_evaluations()
    )
    return RunOutcome(name, result.run_id, result.success, _first_error(result), rows, checks)


def _status(evaluation: Any) -> str:
    said = evaluation.metadata.get("status")
    if said is not None:
        return str(said.value)
    if evaluation.passed:
        return "pass"
    return "fail" if evaluation.severity is dg.AssetCheckSeverity.ERROR else "warn"


def _first_error(result: dg.ExecuteInProcessResult) -> str:
    for event in result.filter_events(lambda event: event.is_step_failure):
        failure = event.step_failure_data
        if failure.user_failure_data is not None and failure.user_failure_data.description:
            return str(failure.user_failure_data.description)
        if failure.error is not None:
            cause = failure.error.cause
            return str((cause or failure.error).message).strip()
    return "" if result.success else "the run failed before its first step"
