"""The table of payment events: every event Chargebee sent or listed, once, whatever its order.

`payments.events` fills it from the inbox; the SQL models of `sql/payments` read it.
"""

from hubspot_platform.warehouse.model import Column, Index, LogicalType, Table

SCHEMA = "payments"

PAYMENT_EVENTS = Table(
    SCHEMA,
    "payment_events",
    (
        Column("event_id", LogicalType.TEXT, "Chargebee's id of the event"),
        Column("event_type", LogicalType.TEXT, "what happened, unknown types too", nullable=False),
        Column("occurred_at", LogicalType.TIMESTAMP, "when it happened", nullable=False),
        Column("resource_version", LogicalType.INT, "version of the resource the event is about; orders its copies"),
        Column("subscription_id", LogicalType.TEXT),
        Column("customer_id", LogicalType.TEXT),
        Column("invoice_id", LogicalType.TEXT),
        Column("transaction_id", LogicalType.TEXT),
        Column("content", LogicalType.JSON, "full copies of the resources by their names", nullable=False),
        Column("received_at", LogicalType.TIMESTAMP, "when the platform stored it first", nullable=False),
    ),
    key=("event_id",),
    description="Chargebee's events as they were sent: all of them, those that arrived late and those of unknown types "
    "as well.",
    indexes=(
        Index("ix_payment_events_occurred_at", "occurred_at"),
        Index("ix_payment_events_subscription_id", "subscription_id"),
    ),
)
