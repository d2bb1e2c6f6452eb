"""Payments: does MRR add up and agree with the biller, and how many terms and rates are refused.

`checks.table` lists these tests; they read the published copy, and are skipped while payments were never computed.
"""

import json
from collections import Counter
from collections.abc import Iterable

from hubspot_platform.business import Business, ShareThresholds
from hubspot_platform.checks.engine import (
    MINIMUM_RATIO_ROWS,
    CheckContext,
    Limits,
    Measurement,
    Subject,
    share_limits,
)
from hubspot_platform.checks.published import published_rows

_NEVER = Measurement(skipped="payments were never computed")
_ANY_ROW_WARNS = ShareThresholds(warn_share=0, fail_share=0.01)
_NAMED = 3

_DISAGREEING = """
    select
        m.subscription_id,
        not m.base_mrr + m.addon_mrr - m.discount_mrr - m.mrr between -0.01 and 0.01 as is_off,
        r.explanation is null and not r.difference between -0.01 and 0.01 as differs
    from payments.subscription_mrr as m
    left join payments.mrr_reconciliation as r on r.subscription_id = m.subscription_id"""

_REFUSALS = {
    "subscription_mrr": """
        select cast(flags as text) as said from payments.subscription_mrr
        where cast(flags as text) like '%"coupon:%' or cast(flags as text) like '%"fx_%'""",
    "transaction_payments": """
        select '["' || refused || '"]' as said from payments.transaction_payments where refused is not null""",
}


def disagreeing_mrr(context: CheckContext, subject: Subject) -> Measurement:
    """Count subscriptions whose parts do not make their MRR or whose MRR is, unexplained, not the biller's."""
    sql = f"select * from ({_DISAGREEING}) as judged where is_off or differs order by subscription_id"
    found = published_rows(context, "payments.mrr_reconciliation", sql)
    total = _rows_of(context, subject)
    if found is None or total is None:
        return _NEVER
    if not total:
        return Measurement(skipped="there are no subscriptions")
    named = ", ".join(row["subscription_id"] for row in found[:_NAMED])
    off, differ = sum(bool(row["is_off"]) for row in found), sum(bool(row["differs"]) for row in found)
    told = f"{off} do not add up, {differ} differ from the biller without a known reason ({named})"
    return Measurement(
        observed=len(found),
        rows_checked=total,
        rows_failed=len(found),
        message=f"of {total} subscriptions {told}" if found else f"all {total} subscriptions add up and agree",
    )


def refused_terms(context: CheckContext, subject: Subject) -> Measurement:
    """Count rows with a refused coupon or exchange rate; the message has the reasons."""
    found = published_rows(context, subject.qualified, _REFUSALS[subject.table])
    total = _rows_of(context, subject)
    if found is None or total is None:
        return _NEVER
    if not total:
        return Measurement(skipped="there are no rows")
    reasons = Counter(reason for row in found for reason in _reasons(json.loads(row["said"])))
    told = ", ".join(f"{reason} ({number})" for reason, number in sorted(reasons.items())) or "none"
    return Measurement(
        observed=len(found),
        rows_checked=total,
        rows_failed=len(found),
        message=f"{len(found)} of {total} rows have a refused coupon or rate: {told}",
    )


def _reasons(flags: Iterable[str]) -> Iterable[str]:
    """Yield the reasons of refused coupons and rates; `coupon:ID:REASON` without the id."""
    for flag in flags:
        if flag.startswith("coupon:"):
            yield flag.rpartition(":")[2]
        elif flag.startswith("fx_"):
            yield flag


def one_row_warns(business: Business, subject: Subject, measurement: Measurement) -> Limits:
    """Any row warns, more than 1 % fail; a share of fewer than 20 rows is not judged."""
    del business, subject
    if measurement.rows_checked < MINIMUM_RATIO_ROWS:
        return Limits(0, measurement.rows_checked)
    return share_limits(_ANY_ROW_WARNS, measurement)


def _rows_of(context: CheckContext, subject: Subject) -> int | None:
    counted = published_rows(context, subject.qualified, f"select count(*) as n from {subject.qualified}")
    return None if counted is None else int(counted[0]["n"])
