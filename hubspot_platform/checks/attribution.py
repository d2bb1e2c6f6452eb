"""Attribution: do delayed runs come, how much is refused, and does every touch that won deserve it.

`checks.table` lists these tests; they read the published copy, and are skipped while attribution was never computed.
"""

from datetime import timedelta

from hubspot_platform.business import Business
from hubspot_platform.checks.engine import CheckContext, Limits, Measurement, Subject
from hubspot_platform.checks.published import published_rows

_WARN_OVERDUE, _FAIL_OVERDUE = 5 * 60, 30 * 60
_RECENTLY = timedelta(days=1)
_WARN_REFUSED, _FAIL_REFUSED = 0.01, 0.05
RESULTS = (
    "company_profile_attribution",
    "company_profile_attribution_last",
    "company_profile_attribution_first_limited",
    "contact_profile_attribution_first",
)
_NEVER = Measurement(skipped="attribution was never computed")
_COMPANY = ("company_id", "company_interactions")


def oldest_overdue_run(context: CheckContext, subject: Subject) -> Measurement:
    """Measure how many seconds ago the oldest delayed run that has not begun was due; details say how many succeed.

    A run that was given up counts for a day: nothing will close it any more.
    """
    rows = published_rows(
        context,
        subject.qualified,
        "select sum(case when started_at is null and (error is null or due_at > ?) then 1 else 0 end) as waiting, "
        "min(case when started_at is null and (error is null or due_at > ?) then due_at end) as oldest, "
        "sum(case when due_at > ? then 1 else 0 end) as due, "
        "sum(case when due_at > ? and started_at is not null then 1 else 0 end) as done "
        "from attribution.attribution_run where due_at <= ?",
        *(context.now - _RECENTLY,) * 4,
        context.now,
    )
    if rows is None:
        return _NEVER
    oldest = rows[0]["oldest"]
    waiting, due, done = (int(rows[0][name] or 0) for name in ("waiting", "due", "done"))
    return Measurement(
        observed=(context.now - oldest).total_seconds() if oldest else 0.0,
        rows_failed=waiting,
        message=f"{waiting} delayed runs are overdue; {done} of {due} of the last day ran",
        details={"success_rate": done / due} if due else {},
    )


def overdue_limits(business: Business, subject: Subject, measurement: Measurement) -> Limits:
    """5 and 30 minutes."""
    del business, subject, measurement
    return Limits(_WARN_OVERDUE, _FAIL_OVERDUE)


def refused_share(context: CheckContext, subject: Subject) -> Measurement:
    """Measure the refused rows among all of a source: sessions for visits, else touches."""
    refused, kept = {
        "rejected_session": ("rejected_session", "visits"),
        "rejected_touchpoint": ("rejected_touchpoint", "interaction_touchpoints"),
    }[subject.table]
    sql = f"select reason, count(*) as n from attribution.{refused} group by reason order by reason"
    reasons = published_rows(context, f"attribution.{refused}", sql)
    good = published_rows(context, f"attribution.{kept}", f"select count(*) as n from attribution.{kept}")
    if reasons is None or good is None:
        return _NEVER
    bad = sum(int(row["n"]) for row in reasons)
    total = bad + int(good[0]["n"])
    if not total:
        return Measurement(skipped="there are no rows")
    told = ", ".join(f"{row['reason']} ({row['n']})" for row in reasons) or "none"
    return Measurement(
        observed=bad / total, rows_checked=total, rows_failed=bad, message=f"{bad} of {total} refused: {told}"
    )


def refused_limits(business: Business, subject: Subject, measurement: Measurement) -> Limits:
    """1 and 5 %."""
    del business, subject, measurement
    return Limits(_WARN_REFUSED, _FAIL_REFUSED)


def undeserved_credit(context: CheckContext, subject: Subject) -> Measurement:
    """Count winners that do not exist, lie after the anchor, or hang on no identifier within five steps."""
    entity, links = ("email", "contact_interactions") if "contact" in subject.table else _COMPANY
    sql = (
        f"select count(*) as n, sum(case when t.touchpoint_id is null or i.touchpoint_id is null "
        f"or a.occurred_at > a.anchor or i.hop > 5 then 1 else 0 end) as bad "
        f"from {subject.qualified} as a "
        f"left join attribution.interaction_touchpoints as t on t.touchpoint_id = a.touchpoint_id "
        f"left join attribution.{links} as i on i.{entity} = a.{entity} and i.touchpoint_id = a.touchpoint_id "
        f"where a.touchpoint_id is not null"
    )
    rows = published_rows(context, subject.qualified, sql)
    if rows is None:
        return _NEVER
    total, bad = int(rows[0]["n"]), int(rows[0]["bad"] or 0)
    return Measurement(
        observed=bad, rows_checked=total, rows_failed=bad, message=f"{bad} of {total} winners are not deserved"
    )
