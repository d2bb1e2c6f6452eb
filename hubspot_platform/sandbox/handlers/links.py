"""Associations v4: of one record, batch read with per-input paging, writes, and the labels of a pair of types."""

from collections.abc import Iterable, Mapping

import orjson

from hubspot_platform.sandbox.association_types import LinkType, Pair
from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.handlers.batch import Input, batch_error, inputs_of
from hubspot_platform.sandbox.handlers.objects import lookup
from hubspot_platform.sandbox.portal import ObjectArea, Portal
from hubspot_platform.sandbox.wire import NO_CONTENT, Answer, Call, invalid, json_answer, not_found

PAGE = 500
MAX_READ = 1_000
MAX_WRITE = 2_000


def _areas(portal: Portal, call: Call) -> tuple[ObjectArea, ObjectArea, Pair]:
    source, target = portal.area(call.params["from"]), portal.area(call.params["to"])
    return source, target, (source.spec.singular, target.spec.singular)


def _type_json(link_type: LinkType) -> dict[str, object]:
    return {"category": link_type.category, "typeId": link_type.type_id, "label": link_type.label}


class _Reader:
    """Pages of one record's links; the types of a pair are rendered once per request."""

    def __init__(self, portal: Portal, pair: Pair) -> None:
        self._portal = portal
        self._pair = pair
        self._types = {t.type_id: _type_json(t) for t in portal.associations.types.get(pair, ())}

    def page(self, source: int, after: int, limit: int) -> tuple[list[dict[str, object]], str | None]:
        links = [link for link in self._portal.link_live(self._pair, source) if link[0] >= after]
        rows: list[dict[str, object]] = [
            {"toObjectId": str(to), "associationTypes": [self._types[t] for t in types if t in self._types]}
            for to, types in links[:limit]
        ]
        return rows, str(links[limit][0]) if len(links) > limit else None


def read_links(portal: Portal, call: Call) -> Answer:
    """`GET /{from}/{id}/associations/{to}`."""
    source, _, pair = _areas(portal, call)
    record = lookup(source, call.params["id"], "")
    if record is None:
        raise not_found("resource not found")
    limit = call.number("limit", PAGE, highest=PAGE)
    after = call.one("after")
    rows, following = _Reader(portal, pair).page(record.id, int(after) if after.isdigit() else 0, limit)
    document: dict[str, object] = {"results": rows}
    if following is not None:
        link = f"{call.base_url}{call.path}?limit={limit}&after={following}"
        document["paging"] = {"next": {"after": following, "link": link}}
    return json_answer(document)


def batch_read_links(portal: Portal, call: Call) -> Answer:
    """`POST /{from}/{to}/batch/read`: a record without links is missing and named in a 207."""
    _, _, pair = _areas(portal, call)
    reader = _Reader(portal, pair)
    results: list[dict[str, object]] = []
    empty: list[str] = []
    page = int(portal.switches.association_page or PAGE)
    for entry in inputs_of(call.json_object(), MAX_READ):
        key, after = str(entry.get("id", "")), str(entry.get("after") or "")
        source = int(key) if key.isdigit() else -1
        rows, following = reader.page(source, int(after) if after.isdigit() else 0, page)
        if not rows:
            empty.append(key)
            continue
        result: dict[str, object] = {"from": {"id": key}, "to": rows}
        if following is not None:
            result["paging"] = {"next": {"after": following}}
        results.append(result)
    errors = []
    if empty:
        message = f"No {pair[1]} is associated with {pair[0]} {', '.join(empty[:3])}."
        error = batch_error("OBJECT_NOT_FOUND", message, {"fromObjectId": empty})
        errors.append(error | {"subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"})
    return _batch(portal, results, errors, 200)


def _batch(portal: Portal, results: list[dict[str, object]], errors: list[dict[str, object]], status: int) -> Answer:
    now = iso(portal.clock.now_ms())
    document: dict[str, object] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": now,
        "completedAt": now,
    }
    if errors:
        document |= {"numErrors": len(errors), "errors": errors}
    return Answer(207 if errors else status, orjson.dumps(document))


def _end(entry: Mapping[str, object], side: str) -> str:
    end = entry.get(side)
    if isinstance(end, dict) and "id" in end:
        return str(end["id"])
    raise invalid(f"Invalid input JSON: {side}.id is missing")


def _type_ids(portal: Portal, pair: Pair, raw: object) -> list[int]:
    if not isinstance(raw, list) or not raw:
        raise invalid("Association types are missing")
    ids = [int(t["associationTypeId"]) for t in raw if isinstance(t, dict) and "associationTypeId" in t]
    for type_id in ids:
        if portal.associations.type_of(pair, type_id) is None:
            raise invalid(f"Association type {type_id} does not exist from {pair[0]} to {pair[1]}")
    return ids


def _link(portal: Portal, call: Call, source: str, target: str, types: Iterable[int]) -> dict[str, object] | None:
    from_area, to_area, pair = _areas(portal, call)
    if portal.associations.unlabelled(pair) is None:
        raise invalid(f"No association types exist between {from_area.spec.plural} and {to_area.spec.plural}")
    first, second = lookup(from_area, source, ""), lookup(to_area, target, "")
    if first is None or second is None:
        return None
    now = portal.associations.add(pair, first.id, second.id, types)
    known = (portal.associations.type_of(pair, t) for t in now)
    return {
        "fromObjectTypeId": from_area.spec.type_id,
        "fromObjectId": str(first.id),
        "toObjectTypeId": to_area.spec.type_id,
        "toObjectId": str(second.id),
        "labels": [t.label for t in known if t is not None and t.label],
    }


