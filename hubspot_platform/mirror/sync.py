"""The sync engine: one object from HubSpot into its tables, with proof of what is complete.

`sync_object` is called by the Dagster assets, by `hubspot-platform sync` and by the demo. It takes the object's
lease, decides what to read, reads and writes in chunks, and completes a window only when its rows are durable.
Killed at any moment and run again, it loses nothing and repeats harmlessly.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from hubspot_platform.commit_points import reached
from hubspot_platform.hubspot.account import account_details, check_portal
from hubspot_platform.hubspot.associations import AssociationRow, read_associations
from hubspot_platform.hubspot.batch import read_ids
from hubspot_platform.hubspot.catalogue import AssociationTarget, ObjectType
from hubspot_platform.hubspot.crew import begun, followed
from hubspot_platform.hubspot.exports import Export, export_records
from hubspot_platform.hubspot.names import PropertyNames, history_of
from hubspot_platform.hubspot.policy import HubSpotPolicy
from hubspot_platform.hubspot.properties import fetch_definitions
from hubspot_platform.hubspot.reader import Unread, read_all, read_rest
from hubspot_platform.hubspot.records import Records
from hubspot_platform.hubspot.sdk import sdk_client
from hubspot_platform.hubspot.search import count, read_window
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.lanes import Lane
from hubspot_platform.mirror import ledger, publishing, writer
from hubspot_platform.mirror.chunks import Chunk, build_chunk, join_chunks, pieces_of, with_history
from hubspot_platform.mirror.compared import note_census
from hubspot_platform.mirror.history import asking_history, history_rows, join_histories
from hubspot_platform.mirror.passes import run_merges, run_pass
from hubspot_platform.mirror.pipeline import Pages, Pipeline
from hubspot_platform.mirror.plan import (
    READS_EVERYTHING,
    Mode,
    Progress,
    ReadPlan,
    SyncRequest,
    guard_volume,
    known_progress,
    plan_read,
)
from hubspot_platform.mirror.report import SyncReport
from hubspot_platform.mirror.tables import ObjectLayout
from hubspot_platform.runtime import Platform
from hubspot_platform.state import leases, windows
from hubspot_platform.state.holders import holder_name
from hubspot_platform.state.leases import Lease
from hubspot_platform.warehouse import Warehouse
from hubspot_platform.warehouse.model import MergeCounts

logger = logging.getLogger(__name__)

LEASE_TIME = timedelta(seconds=60)

ProgressListener = Callable[[SyncReport], None]


def sync_object(
    platform: Platform, request: SyncRequest, *, run_id: str, listen: ProgressListener = lambda _: None
) -> SyncReport:
    """Sync one object and return what was read and written.

    Only one sync of an object runs at a time for a warehouse; a second one waits for a minute and then raises
    `LeaseBusy`. Raises the HubSpot errors of `hubspot/errors.py`, VolumeGuard, and warehouse errors; whatever
    was merged until then stays and is read again by the next sync. An object that the business settings leave out gets
    its tables and nothing else: HubSpot is not asked.
    """
    warehouse = platform.warehouse()
    if platform.business.mirror.skips(request.object):
        return _skipped(platform, request.object)
    name = f"sync:{warehouse.identity()}:{request.object.name}"
    with (
        leases.held(platform.state(), name, holder=holder_name(run_id), ttl=LEASE_TIME, wait=LEASE_TIME) as lease,
        platform.hubspot() as policy,
    ):
        reached("sync.lease_taken")
        run = _SyncRun(platform, policy, request, lease, run_id, listen)
        report = asyncio.run(run.execute())
    reached("sync.before_publish")
    warehouse.publish()
    reached("sync.published")
    return report


def _skipped(platform: Platform, obj: ObjectType) -> SyncReport:
    started = platform.clock()
    layout, _ = writer.prepare(platform.warehouse(), obj, ())
    platform.warehouse().publish()
    return SyncReport(obj.name, started, finished_at=platform.clock(), mode=Mode.SKIPPED, columns=layout.table.columns)


@dataclass
class _SyncRun:
    """One sync while it runs; `report` grows with every chunk."""

    platform: Platform
    policy: HubSpotPolicy
    request: SyncRequest
    lease: Lease
    run_id: str
    listen: ProgressListener
    report: SyncReport = field(init=False)
    merged_away: set[int] = field(default_factory=set)
    met: list[pa.Array] = field(default_factory=list)
    marks: ledger.ReadMarks | None = None
    unread: Unread = field(default_factory=Unread)
    history: tuple[str, ...] = ()
    zone: ZoneInfo | None = None  # the portal's, for a full read by export

    def __post_init__(self) -> None:
        self.object: ObjectType = self.request.object
        self.warehouse: Warehouse = self.platform.warehouse()
        self.warehouse_id = self.warehouse.identity()
        self.report = SyncReport(object=self.object.name, started_at=self.platform.clock())
        self.by_export = self.request.by_export or self.object.name in self.platform.business.mirror.export

    async def execute(self) -> SyncReport:
        async with Transport(self.policy) as transport:
            account = await account_details(transport, lane=Lane.SYNC)
            check_portal(account, self.platform.settings.hubspot_portal_id)
            definitions = await asyncio.to_thread(fetch_definitions, sdk_client(self.policy), self.object)
            layout, added = await asyncio.to_thread(writer.prepare, self.warehouse, self.object, definitions)
            settled = await asyncio.to_thread(publishing.settle, self.platform.state(), self.warehouse, self.object)
            self.progress(published=settled)
            if self.request.history:
                layout = asking_history(layout, self.platform.business.history_of(self.object.name))
            self.history = history_of(layout.properties)
            self.progress(portal_id=account.portal_id, columns=layout.table.columns, new_columns=added)
            self.progress(drift=layout.drift, absent=layout.absent)
            now = transport.server_now()
            plan = plan_read(
                self.request,
                await self._progress_so_far(),
                now=now,
                overlap=self.platform.business.overlap,
                lag=self.platform.business.search_lag,
            )
            if plan.mode is Mode.FULL and self.by_export:
                # An export shows what search shows, so it is complete as far as a window would be.
                plan = replace(plan, completes=windows.Window(None, now - self.platform.business.search_lag))
                self.zone = ZoneInfo(account.time_zone)
            elif plan.mode in READS_EVERYTHING:
                plan = await self._go_on(layout, plan, now)
            self.progress(mode=plan.mode, window=plan.completes)
            await self._read(transport, layout, plan)
            await self._complete(plan)
            self.progress(calls=transport.stats.calls, retries=transport.stats.retries, limited=transport.stats.limited)
        self.progress(finished_at=self.platform.clock(), watermark=self._state_progress()[1], server_now=now)
        await asyncio.to_thread(ledger.note_run, self.warehouse, self.run_id, self.report)
        return self.report

    async def _go_on(self, layout: ObjectLayout, plan: ReadPlan, now: datetime) -> ReadPlan:
        """Go on with a full read that was broken off: what it read is complete up to when it began, not to now."""
        shape = ledger.shape_of(layout.properties)
        before = await asyncio.to_thread(ledger.unfinished_read, self.warehouse, self.object, shape, now)
        if before is None:
            await asyncio.to_thread(ledger.begin_read, self.warehouse, self.object)
            self.marks = ledger.ReadMarks(now, shape)
            return plan
        logger.info("going on with the full read of %s: %d records were read", self.object.plural, before.records)
        self.marks, self.unread = ledger.ReadMarks(before.started_at, shape), Unread(before.spans)
        self.progress(resumed=before.records)
        return replace(plan, completes=windows.Window(None, before.started_at))

    async def _read(self, transport: Transport, layout: ObjectLayout, plan: ReadPlan) -> None:
        if plan.mode is Mode.WINDOW:
            if plan.search is not None and plan.search.start is not None:
                pages = read_window(
                    transport,
                    self.object,
                    layout.properties,
                    plan.search.start,
                    plan.search.end,
                    lane=Lane.SYNC,
                )
                await self.write(transport, layout, pages)
            await self._mark_merged()
            await self._reconcile(transport, layout)
        elif plan.mode is Mode.LIMITED:
            pages = read_all(transport, self.object, layout.properties, limit=self.request.limit, lane=Lane.SYNC)
            await self.write(transport, layout, pages)
        elif plan.mode in READS_EVERYTHING:
            await self._read_everything(transport, layout)
        else:
            await run_pass(self, transport, layout)
        await self._mark_merged()

    async def _mark_merged(self) -> None:
        marked = await asyncio.to_thread(writer.mark_deleted, self.warehouse, self.object, self.merged_away)
        self.progress(merged_away=self.report.merged_away + marked)

    async def _read_everything(self, transport: Transport, layout: ObjectLayout) -> None:
        counted_at = self.platform.clock()
        async with AsyncExitStack() as ahead:
            pages = await ahead.enter_async_context(begun(self._live(transport, layout)))
            total = await count(transport, self.object, lane=Lane.BACKFILL)
            self.progress(portal_total=total)
            before = await asyncio.to_thread(writer.live_ids, self.warehouse, self.object)
            self.guard(len(before), total)
            self.unread.total = total
            archived: list[Pages] = []

            async def begin_archived() -> None:
                known = Unread(order=self.unread.order)
                listed = read_rest(transport, self.object, layout.properties, known, archived=True)
                archived.append(await ahead.enter_async_context(begun(listed)))

            await self.write(transport, layout, followed(pages, begin_archived))
            live_read = self.report.objects_read + self.report.resumed
            # Not beside the last live chunk: archived ids lie all over the table, and merging those takes most memory.
            await self.write(transport, layout, archived[0], archived=True)
        if self.report.resumed:
            # Merges seen by the tries before are not in this one's memory, nor are the ids they met.
            await run_merges(self, transport, layout)
            return
        met = pa.chunked_array(self.met, pa.int64())
        if live_read >= total and not self.report.nameless:
            vanished = await asyncio.to_thread(
                writer.mark_vanished,
                self.warehouse,
                self.request,
                before,
                met,
                largest_share=self.platform.business.thresholds.vanished_share_guard,
            )
            self.progress(vanished=vanished)
        await asyncio.to_thread(note_census, self.warehouse, self.object, met, counted_at)

    def _live(self, transport: Transport, layout: ObjectLayout) -> Pages:
        if self.zone is None:
            return read_rest(transport, self.object, layout.properties, self.unread)
        export = Export(self.object, layout.properties, layout.moments, self.zone)
        return export_records(transport, export, lane=Lane.BACKFILL)

    async def _reconcile(self, transport: Transport, layout: ObjectLayout) -> None:
        """Compare counts with the portal; more rows here than there means that records were archived or merged.

        Search never shows archived records and they have no window, so their list is walked only when it has news.
        """
        total = await count(transport, self.object, lane=Lane.SYNC)
        live = await asyncio.to_thread(writer.live_count, self.warehouse, self.object)
        self.progress(portal_total=total, live_rows=live)
        if live <= total:
            return
        self.guard(live, total)
        pages = read_all(transport, self.object, layout.properties, archived=True, lane=Lane.SYNC)
        await self.write(transport, layout, pages, archived=True)

    async def write(self, transport: Transport, layout: ObjectLayout, pages: Pages, *, archived: bool = False) -> None:
        """Write pages of live records, or of archived ones."""
        write = partial(self._write_chunk, transport, layout, archived=archived)
        await Pipeline(partial(self._type, layout), write).run(pages)

    async def _type(self, layout: ObjectLayout, pages: list[Records]) -> Chunk:
        portal_id, read_at = self.report.portal_id, self.platform.clock()
        return await asyncio.to_thread(build_chunk, layout, pages, portal_id=portal_id, read_at=read_at)

    async def _write_chunk(
        self, transport: Transport, layout: ObjectLayout, typing: list[asyncio.Task[Chunk]], *, archived: bool
    ) -> None:
        chunk = join_chunks(await asyncio.gather(*typing))
        typing.clear()  # the pieces are in the chunk
        if self.history and chunk.history is None:
            chunk = await self._with_history(transport, layout, chunk, archived=archived)
        associations = await self._associations(transport, chunk, archived=archived)
        if self.unread.void and self.marks is not None:
            self.marks = None
            await asyncio.to_thread(ledger.begin_read, self.warehouse, self.object)
        marks = None if archived else self.marks
        store = self.platform.state()
        events = await asyncio.to_thread(publishing.prepare, store, self.warehouse, self.object, chunk, associations)
        counts: MergeCounts = await asyncio.to_thread(
            writer.write_chunk, self.warehouse, self.warehouse_id, layout, chunk, associations, marks
        )
        published = await asyncio.to_thread(publishing.publish, store, events)
        self.merged_away.update(chunk.merged_away)
        if self.report.mode in READS_EVERYTHING:
            self.met.append(pa.array((*chunk.ids, *chunk.rejected_ids), pa.int64()))
        report = self.report
        self.progress(
            objects_read=report.objects_read + chunk.read,
            archived_read=report.archived_read + (chunk.read if archived else 0),
            counts=report.counts + counts,
            rejected=report.rejected + chunk.rejected.num_rows,
            nameless=report.nameless + chunk.rejected.num_rows - len(chunk.rejected_ids),
            value_errors=report.value_errors + chunk.errors.num_rows,
            associations=report.associations + sum(len(rows) for rows in associations.values()),
            history=report.history + (chunk.history.rows.num_rows if chunk.history else 0),
            published=report.published + published,
        )

    async def _with_history(self, transport: Transport, layout: ObjectLayout, chunk: Chunk, *, archived: bool) -> Chunk:
        """Read the history of records that search brought, which never has it."""
        names = PropertyNames((), self.history)
        pages = read_ids(transport, self.object, chunk.ids, names, archived=archived, lane=Lane.SYNC)
        async with aclosing(pages), aclosing(pieces_of(pages)) as pieces:
            found = [
                await asyncio.to_thread(history_rows, self.object, piece, read_at=chunk.read_at)
                async for piece in pieces
            ]
        return with_history(layout, chunk, join_histories(found))

    async def _associations(
        self, transport: Transport, chunk: Chunk, *, archived: bool
    ) -> dict[AssociationTarget, Sequence[AssociationRow]]:
        targets = [target for target in self.object.associations if self.platform.business.mirror.reads(target)]
        if archived:  # HubSpot shows none of theirs
            return dict.fromkeys(targets, ())
        found: dict[AssociationTarget, Sequence[AssociationRow]] = {}
        for target in targets:
            pages = read_associations(transport, self.object, target.to_type, chunk.ids, lane=Lane.SYNC)
            found[target] = [row async for page in pages for row in page]
        return found

    async def _complete(self, plan: ReadPlan) -> None:
        if plan.completes is None:
            return
        reached("sync.before_window_completed")
        window, report = plan.completes, self.report
        await asyncio.to_thread(writer.note_complete, self.warehouse, self.object, window, history=bool(self.history))
        self.platform.state().write(
            lambda connection: windows.complete(
                connection,
                self.warehouse_id,
                self.object.name,
                window,
                mode=plan.mode.value,
                run_id=self.run_id,
                counts=report.tally(),
                lease=self.lease,
            )
        )
        reached("sync.window_completed")

    async def _progress_so_far(self) -> Progress:
        stored = await asyncio.to_thread(writer.stored_until, self.warehouse, self.object, history=bool(self.history))
        return known_progress(*self._state_progress(), stored)

    def _state_progress(self) -> tuple[bool, datetime | None]:
        def read(connection: Any) -> tuple[bool, datetime | None]:
            return (
                windows.has_base(connection, self.warehouse_id, self.object.name),
                windows.watermark(connection, self.warehouse_id, self.object.name),
            )

        return self.platform.state().read(read)

    def guard(self, live: int, remaining: int) -> None:
        share = self.platform.business.thresholds.vanished_share_guard
        guard_volume(self.request, live=live, remaining=remaining, share=share)

    def progress(self, **changes: Any) -> None:
        self.report = replace(self.report, **changes)
        self.listen(self.report)
