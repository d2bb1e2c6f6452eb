"""The transport on Google Pub/Sub; `google-cloud-pubsub` is the optional extra `pubsub`, imported when it is used.

A topic is `projects/PROJECT/topics/TOPIC`, its subscriptions `TOPIC.SUBSCRIBER`; both are made when they are missing.
Messages hold the payload as JSON, the key as ordering key and the dedupe key as an attribute. The client itself honours
PUBSUB_EMULATOR_HOST and Google's application default credentials.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

import orjson

from hubspot_platform.errors import ConfigurationError, PlatformError
from hubspot_platform.state.topics import Event
from hubspot_platform.topics.transport import Received

SCHEME = "pubsub://"
SECONDS, PULL_SECONDS = 60.0, 10.0
ACK_SECONDS = 60
_DEDUPE_KEY = "dedupe_key"


class PubSubUnavailable(PlatformError):
    """Google Pub/Sub did not do what it was asked; the same again is harmless."""


class PubSubTransport:
    """Topics of one Google Cloud project; close it after use."""

    def __init__(self, project: str) -> None:
        try:
            exceptions = import_module("google.api_core.exceptions")
            pubsub_v1 = import_module("google.cloud.pubsub_v1")
        except ImportError:
            mend = "pip install 'hubspot-platform[pubsub]', or leave TOPIC_TRANSPORT empty"
            raise ConfigurationError("TOPIC_TRANSPORT", "google-cloud-pubsub is not installed", mend=mend) from None
        self._project = project
        self._errors = exceptions
        options = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
        self._publisher = pubsub_v1.PublisherClient(publisher_options=options)
        self._subscriber = pubsub_v1.SubscriberClient()
        self._made: set[str] = set()

    def close(self) -> None:
        """Let go of the connections."""
        self._publisher.stop()
        self._publisher.transport.close()
        self._subscriber.close()

    def publish(self, events: Sequence[Event]) -> None:
        """See `Transport.publish`."""
        futures = []
        for event in events:
            path = self._topic(event.topic)
            futures.append(
                self._publisher.publish(
                    path,
                    orjson.dumps(event.payload),
                    ordering_key=event.key,
                    **{_DEDUPE_KEY: event.dedupe_key},
                )
            )
        for future in futures:
            self._call(future.result, timeout=SECONDS)

    def receive(self, topic: str, subscriber: str, limit: int) -> list[Received]:
        """See `Transport.receive`; what is no event of ours stays unacknowledged, for a dead letter topic."""
        path = self._subscription(topic, subscriber)
        request = {"subscription": path, "max_messages": limit}
        try:
            answer = self._subscriber.pull(request=request, timeout=PULL_SECONDS, retry=None)
        except self._errors.DeadlineExceeded:  # nothing came
            return []
        except self._errors.GoogleAPICallError as error:
            raise _unavailable(error) from None
        return [received for message in answer.received_messages if (received := _received(topic, message))]

    def acknowledge(self, topic: str, subscriber: str, received: Sequence[Received]) -> None:
        """See `Transport.acknowledge`."""
        if received:
            request = {
                "subscription": self._subscription(topic, subscriber),
                "ack_ids": [each.receipt for each in received],
            }
            self._call(self._subscriber.acknowledge, request=request, timeout=SECONDS)

    def _topic(self, name: str) -> str:
        path = str(self._publisher.topic_path(self._project, name))
        self._ensure(path, self._publisher.create_topic, {"name": path})
        return path

    def _subscription(self, topic: str, subscriber: str) -> str:
        path = str(self._subscriber.subscription_path(self._project, f"{topic}.{subscriber}"))
        settings = {"ack_deadline_seconds": ACK_SECONDS, "enable_message_ordering": True}
        request = {"name": path, "topic": self._topic(topic), **settings}
        self._ensure(path, self._subscriber.create_subscription, request)
        return path

    def _ensure(self, path: str, create: Callable[..., Any], request: dict[str, Any]) -> None:
        if path in self._made:
            return
        try:
            with suppress(self._errors.AlreadyExists):
                create(request=request, timeout=SECONDS)
        except self._errors.GoogleAPICallError as error:
            raise _unavailable(error) from None
        self._made.add(path)

    def _call(self, call: Callable[..., Any], **arguments: Any) -> None:
        try:
            call(**arguments)
        except (self._errors.GoogleAPICallError, TimeoutError) as error:
            raise _unavailable(error) from None


def _received(topic: str, message: Any) -> Received | None:
    key = message.message.attributes.get(_DEDUPE_KEY)
    try:
        payload = orjson.loads(message.message.data)
    except orjson.JSONDecodeError:
        return None
    if not key or not isinstance(payload, dict):
        return None
    return Received(Event(topic, message.message.ordering_key, payload, key), message.ack_id)


def _unavailable(error: Exception) -> PubSubUnavailable:
    mend = "the next run does it again; see the project's Pub/Sub topics and the rights of the service account"
    return PubSubUnavailable(f"Google Pub/Sub: {type(error).__name__}", mend=mend)
