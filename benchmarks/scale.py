"""How much data each scenario moves: the sizes the figures are quoted for, and a smoke size that takes seconds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Records, repetitions and rates of one run of the benchmarks."""

    name: str
    contacts: int  # a portal's seeded contacts: live, archived and merged ones together
    many_contacts: int
    contacts_each: int  # of every one of the four processes
    sdk_part: int  # records the serial client reads under limits; its rate is steady, so a part tells it
    changed: int
    one_instant: int
    samples: int
    limited_samples: int
    chunk_sizes: tuple[int, ...]
    history_records: tuple[int, int, int]  # contacts, deals, calls
    properties: int = 50
    per_10_s: int = 190
    searches_per_s: int = 5
    latency_ms: int = 200

    @property
    def objects_per_s(self) -> float:
        """The most records a second the rate limit lets through: 100 a call."""
        return self.per_10_s / 10 * 100


FULL = Scale(
    name="full",
    contacts=100_000,
    many_contacts=1_000_000,
    contacts_each=50_000,
    sdk_part=5_000,
    changed=1_000,
    one_instant=30_000,
    samples=3,
    limited_samples=2,
    chunk_sizes=(2_500, 5_000, 10_000, 20_000, 40_000),
    history_records=(29_000, 1_000, 100),
)
QUICK = Scale(
    name="quick",
    contacts=3_000,
    many_contacts=9_000,
    contacts_each=2_000,
    sdk_part=300,
    changed=100,
    one_instant=1_000,
    samples=1,
    limited_samples=1,
    chunk_sizes=(1_000, 2_000),
    history_records=(600, 60, 20),
)
