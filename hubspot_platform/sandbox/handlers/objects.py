"""The CRM object endpoints: list, read, create, update, archive, merge and privacy deletion, for every type."""

from collections.abc import Iterable, Mapping

import orjson

from hubspot_platform.sandbox.model import Record, Value
from hubspot_platform.sandbox.portal import ObjectArea, Portal
from hubspot_platform.sandbox.schema import PropertySet, envelope, render
from hubspot_platform.sandbox.values import Problem, appended, clean_properties
from hubspot_platform.sandbox.wire import (
    NO_CONTENT,
    Answer,
    ApiProblem,
    Call,
    invalid,
    invalid_properties,
    json_answer,
    not_found,
)

INLINE_ASSOCIATIONS = 500
PAGE = 100
HISTORY_PAGE = 50
MOST_MERGES = 250


def list_objects(portal: Portal, call: Call) -> Answer:
    """`GET /{type}`: one page in id order; `after` is the id of the next record."""
    area = portal.area(call.params["object"])
    history = call.many("propertiesWithHistory")
    limit = call.number("limit", 10, highest=HISTORY_PAGE if history else PAGE)
    after = call.one("after")
    if after and not after.isdigit():
        raise invalid(f"Invalid input: after must be an offset, was {after}")
    archived = call.flag("archived")
    records, following = area.store.page(int(after or 0), limit, archived=archived)
    wanted = area.schema.resolve(call.many("properties"))
    linked = call.many("associations")
    if linked or history:
        results = [detailed(portal, area, r, call, linked) for r in records]
        rendered = [orjson.dumps(r) for r in results]
    else:
        rendered = [render(area.schema, r, wanted) for r in records]
    body = b'{"results":[' + b",".join(rendered) + b"]"
    if following is not None:
        link = f"{call.base_url}{call.path}?{call.query_string}".rstrip("?&")
        paging = {"next": {"after": str(following), "link": f"{link}&after={following}"}}
        body += b',"paging":' + orjson.dumps(paging)
    return Answer(200, body + b"}")


def detailed(portal: Portal, area: ObjectArea, record: Record, call: Call, linked: list[str]) -> dict[str, object]:
    """Return a record and, when asked for, its history and the first page of its associations."""
    document = envelope(area.schema, record, area.schema.resolve(call.many("properties")))
    history = call.many("propertiesWithHistory")
    if history:
        document["propertiesWithHistory"] = history_of(area, record, history)
    blocks = {}
    for target in linked:
        block = inline_associations(portal, area, record, target, call)
        if block is not None:
            blocks[portal.area(target).spec.plural] = block
    if blocks:
        document["associations"] = blocks
    return document


def history_of(area: ObjectArea, record: Record, names: Iterable[str]) -> dict[str, object]:
    """Return the `propertiesWithHistory` block: versions per property, newest first; unknown names are left out."""
    known = [name for name in names if area.schema.shown(name) is not None]
    return {name: [v.as_json() for v in area.store.versions(record, name)] for name in known}


def inline_associations(
    portal: Portal, area: ObjectArea, record: Record, target: str, call: Call
) -> dict[str, object] | None:
    """Return the `associations` block of one target type: one row per type name, the first page only."""
    other = portal.area(target)
    pair = (area.spec.singular, other.spec.singular)
    rows: list[dict[str, str]] = []
    links = list(portal.link_live(pair, record.id))
    for to, types in links[:INLINE_ASSOCIATIONS]:
        for type_id in types:
            link_type = portal.associations.type_of(pair, type_id)
            if link_type is not None:
                rows.append({"id": str(to), "type": link_type.name})
    if not rows:
        return None
    block: dict[str, object] = {"results": rows}
    if len(links) > INLINE_ASSOCIATIONS:
        after = str(links[INLINE_ASSOCIATIONS][0])
        path = f"{call.base_url}/crm/v4/objects/{area.spec.plural}/{record.id}/associations/{other.spec.plural}"
        block["paging"] = {"next": {"after": after, "link": f"{path}?after={after}"}}
    return block


