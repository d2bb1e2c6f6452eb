"""Child processes of the commands: started, watched and stopped together.

The demo and `dev` run the sandbox, Dagster's code server, UI and daemon as children. Their output goes to log files
in the home; a child that dies early is an error that names its log.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import psutil

from hubspot_platform.automation.instance import dagster_environment
from hubspot_platform.errors import PlatformError
from hubspot_platform.settings import Settings

START_SECONDS = 120.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.2


class ChildDied(PlatformError):
    """A child process ended or was not ready in time."""


def free_port(host: str) -> int:
    """Return a port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


class Processes:
    """A group of child processes with one environment; stops all of them on exit."""

    def __init__(self, log_folder: Path, environment: Mapping[str, str]) -> None:
        log_folder.mkdir(parents=True, exist_ok=True)
        self._logs = log_folder
        self._environment = {**os.environ, **environment}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self.memory = MemoryWatch()

    def __enter__(self) -> Self:
        self.memory.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.memory.stop()
        for child in reversed(self._children.values()):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _kill_tree(child.pid)

    def start(self, name: str, command: Sequence[str], ready: Callable[[], bool]) -> None:
        """Start a child and wait until it is ready; raises ChildDied with the name of its log."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as file:
            child = subprocess.Popen(  # noqa: S603 - our own commands
                list(command),
                stdout=file,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        self._children[name] = child
        self.memory.watch(name, child.pid)
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if child.poll() is not None:
                raise ChildDied(f"{name} ended with code {child.returncode}", mend=f"see {log}")
            if time.monotonic() > deadline:
                raise ChildDied(f"{name} was not ready after {START_SECONDS:.0f} s", mend=f"see {log}")
            time.sleep(POLL_SECONDS)

    @contextlib.contextmanager
    def piped(self, name: str, command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
        """Run a short-lived child whose stdout the block reads; stderr goes to its log. Its exit code is its own."""
        log = self._logs / f"{''.join(c if c.isalnum() else '-' for c in name)}.log"
        with (
            log.open("wb") as file,
            subprocess.Popen(  # noqa: S603 - our own commands
                list(command), stdout=subprocess.PIPE, stderr=file, env=self._environment
            ) as child,
        ):
            self.memory.watch(name, child.pid)
            yield child

    def wait(self) -> None:
        """Block until a child ends (an error) or the caller is interrupted."""
        while True:
            for name, child in self._children.items():
                if child.poll() is not None:
                    log = self._logs / f"{name}.log"
                    raise ChildDied(f"{name} ended with code {child.returncode}", mend=f"see {log}")
            time.sleep(1)


def _kill_tree(pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in [*parent.children(recursive=True), parent]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


class MemoryWatch:
    """Remembers the peak resident memory of each watched process (bytes), its children counted one by one."""

    def __init__(self) -> None:
        self.peaks: dict[str, int] = {}
        self._watched: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory-watch", daemon=True)

    def start(self) -> None:
        """Begin to look, every half second."""
        self.watch("hubspot-platform", os.getpid())
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; the peaks stay."""
        self._stop.set()
        self._thread.join()

    def watch(self, name: str, pid: int) -> None:
        """Look at a process from now on."""
        self._watched[name] = pid

    def _run(self) -> None:
        while not self._stop.wait(0.5):
            for name, pid in list(self._watched.items()):
                with contextlib.suppress(psutil.Error):
                    process = psutil.Process(pid)
                    self._note(name, process)
                    if name != "hubspot-platform":
                        for child in process.children(recursive=True):
                            self._note(f"{name} (child)", child)

    def _note(self, name: str, process: psutil.Process) -> None:
        with contextlib.suppress(psutil.Error):
            self.peaks[name] = max(self.peaks.get(name, 0), process.memory_info().rss)


class DagsterServices(Processes):
    """Dagster's long-lived processes: one code server shared by the UI and exactly one daemon."""

    def __init__(
        self, settings: Settings, *, host: str, port: int, environment: Mapping[str, str] | None = None
    ) -> None:
        self._home = settings.home
        self._host = host
        self._port = port or free_port(host)
        self.url = f"http://{host}:{self._port}"
        super().__init__(
            settings.home / "logs",
            {**(environment or {}), **dagster_environment(settings), "DAGSTER_URL": settings.dagster_url or self.url},
        )
        self._code_port = free_port("127.0.0.1")
        self._started_code = False

    def _workspace(self) -> str:
        if not self._started_code:
            self._started_code = True
            module = ["-m", "dagster", "api", "grpc", "-m", "hubspot_platform.definitions"]
            self.start(
                "code-server",
                [sys.executable, *module, "-h", "127.0.0.1", "-p", str(self._code_port)],
                lambda: _listens(self._code_port),
            )
        file = self._home / "workspace.yaml"
        file.write_text(
            "load_from:\n  - grpc_server:\n      host: 127.0.0.1\n"
            f"      port: {self._code_port}\n      location_name: hubspot_platform\n",
            encoding="ascii",
        )
        return str(file)

    def start_webserver(self) -> None:
        """Start the Dagster UI on `url`."""
        where = ["-w", self._workspace(), "-h", self._host, "-p", str(self._port)]
        self.start("webserver", [sys.executable, "-m", "dagster_webserver", *where], self._answers)

    def start_daemon(self) -> None:
        """Start the daemon that runs schedules, sensors and queued runs."""
        command = [sys.executable, "-m", "dagster._daemon", "run", "-w", self._workspace()]
        self.start("daemon", command, lambda: True)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/server_info", timeout=5).is_success
        except httpx.TransportError:
            return False


def start_gateway(processes: Processes, *, host: str, port: int) -> str:
    """Start the gateway in a group of processes, with the group's environment; returns the address of its doors."""
    admin_port = free_port(host)
    where = ["--host", host, "--port", str(port), "--admin-port", str(admin_port)]
    command = [sys.executable, "-m", "hubspot_platform.cli", "gateway", *where]
    processes.start("gateway", command, lambda: _ready(f"http://{host}:{admin_port}/readyz"))
    return f"http://{host}:{port}"


def _ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.TransportError:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
