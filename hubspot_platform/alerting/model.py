"""The values the alert machine takes and gives: observations, incidents, alerts, notices.

Used by the machine, by the storage in `state`, by the Dagster sources and by the message builders. All
times are aware UTC datetimes.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Status(StrEnum):
    """Outcome of one measurement (data quality rules: statuses)."""

    PASS = "pass"  # noqa: S105 - a status, not a password
    WARN = "warn"
    FAIL = "fail"
    ERROR = "error"
    SKIPPED = "skipped"


class Severity(StrEnum):
    """Level of an alert: critical (P0), warning (P1), info (P2)."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info, 2 for critical."""
        return _RANKS[self]

    def lowered(self) -> "Severity":
        """Return the severity one level down; info stays info."""
        return Severity.WARNING if self is Severity.CRITICAL else Severity.INFO


_RANKS = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class AlertState(StrEnum):
    """State of a row of `hubspot_alerts`."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    FLAPPING = "flapping"
    RESOLVED = "resolved"


class Resolution(StrEnum):
    """Why an alert was closed."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"
    NOT_AN_ISSUE = "not an issue"
    SUPERSEDED = "superseded"


class Kind(StrEnum):
    """What a notice says; with incident and record it makes the outbox key."""

    OPENED = "opened"
    UPDATED = "updated"
    RAISED = "raised"
    ESCALATED_ON_CALL = "escalated_1"
    ESCALATED_LEAD = "escalated_2"
    FLAPPING = "flapping"
    RESUMED = "resumed"
    RECOVERED = "recovered"
    CLOSED = "closed"


@dataclass(frozen=True)
class Rule:
    """How many results in a row open and close an alert.

    `fails` counts failing results, `bad` counts failing, warning and erring ones, `passes` counts passes.
    """

    fails: int = 1
    bad: int = 2
    passes: int = 2


_ASSET_SUBJECT = re.compile(r"(?:asset )?(\w+(?:[./]\w+)+)")
"""How checks (`hubspot.contact`), freshness (`hubspot/contact`) and ad-hoc runs (`asset hubspot/contact`) say it."""

DQA_RULE = Rule()
WORKER_RULE = Rule(fails=3, bad=3, passes=1)
IMMEDIATE_RULE = Rule(fails=1, bad=1, passes=1)


@dataclass(frozen=True)
class Topic:
    """What an alert is about: the part that stays the same from one measurement to the next."""

    fingerprint: str
    source: str
    condition: str
    category: str
    subject: str
    title: str
    portal_id: int | None = None

    @property
    def asset(self) -> str | None:
        """Key of the Dagster asset the subject names (`hubspot/contact`), None for a job, a queue or a quota."""
        found = _ASSET_SUBJECT.fullmatch(self.subject)
        return found[1].replace(".", "/") if found else None


@dataclass(frozen=True)
class Observation:
    """One measurement. `severity` is the level when it fails; None means "as last time".

    `record_id` is unique per fingerprint in the source the measurement came from; `cadence` is the time
    between two measurements.
    """

    topic: Topic
    status: Status
    at: datetime
    record_id: str
    severity: Severity | None = None
    detail: str = ""
    observed: float | None = None
    threshold: float | None = None
    unit: str = ""
    cadence: timedelta = timedelta(hours=1)
    mend: str = ""
    run_id: str | None = None
    rule: Rule = DQA_RULE


@dataclass(frozen=True)
class Alert:
    """One row of `hubspot_alerts`, without its delivery columns."""

    alert_id: str
    topic: Topic
    severity: Severity
    state: AlertState
    detail: str
    observed: float | None
    threshold: float | None
    first_seen_at: datetime
    last_seen_at: datetime
    occurrences: int = 1
    consecutive_passes: int = 0
    resolved_at: datetime | None = None
    escalation_level: int = 0
    escalated_at: datetime | None = None
    acknowledged_by: str | None = None
    muted_until: datetime | None = None
    muted_by: str | None = None
    resolution: Resolution | None = None
    group_key: str | None = None


@dataclass(frozen=True)
class Incident:
    """What is remembered of a fingerprint between two measurements, whether or not an alert is open.

    `failing_streak` counts failures from the one that opened the alert; `changes` are the times the condition
    opened or closed within the flapping window; `failing` is the condition itself, which a flapping alert
    hides.
    """

    topic: Topic
    alert: Alert | None = None
    failing: bool = False
    last_status: Status | None = None
    last_at: datetime | None = None
    severity: Severity = Severity.WARNING
    fails: int = 0
    bad: int = 0
    passes: int = 0
    failing_streak: int = 0
    skipped_since: datetime | None = None
    changes: tuple[datetime, ...] = ()
    critical_since: datetime | None = None
    acknowledged_at: datetime | None = None
    announced: bool = False
    edited_at: datetime | None = None
    flap_notified_at: datetime | None = None
    peak: float | None = None
    unit: str = ""
    mend: str = ""
    run_id: str | None = None


@dataclass(frozen=True)
class Notice:
    """One thing to tell people: the facts only; words and layout come from `alerting.messages`."""

    kind: Kind
    record_id: str
    alert_id: str
    topic: Topic
    severity: Severity
    at: datetime
    since: datetime
    detail: str = ""
    observed: float | None = None
    threshold: float | None = None
    peak: float | None = None
    unit: str = ""
    occurrences: int = 1
    mend: str = ""
    run_id: str | None = None

    @property
    def key(self) -> str:
        """Unique key of the notice: a second insert with the same key is the same notice."""
        return f"{self.topic.fingerprint}|{self.kind}|{self.record_id}"

    @property
    def group_key(self) -> str | None:
        """Alerts of one run sharing category and portal are told together (alert rules: grouping)."""
        if self.run_id is None:
            return None
        return f"{self.run_id}|{self.topic.category}|{self.topic.portal_id or ''}"


@dataclass(frozen=True)
class Step:
    """The machine's answer: the incident to store, an alert that was closed on the way, and the notices to
    send.
    """

    incident: Incident
    closed: Alert | None = None
    notices: tuple[Notice, ...] = ()


def fingerprint(*parts: str) -> str:
    """Return the stable 32-digit identity of a test, its subject, portal and dimension."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def alert_id_of(topic: Topic, record_id: str) -> str:
    """Return the alert's id: the same opening measurement always gives the same id, so a replay makes no
    second.
    """
    return "al_" + fingerprint(topic.fingerprint, record_id)[:20]
