"""Direct changes of the portal for tests, and complete dumps to compare a mirror with. Called by the admin API.

Values are stored as given: this is how dirty data, impossible dates and old options get into a portal.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from hubspot_platform.sandbox.clock import iso, parse_time
from hubspot_platform.sandbox.errors import SandboxError
from hubspot_platform.sandbox.handlers.definitions import changed, choices, shown
from hubspot_platform.sandbox.handlers.objects import history_of, merge_records
from hubspot_platform.sandbox.history import PERSON, Source
from hubspot_platform.sandbox.model import Property, Record, Value
from hubspot_platform.sandbox.portal import ObjectArea, Portal
from hubspot_platform.sandbox.schema import envelope
from hubspot_platform.sandbox.seed.day import DayPlan, play

Body = Mapping[str, object]
HOUR_MS = 3_600_000
Change = Callable[[Portal, ObjectArea, Body], object]


def whole(body: Body, name: str, default: int) -> int:
    """Return an integer of an admin body."""
    raw = body.get(name)
    return default if raw is None else int(str(raw))


def moment_of(body: Mapping[str, object], name: str, default: int) -> int:
    """Return a time of an admin body in epoch milliseconds."""
    raw = body.get(name)
    if raw is None:
        return default
    found = parse_time(str(raw))
    if found is None:
        raise SandboxError(f"{name}: {raw!r} is not a time", mend="ISO-8601 or epoch milliseconds")
    return found


def ids_of(body: Body, area: ObjectArea) -> list[int]:
    """Return the ids an admin body names: `id`, `ids`, or the `first` N live ones (after `offset`)."""
    if "first" in body:
        offset = whole(body, "offset", 0)
        return area.store.live_ids[offset : offset + whole(body, "first", 0)]
    raw = body.get("ids", [body["id"]] if "id" in body else [])
    if not isinstance(raw, list):
        raise SandboxError("ids must be a list")
    return [int(str(i)) for i in raw]


def values_of(body: Body, area: ObjectArea) -> dict[str, Value]:
    """Return the values of an admin body as they are; a property must exist."""
    raw = body.get("properties") or {}
    if not isinstance(raw, dict):
        raise SandboxError("properties must be an object")
    unknown = [n for n in raw if n not in area.schema.column]
    if unknown:
        raise SandboxError(f"no property {', '.join(unknown)}", mend="define it first")
    return {str(n): None if v is None else str(v) for n, v in raw.items()}


def source_of(body: Body) -> Source:
    """Return who an admin body says made a change: `{"type": …, "id": …, "user": …}`; by default a person."""
    raw = body.get("source")
    if raw is None:
        return PERSON
    if not isinstance(raw, dict):
        raise SandboxError("source must be an object", mend='for example {"type": "IMPORT", "id": "77"}')
    user = raw.get("user")
    return Source(str(raw["type"]), str(raw.get("id", "")), None if user is None else int(user))


def _records(area: ObjectArea, body: Body) -> Iterable[Record]:
    for record_id in ids_of(body, area):
        record = area.store.get(record_id)
        if record is None:
            raise SandboxError(f"no {area.spec.singular} {record_id}")
        yield record


def create(portal: Portal, area: ObjectArea, body: Body) -> object:
    """Add `count` records (default 1) with the same values, at `at`, by `source`, with id `id` when given."""
    at_ms = moment_of(body, "at", portal.clock.now_ms())
    values, source = values_of(body, area), source_of(body)
    own_id = int(str(body["id"])) if "id" in body else None
    made = [area.store.create(values, at_ms, own_id, source) for _ in range(whole(body, "count", 1))]
    return {"ids": [str(r.id) for r in made]}


def update(portal: Portal, area: ObjectArea, body: Body) -> object:
    """Write values into records; they are modified at `at`, by `source`."""
    at_ms = moment_of(body, "at", portal.clock.now_ms())
    values, source = values_of(body, area), source_of(body)
    return {"updated": len([area.store.update(r, values, at_ms, source) for r in list(_records(area, body))])}


def calculate(portal: Portal, area: ObjectArea, body: Body) -> object:
    """Write values HubSpot calculated: history gets them, the last-modified instant stays where it was."""
    at_ms = moment_of(body, "at", portal.clock.now_ms())
    values = values_of(body, area)
    return {"calculated": len([area.store.calculate(r, values, at_ms) for r in list(_records(area, body))])}


def archive(portal: Portal, area: ObjectArea, body: Body) -> object:
    """Move records to the recycle bin."""
    at_ms = moment_of(body, "at", portal.clock.now_ms())
    return {"archived": sum(area.store.archive(i, at_ms) for i in ids_of(body, area))}


def restore(portal: Portal, area: ObjectArea, body: Body) -> object:
    """Bring records back from the recycle bin."""
    at_ms = moment_of(body, "at", portal.clock.now_ms())
    return {"restored": sum(area.store.restore(i, at_ms) for i in ids_of(body, area))}


def purge(portal: Portal, area: ObjectArea, body: Body) -> object:
    """Delete records for good."""
    return {"purged": sum(portal.purge(area, record_id) for record_id in ids_of(body, area))}


def merge(portal: Portal, area: ObjectArea, body: Body) -> object:
    """Merge `other` into `primary` at `at`; the answer names the new record."""
    pair = [area.store.records.get(int(str(body[side]))) for side in ("primary", "other")]
    primary, other = pair
    if primary is None or other is None:
        raise SandboxError("primary and other must be existing records")
    at_ms = moment_of(body, "at", portal.clock.now_ms())
    return {"id": str(merge_records(portal, area, primary, other, at_ms).id)}


def stamp(portal: Portal, area: ObjectArea, body: Body) -> object:
    """Give many records one identical last-modified instant, as HubSpot's monthly jobs do."""
    at_ms = moment_of(body, "at", portal.clock.now_ms())
    return {"stamped": area.store.stamp(ids_of(body, area), at_ms), "at": iso(at_ms)}


