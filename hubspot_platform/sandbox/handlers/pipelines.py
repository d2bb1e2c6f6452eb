"""Pipelines of deals and tickets and their stages: read, made, changed and deleted. No paging, as in HubSpot."""

from collections.abc import Mapping
from dataclasses import replace

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.model import Choice, Pipeline, Stage
from hubspot_platform.sandbox.portal import ObjectArea, Portal
from hubspot_platform.sandbox.wire import NO_CONTENT, Answer, ApiProblem, Call, invalid, json_answer, not_found

Body = Mapping[str, object]
FIRST_OWN_ID = 900_000_001


def stage_json(stage: Stage, pipeline: Pipeline) -> dict[str, object]:
    """Return one stage as the pipelines API shows it."""
    return {
        "id": stage.id,
        "label": stage.label,
        "displayOrder": stage.display_order,
        "archived": stage.archived,
        "createdAt": iso(pipeline.created_ms),
        "updatedAt": iso(pipeline.updated_ms),
        "metadata": stage.metadata,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
    }


def pipeline_json(pipeline: Pipeline) -> dict[str, object]:
    """Return one pipeline with its stages."""
    return {
        "id": pipeline.id,
        "label": pipeline.label,
        "displayOrder": pipeline.display_order,
        "archived": pipeline.archived,
        "createdAt": iso(pipeline.created_ms),
        "updatedAt": iso(pipeline.updated_ms),
        "stages": [stage_json(s, pipeline) for s in pipeline.live_stages()],
    }


def _pipeline(area: ObjectArea, call: Call) -> Pipeline:
    pipeline = area.pipelines.get(call.params["pipeline"])
    if pipeline is None or pipeline.archived:
        raise not_found(f"Unable to find pipeline {call.params['pipeline']}")
    return pipeline


def _stage(pipeline: Pipeline, call: Call) -> Stage:
    for stage in pipeline.live_stages():
        if stage.id == call.params["stage"]:
            return stage
    raise not_found(f"Unable to find stage {call.params['stage']}")


def list_pipelines(portal: Portal, call: Call) -> Answer:
    """`GET /{type}`."""
    pipelines = portal.area(call.params["object"]).pipelines.values()
    return json_answer({"results": [pipeline_json(p) for p in pipelines if not p.archived]})


def read_pipeline(portal: Portal, call: Call) -> Answer:
    """`GET /{type}/{pipelineId}`."""
    return json_answer(pipeline_json(_pipeline(portal.area(call.params["object"]), call)))


def list_stages(portal: Portal, call: Call) -> Answer:
    """`GET /{type}/{pipelineId}/stages`."""
    pipeline = _pipeline(portal.area(call.params["object"]), call)
    return json_answer({"results": [stage_json(s, pipeline) for s in pipeline.live_stages()]})


def read_stage(portal: Portal, call: Call) -> Answer:
    """`GET /{type}/{pipelineId}/stages/{stageId}`."""
    pipeline = _pipeline(portal.area(call.params["object"]), call)
    return json_answer(stage_json(_stage(pipeline, call), pipeline))


def _next_id(area: ObjectArea) -> str:
    used = [p.id for p in area.pipelines.values()] + [s.id for p in area.pipelines.values() for s in p.stages]
    return str(max([FIRST_OWN_ID, *(int(i) + 1 for i in used if i.isdigit())]))


def _changed(portal: Portal, area: ObjectArea, pipeline: Pipeline) -> None:
    """Date a change, and let the options of the pipeline and stage properties follow it."""
    pipeline.updated_ms = portal.clock.now_ms()
    if area.spec.stage is None:
        return
    live = [p for p in area.pipelines.values() if not p.archived]
    stages = [Choice(s.id, f"{s.label} ({p.label})") for p in live for s in p.live_stages()]
    pipeline_name, stage_name, _ = area.spec.stage
    for name, options in ((pipeline_name, [Choice(p.id, p.label) for p in live]), (stage_name, stages)):
        newer = replace(area.schema.definitions[name], options=tuple(options), updated_ms=pipeline.updated_ms)
        area.schema.define(newer)


def _label(body: Body) -> str:
    label = str(body.get("label") or "")
    if not label:
        raise invalid("label is required")
    return label


