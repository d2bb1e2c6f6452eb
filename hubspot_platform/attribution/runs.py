"""Delayed re-runs: a trigger asks for a company or contact to be computed at once, after 6 and after 30 minutes.

The asset `attribution/attribution_run` takes triggers from their topic, the sensor `delayed_attribution` asks for a
run when one is due, and `attribution/published_attribution` closes what a run satisfied and publishes which companies
came out differently. Every step may be repeated: rows are merged by key, events have a key of their own.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from pydantic import ValidationError

from hubspot_platform.attribution.tables import ATTRIBUTION_RUN, PUBLISHED_ATTRIBUTION
from hubspot_platform.runtime import Platform
from hubspot_platform.state import database_now, topics
from hubspot_platform.topics.models import CompanyAttributionUpdated, DelayedAttributionTrigger
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.model import Table

SUBSCRIBER = "matrix.delayed_attribution"
DELAYS = (timedelta(0), timedelta(minutes=6), timedelta(minutes=30))
MOST_RETRIES = 5
FIRST_BACKOFF = timedelta(minutes=1)
SIGNUPS_SINCE = timedelta(days=1)
"""Mobile sign-ups older than this when they land trigger nothing: the run that reads them comes late enough."""

_EVENTS_AT_ONCE = 500
_MODELS = {"first": "first", "last": "last", "first_limited": "limited"}


@dataclass(frozen=True)
class Finished:
    """What one computation closed: due runs, companies that came out differently, events published."""

    runs: int
    changed: int
    published: int


def scheduled(entity_type: str, entity_id: str, triggered_at: datetime) -> list[dict[str, Any]]:
    """Return the three runs of a trigger as rows of `attribution_run`."""
    return [
        {
            "entity_type": entity_type,
            "entity_id": entity_id,
            "triggered_at": triggered_at,
            "run_number": number,
            "due_at": triggered_at + delay,
        }
        for number, delay in enumerate(DELAYS)
    ]


def backoff(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts: 1 minute, doubling."""
    return FIRST_BACKOFF * (1 << max(attempts - 1, 0))


def announce_signups(platform: Platform) -> int:
    """Publish a trigger for each mobile sign-up of the last day, once for ever; returns how many are new.

    The trigger happens now: a sign-up may land hours after it was made, and its runs are late from then on.
    """
    now = platform.clock()
    with platform.warehouse().writer() as session:
        if not session.columns("product.mobile_signup"):
            return 0
        sql = "select event_id, company_id from product.mobile_signup where occurred_at between ? and ?"
        rows = session.query(sql, [now - SIGNUPS_SINCE, now]).to_pylist()
    events = (event for row in rows if (event := _trigger(row, now)) is not None)
    return _announce(platform, events)


def _trigger(signup: Mapping[str, Any], now: datetime) -> topics.Event | None:
    """Return the trigger of a sign-up; None for ids no topic takes, which no subscriber could use."""
    try:
        return DelayedAttributionTrigger(
            event_id=f"mobile_signup:{signup['event_id']}", occurred_at=now, company_id=signup["company_id"]
        ).event()
    except ValidationError:
        return None


def _announce(platform: Platform, events: Iterable[topics.Event]) -> int:
    """Publish events, some at a time, so that no transaction holds the state store for long."""
    published, left = 0, iter(events)
    while some := list(islice(left, _EVENTS_AT_ONCE)):
        published += platform.state().write(partial(_announce_some, some))
    return published


def _announce_some(events: Sequence[topics.Event], conn: sa.Connection) -> int:
    return topics.announce(conn, events, database_now(conn))


