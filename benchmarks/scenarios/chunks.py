"""How many records to merge at a time: speed and memory of a full read by chunk size."""

from benchmarks.bench import Bench
from benchmarks.results import Line, Outcome, median


def chunk_sizes(bench: Bench) -> Outcome:
    """Read everything with several chunk sizes in turn."""
    portal = bench.portal(bench.scale.contacts)
    sizes = bench.scale.chunk_sizes
    reads: dict[int, list] = {size: [] for size in sizes}
    for number in range(bench.samples or bench.scale.samples):
        for size in sizes[:: -1 if number % 2 else 1]:
            bench.say(f"full read {number + 1} with chunks of {size:,}")
            reads[size].append(bench.full_read(portal, "--chunk", str(size)))
    lines = [
        Line(
            "chunk-sizes",
            f"{size:,} records: objects/s, CPU s, peak RSS MiB",
            f"{median([r.rate for r in found]):,.0f}, {median([r.process.cpu for r in found]):.1f}, "
            f"{median([r.process.peak_rss for r in found]):,.0f}",
        )
        for size, found in reads.items()
    ]
    return Outcome(lines, {str(size): [read.as_json() for read in found] for size, found in reads.items()})
