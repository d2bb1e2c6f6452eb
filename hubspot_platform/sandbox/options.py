"""How a sandbox is started: its options, and the sizes of seeded data they name."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hubspot_platform.sandbox.clock import to_ms
from hubspot_platform.sandbox.errors import SandboxError
from hubspot_platform.sandbox.limits import PLANS


@dataclass(frozen=True)
class Plan:
    """How much of what to seed; `properties` is the number of contact properties (None: the natural set)."""

    contacts: int = 0
    companies: int = 0
    deals: int = 0
    properties: int | None = None
    seed: int = 1
    base_ms: int | None = None


SIZES: dict[str, tuple[int, int, int, int | None]] = {
    "empty": (0, 0, 0, None),
    "small": (300, 60, 40, None),
    "document": (29_000, 6_000, 1_000, None),
    "large": (100_000, 20_000, 5_000, 50),
}
FEWEST_PROPERTIES = 20


@dataclass(frozen=True)
class SandboxOptions:
    """Everything `serve` needs. `size` is a name of SIZES, or `contacts=N,properties=M,companies=C,deals=D`."""

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
        if self.size in SIZES:
            contacts, companies, deals, properties = SIZES[self.size]
            return Plan(contacts, companies, deals, properties, self.seed, base_ms)
        wanted: dict[str, int] = {}
        for part in self.size.split(","):
            name, _, number = part.partition("=")
            if name not in ("contacts", "companies", "deals", "properties") or not number.isdigit():
                mend = f"one of {', '.join(SIZES)}, or for example contacts=100000,properties=50"
                raise SandboxError(f"unknown size {self.size!r}", mend=mend)
            wanted[name] = int(number)
        contacts = wanted.get("contacts", 300)
        properties = wanted.get("properties")
        if properties is not None and properties < FEWEST_PROPERTIES:
            mend = f"contacts have at least {FEWEST_PROPERTIES} properties"
            raise SandboxError(f"properties={properties} is too few", mend=mend)
        companies = wanted.get("companies", contacts // 5)
        return Plan(contacts, companies, wanted.get("deals", contacts // 20), properties, self.seed, base_ms)
