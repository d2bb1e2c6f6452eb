"""Marketing forms and what was submitted with them, as HubSpot sends them; called by `mirror.reference.forms`."""

from collections.abc import AsyncGenerator
from datetime import datetime

from hubspot_platform.hubspot.paging import cursor_pages
from hubspot_platform.hubspot.records import Json
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.lanes import Lane

_FORMS_PAGE, _SUBMISSIONS_PAGE = 100, 50


async def read_forms(transport: Transport) -> list[Json]:
    """Return every form of every type, archived ones included (scope `forms`)."""
    found: dict[str, Json] = {}
    for archived in ("true", "false"):  # live last: it wins over a copy archived between the two calls
        query = {"limit": _FORMS_PAGE, "formTypes": "all", "archived": archived}
        async for page in cursor_pages(transport, transport.policy.path("forms"), query):
            found.update((str(form.get("id")), form) for form in page)
    return list(found.values())


async def read_submissions(
    transport: Transport, form_id: str, since: datetime | None, *, lane: Lane
) -> AsyncGenerator[list[Json], None]:
    """Yield the submissions of a form since a moment (None: all), newest first, up to 50 a page."""
    oldest = None if since is None else int(since.timestamp() * 1000)
    path = transport.policy.path("submissions", "forms", form_id)
    async for page in cursor_pages(transport, path, {"limit": _SUBMISSIONS_PAGE}, lane=lane):
        newer = page if oldest is None else [item for item in page if _submitted(item) >= oldest]
        yield newer
        if len(newer) < len(page):
            return


def _submitted(submission: Json) -> int:
    """Return the moment of a submission in epoch milliseconds; one without is taken for a new one."""
    moment = submission.get("submittedAt")
    return moment if isinstance(moment, int) else 1 << 62
