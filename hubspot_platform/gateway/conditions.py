"""What goes wrong at the doors and must reach people: noted while it happens, told to the alerts now and then.

`gateway.app` notes, `gateway.server` calls `tell` every few seconds. A condition is over when it has not been seen for
a quarter of an hour.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hubspot_platform.alerting.model import IMMEDIATE_RULE, Observation, Severity, Status, Topic, fingerprint
from hubspot_platform.state import Store
from hubspot_platform.state.incidents import record

QUIET_AFTER: Final = timedelta(minutes=15)
TOLD_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Condition:
    """One thing that can be wrong; below `at_least` occurrences between two tellings it is not told."""

    name: str
    severity: Severity
    title: str
    mend: str
    at_least: int = 1


LEGACY_SIGNATURE = Condition(
    "legacy_signature",
    Severity.WARNING,
    "webhooks come with an old signature only",
    "switch the app to signature version 3 and GATEWAY_LEGACY_SIGNATURES off: versions 1 and 2 can be replayed",
)
FOREIGN_PORTAL = Condition(
    "foreign_portal",
    Severity.CRITICAL,
    "webhooks of another HubSpot account arrive",
    "see which account installed the app; its events are in the queue foreign_portal, untouched",
)
REFUSED_SENDERS = Condition(
    "refused_senders",
    Severity.CRITICAL,
    "deliveries fail their authentication",
    "compare secrets and GATEWAY_PUBLIC_URL with the sender's settings; gateway_refusals_total says which rule failed",
    at_least=10,
)
INBOX_FULL = Condition(
    "inbox_full",
    Severity.CRITICAL,
    "the inbox is full and the doors turn events away",
    "see which queue grows and why its worker does not empty it",
)
STORE_DOWN = Condition(
    "store_down",
    Severity.CRITICAL,
    "events could not be stored",
    "check the disk and the database of STATE_URL; senders repeat what was not accepted",
)
CONDITIONS: Final = (LEGACY_SIGNATURE, FOREIGN_PORTAL, REFUSED_SENDERS, INBOX_FULL, STORE_DOWN)


class Conditions:
    """Counts occurrences and turns them into measurements for the alerts. Used from one thread."""

    def __init__(self, portal_id: int | None) -> None:
        self._portal_id = portal_id
        self._seen: Counter[Condition] = Counter()
        self._failing: dict[Condition, datetime] = {}
        self._untold: dict[str, Observation] = {}

    def note(self, condition: Condition, count: int = 1) -> None:
        """Count an occurrence."""
        self._seen[condition] += count

    def due(self, now: datetime) -> list[Observation]:
        """Return what has to be told now, and count anew."""
        told = []
        for condition in CONDITIONS:
            count = self._seen.pop(condition, 0)
            if count >= condition.at_least:
                self._failing[condition] = now
                told.append(self._observation(condition, Status.FAIL, count, now))
            elif condition in self._failing and now - self._failing[condition] >= QUIET_AFTER:
                del self._failing[condition]
                told.append(self._observation(condition, Status.PASS, 0, now))
        return told

    async def tell(self, store: Store, now: datetime) -> None:
        """Store what is due in the alerts; what the store does not take is told the next time."""
        self._untold |= {seen.topic.condition: seen for seen in self.due(now)}
        if self._untold:
            observations = list(self._untold.values())
            await store.write_async(lambda conn: record(conn, observations, now))
            self._untold.clear()

    def _observation(self, condition: Condition, status: Status, count: int, now: datetime) -> Observation:
        topic = Topic(
            fingerprint=fingerprint("gateway", condition.name),
            source="gateway",
            condition=condition.name,
            category="security" if condition in {LEGACY_SIGNATURE, FOREIGN_PORTAL, REFUSED_SENDERS} else "inbox",
            subject="gateway",
            title=condition.title,
            portal_id=self._portal_id,
        )
        return Observation(
            topic=topic,
            status=status,
            at=now,
            record_id=f"{status.value}@{now.isoformat()}",
            severity=condition.severity,
            detail=f"{count:,} times since it was last looked at." if count else "Not seen any more.",
            observed=float(count),
            threshold=float(condition.at_least),
            unit="",
            cadence=TOLD_EVERY,
            mend=condition.mend,
            rule=IMMEDIATE_RULE,
        )
