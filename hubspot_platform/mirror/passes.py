"""The passes: what last-modified windows cannot show, found by comparing with the portal, and repaired.

The sync engine runs one as the mode of a sync, under the object's lease and with its counts. Each can be killed at any
moment and run again: it compares anew.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any, Protocol

import pyarrow as pa

from hubspot_platform.commit_points import reached
from hubspot_platform.hubspot.associations import AssociationRow, read_associations
from hubspot_platform.hubspot.batch import read_ids
from hubspot_platform.hubspot.catalogue import AssociationTarget, ObjectType
from hubspot_platform.hubspot.reader import read_all
from hubspot_platform.hubspot.records import Records
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.lanes import Lane
from hubspot_platform.mirror import compared, writer
from hubspot_platform.mirror.compared import in_thread
from hubspot_platform.mirror.differences import compare, final_survivors, restored
from hubspot_platform.mirror.plan import Mode
from hubspot_platform.mirror.report import SyncReport
from hubspot_platform.mirror.tables import ObjectLayout
from hubspot_platform.runtime import Platform
from hubspot_platform.warehouse import Warehouse

SWEEP_RECORDS = 10_000
_ID_ONLY = ("hs_object_id",)


class Run(Protocol):
    """What a pass needs of the sync it is a mode of."""

    platform: Platform
    object: ObjectType
    warehouse: Warehouse
    report: SyncReport

    async def write(
        self, transport: Transport, layout: ObjectLayout, pages: AsyncGenerator[Records, None], *, archived: bool
    ) -> None:
        """Write records as every sync does."""

    def guard(self, live: int, remaining: int) -> None:
        """Raise VolumeGuard when too many records would be deleted."""

    def progress(self, **changes: Any) -> None:
        """Change the report."""


async def run_pass(run: Run, transport: Transport, layout: ObjectLayout) -> None:
    """Run the pass that the report's mode names."""
    reader = _Reader(run, transport, layout)
    match run.report.mode:
        case Mode.CENSUS:
            await _census(reader)
        case Mode.ARCHIVED:
            await _archived(reader)
        case Mode.MERGES:
            await _merges(reader)
        case Mode.ASSOCIATIONS:
            await _associations(reader)


async def run_merges(run: Run, transport: Transport, layout: ObjectLayout) -> None:
    """Run the merge pass within another sync."""
    await _merges(_Reader(run, transport, layout))


class _Reader:
    """Lists ids and reads records by id into the mirror."""

    def __init__(self, run: Run, transport: Transport, layout: ObjectLayout) -> None:
        self.run = run
        self.transport = transport
        self.layout = layout
        self.nameless = False

    async def listed(self, *, archived: bool = False) -> pa.Table:
        """Return id and updated_at of every record the portal lists."""
        pages = read_all(self.transport, self.run.object, _ID_ONLY, archived=archived, lane=Lane.BACKFILL)
        parts: list[pa.Table] = []
        async for records in pages:
            self.nameless = self.nameless or bool(records.nameless)
            parts.append(compared.versions(records))
        return pa.concat_tables([compared.NO_VERSIONS, *parts])

    async def repair(self, ids: Sequence[int], *, archived: bool = False) -> set[int]:
        """Read exactly these records, write them, and return the ids that the portal answered by a record."""
        found: set[int] = set()

        async def noted() -> AsyncGenerator[Records, None]:
            pages = read_ids(self.transport, self.run.object, ids, self.layout.properties, archived=archived)
            async for records in pages:
                found.update(records.ids)
                yield records

        if not ids:
            return found
        await self.run.write(self.transport, self.layout, noted(), archived=archived)
        if not archived:
            await in_thread(compared.mark_live, self.run.warehouse, self.run.object, found)
        return found.intersection(ids)

    async def delete(self, ids: Iterable[int]) -> int:
        """Mark rows as deleted."""
        return await in_thread(writer.mark_deleted, self.run.warehouse, self.run.object, ids)


