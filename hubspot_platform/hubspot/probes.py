"""One cheap call for each kind of reference data, to see whether the token may read it.

`hubspot-platform doctor` asks; CRM objects are probed by their count (`search.count`). A new kind needs an entry here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from hubspot import HubSpot

from hubspot_platform.hubspot.catalogue import CONTACT, DEAL, TICKET, collections, references
from hubspot_platform.hubspot.transport import Transport

_SDK: Mapping[str, Callable[[HubSpot], object]] = {
    references.OWNERS.name: lambda sdk: sdk.crm.owners.owners_api.get_page(limit=1),
    references.DEAL_PIPELINES.name: lambda sdk: sdk.crm.pipelines.pipelines_api.get_all(DEAL.path),
    references.TICKET_PIPELINES.name: lambda sdk: sdk.crm.pipelines.pipelines_api.get_all(TICKET.path),
    references.PROPERTIES.name: lambda sdk: sdk.crm.properties.core_api.get_all(CONTACT.path),
    references.CUSTOM_OBJECTS.name: lambda sdk: sdk.crm.schemas.core_api.get_all(),
}
_HTTP: Mapping[str, Callable[[Transport], Awaitable[object]]] = {
    collections.USERS.name: lambda transport: _first(transport, "users"),
    collections.TEAMS.name: lambda transport: _first(transport, "users", "teams"),
    collections.ROLES.name: lambda transport: _first(transport, "users", "roles"),
    collections.FORMS.name: lambda transport: _first(transport, "forms"),
    collections.EMAIL_CAMPAIGNS.name: lambda transport: _first(transport, "email", "campaigns", "by-id"),
    collections.EMAIL_EVENTS.name: lambda transport: _first(transport, "email", "events"),
    collections.LISTS.name: lambda transport: transport.post_json(
        transport.policy.path("lists", "search"), {"count": 1}
    ),
}
PROBED = frozenset((*_SDK, *_HTTP))
"""The names of the kinds that can be probed: all there are."""


async def probe(transport: Transport, sdk: HubSpot, name: str) -> None:
    """Read the beginning of one kind of reference data; raises `hubspot.errors`, MissingScope with the scope."""
    if name in _SDK:
        await asyncio.to_thread(_SDK[name], sdk)
    else:
        await _HTTP[name](transport)


async def _first(transport: Transport, *path: str) -> object:
    return await transport.get_json(transport.policy.path(*path), {"limit": 1})
