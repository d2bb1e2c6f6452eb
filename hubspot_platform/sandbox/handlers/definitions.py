"""The properties API: definitions and groups, one by one and in batches."""

import re
from collections.abc import Mapping
from dataclasses import replace

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.handlers.batch import batch_error, inputs_of
from hubspot_platform.sandbox.model import Choice, Property
from hubspot_platform.sandbox.portal import ObjectArea, Portal
from hubspot_platform.sandbox.schema import property_json
from hubspot_platform.sandbox.wire import NO_CONTENT, Answer, ApiProblem, Call, invalid, json_answer, not_found

_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
FIELD_TYPES: Mapping[str, tuple[str, ...]] = {
    "string": ("text", "textarea", "html", "phonenumber", "file", "calculation_equation"),
    "number": ("number", "calculation_equation"),
    "bool": ("booleancheckbox", "calculation_equation"),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox", "calculation_equation"),
    "date": ("date",),
    "datetime": ("date",),
    "phone_number": ("phonenumber",),
}


def shown(definition: Property) -> dict[str, object]:
    """Return a definition as the API shows it."""
    return property_json(definition, iso(definition.created_ms), iso(definition.updated_ms))


def list_properties(portal: Portal, call: Call) -> Answer:
    """`GET /{type}`: all definitions at once, no paging."""
    area = portal.area(call.params["object"])
    if call.one("dataSensitivity") in ("sensitive", "highly_sensitive"):
        return json_answer({"results": []})
    return json_answer({"results": [shown(d) for d in area.schema.listed(archived=call.flag("archived"))]})


def read_property(portal: Portal, call: Call) -> Answer:
    """`GET /{type}/{name}`."""
    area = portal.area(call.params["object"])
    definition = area.schema.definitions.get(call.params["name"])
    if definition is None or definition.archived is not call.flag("archived"):
        raise not_found(f"Property {call.params['name']} does not exist")
    return json_answer(shown(definition))


def choices(raw: object) -> tuple[Choice, ...]:
    """Return the options of a definition body."""
    if not isinstance(raw, list):
        return ()
    return tuple(Choice(str(o["value"]), str(o.get("label", o["value"])), bool(o.get("hidden"))) for o in raw)


def define(portal: Portal, area: ObjectArea, body: Mapping[str, object]) -> Property:
    """Validate and add a definition; raises ApiProblem 400 or 409."""
    name, kind = str(body.get("name") or ""), str(body.get("type") or "")
    field_type = str(body.get("fieldType") or "")
    if not _NAME.fullmatch(name):
        raise invalid(f"Invalid property name {name!r}: lower-case letters, digits and underscore only")
    if field_type not in FIELD_TYPES.get(kind, ()):
        raise invalid(f"Invalid fieldType {field_type!r} for type {kind!r}")
    if name in area.schema.definitions:
        raise ApiProblem(409, "OBJECT_ALREADY_EXISTS", f"A property named '{name}' already exists.")
    now = portal.clock.now_ms()
    definition = Property(
        name=name,
        label=str(body.get("label") or name),
        type=kind,
        field_type=field_type,
        group=str(body.get("groupName") or f"{area.spec.singular}information"),
        options=choices(body.get("options")),
        description=str(body.get("description") or ""),
        unique=bool(body.get("hasUniqueValue")),
        hidden=bool(body.get("hidden")),
        hubspot_defined=False,
        created_ms=now,
        updated_ms=now,
    )
    area.schema.define(definition)
    return definition


def create_property(portal: Portal, call: Call) -> Answer:
    """`POST /{type}`."""
    return json_answer(shown(define(portal, portal.area(call.params["object"]), call.json_object())), 201)


def changed(definition: Property, body: Mapping[str, object], now_ms: int) -> Property:
    """Return a definition after a PATCH; `options` replaces the whole list."""
    return replace(
        definition,
        label=str(body.get("label", definition.label)),
        description=str(body.get("description", definition.description)),
        group=str(body.get("groupName", definition.group)),
        type=str(body.get("type", definition.type)),
        field_type=str(body.get("fieldType", definition.field_type)),
        hidden=bool(body.get("hidden", definition.hidden)),
        options=choices(body["options"]) if "options" in body else definition.options,
        updated_ms=now_ms,
    )


