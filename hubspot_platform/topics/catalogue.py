"""The topics: who publishes each, what it says, and which queues must get it. Nothing else lists topics.

The gateway asks `parse` what a posted document is, publishers and subscribers ask `topic`, and the depth of every
subscriber's queue is shown from here, also before its worker exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from pydantic import ValidationError

from hubspot_platform.errors import PlatformError
from hubspot_platform.mirror.publishing import EngagementEvent
from hubspot_platform.mirror.qualification import Qualification
from hubspot_platform.settings import Settings
from hubspot_platform.state.topics import Event
from hubspot_platform.topics import models
from hubspot_platform.topics.transport import FORWARDER

COMPANY_AGGREGATOR = "matrix.hubspot_company_aggregator"
USAGE_AGGREGATOR = "matrix.hubspot_user_usage_aggregator"
CONTACT_UPDATER = "matrix.hubspot_contact_profile_updater"
DATA_EVENTS = "matrix.updated_data_events.hubspot"
JOURNEY = "matrix.company_journey_events"


class Payload(Protocol):
    """What a topic's model offers."""

    @classmethod
    def model_validate(cls, obj: Any) -> Self:
        """Return the model of a document; pydantic's ValidationError when it is none."""

    def event(self) -> Event:
        """Return the event to publish."""


@dataclass(frozen=True)
class Topic:
    """One topic; `subscribers` are the queues whose workers must get each of its events."""

    name: str
    model: type[Payload]
    publisher: str
    subscribers: tuple[str, ...]
    description: str


class TopicError(PlatformError):
    """A document is no event of a topic; `problems` says why, field by field, without its values."""

    def __init__(self, message: str, *, mend: str, problems: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message, mend=mend)
        self.problems = problems


class UnknownTopic(TopicError):
    """There is no topic of that name."""


class PayloadRefused(TopicError):
    """The document does not fit the topic's payload."""


_ENTRIES = (
    Topic(
        "company_metadata_changed",
        models.CompanyMetadataChanged,
        "CompanyProfileMetaDataRunner",
        (COMPANY_AGGREGATOR,),
        "Columns of a company's central row changed.",
    ),
    Topic(
        "new_subscription_event",
        models.NewSubscriptionEvent,
        "PaymentRunner",
        (COMPANY_AGGREGATOR, JOURNEY),
        "A company's subscription began, changed or ended.",
    ),
    Topic(
        "company_attribution_updated",
        models.CompanyAttributionUpdated,
        "ClientAttributionRunner",
        (COMPANY_AGGREGATOR,),
        "A company's attribution came out differently.",
    ),
    Topic(
        "company_usage_changed",
        models.CompanyUsageChanged,
        "HubspotPeriodicRunner and others",
        (COMPANY_AGGREGATOR,),
        "A company's usage figures changed, or are due to be compared.",
    ),
    Topic(
        "contact_state_updated",
        models.ContactStateUpdated,
        "ContactStateRunner",
        (CONTACT_UPDATER,),
        "A contact's state changed.",
    ),
    Topic(
        "engagement_event",
        EngagementEvent,
        "EngagementLogic",
        (DATA_EVENTS,),
        "A call, meeting or e-mail came into the mirror.",
    ),
    Topic(
        "feature_feedback_to_hubspot",
        models.FeatureFeedback,
        "FeatureFeedbackRunner",
        (CONTACT_UPDATER,),
        "A user said something about a feature.",
    ),
    Topic(
        "user_bi_data_updated",
        models.UserBiDataUpdated,
        "BI Analytics",
        ("matrix.hubspot.user_bi_data",),
        "Analysts changed the figures of a user.",
    ),
    Topic(
        "contact_bi_data_updated",
        models.ContactBiDataUpdated,
        "BI Analytics",
        ("matrix.hubspot.contact_bi_data",),
        "Analysts changed the figures of a contact.",
    ),
    Topic(
        "updated_user_usage_event",
        models.UpdatedUserUsageEvent,
        "UserUsageRunner",
        (USAGE_AGGREGATOR,),
        "A user's usage of one day changed.",
    ),
    Topic(
        "hubspot_create_payment_request_form",
        models.PaymentRequestForm,
        "PaymentRequestHandler",
        ("matrix.hubspot_create_payment_request_form",),
        "A company is asked for a payment: a form with a payment link is wanted.",
    ),
    Topic(
        "jira_events_webhook",
        models.JiraEvent,
        "Jira Webhooks",
        ("matrix.jira_hubspot_events",),
        "A bug was created, updated or deleted in Jira.",
    ),
    Topic(
        "chilipiper_qualification",
        Qualification,
        "check_qualification_list_membership",
        (CONTACT_UPDATER,),
        "A contact became qualified for a sales meeting or stopped being it.",
    ),
    Topic(
        "user_usage_aggregated",
        models.UserUsageAggregated,
        "hubspot_user_usage_dispatcher",
        ("matrix.updated_user_usage_events.hubspot",),
        "A user's usage was added up and can be sent.",
    ),
    Topic(
        "updated_data_events",
        models.UpdatedDataEvent,
        "Matrix",
        (DATA_EVENTS,),
        "A happening of a company or user, a workflow to enrol in, or an e-mail.",
    ),
    Topic(
        "delayed_attribution_trigger",
        models.DelayedAttributionTrigger,
        "MobileSignupsWorker",
        ("matrix.delayed_attribution",),
        "A company's or contact's attribution is to be looked at again 6 and 30 minutes later.",
    ),
    Topic(
        "payments_webhook",
        models.PaymentHappening,
        "PaymentEvents",
        (JOURNEY,),
        "A payment event is stored.",
    ),
    Topic(
        "generic_db_data",
        models.GenericDbData,
        "PaymentEvents",
        (),
        "The same, for whoever copies every change of the billing system.",
    ),
    Topic(
        "invoice_tracking",
        models.InvoiceTracking,
        "PaymentEvents",
        (),
        "A payment event about an invoice or a credit note is stored.",
    ),
)

TOPICS: Mapping[str, Topic] = {entry.name: entry for entry in _ENTRIES}


def topic(name: str) -> Topic:
    """Return the topic of that name; raises UnknownTopic."""
    if name not in TOPICS:
        raise UnknownTopic("there is no topic of that name", mend=f"the topics are {', '.join(TOPICS)}")
    return TOPICS[name]


def parse(name: str, document: Any) -> Payload:
    """Return the payload that a JSON document is; raises UnknownTopic, and PayloadRefused naming the fields."""
    entry = topic(name)
    try:
        return entry.model.model_validate(document)
    except ValidationError as error:
        problems = tuple((".".join(map(str, e["loc"])) or "(document)", e["msg"]) for e in error.errors())
        told = "; ".join(f"{field}: {problem}" for field, problem in problems[:5])
        raise PayloadRefused(
            f"no event of {name}: {told}",
            mend="correct the fields; docs/topics.md lists the payload of every topic",
            problems=problems,
        ) from None


def subscriptions(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return every pair of topic and subscriber; with a TOPIC_TRANSPORT its forwarder is one of them."""
    further = (FORWARDER,) if settings.topic_transport else ()
    return tuple((entry.name, queue) for entry in _ENTRIES for queue in (*entry.subscribers, *further))
