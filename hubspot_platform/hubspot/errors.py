"""What can go wrong between the platform and HubSpot, one type per thing the caller can do about it.

Raised by the transport, the governed SDK and the readers; each carries the status, HubSpot's category and
correlation id, and a mend. Message texts are HubSpot's own, with addresses masked and cut to a readable
length.
"""

import re
from dataclasses import dataclass

from hubspot_platform.errors import PlatformError

_EMAIL = re.compile(r"[^\s\"'<>\[\],;:]+@[^\s\"'<>\[\],;:]+")
_TOKEN = re.compile(r"(?i)\b(bearer\s+\S+|pat-[a-z0-9]+-[0-9a-f-]{8,}\S*)")
_LONGEST = 300


@dataclass(frozen=True)
class Refusal:
    """The parts of an answer that explain a failure; every part may be missing."""

    status: int | None = None
    message: str = ""
    category: str = ""
    correlation_id: str = ""


def safe_text(text: str) -> str:
    """Return `text` fit for logs and errors: e-mail addresses and tokens masked, at most 300 characters."""
    masked = _TOKEN.sub("<token>", _EMAIL.sub("<email>", text))
    return masked if len(masked) <= _LONGEST else masked[: _LONGEST - 1] + "…"


class HubSpotError(PlatformError):
    """A call to HubSpot that did not give what was asked for."""

    def __init__(self, what: str, refusal: Refusal | None = None, *, mend: str = "") -> None:
        refusal = refusal or Refusal()
        detail = safe_text(refusal.message)
        parts = [what if not detail else f"{what}: {detail}"]
        if refusal.status is not None:
            named = f", {refusal.category}" if refusal.category else ""
            parts.append(f"(HTTP {refusal.status}{named})")
        if refusal.correlation_id:
            parts.append(f"[correlation {refusal.correlation_id}]")
        super().__init__(" ".join(parts), mend=mend)
        self.status = refusal.status
        self.category = refusal.category
        self.correlation_id = refusal.correlation_id


class Unauthorized(HubSpotError):
    """401: the token is missing, malformed, expired or revoked."""


class MissingScope(HubSpotError):
    """403: the app lacks a scope; `scopes` names those HubSpot asked for."""

    def __init__(self, what: str, refusal: Refusal, *, scopes: tuple[str, ...] = ()) -> None:
        named = ", ".join(scopes)
        wanted = f"the scope {named}" if named else "the scopes this call needs"
        mend = f"grant the app {wanted}, or leave out what needs it: mirror.skip in the file PLATFORM_CONFIG names"
        super().__init__(what, refusal, mend=mend)
        self.scopes = scopes


class NotFound(HubSpotError):
    """404: the record, property, list or route does not exist."""


class Invalid(HubSpotError):
    """400, 414 and other answers that say the request itself is wrong; never repeated."""


class Conflict(HubSpotError):
    """409: a unique value or a name is taken."""


class RateLimited(HubSpotError):
    """429 that lasted longer than the platform waits."""


class DailyLimitReached(HubSpotError):
    """429 with policy DAILY: nothing more until midnight in the portal's time zone."""


class PortalMoving(HubSpotError):
    """477: the portal moves between data centres; `retry_after` is HubSpot's wait in seconds."""

    def __init__(self, what: str, refusal: Refusal, *, retry_after: float) -> None:
        super().__init__(what, refusal, mend=f"run again in {retry_after:.0f} seconds")
        self.retry_after = retry_after


class Unavailable(HubSpotError):
    """HubSpot or the way there stayed out of order through every retry (5xx, 423, resets, TLS, DNS,
    timeouts).
    """


class MalformedResponse(HubSpotError):
    """A success whose body is not the JSON it should be: truncated, another content type, another shape."""


class CursorLoop(HubSpotError):
    """A paging cursor came back; `page` counts from 1."""

    def __init__(self, what: str, *, page: int, cursor: str) -> None:
        super().__init__(
            f"{what}: page {page} points back to cursor {cursor!r}",
            mend="nothing was counted as read; run again, and report it to HubSpot if it stays",
        )
        self.page = page


class IncompleteSearch(HubSpotError):
    """A search window that never gave as many records as its own total says."""


class ServerTimeUnknown(HubSpotError):
    """The server's clock was asked for before any answer carried a date."""


class WrongPortal(HubSpotError):
    """The token opens another portal than the configured one."""
