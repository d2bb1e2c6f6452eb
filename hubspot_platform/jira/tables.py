"""The table of Jira's issues: the newest copy of each issue that a webhook told of."""

from hubspot_platform.warehouse.model import Column, LogicalType, Table

ISSUE = Table(
    "jira",
    "issue",
    (
        Column("issue_key", LogicalType.TEXT, "as people write it: BUG-12"),
        Column("issue_id", LogicalType.TEXT, "Jira's own id, the same when the key changes"),
        Column("project_key", LogicalType.TEXT),
        Column("issue_type", LogicalType.TEXT, "Bug, Story and so on"),
        Column("summary", LogicalType.TEXT),
        Column("status", LogicalType.TEXT),
        Column("priority", LogicalType.TEXT),
        Column("resolution", LogicalType.TEXT),
        Column("labels", LogicalType.JSON, "in Jira's order"),
        Column("company_id", LogicalType.TEXT, "from the configured custom field"),
        Column("is_bug", LogicalType.BOOL, "a bug of a configured project"),
        Column("created_at", LogicalType.TIMESTAMP),
        Column("updated_at", LogicalType.TIMESTAMP),
        Column("is_deleted", LogicalType.BOOL, "deleted in Jira"),
        Column("source_updated_at", LogicalType.TIMESTAMP, "time of the event this copy came with; orders the copies"),
        Column("event_key", LogicalType.TEXT, "key of that event in the inbox"),
        Column("raw_json", LogicalType.JSON, "the issue as Jira sent it"),
        Column("received_at", LogicalType.TIMESTAMP, "when the platform stored the event first"),
    ),
    key=("issue_key",),
    description="The newest copy of each Jira issue; bugs of the configured projects are linked to companies in "
    "jira_company_issue.",
)
