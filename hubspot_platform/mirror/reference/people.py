"""Users, teams and roles from user provisioning; a kind whose scope is missing fails alone and names it."""

from hubspot_platform.hubspot import provisioning
from hubspot_platform.mirror.reference.reading import Reading
from hubspot_platform.mirror.reference.rows import DELETED, SYNCED, columns
from hubspot_platform.mirror.tables import SCHEMA
from hubspot_platform.warehouse.model import Table

USERS = Table(
    SCHEMA,
    "users",
    (
        *columns("id:int email:text first_name:text last_name:text primary_team_id:int role_id:int super_admin:bool"),
        DELETED,
        SYNCED,
    ),
    key=("id",),
    description="People who can sign in to the portal; those removed since are marked as deleted.",
)
TEAM = Table(
    SCHEMA,
    "team",
    (*columns("id:int name:text"), DELETED, SYNCED),
    key=("id",),
    description="Teams of users.",
)
TEAM_USER = Table(
    SCHEMA,
    "team_user",
    (
        *columns("team_id:int user_id:int is_secondary_user:bool", is_secondary_user="false: it is the main team"),
        DELETED,
        SYNCED,
    ),
    key=("team_id", "user_id"),
    description="Who is in which team, one row per team and user.",
)
ROLE = Table(
    SCHEMA,
    "role",
    (*columns("id:int name:text requires_billing_write:bool"), DELETED, SYNCED),
    key=("id",),
    description="Roles: named sets of permissions.",
)


async def read_users(reading: Reading) -> None:
    """Read every user."""
    rows = [
        {
            "id": user.get("id"),
            "email": user.get("email"),
            "first_name": user.get("firstName"),
            "last_name": user.get("lastName"),
            "primary_team_id": user.get("primaryTeamId"),
            "role_id": user.get("roleId") or next(iter(user.get("roleIds") or ()), None),
            "super_admin": user.get("superAdmin"),
        }
        for user in await provisioning.read_users(reading.transport)
    ]
    await reading.replace([(USERS, rows)])


async def read_teams(reading: Reading) -> None:
    """Read every team and its members."""
    teams = await provisioning.read_teams(reading.transport)
    members = {
        (team.get("id"), user_id): {"team_id": team.get("id"), "user_id": user_id, "is_secondary_user": secondary}
        for team in teams
        for secondary, user_ids in ((True, team.get("secondaryUserIds")), (False, team.get("userIds")))
        for user_id in user_ids or ()
    }
    rows = [{"id": team.get("id"), "name": team.get("name")} for team in teams]
    await reading.replace([(TEAM, rows), (TEAM_USER, list(members.values()))])


async def read_roles(reading: Reading) -> None:
    """Read every role."""
    rows = [
        {"id": role.get("id"), "name": role.get("name"), "requires_billing_write": role.get("requiresBillingWrite")}
        for role in await provisioning.read_roles(reading.transport)
    ]
    await reading.replace([(ROLE, rows)])
