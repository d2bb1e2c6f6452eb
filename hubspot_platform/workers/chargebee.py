"""The worker of Chargebee's events: each is a row of `payments.payment_events`, then told to its topics.

Late events are stored like any other: `payments.resource_copy` says which copies are stale, by their versions.
"""

from collections.abc import Sequence

from hubspot_platform.commit_points import reached
from hubspot_platform.payments.events import NoPaymentEvent, payment_event
from hubspot_platform.payments.store import store_payment_events
from hubspot_platform.runtime import Platform
from hubspot_platform.state import database_now, topics
from hubspot_platform.state.inbox import Applied, Dead, InboxEvent, Outcome


def handle_payment_events(platform: Platform, events: Sequence[InboxEvent]) -> list[Outcome]:
    """Store the events and announce them; what is no event of Chargebee is a dead letter."""
    outcomes: list[Outcome] = []
    rows, told = [], []
    for event in events:
        try:
            payment = payment_event(event.body, platform.business.payments.company_field)
        except NoPaymentEvent as error:
            outcomes.append(Dead(str(error)))
            continue
        rows.append({**payment.row, "received_at": event.received_at})
        told += [happening.event() for happening in payment.happenings()]
        outcomes.append(Applied())
    if rows:
        with platform.warehouse().writer() as session, session.transaction():
            store_payment_events(session, rows)
        reached("payments.stored")
        platform.state().write(lambda conn: topics.announce(conn, told, database_now(conn)))
    return outcomes
