"""`hubspot-platform build`: materialise assets or run a job on the home's Dagster instance."""

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hubspot_platform.cli.output import Output, sync_progress
from hubspot_platform.clock import utc_now
from hubspot_platform.settings import load_settings

if TYPE_CHECKING:
    from hubspot_platform.automation.runs import RunOutcome
    from hubspot_platform.mirror.report import SyncReport
    from hubspot_platform.runtime import Platform


def command(
    selection: Annotated[list[str] | None, typer.Argument(help="Dagster selections; default: every SQL model")] = None,
    job: Annotated[list[str] | None, typer.Option(help="run this job, before any selection; may be repeated")] = None,
    as_of: Annotated[datetime | None, typer.Option(help="fix the clock of the run (UTC without an offset)")] = None,
    events: Annotated[bool, typer.Option(hidden=True, help="one JSON line per progress event")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Materialise assets by Dagster selection (`metrics/*`, `hubspot/contact+`, `kind:sql`)."""
    from hubspot_platform.automation.instance import prepare_instance
    from hubspot_platform.runtime import Platform

    output = Output(as_json or events)
    settings = load_settings()
    prepare_instance(settings)
    fixed = None if as_of is None else as_of.astimezone(UTC) if as_of.tzinfo else as_of.replace(tzinfo=UTC)
    with sync_progress(output) as progress:
        platform = Platform(settings, utc_now if fixed is None else lambda: fixed)
        platform.listen = _events if events else progress
        outcomes = _execute(platform, selection or [], job or [])
        platform.close()
    rows = [[o.job, "ok" if o.success else "failed", len(o.rows), len(o.checks), o.error] for o in outcomes]
    if not events:
        output.table("Runs", ["job or selection", "result", "tables", "checks", "error"], rows)
        bad = [[c.asset, c.check, c.status, c.message] for o in outcomes for c in o.checks if c.status != "pass"]
        if bad:
            output.table("Checks that did not pass", ["asset", "check", "status", "message"], bad)
    output.result({"runs": [outcome.as_json() for outcome in outcomes]})
    if not all(outcome.success for outcome in outcomes):
        raise typer.Exit(1)


def _execute(platform: "Platform", selection: list[str], jobs: list[str]) -> list["RunOutcome"]:
    from hubspot_platform.automation.runs import execute
    from hubspot_platform.definitions import definitions

    defs = definitions(platform)
    outcomes = [execute(platform, job=name, defs=defs) for name in jobs]
    if selection or not jobs:
        outcomes.append(execute(platform, selection=selection or ["kind:sql"], defs=defs))
    return outcomes


def _events(report: "SyncReport") -> None:
    event = {
        "object": report.object,
        "read": report.objects_read,
        "total": report.portal_total,
        "done": report.finished_at is not None,
    }
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()
