"""How a sandbox is started: its options, and the sizes of seeded data they name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from hubspot_platform.sandbox.clock import to_ms
from hubspot_platform.sandbox.errors import SandboxError
from hubspot_platform.sandbox.limits import PLANS


@dataclass(frozen=True)
class Plan:
    """How much of what to seed; `properties` is the number of contact properties (None: the natural set).

    `others` is the number of records of every further type by its size key.
    """

    contacts: int = 0
    companies: int = 0
    deals: int = 0
    properties: int | None = None
    seed: int = 1
    base_ms: int | None = None
    others: Mapping[str, int] = field(default_factory=dict)


# size key -> records for every contact, and the most a size without a number of its own gets
OTHERS: Mapping[str, tuple[float, int]] = {
    "tickets": (0.1, 300),
    "calls": (0.2, 500),
    "meetings": (0.08, 200),
    "emails": (0.16, 400),
    "notes": (0.12, 300),
    "tasks": (0.1, 300),
    "communications": (0.06, 200),
    "bugs": (0.04, 100),
}
SIZES: Mapping[str, Mapping[str, int]] = {
    "empty": {"contacts": 0},
    "small": {"contacts": 300, "companies": 60, "deals": 40},
    "document": {"contacts": 29_000, "companies": 6_000, "deals": 1_000, "calls": 100},
    "large": {
        "contacts": 100_000,
        "companies": 20_000,
        "deals": 5_000,
        "properties": 50,
        "tickets": 2_000,
        "calls": 10_000,
        "meetings": 2_000,
        "emails": 8_000,
        "notes": 4_000,
        "tasks": 3_000,
        "communications": 1_000,
        "bugs": 200,
    },
}
KEYS = ("contacts", "companies", "deals", "properties", *OTHERS)
FEWEST_PROPERTIES = 20


@dataclass(frozen=True)
class SandboxOptions:
    """Everything `serve` needs. `size` is a name of SIZES, or counts by size key: `contacts=N,properties=M,calls=C`."""

    host: str = "127.0.0.1"
    port: int = 8765
    size: str = "small"
    seed: int = 1
    rate_limit: str = "none"
    latency_ms: int = 0
    faults: Path | None = None
    base_time: datetime | None = None
    portal_id: int = 4242
    time_zone: str = "America/New_York"

    def __post_init__(self) -> None:
        if self.rate_limit not in PLANS:
            raise SandboxError(f"unknown rate limit {self.rate_limit!r}", mend=f"one of {', '.join(PLANS)}")
        if self.latency_ms < 0:
            raise SandboxError(f"latency of {self.latency_ms} ms", mend="use 0 or more")
        self.plan()

    def plan(self) -> Plan:
        """Return how much to seed; raises SandboxError for a size that cannot be read."""
        base_ms = None if self.base_time is None else to_ms(self.base_time)
        wanted = dict(SIZES.get(self.size) or self._counts())
        contacts, properties = wanted.get("contacts", 300), wanted.get("properties")
        if properties is not None and properties < FEWEST_PROPERTIES:
            mend = f"contacts have at least {FEWEST_PROPERTIES} properties"
            raise SandboxError(f"properties={properties} is too few", mend=mend)
        others = {key: wanted.get(key, min(int(contacts * share), most)) for key, (share, most) in OTHERS.items()}
        companies = wanted.get("companies", contacts // 5)
        deals = wanted.get("deals", contacts // 20)
        return Plan(contacts, companies, deals, properties, self.seed, base_ms, others)

    def _counts(self) -> dict[str, int]:
        wanted: dict[str, int] = {}
        for part in self.size.split(","):
            name, _, number = part.partition("=")
            if name not in KEYS or not number.isdigit():
                mend = f"one of {', '.join(SIZES)}, or counts of {', '.join(KEYS)}: contacts=100000,properties=50"
                raise SandboxError(f"unknown size {self.size!r}", mend=mend)
            wanted[name] = int(number)
        return wanted
