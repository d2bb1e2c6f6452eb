"""The table of the inbox and the conditions its partial indexes answer.

The conditions are spelled out, without parameters: a database uses a partial index only for a query that says the
same. `state.inbox` and the migration use them.
"""

from typing import Final

import sqlalchemy as sa

from hubspot_platform.state.schema import ROW_ID, UtcTimestamp, metadata

_OPEN = sa.text("status in ('ready', 'parked')")
_PARKED = sa.text("status = 'parked'")
_LEASED = sa.text("status = 'leased'")
_DEAD = sa.text("status = 'dead'")
_FINISHED = sa.text("finished_at is not null")

INDEXES: Final = (
    ("ix_webhook_event_open", ("queue", "due_at", "id"), _OPEN),
    ("ix_webhook_event_parked", ("queue",), _PARKED),
    ("ix_webhook_event_leased", ("queue", "object_key"), _LEASED),
    ("ix_webhook_event_dead", ("queue",), _DEAD),
    ("ix_webhook_event_finished_at", ("finished_at",), _FINISHED),
)
"""Partial indexes: name, columns, condition."""

webhook_event = sa.Table(
    "webhook_event",
    metadata,
    sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("event_type", sa.Text, nullable=False),
    sa.Column("object_key", sa.Text, nullable=False),
    sa.Column("dedupe_key", sa.Text, nullable=False),
    sa.Column("source_time", UtcTimestamp, nullable=True),
    sa.Column("received_at", UtcTimestamp, nullable=False),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", UtcTimestamp, nullable=False),
    sa.Column("reason", sa.Text, nullable=True),
    sa.Column("finished_at", UtcTimestamp, nullable=True),
    sa.Column("leased_by", sa.Text, nullable=True),
    sa.Column("lease_token", sa.Text, nullable=True),
    sa.Column("lease_until", UtcTimestamp, nullable=True),
    sa.Column("deliveries", sa.Integer, nullable=False),
    sa.Column("last_delivered_at", UtcTimestamp, nullable=False),
    sa.Index("uq_webhook_event_dedupe_key", "source", "dedupe_key", unique=True),
    *(
        sa.Index(name, *columns, sqlite_where=condition, postgresql_where=condition)
        for name, columns, condition in INDEXES
    ),
)
"""One row an event. `body` is its JSON text, empty after a privacy deletion; `deliveries` counts how often it came."""


def _is(status: str) -> sa.ColumnElement[str]:
    return sa.literal_column(f"'{status}'")


OPEN: Final = webhook_event.c.status.in_([_is("ready"), _is("parked")])
PARKED: Final = webhook_event.c.status == _is("parked")
LEASED: Final = webhook_event.c.status == _is("leased")
DEAD: Final = webhook_event.c.status == _is("dead")
FINISHED: Final = webhook_event.c.finished_at.is_not(None)
