"""The table `company_profile_arr_range`: each company's last good revenue figures, its ARR range and the one before.

The asset of that name calls `refresh_profiles` after `payments.company_mrr` was built. A SQL model computes what is
true now; this table remembers what was, so it is merged and never rebuilt. `funnel.profile_changes` tells what changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

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
# A company without a row has lost its last subscription to another one: its figures are known, they are 0. Without any
# row at all nothing was computed yet, and nothing is known.
_CHANGED = """
    with figures as (
        select company_id, current_mrr, effective_mrr, arr, arr_range, as_of from payments.company_mrr
        union all
        select p.company_id, 0, 0, 0, '0', (select max(as_of) from payments.company_mrr)
        from payments.company_profile_arr_range as p
        where not exists (select 1 from payments.company_mrr as m where m.company_id = p.company_id)
    )
    select m.company_id, m.current_mrr, m.effective_mrr, m.arr, m.arr_range, m.as_of,
        p.arr_range as old_arr_range, p.previous_arr_range, p.tier_jump, p.changed_at
    from figures as m
    left join payments.company_profile_arr_range as p on p.company_id = m.company_id
    where m.current_mrr is not null and (p.company_id is null or (p.as_of <= m.as_of and (
        p.current_mrr <> m.current_mrr or p.effective_mrr <> m.effective_mrr or p.arr <> m.arr)))"""


@dataclass(frozen=True)
class ProfileChanges:
    """What a refresh did: companies whose figures changed, and of them those that jumped."""

    changed: int
    jumped: int


def refresh_profiles(warehouse: Warehouse) -> ProfileChanges:
    """Take over the figures of `payments.company_mrr` that are known and differ.

    A company whose exchange rate is refused keeps its last good ones; one that has no subscription any more falls to 0.
    Figures older than the stored ones are left alone.
    """
    with warehouse.writer() as session:
        session.ensure(COMPANY_PROFILE_ARR_RANGE)
        rows = [profile_row(row) for row in session.query(_CHANGED).to_pylist()]
        _merge(session, rows)
    warehouse.publish_soon()
    return ProfileChanges(len(rows), sum(row["tier_jump"] for row in rows))


def profile_row(found: dict[str, Any]) -> dict[str, Any]:
    """Return the new row of a company from its new figures and the stored row's (`old_arr_range`, null for none)."""
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