def _metadata(area: ObjectArea, body: Body, old: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a stage's metadata: deals need a probability, tickets are open unless told; the rest is derived."""
    given = body.get("metadata")
    found = (
        {**(old or {}), **{str(k): str(v) for k, v in given.items()}} if isinstance(given, dict) else dict(old or {})
    )
    if area.spec.singular != "deal":
        state = found.get("ticketState", "OPEN").upper()
        if state not in ("OPEN", "CLOSED"):
            raise invalid(f"ticketState must be OPEN or CLOSED, was {state}")
        return {**found, "ticketState": state, "isClosed": str(state == "CLOSED").lower()}
    try:
        tenths = float(found.get("probability", "")) * 10
    except ValueError:
        tenths = -1.0
    if tenths != round(tenths) or not 0 <= tenths <= 10:
        raise invalid("metadata.probability is required: 0.0 to 1.0 in steps of 0.1")
    return {**found, "probability": str(tenths / 10), "isClosed": str(tenths in (0, 10)).lower()}


def _new_stage(area: ObjectArea, body: Body, order: int) -> Stage:
    shown = body.get("displayOrder")
    return Stage(
        str(body.get("stageId") or _next_id(area)),
        _label(body),
        order if shown is None else int(str(shown)),
        _metadata(area, body),
    )


def create_pipeline(portal: Portal, call: Call) -> Answer:
    """`POST /{type}` with its stages."""
    area, body, now = portal.area(call.params["object"]), call.json_object(), portal.clock.now_ms()
    identity, stages = str(body.get("pipelineId") or _next_id(area)), body.get("stages")
    if identity in area.pipelines:
        raise ApiProblem(409, "CONFLICT", f"Pipeline {identity} already exists")
    made = Pipeline(identity, _label(body), int(str(body.get("displayOrder") or 0)), [], now, now)
    area.pipelines[identity] = made
    try:
        for order, entry in enumerate(stages if isinstance(stages, list) else []):
            made.stages.append(_new_stage(area, entry, order))
    except ApiProblem:
        del area.pipelines[identity]
        raise
    _changed(portal, area, made)
    return json_answer(pipeline_json(made), 201)


def update_pipeline(portal: Portal, call: Call) -> Answer:
    """`PATCH` and `PUT /{type}/{pipelineId}`: label and order."""
    area, body = portal.area(call.params["object"]), call.json_object()
    pipeline = _pipeline(area, call)
    pipeline.label = str(body.get("label") or pipeline.label)
    pipeline.display_order = int(str(body.get("displayOrder", pipeline.display_order)))
    _changed(portal, area, pipeline)
    return json_answer(pipeline_json(pipeline))


def _refuse_used(area: ObjectArea, call: Call, column: int, value: str) -> None:
    asked = call.flag("validateReferencesBeforeDelete") or call.flag("validateDealStageUsagesBeforeDelete")
    if asked and area.spec.stage is not None:
        name, store = area.spec.stage[column], area.store
        if any(store.value(store.records[i], name) == value for i in store.live_ids):
            raise invalid(f"{value} is still used by {area.spec.plural}")


def archive_pipeline(portal: Portal, call: Call) -> Answer:
    """`DELETE /{type}/{pipelineId}`: records keep its id."""
    area = portal.area(call.params["object"])
    pipeline = _pipeline(area, call)
    _refuse_used(area, call, 0, pipeline.id)
    pipeline.archived = True
    _changed(portal, area, pipeline)
    return Answer(NO_CONTENT)


def create_stage(portal: Portal, call: Call) -> Answer:
    """`POST /{type}/{pipelineId}/stages`."""
    area = portal.area(call.params["object"])
    pipeline = _pipeline(area, call)
    stage = _new_stage(area, call.json_object(), len(pipeline.stages))
    pipeline.stages.append(stage)
    _changed(portal, area, pipeline)
    return json_answer(stage_json(stage, pipeline), 201)


def update_stage(portal: Portal, call: Call) -> Answer:
    """`PATCH` and `PUT /{type}/{pipelineId}/stages/{stageId}`."""
    area, body = portal.area(call.params["object"]), call.json_object()
    pipeline = _pipeline(area, call)
    stage = _stage(pipeline, call)
    stage.metadata = _metadata(area, body, stage.metadata)
    stage.label = str(body.get("label") or stage.label)
    stage.display_order = int(str(body.get("displayOrder", stage.display_order)))
    _changed(portal, area, pipeline)
    return json_answer(stage_json(stage, pipeline))


def archive_stage(portal: Portal, call: Call) -> Answer:
    """`DELETE /{type}/{pipelineId}/stages/{stageId}`: records keep its id."""
    area = portal.area(call.params["object"])
    pipeline = _pipeline(area, call)
    stage = _stage(pipeline, call)
    _refuse_used(area, call, 1, stage.id)
    stage.archived = True
    _changed(portal, area, pipeline)
    return Answer(NO_CONTENT)