def lookup(area: ObjectArea, key: str, id_property: str, *, archived: bool = False) -> Record | None:
    """Return the record a path or a batch input names, by id or by a unique property."""
    if id_property and id_property != "hs_object_id":
        definition = area.schema.live(id_property)
        if definition is None or not definition.unique:
            raise invalid(f"Unable to look up by non-unique {area.spec.type_id} property {id_property}")
        return area.store.find(id_property, key)
    record = area.store.get(int(key)) if key.isdigit() else None
    if record is None or (record.archived_ms is not None) is not archived:
        return None
    return record


def read_object(portal: Portal, call: Call) -> Answer:
    """`GET /{type}/{id}`: a merged id answers the surviving record under its own id."""
    area = portal.area(call.params["object"])
    record = lookup(area, call.params["id"], call.one("idProperty"), archived=call.flag("archived"))
    if record is None:
        raise not_found("resource not found")
    document = detailed(portal, area, record, call, call.many("associations"))
    page = f"contacts/{portal.account.portal_id}/record/{area.spec.type_id}/{record.id}"
    return json_answer({**document, "url": f"https://app.hubspot.com/{page}"})


def create_object(portal: Portal, call: Call) -> Answer:
    """`POST /{type}`."""
    area = portal.area(call.params["object"])
    body = call.json_object()
    record = create_record(portal, area, body)
    return json_answer(envelope(area.schema, record, _all_of(area, body)), 201)


def _all_of(area: ObjectArea, body: Mapping[str, object]) -> PropertySet:
    given = body.get("properties")
    names = tuple(given) if isinstance(given, dict) else ()
    return area.schema.resolve((*area.spec.default_properties, *names))


def given_properties(body: Mapping[str, object]) -> dict[str, object]:
    """Return the `properties` object of a write."""
    given = body.get("properties", {})
    if not isinstance(given, dict):
        raise invalid("Invalid input JSON: properties must be an object")
    return given


def create_record(portal: Portal, area: ObjectArea, body: Mapping[str, object]) -> Record:
    """Validate and add one record with its associations; raises ApiProblem 400 or 409."""
    values, problems = clean_properties(area.schema, given_properties(body), creating=True)
    problems += missing_required(area, values)
    problems += stage_problems(area, values)
    if problems:
        raise invalid_properties(problems)
    refuse_taken(area, values, None)
    if (values.get("email") or "") in portal.blocked_emails:
        raise invalid("This email address was deleted for privacy reasons and cannot be used again")
    links = _links_of(portal, area, body)
    if area.spec.stage is not None and not values.get(area.spec.stage[0]):
        values[area.spec.stage[0]] = area.spec.stage[2]
    record = area.store.create(values, portal.clock.now_ms(), source=portal.account.app)
    for pair, target, types in links:
        portal.associations.add(pair, record.id, target, types)
    return record


def missing_required(area: ObjectArea, values: Mapping[str, Value]) -> list[Problem]:
    """Return refusals for values creation needs."""
    problems = [
        ("REQUIRED_FIELD", n, f"Required property {n} is missing") for n in area.spec.required_all if not values.get(n)
    ]
    choice = area.spec.required_any
    if choice and not any(values.get(n) for n in choice):
        problems.append(("REQUIRED_FIELD", choice[0], f"One of {', '.join(choice)} is required"))
    return problems


def stage_problems(area: ObjectArea, values: Mapping[str, Value], old: Record | None = None) -> list[Problem]:
    """Return a refusal when a deal's or a ticket's stage does not belong to its pipeline."""
    if area.spec.stage is None or not area.pipelines:
        return []
    pipeline_name, stage_name, default = area.spec.stage
    stage = values.get(stage_name)
    if not stage:
        return []
    current = area.store.value(old, pipeline_name) if old else None
    pipeline = area.pipelines.get(values.get(pipeline_name) or current or default)
    if pipeline is not None and not pipeline.archived and any(s.id == stage for s in pipeline.live_stages()):
        return []
    return [("INVALID_OPTION", stage_name, f"{stage} is not a stage of the {area.spec.singular}'s pipeline")]


def refuse_taken(area: ObjectArea, values: Mapping[str, Value], own: Record | None) -> None:
    """Raise 409 when another record has one of the unique values."""
    for name, value in values.items():
        definition = area.schema.definitions[name]
        if not definition.unique or value is None:
            continue
        found = area.store.find(name, value)
        if found is not None and (own is None or found.id != own.id):
            label = area.spec.singular.capitalize()
            raise ApiProblem(409, "CONFLICT", f"{label} already exists. Existing ID: {found.id}")


