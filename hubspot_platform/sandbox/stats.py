"""What the sandbox counted: the benchmarks and tests trust the server's numbers, never the client's."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Stats:
    """Counters since the start or the last reset."""

    calls: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    limited: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    in_flight_peak: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    first_at: float | None = None
    last_at: float | None = None

    def arrived(self, size: int, at: float) -> None:
        """Count a request that came in at monotonic second `at`."""
        self.in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self.in_flight)
        self.bytes_in += size
        self.first_at = at if self.first_at is None else self.first_at

    def answered(self, kind: str, status: int, size: int, at: float) -> None:
        """Count the answer to a request."""
        self.calls[kind] += 1
        self.statuses[status] += 1
        self.bytes_out += size
        self.last_at = at

    def reset(self) -> None:
        """Start counting anew; requests still under way stay counted as in flight."""
        under_way = self.in_flight
        self.__init__()  # type: ignore[misc]
        self.in_flight = self.in_flight_peak = under_way

    def as_json(self) -> dict[str, object]:
        """Return the counters as a JSON object."""
        span = 0.0 if self.first_at is None or self.last_at is None else self.last_at - self.first_at
        return {
            "calls": sum(self.calls.values()),
            "by_kind": dict(sorted(self.calls.items())),
            "by_status": {str(s): n for s, n in sorted(self.statuses.items())},
            "limited": sum(self.limited.values()),
            "limited_by_policy": dict(self.limited),
            "faults": dict(self.faults),
            "in_flight": self.in_flight,
            "in_flight_peak": self.in_flight_peak,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "seconds": round(span, 3),
        }
