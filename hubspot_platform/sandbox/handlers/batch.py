"""The batch endpoints of CRM objects: read, create, update, upsert and archive, at most 100 inputs each.

207 semantics: unknown ids of read and update fail alone; a bad value fails the whole batch unless every input carries
its own `objectWriteTraceId`. Results come in id order, never in input order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.handlers.objects import (
    change_record,
    create_record,
    given_properties,
    history_of,
    lookup,
    missing_required,
    refuse_taken,
    stage_problems,
)
from hubspot_platform.sandbox.model import Record
from hubspot_platform.sandbox.portal import ObjectArea, Portal
from hubspot_platform.sandbox.schema import envelope, render
from hubspot_platform.sandbox.values import clean_properties
from hubspot_platform.sandbox.wire import (
    NO_CONTENT,
    Answer,
    ApiProblem,
    Call,
    correlation_id,
    invalid,
    invalid_properties,
)

MAX_INPUTS = 100
MAX_HISTORY_INPUTS = 50

Input = dict[str, object]


@dataclass
class Outcome:
    """What a batch did so far: written records, which of them are new, and the failures."""

    records: dict[int, Record] = field(default_factory=dict)
    traces: dict[int, str] = field(default_factory=dict)
    created: set[int] = field(default_factory=set)
    errors: list[dict[str, object]] = field(default_factory=list)


def inputs_of(body: Mapping[str, object], most: int = MAX_INPUTS) -> list[Input]:
    """Return the `inputs` of a batch body; raises ApiProblem 400 for none, too many, or wrong ones."""
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(i, dict) for i in inputs):
        raise invalid("Invalid input JSON: inputs must be a list of objects")
    if len(inputs) > most:
        raise invalid(f"The maximum number of inputs supported in a batch request is {most}")
    return inputs


def batch_error(category: str, message: str, context: Mapping[str, Sequence[str]]) -> dict[str, object]:
    """Return one entry of a batch answer's `errors`."""
    return {"status": "error", "category": category, "message": message, "context": dict(context)}


def batch_answer(
    portal: Portal, rendered: Iterable[bytes], errors: Sequence[Mapping[str, object]], status: int = 200
) -> Answer:
    """Return a batch answer; with errors it is a 207."""
    now = iso(portal.clock.now_ms())
    body = b'{"status":"COMPLETE","results":[' + b",".join(rendered) + b"]"
    if errors:
        status = 207
        body += b',"numErrors":%d,"errors":' % len(errors) + orjson.dumps(list(errors))
    tail = {"startedAt": now, "completedAt": now}
    return Answer(status, body + b"," + orjson.dumps(tail)[1:])


def unknown_ids(area: ObjectArea, ids: Sequence[str]) -> dict[str, object]:
    """Return the error entry that names ids without a record."""
    message = (
        f"Could not get some {area.spec.singular.upper()} objects, they may be deleted or not exist."
        " Check that ids are valid."
    )
    return batch_error("OBJECT_NOT_FOUND", message, {"ids": ids})


def batch_read(portal: Portal, call: Call) -> Answer:
    """`POST /{type}/batch/read`: duplicates collapse, merged ids answer their survivor."""
    area = portal.area(call.params["object"])
    body = call.json_object()
    history = _names(body, "propertiesWithHistory")
    inputs = inputs_of(body, MAX_HISTORY_INPUTS if history else MAX_INPUTS)
    id_property = str(body.get("idProperty") or "")
    wanted = area.schema.resolve(_names(body, "properties"))
    found: dict[int, Record] = {}
    missing: list[str] = []
    for entry in inputs:
        key = str(entry.get("id", ""))
        record = lookup(area, key, id_property, archived=call.flag("archived"))
        if record is None:
            missing.append(key)
        else:
            found[record.id] = record
    errors = [unknown_ids(area, missing)] if missing else []
    chosen = [found[i] for i in sorted(found)]
    if not history:
        return batch_answer(portal, (render(area.schema, r, wanted) for r in chosen), errors)
    documents = (
        envelope(area.schema, r, wanted) | {"propertiesWithHistory": history_of(area, r, history)} for r in chosen
    )
    return batch_answer(portal, map(orjson.dumps, documents), errors)


def _names(body: Mapping[str, object], field_name: str) -> list[str]:
    names = body.get(field_name)
    return [str(n) for n in names] if isinstance(names, list) else []


def batch_create(portal: Portal, call: Call) -> Answer:
    """`POST /{type}/batch/create`."""

    def create(area: ObjectArea, entry: Input, outcome: Outcome) -> Record:
        record = create_record(portal, area, entry)
        outcome.created.add(record.id)
        return record

    return _write(portal, call, create, 201)


