"""Routing of HubSpot's events by the one table, and what is kept of malformed ones."""

import json

import pytest

from hubspot_platform.gateway.hubspot_events import read_delivery
from hubspot_platform.gateway.routing import ROUTES, route, subscriptions
from hubspot_platform.state.inbox import NewEvent
from hubspot_platform.workers.catalogue import QUEUES

EVENT = {
    "eventId": 1,
    "subscriptionId": 7,
    "portalId": 4242,
    "occurredAt": 1_767_225_600_123,
    "subscriptionType": "company.propertyChange",
    "attemptNumber": 0,
    "objectId": 5,
}


def read(*events: object) -> list[NewEvent]:
    return read_delivery(json.dumps(events).encode(), portal_id=4242, door="general")


@pytest.mark.parametrize(
    ("kind", "type_id", "event_type", "queue"),
    [
        ("company.creation", "", "company.creation", "matrix.hubspot_company_webhook_events"),
        ("company.merge", "", "company.merge", "matrix.hubspot_company_webhook_events"),
        ("contact.privacyDeletion", "", "contact.privacyDeletion", "matrix.hubspot_contact_webhook_events"),
        ("deal.restore", "", "deal.restore", "matrix.hubspot_deals_events"),
        ("object.deletion", "0-48", "call.deletion", "matrix.hubspot_call_webhook_events"),
        ("object.propertyChange", "0-2", "company.propertyChange", "matrix.hubspot_company_webhook_events"),
        ("object.creation", "2-77", "2-77.creation", "unrouted"),
        ("company.privacyDeletion", "", "company.privacyDeletion", "unrouted"),
        ("ticket.creation", "", "ticket.creation", "unrouted"),
    ],
)
def test_each_type_goes_to_its_queue(kind: str, type_id: str, event_type: str, queue: str) -> None:
    found = route(kind, type_id)
    assert (found.event_type, found.queue) == (f"hubspot_general_webhook.{event_type}", queue)


def test_every_routed_queue_has_a_worker() -> None:
    assert {queue for _, queue in ROUTES.values()} <= {entry.name for entry in QUEUES}


def test_what_the_app_must_subscribe_to_is_what_is_routed() -> None:
    wanted = subscriptions({"company": ["name"], "contact": ["email"]})
    for each in wanted:
        if each["type"] != "deal.associationChange":
            assert route(str(each["type"]), str(each.get("object_type_id", ""))).queue != "unrouted"
    assert {"type": "company.propertyChange", "properties": ["name"]} in wanted
    assert {"type": "object.deletion", "object_type_id": "0-48"} in wanted
    assert "deal.propertyChange" not in {each["type"] for each in wanted}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"objectId": None}, "the id of the record is missing or wrong"),
        ({"objectId": "12a"}, "the id of the record is missing or wrong"),
        ({"objectId": True}, "the id of the record is missing or wrong"),
        ({"objectId": -4}, "the id of the record is missing or wrong"),
        ({"occurredAt": "yesterday"}, "occurredAt is missing or wrong"),
        ({"occurredAt": 10**18}, "occurredAt is missing or wrong"),
        ({"subscriptionType": None}, "subscriptionType is missing or wrong"),
        ({"subscriptionType": "company\u0000.merge"}, "subscriptionType is missing or wrong"),
        ({"subscriptionType": "deal.associationChange"}, "the association does not name both ends"),
    ],
)
def test_a_malformed_event_is_a_dead_letter_that_keeps_its_body(change: dict[str, object], reason: str) -> None:
    sound, dead = read(EVENT, EVENT | change)
    assert (sound.status, dead.status, dead.reason) == ("ready", "dead", reason)
    assert json.loads(dead.body) == EVENT | change


def test_the_key_knows_everything_but_the_attempt_and_the_order_of_fields() -> None:
    first, retried, reordered, changed, named_otherwise = read(
        EVENT,
        EVENT | {"attemptNumber": 3},
        dict(reversed(EVENT.items())),
        EVENT | {"propertyValue": "x"},
        {("eventType" if name == "subscriptionType" else name): value for name, value in EVENT.items()},
    )
    assert first.dedupe_key == retried.dedupe_key == reordered.dedupe_key
    assert changed.dedupe_key != first.dedupe_key
    assert named_otherwise.event_type == first.event_type
    assert first.dedupe_key.startswith("1767225600123:4242:")


def test_every_event_of_a_list_of_anything_is_kept() -> None:
    found = read(EVENT, 7, None, [EVENT], "text", {})
    assert [event.status for event in found] == ["ready", "dead", "dead", "dead", "dead", "dead"]
