"""Four processes on one token: each into a warehouse of its own, all by one rate budget in one state store."""

from datetime import datetime

from benchmarks import children
from benchmarks.bench import FULL_READ, Bench
from benchmarks.results import Line, Outcome
from benchmarks.scale import FULL

_PROCESSES = 4


def four_processes(bench: Bench) -> Outcome:
    """Start four full reads at once under the portal's limit with latency and add up what they read."""
    portal = bench.portal(bench.scale.contacts_each, limited=True, latency=True)
    bench.say(f"{_PROCESSES} processes of {bench.scale.contacts_each:,} contacts each")
    with bench.home() as shared:
        commands = []
        for number in range(_PROCESSES):
            home = shared / str(number)
            more = {
                "WAREHOUSE_URL": f"duckdb:///{home / 'warehouse.duckdb'}",
                "STATE_URL": f"sqlite:///{shared / 'state.sqlite'}",
            }
            commands.append(
                (("--records-only", *FULL_READ), bench.environment(portal, home, limited=True, **more), home)
            )
        measured = children.run_together(commands, module=children.VARIANT)
    stats = portal.stats()
    reports = [process.document["synced"]["contact"] for process in measured]
    began = min(datetime.fromisoformat(report["started_at"]) for report in reports)
    ended = max(datetime.fromisoformat(report["finished_at"]) for report in reports)
    seconds = (ended - began).total_seconds()
    objects = sum(report["counts"]["read"] for report in reports)
    ceiling = bench.scale.objects_per_s
    share = objects / seconds / ceiling
    judged = bench.scale is FULL
    name = "four-processes"
    lines = [
        Line(name, "together: objects/s", f"{objects / seconds:,.0f}", f"of {ceiling:,.0f}"),
        Line(name, "together: share of the ceiling", f"{share:.1%}", "≥ 95 %", share >= 0.95 if judged else None),
        Line(name, "429 answers, counted by the sandbox", str(stats["limited"]), "0", stats["limited"] == 0),
        Line(name, "s first request to last window completed", f"{seconds:.1f}"),
        Line(name, "s of each process", ", ".join(f"{report['seconds']:.0f}" for report in reports)),
    ]
    samples = {
        "objects": objects,
        "seconds": round(seconds, 3),
        "sandbox": stats,
        "processes": [process.as_json() for process in measured],
    }
    return Outcome(lines, samples)
