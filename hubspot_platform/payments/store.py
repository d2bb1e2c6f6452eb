"""Writing payment events: each event id once, the first copy stays."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from hubspot_platform.payments.tables import PAYMENT_EVENTS
from hubspot_platform.warehouse import Session

_IDS_PER_STATEMENT = 500


def store_payment_events(session: Session, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Store the events that are not there yet and return the ids of those that were.

    An event says the same whenever it comes, so the copy that came first is kept, with its `received_at`.
    """
    session.ensure(PAYMENT_EVENTS)
    ids = [row["event_id"] for row in rows]
    there: set[str] = set()
    for start in range(0, len(ids), _IDS_PER_STATEMENT):
        part = ids[start : start + _IDS_PER_STATEMENT]
        marks = ", ".join("?" * len(part))
        sql = f"select event_id from {PAYMENT_EVENTS.qualified} where event_id in ({marks})"
        there |= set(session.query(sql, part)["event_id"].to_pylist())
    new = {row["event_id"]: row for row in reversed(rows) if row["event_id"] not in there}
    if new:
        session.merge(PAYMENT_EVENTS, pa.Table.from_pylist(list(new.values()), schema=PAYMENT_EVENTS.arrow_schema()))
    return there
