"""Landing: do the rows of a source keep the contract of their table.

`checks.table` lists this test; `assets.landing` runs it with every landing, which counts the rows itself.
"""

from hubspot_platform.checks.engine import CheckContext, Measurement, Subject
from hubspot_platform.landing.land import LandingReport


def rows_that_break_the_contract(context: CheckContext, subject: Subject) -> Measurement:
    """Take what the landing of this run counted."""
    return context.counted.get(subject.qualified, Measurement(skipped="this run did not land the table"))


def counted(report: LandingReport) -> Measurement:
    """Return what a landing counted as a measurement."""
    read, rejected = report.rows_read, report.rows_rejected
    reasons = ", ".join(f"{reason} ({number})" for reason, number in sorted(report.rejected.items()))
    told = (
        f"{rejected} of {read} rows break the contract: {reasons}" if rejected else f"all {read} rows keep the contract"
    )
    return Measurement(
        observed=rejected,
        rows_checked=read,
        rows_failed=rejected,
        message=told,
        details={"rows_read": read, "rows_rejected": rejected},
    )
