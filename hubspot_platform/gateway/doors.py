"""The table of doors: which path takes whose events, how a sender proves itself, and how its body is read.

`gateway.app` looks a request's path up here and calls the door's two functions, authentication first. Opening another
system's door is one more entry.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from pydantic import SecretStr

from hubspot_platform.connectors import chargebee, jira, jira_headers
from hubspot_platform.gateway.documents import load
from hubspot_platform.gateway.exchange import Delivery
from hubspot_platform.gateway.hubspot_events import MALFORMED, read_delivery
from hubspot_platform.gateway.problems import Problem, unauthorized
from hubspot_platform.hubspot import signatures
from hubspot_platform.settings import Settings
from hubspot_platform.state.inbox import NewEvent
from hubspot_platform.topics.catalogue import TopicError, UnknownTopic, parse

TOPICS_PATH: Final = "/events/"
TOPIC_QUEUE: Final = "matrix.topic_events"
_BASIC = 'Basic realm="payment events", charset="UTF-8"'


@dataclass(frozen=True)
class Door:
    """One way in. `authenticate` raises Problem 401 or returns how the sender proved itself; `read` returns events."""

    name: str
    authenticate: Callable[[Delivery], str]
    read: Callable[[Delivery], list[NewEvent]]


def doors(settings: Settings) -> Mapping[str, Door]:
    """Return the doors by path; `/events/{topic}` is `topic_door`."""
    hubspot = _Hubspot(_plain(settings.hubspot_app_secrets), settings.hubspot_portal_id)
    legacy = hubspot.door("hubspot_legacy", legacy=settings.gateway_legacy_signatures)
    return {
        "/Hubspot/Webhooks/": legacy,
        "/Hubspot/Webhooks": legacy,
        "/Hubspot/Webhooks/General": hubspot.door("hubspot_general"),
        "/Hubspot/ContactWebhooks/": hubspot.door("hubspot_contacts"),
        "/Hubspot/ContactWebhooks": hubspot.door("hubspot_contacts"),
        "/bi/api/PaymentEvents/": _chargebee_door(settings),
        "/bi/api/PaymentEvents": _chargebee_door(settings),
        "/jira/webhooks": _jira_door(settings),
    }


def topic_door(settings: Settings, topic: str) -> Door:
    """Return the door of one topic; Problem 404 is raised for an unknown one, after authentication."""
    tokens = _plain(settings.topic_tokens)
    if settings.admin_token is not None:
        tokens = (*tokens, settings.admin_token.get_secret_value())

    def authenticate(delivery: Delivery) -> str:
        scheme, _, given = delivery.headers.get("authorization", "").partition(" ")
        digest = sha256(given.strip().encode()).digest()
        held = [hmac.compare_digest(digest, sha256(token.encode()).digest()) for token in tokens]
        if scheme.lower() != "bearer" or not any(held):
            raise unauthorized("token", "Bearer")
        return "token"

    return Door("topic", authenticate, lambda delivery: [_topic_event(topic, delivery.body)])


class _Hubspot:
    """What HubSpot's doors share."""

    def __init__(self, secrets: Sequence[str], portal_id: int | None) -> None:
        self._secrets = secrets
        self._portal_id = portal_id

    def door(self, name: str, *, legacy: bool = False) -> Door:
        def authenticate(delivery: Delivery) -> str:
            if not legacy and signatures.HEADER_V3 not in delivery.headers:
                raise unauthorized("no_v3_signature" if signatures.HEADER in delivery.headers else "missing")
            try:
                return signatures.verify(
                    delivery.headers,
                    delivery.body,
                    method="POST",
                    uri=delivery.uri,
                    secrets=self._secrets,
                    now_ms=delivery.now_ms,
                )
            except signatures.SignatureRefused as error:
                raise unauthorized(error.rule) from None

        def read(delivery: Delivery) -> list[NewEvent]:
            return read_delivery(delivery.body, portal_id=self._portal_id, door=name)

        return Door(name, authenticate, read)


def _chargebee_door(settings: Settings) -> Door:
    users = _plain(settings.chargebee_webhook_users)

    def authenticate(delivery: Delivery) -> str:
        try:
            chargebee.check_credentials(delivery.headers.get("authorization", ""), users)
        except chargebee.CredentialsRefused:
            raise unauthorized("credentials", _BASIC) from None
        return "basic"

    def read(delivery: Delivery) -> list[NewEvent]:
        content = load(delivery.body).content
        try:
            return [chargebee.inbox_event(content, delivery.body, "chargebee")]
        except chargebee.NoEvent as error:
            return [_dead_letter("chargebee", delivery.body, str(error))]

    return Door("chargebee", authenticate, read)


def _jira_door(settings: Settings) -> Door:
    secrets = _plain(settings.jira_webhook_secrets)

    def authenticate(delivery: Delivery) -> str:
        try:
            jira_headers.check_signature(
                delivery.headers.get(jira_headers.SIGNATURE_HEADER, ""), delivery.body, secrets
            )
        except jira_headers.SignatureRefused:
            raise unauthorized("mismatch") from None
        return "signature"

    def read(delivery: Delivery) -> list[NewEvent]:
        content = load(delivery.body).content
        try:
            identifier = delivery.headers.get(jira_headers.IDENTIFIER_HEADER, "")
            return [jira.inbox_event(content, delivery.body, identifier, "jira")]
        except jira.NoEvent as error:
            return [_dead_letter("jira", delivery.body, str(error))]

    return Door("jira", authenticate, read)


def _topic_event(topic: str, body: bytes) -> NewEvent:
    content: Any = load(body).content
    try:
        event = parse(topic, content).event()
    except UnknownTopic as error:
        raise Problem(404, "unknown_topic", str(error)) from None
    except TopicError as error:
        problems = [{"field": field, "problem": problem} for field, problem in error.problems]
        raise Problem(422, "payload", "The document does not fit the topic.", problems=problems) from None
    return NewEvent("topic", TOPIC_QUEUE, topic, event.key, event.dedupe_key, None, body, "topic")


def _dead_letter(source: Any, body: bytes, reason: str) -> NewEvent:
    """Keep what its sender proved to be its own but we cannot read: refusing it would only bring it back."""
    key = f"malformed:{sha256(body).hexdigest()}"
    return NewEvent(source, MALFORMED, MALFORMED, "", key, None, body, source, "dead", reason)


def _plain(secrets: Sequence[SecretStr]) -> tuple[str, ...]:
    return tuple(secret.get_secret_value() for secret in secrets)
