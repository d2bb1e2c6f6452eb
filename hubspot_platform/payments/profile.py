"""The table `company_profile_arr_range`: each company's last good revenue figures, its ARR range and the one before.

The asset of that name calls `refresh_profiles` after `payments.company_mrr` was built. A SQL model computes what is
true now; this table remembers what was, so it is merged and never rebuilt, and a topic tells what changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from pydantic import ValidationError

from hubspot_platform.state import topics
from hubspot_platform.state.store import Store
from hubspot_platform.topics.models import CompanyMetadataChanged
from hubspot_platform.warehouse.model import Column, LogicalType, Table
from hubspot_platform.warehouse.protocol import Session, Warehouse

RANGES = ("0", "1-2000", "2001-8000", "8001+")

COMPANY_PROFILE_ARR_RANGE = Table(
    "payments",
    "company_profile_arr_range",
    (
        Column("company_id", LogicalType.TEXT, "The company's id in the product."),
        Column("arr", LogicalType.MONEY, "Twelve times the unrounded current MRR, then rounded; US dollars."),
        Column("arr_range", LogicalType.TEXT, "0, 1-2000, 2001-8000 or 8001+."),
        Column("previous_arr_range", LogicalType.TEXT, "The range before the last change; null without one."),
        Column("tier_jump", LogicalType.BOOL, "The last change skipped a range: look at it."),
        Column("changed_at", LogicalType.TIMESTAMP, "The run that saw the range change, or the company first."),
        Column("current_mrr", LogicalType.MONEY, "The last good current MRR in US dollars."),
        Column("effective_mrr", LogicalType.MONEY, "The last good sales effective MRR in US dollars."),
        Column("as_of", LogicalType.TIMESTAMP, "The run whose figures these are."),
    ),
    key=("company_id",),
    description="Each company's last good MRR, ARR and ARR range, with the range before and jumps over a range marked.",
)
_FIGURES = ("current_mrr", "effective_mrr", "arr", "arr_range")
_PER_TRANSACTION = 1_000
_EVENT_PREFIX = f"{CompanyMetadataChanged.topic}:payments:"
_CHANGED = """
    select m.company_id, m.current_mrr, m.effective_mrr, m.arr, m.arr_range, m.as_of,
        p.current_mrr as old_current_mrr, p.effective_mrr as old_effective_mrr, p.arr as old_arr,
        p.arr_range as old_arr_range, p.previous_arr_range, p.tier_jump, p.changed_at
    from payments.company_mrr as m
    left join payments.company_profile_arr_range as p on p.company_id = m.company_id
    where m.current_mrr is not null and (p.company_id is null or (p.as_of <= m.as_of and (
        p.current_mrr <> m.current_mrr or p.effective_mrr <> m.effective_mrr or p.arr <> m.arr)))"""


@dataclass(frozen=True)
class ProfileChanges:
    """What a refresh did: companies whose figures changed, of them those that jumped, and events now published."""

    changed: int
    jumped: int
    published: int


def refresh_profiles(warehouse: Warehouse, store: Store) -> ProfileChanges:
    """Take over the figures of `payments.company_mrr` that are known and differ, and publish what changed.

    A company without dollar figures keeps its last good ones. Figures older than the stored ones are left alone. Events
    are prepared before the rows are written and published after, so a crash in between only delays them.
    """
    with warehouse.writer() as session:
        session.ensure(COMPANY_PROFILE_ARR_RANGE)
        found = session.query(_CHANGED).to_pylist()
    events = [event for row in found if (event := _event(row)) is not None]
    for start in range(0, len(events), _PER_TRANSACTION):
        _prepare(store, events[start : start + _PER_TRANSACTION])
    rows = [profile_row(row) for row in found]
    with warehouse.writer() as session:
        _merge(session, rows)
    warehouse.publish()
    return ProfileChanges(len(rows), sum(row["tier_jump"] for row in rows), _publish(store))


def profile_row(found: dict[str, Any]) -> dict[str, Any]:
    """Return the new row of a company from its new figures and the stored row's columns (`old_…`, null for none)."""
    new, old = found["arr_range"], found["old_arr_range"]
    moved = new != old
    return {
        "company_id": found["company_id"],
        **{name: found[name] for name in _FIGURES},
        "previous_arr_range": old if moved else found["previous_arr_range"],
        "tier_jump": skips_a_range(old, new) if moved else bool(found["tier_jump"]),
        "changed_at": found["as_of"] if moved else found["changed_at"],
        "as_of": found["as_of"],
    }


def skips_a_range(old: str | None, new: str) -> bool:
    """Tell whether a change of ARR range leaves out the range between; a company's first range never does."""
    return old is not None and abs(RANGES.index(new) - RANGES.index(old)) > 1


def _merge(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        schema = COMPANY_PROFILE_ARR_RANGE.arrow_schema()
        session.merge(COMPANY_PROFILE_ARR_RANGE, pa.Table.from_pylist(list(rows), schema), newer_by="as_of")


def _event(found: dict[str, Any]) -> topics.Event | None:
    """Return what to tell of a company's change; None for an id no topic takes, which no subscriber could use."""
    as_of: datetime = found["as_of"]
    try:
        return CompanyMetadataChanged(
            event_id=f"payments:{found['company_id']}:{as_of.isoformat()}",
            occurred_at=as_of,
            company_id=found["company_id"],
            fields=tuple(name for name in _FIGURES if found[name] != found[f"old_{name}"]),
        ).event()
    except ValidationError:
        return None


def _prepare(store: Store, events: Sequence[topics.Event]) -> None:
    now = store.now()
    store.write(lambda conn: topics.prepare(conn, events, now))


def _publish(store: Store) -> int:
    """Publish every prepared event of ours, those an earlier run left behind as well."""
    now = store.now()

    def work(conn: sa.Connection) -> int:
        waiting = topics.pending(conn, CompanyMetadataChanged.topic)
        ours = [event.dedupe_key for event in waiting if event.dedupe_key.startswith(_EVENT_PREFIX)]
        return topics.publish(conn, CompanyMetadataChanged.topic, ours, now)

    return store.write(work)
