"""Marketing forms v3, and reading what was submitted with them (`/form-integrations/v1`)."""

import uuid
from collections.abc import Mapping

from hubspot_platform.sandbox.form_rules import problems_of
from hubspot_platform.sandbox.forms import Form, Submission
from hubspot_platform.sandbox.paging import Key, results_page
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.wire import NO_CONTENT, Answer, Call, invalid, json_answer, not_found

PAGE, LARGEST_PAGE = 20, 500
SUBMISSIONS_PAGE, LARGEST_SUBMISSIONS_PAGE = 20, 50
FORM_TYPES = ("hubspot", "captured", "flow", "blog_comment", "all")
_OURS = ("id", "createdAt", "updatedAt", "archived", "archivedAt")


def list_forms(portal: Portal, call: Call) -> Answer:
    """`GET /`: HubSpot's own forms unless `formTypes` says otherwise, oldest first."""
    limit = call.number("limit", PAGE, highest=LARGEST_PAGE)
    types = call.many("formTypes") or ["hubspot"]
    unknown = set(types) - set(FORM_TYPES)
    if unknown:
        raise invalid(f"Invalid formTypes: {', '.join(sorted(unknown))}")
    listed = portal.forms.listed(archived=call.flag("archived"))
    forms = sorted((f for f in listed if "all" in types or f.content["formType"] in types), key=_age)
    return json_answer(results_page(call, forms, _age, limit, Form.as_json))


def _age(form: Form) -> Key:
    return (form.created_ms, int(form.id[:8], 16))


def _form(portal: Portal, call: Call) -> Form:
    form = portal.forms.by_id.get(call.params["form"])
    if form is None or (form.archived_ms is not None) is not call.flag("archived"):
        raise not_found(f"No form found with id {call.params['form']}")
    return form


def read_form(portal: Portal, call: Call) -> Answer:
    """`GET /{formId}`."""
    return json_answer(_form(portal, call).as_json())


def create_form(portal: Portal, call: Call) -> Answer:
    """`POST /`: the timestamps are required and then replaced by the portal's own."""
    return json_answer(make_form(portal, call.json_object(), whole=True).as_json(), 201)


def make_form(portal: Portal, body: Mapping[str, object], *, whole: bool) -> Form:
    """Add the form a create body describes; raises ApiProblem 400. Also the admin API's way to make one."""
    content, now_ms = _content(body, whole=whole), portal.clock.now_ms()
    return portal.forms.put(Form(str(uuid.uuid4()), content, now_ms, now_ms))


def _content(body: Mapping[str, object], *, whole: bool) -> dict[str, object]:
    problems = problems_of(body, whole=whole)
    if problems:
        raise invalid(f"Invalid form: {'; '.join(problems)}")
    return {name: value for name, value in body.items() if name not in _OURS}


def update_form(portal: Portal, call: Call) -> Answer:
    """`PATCH /{formId}`: the parts given."""
    form = _form(portal, call)
    form.change(_content(call.json_object(), whole=False), portal.clock.now_ms())
    return json_answer(form.as_json())


def replace_form(portal: Portal, call: Call) -> Answer:
    """`PUT /{formId}`: all of it."""
    form = _form(portal, call)
    form.content = _content(call.json_object(), whole=True)
    form.updated_ms = portal.clock.now_ms()
    return json_answer(form.as_json())


def archive_form(portal: Portal, call: Call) -> Answer:
    """`DELETE /{formId}`."""
    _form(portal, call).archived_ms = portal.clock.now_ms()
    return Answer(NO_CONTENT)


def list_submissions(portal: Portal, call: Call) -> Answer:
    """`GET /forms/{formId}`: newest first; those of archived forms stay readable."""
    form = portal.forms.by_id.get(call.params["form"])
    if form is None:
        raise not_found(f"No form found with id {call.params['form']}")
    limit = call.number("limit", SUBMISSIONS_PAGE, highest=LARGEST_SUBMISSIONS_PAGE)
    return json_answer(results_page(call, form.submissions(), _recency, limit, submission_json))


def _recency(submission: Submission) -> Key:
    return (-submission.submitted_ms, -submission.number)


def submission_json(submission: Submission) -> dict[str, object]:
    """Return one submission as the API shows it."""
    return {
        "conversionId": submission.conversion_id,
        "submittedAt": submission.submitted_ms,
        "values": [{"name": n, "value": v, "objectTypeId": "0-1"} for n, v in submission.values],
        "pageUrl": submission.page_url,
    }