def take_triggers(platform: Platform) -> int:
    """Turn unread triggers into runs; returns how many triggers. A trigger read twice makes the same rows."""
    store, taken, name = platform.state(), 0, DelayedAttributionTrigger.topic
    with platform.warehouse().writer() as session:
        session.ensure(ATTRIBUTION_RUN)
    while True:
        events = store.read(lambda conn: topics.read(conn, name, SUBSCRIBER, _EVENTS_AT_ONCE))
        if not events:
            return taken
        triggers = [DelayedAttributionTrigger.model_validate(event.payload) for event in events]
        rows = [row for found in triggers for row in scheduled(*_entity(found), found.occurred_at)]
        with platform.warehouse().writer() as session:
            session.merge(ATTRIBUTION_RUN, _rows(ATTRIBUTION_RUN, rows))
        store.write(partial(_acknowledge, events[-1].position))
        taken += len(events)


def _entity(trigger: DelayedAttributionTrigger) -> tuple[str, str]:
    """Return type and id of what is to be looked at; an address as `attribution.contact` has it."""
    if trigger.company_id is not None:
        return "company", trigger.company_id
    return "contact", trigger.key.strip().lower()


def _acknowledge(position: int, conn: sa.Connection) -> None:
    topics.acknowledge(conn, DelayedAttributionTrigger.topic, SUBSCRIBER, position, database_now(conn))


def ask(platform: Platform) -> datetime | None:
    """Note an attempt of every run that is due and return the oldest due time, or None when nothing is.

    A run that was asked for waits longer each time; after five retries it is given up, which check T21 shows.
    """
    now, runs = platform.clock(), ATTRIBUTION_RUN.qualified
    with platform.warehouse().writer() as session:
        session.ensure(ATTRIBUTION_RUN)
        due = session.query(
            f"select entity_type, entity_id, triggered_at, run_number, due_at, coalesce(attempts, 0) as attempts "
            f"from {runs} where started_at is null and error is null and due_at <= ? "
            f"and coalesce(next_attempt_at, due_at) <= ?",
            [now, now],
        ).to_pylist()
        if not due:
            return None
        session.merge(ATTRIBUTION_RUN, _rows(ATTRIBUTION_RUN, [_attempted(row, now) for row in due]))
    asked = [row["due_at"] for row in due if row["attempts"] <= MOST_RETRIES]
    return min(asked, default=None)


