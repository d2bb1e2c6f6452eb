"""The inbox: does what webhooks brought reach the tables soon enough.

`checks.table` lists these tests; a subject's object is the queue and its table the one that the queue's worker fills.
They read the state store only.
"""

from hubspot_platform.business import Business
from hubspot_platform.checks.engine import CheckContext, Limits, Measurement, Subject
from hubspot_platform.state import inbox
from hubspot_platform.state.inbox import Depth

_WARN_LAG, _FAIL_LAG = 2 * 60, 5 * 60
_WARN_DEPTH, _FAIL_DEPTH = 5_000, 10_000


def oldest_waiting_event(context: CheckContext, subject: Subject) -> Measurement:
    """Measure how many seconds ago the longest waiting event of the queue was received."""
    depth = _depth(context, subject)
    oldest = depth.oldest_ready_at
    return Measurement(
        observed=max((context.now - oldest).total_seconds(), 0.0) if oldest else 0.0,
        rows_failed=depth.ready,
        message=f"{depth.ready} events of {subject.object} wait" + (f", since {oldest:%H:%M:%S} UTC" if oldest else ""),
    )


def lag_limits(business: Business, subject: Subject, measurement: Measurement) -> Limits:
    """2 and 5 minutes."""
    del business, subject, measurement
    return Limits(_WARN_LAG, _FAIL_LAG)


def unfinished_events(context: CheckContext, subject: Subject) -> Measurement:
    """Count the events of the queue that wait, are parked or are being worked on; dead letters are told in details."""
    depth = _depth(context, subject)
    return Measurement(
        observed=depth.ready + depth.parked + depth.leased,
        message=f"{subject.object}: {depth.ready} wait, {depth.parked} are parked, {depth.leased} are being worked on",
        details={"dead_letters": depth.dead},
    )


def depth_limits(business: Business, subject: Subject, measurement: Measurement) -> Limits:
    """5,000 and 10,000 events."""
    del business, subject, measurement
    return Limits(_WARN_DEPTH, _FAIL_DEPTH)


def _depth(context: CheckContext, subject: Subject) -> Depth:
    return context.platform.state().read(lambda conn: inbox.depths(conn, context.now)).get(subject.object, Depth())
