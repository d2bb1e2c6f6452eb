"""Whether memory stays flat: the peak of a full read of ten times as many contacts."""

from benchmarks.bench import Bench
from benchmarks.results import Line, Outcome
from benchmarks.scale import FULL


def memory(bench: Bench) -> Outcome:
    """Read two sizes once each and compare the peaks."""
    reads = []
    for contacts in (bench.scale.contacts, bench.scale.many_contacts):
        portal = bench.portal(contacts)
        bench.say(f"full read of {contacts:,} contacts")
        reads.append(bench.full_read(portal))
    few, many = reads
    growth = many.process.peak_rss / few.process.peak_rss - 1
    peak = max(few.process.peak_rss, many.process.peak_rss)
    judged = bench.scale is FULL
    lines = [
        *(
            Line("memory", f"peak RSS MiB at {contacts:,} contacts", f"{read.process.peak_rss:,.0f}")
            for contacts, read in ((bench.scale.contacts, few), (bench.scale.many_contacts, many))
        ),
        Line("memory", "higher peak", f"{peak:,.0f}", "< 400", peak < 400 if judged else None),
        Line("memory", "growth", f"{growth:+.0%}", "within 20 %", abs(growth) <= 0.2 if judged else None),
        Line("memory", f"objects/s at {bench.scale.many_contacts:,} contacts", f"{many.rate:,.0f}"),
    ]
    return Outcome(lines, {"samples": [read.as_json() for read in reads]})