def _attempted(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    attempts = int(row["attempts"]) + 1
    if attempts > 1 + MOST_RETRIES:
        return {**row, "error": f"not computed after {MOST_RETRIES} retries"}
    return {**row, "attempts": attempts, "next_attempt_at": now + backoff(attempts)}


def finish(platform: Platform) -> Finished:
    """Publish what changed since the last time, and close every run that this computation satisfied.

    A change is noted before it is published, and a change noted but not published, since the run was killed, is
    published before the next is noted: every change is told of once and in order. Of contacts nobody is told.
    """
    with platform.warehouse().writer() as session:
        session.ensure(ATTRIBUTION_RUN)
        session.ensure(PUBLISHED_ATTRIBUTION)
    published = _publish_noted(platform)
    with platform.warehouse().writer() as session, session.transaction():
        changed = session.query(_CHANGES)
        session.merge(PUBLISHED_ATTRIBUTION, changed)
        if session.columns(_CONTACTS):
            session.execute(_FORGOTTEN_CONTACTS)
            session.merge(PUBLISHED_ATTRIBUTION, session.query(_CHANGES_OF_CONTACTS))
    published += _publish_noted(platform)
    with platform.warehouse().writer() as session, session.transaction():
        return Finished(_close_runs(session), changed.num_rows, published)


_CHANGES = """
    select
        'company' as entity_type, s.company_id as entity_id, s.computed_at as changed_at,
        s.first_touchpoint_id, s.last_touchpoint_id, s.limited_touchpoint_id,
        p.first_touchpoint_id as old_first_touchpoint_id, p.last_touchpoint_id as old_last_touchpoint_id,
        p.limited_touchpoint_id as old_limited_touchpoint_id, false as is_announced
    from attribution.company_summary as s
    left join attribution.published_attribution as p on p.entity_type = 'company' and p.entity_id = s.company_id
    where s.first_touchpoint_id is distinct from p.first_touchpoint_id
        or s.last_touchpoint_id is distinct from p.last_touchpoint_id
        or s.limited_touchpoint_id is distinct from p.limited_touchpoint_id"""

_CONTACTS = "attribution.contact_profile_attribution_first"
_CHANGES_OF_CONTACTS = f"""
    select
        'contact' as entity_type, s.email as entity_id, s.computed_at as changed_at,
        s.touchpoint_id as first_touchpoint_id, p.first_touchpoint_id as old_first_touchpoint_id, true as is_announced
    from {_CONTACTS} as s
    left join attribution.published_attribution as p on p.entity_type = 'contact' and p.entity_id = s.email
    where s.touchpoint_id is distinct from p.first_touchpoint_id"""
_FORGOTTEN_CONTACTS = f"""
    delete from attribution.published_attribution as p
    where p.entity_type = 'contact' and not exists (select 1 from {_CONTACTS} as s where s.email = p.entity_id)"""

_NOTED = """
    select * from attribution.published_attribution as p where p.entity_type = 'company' and not p.is_announced
    order by p.entity_id"""


def _publish_noted(platform: Platform) -> int:
    """Publish every change that was noted and not yet published; returns how many events are new."""
    with platform.warehouse().writer() as session:
        noted = session.query(_NOTED)
    changes = (change for some in noted.to_batches(_EVENTS_AT_ONCE) for change in some.to_pylist())
    published = _announce(platform, (event for change in changes if (event := _event(change)) is not None))
    if noted.num_rows:
        told = noted.select(["entity_type", "entity_id"])
        with platform.warehouse().writer() as session:
            session.merge(PUBLISHED_ATTRIBUTION, told.append_column("is_announced", pa.array([True] * len(told))))
    return published


_SATISFIED = """
    select
        r.entity_type, r.entity_id, r.triggered_at, r.run_number, r.due_at, r.attempts,
        s.computed_at as started_at, s.n_touchpoints, coalesce(p.changed_at = s.computed_at, false) as changed
    from attribution.attribution_run as r
    join {table} as s on s.{key} = r.entity_id
    left join attribution.published_attribution as p
        on p.entity_type = r.entity_type and p.entity_id = r.entity_id
    where r.entity_type = '{entity}' and r.started_at is null and r.due_at <= s.computed_at"""


def _close_runs(session: Session) -> int:
    """Mark every due run of what was computed; one computation satisfies all that are overdue."""
    rows = session.query(
        _SATISFIED.format(table="attribution.company_summary", key="company_id", entity="company")
    ).to_pylist()
    if session.columns(_CONTACTS):
        rows += session.query(_SATISFIED.format(table=_CONTACTS, key="email", entity="contact")).to_pylist()
    for row in rows:
        row.update(next_attempt_at=None, error=None)
    if rows:
        session.merge(ATTRIBUTION_RUN, _rows(ATTRIBUTION_RUN, rows))
    return len(rows)


def _event(change: Mapping[str, Any]) -> topics.Event | None:
    """Return the event of one company; its key is the same whenever the same change is found again.

    None for an id no topic takes, which no subscriber could use: its change is stored and told to nobody.
    """
    old = {model: change[f"old_{column}_touchpoint_id"] for model, column in _MODELS.items()}
    new = {model: change[f"{column}_touchpoint_id"] for model, column in _MODELS.items()}
    ways = hashlib.sha256(repr((change["entity_id"], old, new)).encode()).hexdigest()[:12]
    try:
        return CompanyAttributionUpdated(
            event_id=f"{change['entity_id'][:80]}:{change['changed_at'].isoformat()}:{ways}",
            occurred_at=change["changed_at"],
            company_id=change["entity_id"],
            models=tuple(model for model in _MODELS if old[model] != new[model]),
            old_touchpoint_ids=old,
            new_touchpoint_ids=new,
        ).event()
    except ValidationError:
        return None


def _rows(table: Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return the rows with those of the table's columns that any of them names; the others keep what is stored."""
    named = [column for column in table.columns if any(column.name in row for row in rows)]
    return pa.table({c.name: pa.array([row.get(c.name) for row in rows], c.type.arrow) for c in named})
