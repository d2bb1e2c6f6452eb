"""The tables that remember what single events said and copies of whole records do not: kept beside the mirror.

`change_writer` and `lifecycle` fill them, in the transaction of the rows they are about.
"""

from hubspot_platform.mirror.tables import SCHEMA
from hubspot_platform.warehouse.model import Column, LogicalType, Table

_OBJECT = Column("object", LogicalType.TEXT, "singular name of the object, for example contact", nullable=False)

EVENT_VALUE = Table(
    "_platform",
    "event_value",
    (
        _OBJECT,
        Column("object_id", LogicalType.INT, "HubSpot id of the record", nullable=False),
        Column("property", LogicalType.TEXT, "name of the property", nullable=False),
        Column("value", LogicalType.TEXT, "the value it got; null when it was cleared"),
        Column("occurred_at", LogicalType.TIMESTAMP, "when it got it, by HubSpot's clock"),
        Column("event_id", LogicalType.INT, "HubSpot's number of the event; orders events of one instant"),
        Column("unknown_option", LogicalType.BOOL, "its property has no such option: the column keeps the one before"),
        Column("applied_at", LogicalType.TIMESTAMP, "when the mirror took it over"),
        Column("settled", LogicalType.BOOL, "a copy read long after it wins over it"),
    ),
    key=("object", "object_id", "property"),
    description="The newest event of each property that is newer than the record's own copy; a sync that reads an "
    "older copy of the record does not undo it.",
)

OBJECT_STATE = Table(
    "_platform",
    "object_state",
    (
        _OBJECT,
        Column("object_id", LogicalType.INT, "HubSpot id of the record", nullable=False),
        Column("state", LogicalType.TEXT, "live, deleted, or purged: forgotten for good"),
        Column("occurred_at", LogicalType.TIMESTAMP, "when it became that, by HubSpot's clock"),
        Column("applied_at", LogicalType.TIMESTAMP, "when the mirror took it over"),
    ),
    key=("object", "object_id"),
    description="What the last event about the existence of a record said: older ones do not undo it.",
)

ASSOCIATION_CHANGE = Table(
    SCHEMA,
    "association_change",
    (
        Column("from_object", LogicalType.TEXT, "singular name of the object it leads from", nullable=False),
        Column("from_id", LogicalType.INT, "HubSpot id of the record it leads from", nullable=False),
        Column("to_object", LogicalType.TEXT, "singular name of the object it leads to", nullable=False),
        Column("to_id", LogicalType.INT, "HubSpot id of the record it leads to", nullable=False),
        Column("association_type", LogicalType.TEXT, "as the event names it: DEAL_TO_CONTACT", nullable=False),
        Column("changed_at", LogicalType.TIMESTAMP, "when, by HubSpot's clock", nullable=False),
        Column("removed", LogicalType.BOOL, "whether it was removed; else it was added", nullable=False),
        Column("is_primary", LogicalType.BOOL, "whether it is the primary one"),
        Column("source", LogicalType.TEXT, "what changed it, for example CRM_UI or INTEGRATION"),
        Column("_fivetran_synced", LogicalType.TIMESTAMP, "when the mirror took it over"),
    ),
    key=("from_object", "from_id", "to_object", "to_id", "association_type", "changed_at", "removed"),
    description="Associations that events said were added or removed, one row each time.",
)

TABLES = (EVENT_VALUE, OBJECT_STATE, ASSOCIATION_CHANGE)
