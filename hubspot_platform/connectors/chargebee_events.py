"""Chargebee's Events API: what happened since a time, for the daily catch-up (`payments.catch_up`).

Reads only. Calls that Chargebee limits or cannot answer are repeated with growing waits; the rest is a typed error.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import httpx
from pydantic import SecretStr
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from hubspot_platform.errors import PlatformError

PAGE: Final = 100
ATTEMPTS: Final = 6
LONGEST_WAIT: Final = 60.0
TIMEOUT: Final = httpx.Timeout(60, connect=10)


class ChargebeeError(PlatformError):
    """A call that Chargebee did not answer as asked; the message has the status, never the key."""


class ChargebeeRefused(ChargebeeError):
    """The key or the question is wrong: asking again does not help."""


class ChargebeeUnavailable(ChargebeeError):
    """Chargebee cannot be reached, is in trouble or limits us; `retry_after` are the seconds it asks to wait."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message, mend="the next run asks for the same again")
        self.retry_after = retry_after


class ChargebeeEvents:
    """The events of one site; `base_url` is `https://SITE.chargebee.com`. Close it, or use it in a `with` block."""

    def __init__(self, base_url: str, key: SecretStr, pause: Callable[[float], None] = time.sleep) -> None:
        # The key is the user of Basic authentication; there is no password.
        auth = httpx.BasicAuth(key.get_secret_value(), "")
        self._client = httpx.Client(base_url=f"{base_url.rstrip('/')}/api/v2/", auth=auth, timeout=TIMEOUT)
        self._retrying = Retrying(
            retry=retry_if_exception_type(ChargebeeUnavailable),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=pause,
            reraise=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def since(self, moment: datetime | None) -> Iterator[list[Mapping[str, Any]]]:
        """Yield pages of events that occurred after a moment (None: all that Chargebee keeps), oldest first.

        ChargebeeRefused; ChargebeeUnavailable after six attempts.
        """
        asked: dict[str, str | int] = {"limit": PAGE, "sort_by[asc]": "occurred_at"}
        if moment is not None:
            asked["occurred_at[after]"] = int(moment.timestamp())
        seen: set[str] = set()
        while True:
            page = self._retrying(self._page, asked)
            yield [entry["event"] for entry in page["list"]]
            offset = page.get("next_offset")
            if not offset:
                return
            if offset in seen:
                raise ChargebeeUnavailable("Chargebee repeats a page of events")
            seen.add(offset)
            asked = {**asked, "offset": offset}

    def _page(self, asked: Mapping[str, str | int]) -> Mapping[str, Any]:
        try:
            answer = self._client.get("events", params=dict(asked))
        except httpx.TransportError as error:
            raise ChargebeeUnavailable(f"Chargebee cannot be reached: {type(error).__name__}") from None
        if answer.status_code == 429 or answer.status_code >= 500:
            raise ChargebeeUnavailable(
                f"Chargebee answered {answer.status_code}", _seconds(answer.headers.get("retry-after"))
            )
        if answer.status_code != 200:
            mend = "set CHARGEBEE_API_KEY to a read-only key of the site, and CHARGEBEE_BASE_URL to the site's address"
            raise ChargebeeRefused(f"Chargebee answered {answer.status_code}", mend=mend)
        try:
            page = answer.json()
            events = [entry["event"] for entry in page["list"]]
        except (ValueError, KeyError, TypeError):
            raise ChargebeeUnavailable("Chargebee's answer is no list of events") from None
        if not all(isinstance(event, dict) for event in events):
            raise ChargebeeUnavailable("Chargebee's answer is no list of events")
        return dict(page)


_growing = wait_exponential_jitter(initial=1, max=LONGEST_WAIT)


def _wait(state: RetryCallState) -> float:
    """Return Chargebee's own wait when it gives one, else a growing one."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, ChargebeeUnavailable) else None
    return min(asked, LONGEST_WAIT) if asked is not None else _growing(state)


def _seconds(value: str | None) -> float | None:
    return float(value) if value is not None and value.isascii() and value.isdigit() else None
