"""What each fault does to a call: the answer given instead, or the change made to the endpoint's answer."""

import random
import re
from collections.abc import Callable
from typing import Any

import orjson

from hubspot_platform.sandbox.faults import Fault
from hubspot_platform.sandbox.paging import START
from hubspot_platform.sandbox.wire import HTML_TYPE, JSON_TYPE, Answer, ApiProblem, Call, correlation_id

Batch = dict[str, object]
Page = dict[str, Any]
_BEYOND_16_BITS = re.compile(rb"[\xf0-\xf4][\x80-\xbf]{3}")

POLICY_MESSAGES = {
    "TEN_SECONDLY_ROLLING": "You have reached your ten_secondly_rolling limit.",
    "SECONDLY": "You have reached your secondly limit.",
    "DAILY": "You have reached your daily limit.",
}


def rate_limited(policy: str, app_id: int, retry_after: str = "") -> ApiProblem:
    """Return the 429 of a policy; it has no category."""
    group = {"TEN_SECONDLY_ROLLING": "ten-secondly", "SECONDLY": "secondly"}.get(policy, "daily")
    return ApiProblem(
        429,
        None,
        POLICY_MESSAGES.get(policy, f"You have reached your {policy.lower()} limit."),
        extra={
            "errorType": "RATE_LIMIT",
            "policyName": policy,
            "groupName": f"publicapi:private-apps-api-calls-{group}:{app_id}",
        },
        headers={"Retry-After": retry_after} if retry_after else None,
    )


def missing_scopes(scopes: list[str]) -> ApiProblem:
    """Return the 403 that names the scopes a call needs."""
    return ApiProblem(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes here:"
        " https://developers.hubspot.com/scopes.",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": scopes},
            }
        ],
        extra={"links": {"scopes": "https://developers.hubspot.com/scopes"}},
    )


def expired_token() -> ApiProblem:
    """Return the 401 of an expired token."""
    return ApiProblem(
        401,
        "EXPIRED_AUTHENTICATION",
        "The OAuth token used to make this call expired 1 minute(s) ago.",
    )


def edge_page(status: int) -> Answer:
    """Return the HTML page HubSpot's edge answers server faults with."""
    title = {502: "Bad gateway", 503: "Service unavailable", 504: "Gateway time-out", 524: "A timeout occurred"}
    reason = title.get(status, "Server error")
    page = f"<!DOCTYPE html><html><head><title>api.hubapi.com | {status}: {reason}</title></head><body><h1>{reason}"
    return Answer(status, f"{page}</h1><p>Error code {status}</p></body></html>".encode(), HTML_TYPE)


def replacement(fault: Fault, app_id: int, scope: str) -> Answer:
    """Return the answer a replacing fault gives; `reset` is the gate's own business."""
    retry_after = fault.text("retry_after")
    match fault.kind:
        case "rate_limit":
            problem = rate_limited(fault.text("policy", "TEN_SECONDLY_ROLLING"), app_id, retry_after)
        case "daily_limit":
            problem = rate_limited("DAILY", app_id, retry_after)
        case "locked":
            problem = ApiProblem(423, "LOCKED", "This resource is locked by another operation, try again later.")
        case "migrating":
            headers = {"Retry-After": retry_after or "86400"}
            problem = ApiProblem(477, "MIGRATION_IN_PROGRESS", "This account is being moved.", headers=headers)
        case "expired_token":
            problem = expired_token()
        case "missing_scope":
            scopes = fault.options.get("scopes")
            problem = missing_scopes([str(s) for s in scopes] if isinstance(scopes, list) else [scope])
        case _:
            status = int(fault.number_of("status", 502))
            if fault.text("mode") != "json":
                return edge_page(status)
            problem = ApiProblem(status, "INTERNAL_ERROR", fault.text("message", "internal error"))
    return problem.answer(correlation_id())


