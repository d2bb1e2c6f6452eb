"""The topics: the names of the documents, typed payloads, and refusals that say what to mend."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from hubspot_platform.mirror.publishing import TOPIC as ENGAGEMENT
from hubspot_platform.mirror.publishing import EngagementEvent
from hubspot_platform.mirror.qualification import TOPIC as QUALIFICATION
from hubspot_platform.mirror.qualification import Qualification
from hubspot_platform.settings import load_settings
from hubspot_platform.topics.catalogue import TOPICS, PayloadRefused, UnknownTopic, parse, subscriptions
from hubspot_platform.topics.models import Happening
from hubspot_platform.topics.transport import FORWARDER
from hubspot_platform.workers.catalogue import queue

TWELVE = {
    "company_metadata_changed": "CompanyProfileMetaDataRunner",
    "new_subscription_event": "PaymentRunner",
    "company_attribution_updated": "ClientAttributionRunner",
    "company_usage_changed": "HubspotPeriodicRunner and others",
    "contact_state_updated": "ContactStateRunner",
    "engagement_event": "EngagementLogic",
    "feature_feedback_to_hubspot": "FeatureFeedbackRunner",
    "user_bi_data_updated": "BI Analytics",
    "contact_bi_data_updated": "BI Analytics",
    "updated_user_usage_event": "UserUsageRunner",
    "hubspot_create_payment_request_form": "PaymentRequestHandler",
    "jira_events_webhook": "Jira Webhooks",
}
SAID = {"event_id": "m1", "occurred_at": "2026-03-01T12:00:00Z"}


def test_the_documents_twelve_topics_are_there_with_their_publishers() -> None:
    assert {name: TOPICS[name].publisher for name in TWELVE} == TWELVE


def test_every_subscriber_is_a_queue_of_the_platform() -> None:
    for _, subscriber in subscriptions(load_settings(topic_transport="")):
        assert queue(subscriber).name == subscriber
    pairs = subscriptions(load_settings(topic_transport="pubsub://project"))
    assert {topic for topic, subscriber in pairs if subscriber == FORWARDER} == set(TOPICS)


def test_the_documentation_lists_every_topic_with_publisher_subscribers_and_fields() -> None:
    lines = (Path(__file__).parents[3] / "docs" / "topics.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| `")]
    listed = {row[0].strip("`"): (row[1], re.findall(r"`(.+?)`", row[2])) for row in cells if len(row) == 4}
    assert listed == {name: (topic.publisher, list(topic.subscribers)) for name, topic in TOPICS.items()}

    fields = {name: row[1] for row in cells if len(row) == 2 for name in re.findall(r"`(.+?)`", row[0])}
    for name, topic in TOPICS.items():
        model = topic.model
        assert issubclass(model, BaseModel)
        for field, info in model.model_fields.items():
            if field not in Happening.model_fields or not issubclass(model, Happening):
                optional = "?" if issubclass(model, Happening) and not info.is_required() else ""
                assert f"`{field}`{optional}" in fields[name], (name, field)


def test_a_topic_and_its_model_have_one_name() -> None:
    assert {name for name, topic in TOPICS.items() if not issubclass(topic.model, Happening)} == {
        ENGAGEMENT,
        QUALIFICATION,
    }
    for name, topic in TOPICS.items():
        if issubclass(topic.model, Happening):
            assert topic.model.topic == name
            assert topic.model.about in topic.model.model_fields
    assert TOPICS[ENGAGEMENT].model is EngagementEvent
    assert TOPICS[QUALIFICATION].model is Qualification


def test_a_document_becomes_the_event_of_its_topic() -> None:
    event = parse("updated_user_usage_event", {**SAID, "user_id": 77, "usage_date": "2026-02-28"}).event()
    assert (event.topic, event.key, event.dedupe_key) == (
        "updated_user_usage_event",
        "77",
        "updated_user_usage_event:m1",
    )
    assert event.payload == {**SAID, "user_id": "77", "company_id": None, "usage_date": "2026-02-28"}


def test_a_payload_survives_its_way_through_a_topic() -> None:
    form = {**SAID, "company_id": "5", "amount": "12.50", "currency": "EUR", "description": "June\x00"}
    model = parse("hubspot_create_payment_request_form", form)
    assert model.event().payload["description"] == "June\ufffd"
    assert parse("hubspot_create_payment_request_form", model.event().payload) == model


@pytest.mark.parametrize(
    ("topic", "wrong", "field"),
    [
        ("company_metadata_changed", {"company_id": ""}, "company_id"),
        ("company_metadata_changed", {"company_id": True}, "company_id"),
        ("company_metadata_changed", {"company_id": "5", "occurred_at": "2026-03-01T12:00:00"}, "occurred_at"),
        ("company_metadata_changed", {"company_id": "5", "more": 1}, "more"),
        ("contact_state_updated", {"email": "nobody"}, "email"),
        ("delayed_attribution_trigger", {}, "(document)"),
        ("delayed_attribution_trigger", {"company_id": "5", "email": "a@b.example"}, "(document)"),
        ("feature_feedback_to_hubspot", {"email": "a@b.example", "feature": "x", "rating": 11}, "rating"),
        (
            "hubspot_create_payment_request_form",
            {"company_id": "5", "amount": "-1", "currency": "EUR", "description": "x"},
            "amount",
        ),
    ],
)
def test_a_document_that_does_not_fit_is_refused_by_its_field(topic: str, wrong: dict, field: str) -> None:
    with pytest.raises(PayloadRefused) as refused:
        parse(topic, {**SAID, **wrong})
    assert [named for named, _ in refused.value.problems] == [field]
    assert refused.value.mend


@pytest.mark.parametrize("document", [None, [], "text", 5])
def test_a_document_that_is_no_object_is_refused(document: object) -> None:
    with pytest.raises(PayloadRefused):
        parse("company_metadata_changed", document)


def test_refusals_do_not_repeat_what_was_sent() -> None:
    with pytest.raises(PayloadRefused) as refused:
        parse("contact_state_updated", {**SAID, "email": "secret-person"})
    assert "secret-person" not in str(refused.value)


def test_an_unknown_topic_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownTopic, match="company_metadata_changed"):
        parse("nothing", {})


def test_times_keep_their_instant() -> None:
    model = parse("company_usage_changed", {**SAID, "occurred_at": "2026-03-01T14:00:00+02:00", "company_id": 5})
    assert datetime.fromisoformat(model.event().payload["occurred_at"]) == datetime(2026, 3, 1, 12, tzinfo=UTC)
