"""The completeness proof: is every record of the portal a row here, and does no window of time lack.

Three statements per object, each exact: every id of the last census is a row; no live row is older than the census
and unknown to it; the completed windows leave no gap. HubSpot's present total is the count test's: search counts late,
so it is no exact statement, and one cause is one alert. `mirror/passes.py` makes the census, a complete full read makes
one as well.
"""

import sqlalchemy as sa

from hubspot_platform.business import Business
from hubspot_platform.checks.engine import CheckContext, Limits, Measurement, Subject
from hubspot_platform.hubspot.catalogue import ObjectType
from hubspot_platform.mirror.ledger import CENSUS, SYNC_RUN
from hubspot_platform.state import windows
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.model import quote

_SAMPLE = 20
_LATEST_RUNS = 50


def completeness_proof(context: CheckContext, subject: Subject) -> Measurement:
    """Count the ways in which the mirror is provably not the portal: ids, windows, totals."""
    obj = subject.entry
    with context.platform.warehouse().reader() as session:
        identity = session.identity()
        if not session.columns(CENSUS):
            return Measurement(skipped="no census has run yet")
        counted = session.query(
            f"select count(*) as n, min(counted_at) as at from {CENSUS.qualified} where object = ?", [obj.name]
        ).to_pylist()[0]
        if not counted["n"] and not _census_ran(session, obj):
            return Measurement(skipped="no census of this object has run yet")
        missing, extra = _missing(session, obj), _extra(session, obj)
        live = _live(session, obj)
    gaps = context.platform.state().read(lambda conn: _gaps(conn, identity, obj))
    failed = len(missing) + len(extra) + gaps
    return Measurement(
        observed=failed,
        expected=0,
        rows_checked=int(counted["n"]),
        rows_failed=failed,
        sample=(*missing, *extra)[:_SAMPLE],
        message=f"{len(missing)} of {counted['n']} counted records are no row here, {len(extra)} live rows are older "
        f"than the census and not in it, {gaps} gaps between completed windows; {live} live rows",
        details={
            "missing": len(missing),
            "extra": len(extra),
            "gaps": gaps,
            "live_rows": live,
            **({"counted_at": counted["at"].isoformat()} if counted["at"] else {}),
        },
    )


def no_exceptions(business: Business, subject: Subject, measurement: Measurement) -> Limits:
    """A proof has no tolerance."""
    del business, subject, measurement
    return Limits(0, 0)


def _census_ran(session: Session, obj: ObjectType) -> bool:
    if not session.columns(SYNC_RUN):
        return False
    query = (
        f"select 1 as ran from {SYNC_RUN.qualified} where object = ? and mode in ('census', 'full', 'refresh') limit 1"
    )
    return bool(session.query(query, [obj.name]).num_rows)


def _missing(session: Session, obj: ObjectType) -> list[int]:
    found = session.query(
        f"select c.id from {CENSUS.qualified} as c where c.object = ? and not exists "
        f"(select 1 from hubspot.{quote(obj.table)} as t where t.{quote(obj.id_column)} = c.id) order by c.id",
        [obj.name],
    )
    return list(found["id"].to_pylist())


def _extra(session: Session, obj: ObjectType) -> list[int]:
    found = session.query(
        f"select t.{quote(obj.id_column)} as id from hubspot.{quote(obj.table)} as t where not t.is_deleted "
        f"and t._fivetran_synced < (select min(counted_at) from {CENSUS.qualified} where object = ?) and not exists "
        f"(select 1 from {CENSUS.qualified} as c where c.object = ? and c.id = t.{quote(obj.id_column)}) order by 1",
        [obj.name, obj.name],
    )
    return list(found["id"].to_pylist())


def _live(session: Session, obj: ObjectType) -> int:
    found = session.query(f"select count(*) as n from hubspot.{quote(obj.table)} where not is_deleted")
    return int(found["n"][0].as_py())


def _gaps(conn: sa.Connection, warehouse_id: str, obj: ObjectType) -> int:
    """Return how many stretches of time lie between completed windows, or before the first of them."""
    completed = windows.completed(conn, warehouse_id, obj.name)
    return len(windows.gaps(completed, completed[-1].end)) if completed else 1


def unaccounted_records(context: CheckContext, subject: Subject) -> Measurement:
    """Count records of the object's latest runs that were read and are in none of their outcomes."""
    with context.platform.warehouse().reader() as session:
        if not session.columns(SYNC_RUN):
            return Measurement(skipped="no run has been recorded yet")
        found = session.query(
            "select objects_read, inserted + updated + unchanged + stale + rejected + deduplicated as known "
            f"from {SYNC_RUN.qualified} where object = ? order by finished_at desc limit {_LATEST_RUNS}",
            [subject.entry.name],
        ).to_pylist()
    if not found:
        return Measurement(skipped="no run of this object has been recorded yet")
    failed = sum(abs(row["objects_read"] - row["known"]) for row in found)
    read = sum(row["objects_read"] for row in found)
    return Measurement(
        observed=failed,
        expected=0,
        rows_checked=read,
        rows_failed=failed,
        message=f"{failed} of the {read} records of the last {len(found)} runs are unaccounted for",
    )
