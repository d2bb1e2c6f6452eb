"""Both transports of topics keep one contract; forwarding sends every event on, again after a kill and never less."""

import os
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from hubspot_platform.errors import ConfigurationError
from hubspot_platform.state import migrate, open_state
from hubspot_platform.state.topics import Event
from hubspot_platform.topics.pubsub import PubSubTransport
from hubspot_platform.topics.transport import FORWARDER, Received, StateTransport, Transport, forward

EMULATOR = "PUBSUB_EMULATOR_HOST"


@pytest.fixture
def pubsub(monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSubTransport]:
    """The transport on Google's emulator where one runs, else on the tests' own server."""
    pytest.importorskip("google.cloud.pubsub_v1", reason="mend: pip install google-cloud-pubsub")
    from hubspot_platform_tests.support.pubsub import pubsub_server

    with ExitStack() as running:
        if EMULATOR not in os.environ:
            monkeypatch.setenv(EMULATOR, running.enter_context(pubsub_server()))
        opened = PubSubTransport(f"test-{uuid.uuid4().hex[:12]}")
        yield opened
        opened.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres), "pubsub"])
def transport(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Transport]:
    if request.param == "pubsub":
        yield request.getfixturevalue("pubsub")
        return
    postgres = request.param == "postgres"
    store = open_state(request.getfixturevalue("postgres_url") if postgres else f"sqlite:///{tmp_path / 'state.db'}")
    migrate(store)
    yield StateTransport(store)
    store.close()


def events(*numbers: int, topic: str = "orders") -> list[Event]:
    return [Event(topic, f"order:{number}", {"number": number}, f"{topic}:{number}") for number in numbers]


def numbers(received: Sequence[Received]) -> list[int]:
    return [each.event.payload["number"] for each in received]


def test_each_subscriber_gets_every_event_and_acknowledges_for_itself(transport: Transport) -> None:
    for subscriber in ("first", "second"):
        assert transport.receive("orders", subscriber, 10) == []
    transport.publish(events(1, 2, 3))

    got = transport.receive("orders", "first", 10)
    assert sorted(each.event.dedupe_key for each in got) == ["orders:1", "orders:2", "orders:3"]
    assert {each.event.key for each in got} == {"order:1", "order:2", "order:3"}
    transport.acknowledge("orders", "first", got)

    assert transport.receive("orders", "first", 10) == []
    assert sorted(numbers(transport.receive("orders", "second", 10))) == [1, 2, 3]


def test_a_read_returns_no_more_than_its_limit(transport: Transport) -> None:
    assert transport.receive("orders", "first", 10) == []
    transport.publish(events(*range(5)))
    assert len(transport.receive("orders", "first", 2)) <= 2


class Dying:
    """A target that keeps events and then fails, as a process does that is killed before it acknowledges."""

    def __init__(self) -> None:
        self.kept: list[Event] = []
        self.dies = True

    def publish(self, sent: Sequence[Event]) -> None:
        self.kept += sent
        if self.dies:
            raise ConnectionError

    def receive(self, topic: str, subscriber: str, limit: int) -> list[Received]:
        raise NotImplementedError

    def acknowledge(self, topic: str, subscriber: str, received: Sequence[Received]) -> None:
        raise NotImplementedError


def test_forwarding_sends_every_event_at_least_once(tmp_path: Path) -> None:
    store = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    migrate(store)
    source, target = StateTransport(store), Dying()
    source.publish([*events(1, 2), *events(3, topic="refunds")])

    with pytest.raises(ConnectionError):
        forward(source, target, ["orders", "refunds"])
    target.dies = False
    assert forward(source, target, ["orders", "refunds"]) == 3
    assert forward(source, target, ["orders", "refunds"]) == 0

    assert {event.dedupe_key for event in target.kept} == {"orders:1", "orders:2", "refunds:3"}
    assert len(target.kept) == 5
    assert source.receive("orders", FORWARDER, 10) == []
    store.close()


def test_what_is_forwarded_reaches_a_subscriber_of_pubsub(tmp_path: Path, pubsub: PubSubTransport) -> None:
    store = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    migrate(store)
    source = StateTransport(store)
    assert pubsub.receive("orders", "elsewhere", 10) == []
    source.publish(events(1, 2))

    assert forward(source, pubsub, ["orders"]) == 2
    got = pubsub.receive("orders", "elsewhere", 10)
    assert sorted(numbers(got)) == [1, 2]
    assert {each.event.dedupe_key for each in got} == {"orders:1", "orders:2"}
    store.close()


def test_without_the_optional_package_the_setting_is_refused_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.pubsub_v1", None)
    with pytest.raises(ConfigurationError, match=r"TOPIC_TRANSPORT.*pip install"):
        PubSubTransport("project")
