"""Owners and the teams they are in, through the SDK."""

import asyncio

from hubspot_platform.hubspot.reference import fetch_owners
from hubspot_platform.mirror.reference.reading import Reading
from hubspot_platform.mirror.reference.rows import DELETED, SYNCED, columns
from hubspot_platform.mirror.tables import SCHEMA
from hubspot_platform.warehouse.model import Table

OWNER = Table(
    SCHEMA,
    "owner",
    (
        *columns(
            "owner_id:int active_user_id:int type:text email:text first_name:text last_name:text portal_id:int "
            "user_id:int is_archived:bool created_at:timestamp updated_at:timestamp"
        ),
        DELETED,
        SYNCED,
    ),
    key=("owner_id",),
    description="Owners of records, archived ones included because old records still name them.",
)
OWNER_TEAM = Table(
    SCHEMA,
    "owner_team",
    (*columns("owner_id:int team_id:int is_team_primary:bool"), DELETED, SYNCED),
    key=("owner_id", "team_id"),
    description="The teams an owner is in, one row each; teams without their own scope are known from here only.",
)


async def read_owners(reading: Reading) -> None:
    """Read owners, live and archived, with their teams."""
    owners = await asyncio.to_thread(fetch_owners, reading.sdk)
    reading.sdk_calls += 2
    rows = [
        {
            "owner_id": owner.owner_id,
            "active_user_id": owner.active_user_id,
            "type": owner.type,
            "email": owner.email,
            "first_name": owner.first_name,
            "last_name": owner.last_name,
            "portal_id": reading.account.portal_id,
            "user_id": owner.user_id,
            "is_archived": owner.archived,
            "created_at": owner.created_at,
            "updated_at": owner.updated_at,
        }
        for owner in owners
    ]
    teams = [
        {"owner_id": owner.owner_id, "team_id": team.team_id, "is_team_primary": team.primary}
        for owner in owners
        for team in owner.teams
    ]
    await reading.replace([(OWNER, rows), (OWNER_TEAM, teams)])
