"""A story-telling helper: feed results minute by minute and read what was said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hubspot_platform.alerting import machine, timers
from hubspot_platform.alerting.machine import Mute
from hubspot_platform.alerting.model import (
    DQA_RULE,
    Alert,
    Incident,
    Kind,
    Notice,
    Observation,
    Rule,
    Severity,
    Status,
    Step,
    Topic,
)

START = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIVE_MINUTES = timedelta(minutes=5)

TOPIC = Topic(
    fingerprint="f" * 32,
    source="dqa",
    condition="completeness",
    category="completeness",
    subject="hubspot/contact",
    title="identity fields present",
    portal_id=4242,
)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def seen(status: Status | str, minutes: float = 0, **changes: object) -> Observation:
    base = Observation(
        topic=TOPIC,
        status=Status(status),
        at=at(minutes),
        record_id=f"r{minutes}",
        severity=Severity.WARNING,
        observed=12.0,
        threshold=10.0,
        unit="rows",
        run_id="run-1",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


class Story:
    """One incident over time."""

    def __init__(
        self,
        severity: Severity = Severity.WARNING,
        cadence: timedelta = HOUR,
        rule: Rule = DQA_RULE,
    ) -> None:
        self.severity = severity
        self.cadence = cadence
        self.rule = rule
        self.incident: Incident | None = None
        self.notices: list[Notice] = []
        self.closed: list[Alert] = []
        self.mute: Mute | None = None

    def see(self, status: Status | str, minutes: float, **changes: object) -> list[Kind]:
        values = {"severity": self.severity, "cadence": self.cadence, "rule": self.rule, **changes}
        return self._take(machine.observe(self.incident, seen(status, minutes, **values), self.mute))

    def wait(self, minutes: float) -> list[Kind]:
        assert self.incident is not None
        return self._take(timers.advance(self.incident, at(minutes), self.mute))

    def acknowledge(self, minutes: float) -> list[Kind]:
        assert self.incident is not None
        return self._take(timers.acknowledge(self.incident, "ana", at(minutes)))

    def _take(self, step: Step) -> list[Kind]:
        self.incident = step.incident
        self.notices += step.notices
        if step.closed:
            self.closed.append(step.closed)
        return [notice.kind for notice in step.notices]

    @property
    def alert(self) -> Alert | None:
        return self.incident.alert if self.incident else None

    @property
    def kinds(self) -> list[Kind]:
        return [notice.kind for notice in self.notices]
