"""What a warehouse remembers about the reading that filled it: runs, ids counted, id ranges of an unfinished read.

It is kept in the warehouse and not in the state store, in the transaction of the rows themselves: a mark can never be
ahead of its rows, and an older copy of the warehouse that is brought back brings its own memory. The sync engine and
its passes write here; checks read.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from hubspot_platform.hubspot.catalogue import ObjectType, ReferenceType
from hubspot_platform.hubspot.names import history_of
from hubspot_platform.hubspot.ranges import Span, merge_spans
from hubspot_platform.mirror.report import SyncReport
from hubspot_platform.warehouse import Session, Warehouse
from hubspot_platform.warehouse.model import Column, LogicalType, Table

SCHEMA = "_platform"
RESUME_WITHIN = timedelta(hours=24)

_IDS_A_LOAD = 50_000
CENSUS = Table(
    SCHEMA,
    "census",
    (
        Column("object", LogicalType.TEXT, "singular name of the object, for example contact", nullable=False),
        Column("id", LogicalType.INT, "HubSpot id of a record the portal listed, live or archived", nullable=False),
        Column("counted_at", LogicalType.TIMESTAMP, "when the count began"),
    ),
    description="Every id of an object at the last count; each of them is a row of the mirror.",
)

READ_RANGE = Table(
    SCHEMA,
    "read_range",
    (
        Column("object", LogicalType.TEXT, "singular name of the object, for example contact", nullable=False),
        Column("low", LogicalType.INT, "first id of the range"),
        Column("high", LogicalType.INT, "the id after the last of the range"),
        Column("records", LogicalType.INT, "records that were read in it"),
        Column("started_at", LogicalType.TIMESTAMP, "HubSpot's clock when the full read began"),
        Column("shape", LogicalType.TEXT, "digest of the properties that were asked for"),
    ),
    description="Id ranges of a full read that has not ended yet; another try goes on after them.",
)

MERGED = Table(
    SCHEMA,
    "merged",
    (
        Column("object", LogicalType.TEXT, "singular name of the object", nullable=False),
        Column("id", LogicalType.INT, "id of a record that was merged away", nullable=False),
        Column("survivor_id", LogicalType.INT, "id of the record that it is part of now, over any number of merges"),
    ),
    key=("object", "id"),
    description="Where merged records went.",
)

SYNC_RUN = Table(
    SCHEMA,
    "sync_run",
    (
        Column("run_id", LogicalType.TEXT, "Dagster's run id, or that of a command"),
        Column("object", LogicalType.TEXT, "singular name of the object"),
        Column("mode", LogicalType.TEXT, "full, window, limited, census, archived, merges, associations or refresh"),
        Column("window_start", LogicalType.TIMESTAMP, "begin of the window that is complete since; null: unbounded"),
        Column("window_end", LogicalType.TIMESTAMP, "end of the window that is complete since"),
        Column("started_at", LogicalType.TIMESTAMP),
        Column("finished_at", LogicalType.TIMESTAMP),
        Column("requests", LogicalType.INT, "calls to HubSpot, retries included"),
        Column("objects_read", LogicalType.INT, "records read; the sum of the six columns that follow"),
        Column("inserted", LogicalType.INT),
        Column("updated", LogicalType.INT),
        Column("unchanged", LogicalType.INT),
        Column("stale", LogicalType.INT, "older than what is stored"),
        Column("rejected", LogicalType.INT, "records that could not be stored"),
        Column("deduplicated", LogicalType.INT, "read twice in one chunk"),
        Column("portal_total", LogicalType.INT, "HubSpot's count of live records"),
        Column("live_rows", LogicalType.INT, "live rows here"),
        Column("watermark_lag_seconds", LogicalType.DOUBLE, "HubSpot's clock minus the watermark"),
    ),
    description="One row per run of a sync or pass.",
)


@dataclass(frozen=True)
class ReadMarks:
    """What a full read is known by: when it began by HubSpot's clock, and the digest of what it asks for."""

    started_at: datetime
    shape: str


@dataclass(frozen=True)
class Unfinished:
    """A full read that did not end: when it began by HubSpot's clock, what it read, and how many records that was."""

    started_at: datetime
    spans: tuple[Span, ...]
    records: int


