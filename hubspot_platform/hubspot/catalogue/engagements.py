"""Logged activities: calls, meetings, e-mails, notes, tasks and communications.

All have the same dates, keys and associations. Their association tables are shared, because an id names one engagement
whatever its type is; `ticket_engagement` is read from this side too, one call per 1,000 engagements instead of one per
type and 1,000 tickets.
"""

from collections.abc import Mapping
from datetime import timedelta

from hubspot_platform.hubspot.catalogue.model import Alias, AssociationTarget, ObjectType

_ASSOCIATIONS = (
    AssociationTarget("contacts", "engagement_contact", "engagement_id", "contact_id"),
    AssociationTarget("companies", "engagement_company", "engagement_id", "company_id"),
    AssociationTarget("deals", "engagement_deal", "engagement_id", "deal_id"),
    AssociationTarget("tickets", "ticket_engagement", "engagement_id", "ticket_id"),
)
_COMMON: Mapping[str, str] = {
    "hs_createdate": "datetime",
    "hs_lastmodifieddate": "datetime",
    "hs_merged_object_ids": "string",
    "hs_object_id": "number",
    "hs_timestamp": "datetime",
    "hubspot_owner_id": "enumeration",
    "hubspot_team_id": "enumeration",
}


def _engagement(
    name: str, type_id: str, job: str, minute: int, properties: str, aliases: tuple[Alias, ...] = ()
) -> ObjectType:
    """Return an entry; `properties` lists `name:type name:type …` beyond the common ones."""
    own = dict(part.split(":") for part in properties.split())
    return ObjectType(
        name=name,
        plural=f"{name}s",
        label=name.capitalize(),
        type_id=type_id,
        table=f"engagement_{name}",
        id_column="engagement_id",
        created_property="hs_createdate",
        modified_property="hs_lastmodifieddate",
        merged_ids_property="hs_merged_object_ids",
        associations=_ASSOCIATIONS,
        aliases=aliases,
        expected_properties={**_COMMON, **own},
        required_fields=(("hs_timestamp",),),
        id_properties=frozenset({"hubspot_owner_id", "hubspot_team_id"}),
        engagement_type=name.upper(),
        job=job,
        minute=minute,
        cadence=timedelta(hours=1),
    )


CALL = _engagement(
    "call",
    "0-48",
    "sync_hubspot_calls",
    12,
    "hs_activity_type:enumeration hs_call_body:string hs_call_direction:enumeration hs_call_disposition:enumeration "
    "hs_call_duration:number hs_call_from_number:string hs_call_recording_url:string hs_call_source:enumeration "
    "hs_call_status:enumeration hs_call_title:string hs_call_to_number:string",
)
MEETING = _engagement(
    "meeting",
    "0-47",
    "hubspot_meetings",
    14,
    "hs_activity_type:enumeration hs_internal_meeting_notes:string hs_meeting_body:string hs_meeting_end_time:datetime "
    "hs_meeting_external_url:string hs_meeting_location:string hs_meeting_outcome:enumeration "
    "hs_meeting_start_time:datetime hs_meeting_title:string",
)
EMAIL = _engagement(
    "email",
    "0-49",
    "hubspot_email_engagements",
    16,
    "hs_attachment_ids:string hs_email_direction:enumeration hs_email_headers:string hs_email_html:string "
    "hs_email_message_id:string hs_email_status:enumeration hs_email_subject:string hs_email_text:string "
    "hs_email_thread_id:string",
)
NOTE = _engagement(
    "note",
    "0-46",
    "sync_hubspot_notes",
    18,
    "hs_attachment_ids:string hs_note_body:string",
    (Alias("body", "hs_note_body", "text"),),
)
TASK = _engagement(
    "task",
    "0-27",
    "sync_hubspot_tasks",
    22,
    "hs_task_body:string hs_task_priority:enumeration hs_task_status:enumeration hs_task_subject:string "
    "hs_task_type:enumeration",
)
COMMUNICATION = _engagement(
    "communication",
    "0-18",
    "sync_hubspot_communications",
    24,
    "hs_communication_body:string hs_communication_channel_type:enumeration",
)

ENGAGEMENTS = (CALL, MEETING, EMAIL, NOTE, TASK, COMMUNICATION)
