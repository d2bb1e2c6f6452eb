"""Whose address counts, and how often it may call."""

from ipaddress import ip_network

import pytest

from hubspot_platform.gateway.limits import MOST_ADDRESSES, AddressLimit, client_address

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1, 10.2.3.4", "198.51.100.1"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "not an address", "10.0.0.1"),
        ("10.0.0.1", "10.9.9.9", "10.9.9.9"),
    ],
)
def test_only_trusted_proxies_say_who_called(peer: str, forwarded: str, address: str) -> None:
    assert client_address(peer, {"x-forwarded-for": forwarded}, PROXIES) == address


def test_without_trusted_proxies_the_header_is_not_believed() -> None:
    assert client_address("10.0.0.1", {"x-forwarded-for": "198.51.100.1"}, ()) == "10.0.0.1"


def test_an_address_has_two_seconds_worth_and_then_its_rate() -> None:
    limit = AddressLimit(10)
    assert [limit.wait("a", 100.0) for _ in range(20)] == [0.0] * 20
    assert limit.wait("a", 100.0) == pytest.approx(0.1)
    assert limit.wait("b", 100.0) == 0.0
    assert limit.wait("a", 100.11) == 0.0
    assert limit.wait("a", 100.11) > 0


def test_no_limit_and_a_bounded_memory() -> None:
    assert {AddressLimit(0).wait("a", 1.0) for _ in range(100)} == {0.0}
    limit = AddressLimit(1)
    for number in range(MOST_ADDRESSES + 50):
        limit.wait(f"address {number}", 1.0)
    assert len(limit._buckets) == MOST_ADDRESSES
