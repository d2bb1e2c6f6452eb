"""User provisioning under `/settings/v3/users`: users, teams and roles, read only."""

from hubspot_platform.sandbox.paging import results_page
from hubspot_platform.sandbox.people import Role, Team, User
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.wire import Answer, Call, json_answer, not_found

PAGE = 100


def user_json(portal: Portal, user: User) -> dict[str, object]:
    """Return one user; `roleId` and `primaryTeamId` are missing where there is none."""
    teams = portal.people.teams_of(user.id)
    document: dict[str, object] = {
        "id": str(user.id),
        "email": user.email,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "roleIds": [user.role_id] if user.role_id else [],
        "secondaryTeamIds": [team.id for team, main in teams if not main],
        "superAdmin": user.super_admin,
    }
    if user.role_id:
        document["roleId"] = user.role_id
    for team, main in teams:
        if main:
            document["primaryTeamId"] = team.id
    return document


def team_json(team: Team) -> dict[str, object]:
    """Return one team with its members."""
    return {
        "id": team.id,
        "name": team.name,
        "userIds": list(map(str, team.user_ids)),
        "secondaryUserIds": list(map(str, team.secondary_user_ids)),
    }


def role_json(role: Role) -> dict[str, object]:
    """Return one role."""
    return {"id": role.id, "name": role.name, "requiresBillingWrite": role.requires_billing_write}


def list_users(portal: Portal, call: Call) -> Answer:
    """`GET /`: users in id order, 100 a page unless told."""
    limit = call.number("limit", PAGE, highest=PAGE)
    users = sorted(portal.people.users.values(), key=lambda u: u.id)
    return json_answer(results_page(call, users, lambda u: (u.id,), limit, lambda u: user_json(portal, u)))


def read_user(portal: Portal, call: Call) -> Answer:
    """`GET /{userId}`: by id, or by address with `idProperty=EMAIL`."""
    by_email, wanted = call.one("idProperty") == "EMAIL", call.params["user"].lower()
    for user in portal.people.users.values():
        if wanted == (user.email.lower() if by_email else str(user.id)):
            return json_answer(user_json(portal, user))
    raise not_found(f"Unable to find user {call.params['user']}")


def list_teams(portal: Portal, call: Call) -> Answer:
    """`GET /teams`: all of them, not paged."""
    return json_answer({"results": [team_json(t) for t in portal.people.teams.values()]})


def list_roles(portal: Portal, call: Call) -> Answer:
    """`GET /roles`: all of them, not paged."""
    return json_answer({"results": [role_json(r) for r in portal.people.roles.values()]})
