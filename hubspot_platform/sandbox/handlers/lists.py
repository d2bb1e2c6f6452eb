"""Lists v3: finding, making, deleting and restoring lists; `handlers.memberships` has who is in them."""

from collections.abc import Callable, Mapping

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.list_filters import matcher
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.record_lists import DYNAMIC, MANUAL, PROCESSING_TYPES, SNAPSHOT, RecordList, matching
from hubspot_platform.sandbox.wire import NO_CONTENT, Answer, ApiProblem, Call, invalid, json_answer, not_found

SEARCH_PAGE, LARGEST_SEARCH_PAGE = 20, 500
MOST_MAPPED = 10_000

SortKey = Callable[[Portal, RecordList], tuple[int | str, int]]
SORTS: Mapping[str, SortKey] = {
    "HS_LIST_ID": lambda portal, found: (found.id, found.id),
    "HS_LIST_NAME": lambda portal, found: (found.name.lower(), found.id),
    "HS_LIST_SIZE": lambda portal, found: (len(portal.lists.members(found)), found.id),
    "HS_CREATED_AT": lambda portal, found: (found.created_ms, found.id),
    "HS_UPDATED_AT": lambda portal, found: (found.updated_ms, found.id),
}


def _common_json(found: RecordList) -> dict[str, object]:
    document: dict[str, object] = {
        "listId": str(found.id),
        "listVersion": found.version,
        "name": found.name,
        "objectTypeId": found.type_id,
        "processingType": found.processing,
        "processingStatus": "COMPLETE",
        "createdAt": iso(found.created_ms),
        "updatedAt": iso(found.updated_ms),
        "createdById": str(found.created_by),
        "updatedById": str(found.created_by),
    }
    if found.filters_updated_ms is not None:
        document["filtersUpdatedAt"] = iso(found.filters_updated_ms)
    return document


def list_json(portal: Portal, found: RecordList, *, filters: bool = False) -> dict[str, object]:
    """Return one list as the endpoints that name it answer."""
    document = _common_json(found) | {"size": len(portal.lists.members(found))}
    if filters and found.branch is not None:
        document["filterBranch"] = found.branch
    return document


def _searched_json(portal: Portal, found: RecordList) -> dict[str, object]:
    """Return one list as search shows it: size and dates are text among `additionalProperties`."""
    size = len(portal.lists.members(found))
    extra = {"hs_list_size": str(size), "hs_list_reference_count": "0"}
    if found.last_added_ms is not None:
        extra["hs_last_record_added_at"] = str(found.last_added_ms)
    if found.last_removed_ms is not None:
        extra["hs_last_record_removed_at"] = str(found.last_removed_ms)
    return _common_json(found) | {"additionalProperties": extra}


def named_list(portal: Portal, list_id: str) -> RecordList:
    """Return the list of that id; a deleted one is as unknown as one that never was."""
    found = portal.lists.by_id.get(int(list_id)) if list_id.isdigit() else None
    if found is None or found.deleted_ms is not None:
        raise not_found(f"List does not exist with ID {list_id}.")
    return found


def _texts(body: Mapping[str, object], name: str) -> set[str]:
    raw = body.get(name) or []
    if not isinstance(raw, list):
        raise invalid(f"Invalid input JSON: {name} must be an array")
    return set(map(str, raw))


def _whole(body: Mapping[str, object], name: str, default: int, most: int) -> int:
    raw = body.get(name)
    if raw is None:
        return default
    if isinstance(raw, bool) or not str(raw).isdigit() or int(str(raw)) > most:
        raise invalid(f"Invalid input: {name} must be a number up to {most}, was {raw}")
    return int(str(raw))


def search_lists(portal: Portal, call: Call) -> Answer:
    """`POST /search`: by name, id, processing type and object type; pages by `offset` and `count`."""
    body = call.json_object()
    offset = _whole(body, "offset", 0, 10**9)
    count = _whole(body, "count", SEARCH_PAGE, LARGEST_SEARCH_PAGE) or SEARCH_PAGE
    words, kinds, ids = str(body.get("query") or "").lower(), _texts(body, "processingTypes"), _texts(body, "listIds")
    unknown = kinds - set(PROCESSING_TYPES)
    if unknown:
        raise invalid(f"Invalid processingTypes: {', '.join(sorted(unknown))}")
    object_type = str(body.get("objectTypeId") or "")
    found = [
        entry
        for entry in portal.lists.live()
        if words in entry.name.lower()
        and (not kinds or entry.processing in kinds)
        and (not ids or str(entry.id) in ids)
        and object_type in ("", entry.type_id)
    ]
    _sort(portal, found, str(body.get("sort") or ""))
    page = found[offset : offset + count]
    following = offset + len(page)
    return json_answer(
        {
            "lists": [_searched_json(portal, entry) for entry in page],
            "hasMore": following < len(found),
            "offset": following,
            "total": len(found),
        }
    )


