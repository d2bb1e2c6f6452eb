"""The inbox: every event that reached us from outside, stored before anything is done about it.

The gateway and `ingest` store events; the workers claim them under a lease, queue by queue and one object at a time,
and finish each with an outcome. Nothing is lost in between: what a worker cannot do is retried, parked or kept as a
dead letter with its reason, and everything stored can be replayed.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa

from hubspot_platform.state.errors import LeaseLost
from hubspot_platform.state.inbox_rows import insert_rows, note_repeated
from hubspot_platform.state.inbox_table import DEAD, FINISHED, LEASED, OPEN, PARKED, webhook_event
from hubspot_platform.state.store import Store

MAX_ATTEMPTS: Final = 8
"""An event is tried this often, then it is a dead letter; the workers' engine counts the same way."""

_SUSPECT_AFTER = 3
_LEASE_EXPIRED = "the worker that held it died or hung"

Source = Literal["hubspot", "chargebee", "jira", "topic"]
Status = Literal["ready", "leased", "done", "duplicate", "parked", "dead"]


@dataclass
class NewEvent:
    """One event to store; not frozen, because thousands are made a second and that would be half of it.

    `object_key` names what is worked on by one at a time (`company:123`), `dedupe_key` the event itself, once per
    source. `body` is its JSON document. Malformed or quarantined events come with status `dead`, events nobody wants
    with `done`, both with the reason.
    """

    source: Source
    queue: str
    event_type: str
    object_key: str
    dedupe_key: str
    source_time: datetime | None
    body: bytes
    route: str = ""
    status: Literal["ready", "done", "dead"] = "ready"
    reason: str | None = None


@dataclass(frozen=True)
class Stored:
    """How many events of a delivery are new, and how many were there already."""

    accepted: int
    duplicates: int


@dataclass(frozen=True)
class InboxEvent:
    """One claimed event; `attempts` counts this claim, `lease_token` is what `finish` checks."""

    id: int
    source: Source
    queue: str
    event_type: str
    object_key: str
    dedupe_key: str
    source_time: datetime | None
    received_at: datetime
    body: bytes
    attempts: int
    lease_token: str


_CLAIMED = [webhook_event.c[field.name] for field in fields(InboxEvent)]


@dataclass(frozen=True)
class Applied:
    """The event took effect, or had nothing left to change."""


@dataclass(frozen=True)
class Duplicate:
    """The event repeats, or is older than, something that already took effect."""

    reason: str


@dataclass(frozen=True)
class Retry:
    """The event is tried again at `due_at`."""

    due_at: datetime
    reason: str


@dataclass(frozen=True)
class Parked:
    """The event waits until `due_at` for something else to exist."""

    due_at: datetime
    reason: str


@dataclass(frozen=True)
class Dead:
    """The event is given up and kept as a dead letter."""

    reason: str


Outcome = Applied | Duplicate | Retry | Parked | Dead


@dataclass(frozen=True)
class Depth:
    """How full a queue is; `oldest_ready_at` is when the longest waiting ready event was received."""

    ready: int = 0
    leased: int = 0
    parked: int = 0
    dead: int = 0
    oldest_ready_at: datetime | None = None


def store_events(conn: sa.Connection, events: Sequence[NewEvent], now: datetime) -> Stored:
    """Store the events of one delivery; those whose dedupe key is known only count one more delivery."""
    repeated = insert_rows(conn, events, now)
    if repeated:
        note_repeated(conn, repeated, now)
    return Stored(len(events) - len(repeated), len(repeated))


