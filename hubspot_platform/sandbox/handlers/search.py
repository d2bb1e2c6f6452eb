"""The search endpoint: 200 a page, 10,000 deep, one sort, over an index that may lag and may answer out of order."""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import orjson

from hubspot_platform.sandbox.model import Record
from hubspot_platform.sandbox.portal import ObjectArea, Portal
from hubspot_platform.sandbox.schema import render
from hubspot_platform.sandbox.search import (
    Filter,
    Query,
    Test,
    condition_test,
    parse_query,
    sort_key,
    split_id_range,
    text_test,
    time_bounds,
)
from hubspot_platform.sandbox.wire import Answer, Call, invalid

SHUFFLE_SPAN = 400


def search_objects(portal: Portal, call: Call) -> Answer:
    """`POST /{type}/search`."""
    area = portal.area(call.params["object"])
    query = parse_query(call.json_object(), area.schema)
    area.index.catch_up()
    matches = _remembered(portal, area, query)
    chosen = matches[query.offset : query.offset + query.limit]
    wanted = area.schema.resolve(query.properties)
    body = b'{"total":%d,"results":[' % len(matches)
    body += b",".join([render(area.schema, r, wanted) for r in chosen]) + b"]"
    following = query.offset + query.limit
    if query.limit and following < len(matches):
        body += b',"paging":' + orjson.dumps({"next": {"after": str(following)}})
    return Answer(200, body + b"}")


def _remembered(portal: Portal, area: ObjectArea, query: Query) -> Sequence[Record]:
    """Return the matches, from the last query when this is only another page of it, by offset or by id."""
    query, ids = split_id_range(query)
    found = _last_or_new(portal, area, query)
    if ids is None:
        return found
    return found[bisect_left(found, ids[0], key=_record_id) : bisect_right(found, ids[1], key=_record_id)]


def _record_id(record: Record) -> int:
    return record.id


def _last_or_new(portal: Portal, area: ObjectArea, query: Query) -> Sequence[Record]:
    if any(f.name.startswith("associations.") for g in query.groups for f in g):
        return matching(portal, area, query)
    shuffled = portal.switches.unordered_search
    key = (area.index.version, query.groups, query.text, query.sort, query.descending, shuffled)
    if area.last_search is None or area.last_search[0] != key:
        area.last_search = (key, matching(portal, area, query))
    return area.last_search[1]


def matching(portal: Portal, area: ObjectArea, query: Query) -> Sequence[Record]:
    """Return every record the query finds, in its order."""
    modified = area.spec.modified_property
    bounds = time_bounds(query.groups, modified)
    ids = area.index.all_ids() if bounds is None else area.index.between(*bounds)
    candidates = [r for r in map(area.index.visible, ids) if r is not None]
    tests = [[_test(portal, area, f) for f in g if bounds is None or f.name != modified] for g in query.groups]
    if any(tests) and (bounds is None or tests[0]):
        candidates = [r for r in candidates if any(all(t(r) for t in group) for group in tests)]
    if query.text:
        text = text_test(query.text, area.spec, area.schema)
        candidates = [r for r in candidates if text(r)]
    return _ordered(portal, area, query, candidates)


def _test(portal: Portal, area: ObjectArea, condition: Filter) -> Test:
    if not condition.name.startswith("associations."):
        return condition_test(condition, area.schema)
    if condition.operator not in ("EQ", "IN"):
        raise invalid("associations filters support EQ only")
    target = portal.area(condition.name.removeprefix("associations."))
    pair = (target.spec.singular, area.spec.singular)
    wanted = condition.values or (condition.value,)
    linked = {to for v in wanted if v.isdigit() for to, _ in portal.associations.links(pair, int(v))}
    return lambda record: record.id in linked


def _ordered(portal: Portal, area: ObjectArea, query: Query, found: list[Record]) -> list[Record]:
    modified = area.spec.modified_property
    if query.sort in ("", "hs_object_id"):
        found.sort(key=lambda r: r.id, reverse=query.descending)
    elif query.sort == modified:
        found.sort(key=lambda r: (r.updated_ms, r.id), reverse=query.descending)
    else:
        found.sort(key=sort_key(area.schema, query.sort), reverse=query.descending)
    if portal.switches.unordered_search and query.sort == modified:
        return _disordered(found)
    return found


def _disordered(found: list[Record]) -> list[Record]:
    """Return the list with neighbours moved about, the same way for every page of one query."""
    mixer = random.Random(len(found))
    return [r for _, r in sorted(enumerate(found), key=lambda pair: pair[0] + mixer.random() * SHUFFLE_SPAN)]
