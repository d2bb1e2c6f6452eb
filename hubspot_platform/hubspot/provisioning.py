"""User provisioning: the portal's users, teams and roles, as HubSpot sends them.

Called by `mirror.reference.people`. Each endpoint has its own scope; `MissingScope` names the one that is missing.
"""

from hubspot_platform.hubspot.paging import cursor_pages
from hubspot_platform.hubspot.records import Json
from hubspot_platform.hubspot.transport import Transport

_PAGE = 100


async def read_users(transport: Transport) -> list[Json]:
    """Return every user who can sign in (scope `settings.users.read`)."""
    return await _all(transport, transport.policy.path("users"))


async def read_teams(transport: Transport) -> list[Json]:
    """Return every team with the ids of its members (scope `settings.users.teams.read`)."""
    return await _all(transport, transport.policy.path("users", "teams"))


async def read_roles(transport: Transport) -> list[Json]:
    """Return every role (scope `settings.users.read`)."""
    return await _all(transport, transport.policy.path("users", "roles"))


async def _all(transport: Transport, path: str) -> list[Json]:
    return [item async for page in cursor_pages(transport, path, {"limit": _PAGE}) for item in page]