def claim(
    conn: sa.Connection, queue: str, holder: str, now: datetime, *, limit: int, lease: timedelta
) -> list[InboxEvent]:
    """Lease the events of a queue that are due to a holder, longest due first, at most `limit`.

    Events of an object somebody else holds are left for later. An expired lease counts as a failed attempt; after
    two of them the event is handed out alone, so that it takes no neighbours down with it, and after MAX_ATTEMPTS
    it is a dead letter.
    """
    _one_claim_at_a_time(conn, queue)
    _take_back(conn, queue, now)
    ids = _due(conn, queue, now, limit)
    if not ids:
        return []
    token = uuid.uuid4().hex
    c = webhook_event.c
    conn.execute(
        sa.update(webhook_event)
        .where(c.id.in_(ids))
        .values(
            status="leased",
            attempts=c.attempts + 1,
            leased_by=holder,
            lease_token=token,
            lease_until=now + lease,
            reason=None,
        )
    )
    rows = conn.execute(sa.select(*_CLAIMED).where(c.id.in_(ids)).order_by(c.due_at, c.id))
    return [_inbox_event(row) for row in rows]


def finish(conn: sa.Connection, claimed: Sequence[InboxEvent], outcomes: Sequence[Outcome], now: datetime) -> None:
    """Give each claimed event its outcome, all or none.

    Raises LeaseLost when one of them was claimed by another worker or put back since; nothing is written then.
    """
    by_outcome: dict[tuple[str, Outcome], list[int]] = {}
    for event, outcome in zip(claimed, outcomes, strict=True):
        by_outcome.setdefault((event.lease_token, outcome), []).append(event.id)
    c = webhook_event.c
    for (token, outcome), ids in by_outcome.items():
        released = {"leased_by": None, "lease_token": None, "lease_until": None}
        written = conn.execute(
            sa.update(webhook_event)
            .where(c.id.in_(ids), c.lease_token == token, LEASED)
            .values(**_columns(outcome, now), **released)
        ).rowcount
        if written != len(ids):
            raise LeaseLost(f"{claimed[0].queue}, {len(ids) - written} of {len(claimed)} events", claimed[0].attempts)


def depths(conn: sa.Connection, now: datetime) -> dict[str, Depth]:
    """Return how full each queue is that holds anything unfinished or dead; an expired lease counts as ready."""
    c = webhook_event.c
    found: dict[str, dict[str, Any]] = {}
    for name, condition in (("ready", OPEN), ("leased", LEASED), ("parked", PARKED), ("dead", DEAD)):
        query = sa.select(c.queue, sa.func.count()).where(condition).group_by(c.queue)
        for queue, count in conn.execute(query):
            found.setdefault(queue, {})[name] = count
    expired = sa.select(c.queue, sa.func.count()).where(LEASED, c.lease_until <= now).group_by(c.queue)
    again = {row.queue: row[1] for row in conn.execute(expired)}
    for queue, counts in found.items():
        # the index of what is open holds ready and parked events; counting it by status would read every row
        counts["ready"] = counts.get("ready", 0) - counts.get("parked", 0) + again.get(queue, 0)
        counts["leased"] = counts.get("leased", 0) - again.get(queue, 0)
        if counts["ready"]:
            counts["oldest_ready_at"] = _oldest_ready(conn, queue, now)
    return {queue: Depth(**counts) for queue, counts in found.items()}


def _oldest_ready(conn: sa.Connection, queue: str, now: datetime) -> datetime | None:
    """Return when the longest waiting ready event was received: the one with the lowest id."""
    c = webhook_event.c
    ready = sa.select(c.id).where(OPEN, c.queue == queue, c.id.not_in(sa.select(c.id).where(PARKED)))
    expired = sa.select(c.id).where(LEASED, c.queue == queue, c.lease_until <= now)
    lowest = [conn.execute(sa.select(sa.func.min(part.subquery().c.id))).scalar_one() for part in (ready, expired)]
    first = min((each for each in lowest if each is not None), default=None)
    return conn.execute(sa.select(c.received_at).where(c.id == first)).scalar()


def is_due(conn: sa.Connection, queue: str, now: datetime) -> bool:
    """Say whether a claim of the queue would find anything, apart from objects somebody holds."""
    c = webhook_event.c
    waiting = sa.select(c.id).where(OPEN, c.queue == queue, c.due_at <= now).limit(1)
    expired = sa.select(c.id).where(LEASED, c.queue == queue, c.lease_until <= now).limit(1)
    return any(conn.execute(query).first() is not None for query in (waiting, expired))


