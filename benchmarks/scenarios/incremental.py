"""Catching up after changes: a thousand spread ones, and thirty thousand of one instant."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import children
from benchmarks.bench import FULL_READ, Bench
from benchmarks.results import Line, Outcome, median
from benchmarks.scale import FULL
from hubspot_platform_tests.support.portal import Portal

_CATCH_UP = ("sync", "contacts", "--no-history", "--json")
_BLOCKS = 10
_ASSOCIATIONS = "associations."


def incremental(bench: Bench) -> Outcome:
    """Change records here and there in the portal and sync; the sandbox counts the requests."""
    changed = bench.scale.changed
    samples = _caught_up(bench, bench.samples or bench.scale.samples, lambda portal: _change(bench, portal), changed)
    own = max(sample["requests"] for sample in samples)
    linked = max(sample["association_requests"] for sample in samples)
    seconds = median([sample["seconds"] for sample in samples])
    judged = bench.scale is FULL
    name = "incremental"
    complete = all(sample["read"] == sample["stored"] == changed for sample in samples)
    lines = [
        Line(name, f"{changed:,} changed of {bench.scale.contacts:,}: requests", str(own), "≤ 8", own <= 8),
        Line(name, "requests for associations beside", str(linked)),
        Line(name, "s first request to window completed", f"{seconds:.2f}", "< 3", seconds < 3 if judged else None),
        Line(name, "s whole process", f"{median([s['process_seconds'] for s in samples]):.2f}"),
        Line(name, "all changed records read and stored, no others", "yes" if complete else "no", "yes", complete),
        Line(name, "429 answers, counted by the sandbox", str(sum(s["sandbox"]["limited"] for s in samples)), "0"),
    ]
    return Outcome(lines, {"samples": samples})


def one_instant(bench: Bench) -> Outcome:
    """Give many records one modification time, three times as many as a search can page through, and sync."""
    count = bench.scale.one_instant
    sample = _caught_up(bench, 1, lambda portal: _stamp(portal, count), count)[0]
    complete = sample["stored"] == count
    name = "one-instant"
    lines = [
        Line(
            name,
            f"{count:,} records of one instant: all stored, and it ends",
            "yes" if complete else "no",
            "yes",
            complete,
        ),
        Line(name, "s first request to window completed", f"{sample['seconds']:.1f}"),
        Line(name, "requests", f"{sample['requests']:,}"),
        Line(
            name,
            "429 answers, counted by the sandbox",
            str(sample["sandbox"]["limited"]),
            "0",
            sample["sandbox"]["limited"] == 0,
        ),
    ]
    return Outcome(lines, {"samples": [sample]})


def _change(bench: Bench, portal: Portal) -> str:
    """Write a new value into blocks of records, a second apart, and return the SQL that finds them mirrored."""
    value = f"changed {time.time_ns()}"
    now = datetime.now(UTC).timestamp()
    for block in range(_BLOCKS):
        at = datetime.fromtimestamp(now - _BLOCKS + block, UTC)
        portal.change(
            "contacts",
            "update",
            first=bench.scale.changed // _BLOCKS,
            offset=block * bench.scale.one_instant // _BLOCKS,
            at=at.isoformat(),
            properties={"jobtitle": value},
        )
    return f"property_jobtitle = '{value}'"


def _stamp(portal: Portal, count: int) -> str:
    at = portal.change("contacts", "stamp", first=count)["at"]
    return f"property_lastmodifieddate = timestamptz '{at}'"


def _caught_up(bench: Bench, times: int, change: Callable[[Portal], str], changed: int) -> list[dict[str, Any]]:
    """Read everything once; then, from a copy of that state each time, change records and sync what changed."""
    portal = bench.portal(bench.scale.contacts)
    samples = []
    with bench.home() as base:
        bench.say("first full read")
        children.run(FULL_READ, bench.environment(portal, base), base)
        for number in range(times):
            condition = change(portal)
            portal = bench.portal(bench.scale.contacts, limited=True)
            bench.say(f"catching up {changed:,} changed records, {number + 1}")
            with bench.home(base) as home:
                samples.append(_sample(bench, portal, home, condition))
    return samples


def _sample(bench: Bench, portal: Portal, home: Path, condition: str) -> dict[str, Any]:
    environment = bench.environment(portal, home, limited=True)
    measured = children.run(_CATCH_UP, environment, home)
    stats = portal.stats()
    sql = f"select count(*) as n from hubspot.contact where {condition}"
    stored = children.run(("query", sql, "--json"), environment, home).document[0]["n"]
    report = measured.document["synced"]["contact"]
    linked = sum(n for kind, n in stats["by_kind"].items() if kind.startswith(_ASSOCIATIONS))
    return {
        "mode": report["mode"],
        "read": report["counts"]["read"],
        "stored": stored,
        "seconds": report["seconds"],
        "requests": stats["calls"] - linked,
        "association_requests": linked,
        **measured.as_json(),
        "sandbox": stats,
    }