def put_default(portal: Portal, call: Call) -> Answer:
    """`PUT /{from}/{id}/associations/default/{to}/{id}`."""
    made = _link(portal, call, call.params["id"], call.params["to_id"], ())
    if made is None:
        raise not_found("resource not found")
    return _batch(portal, [_default_result(portal, call, made)], [], 200)


def _default_result(portal: Portal, call: Call, made: Mapping[str, object]) -> dict[str, object]:
    plain = portal.associations.unlabelled(_areas(portal, call)[2])
    spec = {"associationCategory": plain.category, "associationTypeId": plain.type_id} if plain else {}
    return {
        "from": {"id": made["fromObjectId"]},
        "to": {"id": made["toObjectId"]},
        "associationSpec": spec,
    }


def put_labelled(portal: Portal, call: Call) -> Answer:
    """`PUT /{from}/{id}/associations/{to}/{id}` with the types to add."""
    pair = _areas(portal, call)[2]
    types = _type_ids(portal, pair, call.json_list())
    made = _link(portal, call, call.params["id"], call.params["to_id"], types)
    if made is None:
        raise not_found("resource not found")
    return json_answer(made, 201)


def delete_links(portal: Portal, call: Call) -> Answer:
    """`DELETE /{from}/{id}/associations/{to}/{id}`: all types of the pair."""
    _unlink(portal, _areas(portal, call)[2], call.params["id"], call.params["to_id"], None)
    return Answer(NO_CONTENT)


def _unlink(portal: Portal, pair: Pair, source: str, target: str, types: list[int] | None) -> None:
    if source.isdigit() and target.isdigit():
        portal.associations.remove(pair, int(source), int(target), types)


def batch_create_links(portal: Portal, call: Call) -> Answer:
    """`POST /{from}/{to}/batch/create`."""
    pair = _areas(portal, call)[2]
    inputs = inputs_of(call.json_object(), MAX_WRITE)
    typed = [(entry, _type_ids(portal, pair, entry.get("types"))) for entry in inputs]
    return _create_all(portal, call, typed, 201)


def batch_default_links(portal: Portal, call: Call) -> Answer:
    """`POST /{from}/{to}/batch/associate/default`."""
    inputs = inputs_of(call.json_object(), MAX_WRITE)
    return _create_all(portal, call, [(entry, []) for entry in inputs], 200)


def _create_all(portal: Portal, call: Call, typed: list[tuple[Input, list[int]]], status: int) -> Answer:
    results: list[dict[str, object]] = []
    missing: list[str] = []
    for entry, types in typed:
        source, target = _end(entry, "from"), _end(entry, "to")
        made = _link(portal, call, source, target, types)
        if made is None:
            missing.append(f"{source}-{target}")
        else:
            results.append(_default_result(portal, call, made) if status == 200 else made)
    message = "One or more records could not be found."
    errors = [batch_error("OBJECT_NOT_FOUND", message, {"ids": missing})] if missing else []
    return _batch(portal, results, errors, status)


def batch_archive_links(portal: Portal, call: Call) -> Answer:
    """`POST /{from}/{to}/batch/archive`: `to` is a list here."""
    pair = _areas(portal, call)[2]
    for entry in inputs_of(call.json_object(), MAX_WRITE):
        targets = entry.get("to")
        for target in targets if isinstance(targets, list) else []:
            _unlink(portal, pair, _end(entry, "from"), str(target["id"]), None)
    return Answer(NO_CONTENT)


def batch_archive_labels(portal: Portal, call: Call) -> Answer:
    """`POST /{from}/{to}/batch/labels/archive`: takes only the named types away."""
    pair = _areas(portal, call)[2]
    for entry in inputs_of(call.json_object(), MAX_WRITE):
        types = _type_ids(portal, pair, entry.get("types"))
        _unlink(portal, pair, _end(entry, "from"), _end(entry, "to"), types)
    return Answer(NO_CONTENT)


def list_labels(portal: Portal, call: Call) -> Answer:
    """`GET /{from}/{to}/labels`."""
    pair = _areas(portal, call)[2]
    return json_answer({"results": [_type_json(t) for t in portal.associations.types.get(pair, ())]})


def create_label(portal: Portal, call: Call) -> Answer:
    """`POST /{from}/{to}/labels`: answers both directions."""
    pair = _areas(portal, call)[2]
    body = call.json_object()
    label, name = str(body.get("label") or ""), str(body.get("name") or "")
    if not label or not name:
        raise invalid("label and name are required")
    inverse_label = body.get("inverseLabel")
    made = portal.associations.add_label(pair, label, name, str(inverse_label) if inverse_label else None)
    inverse = portal.associations.type_of((pair[1], pair[0]), made.inverse_id)
    both = [made, inverse] if inverse is not None else [made]
    return json_answer({"results": [_type_json(t) for t in both]})


def update_label(portal: Portal, call: Call) -> Answer:
    """`PUT /{from}/{to}/labels`."""
    body = call.json_object()
    type_id = str(body.get("associationTypeId", ""))
    if not type_id.isdigit() or not portal.associations.rename_label(
        _areas(portal, call)[2], int(type_id), str(body.get("label") or "")
    ):
        raise not_found("resource not found")
    return Answer(NO_CONTENT)


def delete_label(portal: Portal, call: Call) -> Answer:
    """`DELETE /{from}/{to}/labels/{typeId}`."""
    type_id = call.params["type_id"]
    if not type_id.isdigit() or not portal.associations.remove_label(_areas(portal, call)[2], int(type_id)):
        raise not_found("resource not found")
    return Answer(NO_CONTENT)
