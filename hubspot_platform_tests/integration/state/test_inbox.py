"""The inbox: stored once, claimed one object at a time under a lease, finished with an outcome, never lost."""

import sqlite3
import threading
from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hubspot_platform.state import Store, inbox
from hubspot_platform.state.errors import LeaseLost
from hubspot_platform.state.inbox import (
    Applied,
    Dead,
    Depth,
    Duplicate,
    InboxEvent,
    NewEvent,
    Parked,
    Retry,
    Stored,
)
from hubspot_platform.state.inbox_table import webhook_event
from hubspot_platform_tests.integration.state.conftest import ManualTime

QUEUE = "matrix.hubspot_company_webhook_events"
LEASE = timedelta(seconds=60)
TYPE = "hubspot_general_webhook.company.propertyChange"


def event(number: int, company: int = 1, queue: str = QUEUE, body: bytes = b'{"objectId":1}') -> NewEvent:
    return NewEvent("hubspot", queue, TYPE, f"company:{company}", f"4242:{number}", None, body)


def put(store: Store, *events: NewEvent) -> Stored:
    return store.write(lambda conn: inbox.store_events(conn, events, store.now()))


def claim(store: Store, holder: str = "worker-1", limit: int = 100, queue: str = QUEUE) -> list[InboxEvent]:
    now = store.now()
    return store.write(lambda conn: inbox.claim(conn, queue, holder, now, limit=limit, lease=LEASE))


def finish(store: Store, claimed: list[InboxEvent], *outcomes: inbox.Outcome) -> None:
    store.write(lambda conn: inbox.finish(conn, claimed, outcomes or [Applied()] * len(claimed), store.now()))


def depth(store: Store, queue: str = QUEUE) -> Depth:
    return store.read(lambda conn: inbox.depths(conn, store.now())).get(queue, Depth())


def row(store: Store, number: int) -> sa.Row:
    query = sa.select(webhook_event).where(webhook_event.c.dedupe_key == f"4242:{number}")
    return store.read(lambda conn: conn.execute(query).one())


def test_case_003_an_event_delivered_again_is_one_row_that_counts_its_deliveries(
    store: Store, moment: ManualTime
) -> None:
    assert put(store, event(1), event(2)) == Stored(2, 0)
    first = store.now()
    moment.advance(60)
    assert put(store, event(2), event(3), event(3)) == Stored(1, 2)

    assert [row(store, n).deliveries for n in (1, 2, 3)] == [1, 2, 2]
    assert (row(store, 2).received_at, row(store, 2).last_delivered_at) == (first, store.now())
    assert [e.dedupe_key for e in claim(store)] == ["4242:1", "4242:2", "4242:3"]


def test_the_same_key_from_another_source_is_another_event(store: Store) -> None:
    same = NewEvent("jira", "matrix.jira_hubspot_events", "jira:issue_created", "issue:1", "4242:1", None, b"{}")
    assert put(store, event(1), same) == Stored(2, 0)


def test_an_event_comes_back_as_it_was_stored(store: Store, moment: ManualTime) -> None:
    body = '{"propertyValue":"Zoë \\u0000 𝛑","objectId":7}'.encode()
    happened = moment.now - timedelta(seconds=3, microseconds=1)
    put(store, NewEvent("hubspot", QUEUE, TYPE, "company:7", "4242:9", happened, body, route="general"))

    (found,) = claim(store)
    assert (found.body, found.source_time, found.received_at) == (body, happened, store.now())
    assert (found.event_type, found.object_key, found.attempts) == (TYPE, "company:7", 1)
    assert row(store, 9).route == "general"


def test_case_013_a_dead_event_is_kept_and_not_handed_out(store: Store) -> None:
    put(store, event(1), NewEvent("hubspot", QUEUE, "malformed", "", "4242:2", None, b"7", "", "dead", "no object"))

    assert [e.dedupe_key for e in claim(store)] == ["4242:1"]
    (letter,) = store.read(lambda conn: inbox.dead_letters(conn, QUEUE))
    assert (letter["event_type"], letter["reason"]) == ("malformed", "no object")
    assert store.write(lambda conn: inbox.replay(conn, queues=[QUEUE])) == 1
    assert [e.dedupe_key for e in claim(store, "worker-2")] == ["4242:2"]


