"""Which Slack calls the waiting notices become, in which order and how fast (alert rules: grouping, rate limit).

Pure. `automation.alert_delivery` asks for the next call, makes it, stamps the rows and asks again.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from hubspot_platform.alerting import messages
from hubspot_platform.alerting.links import DagsterLinks
from hubspot_platform.alerting.messages import Mentions
from hubspot_platform.alerting.model import Alert, Kind, Notice, Severity
from hubspot_platform.alerting.slack_text import SlackMessage

CONTINUATION = "continuation"
EDITS = (Kind.UPDATED, Kind.CLOSED)
_BROADCAST = (Kind.RAISED, Kind.ESCALATED_ON_CALL, Kind.ESCALATED_LEAD)

BURST = 3
PER_SECOND = 1.0
PER_HOUR = 60
MERGE_AFTER = timedelta(minutes=30)
FIRST_BACKOFF = timedelta(seconds=5)
LONGEST_BACKOFF = timedelta(minutes=15)
DIGEST_HOUR = 8


class Call(StrEnum):
    """What is done with a parcel: a new message, a reply, an edit of the parent, or nothing."""

    POST = "post"
    REPLY = "reply"
    EDIT = "edit"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Waiting:
    """An unsent outbox row: a notice, or the continuation of a message; `thread_ts` and `channel` once its
    thread is known.
    """

    id: int
    alert_id: str
    severity: Severity
    since: datetime
    notice: Notice | None = None
    message: SlackMessage | None = None
    group_key: str | None = None
    thread_ts: str | None = None
    channel: str | None = None
    attempts: int = 0
    next_attempt_at: datetime | None = None

    @property
    def key(self) -> str:
        """The notice's unique key, the row number for a continuation."""
        return self.notice.key if self.notice else f"row {self.id}"


@dataclass(frozen=True)
class Parcel:
    """One Slack call and the rows it settles; `adopt` makes its thread the alerts' own."""

    rows: tuple[Waiting, ...]
    call: Call
    messages: Sequence[SlackMessage] = ()
    thread_ts: str | None = None
    broadcast: bool = False
    adopt: bool = True

    @property
    def critical(self) -> bool:
        """Critical calls are exempt from the hourly cap; so are edits, which post nothing."""
        return any(row.severity is Severity.CRITICAL for row in self.rows)

    @property
    def alert_ids(self) -> frozenset[str]:
        """The alerts it is about."""
        return frozenset(row.alert_id for row in self.rows)


@dataclass(frozen=True)
class Desk:
    """What the planner knows beside the rows: the time, the mentions, the alerts that share a thread, the links."""

    now: datetime
    mentions: Mentions = field(default_factory=Mentions)
    threads: Mapping[str, Sequence[Alert]] = field(default_factory=dict)
    links: DagsterLinks = messages.NO_LINKS


def due_at(notice: Notice, now: datetime) -> datetime:
    """Return when a notice may be sent: at once; info waits for the daily digest (alert rules: escalation)."""
    if notice.severity is not Severity.INFO:
        return now
    digest = now.replace(hour=DIGEST_HOUR, minute=0, second=0, microsecond=0)
    return digest if digest > now else digest + timedelta(days=1)


def plan(rows: Sequence[Waiting], desk: Desk) -> list[Parcel]:
    """Return the calls the rows become, in the order of their oldest rows.

    Messages that waited more than half an hour become one summary, info one digest, alerts that opened together one
    message, notices of one kind in one thread one reply.
    """
    late = [row for row in rows if _is_late(row, desk.now)]
    if len({row.alert_id for row in late}) < 2 and len(late) < 2:
        late = []
    taken = {row.id for row in late}
    parcels = [_summary(late, "Alerts that could not be sent earlier", desk)] if late else []
    rest = [row for row in rows if row.id not in taken]
    for (what, _), found in _clusters(rest, _place).items():
        parcels.append(_parcel(what, found, desk))
    return sorted(parcels, key=lambda parcel: parcel.rows[0].id)


def _is_late(row: Waiting, now: datetime) -> bool:
    told = row.notice is not None and row.notice.kind not in EDITS and row.severity is not Severity.INFO
    return told and now - row.since > MERGE_AFTER