def update_property(portal: Portal, call: Call) -> Answer:
    """`PATCH /{type}/{name}`."""
    area = portal.area(call.params["object"])
    definition = area.schema.live(call.params["name"])
    if definition is None:
        raise not_found(f"Property {call.params['name']} does not exist")
    newer = changed(definition, call.json_object(), portal.clock.now_ms())
    if newer.field_type not in FIELD_TYPES.get(newer.type, ()):
        raise invalid(f"Invalid fieldType {newer.field_type!r} for type {newer.type!r}")
    area.schema.define(newer)
    return json_answer(shown(newer))


def archive_property(portal: Portal, call: Call) -> Answer:
    """`DELETE /{type}/{name}`."""
    area = portal.area(call.params["object"])
    definition = area.schema.live(call.params["name"])
    if definition is None:
        raise not_found(f"Property {call.params['name']} does not exist")
    if definition.hubspot_defined:
        raise invalid(f"Property {definition.name} cannot be archived")
    area.schema.archive(definition.name)
    return Answer(NO_CONTENT)


def batch_read_properties(portal: Portal, call: Call) -> Answer:
    """`POST /{type}/batch/read`."""
    area = portal.area(call.params["object"])
    names = [str(i.get("name", "")) for i in inputs_of(call.json_object())]
    found = [area.schema.definitions[n] for n in names if area.schema.live(n) is not None]
    missing = [n for n in names if area.schema.live(n) is None]
    return _batch(portal, [shown(d) for d in found], missing, 200)


def batch_create_properties(portal: Portal, call: Call) -> Answer:
    """`POST /{type}/batch/create`."""
    area = portal.area(call.params["object"])
    made = [define(portal, area, entry) for entry in inputs_of(call.json_object())]
    return _batch(portal, [shown(d) for d in made], [], 201)


def batch_archive_properties(portal: Portal, call: Call) -> Answer:
    """`POST /{type}/batch/archive`: unknown names are ignored."""
    area = portal.area(call.params["object"])
    for entry in inputs_of(call.json_object()):
        definition = area.schema.live(str(entry.get("name", "")))
        if definition is not None and not definition.hubspot_defined:
            area.schema.archive(definition.name)
    return Answer(NO_CONTENT)


def _batch(portal: Portal, results: list[dict[str, object]], missing: list[str], status: int) -> Answer:
    now = iso(portal.clock.now_ms())
    document: dict[str, object] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": now,
        "completedAt": now,
    }
    if missing:
        error = batch_error("OBJECT_NOT_FOUND", "Some properties do not exist", {"name": missing})
        document |= {"numErrors": 1, "errors": [error]}
    return json_answer(document, 207 if missing else status)


def _group_json(name: str, label: str) -> dict[str, object]:
    return {"name": name, "label": label, "displayOrder": -1, "archived": False}


def list_groups(portal: Portal, call: Call) -> Answer:
    """`GET /{type}/groups`."""
    groups = portal.area(call.params["object"]).groups
    return json_answer({"results": [_group_json(n, label) for n, label in groups.items()]})


def read_group(portal: Portal, call: Call) -> Answer:
    """`GET /{type}/groups/{group}`."""
    groups = portal.area(call.params["object"]).groups
    name = call.params["group"]
    if name not in groups:
        raise not_found(f"Property group {name} does not exist")
    return json_answer(_group_json(name, groups[name]))


def create_group(portal: Portal, call: Call) -> Answer:
    """`POST /{type}/groups`."""
    groups = portal.area(call.params["object"]).groups
    body = call.json_object()
    name = str(body.get("name") or "")
    if not name:
        raise invalid("name is required")
    if name in groups:
        raise ApiProblem(409, "OBJECT_ALREADY_EXISTS", f"A property group named '{name}' already exists.")
    groups[name] = str(body.get("label") or name)
    return json_answer(_group_json(name, groups[name]), 201)


def update_group(portal: Portal, call: Call) -> Answer:
    """`PATCH /{type}/groups/{group}`."""
    groups, name = portal.area(call.params["object"]).groups, call.params["group"]
    if name not in groups:
        raise not_found(f"Property group {name} does not exist")
    groups[name] = str(call.json_object().get("label") or groups[name])
    return json_answer(_group_json(name, groups[name]))


def archive_group(portal: Portal, call: Call) -> Answer:
    """`DELETE /{type}/groups/{group}`."""
    portal.area(call.params["object"]).groups.pop(call.params["group"], None)
    return Answer(NO_CONTENT)