def _sort(portal: Portal, found: list[RecordList], wanted: str) -> None:
    if not wanted:
        return
    key = SORTS.get(wanted.removeprefix("-"))
    if key is None:
        raise invalid(f"Invalid sort {wanted}: use one of {', '.join(SORTS)}")
    found.sort(key=lambda entry: key(portal, entry), reverse=wanted.startswith("-"))


def read_list(portal: Portal, call: Call) -> Answer:
    """`GET /{listId}`."""
    found = named_list(portal, call.params["list"])
    return json_answer({"list": list_json(portal, found, filters=call.flag("includeFilters"))})


def read_lists(portal: Portal, call: Call) -> Answer:
    """`GET /?listIds=`: those that exist."""
    asked = set(call.many("listIds"))
    filters = call.flag("includeFilters")
    found = [list_json(portal, f, filters=filters) for f in portal.lists.live() if str(f.id) in asked]
    return json_answer({"lists": found})


def read_list_by_name(portal: Portal, call: Call) -> Answer:
    """`GET /object-type-id/{typeId}/name/{name}`."""
    wanted = (call.params["type"], call.params["name"])
    for found in portal.lists.live():
        if (found.type_id, found.name) == wanted:
            return json_answer({"list": list_json(portal, found, filters=call.flag("includeFilters"))})
    raise not_found(f"List does not exist with name {wanted[1]}.")


def create_list(portal: Portal, call: Call) -> Answer:
    """`POST /`: 200, not 201."""
    found = make_list(portal, call.json_object())
    return json_answer({"list": list_json(portal, found, filters=True)})


def make_list(portal: Portal, body: Mapping[str, object], at_ms: int | None = None) -> RecordList:
    """Add the list a create body describes; raises ApiProblem 400. Also the admin API's way to make one."""
    name, processing = str(body.get("name") or ""), str(body.get("processingType") or MANUAL)
    if not name or processing not in PROCESSING_TYPES:
        raise invalid("a list needs a name and a processingType of MANUAL, DYNAMIC or SNAPSHOT")
    area = portal.area(str(body.get("objectTypeId") or "0-1"))
    refuse_taken_name(portal, name, area.spec.type_id)
    branch = body.get("filterBranch")
    if (processing == DYNAMIC and branch is None) or (branch is not None and not isinstance(branch, dict)):
        raise invalid("a DYNAMIC list needs a filterBranch, and a filterBranch is an object")
    if branch is not None:
        matcher(branch, area.store)
    made = portal.clock.now_ms() if at_ms is None else at_ms
    filled = dict.fromkeys(matching(branch, area.store), made) if branch and processing == SNAPSHOT else {}
    found = RecordList(
        id=portal.lists.next_id(),
        name=name,
        type_id=area.spec.type_id,
        processing=processing,
        created_ms=made,
        created_by=next(iter(portal.people.users), 0),
        branch=branch,
        seeded=lambda: filled,
    )
    return portal.lists.put(found, area.store)


def refuse_taken_name(portal: Portal, name: str, type_id: str) -> None:
    """Raise 400 when a list of that object type already has this name."""
    if any((f.name.lower(), f.type_id) == (name.lower(), type_id) for f in portal.lists.live()):
        raise ApiProblem(400, "ILLEGAL_ARGUMENT", f"A list named {name} already exists.")


def delete_list(portal: Portal, call: Call) -> Answer:
    """`DELETE /{listId}`: restorable for 90 days."""
    named_list(portal, call.params["list"]).deleted_ms = portal.clock.now_ms()
    return Answer(NO_CONTENT)


def restore_list(portal: Portal, call: Call) -> Answer:
    """`PUT /{listId}/restore`."""
    list_id = call.params["list"]
    found = portal.lists.by_id.get(int(list_id)) if list_id.isdigit() else None
    if found is None or not portal.lists.restorable(found, portal.clock.now_ms()):
        raise not_found(f"No deleted list exists with ID {list_id}.")
    found.deleted_ms = None
    return Answer(NO_CONTENT)


def map_id(portal: Portal, call: Call) -> Answer:
    """`GET /idmapping?legacyListId=`."""
    legacy = call.one("legacyListId")
    mapped = _by_legacy_id(portal).get(legacy)
    if mapped is None:
        raise not_found(f"No list was found with legacyListId {legacy}")
    return json_answer({"legacyListId": legacy, "listId": mapped})


def map_ids(portal: Portal, call: Call) -> Answer:
    """`POST /idmapping` with a list of old ids."""
    asked = list(map(str, call.json_list()))
    if len(asked) > MOST_MAPPED:
        raise invalid(f"At most {MOST_MAPPED} ids can be mapped at once, got {len(asked)}")
    known = _by_legacy_id(portal)
    return json_answer(
        {
            "legacyListIdsToIdsMapping": [{"legacyListId": i, "listId": known[i]} for i in asked if i in known],
            "missingLegacyListIds": [i for i in asked if i not in known],
        }
    )


def _by_legacy_id(portal: Portal) -> dict[str, str]:
    return {str(f.legacy_id): str(f.id) for f in portal.lists.live() if f.legacy_id is not None}
