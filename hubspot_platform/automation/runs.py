"""Runs on the home's Dagster instance, without the daemon.

`hubspot-platform build` and the demo execute jobs and selections here, in this process; they appear in the Dagster
UI like any other run.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import dagster as dg

from hubspot_platform.automation.instance import open_instance
from hubspot_platform.automation.schedules import HOUR, KEY_FORMAT, RANGE_END, RANGE_START, floor_hour
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


def execute(platform: Platform, *, job: str | None = None, selection: Sequence[str] = ()) -> RunOutcome:
    """Execute a job by name, or assets by Dagster selections, for every hour since the first partition.

    Raises UsageError for a name or selection that matches nothing.
    """
    defs = definitions(platform)
    repository = defs.get_repository_def()
    asset_selection = None
    if job is None:
        asset_selection = _resolve(repository, selection)
        found = defs.resolve_implicit_global_asset_job_def()
    else:
        known = [name for name in repository.job_names if not name.startswith("__")]
        if job not in known:
            raise UsageError(f"unknown job {job!r}", mend=f"use one of: {', '.join(sorted(known))}")
        found = defs.resolve_job_def(job)
    tags = hours_from(platform.settings.first_partition, platform.clock())
    with open_instance(platform.settings) as instance:
        result = found.execute_in_process(
            instance=instance,
            asset_selection=asset_selection,
            tags=tags if _partitioned(repository, found, asset_selection) else {},
            run_config=_QUIET,
            raise_on_error=False,
        )
        return _outcome(job or " ".join(selection), result)


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


def _partitioned(
    repository: dg.RepositoryDefinition, job: dg.JobDefinition, selected: Sequence[dg.AssetKey] | None
) -> bool:
    keys = selected if selected is not None else list(job.asset_layer.executable_asset_keys)
    return any(repository.asset_graph.get(key).is_partitioned for key in keys)


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
