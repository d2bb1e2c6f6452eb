"""What webhook events say, read from the forms HubSpot's documentation and its deliveries have."""

import json
from datetime import UTC, datetime

import pytest

from hubspot_platform.hubspot.catalogue import CALL, COMPANY, CONTACT, DEAL
from hubspot_platform.state.inbox import InboxEvent
from hubspot_platform.workers.happenings import EventRefused, Happening, Kind, read_event

AT = datetime(2026, 1, 1, tzinfo=UTC)
BASE = {"eventId": 1, "portalId": 4242, "appId": 99, "occurredAt": 1767225600000, "objectId": 5501}
CHANGE = {"subscriptionType": "company.propertyChange", "propertyName": "city", "propertyValue": "Bonn"}


def event(body: str | bytes, kind: str = "hubspot_general_webhook.contact.privacyDeletion") -> InboxEvent:
    raw = body if isinstance(body, bytes) else body.encode()
    return InboxEvent(1, "hubspot", "q", kind, "contact:77", "k", AT, AT, raw, 1, "t")


def read(**fields: object) -> Happening:
    found = read_event(event(json.dumps(BASE | fields)))
    assert found is not None
    return found


def test_a_change_of_a_property() -> None:
    found = read(**CHANGE, changeSource="CRM_UI", sourceId="userId:9")
    assert (found.kind, found.object, found.object_id, found.occurred_at) == (Kind.CHANGE, COMPANY, 5501, AT)
    assert (found.change.name, found.change.value, found.change.source_id) == ("city", "Bonn", "userId:9")
    assert not found.is_echo
    assert not found.withheld


def test_the_type_may_stand_in_either_field_and_the_object_in_its_type_id() -> None:
    assert read(eventType="contact.creation").object is CONTACT
    assert read(subscriptionType="object.deletion", objectTypeId="0-48").object is CALL


@pytest.mark.parametrize("fields", [{"isSensitive": True}, {"propertyValue": ...}])
def test_a_value_that_is_withheld_has_to_be_read(fields: dict[str, object]) -> None:
    body = {name: value for name, value in (CHANGE | fields).items() if value is not ...}
    assert read(**body).withheld


def test_case_058_a_write_of_our_own_app_is_an_echo_and_one_of_another_is_not() -> None:
    assert read(**CHANGE, changeSource="INTEGRATION", sourceId="99").is_echo
    assert not read(**CHANGE, changeSource="INTEGRATION", sourceId="98").is_echo
    assert not read(**CHANGE, changeSource="CRM_UI", sourceId="99").is_echo


def test_case_027_a_merge_names_survivor_and_losers_with_and_without_a_new_id() -> None:
    new = read(subscriptionType="contact.merge", primaryObjectId=5501, mergedObjectIds=[7], newObjectId=90)
    assert (new.object_id, new.losers) == (90, (7, 5501))
    kept = read(subscriptionType="contact.merge", primaryObjectId=5501, mergedObjectIds=[7, 8])
    assert (kept.object_id, kept.losers) == (5501, (7, 8))


def test_an_association_with_a_deal_leads_from_it_whichever_side_tells() -> None:
    body = {"subscriptionType": "contact.associationChange", "associationType": "CONTACT_TO_DEAL"}
    found = read(**body, fromObjectId=1, toObjectId=2, associationRemoved=True)
    assert (found.object, found.object_id) == (DEAL, 2)
    assert (found.link.to_object, found.link.to_id, found.link.removed) == (CONTACT, 1, True)


def test_case_028_an_emptied_event_says_nothing_but_a_privacy_deletion_is_known_by_its_key() -> None:
    found = read_event(event(""))
    assert found is not None
    assert (found.kind, found.object, found.object_id) == (Kind.PRIVACY, CONTACT, 77)
    assert read_event(event("", "hubspot_general_webhook.contact.propertyChange")) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"objectId": "x1"},
        {"objectId": -4},
        {"objectId": 1 << 60},
        {"occurredAt": "soon"},
        {"propertyName": "no name"},
        {"subscriptionType": "company.explosion"},
        {"subscriptionType": "object.deletion", "objectTypeId": "2-999"},
    ],
)
def test_what_is_not_as_documented_is_refused_without_its_values(fields: dict[str, object]) -> None:
    with pytest.raises(EventRefused) as refused:
        read(**(CHANGE | fields))
    assert all(str(value) not in str(refused.value) for value in fields.values())


@pytest.mark.parametrize("body", ["{", "[]", '"text"'])
def test_what_is_no_json_object_is_refused(body: str) -> None:
    with pytest.raises(EventRefused):
        read_event(event(body))