def _place(row: Waiting) -> tuple[str, Hashable]:
    """Return what kind of parcel a row belongs to, and which one."""
    notice = row.notice
    if notice is None:
        return CONTINUATION, row.id
    if notice.severity is Severity.INFO:
        return "digest", ""
    if notice.kind in EDITS:
        return "edit", row.thread_ts or f"none {row.alert_id}"
    if notice.kind is Kind.OPENED:
        return "opened", row.group_key or row.id
    if row.thread_ts is None:
        return "alone", row.id
    return "reply", (notice.kind, row.thread_ts)


def _clusters(
    rows: Iterable[Waiting], place: Callable[[Waiting], tuple[str, Hashable]]
) -> dict[tuple[str, Hashable], list[Waiting]]:
    found: dict[tuple[str, Hashable], list[Waiting]] = {}
    for row in rows:
        found.setdefault(place(row), []).append(row)
    return found


def _notices(rows: Sequence[Waiting]) -> list[Notice]:
    return [row.notice for row in rows if row.notice is not None]


def _parcel(what: str, rows: list[Waiting], desk: Desk) -> Parcel:
    first, notices, settled = rows[0], _notices(rows), tuple(rows)
    if first.message is not None:
        return Parcel(settled, Call.REPLY, [first.message], first.thread_ts)
    if what == "digest":
        return _summary(rows, "Daily digest", desk)
    if what == "edit":
        return _edit(rows, notices, desk)
    one = messages.single(notices[-1], desk.mentions, desk.links)
    if what == "opened" and first.thread_ts is None:
        return Parcel(settled, Call.POST, one if len(rows) == 1 else messages.group(notices, desk.links))
    if what == "alone":
        return Parcel(settled, Call.POST, one)
    loud = notices[0].kind in _BROADCAST or any(
        notice.kind is Kind.OPENED and notice.severity is Severity.CRITICAL for notice in notices
    )
    said = one if len(rows) == 1 else messages.replies(notices, desk.mentions)
    return Parcel(settled, Call.REPLY, said, first.thread_ts, broadcast=loud)


def _edit(rows: list[Waiting], notices: list[Notice], desk: Desk) -> Parcel:
    thread = rows[0].thread_ts
    if thread is None:
        return Parcel(tuple(rows), Call.NOTHING, adopt=False)
    sharing = desk.threads.get(thread, ())
    said = messages.group_state(sharing) if len(sharing) > 1 else messages.single(notices[-1], links=desk.links)
    return Parcel(tuple(rows), Call.EDIT, said[:1], thread, adopt=False)


def _summary(rows: list[Waiting], title: str, desk: Desk) -> Parcel:
    notices = _notices(rows)
    digest = all(notice.severity is Severity.INFO for notice in notices)
    said = messages.summary(notices, title, desk.mentions)
    return Parcel(tuple(rows), Call.POST, said, adopt=not digest)


def next_parcel(parcels: Sequence[Parcel], posts_this_hour: int) -> Parcel | None:
    """Return the first parcel that may go now.

    At the hourly cap only critical messages and edits go; what follows on an alert that is held back waits with it.
    """
    held: set[str] = set()
    for parcel in parcels:
        free = parcel.critical or parcel.call in (Call.EDIT, Call.NOTHING) or posts_this_hour < PER_HOUR
        if free and not parcel.alert_ids & held:
            return parcel
        held |= parcel.alert_ids
    return None


def wait_before_call(calls: Sequence[datetime], now: datetime) -> float:
    """Return the seconds to wait before the next call: a bucket of three that refills at one a second."""
    tokens, last = float(BURST), None
    for at in sorted(calls):
        if last is not None:
            tokens = min(float(BURST), tokens + (at - last).total_seconds() * PER_SECOND)
        tokens -= 1.0
        last = at
    if last is not None:
        tokens = min(float(BURST), tokens + max(0.0, (now - last).total_seconds()) * PER_SECOND)
    return max(0.0, (1.0 - tokens) / PER_SECOND)


def backoff(attempts: int) -> timedelta:
    """Return the pause after a failed attempt: 5 s, doubled each time, at most 15 minutes."""
    return min(LONGEST_BACKOFF, FIRST_BACKOFF * float(2 ** min(attempts, 10)))