async def _census(reader: _Reader) -> None:
    """Count every id the portal lists, read what is missing or older here, and delete what is nowhere there."""
    run, counted_at = reader.run, reader.run.platform.clock()
    stored = await in_thread(compared.stored_versions, run.warehouse, run.object)
    live = await reader.listed()
    archived = (await reader.listed(archived=True))["id"]
    found = compare(stored, live, archived)
    run.progress(
        portal_total=live.num_rows,
        findings={"missing": len(found.missing), "stale": len(found.stale)}
        | {"archived": len(found.archived), "extra": len(found.extra)},
    )
    asked = (*found.missing, *found.stale, *found.extra)
    answered = await reader.repair(asked)
    elsewhere = sorted({*found.archived, *asked} - answered)
    in_the_bin = await reader.repair(elsewhere, archived=True)
    # A record listed without its id may be any of those that seem gone.
    unnamed = reader.nameless or run.report.nameless
    gone = [] if unnamed else [record_id for record_id in elsewhere if record_id not in in_the_bin]
    live_here = stored.num_rows - int(sum(stored["is_deleted"].to_numpy()))
    run.guard(live_here, live_here - len(set(gone).intersection(found.extra)))
    run.progress(vanished=await reader.delete(gone))
    reached("pass.before_census_noted")
    ids = set(live["id"].to_pylist()).union(archived.to_pylist()).difference(gone)
    listed = pa.chunked_array([pa.array(sorted(ids), pa.int64())])
    await in_thread(compared.note_census, run.warehouse, run.object, listed, counted_at)


async def _archived(reader: _Reader) -> None:
    """Read what was archived since the last time and what was restored: neither shows in a window for certain."""
    run = reader.run
    stored = await in_thread(compared.stored_versions, run.warehouse, run.object)
    archived = (await reader.listed(archived=True))["id"]
    none = compared.NO_VERSIONS
    new = compare(stored, none, archived).archived
    in_bin_here = stored.filter(stored["was_archived"])["id"]
    back = restored(in_bin_here, archived)
    await reader.repair(new, archived=True)
    found = await reader.repair(back)
    run.progress(findings={"archived": len(new), "restored": len(found), "purged": len(back) - len(found)})


async def _merges(reader: _Reader) -> None:
    """Follow every trace of a merge to the record that survives to this day, and delete the others."""
    run = reader.run
    traces = await in_thread(compared.merge_traces, run.warehouse, run.object, run.report.columns)
    survivors = final_survivors(traces)
    deleted = await reader.delete(survivors)
    await in_thread(compared.note_merges, run.warehouse, run.object, survivors)
    run.progress(merged_away=run.report.merged_away + deleted, findings={"merged": len(survivors), "deleted": deleted})


async def _associations(reader: _Reader) -> None:
    """Compare the associations of every live record with the portal's and replace those that differ."""
    run = reader.run
    ids = (await in_thread(writer.live_ids, run.warehouse, run.object)).to_pylist()
    findings = {"added": 0, "removed": 0, "records": 0}
    for target in filter(run.platform.business.mirror.reads, run.object.associations):
        findings["removed"] += await in_thread(compared.remove_orphans, run.warehouse, run.object, target)
        for start in range(0, len(ids), SWEEP_RECORDS):
            changed = await _sweep(reader, target, ids[start : start + SWEEP_RECORDS])
            for name, number in changed.items():
                findings[name] += number
            run.progress(findings=dict(findings))


async def _sweep(reader: _Reader, target: AssociationTarget, ids: Sequence[int]) -> dict[str, int]:
    run, read_at = reader.run, reader.run.platform.clock()
    pages = read_associations(reader.transport, run.object, target.to_type, ids, lane=Lane.BACKFILL)
    there: list[AssociationRow] = [row async for page in pages for row in page]
    changed = await in_thread(compared.replace_differing, run.warehouse, target, ids, there, read_at)
    reached("pass.sweep_part_replaced")
    run.progress(associations=run.report.associations + len(there))
    return changed
