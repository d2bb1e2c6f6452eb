"""The tables that remember what the central row of every company was: `funnel.profile_changes` keeps them.

The SQL model `company_change_log` reads the first; nothing else should.
"""

from hubspot_platform.warehouse.model import Column, LogicalType, Table

SCHEMA = "funnel"
PROFILE = f"{SCHEMA}.company_profile_meta_data"
EVENT_ID = "event_id"

COMPANY_PROFILE_CHANGE = Table(
    SCHEMA,
    "company_profile_change",
    (
        Column("change_id", LogicalType.TEXT, "The event that told of the change, and the column."),
        Column("company_id", LogicalType.TEXT, "The company's id in the product.", nullable=False),
        Column("field", LogicalType.TEXT, "The column of company_profile_meta_data.", nullable=False),
        Column("old_value", LogicalType.TEXT, "The value before, as text; null when there was none."),
        Column("new_value", LogicalType.TEXT, "The value from then on, as text; null when it was emptied."),
        Column(
            "source", LogicalType.TEXT, "Where it was changed: product, payments, funnel or hubspot.", nullable=False
        ),
        Column("changed_at", LogicalType.TIMESTAMP, "When it was changed there, else when it was seen."),
    ),
    key=("change_id",),
    description="Changes of companies' central rows that no history tells of: one row per change that a run found "
    "against the run before. Rows are only ever added.",
)


def seen_table(profile: dict[str, LogicalType]) -> Table:
    """Return the copy of the central rows as the last run saw them; `profile` are the columns of the view."""
    columns = [Column(name, kind) for name, kind in profile.items() if name != "updated_at"]
    return Table(
        SCHEMA,
        "company_profile_seen",
        (*columns, Column(EVENT_ID, LogicalType.TEXT, "The event that told of the row's last change.")),
        key=("company_id",),
        description="The central row of every company as it was told of last.",
    )
