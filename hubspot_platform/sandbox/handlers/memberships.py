"""Lists v3: who is in a list, adding and removing, and which lists a record is in."""

from collections.abc import Mapping

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.handlers.lists import named_list
from hubspot_platform.sandbox.paging import Key, page_of
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.record_lists import DYNAMIC, Member, RecordList
from hubspot_platform.sandbox.wire import Answer, Call, invalid, json_answer, not_found

PAGE, LARGEST_PAGE = 100, 250
MOST_CHANGED = 100_000
MOST_READ = 100


def list_members(portal: Portal, call: Call) -> Answer:
    """`GET /{listId}/memberships`: by record id."""
    return _page(portal, call, joined=False)


def list_members_by_time(portal: Portal, call: Call) -> Answer:
    """`GET /{listId}/memberships/join-order`: by the moment of joining."""
    return _page(portal, call, joined=True)


def _page(portal: Portal, call: Call, *, joined: bool) -> Answer:
    limit = call.number("limit", PAGE, highest=LARGEST_PAGE)
    members = portal.lists.members(named_list(portal, call.params["list"]))
    rows = sorted(members, key=_join_order) if joined else members
    chosen, paging = page_of(call, rows, _join_order if joined else _record_order, limit)
    results = [{"recordId": str(m.record_id), "membershipTimestamp": iso(m.last_ms)} for m in chosen]
    document: dict[str, object] = {"results": results, "total": len(members)}
    return json_answer(document | ({"paging": paging} if paging else {}))


def _record_order(member: Member) -> Key:
    return (member.record_id,)


def _join_order(member: Member) -> Key:
    return (member.last_ms, member.record_id)


def add_members(portal: Portal, call: Call) -> Answer:
    """`PUT /{listId}/memberships/add` with a list of record ids."""
    return json_answer(_change(portal, call, add=call.json_list(), remove=[]))


def remove_members(portal: Portal, call: Call) -> Answer:
    """`PUT /{listId}/memberships/remove` with a list of record ids."""
    return json_answer(_change(portal, call, add=[], remove=call.json_list()))


def change_members(portal: Portal, call: Call) -> Answer:
    """`PUT /{listId}/memberships/add-and-remove`."""
    body = call.json_object()
    add, remove = body.get("recordIdsToAdd") or [], body.get("recordIdsToRemove") or []
    if not isinstance(add, list) or not isinstance(remove, list):
        raise invalid("Invalid input JSON: recordIdsToAdd and recordIdsToRemove must be arrays")
    return json_answer(_change(portal, call, add=add, remove=remove))


def _change(portal: Portal, call: Call, *, add: list[object], remove: list[object]) -> dict[str, object]:
    found = named_list(portal, call.params["list"])
    if len(add) + len(remove) > MOST_CHANGED:
        raise invalid(f"At most {MOST_CHANGED} records can be changed at once")
    return changed_members(portal, found, add, remove, portal.clock.now_ms())


def changed_members(
    portal: Portal, found: RecordList, add: list[object], remove: list[object], at_ms: int
) -> dict[str, object]:
    """Add and remove members and say what happened to each id; raises ApiProblem 400 for a DYNAMIC list.

    The first key is HubSpot's own spelling.
    """
    if found.processing == DYNAMIC:
        raise invalid(f"Memberships of list {found.id} cannot be changed by hand: its processing type is DYNAMIC.")
    store = portal.lists.store(found)
    known: dict[str, int] = {}
    for raw in (*add, *remove):
        record = store.get(int(str(raw))) if str(raw).isdigit() else None
        if record is not None and record.archived_ms is None:
            known[str(raw)] = record.id
    added = found.add(portal.lists.members(found), [known[str(i)] for i in add if str(i) in known], at_ms)
    removed = found.remove(portal.lists.members(found), [known[str(i)] for i in remove if str(i) in known], at_ms)
    return {
        "recordsIdsAdded": list(map(str, added)),
        "recordIdsRemoved": list(map(str, removed)),
        "recordIdsMissing": [str(i) for i in (*add, *remove) if str(i) not in known],
    }


def lists_of_record(portal: Portal, call: Call) -> Answer:
    """`GET /records/{typeId}/{recordId}/memberships`."""
    found = _memberships(portal, call.params["type"], [call.params["record"]])
    if call.params["record"] not in found:
        raise not_found(f"Record {call.params['record']} does not exist")
    rows = found[call.params["record"]]
    return json_answer({"results": rows, "total": len(rows)})


def lists_of_records(portal: Portal, call: Call) -> Answer:
    """`POST /records/memberships/batch/read`: 207 when some of the records do not exist."""
    inputs = call.json_object().get("inputs")
    if not isinstance(inputs, list) or not inputs or len(inputs) > MOST_READ:
        raise invalid(f"inputs must be a list of 1 to {MOST_READ} records")
    started = iso(portal.clock.now_ms())
    results: list[dict[str, object]] = []
    missing: list[str] = []
    by_type: dict[str, list[str]] = {}
    for entry in inputs:
        if not isinstance(entry, dict) or not {"objectTypeId", "recordId"} <= set(entry):
            raise invalid("each input needs objectTypeId and recordId")
        by_type.setdefault(str(entry["objectTypeId"]), []).append(str(entry["recordId"]))
    for type_id, records in by_type.items():
        found = _memberships(portal, type_id, records)
        missing += [i for i in records if i not in found]
        results += [
            {"objectTypeId": type_id, "recordId": i, "recordListMemberships": rows} for i, rows in found.items()
        ]
    document: dict[str, object] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": started,
        "completedAt": iso(portal.clock.now_ms()),
    }
    if missing:
        message = "Could not get some records, they may be deleted or not exist. Check that ids are valid."
        error = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"ids": missing}}
        document |= {"numErrors": 1, "errors": [error]}
    return json_answer(document, 207 if missing else 200)


def _memberships(portal: Portal, type_name: str, records: list[str]) -> Mapping[str, list[dict[str, object]]]:
    """Return the memberships of each live record by the id asked for; unknown ones are left out."""
    area = portal.area(type_name)
    live = {i: r.id for i in records if i.isdigit() and (r := area.store.get(int(i))) and r.archived_ms is None}
    found: dict[str, list[dict[str, object]]] = {asked: [] for asked in live}
    for entry in portal.lists.live():
        if entry.type_id != area.spec.type_id:
            continue
        members = {m.record_id: m for m in portal.lists.members(entry)}
        for asked, record_id in live.items():
            member = members.get(record_id)
            if member is not None:
                found[asked].append(
                    {
                        "listId": str(entry.id),
                        "listVersion": entry.version,
                        "firstAddedTimestamp": iso(member.first_ms),
                        "lastAddedTimestamp": iso(member.last_ms),
                    }
                )
    return found
