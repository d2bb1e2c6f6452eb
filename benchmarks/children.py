"""Runs the platform's command line in processes of its own and measures them from outside.

CPU seconds and peak memory come from the operating system when the process ends; resident memory over time is
sampled meanwhile. The scenarios call `run` and `run_together`.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
PLATFORM = "hubspot_platform.cli"
VARIANT = "benchmarks.variant"
_PREFIXES = ("HUBSPOT_", "WAREHOUSE_", "STATE_", "SLACK_", "PLATFORM_", "MIRROR_", "DAGSTER_")
_POLL_SECONDS = 0.05
_SAMPLE_SECONDS = 0.5
_MEBI = 1024 * 1024


class ChildFailed(Exception):
    """A measured process did not end well; its message is the end of what it said."""


@dataclass(frozen=True)
class Measured:
    """One process from start to end: seconds of wall and of processor time, mebibytes, and the JSON it printed."""

    seconds: float
    cpu_user: float
    cpu_system: float
    peak_rss: float
    rss: tuple[float, ...]
    load: float
    document: Any = field(repr=False)

    @property
    def cpu(self) -> float:
        """Processor seconds of all threads, start-up included."""
        return self.cpu_user + self.cpu_system

    def as_json(self) -> dict[str, Any]:
        """Return the raw sample without the document."""
        return {
            "process_seconds": round(self.seconds, 3),
            "cpu_user_seconds": round(self.cpu_user, 3),
            "cpu_system_seconds": round(self.cpu_system, 3),
            "peak_rss_mib": round(self.peak_rss, 1),
            "rss_mib_every_half_second": [round(value) for value in self.rss],
            "load_average_before": round(self.load, 2),
        }


class _Child:
    def __init__(self, module: str, arguments: Sequence[str], environment: Mapping[str, str], home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._out, self._err = home / "stdout.json", home / "stderr.txt"
        self._load = os.getloadavg()[0]
        self._rss: list[float] = []
        self._sampled_at = 0.0
        self._started = time.monotonic()
        command = [sys.executable, "-m", module, *arguments]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(command, env=environment, cwd=home, stdout=out, stderr=err)
        self._seen = psutil.Process(self._process.pid)

    def poll(self) -> Measured | None:
        """Sample the process; return the measurement once it has ended."""
        pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
        now = time.monotonic()
        if not pid:
            if now - self._sampled_at >= _SAMPLE_SECONDS:
                self._sampled_at = now
                self._rss.append(self._seen.memory_info().rss / _MEBI)
            return None
        self._process.returncode = os.waitstatus_to_exitcode(status)
        if self._process.returncode:
            said = self._err.read_text(errors="replace")[-2000:]
            raise ChildFailed(f"{' '.join(self._process.args[1:])} ended with {self._process.returncode}: {said}")
        unit = 1 if sys.platform == "darwin" else 1024
        return Measured(
            seconds=now - self._started,
            cpu_user=usage.ru_utime,
            cpu_system=usage.ru_stime,
            peak_rss=usage.ru_maxrss * unit / _MEBI,
            rss=tuple(self._rss),
            load=self._load,
            document=json.loads(self._out.read_bytes() or b"null"),
        )

    def stop(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()


def environment_for(values: Mapping[str, str], cache: Path) -> dict[str, str]:
    """Return the environment of a measured process: ours without the platform's variables, then `values`.

    Compiled modules are kept in `cache`, so that no measurement but the first compiles what an installation has
    compiled long before.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIXES)}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**inherited, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(cache), **values}


def run(arguments: Sequence[str], environment: Mapping[str, str], home: Path, *, module: str = PLATFORM) -> Measured:
    """Run one command to its end; raises ChildFailed with what it said."""
    return run_together([(arguments, environment, home)], module=module)[0]


def run_together(
    commands: Sequence[tuple[Sequence[str], Mapping[str, str], Path]], *, module: str = PLATFORM
) -> list[Measured]:
    """Run several commands at once (arguments, environment, folder each) and return their measurements in order."""
    children = [_Child(module, *command) for command in commands]
    ended: dict[int, Measured] = {}
    try:
        while len(ended) < len(children):
            for number, child in enumerate(children):
                if number not in ended and (measured := child.poll()) is not None:
                    ended[number] = measured
            time.sleep(_POLL_SECONDS)
    finally:
        for child in children:
            child.stop()
    return [ended[number] for number in range(len(children))]