def batch_update(portal: Portal, call: Call) -> Answer:
    """`POST /{type}/batch/update`: by id or a unique property, but not by e-mail."""
    area = portal.area(call.params["object"])
    inputs = inputs_of(call.json_object())
    _refuse_duplicates(inputs)
    if any(entry.get("idProperty") == "email" for entry in inputs):
        raise invalid(f"Unable to perform update/upsert by non-unique {area.spec.type_id} property")

    def update(area: ObjectArea, entry: Input, outcome: Outcome) -> Record | None:
        record = lookup(area, str(entry.get("id", "")), str(entry.get("idProperty") or ""))
        return None if record is None else change_record(portal, area, record, given_properties(entry))

    return _write(portal, call, update, 200)


def batch_upsert(portal: Portal, call: Call) -> Answer:
    """`POST /{type}/batch/upsert`: each result says whether it is new."""
    _refuse_duplicates(inputs_of(call.json_object()))

    def upsert(area: ObjectArea, entry: Input, outcome: Outcome) -> Record:
        key, id_property = str(entry.get("id", "")), str(entry.get("idProperty") or "")
        if not id_property:
            raise invalid("idProperty is required for upsert")
        record = lookup(area, key, id_property)
        given = given_properties(entry)
        if record is not None:
            return change_record(portal, area, record, given)
        made = create_record(portal, area, {"properties": {id_property: key, **given}})
        outcome.created.add(made.id)
        return made

    return _write(portal, call, upsert, 200, tell_new=True)


def batch_archive(portal: Portal, call: Call) -> Answer:
    """`POST /{type}/batch/archive`: 204, unknown ids are ignored."""
    area = portal.area(call.params["object"])
    for entry in inputs_of(call.json_object()):
        key = str(entry.get("id", ""))
        if key.isdigit():
            area.store.archive(int(key), portal.clock.now_ms())
    return Answer(NO_CONTENT)


def _refuse_duplicates(inputs: Sequence[Input]) -> None:
    ids = [str(entry.get("id", "")) for entry in inputs]
    if len(set(ids)) < len(ids):
        repeated = sorted({i for i in ids if ids.count(i) > 1})
        raise invalid(f"Duplicate IDs found in batch input: {repeated}")


def _write(
    portal: Portal,
    call: Call,
    apply: Callable[[ObjectArea, Input, Outcome], Record | None],
    status: int,
    *,
    tell_new: bool = False,
) -> Answer:
    area = portal.area(call.params["object"])
    inputs = inputs_of(call.json_object())
    traces = [str(entry.get("objectWriteTraceId") or "") for entry in inputs]
    single = all(traces) and len(set(traces)) == len(traces)
    if not single:
        _check_first(area, inputs, call.kind)
    outcome, missing = Outcome(), []
    for entry, trace in zip(inputs, traces, strict=True):
        try:
            record = apply(area, entry, outcome)
        except ApiProblem as problem:
            if not single:
                raise
            outcome.errors.append(_traced(problem, trace))
            continue
        if record is None:
            missing.append(str(entry.get("id", "")))
        else:
            outcome.records[record.id] = record
            outcome.traces[record.id] = trace
    if missing:
        outcome.errors.append(unknown_ids(area, missing))
    return batch_answer(portal, _rendered(area, inputs, outcome, tell_new=tell_new), outcome.errors, status)


def _traced(problem: ApiProblem, trace: str) -> dict[str, object]:
    entry = problem.body(correlation_id())
    entry["context"] = {"objectWriteTraceId": [trace]}
    return entry


def _check_first(area: ObjectArea, inputs: Sequence[Input], kind: str) -> None:
    """Refuse the whole batch before anything is written when one value is bad or two inputs want the same one."""
    taken: set[tuple[str, str]] = set()
    for entry in inputs:
        given, id_property = given_properties(entry), str(entry.get("idProperty") or "")
        key = str(entry.get("id", ""))
        old = None if kind == "objects.batch_create" else lookup(area, key, id_property)
        creating = old is None and kind != "objects.batch_update"
        if kind == "objects.batch_upsert" and creating:
            given = {id_property: key, **given}
        values, problems = clean_properties(area.schema, given, creating=creating)
        if creating:
            problems += missing_required(area, values)
        problems += stage_problems(area, values, old)
        if problems:
            raise invalid_properties(problems)
        if creating or old is not None:
            refuse_taken(area, values, old)
        for name, value in values.items():
            if value is None or not area.schema.definitions[name].unique:
                continue
            if (name, value) in taken:
                raise ApiProblem(409, "CONFLICT", f"Duplicate value {value} for unique property {name} in the batch")
            taken.add((name, value))


def _rendered(area: ObjectArea, inputs: Sequence[Input], outcome: Outcome, *, tell_new: bool) -> Iterable[bytes]:
    names = dict.fromkeys(name for entry in inputs for name in given_properties(entry))
    wanted = area.schema.resolve((*area.spec.default_properties, *names))
    for record_id in sorted(outcome.records):
        document = envelope(area.schema, outcome.records[record_id], wanted)
        if tell_new:
            document["new"] = record_id in outcome.created
        if outcome.traces[record_id]:
            document["objectWriteTraceId"] = outcome.traces[record_id]
        yield orjson.dumps(document)
