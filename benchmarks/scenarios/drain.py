"""Property changes that wait in the inbox, until they are in the published tables."""

import itertools
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks import children
from benchmarks.bench import BASE_TIME, Bench
from benchmarks.results import Line, Outcome
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import load_settings
from hubspot_platform_tests.support import portal as portals
from hubspot_platform_tests.support.events import COMPANIES, Events, later
from hubspot_platform_tests.support.portal import Portal

COMPANIES_IN_PORTAL = 10_000
EVENTS = 50_000
EVENTS_A_SECOND = 5_000
_PROPERTIES = ("city", "zip", "address", "state", "description", "website")


def drain(bench: Bench) -> Outcome:
    """Drain a full queue of company changes, then one single change, each by a process of its own."""
    bench.say(f"seeding {COMPANIES_IN_PORTAL:,} companies")
    size = f"contacts=10,companies={COMPANIES_IN_PORTAL},deals=10"
    with portals.portal(size, "--seed", str(bench.seed), "--base-time", BASE_TIME) as portal, bench.home() as home:
        environment = bench.environment(portal, home, limited=False)
        children.run(("sync", "companies", "--full", "--no-history", "--json"), environment, home)
        many = _drained(bench, portal, environment, home, EVENTS)
        one = _drained(bench, portal, environment, home, 1)
    rate = many["applied"] / many["report"]["seconds"]
    lines = [
        Line(
            "drain",
            f"{EVENTS:,} property changes of {COMPANIES_IN_PORTAL:,} companies: changes/s, inbox to tables",
            f"{rate:,.0f}",
            f">= {EVENTS_A_SECOND:,}",
            rate >= EVENTS_A_SECOND,
        ),
        Line("drain", "CPU s, whole process", f"{many['process']['cpu_user_seconds']:.1f}"),
        Line("drain", "peak RSS MiB", f"{many['process']['peak_rss_mib']:,.0f}"),
        Line("drain", "one change: s from the start of the process to the published table", f"{one['seconds']:.1f}"),
    ]
    return Outcome(lines, {"many": many, "one": one})


def _drained(bench: Bench, portal: Portal, environment: dict[str, str], home: Path, count: int) -> dict[str, Any]:
    ids = [int(record["id"]) for record in portal.dump("companies", properties=["name"])]
    dice, at, names = random.Random(count), later(seconds=1), itertools.cycle(_PROPERTIES)
    bench.say(f"storing {count:,} events")
    platform = Platform(load_settings(**_settings(environment)))
    events = Events(platform)
    made = [
        change
        for number in range(count)
        for change in events.change(
            "company", dice.choice(ids), at + timedelta(milliseconds=number), **{next(names): f"value {number}"}
        )
    ]
    stored = events.store(*made)
    platform.close()
    measured = children.run(("process", COMPANIES, "--json"), environment, home)
    (report,) = measured.document["processed"]
    applied = report["applied"] + report["duplicates"]
    if applied != stored.accepted:
        raise children.ChildFailed(f"{stored.accepted} events went in and {applied} came out")
    return {"applied": applied, "seconds": measured.seconds, "report": report, "process": measured.as_json()}


def _settings(environment: dict[str, str]) -> dict[str, Any]:
    names = ("PLATFORM_HOME", "HUBSPOT_BASE_URL", "WAREHOUSE_URL", "STATE_URL")
    return {name.lower(): environment[name] for name in names if environment.get(name)}