def count_waiting(conn: sa.Connection, at_most: int) -> int:
    """Return how many events wait to be worked on, counting no further than `at_most`."""
    waiting = sa.select(webhook_event.c.id).where(OPEN).limit(at_most).subquery()
    return int(conn.execute(sa.select(sa.func.count()).select_from(waiting)).scalar_one())


def replay(
    conn: sa.Connection,
    *,
    queues: Collection[str] | None = None,
    ids: Collection[int] | None = None,
    statuses: Collection[Status] = frozenset[Status]({"dead"}),
) -> int:
    """Put events back as new and return how many: of these queues, with these ids (None: all), in these statuses.

    What is leased is being worked on and stays; what a privacy deletion emptied is gone.
    """
    c = webhook_event.c
    chosen = [c.status.in_([status for status in statuses if status != "leased"]), c.body != ""]
    if queues is not None:
        chosen.append(c.queue.in_(queues))
    if ids is not None:
        chosen.append(c.id.in_(ids))
    fresh = {"status": "ready", "attempts": 0, "reason": None, "finished_at": None, "due_at": c.received_at}
    return conn.execute(sa.update(webhook_event).where(*chosen).values(**fresh)).rowcount


def prune(conn: sa.Connection, before: datetime, *, dead_before: datetime | None = None, at_most: int = 20_000) -> int:
    """Delete events finished before an instant, dead letters before `dead_before` (none when None); returns how many.

    At most `at_most` go in one transaction, so that the door never waits long for it.
    """
    c = webhook_event.c
    old = sa.and_(c.finished_at < before, c.status != "dead")
    if dead_before is not None:
        old = sa.or_(old, sa.and_(c.finished_at < dead_before, c.status == "dead"))
    page = sa.select(c.id).where(FINISHED, old).limit(at_most)
    return conn.execute(sa.delete(webhook_event).where(c.id.in_(page))).rowcount


def purge_objects(store: Store, source: Source, object_keys: Collection[str]) -> int:
    """Do as `purge_object` for several objects, looking for their events before the transaction that empties them.

    A large inbox is searched for a second or more; the doors need not wait for that.
    """
    c = webhook_event.c
    wanted = (c.source == source, c.object_key.in_(sorted(object_keys)))
    last = store.read(lambda conn: conn.execute(sa.select(sa.func.max(c.id))).scalar_one()) or 0
    ids = store.read(lambda conn: list(conn.scalars(sa.select(c.id).where(*wanted, c.id <= last))))
    return store.write(lambda conn: _empty(conn, *wanted, sa.or_(c.id.in_(ids), c.id > last)))


def forget_addresses(store: Store, addresses: Collection[str]) -> int:
    """Empty events of topics about e-mail addresses (in lower case), and take the address out of their key.

    For a privacy deletion, as `purge_objects`; returns how many events.
    """
    c = webhook_event.c
    about = (c.source == "topic", sa.func.lower(c.object_key).in_(sorted(addresses)))
    last = store.read(lambda conn: conn.execute(sa.select(sa.func.max(c.id))).scalar_one()) or 0
    ids = store.read(lambda conn: list(conn.scalars(sa.select(c.id).where(*about, c.id <= last))))

    def work(conn: sa.Connection) -> int:
        chosen = (*about, sa.or_(c.id.in_(ids), c.id > last))
        _empty(conn, *chosen)
        return conn.execute(sa.update(webhook_event).where(*chosen).values(object_key="")).rowcount

    return store.write(work)


def purge_object(conn: sa.Connection, source: Source, object_key: str) -> int:
    """Empty the bodies of an object's events for a privacy deletion; returns how many held something.

    Those still waiting are done with that; their rows, without content, stay for the counts.
    """
    return _empty(conn, webhook_event.c.source == source, webhook_event.c.object_key == object_key)


