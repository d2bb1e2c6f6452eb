"""What to do after an answer from HubSpot: accept it, wait and repeat the call, or give up with a typed
error.

Pure: the transport and the governed SDK pass what they saw and act on the decision. The rules are HubSpot's
error and rate-limit tables; times are seconds.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from hubspot_platform.hubspot import errors
from hubspot_platform.hubspot.errors import HubSpotError, Refusal
from hubspot_platform.lanes import Bucket

PORTAL_MOVING = 477
_TRANSIENT = frozenset({408, 423, 425, PORTAL_MOVING})
_EDGE_TIMEOUTS = frozenset({504, 524})  # too much work in one call: repeating it unchanged seldom helps
_EDGE_TLS = frozenset({525, 526})
_REFUSALS: Mapping[int, tuple[type[HubSpotError], str]] = {
    401: (errors.Unauthorized, "put a valid token of this portal into HUBSPOT_ACCESS_TOKEN"),
    404: (errors.NotFound, ""),
    409: (errors.Conflict, ""),
    414: (errors.Invalid, "ask for fewer properties in one call"),
}


@dataclass(frozen=True)
class Outcome:
    """One exchange as seen from here: `status` is None when no answer came, `fault` says why an answer is no
    use.

    Header names are lower case.
    """

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: str = ""


@dataclass(frozen=True)
class Retries:
    """How long the platform insists. `attempts` counts failures, `limited_total` seconds spent on 429
    answers.
    """

    attempts: int = 8
    edge_timeout_attempts: int = 3
    base: float = 1.0
    longest: float = 30.0
    lock_wait: float = 2.0
    rolling_wait: float = 10.0
    longest_ordered_wait: float = 60.0
    limited_total: float = 900.0


@dataclass(frozen=True)
class History:
    """What has happened to this call so far, the outcome being judged included."""

    failures: int = 0
    limited: int = 0
    limited_seconds: float = 0.0


@dataclass(frozen=True)
class Accept:
    """The answer is good."""


@dataclass(frozen=True)
class Wait:
    """Repeat the call after `seconds`; `penalise` names the bucket in which every process must pause."""

    seconds: float
    penalise: Bucket | None = None


@dataclass(frozen=True)
class GiveUp:
    """Stop: raise `error`."""

    error: HubSpotError


Decision = Accept | Wait | GiveUp


def decide(
    what: str,
    outcome: Outcome,
    history: History,
    *,
    retries: Retries,
    bucket: Bucket,
    random: Callable[[], float],
) -> Decision:
    """Judge one outcome of the call described by `what`; `random` gives [0, 1) for the jitter.

    429 waits as its `policyName` says (or exactly `Retry-After`) and is bounded by time, not by count: it is
    the shared limiter that slows everybody. Other passing failures are repeated with full jitter. 4xx is not
    repeated.
    """
    status = outcome.status
    if status is not None and 200 <= status < 300 and not outcome.fault:
        return Accept()
    if status == 429:
        return _limited(what, outcome, history, retries, bucket, random())
    passing = (
        status is None or status in _TRANSIENT or 200 <= status < 300 or (status >= 500 and status not in _EDGE_TLS)
    )
    if not passing:
        return GiveUp(_refused(what, outcome))
    return _failed(what, outcome, history, retries, random())


def _limited(
    what: str, outcome: Outcome, history: History, retries: Retries, bucket: Bucket, jitter: float
) -> Decision:
    refusal = refusal_of(outcome)
    policy_name = str(json_object(outcome).get("policyName", "")).upper()
    if policy_name == "DAILY":
        mend = "calls resume at midnight in the portal's time zone"
        return GiveUp(errors.DailyLimitReached(what, refusal, mend=mend))
    ordered = retry_after(outcome.headers)
    step = 2.0 ** min(history.limited - 1, 10)
    if ordered is not None:
        seconds = ordered
    elif policy_name == "SECONDLY":
        seconds = min(retries.rolling_wait, step * (1.0 + jitter / 4))
    else:
        seconds = min(retries.rolling_wait, 2.5 * step) * (1.0 + jitter) / 2
    mend = "other programs use this app's limit; run again later or lower HUBSPOT_RATE_LIMIT"
    too_long = ordered is not None and ordered > retries.longest_ordered_wait
    if too_long or history.limited_seconds + seconds > retries.limited_total:
        return GiveUp(errors.RateLimited(what, refusal, mend=mend))
    penalised = {"SECONDLY": Bucket.SEARCH, "TEN_SECONDLY_ROLLING": Bucket.API}.get(policy_name, bucket)
    return Wait(seconds, penalise=penalised)


def _failed(what: str, outcome: Outcome, history: History, retries: Retries, jitter: float) -> Decision:
    status, refusal = outcome.status, refusal_of(outcome)
    ordered = retry_after(outcome.headers) or 0.0
    too_long = ordered > retries.longest_ordered_wait
    allowed = retries.edge_timeout_attempts if status in _EDGE_TIMEOUTS else retries.attempts
    spent = history.failures >= allowed
    if status == PORTAL_MOVING and (too_long or spent):
        return GiveUp(errors.PortalMoving(what, refusal, retry_after=ordered))
    if spent or too_long:
        if status is not None and 200 <= status < 300:
            return GiveUp(errors.MalformedResponse(what, refusal))
        return GiveUp(errors.Unavailable(what, refusal, mend="HubSpot may be down; run again later"))
    seconds = jitter * min(retries.longest, retries.base * 2.0 ** (history.failures - 1))
    if status == 423:
        seconds += retries.lock_wait
    return Wait(max(seconds, ordered))


def _refused(what: str, outcome: Outcome) -> HubSpotError:
    status, refusal = outcome.status or 0, refusal_of(outcome)
    if status == 403:
        return errors.MissingScope(what, refusal, scopes=_scopes(json_object(outcome)))
    if status in _EDGE_TLS:
        return errors.Unavailable(what, refusal, mend="the TLS certificate between HubSpot's edges is broken")
    kind, mend = _REFUSALS.get(status, (errors.Invalid, ""))
    if 300 <= status < 400:
        mend = "HUBSPOT_BASE_URL redirects: use the final address"
    return kind(what, refusal, mend=mend)


def refusal_of(outcome: Outcome) -> Refusal:
    """Return what the answer says about its failure; bodies that are no JSON are not quoted."""
    body = json_object(outcome)
    message = outcome.fault or str(body.get("message") or "")
    category = str(body.get("category") or body.get("policyName") or body.get("errorType") or "")
    correlation = outcome.headers.get("x-hubspot-correlation-id") or str(body.get("correlationId") or "")
    return Refusal(outcome.status, message, category, correlation)


def _scopes(body: Mapping[str, Any]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    listed = body.get("errors")
    for error in listed if isinstance(listed, list) else []:
        context = error.get("context") if isinstance(error, dict) else None
        for key in ("requiredGranularScopes", "requiredScopes"):
            scopes = context.get(key) if isinstance(context, dict) else None
            found.update(dict.fromkeys(map(str, scopes)) if isinstance(scopes, list) else {})
    return tuple(found)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return `Retry-After` in seconds, or None when it is absent or no number."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def json_object(outcome: Outcome) -> dict[str, Any]:
    """Return the body as a JSON object, or {} when it is something else (HTML of the edge, an empty body)."""
    if "json" not in outcome.headers.get("content-type", "json"):
        return {}
    try:
        parsed = parse_json(outcome.body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def parse_json(body: bytes) -> Any:
    """Parse UTF-8 JSON; lone surrogates, which HubSpot passes on, survive through the slower parser.

    Raises ValueError for truncated or other broken text and for NaN and infinities.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(body.decode("utf-8", "replace"), parse_constant=_no_constant)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
