"""Reading JSON that others sent: fast for what is sound, exact about what is not.

The doors call `load`. What the fast parser refuses, or may have read differently than it was meant, is read again by
the standard library's, which tells lone surrogates (kept), repeated keys (the last counts) and NaN (refused) apart.
"""

import json
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import orjson

from hubspot_platform.gateway.problems import Problem

MAX_NESTING: Final = 32
_LONE_SURROGATE = b"\\ud"


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed body; `repeated_keys` when an object named a key twice."""

    content: Any
    repeated_keys: bool = False


def load(body: bytes) -> Document:
    """Parse a body; Problem 400 for anything that is no JSON, is nested deeper than 32 levels or holds NaN."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        if _LONE_SURROGATE not in body.lower():
            raise _refused("The body is no JSON.") from None
        return _load_slowly(body)
    # a list of flat objects, as nearly every delivery is, is counted without looking into each
    flat = body.count(b"{") == len(content) and body.count(b"[") == 1 if content.__class__ is list else False
    keys = sum(map(len, content)) if flat else _count_keys(content, MAX_NESTING)
    return Document(content) if keys == body.count(b'":') else _load_slowly(body)


def _count_keys(value: Any, levels: int) -> int:
    if not isinstance(value, (dict, list)):
        return 0
    if levels == 0:
        raise _refused(f"The body is nested deeper than {MAX_NESTING} levels.")
    inner = value.values() if isinstance(value, dict) else value
    keys = len(value) if isinstance(value, dict) else 0
    for item in inner:
        if item.__class__ is dict or item.__class__ is list:
            keys += _count_keys(item, levels - 1)
    return keys


def _load_slowly(body: bytes) -> Document:
    repeated = False

    def merged(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        found = dict(pairs)
        repeated = repeated or len(found) < len(pairs)
        return found

    try:
        content = json.loads(body.decode(), object_pairs_hook=merged, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _refused("The body is no JSON.") from None
    _count_keys(content, MAX_NESTING)
    return Document(content, repeated)


def dump(value: Any) -> bytes:
    """Return a value as JSON; what UTF-8 cannot hold stays escaped, as it was sent."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode("ascii")


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and infinity are no JSON")


def _refused(detail: str) -> Problem:
    return Problem(400, "bad_json", detail)
