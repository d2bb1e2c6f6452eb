"""The demo: the whole platform on this machine, with no account and no internet.

Starts the sandbox and Dagster, runs every sync, model and check once with a progress display, sends the alerts that
are due, prints what happened, and stays up with schedules and sensors until Ctrl-C. Called by `cli/demo.py`.
"""

import json
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from hubspot_platform.automation.instance import prepare_instance
from hubspot_platform.cli.output import Output, SyncProgress, sync_progress
from hubspot_platform.cli.processes import DagsterServices, Processes, free_port
from hubspot_platform.cli.summary import collect_summary, print_summary
from hubspot_platform.clock import utc_now
from hubspot_platform.errors import UsageError
from hubspot_platform.hubspot.catalogue import CATALOGUE, REFERENCES
from hubspot_platform.settings import load_settings

SANDBOX_TOKEN = "sandbox-token"  # noqa: S105 - the sandbox accepts it, nothing else does
BASE_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"
SLACK_TOKEN = "xoxb-sandbox"  # noqa: S105
HOST = "127.0.0.1"

SIDE_BY_SIDE = 3  # processes; contacts, the most records, have one to themselves
MODELS = ("key:hubspot/phone_number", "kind:sql")


@dataclass(frozen=True)
class DemoOptions:
    """What the demo's command was asked for."""

    size: str
    seed: int
    once: bool
    home: Path
    rate_limit: str
    port: int
    sandbox_port: int


@dataclass(frozen=True)
class Portal:
    """The sandbox portal of a home; a home keeps the same one for ever, or its mirror would be of another portal."""

    size: str
    seed: int
    base_time: str


@dataclass
class _Runs:
    """The outcomes of the demo's runs, as `build` reports them."""

    outcomes: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def run_demo(output: Output, options: DemoOptions) -> bool:
    """Run the demo; returns whether everything was green, after Ctrl-C when it stays up."""
    started = utc_now()
    folder = options.home.resolve()
    portal = _remember_portal(folder, Portal(options.size, options.seed, started.strftime(BASE_TIME_FORMAT)))
    with Processes(folder / "logs", {}) as outside:
        url = _start_sandbox(outside, portal, options.rate_limit, _usable(options.sandbox_port))
        overrides = _overrides(folder, url, options.rate_limit)
        port = _usable(options.port)
        settings = load_settings(**overrides, dagster_url=f"http://{HOST}:{port}")
        prepare_instance(settings)
        environment = {name.upper(): str(value) for name, value in overrides.items()}
        with DagsterServices(settings, host=HOST, port=port, environment=environment) as dagster:
            output.say(f"Sandbox portal {url}, Slack page {url}/slack/; starting Dagster …")
            dagster.start_webserver()
            output.say(f"Dagster UI {dagster.url}")
            runs = _run_everything(output, dagster)
            summary = collect_summary(settings, runs.outcomes, url, started)
            summary.memory.update(outside.memory.peaks | dagster.memory.peaks)
            print_summary(output, summary, dagster.url, url)
            output.result(summary.as_json())
            if not options.once:
                dagster.start_daemon()
                output.say("Schedules and sensors are running. Ctrl-C stops.")
                dagster.wait()
    return summary.green


def _remember_portal(folder: Path, asked: Portal) -> Portal:
    """Return the portal of this home, writing it down the first time."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "portal.json"
    if not file.exists():
        file.write_text(json.dumps(asked.__dict__), encoding="ascii")
        return asked
    kept = Portal(**json.loads(file.read_text(encoding="ascii")))
    if (kept.size, kept.seed) != (asked.size, asked.seed):
        raise UsageError(
            f"{folder} holds a demo of size {kept.size} with seed {kept.seed}",
            mend="give the same size and seed, another --home, or run make clean",
        )
    return kept


def _usable(port: int) -> int:
    """Return the port, or a free one when it is taken or 0."""
    if port == 0:
        return free_port(HOST)
    try:
        httpx.get(f"http://{HOST}:{port}", timeout=1)
    except httpx.ConnectError:
        return port
    except httpx.HTTPError:
        return free_port(HOST)
    return free_port(HOST)


def _start_sandbox(processes: Processes, portal: Portal, rate_limit: str, port: int) -> str:
    url = f"http://{HOST}:{port}"
    command = [sys.executable, "-m", "hubspot_platform.sandbox", "--host", HOST, "--port", str(port)]
    options = ["--size", portal.size, "--seed", str(portal.seed), "--base-time", portal.base_time]
    processes.start("sandbox", [*command, *options, "--rate-limit", rate_limit], lambda: _answers(url))
    return url


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/sandbox/api/stats", timeout=5).is_success
    except httpx.TransportError:
        return False


def _overrides(folder: Path, sandbox_url: str, rate_limit: str) -> dict[str, Any]:
    limits = {"none": 0, "free": 100, "professional": 190, "addon": 250}
    return {
        "platform_home": folder,
        "hubspot_base_url": sandbox_url,
        "HUBSPOT_ACCESS_TOKEN": SANDBOX_TOKEN,
        "hubspot_rate_limit": limits.get(rate_limit, 190),
        "hubspot_search_rate_limit": 0 if rate_limit == "none" else 5,
        "slack_base_url": f"{sandbox_url}/slack/api/",
        "slack_bot_token": SLACK_TOKEN,
    }


def sync_groups() -> list[list[str]]:
    """Return every sync job, in groups to run side by side; one that fails stops no other. Models need all of them."""
    first, *others = dict.fromkeys(entry.job for entry in (*CATALOGUE.values(), *REFERENCES.values()))
    return [[first], *(others[start :: SIDE_BY_SIDE - 1] for start in range(SIDE_BY_SIDE - 1))]


def _run_everything(output: Output, dagster: DagsterServices) -> _Runs:
    runs = _Runs()
    with sync_progress(output) as progress, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for future in [pool.submit(_build, dagster, runs, progress, _job_options(group)) for group in sync_groups()]:
            future.result()
    output.say("Building models …")
    _build(dagster, runs, None, list(MODELS))
    return runs


def _job_options(jobs: Sequence[str]) -> list[str]:
    return [option for job in jobs for option in ("--job", job)]


def _build(dagster: DagsterServices, runs: _Runs, progress: SyncProgress | None, options: list[str]) -> None:
    """Run `hubspot-platform build` as a child, show its progress events and keep its outcome."""
    command = [sys.executable, "-m", "hubspot_platform.cli", "build", "--events", *options]
    with dagster.piped(f"build {options[-1]}", command) as child:
        assert child.stdout is not None  # noqa: S101 - it is a pipe
        for line in child.stdout:
            event = json.loads(line)
            if "runs" in event:
                with runs.lock:
                    runs.outcomes.extend(event["runs"])
            elif progress is not None:
                progress.update(event["object"], event["read"], event["total"], done=event["done"])
