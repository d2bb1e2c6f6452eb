"""Who calls, and how often one address may: decided before anything costly is done with a request.

`gateway.app` asks both for every request.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Network = IPv4Network | IPv6Network

MOST_ADDRESSES: Final = 10_000
BURST_SECONDS: Final = 2.0


def client_address(peer: str, headers: Mapping[str, str], trusted: Sequence[Network]) -> str:
    """Return the address a request came from: behind trusted proxies the last one they did not add themselves."""
    if not trusted:
        return peer
    addresses = [peer, *(part.strip() for part in reversed(headers.get("x-forwarded-for", "").split(",")))]
    nearest = peer
    for text in addresses:
        address = _parsed(text)
        if address is None:
            return nearest
        nearest = text
        if not any(address in network for network in trusted):
            return text
    return nearest


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


class AddressLimit:
    """A token bucket an address: `per_second` requests, and a burst of two seconds' worth. 0 is no limit."""

    def __init__(self, per_second: float) -> None:
        self._rate = per_second
        self._burst = max(1.0, per_second * BURST_SECONDS)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, address: str, now: float) -> float:
        """Take a token and return 0, or return the seconds until there is one; `now` is any steady clock."""
        if self._rate <= 0:
            return 0.0
        tokens, seen = self._buckets.get(address, (self._burst, now))
        tokens = min(self._burst, tokens + (now - seen) * self._rate)
        allowed = tokens >= 1.0
        self._buckets[address] = (tokens - 1.0 if allowed else tokens, now)
        self._buckets.move_to_end(address)
        if len(self._buckets) > MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - tokens) / self._rate
