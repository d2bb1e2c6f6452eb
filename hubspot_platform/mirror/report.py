"""What a sync did: the numbers that assets show as metadata, the command line prints and the state store keeps."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from hubspot_platform.mirror.plan import Mode
from hubspot_platform.mirror.tables import TypeDrift
from hubspot_platform.state.windows import Window
from hubspot_platform.warehouse.model import Column, LogicalType, MergeCounts


@dataclass(frozen=True)
class SyncReport:
    """One sync of one object, complete when `finished_at` is set; times are UTC, counts are records.

    `history` counts changes of properties. `resumed` records were read by an earlier try of the same full read;
    `nameless` are the rejected records without an id, which may be those of any row;
    `published` engagements are new to the topic; `findings` is what a pass found and repaired.
    """

    object: str
    started_at: datetime
    finished_at: datetime | None = None
    mode: Mode | None = None
    window: Window | None = None
    portal_id: int = 0
    portal_total: int | None = None
    live_rows: int | None = None
    objects_read: int = 0
    archived_read: int = 0
    counts: MergeCounts = field(default_factory=MergeCounts)
    value_errors: int = 0
    associations: int = 0
    merged_away: int = 0
    vanished: int = 0
    rejected: int = 0
    nameless: int = 0
    resumed: int = 0
    findings: Mapping[str, int] = field(default_factory=dict)
    history: int = 0
    published: int = 0
    calls: int = 0
    retries: int = 0
    limited: int = 0
    watermark: datetime | None = None
    server_now: datetime | None = None
    columns: tuple[Column, ...] = ()
    new_columns: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    drift: tuple[TypeDrift, ...] = ()

    @property
    def lag_seconds(self) -> float | None:
        """How far the watermark is behind HubSpot's clock at the end of the sync."""
        if self.watermark is None or self.server_now is None:
            return None
        return (self.server_now - self.watermark).total_seconds()

    @property
    def seconds(self) -> float | None:
        """How long the sync took."""
        return None if self.finished_at is None else (self.finished_at - self.started_at).total_seconds()

    def columns_of(self, stored: Mapping[str, LogicalType]) -> list[Column]:
        """Return stored columns as specs, for metadata; described where this sync knows the column."""
        known = {column.name: column.description for column in self.columns}
        return [Column(name, kind, known.get(name, "")) for name, kind in stored.items()]

    def tally(self) -> dict[str, int]:
        """Return the counts that add up: read = inserted + updated + unchanged + stale + deduplicated + rejected."""
        return {
            "read": self.objects_read,
            "archived": self.archived_read,
            **asdict(self.counts),
            "rejected": self.rejected,
            "value_errors": self.value_errors,
            "associations": self.associations,
            "history": self.history,
        }

    def as_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        document = asdict(self)
        del document["columns"]
        document["window"] = None if self.window is None else [self.window.start, self.window.end]
        return {**document, "counts": self.tally(), "lag_seconds": self.lag_seconds, "seconds": self.seconds}
