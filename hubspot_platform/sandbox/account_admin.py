"""The admin API's commands for everything that is not a CRM object: people, lists, forms, e-mail events.

Like the rest of the admin API it bypasses limits, faults and most rules. `app.Sandbox` mounts it beside `admin.Admin`;
tests call it to change the portal and to compare a mirror with all of it.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.routing import Route

from hubspot_platform.sandbox.admin import body_of, guarded
from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.errors import SandboxError
from hubspot_platform.sandbox.forms import Form, Submission
from hubspot_platform.sandbox.handlers.email_events import campaign_json
from hubspot_platform.sandbox.handlers.forms import make_form, submission_json
from hubspot_platform.sandbox.handlers.lists import list_json, make_list
from hubspot_platform.sandbox.handlers.memberships import changed_members
from hubspot_platform.sandbox.handlers.provisioning import role_json, team_json, user_json
from hubspot_platform.sandbox.handlers.reference import owner_json
from hubspot_platform.sandbox.mailing import EVENT_TYPES
from hubspot_platform.sandbox.model import Owner
from hubspot_platform.sandbox.mutations import Body, moment_of, whole
from hubspot_platform.sandbox.people import Role, Team, User
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.record_lists import RecordList

Command = Callable[[Portal, Body], object]
Key = TypeVar("Key", str, int)
Person = TypeVar("Person", Owner, User, Team, Role)


class AccountAdmin:
    """`GET /account/{kind}` dumps, `POST /account/{kind}/{action}` changes."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted under `/sandbox/api`."""
        return [
            Route("/account/{kind}", guarded(self.dump), methods=["GET"]),
            Route("/account/{kind}/{action}", guarded(self.change), methods=["POST"]),
        ]

    async def dump(self, request: Request) -> object:
        """Return everything of a kind as the API shows it, deleted and archived things left out."""
        show = DUMPS.get(request.path_params["kind"])
        if show is None:
            raise SandboxError("unknown kind", mend=f"one of {', '.join(DUMPS)}")
        return show(self.portal)

    async def change(self, request: Request) -> object:
        """Run one command."""
        command = COMMANDS.get((request.path_params["kind"], request.path_params["action"]))
        if command is None:
            raise SandboxError("unknown command", mend=f"one of {', '.join(f'{k}/{a}' for k, a in COMMANDS)}")
        return command(self.portal, await body_of(request))


def _put(known: dict[Key, Person], key: Key, make: Callable[..., Person], fields: Mapping[str, object]) -> Person:
    """Change the entry of this id, or add it; `fields` are named as in the class."""
    given: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
    old = known.get(key)
    known[key] = make(**given) if old is None else replace(old, **given)
    return known[key]


def _removed(gone: object) -> object:
    if gone is None:
        raise SandboxError("nothing of that id")
    return {"removed": True}


def put_owner(portal: Portal, body: Body) -> object:
    """Add or change an owner; `archived` makes it a deactivated one."""
    fields = {"updated_ms": portal.clock.now_ms(), **body}
    return owner_json(portal, _put(portal.owners, str(body["id"]), Owner, fields))


def put_user(portal: Portal, body: Body) -> object:
    """Add or change a user."""
    key = int(str(body["id"]))
    return user_json(portal, _put(portal.people.users, key, User, {**body, "id": key}))


def put_team(portal: Portal, body: Body) -> object:
    """Add or change a team; `user_ids` and `secondary_user_ids` replace its members."""
    return team_json(_put(portal.people.teams, str(body["id"]), Team, body))


def put_role(portal: Portal, body: Body) -> object:
    """Add or change a role."""
    return role_json(_put(portal.people.roles, str(body["id"]), Role, body))


def _list(portal: Portal, body: Body) -> RecordList:
    found = portal.lists.by_id.get(int(str(body["id"])))
    if found is None:
        raise SandboxError(f"no list {body['id']}")
    return found


