"""A real PostgreSQL server for the tests: a throw-away cluster, started as another user when we are root."""

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


def server_binaries() -> Path | None:
    """Return the folder of `initdb` and `postgres`, or None when no server is installed."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


def _as_server_user(command: list[str]) -> list[str]:
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


def free_port() -> int:
    """Return a TCP port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def cluster(binaries: Path) -> Iterator[str]:
    """Run a cluster in a temporary folder and yield its maintenance URL."""
    folder = Path(tempfile.mkdtemp(prefix="hubspot-platform-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data, port = folder / "data", free_port()
    subprocess.run(
        _as_server_user(
            [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        ),
        check=True,
        capture_output=True,
        cwd="/",
    )
    # The tests kill clients, never the machine: the server need not wait for its disk.
    unsafe = "-c fsync=off -c full_page_writes=off"
    sizes = "-c shared_buffers=128MB -c max_connections=100"
    # Nor do databases that live for seconds gain from vacuums and checkpoints.
    short_lived = "-c autovacuum=off -c checkpoint_timeout=1h -c wal_level=minimal -c max_wal_senders=0"
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 {sizes} {unsafe} {short_lived}"
    control = [str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    subprocess.run(
        _as_server_user([*control, "-o", options, "-l", str(folder / "log"), "start"]),
        check=True,
        capture_output=True,
        cwd="/",
    )
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(_as_server_user([*control, "-m", "immediate", "stop"]), check=True, capture_output=True, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(server_url: str, template: str = "") -> Iterator[str]:
    """Create a database on the server, empty or as the one whose URL `template` is; yield its URL, then drop it."""
    name = f"t_{uuid.uuid4().hex}"
    like = f' template "{template.rsplit("/", 1)[1]}"' if template else ""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'create database "{name}"{like}')
    try:
        yield server_url.rsplit("/", 1)[0] + f"/{name}"
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)')
