"""The demo: the whole platform on this machine, with no account and no internet.

Starts the sandbox and Dagster, runs every sync, model and check once with a progress display, sends the alerts that
are due, prints what happened, and stays up with schedules and sensors until Ctrl-C. Called by `cli/demo.py`.
"""

import json
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hubspot_platform.automation.instance import prepare_instance
from hubspot_platform.cli.demo_world import (
    DOORS,
    HOST,
    Portal,
    overrides,
    remember_portal,
    send_changes,
    start_sandbox,
    usable,
    write_product,
)
from hubspot_platform.cli.output import Output, SyncProgress, sync_progress
from hubspot_platform.cli.processes import DagsterServices, Processes, start_gateway
from hubspot_platform.cli.summary import collect_summary, print_summary
from hubspot_platform.clock import utc_now
from hubspot_platform.hubspot.catalogue import CATALOGUE, REFERENCES
from hubspot_platform.settings import load_settings

BASE_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"

GROUPS = 3  # of sync jobs, beside the landing: a process each
LANDING = ("land_product", "bigquery_to_mysql_ds_data", "chargebee_catch_up", "PaymentEventsRunner")
EVENTS = ("HubspotContactWebhookRunner",)
MODELS = ("key:hubspot/phone_number", "key:payments/company_profile_arr_range", "kind:sql", "group:ops")


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
    gateway_port: int


@dataclass
class _Runs:
    """The outcomes of the demo's runs, as `build` reports them."""

    outcomes: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def run_demo(output: Output, options: DemoOptions) -> bool:
    """Run the demo; returns whether everything was green, after Ctrl-C when it stays up."""
    started = utc_now()
    folder = options.home.resolve()
    portal = remember_portal(folder, Portal(options.size, options.seed, started.strftime(BASE_TIME_FORMAT)))
    with Processes(folder / "logs", {}) as outside:
        url = f"http://{HOST}:{usable(options.sandbox_port)}"
        chosen = overrides(folder, url, options.rate_limit)
        port = usable(options.port)
        settings = load_settings(**chosen, dagster_url=f"http://{HOST}:{port}")
        prepare_instance(settings)
        environment = {name.upper(): str(value) for name, value in chosen.items()} | DOORS
        with DagsterServices(settings, host=HOST, port=port, environment=environment) as dagster:
            output.say(f"Starting the sandbox portal {url}, its Slack page {url}/slack/, Dagster and the gateway …")
            with ThreadPoolExecutor() as pool:
                sandbox = pool.submit(start_sandbox, outside, portal, options.rate_limit, url)
                gateway = pool.submit(start_gateway, dagster, host=HOST, port=usable(options.gateway_port))
                sandbox.result()
                ui = pool.submit(_start_ui, output, dagster)
                runs = _Everything(output, dagster).run(
                    lambda: write_product(outside, folder, portal, url), url, gateway.result
                )
                ui.result()
            summary = collect_summary(settings, runs.outcomes, url, started)
            summary.memory.update(outside.memory.peaks | dagster.memory.peaks)
            print_summary(output, summary, dagster.url, url)
            output.result(summary.as_json())
            if not options.once:
                dagster.start_daemon()
                output.say("Schedules and sensors are running. Ctrl-C stops.")
                dagster.wait()
    return summary.green


def _start_ui(output: Output, dagster: DagsterServices) -> None:
    """Start the Dagster UI while the first records are being read, which is mostly waiting for the portal's limits."""
    dagster.start_webserver()
    output.say(f"Dagster UI {dagster.url}")


def sync_groups() -> list[list[str]]:
    """Return every sync job, in groups to run side by side; one that fails stops no other. Models need all of them."""
    jobs = list(dict.fromkeys(entry.job for entry in (*CATALOGUE.values(), *REFERENCES.values())))
    return [jobs[start::GROUPS] for start in range(GROUPS)]


@dataclass
class _Everything:
    """Everything run once: syncs and landing side by side, then what webhooks tell, then the models."""

    output: Output
    dagster: DagsterServices
    runs: _Runs = field(default_factory=_Runs)

    def run(self, write: Callable[[], None], sandbox_url: str, gateway_url: Callable[[], str]) -> _Runs:
        """Run it and return the outcomes; `write` makes what is landed, `gateway_url` waits for the doors."""
        with sync_progress(self.output) as progress, ThreadPoolExecutor() as pool:
            waiting = [pool.submit(self._build, progress, _job_options(group)) for group in sync_groups()]
            for future in (*waiting, pool.submit(self._land, progress, write)):
                future.result()
        gateway = gateway_url()
        sent = send_changes(sandbox_url, gateway)
        self.output.say(f"{sent} changes came in as webhooks at the gateway {gateway}; building models …")
        self._build(None, [*_job_options(EVENTS), *MODELS])
        return self.runs

    def _land(self, progress: SyncProgress, write: Callable[[], None]) -> None:
        write()
        self._build(progress, _job_options(LANDING))

    def _build(self, progress: SyncProgress | None, options: list[str]) -> None:
        """Run `hubspot-platform build` as a child, show its progress events and keep its outcome."""
        command = [sys.executable, "-m", "hubspot_platform.cli", "build", "--events", *options]
        with self.dagster.piped(f"build {options[-1]}", command) as child:
            assert child.stdout is not None  # noqa: S101 - it is a pipe
            for line in child.stdout:
                event = json.loads(line)
                if "runs" in event:
                    with self.runs.lock:
                        self.runs.outcomes.extend(event["runs"])
                elif progress is not None:
                    progress.update(event["object"], event["read"], event["total"], done=event["done"])


def _job_options(jobs: Sequence[str]) -> list[str]:
    return [option for job in jobs for option in ("--job", job)]