def shape_of(properties: Sequence[str]) -> str:
    """Return a digest of what is asked for: a read that asked for less cannot be gone on with."""
    asked = "\n".join([*sorted(properties), "", *sorted(history_of(properties))])
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def unfinished_read(warehouse: Warehouse, obj: ObjectType, shape: str, now: datetime) -> Unfinished | None:
    """Return the full read to go on with; None when there is none, it is older than a day, or it asked for less."""
    with warehouse.writer() as session:
        if not session.columns(READ_RANGE):
            return None
        found = session.query(
            f"select low, high, records, started_at, shape from {READ_RANGE.qualified} where object = ?", [obj.name]
        ).to_pylist()
    started = {row["started_at"] for row in found}
    if len(started) != 1 or now - min(started) > RESUME_WITHIN or {row["shape"] for row in found} != {shape}:
        return None
    spans = merge_spans(Span(row["low"], row["high"]) for row in found)
    return Unfinished(min(started), tuple(spans), sum(row["records"] for row in found))


def begin_read(warehouse: Warehouse, obj: ObjectType) -> None:
    """Begin a full read: marks of an older one do not count for it."""
    with warehouse.writer() as session, session.transaction():
        forget_ranges(session, obj)


def mark_ranges(session: Session, obj: ObjectType, spans: Iterable[Span], records: int, marks: ReadMarks) -> None:
    """Note the id ranges that a chunk of so many `records` covers, in the chunk's own transaction."""
    merged = merge_spans(spans)
    if not merged:
        return
    rows = [
        {
            "object": obj.name,
            "low": span.low,
            "high": span.high,
            "records": records if place == 0 else 0,
            "started_at": marks.started_at,
            "shape": marks.shape,
        }
        for place, span in enumerate(merged)
    ]
    session.ensure(READ_RANGE)
    session.load(READ_RANGE, pa.Table.from_pylist(rows, schema=READ_RANGE.arrow_schema()))


def forget_ranges(session: Session, obj: ObjectType | ReferenceType) -> None:
    """Forget the marks of a full read that has ended or is begun anew."""
    if session.columns(READ_RANGE):
        session.execute(f"delete from {READ_RANGE.qualified} where object = ?", [obj.name])


def note_census(session: Session, obj: ObjectType, ids: pa.ChunkedArray, counted_at: datetime) -> None:
    """Replace the object's census by the ids (int64) the portal listed."""
    # Sorted instead of hashed: the hash table of a million ids is the highest peak of a full read.
    ordered = ids.combine_chunks().sort()
    repeats = pc.equal(ordered.slice(1), ordered.slice(0, max(0, len(ordered) - 1)))
    distinct = pa.concat_arrays([ordered.slice(0, 1), ordered.slice(1).filter(pc.invert(repeats))])
    session.ensure(CENSUS)
    session.execute(f"delete from {CENSUS.qualified} where object = ?", [obj.name])
    for start in range(0, len(distinct), _IDS_A_LOAD):
        part = distinct.slice(start, _IDS_A_LOAD)
        constants = (pa.scalar(obj.name, pa.string()), pa.scalar(counted_at, LogicalType.TIMESTAMP.arrow))
        name, moment = (pa.repeat(constant, len(part)) for constant in constants)
        session.load(CENSUS, pa.table([name, part, moment], schema=CENSUS.arrow_schema()))


def note_run(warehouse: Warehouse, run_id: str, report: SyncReport) -> None:
    """Keep the numbers of a finished run."""
    tally, window = report.tally(), report.window
    row = {
        "run_id": run_id,
        "object": report.object,
        "mode": None if report.mode is None else report.mode.value,
        "window_start": None if window is None else window.start,
        "window_end": None if window is None else window.end,
        "started_at": report.started_at,
        "finished_at": report.finished_at,
        "requests": report.calls,
        "objects_read": tally["read"],
        **{name: tally[name] for name in ("inserted", "updated", "unchanged", "stale", "rejected", "deduplicated")},
        "portal_total": report.portal_total,
        "live_rows": report.live_rows,
        "watermark_lag_seconds": report.lag_seconds,
    }
    with warehouse.writer() as session, session.transaction():
        session.ensure(SYNC_RUN)
        session.load(SYNC_RUN, pa.Table.from_pylist([row], schema=SYNC_RUN.arrow_schema()))


def prune(warehouse: Warehouse, before: datetime, now: datetime) -> dict[str, int]:
    """Delete runs that finished before that time, and marks of full reads that nobody goes on with; returns counts."""
    pruned = {}
    with warehouse.writer() as session, session.transaction():
        for name, table, condition, limit in (
            ("sync_runs", SYNC_RUN, "finished_at < ?", before),
            ("read_ranges", READ_RANGE, "started_at < ?", now - RESUME_WITHIN),
        ):
            if not session.columns(table):
                continue
            found = session.query(f"select count(*) as n from {table.qualified} where {condition}", [limit])
            pruned[name] = int(found["n"][0].as_py())
            if pruned[name]:
                session.execute(f"delete from {table.qualified} where {condition}", [limit])
    return pruned
