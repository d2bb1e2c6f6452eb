"""Bulk reading over aiohttp and orjson: pooled connections, the shared policy, plain dicts out.

The readers (`reader`, `search`, `batch`, `associations`, `account`) send all their calls through one open
`Transport`; single calls elsewhere go through the governed SDK.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar, cast
from urllib.parse import urlencode

import aiohttp
import orjson
from yarl import URL

from hubspot_platform.hubspot.errors import Invalid, MalformedResponse, Refusal
from hubspot_platform.hubspot.policy import Exchange, HubSpotPolicy
from hubspot_platform.hubspot.records import Json, RecordPage, Records, parse_object, split_page
from hubspot_platform.hubspot.retry import Outcome
from hubspot_platform.lanes import Bucket, Lane

T = TypeVar("T")
_NO_RESULTS = "the answer has no results"
_READ_BUFFER = 1 << 20  # a page of 100 wide objects in few wake-ups


@dataclass
class TransportStats:
    """What one transport did: calls sent, of these repetitions, 429 answers and searches, and bytes read."""

    calls: int = 0
    retries: int = 0
    limited: int = 0
    searches: int = 0
    received_bytes: int = 0


class Transport:
    """An open session to HubSpot; use it as an async context manager."""

    def __init__(self, policy: HubSpotPolicy, *, connections: int = 32) -> None:
        self.policy = policy
        self.stats = TransportStats()
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeouts = aiohttp.ClientTimeout(
            total=None,
            connect=None,
            sock_connect=self.policy.connect_timeout,
            sock_read=self.policy.read_timeout,
        )
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, ttl_dns_cache=300, keepalive_timeout=30),
            headers=self.policy.headers(),
            timeout=timeouts,
            read_bufsize=_READ_BUFFER,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        # aiohttp would repeat a GET on a broken connection by itself, past the budget and the ledger.
        self._session._retry_connection = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def server_now(self) -> datetime:
        """Return HubSpot's time (aware UTC datetime) from the `Date` headers seen; see `ServerClock.now`."""
        return self.policy.server_clock.now()

    async def get_json(
        self,
        path: str,
        query: Mapping[str, object] | str = "",
        *,
        lane: Lane = Lane.SYNC,
        bucket: Bucket = Bucket.API,
    ) -> Json:
        """Return the JSON object at `path`; a string `query` is sent as it is (already encoded).

        Raises the errors of `hubspot.errors`, after the policy's retries.
        """
        encoded = query if isinstance(query, str) else urlencode(query, safe=",")
        exchange = Exchange(self.policy, f"GET {path}", bucket, lane)
        return await self._exchange(exchange, self._address(path, encoded), parse_object)

    async def get_records(self, path: str, query: str, *, lane: Lane) -> RecordPage:
        """Return the page of records at `path`, unparsed; `query` is encoded already. Raises as `get_json`."""
        exchange = Exchange(self.policy, f"GET {path}", Bucket.API, lane)
        return await self._exchange(exchange, self._address(path, query), split_page)

    def _address(self, path: str, query: str) -> str:
        return self.policy.url(path) + (f"?{query}" if query else "")

    async def post_json(self, path: str, body: object, *, lane: Lane = Lane.SYNC) -> Json:
        """Return the JSON object answered to `body`; 207 passes through. Raises as `get_json`.

        Only for calls that may be repeated: reads and searches.
        """
        exchange = Exchange(self.policy, f"POST {path}", Bucket.API, lane)
        return await self._exchange(exchange, self.policy.url(path), parse_object, body=orjson.dumps(body))

    async def search(self, path: str, body: object, *, lane: Lane) -> RecordPage:
        """Return the page of records that the search `body` finds, unparsed. Raises as `get_json`."""
        exchange = Exchange(self.policy, f"POST {path}", Bucket.SEARCH, lane)
        return await self._exchange(exchange, self.policy.url(path), split_page, body=orjson.dumps(body))

    async def _exchange(
        self, exchange: Exchange, address: str, parse: Callable[[bytes], T], *, body: bytes | None = None
    ) -> T:
        budget, stats = self.policy.budget, self.stats
        url = URL(address, encoded=True)
        while True:
            await budget.acquire(exchange.bucket, exchange.lane)
            stats.calls += 1
            stats.searches += exchange.bucket is Bucket.SEARCH
            outcome, parsed = await self._send(exchange.what, url, body, parse)
            wait = exchange.observe(outcome)
            if wait is None:
                return cast(T, parsed)  # an answer is accepted when it could be parsed
            stats.retries += 1
            stats.limited += outcome.status == 429
            if wait.penalise is not None:
                await budget.penalise(wait.penalise, wait.seconds)
            await self.policy.sleep(wait.seconds)

    async def _send(
        self, what: str, url: URL, body: bytes | None, parse: Callable[[bytes], T]
    ) -> tuple[Outcome, T | None]:
        if self._session is None:
            raise RuntimeError("the transport is not open: use it as `async with Transport(policy)`")
        method = "GET" if body is None else "POST"
        headers = {"Content-Type": "application/json"} if body is not None else None
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False
            ) as response:
                content = await response.read()
        except aiohttp.InvalidURL as error:
            problem = Refusal(message=f"not a web address: {type(error).__name__}")
            raise Invalid(what, problem, mend="check HUBSPOT_BASE_URL") from error
        except (aiohttp.ClientError, TimeoutError, ssl.SSLError, OSError) as error:
            return Outcome(None, fault=describe_fault(error)), None
        self.stats.received_bytes += len(content)
        seen = {name.lower(): value for name, value in response.headers.items()}
        return read_answer(response.status, seen, content, parse)


def describe_fault(error: BaseException) -> str:
    """Return why no answer came, by the kind of failure only: addresses and payloads stay out of messages."""
    return f"no answer ({type(error).__name__})"


def read_answer(
    status: int, headers: Mapping[str, str], content: bytes, parse: Callable[[bytes], T]
) -> tuple[Outcome, T | None]:
    """Return the outcome of an answer and, for a success, what `parse` makes of it (of `{}` for an empty 204).

    A success that `parse` refuses is an outcome with a fault, so that the page is asked for again.
    """
    if not 200 <= status < 300:
        return Outcome(status, headers, content), None
    kind = headers.get("content-type", "")
    if status == 204:
        content = b"{}"
    elif "json" not in kind:
        return Outcome(status, headers, fault=f"the answer is {kind.split(';')[0] or 'untyped'}, not JSON"), None
    try:
        return Outcome(status, headers), parse(content)
    except ValueError:
        return Outcome(status, headers, fault="the answer is broken JSON"), None
    except TypeError as error:
        return Outcome(status, headers, fault=str(error)), None


def results_of(page: Json, what: str) -> list[Json]:
    """Return a page's `results`; raises `MalformedResponse` when the page has none."""
    results = page.get("results")
    if not isinstance(results, list):
        raise MalformedResponse(what, Refusal(message=_NO_RESULTS))
    return results


def records_of(page: RecordPage, what: str) -> Records:
    """Return a page's records; raises `MalformedResponse` when the page has none."""
    if page.records is None:
        raise MalformedResponse(what, Refusal(message=_NO_RESULTS))
    return page.records


def next_cursor(page: Json) -> str | None:
    """Return `paging.next.after` of a page, or None on the last one."""
    paging = page.get("paging")
    following = paging.get("next") if isinstance(paging, dict) else None
    after = following.get("after") if isinstance(following, dict) else None
    return None if after is None or after == "" else str(after)
