"""Opaque cursors of the endpoints that page by `after` and `before`, and the pages cut with them.

A cursor holds the sort key of a row, not its number, so rows that come or go elsewhere never move a page. Handlers of
lists, forms, users and e-mail events use it; the CRM objects page by record id.
"""

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

import orjson

from hubspot_platform.sandbox.wire import Call, invalid

Key = tuple[int, ...]
Row = TypeVar("Row")


def token(key: Key) -> str:
    """Return the cursor of a sort key."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode()


# sorts before every key: the cursor of the first page
START = token(())


def key_of(cursor: str, name: str = "after") -> Key:
    """Return the sort key of a cursor; raises ApiProblem 400 for one this portal never gave."""
    try:
        found = orjson.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (binascii.Error, ValueError) as error:
        raise invalid(f"Invalid input: {name} is not a valid paging token: {cursor}") from error
    if not isinstance(found, list) or not all(isinstance(part, int) for part in found):
        raise invalid(f"Invalid input: {name} is not a valid paging token: {cursor}")
    return tuple(found)


def page_of(
    call: Call, rows: Sequence[Row], key: Callable[[Row], Key], limit: int
) -> tuple[Sequence[Row], dict[str, object]]:
    """Return the page a call asks for and its `paging` object (empty for the only page).

    `rows` ascend by `key`. `after` gives the rows following a cursor; `before` alone gives the rows preceding it, the
    nearest first.
    """
    after, before = call.one("after"), call.one("before")
    backwards = bool(before) and not after
    if backwards:
        end = bisect_left(rows, key_of(before, "before"), key=key)
        start = max(0, end - limit)
    else:
        start = bisect_right(rows, key_of(after), key=key) if after else 0
        end = min(len(rows), start + limit)
    chosen = rows[start:end]
    paging: dict[str, object] = {}
    if chosen and end < len(rows):
        paging["next"] = _neighbour(call, "after", token(key(chosen[-1])))
    if chosen and start > 0:
        paging["prev"] = _neighbour(call, "before", token(key(chosen[0])))
    return (chosen[::-1] if backwards else chosen), paging


def _neighbour(call: Call, name: str, cursor: str) -> dict[str, str]:
    kept = [(n, v) for n, values in call.query.items() if n not in ("after", "before") for v in values]
    return {name: cursor, "link": f"{call.base_url}{call.path}?{urlencode([*kept, (name, cursor)])}"}


def results_page(
    call: Call, rows: Sequence[Row], key: Callable[[Row], Key], limit: int, show: Callable[[Row], object]
) -> dict[str, object]:
    """Return a page as `{results, paging?}` that leads forward only, as most endpoints answer."""
    chosen, paging = page_of(call, rows, key, limit)
    document: dict[str, object] = {"results": [show(row) for row in chosen]}
    if "next" in paging:
        document["paging"] = {"next": paging["next"]}
    return document
