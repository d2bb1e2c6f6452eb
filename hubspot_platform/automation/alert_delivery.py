"""Sends what waits in the alert outbox to Slack: in order, at Slack's pace, at least once.

`automation.alerts` calls `deliver` at each tick. Slack's troubles never reach the caller: rows stay, with the reason
and the time of the next attempt; what fails for long is logged once by its alert id.
"""

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from hubspot_platform.alerting.delivery import (
    LONGEST_BACKOFF,
    PER_HOUR,
    Call,
    Desk,
    Parcel,
    Waiting,
    backoff,
    next_parcel,
    plan,
    wait_before_call,
)
from hubspot_platform.alerting.links import DagsterLinks
from hubspot_platform.alerting.messages import NO_LINKS, Mentions
from hubspot_platform.alerting.slack_text import SlackMessage
from hubspot_platform.connectors.slack import (
    Posted,
    SlackConnector,
    SlackInvalid,
    SlackLimited,
    SlackRefused,
    SlackUnavailable,
)
from hubspot_platform.state import Store, leases
from hubspot_platform.state import alert_outbox as outbox
from hubspot_platform.state.incidents import alerts_of_threads

LEASE = "alert_delivery"
LEASE_FOR = timedelta(minutes=2)
SPEND = timedelta(seconds=20)
"""A tick sends for this long at most; the sensor's own limit is 60 seconds."""

logger = logging.getLogger(__name__)

Pause = Callable[[float], None]


@dataclass(frozen=True)
class Delivery:
    """What one round did: calls made, rows still waiting, and why it stopped early (empty when it did not)."""

    sent: int = 0
    waiting: int = 0
    stopped: str = ""


@dataclass(frozen=True)
class Counter:
    """Where messages go, whom they may call, and where they lead."""

    slack: SlackConnector
    channel: str
    mentions: Mentions
    links: DagsterLinks = NO_LINKS


def deliver(store: Store, counter: Counter | None, *, pause: Pause = time.sleep) -> Delivery:
    """Send what is due, for at most 20 seconds; without a counter (no token) set it aside as suppressed.

    Only one process sends at a time; another one returns at once.
    """
    if counter is None:
        store.write(lambda conn: outbox.suppress_waiting(conn, outbox.NO_TOKEN))
        return Delivery(stopped=outbox.NO_TOKEN)
    lease = leases.try_acquire(store, LEASE, uuid.uuid4().hex, LEASE_FOR)
    if lease is None:
        return Delivery(stopped="another process is sending")
    try:
        store.write(outbox.release_suppressed)
        return _send_all(store, counter, pause)
    finally:
        leases.release(store, lease)
        _report(store)


def _send_all(store: Store, counter: Counter, pause: Pause) -> Delivery:
    sent = 0
    started = store.now()
    while True:
        now = store.now()
        if now - started >= SPEND:
            return Delivery(sent, _count(store, now), "continues at the next tick")
        rows = store.read(lambda conn, at=now: outbox.waiting(conn, at))  # type: ignore[misc]
        later = [row.next_attempt_at for row in rows if row.next_attempt_at and row.next_attempt_at > now]
        if later:
            return Delivery(sent, len(rows), f"Slack is tried again at {min(later):%H:%M:%S} UTC")
        parcel, wait = _next(store, counter, rows, now)
        if parcel is None:
            return Delivery(sent, len(rows), "hourly limit reached" if rows else "")
        if wait > 0:
            pause(wait)
        made, problem = _send(store, counter, parcel)
        sent += made
        if problem:
            return Delivery(sent, _count(store, now), problem)


def _count(store: Store, now: datetime) -> int:
    return len(store.read(lambda conn: outbox.waiting(conn, now)))


def _next(store: Store, counter: Counter, rows: Sequence[Waiting], now: datetime) -> tuple[Parcel | None, float]:
    threads = {row.thread_ts for row in rows if row.thread_ts}
    alerts, calls = store.read(
        lambda conn: (alerts_of_threads(conn, threads), outbox.sent_calls(conn, now - timedelta(hours=1)))
    )
    posts = sum(counts for _, counts in calls)
    parcel = next_parcel(plan(rows, Desk(now, counter.mentions, alerts, counter.links)), min(posts, PER_HOUR))
    return parcel, wait_before_call([at for at, _ in calls], now)


def _send(store: Store, counter: Counter, parcel: Parcel) -> tuple[int, str]:
    """Make one call and stamp its rows; returns the messages sent and why sending must stop, if it must."""
    now = store.now()
    try:
        posted = _call(counter, parcel)
    except SlackLimited as error:
        wait = timedelta(seconds=error.retry_after)
        _keep(store, parcel, "pending", error.code, now + wait)
        return 0, f"Slack asks to wait {error.retry_after:g} s"
    except SlackUnavailable as error:
        _keep(store, parcel, "pending", error.code, now + backoff(parcel.rows[0].attempts))
        return 0, str(error)
    except SlackRefused as error:
        _keep(store, parcel, "failed", str(error), now + LONGEST_BACKOFF)
        return 0, str(error)
    except SlackInvalid as error:
        _keep(store, parcel, "failed", str(error), None)
        return 0, ""
    store.write(lambda conn: _stamp(conn, parcel, posted, now))
    return int(posted is not None), ""


def _call(counter: Counter, parcel: Parcel) -> Posted | None:
    if parcel.call is Call.NOTHING:
        return None
    message = parcel.messages[0]
    try:
        return _one_call(counter, parcel, message)
    except SlackInvalid:
        # the plain text is worth more than the layout
        return _one_call(counter, parcel, replace(message, blocks=(), metadata={}))


def _one_call(counter: Counter, parcel: Parcel, message: SlackMessage) -> Posted:
    if parcel.call is Call.EDIT:
        channel = parcel.rows[0].channel or counter.channel
        return counter.slack.update(channel, parcel.thread_ts or "", message)
    return counter.slack.post(counter.channel, message, thread_ts=parcel.thread_ts, broadcast=parcel.broadcast)


def _stamp(conn: sa.Connection, parcel: Parcel, posted: Posted | None, now: datetime) -> None:
    ts = posted.ts if posted else None
    thread = parcel.thread_ts or ts
    receipt = outbox.Receipt(posted.channel if posted else None, ts, thread, parcel.adopt)
    outbox.mark_sent(conn, parcel.rows, receipt, now)
    if thread is not None and len(parcel.messages) > 1:
        outbox.continue_in_thread(conn, parcel.rows[0], parcel.messages[1:], thread, now)


def _keep(store: Store, parcel: Parcel, state: str, reason: str, again: datetime | None) -> None:
    attempt = outbox.Attempt(state, reason, again)
    store.write(lambda conn: outbox.mark_unsent(conn, parcel.rows, attempt))


def _report(store: Store) -> None:
    """Log what is not delivered, each alert once (alert rules: fallback)."""
    for alert_id, reason in store.write(lambda conn: outbox.unreported(conn, store.now())):
        logger.error("alert %s is not delivered to Slack: %s", alert_id, reason)
