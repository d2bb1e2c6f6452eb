"""Topics: an event is published once, in an order without gaps, whoever prepares and publishes it how often."""

import threading
from datetime import timedelta

from hubspot_platform.state import Store, database_now, topics
from hubspot_platform.state.topics import Event, Pruned
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

    assert store.write(lambda conn: topics.prune(conn, moment() - timedelta(days=90))) == Pruned(1, 1)
    assert keys(store) == [(2, "CALL:3")]


SUBSCRIPTIONS = [("engagement_event", "matrix.first"), ("engagement_event", "matrix.second")]


def read(store: Store, subscriber: str, limit: int = 500) -> list[int]:
    found = store.read(lambda conn: topics.read(conn, "engagement_event", subscriber, limit))
    return [event.position for event in found]


def acknowledge(store: Store, subscriber: str, position: int) -> bool:
    return store.write(
        lambda conn: topics.acknowledge(conn, "engagement_event", subscriber, position, database_now(conn))
    )


def waiting(store: Store) -> dict[str, tuple[int, int]]:
    found = store.read(lambda conn: topics.backlogs(conn, SUBSCRIPTIONS))
    return {backlog.subscriber: (backlog.waiting, backlog.missed) for backlog in found}


def test_a_subscriber_gets_an_event_until_it_acknowledges_it(store: Store) -> None:
    announce(store, event(1), event(2), event(3))

    assert read(store, "matrix.first", limit=2) == [1, 2]
    assert read(store, "matrix.first", limit=2) == [1, 2]
    assert acknowledge(store, "matrix.first", 2)
    assert read(store, "matrix.first") == [3]
    assert read(store, "matrix.second") == [1, 2, 3]


def test_a_late_acknowledgement_does_not_move_the_cursor_back(store: Store) -> None:
    announce(store, event(1), event(2))
    assert acknowledge(store, "matrix.first", 2)

    assert not acknowledge(store, "matrix.first", 1)
    assert read(store, "matrix.first") == []


def test_what_waits_is_visible_before_the_subscriber_exists(store: Store, moment: ManualTime) -> None:
    assert waiting(store) == {"matrix.first": (0, 0), "matrix.second": (0, 0)}
    announce(store, event(1))
    first = store.now()
    moment.advance(60)
    announce(store, event(2))
    acknowledge(store, "matrix.second", 1)

    assert waiting(store) == {"matrix.first": (2, 0), "matrix.second": (1, 0)}
    (backlog, _) = store.read(lambda conn: topics.backlogs(conn, SUBSCRIPTIONS))
    assert backlog.oldest_at == first


def test_announced_again_is_published_once(store: Store) -> None:
    events = [event(1), event(2, "chilipiper_qualification"), event(3)]
    assert store.write(lambda conn: topics.announce(conn, events, store.now())) == 3
    assert store.write(lambda conn: topics.announce(conn, events[:2], store.now())) == 0
    assert keys(store) == [(1, "CALL:1"), (2, "CALL:3")]
    assert keys(store, topic="chilipiper_qualification") == [(1, "CALL:2")]


def test_retention_keeps_what_a_subscriber_has_not_read(store: Store, moment: ManualTime) -> None:
    announce(store, event(1), event(2))
    acknowledge(store, "matrix.first", 2)
    acknowledge(store, "matrix.second", 1)
    moment.advance(timedelta(days=100).total_seconds())
    before = moment() - timedelta(days=90)

    assert store.write(lambda conn: topics.prune(conn, before, subscriptions=SUBSCRIPTIONS)) == Pruned(read=1)
    assert keys(store) == [(2, "CALL:2")]
    assert waiting(store) == {"matrix.first": (0, 0), "matrix.second": (1, 0)}


def test_what_goes_unread_in_the_end_is_counted_as_missed(store: Store, moment: ManualTime) -> None:
    announce(store, event(1), event(2))
    acknowledge(store, "matrix.first", 1)
    moment.advance(timedelta(days=400).total_seconds())
    announce(store, event(3))
    limits = {"subscriptions": SUBSCRIPTIONS, "unread_before": moment() - timedelta(days=365)}

    assert store.write(lambda conn: topics.prune(conn, moment() - timedelta(days=90), **limits)) == Pruned(missed=2)
    assert keys(store) == [(3, "CALL:3")]
    assert waiting(store) == {"matrix.first": (1, 1), "matrix.second": (1, 2)}
    assert read(store, "matrix.second") == [3]
