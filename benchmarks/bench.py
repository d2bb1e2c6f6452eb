"""What all scenarios share: the running portal, fresh homes for measured processes, and their environment."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console

from benchmarks import children
from benchmarks.children import Measured
from benchmarks.scale import Scale
from hubspot_platform_tests.support import portal as portals
from hubspot_platform_tests.support.platforms import environment
from hubspot_platform_tests.support.portal import Portal

# The seeded data ends at a fixed moment long ago: the same seed gives the same records, and nothing in them is
# recent enough to be read again as an overlap.
BASE_TIME = "2025-06-01T00:00:00"
_SEEDING_SECONDS = 900.0
# Present values only, as the clients it is compared with read; `history` measures the rest.
FULL_READ = ("sync", "contacts", "--full", "--no-history", "--json")


@dataclass
class Bench:
    """One run of the benchmarks; use it as a context manager."""

    scale: Scale
    seed: int
    samples: int | None = None
    console: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="hubspot-platform-bench-"))
        self._portal: tuple[int, Portal] | None = None
        self._warm = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_portal()
        shutil.rmtree(self._folder, ignore_errors=True)

    def say(self, text: str) -> None:
        """Tell the person what is being done."""
        self.console.print(f"[dim]{text}[/dim]")

    def portal(self, contacts: int, *, limited: bool = False, latency: bool = False) -> Portal:
        """Return a portal with so many contacts and nothing counted yet, limited as the scale says or not at all."""
        if self._portal is None or self._portal[0] != contacts:
            self._stop_portal()
            self.say(f"seeding {contacts:,} contacts")
            portals.START_SECONDS = _SEEDING_SECONDS
            size = f"contacts={contacts},properties={self.scale.properties},companies=0,deals=0"
            started = portals.start_portal(size, "--seed", str(self.seed), "--base-time", BASE_TIME)
            self._portal = (contacts, started)
        portal = self._portal[1]
        per_10_s, searches = (self.scale.per_10_s, self.scale.searches_per_s) if limited else (0, 0)
        portal.admin("limits", {"per_10_s": per_10_s, "searches_per_s": searches, "daily": 0})
        portal.admin("latency", {"ms": self.scale.latency_ms if latency else 0})
        portal.reset_stats(limits=True)
        return portal

    def _stop_portal(self) -> None:
        if self._portal is not None:
            self._portal[1].stop()
            self._portal = None

    @contextmanager
    def home(self, copy_of: Path | None = None) -> Iterator[Path]:
        """Yield a new folder for one measured process, or a copy of one, and remove it afterwards."""
        home = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            if copy_of is not None:
                shutil.copytree(copy_of, home, dirs_exist_ok=True)
            yield home
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def environment(self, portal: Portal, home: Path, *, limited: bool = False, **more: str) -> dict[str, str]:
        """Return the environment of a platform on this portal that keeps the portal's limits, or knows of none."""
        limits = (self.scale.per_10_s, self.scale.searches_per_s) if limited else (0, 0)
        values = {
            **environment(portal, home, None),
            "HUBSPOT_RATE_LIMIT": str(limits[0]),
            "HUBSPOT_SEARCH_RATE_LIMIT": str(limits[1]),
            **more,
        }
        found = children.environment_for(values, self._folder / "compiled")
        if not self._warm:
            self._warm = True
            for module in (children.PLATFORM, children.VARIANT):
                children.run(
                    ("sync", "contacts", "--limit", "1", "--no-history", "--json"),
                    found,
                    self._folder / module,
                    module=module,
                )
            portal.reset_stats(limits=True)
        return found

    def full_read(self, portal: Portal, *variant: str, limited: bool = False, limit: int | None = None) -> "Read":
        """Read all contacts into new stores in a process of its own, by a variant of the platform or by itself."""
        portal.reset_stats(limits=True)
        some = ("sync", "contacts", "--limit", str(limit), "--no-history", "--json")
        arguments = (*variant, *(FULL_READ if limit is None else some))
        with self.home() as home:
            found = self.environment(portal, home, limited=limited)
            measured = children.run(arguments, found, home, module=children.VARIANT if variant else children.PLATFORM)
            return Read(measured, portal.stats(), self.fingerprint(found, home))

    def fingerprint(self, environment: dict[str, str], home: Path) -> dict[str, Any]:
        """Return row count and a hash over every typed value of the mirrored contacts, whatever their order.

        Left out are the raw text and the time of reading, which differ from read to read.
        """
        sql = (
            "select count(*) as n, cast(bit_xor(hash(c)) as varchar) as h from "
            "(select * exclude (raw_json, _fivetran_synced) from hubspot.contact) as c"
        )
        return children.run(("query", sql, "--json"), environment, home).document[0]


@dataclass(frozen=True)
class Read:
    """One measured full read: the process, what the sandbox counted, and what stands in the table afterwards."""

    process: Measured
    stats: dict[str, Any]
    stored: dict[str, Any]

    @property
    def report(self) -> dict[str, Any]:
        """The sync's own report."""
        return self.process.document["synced"]["contact"]

    @property
    def objects(self) -> int:
        """Records read."""
        return self.report["counts"]["read"]

    @property
    def seconds(self) -> float:
        """From the first request to the window completed."""
        return self.report["seconds"]

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.objects / self.seconds

    def as_json(self) -> dict[str, Any]:
        """Return the raw sample."""
        return {
            "objects": self.objects,
            "seconds": round(self.seconds, 3),
            "objects_per_second": round(self.rate),
            **self.process.as_json(),
            "sandbox": self.stats,
            "stored": self.stored,
        }
