"""Contacts, deals and calls of a middling portal under its limits, without and with the history of properties."""

import time
from typing import Any

from benchmarks import children
from benchmarks.bench import BASE_TIME, Bench
from benchmarks.results import Line, Outcome
from benchmarks.scale import FULL
from hubspot_platform_tests.support import portal as portals
from hubspot_platform_tests.support.portal import Portal

_OBJECTS = ("contacts", "deals", "calls")
# Of contacts too, which have none by default: 50 a page then instead of 100.
_HISTORY = """[history_properties]
contact = ["hubspot_owner_id", "lifecyclestage"]
company = ["hubspot_owner_id", "lifecyclestage"]
deal = ["amount", "closedate", "dealstage", "hubspot_owner_id", "pipeline"]
"""
_SECONDS = {False: 30.0, True: 45.0}


def history(bench: Bench) -> Outcome:
    """Read everything of the three objects twice: present values only, then with the changes of their properties."""
    scale = bench.scale
    contacts, deals, calls = scale.history_records
    bench.say(f"seeding {contacts:,} contacts, {deals:,} deals and {calls:,} calls")
    size = f"contacts={contacts},companies={contacts // 10},deals={deals},calls={calls}"
    with portals.portal(size, "--seed", str(bench.seed), "--base-time", BASE_TIME) as portal:
        portal.admin("limits", {"per_10_s": scale.per_10_s, "searches_per_s": scale.searches_per_s, "daily": 0})
        portal.admin("latency", {"ms": scale.latency_ms})
        samples = {wanted: _read(bench, portal, history=wanted) for wanted in (False, True)}
    lines: list[Line] = []
    for wanted, sample in samples.items():
        title = f"{sample['objects']:,} records{' with history' if wanted else ''}"
        seconds, limited = sample["seconds"], sample["sandbox"]["limited"]
        fast = seconds < _SECONDS[wanted] if scale is FULL else None
        lines += [
            Line("history", f"{title}: s, whole process", f"{seconds:.1f}", f"< {_SECONDS[wanted]:.0f}", fast),
            Line("history", f"{title}: requests", f"{sample['sandbox']['calls']:,}"),
            Line("history", f"{title}: peak RSS MiB", f"{sample['process']['peak_rss_mib']:,.0f}"),
            Line("history", f"{title}: 429 answers, counted by the sandbox", str(limited), "0", limited == 0),
        ]
    changes = samples[True]["changes"]
    lines.append(Line("history", "changes stored", f"{changes:,}"))
    return Outcome(lines, {"plain": samples[False], "with_history": samples[True]})


def _read(bench: Bench, portal: Portal, *, history: bool) -> dict[str, Any]:
    bench.say(f"reading {'with' if history else 'without'} history")
    with bench.home() as home:
        configuration = home / "platform.toml"
        configuration.write_text(_HISTORY, encoding="ascii")
        environment = bench.environment(portal, home, limited=True, PLATFORM_CONFIG=str(configuration))
        portal.reset_stats(limits=True)
        arguments = ("sync", *_OBJECTS, "--full", "--json", "--history" if history else "--no-history")
        began = time.monotonic()
        measured = children.run(arguments, environment, home)
        reports = measured.document["synced"]
        return {
            "seconds": round(time.monotonic() - began, 3),
            "objects": sum(report["counts"]["read"] for report in reports.values()),
            "changes": sum(report["counts"]["history"] for report in reports.values()),
            "process": measured.as_json(),
            "sandbox": portal.stats(),
        }
