"""People, lists, forms and marketing e-mail: what the mirror reads that is no CRM object and has no search windows.

How each kind is read is in `mirror/reference`.
"""

from datetime import timedelta

from hubspot_platform.hubspot.reference_types import ReferenceType

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EMAIL_EVENT_KINDS = (
    "bounce",
    "click",
    "deferred",
    "delivered",
    "dropped",
    "forward",
    "open",
    "print",
    "sent",
    "spam_report",
    "status_change",
)

USERS = ReferenceType(name="users", label="Users", tables=("users",), job="sync_hubspot_users", minute=35, cadence=HOUR)
TEAMS = ReferenceType(
    name="teams", label="Teams", tables=("team", "team_user"), job=USERS.job, minute=USERS.minute, cadence=HOUR
)
ROLES = ReferenceType(name="roles", label="Roles", tables=("role",), job=USERS.job, minute=USERS.minute, cadence=HOUR)
LISTS = ReferenceType(
    name="lists",
    label="Lists and who is in them",
    tables=("contact_list", "contact_list_member"),
    job="hubspot_contact_list_membership_dag",
    minute=15,
    cadence=HOUR,
)
FORMS = ReferenceType(
    name="forms",
    label="Forms and what was submitted with them",
    tables=("form", "contact_form_submission"),
    job="sync_hubspot_forms",
    minute=45,
    cadence=HOUR,
)
EMAIL_CAMPAIGNS = ReferenceType(
    name="email_campaigns",
    label="E-mail campaigns",
    tables=("email_campaign",),
    job="sync_hubspot_email_campaigns",
    minute=35,
    cadence=DAY,
)
EMAIL_EVENTS = ReferenceType(
    name="email_events",
    label="Marketing e-mail events",
    tables=("email_event", *(f"email_event_{kind}" for kind in EMAIL_EVENT_KINDS)),
    job="hubspot_email_events",
    minute=55,
    cadence=HOUR,
)

COLLECTIONS = (USERS, TEAMS, ROLES, LISTS, FORMS, EMAIL_CAMPAIGNS, EMAIL_EVENTS)
