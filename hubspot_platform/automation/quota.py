"""Turns the ledger of HubSpot calls into measurements for the alert machine: which share of the day is used.

The alert pass of `automation.alerts` calls `observe_quota`. Two conditions, each with a level at which it clears again
below the one at which it opens (data quality rules: alert conditions). The rate budget pauses ordinary work by itself.
"""

from dataclasses import dataclass

from hubspot_platform.alerting.messages import SHARE
from hubspot_platform.alerting.model import (
    IMMEDIATE_RULE,
    Incident,
    Observation,
    Severity,
    Status,
    Topic,
    fingerprint,
)
from hubspot_platform.automation.alert_sources import LEVEL_CADENCE, Source, Tally, worth_recording
from hubspot_platform.automation.run_failures import CAUSE, RATE_LIMIT_CRITICAL
from hubspot_platform.state.incidents import load, record
from hubspot_platform.state.usage import Reading, latest_reading

QUOTA = "rate_limit"


@dataclass(frozen=True)
class Condition:
    """One line of the alert conditions: strictly above `opens` it holds, strictly below `clears` it is over.

    A `warn` is told one level below critical and never rises by repetition: the day has a second condition for that.
    """

    name: str
    status: Status
    opens: float
    clears: float
    title: str
    mend: str

    @property
    def fingerprint(self) -> str:
        """Shared with failed runs of the same cause: two witnesses, one alert."""
        return fingerprint(CAUSE, self.name)


CONDITIONS = (
    Condition(
        "rate_limit_warning",
        Status.WARN,
        opens=0.80,
        clears=0.75,
        title="the day's HubSpot calls run out",
        mend="put off full reads, and look which app of the account calls so much; at 95 % ordinary syncs pause",
    ),
    Condition(
        RATE_LIMIT_CRITICAL,
        Status.FAIL,
        opens=0.95,
        clears=0.85,
        title="the day's HubSpot calls are used up",
        mend="ordinary syncs go on by themselves after the portal's midnight; a higher limit is HubSpot's to sell",
    ),
)


def observe_quota(source: Source) -> Tally:
    """Take in the used share of the day: at a change, and every five minutes while it is too large.

    Nothing while no limit is known: an unknown share is never taken for 0 %.
    """
    store, now = source.store, source.store.now()
    day = store.read(lambda conn: latest_reading(conn, now))
    share = day.share_used(source.daily_limit) if day is not None else None
    if day is None or share is None:
        return Tally()
    known = store.read(lambda conn: load(conn, [condition.fingerprint for condition in CONDITIONS]))
    observations = []
    for condition in CONDITIONS:
        incident = known.get(condition.fingerprint)
        status = _status(condition, share, incident)
        if status is not None and worth_recording(incident, status, now):
            observations.append(_observation(source, condition, status, (share, day)))
    if not observations:
        return Tally()
    return Tally(len(observations), store.write(lambda conn: record(conn, observations, now, group=source.group)))


def _status(condition: Condition, share: float, incident: Incident | None) -> Status | None:
    """Return what the share means for a condition; between its levels it stays what it is, which is no news.

    What a failed run opened a later success closes: HubSpot's refusal outweighs our count.
    """
    if share > condition.opens:
        return condition.status
    ours = incident is not None and incident.failing and incident.topic.source == QUOTA
    return Status.PASS if ours and share < condition.clears else None


def _observation(source: Source, condition: Condition, status: Status, facts: tuple[float, Reading]) -> Observation:
    share, day = facts
    now = source.store.now()
    return Observation(
        topic=Topic(
            fingerprint=condition.fingerprint,
            source=QUOTA,
            condition=condition.name,
            category=QUOTA,
            subject="HubSpot calls of the day",
            title=condition.title,
            portal_id=source.portal_id,
        ),
        status=status,
        at=now,
        record_id=f"{status.value}@{now.isoformat()}",
        severity=Severity.CRITICAL,
        detail=_detail(day, source.daily_limit),
        observed=share,
        threshold=condition.opens,
        unit=SHARE,
        cadence=LEVEL_CADENCE,
        mend=condition.mend,
        rule=IMMEDIATE_RULE,
    )


def _detail(day: Reading, configured: int | None) -> str:
    said = f"{day.calls:,} calls of this platform on {day.day:%Y-%m-%d}"
    if configured:
        said += f", {configured:,} are configured"
    if day.headers is not None and day.seen_at is not None:
        left, limit = day.headers.remaining, day.headers.limit
        said += f"; HubSpot left the account {left:,} of {limit:,} at {day.seen_at:%H:%M} UTC"
    return f"{said}."
