"""The attribution tables that no SQL model fills: their columns, for the assets and the workers that write them."""

from hubspot_platform.warehouse.model import Column, LogicalType, Table

ATTRIBUTION_RUN = Table(
    "attribution",
    "attribution_run",
    (
        Column("entity_type", LogicalType.TEXT, "company or contact"),
        Column("entity_id", LogicalType.TEXT, "the company's id or the contact's e-mail address"),
        Column("triggered_at", LogicalType.TIMESTAMP, "when something happened that makes late touches likely"),
        Column("run_number", LogicalType.INT, "0 at once, 1 after 6 minutes, 2 after 30"),
        Column("due_at", LogicalType.TIMESTAMP, "when it is to be computed again"),
        Column("started_at", LogicalType.TIMESTAMP, "when it was; null while it waits"),
        Column("n_touchpoints", LogicalType.INT, "touches that counted then"),
        Column("changed", LogicalType.BOOL, "whether another touch won than before"),
        Column("attempts", LogicalType.INT, "how often the run was asked for"),
        Column("next_attempt_at", LogicalType.TIMESTAMP, "not asked for before this; null at first"),
        Column("error", LogicalType.TEXT, "why it was given up; null otherwise"),
    ),
    key=("entity_type", "entity_id", "triggered_at", "run_number"),
    description="Delayed re-runs: one row per entity, trigger and run.",
)

PUBLISHED_ATTRIBUTION = Table(
    "attribution",
    "published_attribution",
    (
        Column("entity_type", LogicalType.TEXT, "company or contact"),
        Column("entity_id", LogicalType.TEXT, "the company's id or the contact's e-mail address"),
        Column("first_touchpoint_id", LogicalType.TEXT, "the touch of the first-touch table"),
        Column("last_touchpoint_id", LogicalType.TEXT, "the touch of the last-touch table"),
        Column("limited_touchpoint_id", LogicalType.TEXT, "the touch of the 28-day table"),
        Column("changed_at", LogicalType.TIMESTAMP, "the computation that changed it last"),
        Column("old_first_touchpoint_id", LogicalType.TEXT, "the touch of the first-touch table before"),
        Column("old_last_touchpoint_id", LogicalType.TEXT, "the touch of the last-touch table before"),
        Column("old_limited_touchpoint_id", LogicalType.TEXT, "the touch of the 28-day table before"),
        Column("is_announced", LogicalType.BOOL, "whether the change was published; of contacts nobody is told"),
    ),
    key=("entity_type", "entity_id"),
    description="The last known winners: a change against these is noted here and then published.",
)

CHANNEL_CREDIT = Table(
    "attribution",
    "channel_credit",
    (
        Column("channel", LogicalType.TEXT, "the marketing channel"),
        Column("conversions", LogicalType.DECIMAL, "paying companies on whose way the channel lies"),
        Column("markov", LogicalType.EXACT, "conversions credited by removal effect"),
        Column("shapley", LogicalType.EXACT, "conversions credited by Shapley value"),
        Column("computed_at", LogicalType.TIMESTAMP, "when the table was computed"),
    ),
    key=("channel",),
    description="How the paying companies are shared among the channels, by two models of the whole path.",
)
