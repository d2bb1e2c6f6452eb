"""Forms, read whole, and what was submitted with them, read newest first until it is known.

HubSpot says neither which contact a submission became nor which page object it came from. The contact is found by the
e-mail address submitted, once the mirror has a contact with it.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from hubspot_platform.commit_points import reached
from hubspot_platform.hubspot.crew import Emit, side_by_side
from hubspot_platform.hubspot.errors import NotFound
from hubspot_platform.hubspot.forms import read_forms as read_all_forms
from hubspot_platform.hubspot.forms import read_submissions
from hubspot_platform.hubspot.records import Json
from hubspot_platform.lanes import Lane
from hubspot_platform.mirror.reference.reading import CHUNK_ROWS, Reading
from hubspot_platform.mirror.reference.rows import DELETED, SYNCED, columns
from hubspot_platform.mirror.tables import SCHEMA
from hubspot_platform.warehouse.model import LogicalType, Table

_FORMS_AT_ONCE, _PAGES_WAITING = 4, 8
_OLD_FORMS = "of HubSpot's old forms API only; always null"
_NOT_TOLD = "HubSpot's submissions do not tell it; always null"

FORM = Table(
    SCHEMA,
    "form",
    (
        *columns(
            "guid:text name:text form_type:text created_at:timestamp updated_at:timestamp action:text css_class:text "
            "follow_up_id:text lead_nurturing_campaign_id:text method:text notify_recipients:bool portal_id:int "
            "redirect:text submit_text:text",
            action=_OLD_FORMS,
            follow_up_id=_OLD_FORMS,
            lead_nurturing_campaign_id=_OLD_FORMS,
            method=_OLD_FORMS,
            notify_recipients="whether anybody is told of a submission",
            redirect="where a submission leads to; null when the form thanks instead",
        ),
        DELETED,
        SYNCED,
    ),
    key=("guid",),
    description="Marketing forms, archived ones marked as deleted; action, follow_up_id, lead_nurturing_campaign_id "
    "and method are null because only HubSpot's old forms API had them.",
)
CONTACT_FORM_SUBMISSION = Table(
    SCHEMA,
    "contact_form_submission",
    (
        *columns(
            "form_id:text conversion_id:text timestamp:timestamp contact_id:int email:text page_id:int page_url:text "
            "title:text portal_id:int raw_json:json",
            form_id="guid of the form",
            conversion_id="id of the submission; a hash of it when HubSpot gives none",
            contact_id="the contact with the submitted address; null until the mirror has one",
            email="the submitted address, trimmed and in lower case",
            page_id=_NOT_TOLD,
            title=_NOT_TOLD,
            raw_json="the submission as HubSpot returned it",
        ),
        SYNCED,
    ),
    key=("form_id", "conversion_id"),
    description="What was submitted with forms, archived forms included; page_id and title are null because HubSpot's "
    "submissions tell only the page's address.",
)


async def read_forms(reading: Reading) -> None:
    """Read every form, then the submissions since the last read, with the usual overlap."""
    forms = await read_all_forms(reading.transport)
    await reading.replace([(FORM, [_form_row(form, reading.account.portal_id) for form in forms])])
    await reading.merge([(CONTACT_FORM_SUBMISSION, [])], keep=("contact_id",))
    known = reading.progress.watermark
    since = None if known is None else known - reading.platform.business.overlap
    lane = Lane.BACKFILL if since is None else Lane.SYNC
    waiting = iter([str(form["id"]) for form in forms if form.get("id")])

    async def work(emit: Emit[list[dict[str, Any]]]) -> None:
        for form_id in waiting:
            try:
                async with aclosing(read_submissions(reading.transport, form_id, since, lane=lane)) as pages:
                    async for page in pages:
                        reached("sync.page_read")
                        await emit([_submission_row(item, form_id, reading.account.portal_id) for item in page])
            except NotFound:
                continue  # purged since it was listed

    chunk: list[dict[str, Any]] = []
    async with aclosing(side_by_side(_FORMS_AT_ONCE, work, buffer=_PAGES_WAITING)) as pages:
        async for rows in pages:
            chunk += rows
            if len(chunk) >= CHUNK_ROWS:
                await reading.merge([(CONTACT_FORM_SUBMISSION, chunk)], keep=("contact_id",))
                chunk = []
    await reading.merge([(CONTACT_FORM_SUBMISSION, chunk)], keep=("contact_id",))
    await asyncio.to_thread(_find_contacts, reading)


def _part(form: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = form.get(name)
    return part if isinstance(part, dict) else {}


def _form_row(form: Json, portal_id: int) -> dict[str, Any]:
    configuration, display = _part(form, "configuration"), _part(form, "displayOptions")
    after = _part(configuration, "postSubmitAction")
    return {
        "guid": form.get("id"),
        "name": form.get("name"),
        "form_type": form.get("formType"),
        "created_at": form.get("createdAt"),
        "updated_at": form.get("updatedAt"),
        "css_class": display.get("cssClass"),
        "notify_recipients": bool(configuration.get("notifyRecipients") or configuration.get("notifyContactOwner")),
        "portal_id": portal_id,
        "redirect": after.get("value") if after.get("type") == "redirect_url" else None,
        "submit_text": display.get("submitButtonText"),
        DELETED.name: bool(form.get("archived")),
    }


def _submission_row(submission: Json, form_id: str, portal_id: int) -> dict[str, Any]:
    text = json.dumps(submission, sort_keys=True)
    values = submission.get("values")
    fields = [field for field in values if isinstance(field, dict)] if isinstance(values, list) else []
    email = next((str(field.get("value") or "") for field in fields if field.get("name") == "email"), "")
    return {
        "form_id": form_id,
        "conversion_id": submission.get("conversionId") or hashlib.sha256(text.encode()).hexdigest()[:40],
        "timestamp": submission.get("submittedAt"),
        "email": email.strip().lower(),
        "page_url": submission.get("pageUrl"),
        "portal_id": portal_id,
        "raw_json": submission,
    }


def _find_contacts(reading: Reading) -> None:
    """Name the contact of every submission whose address a live contact has; the oldest contact where several do."""
    table = CONTACT_FORM_SUBMISSION.qualified
    with reading.warehouse.writer() as session, session.transaction():
        reading.check_warehouse(session)
        stored = session.columns("hubspot.contact")
        if stored.get("property_email") is not LogicalType.TEXT:
            return
        addresses = "select id, lower(trim(property_email)) as email from hubspot.contact where not is_deleted"
        if stored.get("property_hs_additional_emails") is LogicalType.TEXT:
            addresses += (
                " union all select id, lower(trim(unnest(string_to_array(property_hs_additional_emails, ';')))) "
                "from hubspot.contact where not is_deleted and property_hs_additional_emails is not null"
            )
        session.execute(
            f"update {table} set contact_id = found.id from (select email, min(id) as id from ({addresses}) as known "
            f"where email <> '' group by email) as found where {table}.email = found.email and ({table}.contact_id is "
            f"null or {table}.contact_id in (select id from hubspot.contact where is_deleted))"
        )
