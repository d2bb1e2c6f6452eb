"""What a run found: lines of the printed table, raw samples, and where and with what they were measured."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).resolve().parent / "results"
_PAPER_WIDTH = 120
_PACKAGES = (
    "hubspot-platform",
    "aiohttp",
    "dagster",
    "duckdb",
    "hubspot-api-client",
    "orjson",
    "prometheus-client",
    "pyarrow",
    "sqlalchemy",
    "starlette",
    "urllib3",
    "uvicorn",
)


@dataclass(frozen=True)
class Line:
    """One line of the table; `met` is None where there is no target, or none at this size."""

    scenario: str
    what: str
    measured: str
    target: str = ""
    met: bool | None = None


@dataclass
class Outcome:
    """What one scenario found."""

    lines: list[Line] = field(default_factory=list)
    samples: dict[str, Any] = field(default_factory=dict)


def median(values: Sequence[float]) -> float:
    """Return the median of the samples."""
    return statistics.median(values)


def environment() -> dict[str, Any]:
    """Return what the figures depend on: machine, load and versions, without anything that names the machine."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "versions": {name: metadata.version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def table(lines: Sequence[Line]) -> Table:
    """Return the printed table."""
    shown = Table(title="Benchmarks", title_justify="left", title_style="bold", header_style="bold")
    for name in ("scenario", "what", "measured", "target", ""):
        shown.add_column(name, justify="right" if name == "measured" else "left", overflow="fold")
    previous = ""
    for line in lines:
        if previous and line.scenario != previous:
            shown.add_section()
        verdict = {None: "", True: "[green]met[/green]", False: "[red]missed[/red]"}[line.met]
        shown.add_row(
            "" if line.scenario == previous else line.scenario, line.what, line.measured, line.target, verdict
        )
        previous = line.scenario
    return shown


def write(document: dict[str, Any], lines: Sequence[Line], folder: Path = FOLDER) -> Path:
    """Write the whole run as JSON and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    complete = {**document, "lines": [asdict(line) for line in lines]}
    path.write_text(json.dumps(complete, indent=1, default=str) + "\n", encoding="utf-8")
    return path


def show(lines: Sequence[Line], path: Path, load: Sequence[float]) -> None:
    """Print the table and where the samples are."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PAPER_WIDTH)
    console.print(table(lines))
    before, after = load[0], os.getloadavg()[0]
    console.print(f"Load average {before:.1f} before, {after:.1f} after, on {os.cpu_count()} cores.")
    console.print(f"Raw samples: benchmarks/results/{path.name}")
