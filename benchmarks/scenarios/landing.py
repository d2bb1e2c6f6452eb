"""Landing a million sessions from a Parquet file: rows a second, processor time, and whether memory stays flat."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.bench import Bench
from benchmarks.children import Measured, environment_for, run
from benchmarks.results import Line, Outcome
from benchmarks.scale import FULL
from hubspot_platform.landing.contract import landed_table

_SIZES = {True: (100_000, 1_000_000), False: (2_000, 20_000)}
_PART = 50_000
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_MOST_MIB = 700


def landing(bench: Bench) -> Outcome:
    """Land two sizes, each into a warehouse of its own, as the command line does."""
    judged = bench.scale is FULL
    few, many = _SIZES[judged]
    taken = {}
    for sessions in (few, many):
        bench.say(f"landing {sessions:,} sessions")
        taken[sessions] = _land(bench, sessions)
    report = taken[many].document["tables"][0]
    rate = many / report["seconds"]
    peaks = {sessions: measured.peak_rss for sessions, measured in taken.items()}
    lines = [
        Line("landing", f"{many:,} sessions: rows/s", f"{rate:,.0f}"),
        Line("landing", f"{many:,} sessions: CPU s of the process", f"{taken[many].cpu:.1f}"),
        *(Line("landing", f"{sessions:,} sessions: peak RSS MiB", f"{peak:,.0f}") for sessions, peak in peaks.items()),
        Line("landing", "higher peak", f"{max(peaks.values()):,.0f}", f"< {_MOST_MIB}", _met(peaks, judged=judged)),
    ]
    return Outcome(lines, {"samples": [measured.as_json() for measured in taken.values()], "rows_per_second": rate})


def _met(peaks: dict[int, float], *, judged: bool) -> bool | None:
    return max(peaks.values()) < _MOST_MIB if judged else None


def _land(bench: Bench, sessions: int) -> Measured:
    with bench.home() as home:
        source = home / "source"
        source.mkdir()
        _write(source / "session.parquet", sessions, bench.seed)
        values = {"PLATFORM_HOME": str(home / "platform"), "PRODUCT_SOURCE": f"dir://{source}"}
        return run(["land", "session", "--json"], environment_for(values, home / "cache"), home)


def _write(path: Path, sessions: int, seed: int) -> None:
    """Write sessions with the columns that visits of an advertisement have."""
    chance, schema = random.Random(seed), landed_table("product.session").arrow_schema()
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, sessions, _PART):
            count = min(_PART, sessions - first)
            ids = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(count)]
            moments = [_FIRST + timedelta(seconds=first + n) for n in range(count)]
            columns = {
                "session_id": ids,
                "client_id": ids[::-1],
                "started_at": moments,
                "ingested_at": moments,
                "landing_url": [f"https://www.ourfirm.example/pricing?gclid={i}{i}" for i in ids],
                "gclid": [f"{i}{i}" for i in ids],
                "utm_source": ["google"] * count,
                "user_agent": ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/141.0"] * count,
            }
            empty = [None] * count
            writer.write_table(pa.table({name: columns.get(name, empty) for name in schema.names}, schema=schema))