def create_list(portal: Portal, body: Body) -> object:
    """Make a list from a create body, at `at`."""
    found = make_list(portal, body, moment_of(body, "at", portal.clock.now_ms()))
    return list_json(portal, found, filters=True)


def update_list(portal: Portal, body: Body) -> object:
    """Rename list `id` (`name`) or give it other filters (`filterBranch`), at `at`."""
    found, at_ms = _list(portal, body), moment_of(body, "at", portal.clock.now_ms())
    if "name" in body:
        found.rename(str(body["name"]), at_ms)
    branch = body.get("filterBranch")
    if isinstance(branch, dict):
        found.refilter(branch, at_ms)
    return list_json(portal, found, filters=True)


def delete_list(portal: Portal, body: Body) -> object:
    """Delete list `id`, at `at`."""
    found = _list(portal, body)
    found.deleted_ms = moment_of(body, "at", portal.clock.now_ms())
    return {"deleted": str(found.id)}


def restore_list(portal: Portal, body: Body) -> object:
    """Bring list `id` back, however long it was deleted."""
    found = _list(portal, body)
    found.deleted_ms = None
    return list_json(portal, found)


def add_members(portal: Portal, body: Body) -> object:
    """Add `records` (ids), or the `first` N live records that are not in it, to list `id`, at `at`."""
    found = _list(portal, body)
    inside = {m.record_id for m in portal.lists.members(found)}
    outside = [i for i in portal.lists.store(found).live_ids if i not in inside]
    return changed_members(portal, found, _records(body, outside), [], moment_of(body, "at", portal.clock.now_ms()))


def remove_members(portal: Portal, body: Body) -> object:
    """Remove `records` (ids), or the `first` N members, from list `id`, at `at`."""
    found = _list(portal, body)
    inside = [m.record_id for m in portal.lists.members(found)]
    return changed_members(portal, found, [], _records(body, inside), moment_of(body, "at", portal.clock.now_ms()))


def _records(body: Body, candidates: list[int]) -> list[object]:
    if "first" in body:
        return list(candidates[: whole(body, "first", 0)])
    named = body.get("records")
    if not isinstance(named, list):
        raise SandboxError("records must be a list of ids", mend="or say `first`: how many")
    return named


def _form(portal: Portal, body: Body) -> Form:
    form = portal.forms.by_id.get(str(body["id"]))
    if form is None:
        raise SandboxError(f"no form {body['id']}")
    return form


def create_form(portal: Portal, body: Body) -> object:
    """Make a form; unlike the API this needs no timestamps and no complete body."""
    defaults = {"formType": "hubspot", "name": "Form", "fieldGroups": [], "configuration": {}, "displayOptions": {}}
    return make_form(portal, {**defaults, "legalConsentOptions": {"type": "none"}, **body}, whole=False).as_json()


def update_form(portal: Portal, body: Body) -> object:
    """Set parts of form `id`."""
    form = _form(portal, body)
    form.change({name: value for name, value in body.items() if name != "id"}, portal.clock.now_ms())
    return form.as_json()


def archive_form(portal: Portal, body: Body) -> object:
    """Archive form `id`, at `at`."""
    form = _form(portal, body)
    form.archived_ms = moment_of(body, "at", portal.clock.now_ms())
    return form.as_json()


def submit_form(portal: Portal, body: Body) -> object:
    """Submit form `id` with `values` (name -> value), at `at`, on `page_url`."""
    form, values = _form(portal, body), body.get("values")
    if not isinstance(values, dict):
        raise SandboxError("values must be an object", mend='for example {"email": "ada@example.com"}')
    submission = Submission(
        submitted_ms=moment_of(body, "at", portal.clock.now_ms()),
        number=len(form.submissions()) + 1,
        conversion_id=str(uuid.uuid4()),
        page_url=str(body.get("page_url", "https://www.ourfirm.example/")),
        values=tuple((str(name), str(value)) for name, value in values.items()),
    )
    form.submit(submission)
    return submission_json(submission)