def test_case_038_an_object_is_worked_on_by_one_worker_at_a_time(store: Store) -> None:
    put(store, event(1, company=1), event(2, company=2), event(3, company=1), event(4, company=3))

    first = claim(store, "worker-1", limit=2)
    second = claim(store, "worker-2")
    assert [e.object_key for e in first] == ["company:1", "company:2"]
    assert [e.object_key for e in second] == ["company:3"], "company 1 is held by the other worker"
    finish(store, first)
    assert [e.dedupe_key for e in claim(store, "worker-2")] == ["4242:3"]


def test_case_038_claims_side_by_side_never_share_an_object(store: Store) -> None:
    put(store, *(event(number, company=number % 7) for number in range(140)))
    seen: list[tuple[str, list[InboxEvent]]] = []
    held: Counter[str] = Counter()
    broken: list[str] = []
    gate = threading.Lock()

    def work(holder: str) -> None:
        while claimed := claim(store, holder, limit=9):
            keys = {e.object_key for e in claimed}
            with gate:
                broken.extend(key for key in keys if held[key])
                held.update(keys)
                seen.append((holder, claimed))
                held.subtract(keys)
            finish(store, claimed)

    threads = [threading.Thread(target=work, args=(f"worker-{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    work("the rest")

    ids = [e.id for _, claimed in seen for e in claimed]
    assert (len(ids), len(set(ids)), broken) == (140, 140, [])


def test_case_029_an_expired_lease_is_handed_on_with_one_attempt_more(store: Store, moment: ManualTime) -> None:
    put(store, event(1))
    claim(store, "dead worker")
    assert claim(store, "worker-2") == []
    assert depth(store).leased == 1
    moment.advance(60)

    assert (depth(store).leased, depth(store).ready) == (0, 1)
    (again,) = claim(store, "worker-2")
    assert again.attempts == 2
    finish(store, [again])
    assert row(store, 1).status == "done"


def test_case_030_a_worker_that_lost_its_lease_writes_nothing(store: Store, moment: ManualTime) -> None:
    put(store, event(1), event(2, company=2))
    late = claim(store, "slow worker")
    moment.advance(61)
    (taken,) = claim(store, "worker-2", limit=1)

    with pytest.raises(LeaseLost):
        finish(store, late)
    assert [row(store, n).status for n in (1, 2)] == ["leased", "ready"]
    finish(store, [taken])
    with pytest.raises(LeaseLost):
        finish(store, [taken])


def test_case_031_an_event_that_kills_its_workers_is_handed_out_alone_and_given_up(
    store: Store, moment: ManualTime
) -> None:
    put(store, *(event(number, company=number) for number in range(4)))
    for _ in range(2):
        assert len(claim(store, "killed")) == 4
        moment.advance(61)

    alone = claim(store, "worker")
    assert [e.dedupe_key for e in alone] == ["4242:0"]
    finish(store, alone)
    for _ in range(inbox.MAX_ATTEMPTS - 2):
        assert [e.dedupe_key for e in claim(store, "killed", limit=1)] == ["4242:1"]
        moment.advance(61)
    rest = [claim(store, "worker") for _ in range(2)]
    assert [[e.dedupe_key for e in claimed] for claimed in rest] == [["4242:2"], ["4242:3"]]
    assert (row(store, 1).status, row(store, 1).attempts) == ("dead", inbox.MAX_ATTEMPTS)


def test_every_outcome_leaves_the_event_where_it_says(store: Store, moment: ManualTime) -> None:
    put(store, *(event(number, company=number) for number in range(5)))
    later = moment.now + timedelta(minutes=5)
    outcomes = [Applied(), Duplicate("older"), Retry(later, "429"), Parked(later, "no company"), Dead("no number")]
    finish(store, claim(store), *outcomes)

    assert [row(store, n).status for n in range(5)] == ["done", "duplicate", "ready", "parked", "dead"]
    assert [row(store, n).reason for n in range(5)] == [None, "older", "429", "no company", "no number"]
    assert depth(store) == Depth(ready=1, parked=1, dead=1, oldest_ready_at=store.now())
    assert claim(store) == []
    moment.advance(300)
    assert [(e.dedupe_key, e.attempts) for e in claim(store)] == [("4242:2", 2), ("4242:3", 2)]


def test_events_are_handed_out_in_the_order_they_came(store: Store, moment: ManualTime) -> None:
    for number in (5, 3, 9):
        put(store, event(number, company=number))
        moment.advance(1)
    assert [e.dedupe_key for e in claim(store, limit=2)] == ["4242:5", "4242:3"]
    assert [e.dedupe_key for e in claim(store)] == ["4242:9"]


def test_case_037_the_whole_inbox_can_be_replayed(store: Store) -> None:
    put(store, event(1), event(2, company=2), event(3, company=3))
    finish(store, claim(store), Applied(), Duplicate("older"), Dead("poison"))

    assert store.write(lambda conn: inbox.replay(conn, statuses=("done", "duplicate", "dead"))) == 3
    claimed = claim(store)
    assert [(e.dedupe_key, e.attempts) for e in claimed] == [("4242:1", 1), ("4242:2", 1), ("4242:3", 1)]
    assert store.write(lambda conn: inbox.replay(conn, statuses=("leased",))) == 0
    finish(store, claimed)
    only = [claimed[1].id]
    assert store.write(lambda conn: inbox.replay(conn, ids=only, statuses=("done",))) == 1
    assert [e.dedupe_key for e in claim(store)] == ["4242:2"]


def test_finished_events_go_after_their_retention_and_dead_ones_later(store: Store, moment: ManualTime) -> None:
    put(store, event(1), event(2, company=2), event(3, company=3))
    finish(store, claim(store, limit=2), Applied(), Dead("poison"))
    moment.advance(86_400)
    put(store, event(4, company=4))
    before = store.now()

    assert store.write(lambda conn: inbox.prune(conn, before)) == 1
    assert store.write(lambda conn: inbox.prune(conn, before, dead_before=before)) == 1
    assert [e.dedupe_key for e in claim(store)] == ["4242:3", "4242:4"]


def test_case_028_a_privacy_deletion_empties_the_bodies_of_the_object(store: Store) -> None:
    put(store, event(1), event(2), event(3, company=2))
    finish(store, claim(store, limit=1))

    assert inbox.purge_objects(store, "hubspot", ["company:1", "company:9"]) == 2
    assert store.write(lambda conn: inbox.purge_object(conn, "hubspot", "company:1")) == 0
    assert [(row(store, n).body, row(store, n).status) for n in (1, 2)] == [("", "done"), ("", "done")]
    assert [e.dedupe_key for e in claim(store)] == ["4242:3"]
    assert store.write(lambda conn: inbox.replay(conn, statuses=("done",))) == 0


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (
            "select id from webhook_event where status in ('ready', 'parked') and queue = 'q' order by due_at, id",
            "open",
        ),
        ("select id from webhook_event where status = 'leased' and queue = 'q' and object_key = 'c'", "leased"),
        ("select count(*) from webhook_event where status = 'dead' group by queue", "dead"),
        ("select count(*) from webhook_event where status in ('ready', 'parked') group by queue", "open"),
        ("select min(id) from webhook_event where status in ('ready', 'parked') and queue = 'q'", "open"),
    ],
)
def test_what_the_workers_ask_is_answered_by_a_partial_index(query: str, index: str) -> None:
    """Without one a claim gets slower with every event ever received."""
    database = sqlite3.connect(":memory:")
    engine = sa.create_engine("sqlite://", creator=lambda: database, poolclass=sa.pool.StaticPool)
    webhook_event.create(engine)
    plan = " ".join(step[3] for step in database.execute(f"explain query plan {query}"))
    database.close()
    assert f"ix_webhook_event_{index}" in plan
    assert "TEMP B-TREE" not in plan
