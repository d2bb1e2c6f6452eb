"""Commands and other work in processes of their own, forked from one that has imported the platform already.

A child is as real as one that Python starts anew: it has its own memory, files and environment, and a signal kills
it alone. It only saves the second of imports, which hundreds of children would spend otherwise.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "hubspot_platform.cli.main",
        "hubspot_platform.home",
        "hubspot_platform.mirror.custom_objects",
        "hubspot_platform.mirror.reference",
        "hubspot_platform.mirror.sync",
        "hubspot_platform.runtime",
        "hubspot_platform.sandbox.server",
        "hubspot_platform.workers.engine",
        "duckdb",
        "psycopg",
        __name__,
    ]
)
_POLL = 0.01
MOST_SECONDS = 300.0


Work = Callable[[], object]


def command(*arguments: str) -> Work:
    """Return what `hubspot-platform ARGUMENTS` does."""
    return partial(_command_line, arguments)


class Child:
    """Work in a process of its own; `environment` is added to this process's own."""

    def __init__(self, work: Work, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> None:
        self._outputs = tempfile.TemporaryDirectory(prefix="hubspot-platform-child-")
        self._out, self._errors = (Path(self._outputs.name) / name for name in ("stdout", "stderr"))
        variables = {**os.environ, **(environment or {})}
        self._process = _FORKS.Process(
            target=_become, args=(work, variables, folder or Path.cwd(), self._out, self._errors), daemon=True
        )
        self._process.start()

    def announced(self, seconds: float) -> str:
        """Wait for the first line the child says and return it; empty when it ended or took longer."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._process.is_alive():
            first, end, _ = self._said(self._out).partition("\n")
            if end:
                return first
            self._process.join(_POLL)
        return ""

    def terminate(self) -> None:
        """Ask the child to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End the child as a power cut would."""
        self._process.kill()
        self.wait(10)

    def wait(self, seconds: float) -> int:
        """Wait for the end and return the exit code, minus the signal that killed it; raises TimeoutExpired."""
        self._process.join(seconds)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("a child", seconds)
        return self._process.exitcode

    def ended(self, seconds: float) -> subprocess.CompletedProcess[str]:
        """Wait for the end and return it with everything the child wrote; raises TimeoutExpired."""
        code = self.wait(seconds)
        done = subprocess.CompletedProcess("a child", code, self._said(self._out), self._said(self._errors))
        self._outputs.cleanup()
        return done

    @staticmethod
    def _said(file: Path) -> str:
        return file.read_text(encoding="utf-8") if file.exists() else ""


def run(
    *arguments: str, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `hubspot-platform ARGUMENTS` to its end."""
    return finish(command(*arguments), environment, folder)


def finish(
    work: Work, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Do work in a process of its own to its end; one that takes minutes is killed and fails the test."""
    child = Child(work, environment, folder)
    try:
        return child.ended(MOST_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        raise


def _become(work: Work, environment: dict[str, str], folder: Path, output: Path, errors: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for descriptor, path in ((1, output), (2, errors)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    work()


def _command_line(arguments: tuple[str, ...]) -> None:
    from hubspot_platform.cli.main import run as command_line

    sys.argv = ["hubspot-platform", *arguments]
    command_line()
