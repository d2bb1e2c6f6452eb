"""Custom object schemas: listed, made, changed and deleted while the portal runs; standard types answer by name."""

from collections.abc import Iterable, Mapping

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.custom_objects import CustomObject, SchemaLink, base_properties, custom_spec
from hubspot_platform.sandbox.handlers.batch import batch_error, inputs_of
from hubspot_platform.sandbox.handlers.definitions import define, shown
from hubspot_platform.sandbox.model import ObjectSpec
from hubspot_platform.sandbox.portal import ObjectArea, Portal
from hubspot_platform.sandbox.wire import NO_CONTENT, Answer, ApiProblem, Call, invalid, json_answer, not_found

Body = Mapping[str, object]
FIRST_NUMBER, NUMBER_STEP = 3_456_789, 1_001


def register(portal: Portal, name: str, labels: tuple[str, str], primary: str, at_ms: int) -> CustomObject:
    """Add an empty custom type with HubSpot's own properties; raises ApiProblem 409 when the name is taken."""
    used = [int(i.removeprefix("2-")) for i in portal.custom]
    spec = custom_spec(portal.account.portal_id, name, max(used) + NUMBER_STEP if used else FIRST_NUMBER)
    if any(spec.plural == known.spec.plural for known in portal.custom.values()) or name in _standard(portal):
        raise ApiProblem(409, "OBJECT_ALREADY_EXISTS", f"An object type named '{name}' already exists.")
    portal.add_type(spec, base_properties(at_ms)).groups = {"information": f"{labels[0]} information"}
    made = CustomObject(spec, *labels, primary, at_ms, at_ms)
    portal.custom[spec.type_id] = made
    return made


def link_types(portal: Portal, custom: CustomObject, other: ObjectSpec, name: str) -> SchemaLink:
    """Let records of a custom type be associated with records of another one."""
    pair = (custom.spec.singular, other.singular)
    found = portal.associations.unlabelled(pair) or portal.associations.add_label(pair, None, name)
    link = SchemaLink(found.type_id, found.name, custom.spec.type_id, other.type_id)
    if link not in custom.links:
        custom.links.append(link)
    return link


def demand(portal: Portal, custom: CustomObject, required: Iterable[str], searchable: Iterable[str]) -> None:
    """Set which properties creation needs and which ones search looks at; raises ApiProblem 400 for unknown ones."""
    area = portal.areas[custom.spec.plural]
    names = tuple(required), tuple(searchable)
    for name in (*names[0], *names[1]):
        if area.schema.live(name) is None:
            raise invalid(f"Property {name} does not exist on {custom.spec.singular}")
    area.respec(custom.demand(*names))


def _standard(portal: Portal) -> set[str]:
    custom = {c.spec.plural for c in portal.custom.values()}
    return {n for plural, area in portal.areas.items() if plural not in custom for n in area.spec.names}


def _link_json(link: SchemaLink) -> dict[str, object]:
    return {"id": str(link.id), "name": link.name, "fromObjectTypeId": link.from_type, "toObjectTypeId": link.to_type}


def _definition(custom: CustomObject) -> dict[str, object]:
    spec = custom.spec
    return {
        "id": spec.type_id.removeprefix("2-"),
        "objectTypeId": spec.type_id,
        "fullyQualifiedName": spec.plural,
        "name": spec.singular,
        "labels": {"singular": custom.label, "plural": custom.plural_label},
        "description": custom.description,
        "requiredProperties": list(spec.required_all),
        "searchableProperties": list(spec.searchable),
        "primaryDisplayProperty": custom.primary,
        "secondaryDisplayProperties": list(custom.secondary),
        "archived": custom.archived,
        "createdAt": iso(custom.created_ms),
        "updatedAt": iso(custom.updated_ms),
    }


def _schema(portal: Portal, custom: CustomObject) -> dict[str, object]:
    area = portal.areas.get(custom.spec.plural)
    properties = [shown(d) for d in area.schema.listed()] if area else []
    return {**_definition(custom), "properties": properties, "associations": [_link_json(k) for k in custom.links]}


def _standard_schema(portal: Portal, area: ObjectArea) -> dict[str, object]:
    spec = area.spec
    links = [
        SchemaLink(t.type_id, t.name, spec.type_id, portal.area(pair[1]).spec.type_id)
        for pair, types in portal.associations.types.items()
        if pair[0] == spec.singular
        for t in types
        if t.label is None
    ]
    return {
        "id": spec.type_id,
        "objectTypeId": spec.type_id,
        "fullyQualifiedName": spec.singular.upper(),
        "name": spec.singular.upper(),
        "labels": {"singular": spec.singular.capitalize(), "plural": spec.plural.capitalize()},
        "requiredProperties": list(spec.required_all),
        "searchableProperties": list(spec.searchable),
        "properties": [shown(d) for d in area.schema.listed()],
        "associations": [_link_json(link) for link in links],
        "archived": False,
    }


def _found(portal: Portal, name: str) -> CustomObject | None:
    return next((c for c in portal.custom.values() if name.lower() in c.spec.names), None)


