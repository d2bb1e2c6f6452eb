"""Pipelines with their stages, owners, and the account: small lists without much behaviour."""

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.limits import Limits, portal_day_end
from hubspot_platform.sandbox.model import Owner, Pipeline, Stage
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.wire import Answer, Call, json_answer, not_found

OWNER_PAGE = 500


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
        "stages": [stage_json(s, pipeline) for s in pipeline.stages if not s.archived],
    }


def list_pipelines(portal: Portal, call: Call) -> Answer:
    """`GET /{type}`."""
    pipelines = portal.area(call.params["object"]).pipelines.values()
    return json_answer({"results": [pipeline_json(p) for p in pipelines if not p.archived]})


def _pipeline(portal: Portal, call: Call) -> Pipeline:
    pipeline = portal.area(call.params["object"]).pipelines.get(call.params["pipeline"])
    if pipeline is None or pipeline.archived:
        raise not_found(f"Unable to find pipeline {call.params['pipeline']}")
    return pipeline


def read_pipeline(portal: Portal, call: Call) -> Answer:
    """`GET /{type}/{pipelineId}`."""
    return json_answer(pipeline_json(_pipeline(portal, call)))


def list_stages(portal: Portal, call: Call) -> Answer:
    """`GET /{type}/{pipelineId}/stages`."""
    pipeline = _pipeline(portal, call)
    return json_answer({"results": [stage_json(s, pipeline) for s in pipeline.stages if not s.archived]})


def read_stage(portal: Portal, call: Call) -> Answer:
    """`GET /{type}/{pipelineId}/stages/{stageId}`."""
    pipeline = _pipeline(portal, call)
    for stage in pipeline.stages:
        if stage.id == call.params["stage"]:
            return json_answer(stage_json(stage, pipeline))
    raise not_found(f"Unable to find stage {call.params['stage']}")


def owner_json(owner: Owner) -> dict[str, object]:
    """Return one owner; deactivated users have no `userId`."""
    document: dict[str, object] = {
        "id": owner.id,
        "email": owner.email,
        "type": owner.type,
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        "userIdIncludingInactive": owner.user_id,
        "createdAt": iso(owner.created_ms),
        "updatedAt": iso(owner.updated_ms),
        "archived": owner.archived,
        "teams": [{"id": i, "name": name, "primary": primary} for i, name, primary in owner.teams],
    }
    if not owner.archived:
        document["userId"] = owner.user_id
    return document


def list_owners(portal: Portal, call: Call) -> Answer:
    """`GET /`: live or deactivated owners, 100 a page unless told."""
    limit = call.number("limit", 100, highest=OWNER_PAGE)
    archived, email = call.flag("archived"), call.one("email").lower()
    found = [o for o in portal.owners.values() if o.archived is archived and email in ("", o.email.lower())]
    found.sort(key=lambda o: int(o.id))
    after = int(call.one("after") or 0)
    page = found[after : after + limit]
    document: dict[str, object] = {"results": [owner_json(o) for o in page]}
    if after + limit < len(found):
        following = str(after + limit)
        link = f"{call.base_url}{call.path}?limit={limit}&after={following}"
        document["paging"] = {"next": {"after": following, "link": link}}
    return json_answer(document)


def read_owner(portal: Portal, call: Call) -> Answer:
    """`GET /{id}`: by owner id, or by user id with `idProperty=userId`."""
    by_user = call.one("idProperty") == "userId"
    for owner in portal.owners.values():
        key = str(owner.user_id) if by_user else owner.id
        if key == call.params["id"] and owner.archived is call.flag("archived"):
            return json_answer(owner_json(owner))
    raise not_found("resource not found")


def account_details(portal: Portal, call: Call) -> Answer:
    """`GET /details`."""
    account = portal.account
    offset = portal.clock.now().astimezone(ZoneInfo(account.time_zone)).utcoffset() or timedelta(0)
    sign, minutes = "-" if offset < timedelta(0) else "+", abs(offset) // timedelta(minutes=1)
    return json_answer(
        {
            "portalId": account.portal_id,
            "accountType": "SANDBOX",
            "timeZone": account.time_zone,
            "companyCurrency": account.currency,
            "additionalCurrencies": list(account.additional_currencies),
            "utcOffset": f"{sign}{minutes // 60:02d}:{minutes % 60:02d}",
            "utcOffsetMilliseconds": offset // timedelta(milliseconds=1),
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }
    )


def daily_usage(limits: Limits) -> Callable[[Portal, Call], Answer]:
    """Return the handler of `GET /api-usage/daily/private-apps` for these limits."""

    def handler(portal: Portal, call: Call) -> Answer:
        now = portal.clock.now()
        entry = {
            "name": "private-apps-api-calls-daily",
            "usageLimit": limits.daily or 1_000_000,
            "currentUsage": limits.used_today(now),
            "collectedAt": iso(portal.clock.now_ms()),
            "fetchStatus": "SUCCESS",
            "resetsAt": portal_day_end(now, portal.account.time_zone).isoformat(),
        }
        return json_answer({"results": [entry]})

    return handler
