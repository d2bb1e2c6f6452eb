"""The scenarios by name, in the order they run: those on one portal stand together, and what changes it comes last."""

from collections.abc import Callable, Mapping

from benchmarks.bench import Bench
from benchmarks.results import Outcome
from benchmarks.scenarios import (
    attribution,
    ceiling,
    chunks,
    drain,
    events,
    history,
    incremental,
    landing,
    latency,
    memory,
    metrics,
    mrr,
    processes,
    reads,
)

Scenario = Callable[[Bench], Outcome]

SCENARIOS: Mapping[str, Scenario] = {
    "sandbox-ceiling": ceiling.sandbox_ceiling,
    "full-read": reads.full_read,
    "chunk-sizes": chunks.chunk_sizes,
    "limited-read": reads.limited_read,
    "limited-million": reads.limited_million,
    "incremental": incremental.incremental,
    "one-instant": incremental.one_instant,
    "four-processes": processes.four_processes,
    "memory": memory.memory,
    "history": history.history,
    "events": events.events,
    "drain": drain.drain,
    "event-to-table": latency.event_to_table,
    "metrics": metrics.metrics,
    "landing": landing.landing,
    "attribution": attribution.attribution,
    "mrr": mrr.mrr,
}
ON_REQUEST = frozenset({"chunk-sizes"})
