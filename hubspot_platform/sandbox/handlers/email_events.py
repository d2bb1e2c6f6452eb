"""Marketing e-mail events v1 and the campaigns they belong to.

Newest first, both ends of a time span included: a window read next to another one gives the events of their common
moment twice. A page begins with the last event of the page before, unless the switch `repeat_events` is off.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from hubspot_platform.sandbox.mailing import EVENT_TYPES, Campaign, Mark, place_of
from hubspot_platform.sandbox.paging import Key, key_of, token
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.values import DAY_MS
from hubspot_platform.sandbox.wire import Answer, Call, invalid, json_answer, not_found

PAGE, LARGEST_PAGE = 10, 1_000
CAMPAIGN_PAGE = 100
COUNTED = ("SENT", "DELIVERED", "OPEN", "CLICK", "BOUNCE", "DROPPED", "DEFERRED", "SPAMREPORT", "STATUSCHANGE")

Test = Callable[[Mark], bool]


def list_events(portal: Portal, call: Call) -> Answer:
    """`GET /events`."""
    limit = call.number("limit", PAGE, highest=LARGEST_PAGE)
    offset = call.one("offset")
    last = key_of(offset, "offset") if offset else ()
    matches = _matching(portal, call, last)
    if last and not (portal.switches.repeat_events and limit > 1):
        matches = (m for m in matches if place_of(m) != last)
    found = list(islice(matches, limit + 1))
    chosen = found[:limit]
    reached = place_of(chosen[-1]) if chosen else last
    events = [portal.mail.event(m) for m in chosen]
    return json_answer({"hasMore": len(found) > limit, "offset": token(reached), "events": events})


def _matching(portal: Portal, call: Call, last: Key) -> Iterator[Mark]:
    """Return the marks a call's filters let through, newest first."""
    low, high = _moment(call, "startTimestamp"), _moment(call, "endTimestamp")
    kept_days = portal.switches.event_retention_days
    if kept_days:
        oldest = portal.clock.now_ms() - kept_days * DAY_MS
        low = oldest if low is None else max(low, oldest)
    tests = _tests(portal, call)
    return (m for m in portal.mail.newest_first(low, high, last) if all(test(m) for test in tests))


def _moment(call: Call, name: str) -> int | None:
    text = call.one(name)
    if text and not text.isdigit():
        raise invalid(f"Invalid input: {name} must be epoch milliseconds, was {text}")
    return int(text) if text else None


def _tests(portal: Portal, call: Call) -> list[Test]:
    mail, tests = portal.mail, []
    wanted, recipient = call.one("eventType"), call.one("recipient").lower()
    app, campaign = call.one("appId"), call.one("campaignId")
    if wanted and wanted not in EVENT_TYPES:
        raise invalid(f"Invalid eventType {wanted}: use one of {', '.join(EVENT_TYPES)}")
    if campaign and not app:
        raise invalid("campaignId can be used together with appId only")
    if wanted:
        tests.append(lambda mark: mark.type == wanted)
    if recipient:
        tests.append(lambda mark: mail.recipient(mark).lower() == recipient)
    for name, value in (("appId", app), ("emailCampaignId", campaign)):
        if value:
            tests.append(_event_test(portal, name, value))
    if call.flag("excludeFilteredEvents"):
        tests.append(lambda mark: not mail.event(mark).get("filteredEvent"))
    return tests


def _event_test(portal: Portal, name: str, value: str) -> Test:
    return lambda mark: str(portal.mail.event(mark).get(name)) == value


def read_event(portal: Portal, call: Call) -> Answer:
    """`GET /events/{created}/{id}`."""
    created, event_id = call.params["created"], call.params["event"]
    event = portal.mail.find(int(created), event_id) if created.isdigit() else None
    if event is None:
        raise not_found(f"No event found with created {created} and id {event_id}")
    return json_answer(event)


def list_campaigns(portal: Portal, call: Call) -> Answer:
    """`GET /campaigns/by-id`: ids only, in order, paged by `offset`."""
    limit = call.number("limit", CAMPAIGN_PAGE, highest=LARGEST_PAGE)
    offset = call.one("offset")
    start = key_of(offset, "offset") if offset else ()
    campaigns = [c for c in sorted(portal.mail.campaigns, key=lambda c: c.id) if (c.id,) > start]
    page = campaigns[:limit]
    return json_answer(
        {
            "hasMore": len(campaigns) > limit,
            "offset": token((page[-1].id,) if page else start),
            "campaigns": [
                {"id": c.id, "appId": c.app_id, "appName": c.app_name, "lastUpdatedTime": c.sent_ms} for c in page
            ],
        }
    )


def read_campaign(portal: Portal, call: Call) -> Answer:
    """`GET /campaigns/{id}`."""
    for campaign in portal.mail.campaigns:
        if str(campaign.id) == call.params["campaign"]:
            return json_answer(campaign_json(portal, campaign))
    raise not_found(f"No campaign found with id {call.params['campaign']}")


def campaign_json(portal: Portal, campaign: Campaign) -> dict[str, object]:
    """Return one campaign with its counters."""
    counted, included = portal.mail.counters(campaign), portal.mail.included(campaign)
    return {
        "id": campaign.id,
        "appId": campaign.app_id,
        "appName": campaign.app_name,
        "contentId": campaign.content_id,
        "name": campaign.name,
        "subject": campaign.subject,
        "type": "BATCH_EMAIL",
        "subType": "BATCH",
        "numIncluded": included,
        "numQueued": included,
        "processingState": "DONE",
        "lastProcessingStartedAt": campaign.sent_ms,
        "lastProcessingFinishedAt": campaign.sent_ms + 60_000,
        "counters": {name.lower(): counted[name] for name in COUNTED if counted[name]},
    }