def _empty(conn: sa.Connection, *chosen: sa.ColumnElement[bool]) -> int:
    c = webhook_event.c
    reason = "emptied by a privacy deletion"
    waiting = sa.case((OPEN, "done"), else_=c.status)
    values = {"body": "", "status": waiting, "reason": reason, "finished_at": sa.func.coalesce(c.finished_at, c.due_at)}
    leased = sa.update(webhook_event).where(*chosen, c.body != "", LEASED).values(body="")
    others = sa.update(webhook_event).where(*chosen, c.body != "", sa.not_(LEASED)).values(**values)
    return conn.execute(leased).rowcount + conn.execute(others).rowcount


def dead_letters(conn: sa.Connection, queue: str | None = None, limit: int = 100) -> list[Mapping[str, Any]]:
    """Return the newest dead letters without their bodies: id, source, queue, type, object, attempts, reason, times."""
    c = webhook_event.c
    shown = (c.id, c.source, c.queue, c.event_type, c.object_key, c.attempts, c.reason, c.received_at, c.finished_at)
    query = sa.select(*shown).where(DEAD).order_by(c.id.desc()).limit(limit)
    if queue is not None:
        query = query.where(c.queue == queue)
    return [dict(row) for row in conn.execute(query).mappings()]


def _one_claim_at_a_time(conn: sa.Connection, queue: str) -> None:
    """Let claims of a queue follow each other, or two could take events of one object; SQLite has one writer anyway."""
    if conn.dialect.name == "postgresql":
        key = sa.func.hashtextextended(f"inbox:{queue}", 0)
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def _take_back(conn: sa.Connection, queue: str, now: datetime) -> None:
    c = webhook_event.c
    expired = (LEASED, c.queue == queue, c.lease_until <= now)
    if conn.execute(sa.select(c.id).where(*expired).limit(1)).first() is None:
        return
    freed = {"leased_by": None, "lease_token": None, "lease_until": None, "reason": _LEASE_EXPIRED}
    spent = c.attempts >= MAX_ATTEMPTS
    conn.execute(sa.update(webhook_event).where(*expired, spent).values(status="dead", finished_at=now, **freed))
    conn.execute(sa.update(webhook_event).where(*expired).values(status="ready", **freed))


def _due(conn: sa.Connection, queue: str, now: datetime, limit: int) -> list[int]:
    c, other = webhook_event.c, webhook_event.alias("other")
    held = sa.exists().where(
        other.c.status == sa.literal_column("'leased'"),
        other.c.queue == c.queue,
        other.c.object_key == c.object_key,
    )
    query = (
        sa.select(c.id, c.attempts, c.reason)
        .where(OPEN, c.queue == queue, c.due_at <= now, ~held)
        .order_by(c.due_at, c.id)
        .limit(limit)
    )
    ids: list[int] = []
    for row in conn.execute(query):
        if row.attempts + 1 >= _SUSPECT_AFTER and row.reason == _LEASE_EXPIRED:
            return ids or [row.id]
        ids.append(row.id)
    return ids


def _columns(outcome: Outcome, now: datetime) -> dict[str, Any]:
    match outcome:
        case Applied():
            return {"status": "done", "finished_at": now}
        case Duplicate(reason):
            return {"status": "duplicate", "finished_at": now, "reason": reason}
        case Dead(reason):
            return {"status": "dead", "finished_at": now, "reason": reason}
        case Retry(due_at, reason):
            return {"status": "ready", "due_at": due_at, "reason": reason}
        case Parked(due_at, reason):
            return {"status": "parked", "due_at": due_at, "reason": reason}


def _inbox_event(row: Sequence[Any]) -> InboxEvent:
    """Return the event of a row of `_CLAIMED`."""
    values = dict(zip(InboxEvent.__dataclass_fields__, row, strict=True))
    return InboxEvent(**{**values, "body": values["body"].encode()})