def link(portal: Portal, area: ObjectArea, body: Body) -> object:
    """Link record `id` to record `to` of type `to_object`, with `types` beside the unlabelled one."""
    pair = (area.spec.singular, portal.area(str(body["to_object"])).spec.singular)
    types = body.get("types") or []
    wanted = [int(str(t)) for t in types] if isinstance(types, list) else []
    if portal.associations.unlabelled(pair) is None:
        raise SandboxError(f"a {pair[0]} cannot be linked to a {pair[1]}")
    return {"types": portal.associations.add(pair, int(str(body["id"])), int(str(body["to"])), wanted)}


def unlink(portal: Portal, area: ObjectArea, body: Body) -> object:
    """Remove all links between record `id` and record `to` of type `to_object`."""
    pair = (area.spec.singular, portal.area(str(body["to_object"])).spec.singular)
    portal.associations.remove(pair, int(str(body["id"])), int(str(body["to"])))
    return {"unlinked": True}


ACTIONS: dict[str, Change] = {
    "create": create,
    "update": update,
    "calculate": calculate,
    "archive": archive,
    "restore": restore,
    "purge": purge,
    "merge": merge,
    "stamp": stamp,
    "link": link,
    "unlink": unlink,
}


def define_property(portal: Portal, area: ObjectArea, body: Body) -> object:
    """Create a property, or bring a deleted one back with a new definition."""
    now = portal.clock.now_ms()
    definition = Property(
        name=str(body["name"]),
        label=str(body.get("label", body["name"])),
        type=str(body.get("type", "string")),
        field_type=str(body.get("fieldType", "text")),
        group=str(body.get("groupName", f"{area.spec.singular}information")),
        options=choices(body.get("options")),
        unique=bool(body.get("hasUniqueValue")),
        hubspot_defined=False,
        created_ms=now,
        updated_ms=now,
    )
    area.schema.define(definition)
    return shown(definition)


def change_property(portal: Portal, area: ObjectArea, body: Body) -> object:
    """Change a definition, its type included; stored values stay as they are."""
    definition = area.schema.definitions.get(str(body["name"]))
    if definition is None:
        raise SandboxError(f"no property {body['name']}")
    newer = replace(changed(definition, body, portal.clock.now_ms()), archived=False)
    area.schema.define(newer)
    return shown(newer)


def delete_property(portal: Portal, area: ObjectArea, body: Body) -> object:
    """Delete a definition, HubSpot's own included."""
    name = str(body["name"])
    if area.schema.live(name) is None:
        raise SandboxError(f"no property {name}")
    area.schema.archive(name)
    return {"deleted": name}


def day(portal: Portal, body: Body) -> object:
    """Let `hours` (24) until now pass: `each` (10) creations and updates per type, `crowd` contacts stamped at once."""
    now, hours = portal.clock.now_ms(), whole(body, "hours", 24)
    if hours < 1:
        raise SandboxError(f"a day of {hours} hours", mend="1 or more")
    each, crowd = whole(body, "each", 10), whole(body, "crowd", 0)
    return play(portal, DayPlan(now - hours * HOUR_MS, now, each, crowd, whole(body, "seed", 1)))


PROPERTY_ACTIONS: dict[str, Change] = {
    "create": define_property,
    "update": change_property,
    "delete": delete_property,
}


def dump(portal: Portal, name: str, query: Mapping[str, str]) -> object:
    """Return all records of a type, their values, the `history` asked for, and which ids were merged into which."""
    area = portal.area(name)
    asked = [p for p in query.get("properties", "").split(",") if p]
    wanted = area.schema.resolve(asked or [d.name for d in area.schema.listed()])
    ids = area.store.archived_ids if query.get("archived") == "true" else area.store.live_ids
    after = int(query.get("after", "0"))
    chosen = [area.store.records[i] for i in ids if i > after][: int(query.get("limit", "1000000000"))]
    results = [envelope(area.schema, record, wanted) for record in chosen]
    history = [p for p in query.get("history", "").split(",") if p]
    if history:
        for document, record in zip(results, chosen, strict=True):
            document["propertiesWithHistory"] = history_of(area, record, history)
    return {
        "total": len(ids),
        "results": results,
        "merged": {str(old): str(new) for old, new in area.store.survivors.items()},
    }


def all_links(portal: Portal, source: str, target: str) -> object:
    """Return every readable link of a pair as rows of from id, to id, type id."""
    area = portal.area(source)
    pair = (area.spec.singular, portal.area(target).spec.singular)
    rows = [
        [str(i), str(to), type_id]
        for i in area.store.live_ids
        for to, types in portal.link_live(pair, i)
        for type_id in types
    ]
    return {"total": len(rows), "results": rows}
