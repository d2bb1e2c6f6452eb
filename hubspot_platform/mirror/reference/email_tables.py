"""The tables of marketing e-mail: campaigns, events, and what is particular to each kind of event."""

from collections.abc import Mapping

from hubspot_platform.mirror.reference.rows import DELETED, SYNCED, columns
from hubspot_platform.mirror.tables import SCHEMA
from hubspot_platform.warehouse.model import Table

EMAIL_CAMPAIGN = Table(
    SCHEMA,
    "email_campaign",
    (
        *columns(
            "id:int app_id:int app_name:text content_id:int name:text num_included:int num_queued:int sub_type:text "
            "subject:text type:text"
        ),
        DELETED,
        SYNCED,
    ),
    key=("id",),
    description="Mailings that marketing e-mail events belong to.",
)
EMAIL_EVENT = Table(
    SCHEMA,
    "email_event",
    (
        *columns(
            "id:text created:timestamp type:text recipient:text app_id:int email_campaign_id:int filtered_event:bool "
            "portal_id:int caused_by_id:text caused_by_created:timestamp obsoleted_by_id:text "
            "obsoleted_by_created:timestamp sent_by_id:text sent_by_created:timestamp",
            recipient="null for UNBOUNCE, which HubSpot sends without one",
            filtered_event="by a bot or from an address of the portal's own",
            obsoleted_by_id="the later event that replaces this one, if there was one when this one was read",
            sent_by_id="the SENT event of the message; a SENT event names itself",
        ),
        SYNCED,
    ),
    key=("id", "created"),
    description="What happened to every message of marketing e-mail. HubSpot forgets events after some months; the "
    "mirror keeps them.",
)

_VISIT = "browser:text ip_address:text location:text user_agent:text"
_HEADERS = "subject:text from:text reply_to:text cc:text bcc:text"
_SOURCES = {"reply_to": "JSON list", "cc": "JSON list", "bcc": "JSON list", "browser": "JSON", "location": "JSON"}


def _event_table(kind: str, fields: str, what: str) -> Table:
    own = columns(f"id:text created:timestamp {fields}", created="with id the key of email_event", **_SOURCES)
    return Table(SCHEMA, f"email_event_{kind}", (*own, SYNCED), key=("id", "created"), description=what)


# by HubSpot's name of the type; PROCESSED, UNBOUNCE and SUPPRESSED have nothing beyond email_event
EVENT_TABLES: Mapping[str, Table] = {
    "BOUNCE": _event_table("bounce", "category:text response:text status:text", "Messages that came back, and why."),
    "CLICK": _event_table("click", f"url:text referer:text {_VISIT}", "Clicks on links of messages."),
    "DEFERRED": _event_table("deferred", "attempt:int response:text", "Deliveries put off by the receiving server."),
    "DELIVERED": _event_table("delivered", "response:text smtp_id:text", "Messages the receiving server took."),
    "DROPPED": _event_table(
        "dropped", f"drop_reason:text drop_message:text {_HEADERS}", "Messages HubSpot did not send, and why."
    ),
    "FORWARD": _event_table("forward", _VISIT, "Messages passed on to somebody else."),
    "OPEN": _event_table("open", f"duration:text {_VISIT}", "Openings of messages; duration in milliseconds."),
    "PRINT": _event_table("print", _VISIT, "Messages that were printed."),
    "SENT": _event_table("sent", _HEADERS, "Messages that were sent."),
    "SPAMREPORT": _event_table("spam_report", "ip_address:text user_agent:text", "Messages reported as spam."),
    "STATUSCHANGE": _event_table(
        "status_change",
        "source:text requested_by:text portal_subscription_status:text subscriptions:text bounced:bool",
        "Changes of what a recipient wants to get; subscriptions as JSON.",
    ),
}
