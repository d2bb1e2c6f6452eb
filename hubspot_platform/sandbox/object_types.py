"""The CRM object types every portal serves; custom objects join them at run time (`custom_objects`).

A portal finds a type by any of its path spellings (`contacts`, `contact`, `0-1`).
"""

from collections.abc import Mapping

from hubspot_platform.sandbox.model import ObjectSpec

CONTACTS = ObjectSpec(
    plural="contacts",
    singular="contact",
    type_id="0-1",
    created_property="createdate",
    modified_property="lastmodifieddate",
    default_properties=("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    searchable=("firstname", "lastname", "email", "phone", "company", "hs_additional_emails"),
    unique=("email",),
    scope="crm.objects.contacts",
    history_depth=45,
)
COMPANIES = ObjectSpec(
    plural="companies",
    singular="company",
    type_id="0-2",
    created_property="createdate",
    modified_property="hs_lastmodifieddate",
    default_properties=("name", "domain", "createdate", "hs_lastmodifieddate", "hs_object_id"),
    required_any=("name", "domain"),
    searchable=("name", "domain", "phone", "website"),
    scope="crm.objects.companies",
)
DEALS = ObjectSpec(
    plural="deals",
    singular="deal",
    type_id="0-3",
    created_property="createdate",
    modified_property="hs_lastmodifieddate",
    default_properties=(
        "dealname",
        "amount",
        "closedate",
        "pipeline",
        "dealstage",
        "createdate",
        "hs_lastmodifieddate",
        "hs_object_id",
    ),
    required_all=("dealname", "dealstage"),
    searchable=("dealname", "pipeline", "dealstage", "description"),
    scope="crm.objects.deals",
    stage=("pipeline", "dealstage", "default"),
)
TICKETS = ObjectSpec(
    plural="tickets",
    singular="ticket",
    type_id="0-5",
    created_property="createdate",
    modified_property="hs_lastmodifieddate",
    default_properties=(
        "subject",
        "content",
        "hs_pipeline",
        "hs_pipeline_stage",
        "hs_ticket_category",
        "hs_ticket_priority",
        "createdate",
        "hs_lastmodifieddate",
        "hs_object_id",
    ),
    required_all=("subject", "hs_pipeline_stage"),
    searchable=("subject", "content", "hs_pipeline_stage", "hs_ticket_category"),
    scope="tickets",
    stage=("hs_pipeline", "hs_pipeline_stage", "0"),
)


def _engagement(plural: str, singular: str, type_id: str, searchable: tuple[str, ...], *required: str) -> ObjectSpec:
    """Return a logged activity; all of them have the same dates and no natural key."""
    return ObjectSpec(
        plural=plural,
        singular=singular,
        type_id=type_id,
        created_property="hs_createdate",
        modified_property="hs_lastmodifieddate",
        default_properties=("hs_createdate", "hs_lastmodifieddate", "hs_object_id"),
        required_all=("hs_timestamp", *required),
        searchable=searchable,
        scope="crm.objects.contacts",
        first_id=int(type_id.removeprefix("0-")) * 1_000_000_000,
    )


CALLS = _engagement("calls", "call", "0-48", ("hs_call_title", "hs_body_preview"))
MEETINGS = _engagement("meetings", "meeting", "0-47", ("hs_meeting_title", "hs_body_preview"))
EMAILS = _engagement("emails", "email", "0-49", ("hs_email_subject",), "hs_email_direction")
NOTES = _engagement("notes", "note", "0-46", ("hs_note_body",))
TASKS = _engagement("tasks", "task", "0-27", ("hs_task_subject", "hs_task_body"))
COMMUNICATIONS = _engagement("communications", "communication", "0-18", ("hs_communication_body",))

ENGAGEMENTS: tuple[ObjectSpec, ...] = (CALLS, MEETINGS, EMAILS, NOTES, TASKS, COMMUNICATIONS)
OBJECT_TYPES: tuple[ObjectSpec, ...] = (CONTACTS, COMPANIES, DEALS, TICKETS, *ENGAGEMENTS)

# scope -> the type it opens and the properties that are left out of every answer without it
CONTENT_SCOPES: Mapping[str, tuple[str, frozenset[str]]] = {
    "sales-email-read": (
        "emails",
        frozenset(
            {
                "hs_body_preview",
                "hs_email_from_email",
                "hs_email_headers",
                "hs_email_html",
                "hs_email_subject",
                "hs_email_text",
                "hs_email_to_email",
            }
        ),
    )
}
