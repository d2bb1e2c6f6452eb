"""Marketing e-mail events v1: windows, pages, filters, links between events, and campaigns."""

from itertools import pairwise

import pytest

from hubspot_platform.sandbox.mailing import EVENT_TYPES
from hubspot_platform_tests.support.portal import Portal

EVENTS = "/email/public/v1/events"
LINKS = ("sentBy", "causedBy", "obsoletedBy")

Key = tuple[str, int]


def key(event: dict) -> Key:
    return (event["id"], event["created"])


def pages(sandbox: Portal, limit: int = 100, **query: object) -> list[list[dict]]:
    found, offset, more = [], "", True
    while more:
        asked = {"limit": limit, **query, **({"offset": offset} if offset else {})}
        answer = sandbox.api("GET", EVENTS, params=asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found.append(page["events"])
        offset, more = page["offset"], page["hasMore"]
    return found


def read(sandbox: Portal, **query: object) -> list[dict]:
    """Return the distinct events of all pages, in order."""
    return list({key(e): e for page in pages(sandbox, **query) for e in page}.values())


@pytest.fixture(autouse=True)
def _settings(sandbox: Portal) -> None:
    sandbox.change_account("email_events", "settings", repeat=True, retention_days=0)


def test_all_pages_together_are_the_log_newest_first(sandbox: Portal) -> None:
    found = read(sandbox)
    assert found == sandbox.account("email_events")
    moments = [e["created"] for e in found]
    assert moments == sorted(moments, reverse=True)
    assert {e["type"] for e in found} == set(EVENT_TYPES)


def test_a_page_begins_with_the_last_event_of_the_page_before_unless_told_otherwise(sandbox: Portal) -> None:
    repeated = pages(sandbox)
    assert all(key(b[0]) == key(a[-1]) for a, b in pairwise(repeated))
    sandbox.change_account("email_events", "settings", repeat=False)
    once = [key(e) for page in pages(sandbox) for e in page]
    assert len(once) == len(set(once))
    assert [key(e) for e in read(sandbox)] == once


def test_one_event_a_page_ends_too(sandbox: Portal) -> None:
    newest = sandbox.account("email_events")[:40]
    start = newest[-1]["created"] + 1
    found = [key(e) for page in pages(sandbox, limit=1, startTimestamp=start) for e in page]
    assert found == [key(e) for e in newest if e["created"] >= start]


def test_both_ends_of_a_window_belong_to_it(sandbox: Portal) -> None:
    log = sandbox.account("email_events")
    moment = next(a["created"] for a, b in pairwise(log) if a["created"] == b["created"])
    before = {key(e) for e in read(sandbox, endTimestamp=moment)}
    after = {key(e) for e in read(sandbox, startTimestamp=moment)}
    assert before | after == {key(e) for e in log}
    assert before & after == {key(e) for e in log if e["created"] == moment}


def test_events_point_at_events_of_the_log(sandbox: Portal) -> None:
    log = {key(e): e for e in sandbox.account("email_events")}
    seen = set()
    for event in log.values():
        for name in LINKS:
            if name in event:
                other = log[key(event[name])]
                seen.add((name, event["type"], other["type"]))
                assert (other["created"] >= event["created"]) == (name == "obsoletedBy")
    assert {kind for name, _, kind in seen if name == "sentBy"} == {"SENT"}
    assert seen >= {
        ("obsoletedBy", "DEFERRED", "DELIVERED"), ("obsoletedBy", "OPEN", "OPEN"), ("obsoletedBy", "SENT", "DROPPED"),
        ("obsoletedBy", "BOUNCE", "UNBOUNCE"), ("causedBy", "STATUSCHANGE", "BOUNCE"),
        ("causedBy", "STATUSCHANGE", "CLICK"), ("causedBy", "STATUSCHANGE", "SPAMREPORT"),
    }  # fmt: skip


def test_every_type_has_its_fields_and_recipients_are_contacts(sandbox: Portal) -> None:
    wanted = {
        "SENT": {"from", "subject", "cc", "bcc", "replyTo"},
        "DROPPED": {"dropReason", "dropMessage", "from", "subject"},
        "DELIVERED": {"response", "smtpId"},
        "DEFERRED": {"attempt", "response"},
        "BOUNCE": {"category", "response", "status"},
        "OPEN": {"duration", "browser", "location", "userAgent", "ipAddress"},
        "CLICK": {"url", "referer", "linkId", "browser"},
        "PRINT": {"browser", "location"},
        "FORWARD": {"browser", "location"},
        "SPAMREPORT": {"userAgent", "ipAddress"},
        "STATUSCHANGE": {"subscriptions", "source", "portalSubscriptionStatus", "requestedBy", "bounced"},
    }
    emails = {
        e.lower()
        for r in sandbox.dump("contacts", properties=["email", "hs_additional_emails"])
        for e in f"{r['properties']['email'] or ''};{r['properties']['hs_additional_emails'] or ''}".split(";")
    }
    for event in sandbox.account("email_events"):
        assert wanted.get(event["type"], set()) <= set(event)
        assert event["portalId"] == 4242
        if event["type"] == "UNBOUNCE":
            assert not {"recipient", "appId", "emailCampaignId"} & set(event)
        else:
            assert event["recipient"] in emails


def test_filters_by_type_recipient_campaign_and_bots(sandbox: Portal) -> None:
    log = sandbox.account("email_events")
    opened = [e for e in log if e["type"] == "OPEN"]
    assert read(sandbox, eventType="OPEN") == opened
    one = opened[0]
    assert read(sandbox, recipient=one["recipient"].upper()) == [
        e for e in log if e.get("recipient") == one["recipient"]
    ]
    campaign = {"appId": one["appId"], "campaignId": one["emailCampaignId"]}
    assert read(sandbox, **campaign) == [e for e in log if e.get("emailCampaignId") == one["emailCampaignId"]]
    people = read(sandbox, excludeFilteredEvents="true")
    assert people == [e for e in log if not e["filteredEvent"]] != log


@pytest.mark.parametrize(
    "query", ["limit=1001", "eventType=open", "campaignId=1", "startTimestamp=yesterday", "offset=%21%21"]
)
def test_bad_questions_are_refused(sandbox: Portal, query: str) -> None:
    refused = sandbox.api("GET", f"{EVENTS}?{query}")
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")


def test_one_event_is_found_by_moment_and_id(sandbox: Portal) -> None:
    event = sandbox.account("email_events")[17]
    assert sandbox.api("GET", f"{EVENTS}/{event['created']}/{event['id']}").json() == event
    assert sandbox.api("GET", f"{EVENTS}/{event['created'] + 1}/{event['id']}").status_code == 404


def test_a_later_event_makes_an_earlier_one_obsolete_when_the_window_is_read_again(sandbox: Portal) -> None:
    first = sandbox.change_account("email_events", "add", type="OPEN", recipient="ada@example.com", duration=0)
    window = {"startTimestamp": first["created"], "recipient": "ada@example.com"}
    assert read(sandbox, **window) == [first]
    again = sandbox.change_account(
        "email_events", "add", type="OPEN", recipient="ada@example.com",
        obsoletes={"id": first["id"], "created": first["created"]},
    )  # fmt: skip
    link = {"id": again["id"], "created": again["created"]}
    assert {key(e): e for e in read(sandbox, **window)} == {
        key(again): again, key(first): {**first, "obsoletedBy": link},
    }  # fmt: skip


def test_events_that_come_during_a_walk_do_not_move_its_pages(sandbox: Portal) -> None:
    before = {key(e) for e in sandbox.account("email_events")}
    first = sandbox.api("GET", f"{EVENTS}?limit=100").json()
    for _ in range(5):
        sandbox.change_account("email_events", "add", type="PROCESSED", recipient="walk@example.com")
    rest = pages(sandbox, offset=first["offset"])
    walked = {key(e) for page in [first["events"], *rest] for e in page}
    assert walked == before


def test_old_events_are_gone_after_the_retention(sandbox: Portal) -> None:
    log = sandbox.account("email_events")
    sandbox.clock(freeze="2030-01-01T00:00:00+00:00")
    sandbox.change_account("email_events", "settings", retention_days=30)
    assert read(sandbox) == []
    sandbox.clock(resume=True, skew=0)
    kept = read(sandbox)
    assert kept == log[: len(kept)]
    assert 0 < len(kept) < len(log)


def test_campaigns_are_listed_by_id_and_counted(sandbox: Portal) -> None:
    first = sandbox.api("GET", "/email/public/v1/campaigns/by-id?limit=4").json()
    rest = sandbox.api("GET", f"/email/public/v1/campaigns/by-id?offset={first['offset']}").json()
    assert (first["hasMore"], rest["hasMore"]) == (True, False)
    listed = [c["id"] for c in (*first["campaigns"], *rest["campaigns"])]
    assert listed == [c["id"] for c in sandbox.account("campaigns")]
    campaign = sandbox.api("GET", f"/email/public/v1/campaigns/{listed[0]}").json()
    log = sandbox.account("email_events")
    sent = [e for e in log if e["type"] == "SENT" and e["emailCampaignId"] == listed[0]]
    assert campaign["counters"]["sent"] == len(sent)
    assert {e["subject"] for e in sent} == {campaign["subject"]}
    assert campaign["numIncluded"] >= len(sent)
    assert {e.get("emailCampaignId", listed[0]) for e in log} <= set(listed)
    assert sandbox.api("GET", "/email/public/v1/campaigns/1").status_code == 404
