"""One holder at a time, fenced by a token that never repeats, whatever the clocks do."""

import threading
from datetime import timedelta

import pytest

from hubspot_platform.state import Store, leases, migrate, open_state
from hubspot_platform.state.errors import LeaseBusy, LeaseLost
from hubspot_platform_tests.integration.state.conftest import ManualTime

MINUTE = timedelta(minutes=1)


def take(store: Store, holder: str) -> leases.Lease:
    lease = leases.try_acquire(store, "sync:contact", holder, MINUTE)
    assert lease is not None
    return lease


def verifies(store: Store, lease: leases.Lease) -> bool:
    try:
        store.write(lambda conn: leases.verify(conn, lease))
    except LeaseLost:
        return False
    return True


def test_a_held_lease_is_refused_to_everybody_else(store: Store) -> None:
    lease = take(store, "a")
    assert verifies(store, lease)
    assert leases.try_acquire(store, "sync:contact", "b", MINUTE) is None
    assert leases.try_acquire(store, "sync:contact", "a", MINUTE) is None
    assert leases.try_acquire(store, "sync:deal", "b", MINUTE) is not None


def test_the_token_rises_through_release_and_expiry(store: Store, moment: ManualTime) -> None:
    first = take(store, "a")
    leases.release(store, first)
    second = take(store, "b")
    moment.advance(61)
    third = take(store, "c")
    assert first.token < second.token < third.token


def test_who_lost_the_lease_can_neither_write_nor_renew_nor_release(store: Store, moment: ManualTime) -> None:
    slow = take(store, "slow")
    moment.advance(61)
    quick = take(store, "quick")
    assert not verifies(store, slow)
    with pytest.raises(LeaseLost):
        leases.renew(store, slow, MINUTE)
    leases.release(store, slow)
    assert verifies(store, quick)


def test_an_expired_lease_nobody_took_still_belongs_to_its_holder(store: Store, moment: ManualTime) -> None:
    lease = take(store, "asleep for 3 h")
    moment.advance(3 * 3600)
    assert verifies(store, lease)
    assert leases.renew(store, lease, MINUTE).expires_at == moment.now + MINUTE


def test_renewing_keeps_others_out(store: Store, moment: ManualTime) -> None:
    lease = take(store, "a")
    moment.advance(50)
    leases.renew(store, lease, MINUTE)
    moment.advance(50)
    assert leases.try_acquire(store, "sync:contact", "b", MINUTE) is None


def test_case_072_a_clock_set_back_keeps_a_dead_holders_lease_no_longer_than_its_term(
    store: Store, moment: ManualTime
) -> None:
    take(store, "dead")
    moment.set_back(3600)
    assert leases.try_acquire(store, "sync:contact", "b", MINUTE) is None
    moment.advance(61)
    assert leases.try_acquire(store, "sync:contact", "b", MINUTE) is not None


def test_case_072_a_clock_10_minutes_fast_lets_two_start_but_only_one_write(store: Store, moment: ManualTime) -> None:
    first = take(store, "a")
    moment.advance(600)
    second = take(store, "b")
    assert [verifies(store, lease) for lease in (first, second)] == [False, True]


def test_the_block_holds_and_returns_the_lease(store: Store) -> None:
    with leases.held(store, "sync:contact", holder="a", ttl=MINUTE) as lease:
        assert verifies(store, lease)
        with (
            pytest.raises(LeaseBusy, match="held by a"),
            leases.held(store, "sync:contact", holder="b", ttl=MINUTE, wait=timedelta(milliseconds=1)),
        ):
            pass
    assert not verifies(store, lease)
    take(store, "b")


def test_a_waiting_block_starts_when_the_lease_comes_free(store: Store) -> None:
    first = take(store, "a")
    started = threading.Event()

    def second() -> None:
        with leases.held(store, "sync:contact", holder="b", ttl=MINUTE, wait=MINUTE):
            started.set()

    thread = threading.Thread(target=second)
    thread.start()
    assert not started.is_set()
    leases.release(store, first)
    assert started.wait(30)
    thread.join()


def test_the_block_is_renewed_in_the_background(state_url: str) -> None:
    store = open_state(state_url)
    migrate(store)
    term = timedelta(milliseconds=600)
    with leases.held(store, "sync:contact", holder="a", ttl=term) as lease:
        deadline = store.now() + timedelta(seconds=30)
        while store.now() < lease.expires_at + term:
            assert leases.try_acquire(store, "sync:contact", "b", term) is None
            assert store.now() < deadline
    store.close()


def test_a_block_that_lost_its_lease_says_so(store: Store, moment: ManualTime) -> None:
    def outlive() -> None:
        with leases.held(store, "sync:contact", holder="a", ttl=timedelta(milliseconds=90)) as lease:
            # the renewal may come first: then the renewed term has to pass as well
            while leases.try_acquire(store, "sync:contact", "b", MINUTE) is None:
                moment.advance(1)
            assert lease.lost.wait(30)

    with pytest.raises(LeaseLost):
        outlive()
