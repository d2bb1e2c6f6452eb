"""Webhook events a second through the gateway: signature checked, stored durably (SQLite, synchronous=FULL), answered.

The load comes from a process of its own on the same cores. Afterwards the rows are counted: every event that was
answered 200 must be there once.
"""

import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.bench import Bench
from benchmarks.children import ROOT
from benchmarks.results import Line, Outcome
from benchmarks.scale import FULL
from hubspot_platform_tests.support.gateway import GENERAL, SECRET, GatewayProcess, start_gateway

_NAME = "events"
_BATCH = 100
_OFFERED = 10_000
_MEBI = 1024 * 1024


@dataclass
class _Gateway:
    """A gateway under load and what it has taken so far."""

    running: GatewayProcess
    home: Path
    sent: int = 0

    def load(self, events: int, size: int, rate: int = 0) -> dict[str, Any]:
        """Send so many events in deliveries of `size`; returns the sender's report with the gateway's CPU seconds."""
        process = psutil.Process(self.running.process.pid)
        before = process.cpu_times()
        target = f"{self.running.url}{GENERAL}"
        arguments = ["--first", str(self.sent + 1), "--events", str(events), "--size", str(size), "--rate", str(rate)]
        command = [sys.executable, "-m", "benchmarks.events_load", target, SECRET, *arguments]
        said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
        after = process.cpu_times()
        self.sent += events
        cpu = after.user + after.system - before.user - before.system
        rss = process.memory_info().rss / _MEBI
        return {**json.loads(said), "size": size, "gateway_cpu_seconds": round(cpu, 2), "rss_mib": round(rss, 1)}

    def stored(self) -> int:
        """Return the number of different events in the inbox."""
        query = "select count(distinct dedupe_key) from webhook_event where status = 'ready'"
        with contextlib.closing(sqlite3.connect(self.home / "state.sqlite")) as database:
            return int(database.execute(query).fetchone()[0])


@contextlib.contextmanager
def _gateway(home: Path) -> Iterator[_Gateway]:
    running = start_gateway(home, f"sqlite:///{home / 'state.sqlite'}")
    try:
        yield _Gateway(running, home)
    finally:
        running.process.terminate()
        running.process.wait(30)


def events(bench: Bench) -> Outcome:
    """Send as fast as it is answered, then at a steady rate, then event by event, then a million for the memory."""
    judged = bench.scale is FULL
    many, single, flat = (200_000, 10_000, 1_000_000) if judged else (5_000, 500, 10_000)
    with bench.home() as home, _gateway(home) as gateway:
        gateway.load(2_000, _BATCH)
        bench.say(f"{many:,} events in deliveries of {_BATCH}, as fast as they are answered")
        full = gateway.load(many, _BATCH)
        bench.say(f"{many:,} events at {_OFFERED:,} a second")
        steady = gateway.load(many, _BATCH, _OFFERED)
        bench.say(f"{single:,} deliveries of one event")
        alone = gateway.load(single, 1)
        bench.say(f"{flat:,} events for the memory")
        memory = [gateway.load(flat // 5, _BATCH) for _ in range(5)]
        sent, stored = gateway.sent, gateway.stored()
    samples = {"full": full, "steady": steady, "single": alone, "memory": memory, "sent": sent, "stored": stored}
    return Outcome(_lines(samples, judged=judged), samples)


def _lines(found: dict[str, Any], *, judged: bool) -> list[Line]:
    full, steady, alone, memory = (found[name] for name in ("full", "steady", "single", "memory"))
    rate = full["events"] / full["seconds"]
    refused = sum(
        count for run in (full, steady, alone, *memory) for status, count in run["answers"].items() if status != "200"
    )
    growth = memory[-1]["rss_mib"] - memory[0]["rss_mib"]
    cpu = 1e6 * full["gateway_cpu_seconds"] / full["events"]
    return [
        Line(
            _NAME, "deliveries of 100: events/s stored", f"{rate:,.0f}", "≥ 10,000", rate >= 10_000 if judged else None
        ),
        Line(_NAME, "deliveries of 100: gateway's CPU µs an event", f"{cpu:.0f}"),
        Line(
            _NAME,
            f"at {_OFFERED:,} events/s: ms a delivery, p50 and p99",
            f"{steady['p50']:.1f}, {steady['p99']:.1f}",
            "p99 < 50",
            steady["p99"] < 50 if judged else None,
        ),
        Line(
            _NAME,
            "deliveries of 1: events/s stored, ms p50 and p99",
            f"{alone['events'] / alone['seconds']:,.0f}, {alone['p50']:.1f}, {alone['p99']:.1f}",
        ),
        Line(_NAME, "answers other than 200", str(refused), "0", refused == 0),
        Line(
            _NAME,
            "events sent, events stored",
            f"{found['sent']:,}, {found['stored']:,}",
            "equal",
            found["sent"] == found["stored"],
        ),
        Line(
            _NAME,
            "resident memory over the last run, MiB after each fifth",
            ", ".join(f"{run['rss_mib']:.0f}" for run in memory),
            "flat",
            growth < 20 if judged else None,
        ),
    ]
