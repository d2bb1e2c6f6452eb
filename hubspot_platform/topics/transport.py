"""How events of topics travel: one interface, on the state store by default and on Google Pub/Sub where asked for.

Publishers inside the platform write to the state store, in the transaction of what the event tells of. With
`TOPIC_TRANSPORT=pubsub://PROJECT` the job `forward_topics` sends each event on, so that other services subscribe there.
Both transports deliver at least once and in order of publication per key: whoever receives an event twice knows it by
its dedupe key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hubspot_platform.state import Store, database_now, topics
from hubspot_platform.state.topics import Event

FORWARDER = "pubsub"
"""The subscriber that sends every topic's events on."""

_EVENTS_AT_ONCE = 500


@dataclass(frozen=True)
class Received:
    """An event as a subscriber got it, with what acknowledges it."""

    event: Event
    receipt: str


class Transport(Protocol):
    """Publishing and subscribing."""

    def publish(self, events: Sequence[Event]) -> None:
        """Return once every event is kept; raises when one may not be, and publishing all again is harmless."""

    def receive(self, topic: str, subscriber: str, limit: int) -> list[Received]:
        """Return events the subscriber has not acknowledged, at most `limit`; it waits for none, or a few seconds."""

    def acknowledge(self, topic: str, subscriber: str, received: Sequence[Received]) -> None:
        """Note that the subscriber is done with these, and on the state store with everything before them."""


class StateTransport:
    """Topics in the state store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def publish(self, events: Sequence[Event]) -> None:
        """See `Transport.publish`."""
        self._store.write(lambda conn: topics.announce(conn, events, database_now(conn)))

    def receive(self, topic: str, subscriber: str, limit: int) -> list[Received]:
        """See `Transport.receive`."""
        found = self._store.read(lambda conn: topics.read(conn, topic, subscriber, limit))
        return [Received(Event(topic, e.key, e.payload, e.dedupe_key), str(e.position)) for e in found]

    def acknowledge(self, topic: str, subscriber: str, received: Sequence[Received]) -> None:
        """See `Transport.acknowledge`."""
        if received:
            last = max(int(each.receipt) for each in received)
            self._store.write(lambda conn: topics.acknowledge(conn, topic, subscriber, last, database_now(conn)))


def forward(source: Transport, target: Transport, names: Sequence[str]) -> int:
    """Send on what the topics of these names hold and was not sent before; returns how many events.

    A kill between publishing and acknowledging sends a batch once more.
    """
    sent = 0
    for name in names:
        while received := source.receive(name, FORWARDER, _EVENTS_AT_ONCE):
            target.publish([each.event for each in received])
            source.acknowledge(name, FORWARDER, received)
            sent += len(received)
    return sent
