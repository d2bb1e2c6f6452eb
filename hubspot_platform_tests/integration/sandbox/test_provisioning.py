"""Owners with their teams, and users, teams and roles of user provisioning."""

from hubspot import HubSpot

from hubspot_platform_tests.support.portal import Portal


def test_users_page_through_the_client_library_in_id_order(sandbox: Portal, client: HubSpot) -> None:
    first = client.settings.users.users_api.get_page(limit=3)
    rest = client.settings.users.users_api.get_page(limit=100, after=first.paging.next.after)
    ids = [int(u.id) for u in (*first.results, *rest.results)]
    assert rest.paging is None
    assert ids == sorted(ids)
    assert [str(i) for i in ids] == [u["id"] for u in sandbox.account("users")]


def test_users_have_names_roles_and_teams(sandbox: Portal) -> None:
    users = sandbox.api("GET", "/settings/v3/users/").json()["results"]
    roles = {r["id"] for r in sandbox.api("GET", "/settings/v3/users/roles").json()["results"]}
    assert all(u["firstName"] and u["lastName"] for u in users)
    assert {u["roleId"] for u in users if not u["superAdmin"]} <= roles
    assert [u for u in users if u["superAdmin"] and "roleId" not in u]
    assert any(u["secondaryTeamIds"] for u in users)


def test_a_user_is_read_by_id_and_by_address(sandbox: Portal) -> None:
    user = sandbox.account("users")[1]
    assert sandbox.api("GET", f"/settings/v3/users/{user['id']}").json() == user
    assert sandbox.api("GET", f"/settings/v3/users/{user['email']}?idProperty=EMAIL").json() == user
    assert sandbox.api("GET", "/settings/v3/users/1").status_code == 404


def test_teams_owners_and_users_tell_the_same(sandbox: Portal, client: HubSpot) -> None:
    teams = {t.id: t for t in client.settings.users.teams_api.get_all().results}
    owners = client.crm.owners.get_all()
    for owner in owners:
        for team in owner.teams or []:
            members = teams[team.id].user_ids if team.primary else teams[team.id].secondary_user_ids
            assert str(owner.user_id) in members
    told = {(t.id, str(o.user_id)) for o in owners for t in o.teams or []}
    assert told == {(t.id, u) for t in teams.values() for u in (*t.user_ids, *t.secondary_user_ids)}
    assert not any(o["teams"] for o in sandbox.api("GET", "/crm/v3/owners?archived=true").json()["results"])


def test_roles_through_the_client_library(client: HubSpot) -> None:
    roles = client.settings.users.roles_api.get_all().results
    assert {r.requires_billing_write for r in roles} == {True, False}


def test_people_come_and_go_through_the_admin_api(sandbox: Portal) -> None:
    sandbox.change_account("users", "put", id=90_001, email="new@ourfirm.example", first_name="Ada", last_name="New")
    sandbox.change_account("teams", "put", id="903", user_ids=[90_001])
    user = sandbox.api("GET", "/settings/v3/users/90001").json()
    assert user["primaryTeamId"] == "903"
    sandbox.change_account("teams", "put", id="903", name="Founders", user_ids=[])
    sandbox.change_account("users", "remove", id=90_001)
    assert sandbox.api("GET", "/settings/v3/users/90001").status_code == 404
    owner = sandbox.change_account("owners", "put", id="79999", archived=True)
    assert "userId" not in owner
    sandbox.change_account("owners", "put", id="79999", archived=False)


def test_users_and_teams_need_their_scopes(sandbox: Portal) -> None:
    sandbox.admin("scopes", {"missing": ["settings.users.teams.read"]})
    refused = sandbox.api("GET", "/settings/v3/users/teams")
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["context"]["requiredGranularScopes"] == ["settings.users.teams.read"]
    assert sandbox.api("GET", "/settings/v3/users").status_code == 200
