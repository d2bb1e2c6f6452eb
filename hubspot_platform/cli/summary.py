"""What the demo did: collected from the runs, both stores and the sandbox, printed and returned as one document."""

import resource
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import httpx

from hubspot_platform.automation.instance import open_instance
from hubspot_platform.cli.output import Output
from hubspot_platform.clock import utc_now
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import Settings


@dataclass
class DemoSummary:
    """The demo's outcome; memory is peak resident bytes by process, seconds is wall time."""

    runs: list[dict[str, Any]]
    rows: dict[str, int]
    checks: dict[str, list[dict[str, Any]]]
    value_errors: dict[str, int]
    calls: dict[str, int]
    alerts: dict[str, int]
    seconds: float
    memory: dict[str, int] = field(default_factory=dict)

    @property
    def green(self) -> bool:
        """Whether every run succeeded and no check failed at ERROR."""
        failed = self.checks.get("fail", []) + self.checks.get("error", [])
        return bool(self.runs) and all(run["success"] for run in self.runs) and not failed

    def as_json(self) -> dict[str, Any]:
        """Return the summary for machines."""
        return {**asdict(self), "green": self.green}


def collect_summary(settings: Settings, runs: list[dict[str, Any]], sandbox_url: str, started: datetime) -> DemoSummary:
    """Gather the numbers; evaluates the alerts of what just ran and sends them once."""
    platform = Platform(settings)
    alerts = _alert_pass(settings, platform)
    with platform.warehouse().reader() as session:
        errors = session.query(
            "select object_type, count(*) as n from hubspot.value_error group by object_type order by object_type"
        ).to_pylist()
    platform.close()
    stats = httpx.get(f"{sandbox_url}/sandbox/api/stats", timeout=10).json()
    checks: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        for check in run["checks"]:
            checks.setdefault(check["status"], []).append(check)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return DemoSummary(
        runs=runs,
        rows={table: count for run in runs for table, count in run["rows"].items()},
        checks=checks,
        value_errors={row["object_type"]: row["n"] for row in errors},
        calls={"calls": stats["calls"], "limited": stats["limited"]},
        alerts=alerts,
        seconds=(utc_now() - started).total_seconds(),
        memory={"largest finished run": peak},
    )


def _alert_pass(settings: Settings, platform: Platform) -> dict[str, int]:
    from hubspot_platform.automation.alerts import run_alert_pass
    from hubspot_platform.definitions import definitions

    graph = definitions(platform).get_repository_def().asset_graph
    with open_instance(settings) as instance:
        return run_alert_pass(instance, graph, platform)


def print_summary(output: Output, summary: DemoSummary, dagster_url: str, sandbox_url: str) -> None:
    """Print the summary for people."""
    failed = [[run["job"], run["error"]] for run in summary.runs if not run["success"]]
    output.table("Tables", ["table", "rows"], [[table, rows] for table, rows in sorted(summary.rows.items())])
    counts = {status: len(found) for status, found in sorted(summary.checks.items())}
    output.table("Checks", ["outcome", "checks"], [[status, number] for status, number in counts.items()])
    notable = [c for status, found in summary.checks.items() if status not in {"pass", "skipped"} for c in found]
    if notable:
        rows = [[c["status"], c["asset"], c["check"], c["message"]] for c in notable]
        output.table("Checks worth a look", ["outcome", "asset", "check", "message"], rows)
    if failed:
        output.table("Failed runs", ["run", "error"], failed)
    values = ", ".join(f"{name} {number}" for name, number in summary.value_errors.items()) or "none"
    memory = max(summary.memory.values(), default=0) / 2**20
    output.say(f"Values that do not fit (hubspot.value_error): {values}")
    output.say(f"HubSpot calls: {summary.calls['calls']:,}, refused for rate: {summary.calls['limited']}")
    output.say("Alerts: " + ", ".join(f"{name} {number}" for name, number in summary.alerts.items()))
    output.say(f"Took {summary.seconds:.0f} s; largest process {memory:,.0f} MB")
    output.say(f"Dagster UI {dagster_url}  ·  portal {sandbox_url}  ·  Slack {sandbox_url}/slack/")
    output.say("GREEN" if summary.green else "NOT GREEN")
