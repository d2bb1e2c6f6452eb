"""What the gateway counts, for Prometheus: deliveries, events, refusals, times, and how full the inbox is.

`gateway.app` counts, `gateway.server` serves `/metrics`. Labels are names of ours, never anything a sender chose.
"""

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from hubspot_platform.gateway.routing import ROUTES
from hubspot_platform.state import Store, inbox, topics
from hubspot_platform.state.inbox import Depth

_PREFIX = "hubspot_platform"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The counters of one gateway process, and how full the queues are; `subscriptions` are (topic, queue)."""

    def __init__(self, store: Store, subscriptions: Sequence[tuple[str, str]] = ()) -> None:
        self.registry = CollectorRegistry()
        self.deliveries = Counter(
            f"{_PREFIX}_webhook_deliveries_total",
            "Requests at a door by answer.",
            ("endpoint", "status"),
            registry=self.registry,
        )
        self.refusals = Counter(
            f"{_PREFIX}_webhook_refusals_total",
            "Refused requests by reason.",
            ("endpoint", "reason"),
            registry=self.registry,
        )
        self.events = Counter(
            f"{_PREFIX}_webhook_events_total", "Events by outcome.", ("endpoint", "outcome"), registry=self.registry
        )
        self.seconds = Histogram(
            f"{_PREFIX}_webhook_delivery_seconds",
            "From the whole body to the answer.",
            ("endpoint",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.registry.register(_InboxDepth(store))
        self.registry.register(_TopicDepth(store, subscriptions))

    def page(self) -> bytes:
        """Return everything in Prometheus' text format; StateError when the store cannot be read."""
        return generate_latest(self.registry)


class _InboxDepth(Collector):
    """Reads the depth of every queue when it is asked for, that of HubSpot's queues also while they are empty."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Say nothing beforehand, so that registering does not read the store."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield the depth by queue and status, and the age of the oldest waiting event of each queue."""
        now = self._store.now()
        depth = GaugeMetricFamily(f"{_PREFIX}_queue_depth", "Events of the inbox.", labels=("queue", "status"))
        age = GaugeMetricFamily(
            f"{_PREFIX}_queue_oldest_seconds", "Age of the oldest waiting event.", labels=("queue",)
        )
        empty = {queue: Depth() for _, queue in ROUTES.values()}
        depths = empty | self._store.read(lambda conn: inbox.depths(conn, now))
        for queue, found in sorted(depths.items()):
            for status in ("ready", "leased", "parked", "dead"):
                depth.add_metric((queue, status), getattr(found, status))
            oldest = found.oldest_ready_at
            age.add_metric((queue,), 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds()))
        return (depth, age)


class _TopicDepth(Collector):
    """Reads how many events wait for each subscriber of a topic, also for queues whose worker is to come."""

    def __init__(self, store: Store, subscriptions: Sequence[tuple[str, str]]) -> None:
        self._store = store
        self._subscriptions = subscriptions

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Say nothing beforehand, as above."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield the unread events by topic and queue."""
        waiting = GaugeMetricFamily(
            f"{_PREFIX}_topic_events_waiting", "Unread events of a topic.", labels=("topic", "queue")
        )
        for each in self._store.read(lambda conn: topics.backlogs(conn, self._subscriptions)):
            waiting.add_metric((each.topic, each.subscriber), each.waiting)
        return (waiting,)
