"""The daily catch-up: events that Chargebee keeps and no webhook brought are put into the inbox.

Job `chargebee_catch_up` calls it. Progress is a row of completed windows like that of any other source: after an
outage of any length the next run lists everything since the last one that came to its end.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hubspot_platform.connectors import chargebee
from hubspot_platform.connectors.chargebee_events import ChargebeeEvents
from hubspot_platform.errors import ConfigurationError
from hubspot_platform.gateway.documents import dump
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import MENDS, Settings
from hubspot_platform.state import database_now, inbox, windows
from hubspot_platform.state.inbox import NewEvent
from hubspot_platform.state.windows import Window
from hubspot_platform.workers.ingest import dead_letter

OBJECT: Final = "chargebee_events"
OVERLAP: Final = timedelta(hours=1)
"""How far a run reaches back before the end of the last one: Chargebee may list an event late."""


@dataclass(frozen=True)
class CatchUpReport:
    """One run: events listed since `since`, and how many of them no webhook had brought."""

    since: datetime | None
    until: datetime
    listed: int
    missed: int

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON knows it."""
        return asdict(self)


def events_api(settings: Settings) -> ChargebeeEvents:
    """Return the connector; ConfigurationError when the site or its key is not set."""
    if not settings.chargebee_base_url:
        raise ConfigurationError("CHARGEBEE_BASE_URL", "is not set", mend=MENDS["CHARGEBEE_BASE_URL"])
    if settings.chargebee_api_key is None:
        raise ConfigurationError("CHARGEBEE_API_KEY", "is not set", mend=MENDS["CHARGEBEE_API_KEY"])
    return ChargebeeEvents(settings.chargebee_base_url, settings.chargebee_api_key)


def catch_up(platform: Platform, api: ChargebeeEvents, run_id: str) -> CatchUpReport:
    """List what happened since the last run and store in the inbox what is not there; raises ChargebeeError.

    The window is completed only when its last page is stored.
    """
    store, warehouse_id = platform.state(), platform.warehouse().identity()
    done = store.read(lambda conn: windows.watermark(conn, warehouse_id, OBJECT))
    until, since = store.now(), done - OVERLAP if done else None
    listed = missed = 0
    for page in api.since(since):
        events = [_new_event(document) for document in page]
        missed += store.write(lambda conn, new=events: inbox.store_events(conn, new, database_now(conn))).accepted  # type: ignore[misc]
        listed += len(events)
    if done is None or until > done:
        counts = {"read": listed, "missed": missed}
        store.write(
            lambda conn: windows.complete(
                conn, warehouse_id, OBJECT, Window(done, until), mode="catch_up", run_id=run_id, counts=counts
            )
        )
    return CatchUpReport(since, until, listed, missed)


def _new_event(document: Mapping[str, Any]) -> NewEvent:
    body = dump(document)
    try:
        return chargebee.inbox_event(document, body, OBJECT)
    except chargebee.NoEvent as error:
        return dead_letter("chargebee", body, OBJECT, str(error))