def _custom(portal: Portal, call: Call) -> CustomObject:
    custom = _found(portal, call.params["type"])
    if custom is None:
        raise not_found(f"Unable to infer object type from: {call.params['type']}")
    return custom


def list_schemas(portal: Portal, call: Call) -> Answer:
    """`GET /`: custom types only."""
    wanted = call.flag("archived")
    return json_answer({"results": [_schema(portal, c) for c in portal.custom.values() if c.archived is wanted]})


def read_schema(portal: Portal, call: Call) -> Answer:
    """`GET /{type}`: by type id, fully qualified name or name; standard types too."""
    custom = _found(portal, call.params["type"])
    if custom is not None:
        return json_answer(_schema(portal, custom))
    if call.params["type"].lower() not in _standard(portal):
        raise not_found(f"Unable to infer object type from: {call.params['type']}")
    return json_answer(_standard_schema(portal, portal.area(call.params["type"])))


def batch_read_schemas(portal: Portal, call: Call) -> Answer:
    """`POST /batch/read`."""
    names = [str(i.get("id") or i.get("name") or "") for i in inputs_of(call.json_object())]
    found = [c for c in (_found(portal, n) for n in names) if c is not None]
    missing = [n for n in names if _found(portal, n) is None]
    now = iso(portal.clock.now_ms())
    document: dict[str, object] = {
        "status": "COMPLETE",
        "results": [_schema(portal, c) for c in found],
        "startedAt": now,
        "completedAt": now,
    }
    if missing:
        document |= {"numErrors": 1, "errors": [batch_error("OBJECT_NOT_FOUND", "Unknown types", {"id": missing})]}
    return json_answer(document, 207 if missing else 200)


def _texts(body: Body, name: str, default: Iterable[str] = ()) -> list[str]:
    raw = body.get(name)
    return [str(v) for v in raw] if isinstance(raw, list) else list(default)


def create_schema(portal: Portal, call: Call) -> Answer:
    """`POST /`: the type is usable at once."""
    body, now = call.json_object(), portal.clock.now_ms()
    name, labels, properties = str(body.get("name") or ""), body.get("labels"), body.get("properties")
    if not name.isidentifier() or not isinstance(labels, dict) or not isinstance(properties, list):
        raise invalid("name, labels and properties are required; name takes letters, digits and underscore")
    primary = str(body.get("primaryDisplayProperty") or "")
    others = [portal.area(t.lower()).spec for t in _texts(body, "associatedObjects")]
    texts = (str(labels.get("singular") or name), str(labels.get("plural") or name))
    custom = register(portal, name.lower(), texts, primary, now)
    area = portal.areas[custom.spec.plural]
    try:
        for entry in properties:
            define(portal, area, {"groupName": "information", **entry})
        demand(portal, custom, _texts(body, "requiredProperties"), _texts(body, "searchableProperties"))
    except ApiProblem:
        portal.remove_type(portal.custom.pop(custom.spec.type_id).spec)
        raise
    custom.secondary = tuple(_texts(body, "secondaryDisplayProperties"))
    for other in others:
        link_types(portal, custom, other, f"{custom.spec.singular}_to_{other.singular}")
    return json_answer(_schema(portal, custom), 201)


def update_schema(portal: Portal, call: Call) -> Answer:
    """`PATCH /{type}`: answers the definition without properties; the name cannot be changed."""
    custom, body = _custom(portal, call), call.json_object()
    labels = body.get("labels")
    if isinstance(labels, dict):
        custom.label = str(labels.get("singular") or custom.label)
        custom.plural_label = str(labels.get("plural") or custom.plural_label)
    custom.primary = str(body.get("primaryDisplayProperty") or custom.primary)
    custom.secondary = tuple(_texts(body, "secondaryDisplayProperties", custom.secondary))
    required = _texts(body, "requiredProperties", custom.spec.required_all)
    demand(portal, custom, required, _texts(body, "searchableProperties", custom.spec.searchable))
    custom.updated_ms = portal.clock.now_ms()
    return json_answer(_definition(custom))


def archive_schema(portal: Portal, call: Call) -> Answer:
    """`DELETE /{type}`: refused while records exist; with `archived=true` a deleted one is gone for good."""
    custom = _custom(portal, call)
    if call.flag("archived"):
        if not custom.archived:
            raise invalid("Delete the object type before purging it")
        del portal.custom[custom.spec.type_id]
        return Answer(NO_CONTENT)
    if not custom.archived:
        if portal.areas[custom.spec.plural].store.live_ids:
            raise invalid(f"Object type {custom.spec.singular} still has records")
        portal.remove_type(custom.spec)
        custom.archived, custom.updated_ms = True, portal.clock.now_ms()
    return Answer(NO_CONTENT)


def create_link(portal: Portal, call: Call) -> Answer:
    """`POST /{type}/associations`."""
    custom, body = _custom(portal, call), call.json_object()
    other = portal.area(str(body.get("toObjectTypeId") or "")).spec
    name = str(body.get("name") or f"{custom.spec.singular}_to_{other.singular}")
    link = link_types(portal, custom, other, name)
    now = iso(portal.clock.now_ms())
    return json_answer({**_link_json(link), "createdAt": now, "updatedAt": now}, 201)