def _links_of(
    portal: Portal, area: ObjectArea, body: Mapping[str, object]
) -> list[tuple[tuple[str, str], int, list[int]]]:
    wanted = body.get("associations") or []
    links: list[tuple[tuple[str, str], int, list[int]]] = []
    for entry in wanted if isinstance(wanted, list) else []:
        to = str(entry["to"]["id"])
        types = [int(t["associationTypeId"]) for t in entry.get("types", ())]
        pair = next(
            (p for p, known in portal.associations.types.items()
             if p[0] == area.spec.singular and any(t.type_id in types for t in known)),
            None,
        )  # fmt: skip
        if pair is None:
            raise invalid(f"Invalid association types {types} for {area.spec.singular}")
        if lookup(portal.area(pair[1]), to, "") is None:
            raise invalid(f"Invalid association: {pair[1]} {to} does not exist")
        links.append((pair, int(to), types))
    return links


def change_record(portal: Portal, area: ObjectArea, record: Record, given: Mapping[str, object]) -> Record:
    """Validate and write new values into a record; raises ApiProblem 400 or 409."""
    values, problems = clean_properties(area.schema, given)
    problems += stage_problems(area, values, record)
    if problems:
        raise invalid_properties(problems)
    refuse_taken(area, values, record)
    for name in values:
        old = area.store.value(record, name)
        values[name] = appended(area.schema.definitions[name], old, values[name])
    return area.store.update(record, values, portal.clock.now_ms(), portal.account.app)


def update_object(portal: Portal, call: Call) -> Answer:
    """`PATCH /{type}/{id}`."""
    area = portal.area(call.params["object"])
    record = lookup(area, call.params["id"], call.one("idProperty"))
    if record is None:
        raise not_found("resource not found")
    body = call.json_object()
    newer = change_record(portal, area, record, given_properties(body))
    return json_answer(envelope(area.schema, newer, _all_of(area, body)))


def archive_object(portal: Portal, call: Call) -> Answer:
    """`DELETE /{type}/{id}`: 204 also when there is no such record."""
    area = portal.area(call.params["object"])
    if call.params["id"].isdigit():
        area.store.archive(int(call.params["id"]), portal.clock.now_ms())
    return Answer(NO_CONTENT)


def merge_objects(portal: Portal, call: Call) -> Answer:
    """`POST /{type}/merge`: a new record with a new id, answered for both old ids from then on."""
    area = portal.area(call.params["object"])
    body = call.json_object()
    primary = lookup(area, str(body.get("primaryObjectId", "")), "")
    other = lookup(area, str(body.get("objectIdToMerge", "")), "")
    if primary is None or other is None:
        raise not_found("resource not found")
    if primary.id == other.id:
        raise invalid("Cannot merge a record with itself")
    for record in (primary, other):
        if (area.store.value(record, "hs_merged_object_ids") or "").count(";") + 1 >= MOST_MERGES:
            raise invalid(f"{area.spec.singular.capitalize()} {record.id} has been merged too many times")
    survivor = merge_records(portal, area, primary, other, portal.clock.now_ms())
    return json_answer(envelope(area.schema, survivor, area.schema.resolve(("hs_merged_object_ids",))))


def merge_records(portal: Portal, area: ObjectArea, primary: Record, other: Record, at_ms: int) -> Record:
    """Merge two records and hand their associations to the new one."""
    survivor = area.store.merge(primary, other, at_ms)
    for old in (primary, other):
        portal.associations.move(area.spec.singular, old.id, survivor.id)
    return survivor


def gdpr_delete(portal: Portal, call: Call) -> Answer:
    """`POST /{type}/gdpr-delete`: permanent, without an archived trace; an unknown address is blocked for ever."""
    area = portal.area(call.params["object"])
    body = call.json_object()
    key, id_property = str(body.get("objectId", "")), str(body.get("idProperty") or "")
    record = lookup(area, key, id_property)
    if record is None and id_property == "email":
        portal.blocked_emails.add(key.strip().lower())
    if record is not None:
        portal.purge(area, record.id)
    return Answer(NO_CONTENT)
