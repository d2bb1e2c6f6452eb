"""Delayed re-runs: a trigger asks for a company or contact to be computed at once, after 6 and after 30 minutes.

The asset `attribution/attribution_run` takes triggers from their topic, the sensor `delayed_attribution` asks for a
run when one is due, and `attribution/published_attribution` closes what a run satisfied and publishes which companies
came out differently. Every step may be repeated: rows are merged by key, events have a key of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from hubspot_platform.attribution.tables import ATTRIBUTION_RUN, PUBLISHED_ATTRIBUTION
from hubspot_platform.runtime import Platform
from hubspot_platform.state import database_now, topics
from hubspot_platform.topics.models import CompanyAttributionUpdated, DelayedAttributionTrigger
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.model import Table

SUBSCRIBER = "matrix.delayed_attribution"
DELAYS = (timedelta(0), timedelta(minutes=6), timedelta(minutes=30))
MOST_ATTEMPTS = 5
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
    events = [
        DelayedAttributionTrigger(
            event_id=f"mobile_signup:{row['event_id']}", occurred_at=now, company_id=row["company_id"]
        ).event()
        for row in rows
    ]
    return _announce(platform, events)


def _announce(platform: Platform, events: Sequence[topics.Event]) -> int:
    """Publish events, some at a time, so that no transaction holds the state store for long."""
    published = 0
    for start in range(0, len(events), _EVENTS_AT_ONCE):
        some = events[start : start + _EVENTS_AT_ONCE]
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

    A run that was asked for waits longer each time; after five attempts it is given up, which check T21 shows.
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
    asked = [row["due_at"] for row in due if row["attempts"] < MOST_ATTEMPTS]
    return min(asked, default=None)


def _attempted(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    attempts = int(row["attempts"]) + 1
    if attempts > MOST_ATTEMPTS:
        return {**row, "error": f"not computed after {MOST_ATTEMPTS} attempts"}
    return {**row, "attempts": attempts, "next_attempt_at": now + backoff(attempts)}


def finish(platform: Platform) -> Finished:
    """Publish what changed since the last time, and close every run that this computation satisfied.

    Only companies are told of; of contacts the touch is kept with which a later run compares.
    """
    with platform.warehouse().writer() as session:
        session.ensure(ATTRIBUTION_RUN)
        session.ensure(PUBLISHED_ATTRIBUTION)
        changes = session.query(_CHANGES).to_pylist()
    published = _announce(platform, [_event(change) for change in changes])
    # The events are durable first: a run killed here finds the same differences again, and so the same event keys.
    with platform.warehouse().writer() as session, session.transaction():
        of_contacts = session.query(_CHANGES_OF_CONTACTS).to_pylist() if session.columns(_CONTACTS) else []
        kept = [*changes, *of_contacts]
        runs = _close_runs(session, {(change["entity_type"], change["entity_id"]) for change in kept})
        if kept:
            rows = [{name: change.get(name) for name in PUBLISHED_ATTRIBUTION.column_names} for change in kept]
            session.merge(PUBLISHED_ATTRIBUTION, _rows(PUBLISHED_ATTRIBUTION, rows))
    return Finished(runs, len(changes), published)


_CHANGES = """
    select
        'company' as entity_type, s.company_id as entity_id, s.computed_at as changed_at,
        s.first_touchpoint_id, s.last_touchpoint_id, s.limited_touchpoint_id,
        p.first_touchpoint_id as old_first, p.last_touchpoint_id as old_last, p.limited_touchpoint_id as old_limited,
        p.changed_at as old_changed_at
    from attribution.company_summary as s
    left join attribution.published_attribution as p on p.entity_type = 'company' and p.entity_id = s.company_id
    where s.first_touchpoint_id is distinct from p.first_touchpoint_id
        or s.last_touchpoint_id is distinct from p.last_touchpoint_id
        or s.limited_touchpoint_id is distinct from p.limited_touchpoint_id
    order by s.company_id"""

_CONTACTS = "attribution.contact_profile_attribution_first"
_CHANGES_OF_CONTACTS = f"""
    select distinct
        'contact' as entity_type, s.email as entity_id, s.computed_at as changed_at,
        s.touchpoint_id as first_touchpoint_id
    from attribution.attribution_run as r
    join {_CONTACTS} as s on s.email = r.entity_id
    left join attribution.published_attribution as p on p.entity_type = 'contact' and p.entity_id = s.email
    where r.entity_type = 'contact' and r.started_at is null and r.due_at <= s.computed_at
        and s.touchpoint_id is distinct from p.first_touchpoint_id"""

_SATISFIED = """
    select
        r.entity_type, r.entity_id, r.triggered_at, r.run_number, r.due_at, r.attempts,
        s.computed_at as started_at, s.n_touchpoints
    from attribution.attribution_run as r
    join {table} as s on s.{key} = r.entity_id
    where r.entity_type = '{entity}' and r.started_at is null and r.due_at <= s.computed_at"""


def _close_runs(session: Session, changed: set[tuple[str, str]]) -> int:
    """Mark every due run of what was computed; one computation satisfies all that are overdue."""
    rows = session.query(
        _SATISFIED.format(table="attribution.company_summary", key="company_id", entity="company")
    ).to_pylist()
    if session.columns(_CONTACTS):
        rows += session.query(_SATISFIED.format(table=_CONTACTS, key="email", entity="contact")).to_pylist()
    for row in rows:
        row.update(changed=(row["entity_type"], row["entity_id"]) in changed, next_attempt_at=None, error=None)
    if rows:
        session.merge(ATTRIBUTION_RUN, _rows(ATTRIBUTION_RUN, rows))
    return len(rows)


def _event(change: Mapping[str, Any]) -> topics.Event:
    """Return the event of one company; its key is the same whenever the same difference is found again."""
    old = {model: change[f"old_{column}"] for model, column in _MODELS.items()}
    new = {model: change[f"{column}_touchpoint_id"] for model, column in _MODELS.items()}
    before = change["old_changed_at"].isoformat() if change["old_changed_at"] else "never"
    return CompanyAttributionUpdated(
        event_id=f"{change['entity_id'][:80]}:{before}",
        occurred_at=change["changed_at"],
        company_id=change["entity_id"],
        models=tuple(model for model in _MODELS if old[model] != new[model]),
        old_touchpoint_ids=old,
        new_touchpoint_ids=new,
    ).event()


def _rows(table: Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return the rows with those of the table's columns that any of them names; the others keep what is stored."""
    named = [column for column in table.columns if any(column.name in row for row in rows)]
    return pa.table({c.name: pa.array([row.get(c.name) for row in rows], c.type.arrow) for c in named})
