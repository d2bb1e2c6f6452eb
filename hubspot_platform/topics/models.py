"""The payload of each topic. `topics.catalogue` lists the topics; publishers make these models, subscribers read them.

Every payload knows what it is about (its key: events of one key belong in order) and what makes it one happening
(its dedupe key). `engagement_event` and `chilipiper_qualification` are made in the mirror and live there.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hubspot_platform.mirror.values import cleaned
from hubspot_platform.state.topics import Event


def _id_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Id = Annotated[
    str,
    BeforeValidator(_id_text),
    Field(min_length=1, max_length=200, pattern=r"^\S(.*\S)?$"),
]
"""An id of another system, as text."""
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=320)]
Fields = Annotated[tuple[str, ...], Field(max_length=1000)]
"""Names of what changed; empty means: look at everything."""


AttributionModel = Literal["first", "last", "first_limited"]
"""The tables of company attribution: oldest touch, newest touch, oldest of the 28 days before the sign-up."""


class Happening(BaseModel):
    """What every payload carries: its publisher's own id of the event, and when it happened."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    topic: ClassVar[str]
    about: ClassVar[str]
    """Name of the field that says what the event is about."""

    event_id: Id
    occurred_at: AwareDatetime

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, document: Any) -> Any:
        return cleaned(document)

    @property
    def key(self) -> str:
        """What the event is about."""
        return str(getattr(self, self.about))

    def event(self) -> Event:
        """Return the event for the topic; an `event_id` is one event of a topic, once for ever."""
        return Event(self.topic, self.key, self.model_dump(mode="json"), f"{self.topic}:{self.event_id}")


class _Company(Happening):
    about = "company_id"

    company_id: Id


class _Contact(Happening):
    about = "email"

    email: Email


class _User(Happening):
    about = "user_id"

    user_id: Id
    company_id: Id | None = None


class CompanyMetadataChanged(_Company):
    """Columns of a company's central row changed."""

    topic = "company_metadata_changed"

    fields: Fields = ()


class NewSubscriptionEvent(_Company):
    """A subscription began, changed or ended."""

    topic = "new_subscription_event"

    subscription_id: Id
    event_type: str
    payment_event_id: Id


class CompanyAttributionUpdated(_Company):
    """A company's attribution came out differently."""

    topic = "company_attribution_updated"

    models: tuple[AttributionModel, ...] = ()
    """Which of them came out differently; empty means: look at all."""
    old_touchpoint_ids: dict[AttributionModel, str | None] = Field(default_factory=dict)
    new_touchpoint_ids: dict[AttributionModel, str | None] = Field(default_factory=dict)


class CompanyUsageChanged(_Company):
    """A company's usage figures changed, or the periodic pass wants them compared."""

    topic = "company_usage_changed"

    fields: Fields = ()


class ContactStateUpdated(_Contact):
    """A contact's state changed."""

    topic = "contact_state_updated"

    user_id: Id | None = None
    hubspot_contact_id: Id | None = None
    fields: Fields = ()


class FeatureFeedback(_Contact):
    """A user said something about a feature."""

    topic = "feature_feedback_to_hubspot"

    feature: Annotated[str, Field(min_length=1, max_length=200)]
    user_id: Id | None = None
    company_id: Id | None = None
    rating: Annotated[int, Field(ge=0, le=10)] | None = None
    feedback: Annotated[str, Field(max_length=65_536)] | None = None


class UserBiDataUpdated(_User):
    """Analysts changed the figures of a user."""

    topic = "user_bi_data_updated"

    fields: Fields = ()


class ContactBiDataUpdated(_Contact):
    """Analysts changed the figures of a contact."""

    topic = "contact_bi_data_updated"

    fields: Fields = ()


class UpdatedUserUsageEvent(_User):
    """A user's usage of one day changed."""

    topic = "updated_user_usage_event"

    usage_date: date


class UserUsageAggregated(_User):
    """A user's usage was added up; the figures are ready to be sent."""

    topic = "user_usage_aggregated"

    usage_from: date
    usage_to: date


class UpdatedDataEvent(Happening):
    """Something people or workflows in HubSpot should know of: a happening of a company or user, or an e-mail."""

    topic = "updated_data_events"
    about = "subject_id"

    subject_type: Literal["company", "user", "contact"]
    subject_id: Id
    action: Literal["event", "workflow", "email"]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    attributes: dict[str, str | int | Decimal | bool | None] = Field(default_factory=dict, max_length=200)


class PaymentRequestForm(_Company):
    """Somebody asks a company for a payment: a form with a payment link is wanted."""

    topic = "hubspot_create_payment_request_form"

    amount: Annotated[Decimal, Field(gt=0, max_digits=18, decimal_places=4)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    description: Annotated[str, Field(min_length=1, max_length=1000)]
    email: Email | None = None
    requested_by: Id | None = None


class JiraEvent(Happening):
    """An issue of a bug was created, updated or deleted in Jira."""

    topic = "jira_events_webhook"
    about = "issue_key"

    issue_key: Id
    webhook_event: str


class DelayedAttributionTrigger(Happening):
    """The attribution of a company, or of a contact by its address, is worth looking at again: touches come late."""

    topic = "delayed_attribution_trigger"
    about = "company_id"

    company_id: Id | None = None
    email: Email | None = None
    source: Annotated[str, Field(min_length=1, max_length=100)] = "mobile_signup"

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if (self.company_id is None) == (self.email is None):
            raise ValueError("give one of company_id and email")
        return self

    @property
    def key(self) -> str:
        """The company or the address."""
        return self.company_id or str(self.email)


class PaymentHappening(Happening):
    """A payment event is stored in `payments.payment_events` under its `event_id`."""

    topic = "payments_webhook"
    about = "resource_id"

    event_type: str
    resource_type: str
    resource_id: Id
    subscription_id: Id | None = None
    customer_id: Id | None = None
    invoice_id: Id | None = None
    transaction_id: Id | None = None


class GenericDbData(PaymentHappening):
    """As `payments_webhook`, for whoever copies every change of the billing system."""

    topic = "generic_db_data"


class InvoiceTracking(PaymentHappening):
    """An invoice or a credit note changed."""

    topic = "invoice_tracking"
