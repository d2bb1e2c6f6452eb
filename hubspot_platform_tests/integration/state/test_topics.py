"""Topics: an event is published once, in an order without gaps, whoever prepares and publishes it how often."""

import threading
from datetime import timedelta

from hubspot_platform.state import Store, topics
from hubspot_platform.state.topics import Event
from hubspot_platform_tests.integration.state.conftest import ManualTime


def event(number: int, topic: str = "engagement_event") -> Event:
    return Event(topic, f"CALL:{number}", {"engagement_id": number}, f"{topic}:1:{number}")


def announce(store: Store, *events: Event) -> int:
    now = store.now()
    store.write(lambda conn: topics.prepare(conn, events, now))
    return store.write(lambda conn: topics.publish(conn, events[0].topic, [e.dedupe_key for e in events], now))


def keys(store: Store, after: int = 0, topic: str = "engagement_event") -> list[tuple[int, str]]:
    return [(e.position, e.key) for e in store.read(lambda conn: topics.read_after(conn, topic, after))]


def test_an_event_announced_again_is_one_event(store: Store) -> None:
    assert announce(store, event(1), event(2)) == 2
    assert announce(store, event(2), event(3)) == 1
    assert announce(store, event(1)) == 0
    assert keys(store) == [(1, "CALL:1"), (2, "CALL:2"), (3, "CALL:3")]
    assert keys(store, after=2) == [(3, "CALL:3")]
    (first, *_) = store.read(lambda conn: topics.read_after(conn, "engagement_event", 0))
    assert (first.payload, first.published_at) == ({"engagement_id": 1}, store.now())


def test_what_is_only_prepared_is_not_read(store: Store) -> None:
    store.write(lambda conn: topics.prepare(conn, [event(1), event(2)], store.now()))

    assert keys(store) == []
    assert [e.key for e in store.read(lambda conn: topics.pending(conn, "engagement_event"))] == ["CALL:1", "CALL:2"]
    second = [event(2).dedupe_key]
    assert store.write(lambda conn: topics.publish(conn, "engagement_event", second, store.now())) == 1
    assert keys(store) == [(1, "CALL:2")]


def test_topics_count_their_own_positions(store: Store) -> None:
    announce(store, event(1))
    announce(store, event(1, "chilipiper_qualification"))
    assert keys(store, topic="chilipiper_qualification") == [(1, "CALL:1")]


def test_publishers_side_by_side_leave_no_gap_and_no_double(store: Store) -> None:
    threads = [
        threading.Thread(target=lambda n=n: [announce(store, event(i)) for i in range(n, n + 12)]) for n in (0, 6, 12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    found = keys(store)
    assert [position for position, _ in found] == list(range(1, 25))
    assert {key for _, key in found} == {f"CALL:{number}" for number in range(24)}


def test_old_events_go_and_positions_go_on(store: Store, moment: ManualTime) -> None:
    announce(store, event(1))
    store.write(lambda conn: topics.prepare(conn, [event(2)], store.now()))
    moment.advance(timedelta(days=100).total_seconds())
    announce(store, event(3))

    assert store.write(lambda conn: topics.prune(conn, moment() - timedelta(days=90))) == 2
    assert keys(store) == [(2, "CALL:3")]