def add_event(portal: Portal, body: Body) -> object:
    """Add an e-mail event of `type`, at `at`, with any other fields as they are.

    `obsoletes` ({id, created}) marks an event of the log as replaced by this one.
    """
    if body.get("type") not in EVENT_TYPES:
        raise SandboxError(f"unknown type {body.get('type')!r}", mend=f"one of {', '.join(EVENT_TYPES)}")
    mail = portal.mail
    campaign = mail.campaigns[-1] if mail.campaigns else None
    event: dict[str, object] = {
        "id": str(uuid.uuid4()),
        "created": moment_of(body, "at", portal.clock.now_ms()),
        "portalId": portal.account.portal_id,
        "filteredEvent": False,
    }
    if campaign is not None:
        event |= {"appId": campaign.app_id, "appName": campaign.app_name, "emailCampaignId": campaign.id}
    event |= {name: value for name, value in body.items() if name not in ("at", "obsoletes")}
    old = body.get("obsoletes")
    if isinstance(old, dict):
        replaced = mail.find(int(str(old["created"])), str(old["id"]))
        if replaced is None:
            raise SandboxError("no event to make obsolete")
        mail.amend(replaced, {"obsoletedBy": {"id": event["id"], "created": event["created"]}})
    return mail.add(event)


def set_mail(portal: Portal, body: Body) -> object:
    """Set whether pages repeat the last event of the page before (`repeat`), and the days kept (`retention_days`)."""
    switches = portal.switches
    if "repeat" in body:
        switches.repeat_events = bool(body["repeat"])
    switches.event_retention_days = whole(body, "retention_days", switches.event_retention_days)
    return {"repeat": switches.repeat_events, "retention_days": switches.event_retention_days}


COMMANDS: Mapping[tuple[str, str], Command] = {
    ("owners", "put"): put_owner,
    ("users", "put"): put_user,
    ("teams", "put"): put_team,
    ("roles", "put"): put_role,
    ("users", "remove"): lambda portal, body: _removed(portal.people.users.pop(int(str(body["id"])), None)),
    ("teams", "remove"): lambda portal, body: _removed(portal.people.teams.pop(str(body["id"]), None)),
    ("roles", "remove"): lambda portal, body: _removed(portal.people.roles.pop(str(body["id"]), None)),
    ("lists", "create"): create_list,
    ("lists", "update"): update_list,
    ("lists", "delete"): delete_list,
    ("lists", "restore"): restore_list,
    ("lists", "add"): add_members,
    ("lists", "remove"): remove_members,
    ("forms", "create"): create_form,
    ("forms", "update"): update_form,
    ("forms", "archive"): archive_form,
    ("forms", "submit"): submit_form,
    ("email_events", "add"): add_event,
    ("email_events", "settings"): set_mail,
}


def _memberships(portal: Portal) -> object:
    return [
        {"listId": str(found.id), "recordId": str(member.record_id), "membershipTimestamp": iso(member.last_ms)}
        for found in portal.lists.live()
        for member in portal.lists.members(found)
    ]


DUMPS: Mapping[str, Callable[[Portal], object]] = {
    "owners": lambda portal: [owner_json(portal, o) for o in portal.owners.values()],
    "users": lambda portal: [user_json(portal, u) for u in portal.people.users.values()],
    "teams": lambda portal: [team_json(t) for t in portal.people.teams.values()],
    "roles": lambda portal: [role_json(r) for r in portal.people.roles.values()],
    "lists": lambda portal: [list_json(portal, found, filters=True) for found in portal.lists.live()],
    "memberships": _memberships,
    "forms": lambda portal: [form.as_json() for form in portal.forms.by_id.values()],
    "submissions": lambda portal: [
        {"formId": form.id, **submission_json(s)} for form in portal.forms.by_id.values() for s in form.submissions()
    ],
    "campaigns": lambda portal: [campaign_json(portal, c) for c in portal.mail.campaigns],
    "email_events": lambda portal: [portal.mail.event(m) for m in portal.mail.newest_first(None, None)],
}
