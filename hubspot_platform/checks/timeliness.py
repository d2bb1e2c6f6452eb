"""Timeliness: how old is the newest data of an object that is provably complete.

Freshness policies say whether a job ran; these tests say how far its watermark lies behind. They read the state
store only, so a busy warehouse never delays them.
"""

from datetime import UTC, datetime, timedelta

from hubspot_platform.business import Business
from hubspot_platform.checks.engine import CheckContext, Limits, Measurement, Subject
from hubspot_platform.state import windows
from hubspot_platform.warehouse.errors import NothingPublished

START_UP = timedelta(minutes=15)


def watermark_age(context: CheckContext, subject: Subject) -> Measurement:
    """Measure the seconds between now and the end of the unbroken row of completed windows."""
    watermark = _watermark(context, subject)
    if watermark is None:
        since = _first_start(context)
        if since is not None and context.now - since < START_UP:
            return Measurement(skipped="the first sync has 15 minutes after installation")
        return Measurement(observed=context.now.timestamp(), message="no full read has completed yet")
    age = (context.now - watermark).total_seconds()
    return Measurement(
        observed=max(age, 0.0),
        message=f"complete until {watermark:%Y-%m-%d %H:%M:%S} UTC, {age / 60:.1f} minutes ago",
        details={"watermark": watermark.isoformat()},
    )


def cadence_limits(business: Business, subject: Subject, measurement: Measurement) -> Limits:
    """Allow the object's cadence plus slack before a warning, twice the cadence plus slack before a failure."""
    del measurement
    limits, slack = business.thresholds.timeliness, business.thresholds.timeliness.slack_minutes * 60
    chosen = business.mirror.cadence_of(subject.object)
    cadence = subject.cadence_seconds if chosen is None else chosen.total_seconds()
    return Limits(limits.warn_cadences * cadence + slack, limits.fail_cadences * cadence + slack)


def _watermark(context: CheckContext, subject: Subject) -> datetime | None:
    try:
        with context.platform.warehouse().reader() as session:
            warehouse_id = session.identity()
    except NothingPublished:
        return None
    return context.platform.state().read(lambda connection: windows.watermark(connection, warehouse_id, subject.object))


def _first_start(context: CheckContext) -> datetime | None:
    try:
        stat = context.platform.settings.mirror_start_file.stat()
    except FileNotFoundError:
        return None
    return datetime.fromtimestamp(stat.st_mtime, UTC)
