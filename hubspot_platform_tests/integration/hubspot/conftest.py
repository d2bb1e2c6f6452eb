"""A sandbox portal shared by a test module, and policies whose waits are recorded instead of slept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest
from pydantic import SecretStr

from hubspot_platform.hubspot.policy import HubSpotPolicy, UnlimitedBudget
from hubspot_platform.lanes import Bucket, DailyQuota, Lane
from hubspot_platform_tests.support.portal import TOKEN, Portal, portal


@dataclass
class Ledger(UnlimitedBudget):
    """Grants everything and remembers what was asked of it."""

    granted: list[tuple[Bucket, Lane]] = field(default_factory=list)
    recorded: list[tuple[Bucket, int | None, DailyQuota | None]] = field(default_factory=list)
    penalties: list[tuple[Bucket, float]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    zones: list[str] = field(default_factory=list)

    async def acquire(self, bucket: Bucket, lane: Lane) -> None:
        self.granted.append((bucket, lane))

    def acquire_blocking(self, bucket: Bucket, lane: Lane) -> None:
        self.granted.append((bucket, lane))

    def record(self, bucket: Bucket, lane: Lane, status: int | None, daily: DailyQuota | None) -> None:
        self.recorded.append((bucket, status, daily))

    async def penalise(self, bucket: Bucket, seconds: float) -> None:
        self.penalties.append((bucket, seconds))

    def penalise_blocking(self, bucket: Bucket, seconds: float) -> None:
        self.penalties.append((bucket, seconds))

    def learn_time_zone(self, name: str) -> None:
        self.zones.append(name)

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)

    def statuses(self) -> list[int | None]:
        return [status for _, status, _ in self.recorded]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def policy_for(ledger: Ledger) -> Callable[..., HubSpotPolicy]:
    """Makes a policy for a base URL that waits nowhere; further arguments replace its fields."""

    def make(url: str, **changes: object) -> HubSpotPolicy:
        policy = HubSpotPolicy(
            url,
            SecretStr(TOKEN),
            budget=ledger,
            random=lambda: 0.5,
            sleep=ledger.wait,
            sleep_blocking=ledger.waits.append,
        )
        return replace(policy, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="module")
def small_portal() -> Iterator[Portal]:
    with portal("contacts=900,companies=120,deals=60,properties=20") as running:
        yield running


@pytest.fixture
def hubspot(small_portal: Portal) -> Iterator[Portal]:
    """The module's portal, without faults and with fresh counters."""
    small_portal.clear_faults()
    small_portal.reset_stats()
    yield small_portal
    small_portal.clear_faults()
