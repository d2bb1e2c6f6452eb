"""From Chargebee's event documents to rows of `payments.payment_events` and the topics that tell of them.

`workers.chargebee` calls `payment_event` for each event of the inbox. It decides nothing about revenue: events are
kept as they came, late ones and unknown types too, and the SQL models read the newest copy of each resource.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hubspot_platform.errors import PlatformError
from hubspot_platform.gateway.documents import dump
from hubspot_platform.hubspot.retry import parse_json
from hubspot_platform.mirror.values import cleaned, may_be_unstorable
from hubspot_platform.topics.models import (
    GenericDbData,
    Happening,
    InvoiceTracking,
    NewSubscriptionEvent,
    PaymentHappening,
)

_KINDS = (
    ("subscription_", "subscription"),
    ("mrr_", "subscription"),
    ("payment_source_", "payment_source"),
    ("payment_", "transaction"),
    ("refund_", "transaction"),
    ("transaction_", "transaction"),
    ("invoice_", "invoice"),
    ("credit_note_", "credit_note"),
    ("coupon_codes_", "coupon_set"),
    ("coupon_", "coupon"),
    ("customer_", "customer"),
)
"""Which resource an event is about, by the beginning of its type."""

_IDS = ("subscription", "customer", "invoice", "transaction")
_LATEST = datetime(2200, 1, 1, tzinfo=UTC).timestamp()
_INT64 = 2**63
_LONGEST_ID, _LONGEST_NUMBER = 200, 30


class NoPaymentEvent(PlatformError):
    """A document is no event of Chargebee; the message names the part that is missing or wrong, never its value."""


@dataclass(frozen=True)
class PaymentEvent:
    """One event; `row` has the columns of `payments.payment_events` except `received_at`."""

    row: Mapping[str, Any]
    resource_type: str
    resource_id: str
    company_id: str | None = None

    def happenings(self) -> tuple[Happening, ...]:
        """Return what is told of the event once it is stored, one payload a topic."""
        told = {name: self.row[name] for name in ("event_id", "occurred_at", "event_type")}
        told |= {f"{name}_id": self.row[f"{name}_id"] for name in _IDS}
        told |= {"resource_type": self.resource_type, "resource_id": self.resource_id}
        models = [PaymentHappening, GenericDbData]
        if self.resource_type in {"invoice", "credit_note"}:
            models.append(InvoiceTracking)
        found: list[Happening] = [model.model_validate(told) for model in models]
        if self._changes_a_subscription and self.company_id is not None:
            of_company = {"company_id": self.company_id, "payment_event_id": told["event_id"]}
            found.append(NewSubscriptionEvent.model_validate(_only(NewSubscriptionEvent, told | of_company)))
        return tuple(found)

    @property
    def _changes_a_subscription(self) -> bool:
        """Whether something happened to a subscription: what is only scheduled has not."""
        return (
            self.resource_type == "subscription"
            and self.row["subscription_id"] is not None
            and "scheduled" not in self.row["event_type"]
            and self.row["event_type"] != "mrr_updated"
        )


def _only(model: type[Happening], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in model.model_fields}


def payment_event(body: bytes, company_field: str = "cf_company_id") -> PaymentEvent:
    """Read one event document; raises NoPaymentEvent when a part that every event has is missing or wrong.

    `company_field` is the custom field of subscriptions and customers that holds the company's id.
    """
    try:
        document = parse_json(body)
    except ValueError:
        raise _refused("is no JSON") from None
    if not isinstance(document, dict):
        raise _refused("is no JSON object")
    content = document.get("content")
    if not isinstance(content, dict):
        raise _refused("has no content")
    if may_be_unstorable(body):
        content = cleaned(content)
    event_type = _text(document.get("event_type"))
    event_id = _text(document.get("id"))
    if event_id is None or event_type is None:
        raise _refused("has no id" if event_id is None else "has no event_type")
    resource_type, resource = _main_resource(event_type, content)
    row = {
        "event_id": event_id,
        "event_type": event_type,
        "occurred_at": _moment(document.get("occurred_at")),
        "resource_version": _whole(resource.get("resource_version")),
        **{f"{name}_id": _id_of(name, content) for name in _IDS},
        "content": dump(content).decode(),
    }
    company_id = _company_id(content, company_field) or _id_of("customer", content)
    return PaymentEvent(row, resource_type, _text(resource.get("id")) or event_id, company_id)


def _refused(problem: str) -> NoPaymentEvent:
    return NoPaymentEvent(f"the event {problem}", mend="compare it with Chargebee's events and send it again")


def _main_resource(event_type: str, content: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return name and copy of the resource the event is about; of an unknown type the first one in the content."""
    named = next((kind for prefix, kind in _KINDS if event_type.startswith(prefix)), None)
    for kind in (named, *sorted(content)):
        if kind is not None and isinstance(content.get(kind), dict):
            return kind, content[kind]
    return named or "unknown", {}


def _id_of(kind: str, content: Mapping[str, Any]) -> str | None:
    """Return the id of the kind's own resource, else the one the other resources refer to."""
    own = content.get(kind)
    if isinstance(own, dict) and _text(own.get("id")):
        return _text(own["id"])
    for other in ("subscription", "transaction", "invoice", "credit_note", "payment_source", "card"):
        resource = content.get(other)
        referred = _text(resource.get(f"{kind}_id")) if isinstance(resource, dict) else None
        if referred:
            return referred
    return None


def _company_id(content: Mapping[str, Any], company_field: str) -> str | None:
    """Return the company the subscription names, else the one its customer names."""
    resources = (content.get(kind) for kind in ("subscription", "customer"))
    named = (_text(resource.get(company_field)) for resource in resources if isinstance(resource, dict))
    return next(filter(None, named), None)


def _text(value: Any) -> str | None:
    """Return an id or a name, trimmed; None for what is none: nothing, an object, a list, a long text."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = cleaned(str(value)).strip()
    return text if 0 < len(text) <= _LONGEST_ID and "\n" not in text else None


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < _LONGEST_NUMBER:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _INT64:
        return None
    return value


def _moment(value: Any) -> datetime:
    """Return the instant of Unix seconds."""
    seconds = _whole(value)
    if seconds is None or seconds > _LATEST:
        raise _refused("has no occurred_at in Unix seconds")
    return datetime.fromtimestamp(seconds, UTC)