def truncated(answer: Answer) -> Answer:
    """Return the answer with the second half of its body missing and a length that fits what is left."""
    return Answer(answer.status, answer.body[: len(answer.body) // 2], answer.content_type, answer.headers)


def mistyped(answer: Answer) -> Answer:
    """Return a page of HTML under status 200, as a captive proxy does."""
    page = b"<html><body><h1>Please sign in</h1></body></html>"
    return Answer(answer.status, page, HTML_TYPE, answer.headers)


def halved(answer: Answer) -> Answer:
    """Return the answer with the first half of every emoji only, as a program leaves a text it cut in the middle.

    The half is a lone surrogate: valid in JSON, and in no database.
    """

    def first_half(found: re.Match[bytes]) -> bytes:
        code = ord(found.group().decode()) - 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}".encode()

    return Answer(answer.status, _BEYOND_16_BITS.sub(first_half, answer.body), answer.content_type, answer.headers)


def broken(fault: Fault, answer: Answer) -> Answer:
    """Return the page with the records `ids` (else its first one) spoilt: `mode` says by what they lack or are."""
    document, rows = _page(answer)
    named = fault.options.get("ids")
    for place, record in enumerate(rows):
        if str(record.get("id")) not in map(str, named) if isinstance(named, list) else place:
            continue
        match fault.text("mode", "no_properties"):
            case "no_id":
                del record["id"]
            case "no_properties":
                del record["properties"]
            case "text":
                rows[place] = "record"  # type: ignore[call-overload]
            case other:
                record["id"] = other
    return Answer(answer.status, orjson.dumps(document), answer.content_type, answer.headers) if rows else answer


def _requested(call: Call) -> str:
    """Return the cursor a call asked for, empty for a first page."""
    if call.method == "GET":
        return call.one("after") or call.one("offset")
    body = call.json_object()
    return str(body.get("after") or body.get("offset") or "")


def _first_cursor(call: Call, document: Page) -> str:
    """Return a cursor that leads to the page a call without one gets."""
    if call.kind == "objects.list":
        return str(document["results"][0]["id"])
    numbered = call.kind in ("search", "owners.list") or isinstance(document.get("offset"), int)
    return "0" if numbered else START


def _page(answer: Answer) -> tuple[Page, list[Page]]:
    """Return a page and its rows, whatever its endpoint calls them; no rows when it is no page at all."""
    if answer.status != 200 or answer.content_type != JSON_TYPE:
        return {}, []
    document = orjson.loads(answer.body)
    if not isinstance(document, dict):
        return {}, []
    return document, next((document[n] for n in ("results", "lists", "events", "campaigns") if n in document), [])


def _lead_to(document: Page, cursor: str) -> None:
    """Make a page name this cursor as the next one."""
    if "hasMore" in document:
        document |= {"hasMore": True, "offset": int(cursor) if isinstance(document["offset"], int) else cursor}
    else:
        document["paging"] = {"next": {"after": cursor}}


def looped(fault: Fault, call: Call, answer: Answer) -> Answer:
    """Return the page with a cursor that leads back: to itself (`repeat`) or to an earlier page (`cycle`)."""
    document, rows = _page(answer)
    if not rows:
        return answer
    requested = _requested(call) or _first_cursor(call, document)
    fault.memory.append(requested)
    if fault.text("mode", "repeat") == "cycle":
        if len(fault.memory) < 3:
            return answer
        requested = fault.memory[-3]
    _lead_to(document, requested)
    return Answer(answer.status, orjson.dumps(document), answer.content_type, answer.headers)


def emptied(fault: Fault, call: Call, answer: Answer) -> Answer:
    """Return an empty page that still has a next link; no record is lost by following it.

    The first page of a walk is emptied at once. Within a walk over objects the cursor is first moved into the gap
    before the next id, and the page asked for from there is the empty one, so that cursors keep growing. A list search
    is left alone: its first page and its offset 0 are one request.
    """
    document, rows = _page(answer)
    if not rows or "lists" in document:
        return answer
    requested = _requested(call)
    if not requested or requested in fault.memory:
        _lead_to(document, _first_cursor(call, document))
        rows.clear()
    elif call.kind == "objects.list" and "paging" in document:
        last, cursor = int(rows[-1]["id"]), document["paging"]["next"]
        if int(cursor["after"]) > last + 1:
            cursor["after"] = str(last + 1)
            fault.memory.append(cursor["after"])
    return Answer(answer.status, orjson.dumps(document), answer.content_type, answer.headers)


def overstated(fault: Fault, answer: Answer) -> Answer:
    """Return the answer with a `total` larger by a `share`, at least one: records that are counted and never shown."""
    document, _ = _page(answer)
    total = document.get("total")
    if not total:
        return answer
    document["total"] = total + max(1, round(total * fault.number_of("share", 0.1)))
    return Answer(answer.status, orjson.dumps(document), answer.content_type, answer.headers)


def partly_failed(fault: Fault, call: Call, run: Callable[[Call], Answer]) -> Answer:
    """Run a batch without some of its inputs and report those as failed, as a 207 does."""
    body = call.json_object()
    inputs = body.get("inputs")
    if not isinstance(inputs, list):
        return run(call)
    named = fault.options.get("ids")
    share, mixer = fault.number_of("share", 0.03), random.Random(fault.seed + fault.hits)
    failed: list[Batch] = []
    kept: list[Batch] = []
    for entry in inputs:
        chosen = str(entry.get("id")) in map(str, named) if isinstance(named, list) else mixer.random() < share
        (failed if chosen else kept).append(entry)
    if not failed and inputs and not isinstance(named, list):
        failed, kept = inputs[:1], inputs[1:]
    answer = run(
        Call(
            call.method,
            call.path,
            call.query_string,
            orjson.dumps({**body, "inputs": kept}),
            call.headers,
            call.kind,
            call.params,
            call.base_url,
        )
    )
    if not failed or answer.status >= 300:
        return answer
    document = orjson.loads(answer.body)
    errors = [*document.get("errors", []), _failure(fault, failed)]
    document |= {"errors": errors, "numErrors": len(errors)}
    return Answer(207, orjson.dumps(document), answer.content_type, answer.headers)


def _failure(fault: Fault, failed: list[Batch]) -> Batch:
    context: dict[str, list[str]] = {"ids": [str(e["id"]) for e in failed if "id" in e]}
    traces = [str(e["objectWriteTraceId"]) for e in failed if e.get("objectWriteTraceId")]
    if traces:
        context["objectWriteTraceId"] = traces
    message = fault.text("message", "The record could not be processed, try again.")
    return {"status": "error", "category": "INTERNAL_ERROR", "message": message, "context": context}
