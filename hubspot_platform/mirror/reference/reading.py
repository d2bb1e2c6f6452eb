"""What every reader of reference data works with: the open transport, how far it got, and how rows are stored.

`sync_reference` makes a `Reading` and hands it to the reader of the kind; readers say what a row is, this module makes
it typed, durable and counted.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
from hubspot import HubSpot

from hubspot_platform.commit_points import reached
from hubspot_platform.hubspot.account import AccountDetails
from hubspot_platform.hubspot.catalogue import ReferenceType
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.mirror import writer
from hubspot_platform.mirror.plan import SMALL_LOSS, Progress, VolumeGuard
from hubspot_platform.mirror.reference.rows import TypedRows, typed_rows
from hubspot_platform.mirror.rejected import REJECTED_ROW
from hubspot_platform.mirror.writer import WarehouseReplaced
from hubspot_platform.runtime import Platform
from hubspot_platform.state import windows
from hubspot_platform.state.leases import Lease
from hubspot_platform.state.windows import Window
from hubspot_platform.warehouse import Session, Warehouse
from hubspot_platform.warehouse.model import Table

Part = tuple[Table, Sequence[Mapping[str, Any]]]
CHUNK_ROWS = 10_000


@dataclass(frozen=True)
class ReferenceRequest:
    """What a caller asks for: `full` reads as if nothing had been read, `confirm_deletes` even if much is gone."""

    entry: ReferenceType
    run_id: str
    full: bool = False
    confirm_deletes: bool = False


@dataclass
class Reading:
    """One read of one kind; `now` is HubSpot's clock when it began."""

    platform: Platform
    request: ReferenceRequest
    lease: Lease
    transport: Transport
    sdk: HubSpot
    account: AccountDetails
    progress: Progress
    now: datetime
    read: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    sdk_calls: int = 0
    noted: Counter[str] = field(default_factory=Counter)  # rows whose window is complete

    def __post_init__(self) -> None:
        self.warehouse: Warehouse = self.platform.warehouse()
        self.warehouse_id = self.warehouse.identity()

    async def replace(self, parts: Sequence[Part]) -> None:
        """Store all rows there are of some tables, in one transaction: rows that are gone are marked as deleted."""
        await self._store(parts, whole=True)

    async def merge(self, parts: Sequence[Part], *, keep: Collection[str] = ()) -> None:
        """Store new and changed rows of some tables, in one transaction; columns of `keep` stay as they are stored."""
        await self._store(parts, whole=False, keep=keep)

    async def _store(self, parts: Sequence[Part], *, whole: bool, keep: Collection[str] = ()) -> None:
        synced = self.platform.clock()
        typed = [(table, await asyncio.to_thread(typed_rows, table, rows, synced, keep)) for table, rows in parts]
        reached("sync.before_merge")
        await asyncio.to_thread(self._write, typed, whole=whole)
        reached("sync.chunk_merged")
        for table, rows in typed:
            self.read[table.name] += rows.rows.num_rows

    def _write(self, parts: Sequence[tuple[Table, TypedRows]], *, whole: bool) -> None:
        with self.warehouse.writer() as session, session.transaction():
            self.check_warehouse(session)
            for table, typed in parts:
                session.ensure(table)
                if whole:
                    self._replace(session, table, typed)
                else:
                    session.merge(table, typed.rows)
                reached("sync.inside_merge")
                self.keep_rejected(session, typed)

    def _replace(self, session: Session, table: Table, typed: TypedRows) -> None:
        live, gone_before = _live_and_gone(session, table)
        # First all, then those that are there: what was found decides, not when a clock said it was.
        session.execute(f"update {table.qualified} set _fivetran_deleted = true where not _fivetran_deleted")
        session.merge(table, typed.rows)
        lost = _live_and_gone(session, table)[1] - gone_before
        share = self.platform.business.thresholds.vanished_share_guard
        if lost > SMALL_LOSS and lost > share * live and not self.request.confirm_deletes:
            raise VolumeGuard(self.request.entry.name, lost, live)  # and the transaction is taken back

    def keep_rejected(self, session: Session, typed: TypedRows) -> None:
        """Store what did not fit, in the transaction of the rows that did."""
        if typed.rejected.num_rows:
            session.ensure(REJECTED_ROW)
            session.merge(REJECTED_ROW, typed.rejected)
            self.rejected += typed.rejected.num_rows

    def check_warehouse(self, session: Session) -> None:
        """Raise WarehouseReplaced when this no longer is the warehouse whose progress will be recorded."""
        if session.identity() != self.warehouse_id:
            raise WarehouseReplaced("the warehouse was replaced during the sync", mend="run the sync again")

    async def complete(self, window: Window) -> None:
        """Record that everything of the window is durable."""
        reached("sync.before_window_completed")
        await asyncio.to_thread(writer.note_complete, self.warehouse, self.request.entry, window)
        self.platform.state().write(
            lambda connection: windows.complete(
                connection,
                self.warehouse_id,
                self.request.entry.name,
                window,
                mode="full" if window.start is None else "window",
                run_id=self.request.run_id,
                counts=dict(self.read - self.noted),
                lease=self.lease,
            )
        )
        self.noted = Counter(self.read)
        reached("sync.window_completed")


def _live_and_gone(session: Session, table: Table) -> tuple[int, int]:
    gone = "coalesce(sum(case when _fivetran_deleted then 1 else 0 end), 0)"
    row = session.query(f"select count(*) - {gone} as live, {gone} as gone from {table.qualified}").to_pylist()[0]
    return int(row["live"]), int(row["gone"])


def int64(values: Sequence[int]) -> pa.Array:
    """Return ids as Arrow integers."""
    return pa.array(values, pa.int64())
