"""Paths of the HubSpot API: one prefix table mounts every handler under its v3/v4 and its dated path.

`resolve` is called once per request by the gate; `ROUTES` in `handlers` is the list it looks in.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.wire import Answer, ApiProblem, Call

Handler = Callable[[Portal, Call], Answer]

# area -> its prefixes: in v1 to v4, and the dated one where there is one; `{date}` is a release such as 2026-09 or
# 2026-09-beta
PREFIXES: dict[str, tuple[str, ...]] = {
    "objects": ("/crm/v3/objects", "/crm/objects/{date}"),
    "record_links": ("/crm/v4/objects", "/crm/objects/{date}"),
    "associations": ("/crm/v4/associations", "/crm/associations/{date}"),
    "properties": ("/crm/v3/properties", "/crm/properties/{date}"),
    "pipelines": ("/crm/v3/pipelines", "/crm/pipelines/{date}"),
    "schemas": ("/crm-object-schemas/v3/schemas", "/crm-object-schemas/{date}/schemas"),
    "calling": ("/calling/v1", "/calling/{date}"),
    "owners": ("/crm/v3/owners", "/crm/owners/{date}"),
    "account": ("/account-info/v3", "/account-info/{date}"),
    "users": ("/settings/v3/users",),
    "lists": ("/crm/v3/lists", "/crm/lists/{date}"),
    "exports": ("/crm/v3/exports", "/crm/exports/{date}"),
    "exported_files": ("/exports/download",),
    "forms": ("/marketing/v3/forms", "/marketing/forms/{date}"),
    "submissions": ("/form-integrations/v1/submissions",),
    "email": ("/email/public/v1",),
}
_DATE = re.compile(r"20\d\d-(03|09)(-beta)?")


@dataclass(frozen=True)
class Route:
    """One endpoint: where it is, its name in faults and counters, its handler, the scope it asks for.

    In a scope `{object}.read` stands for the object type's own (`crm.objects.contacts.read`), `{plural}` for the type's
    word in the scopes of its properties. A `public` endpoint needs no token and counts against no limit.
    """

    area: str
    method: str
    pattern: tuple[str, ...]
    kind: str
    handler: Handler
    scope: str = ""
    public: bool = False


def route(area: str, call: str, kind: str, handler: Handler, scope: str = "", *, public: bool = False) -> Route:
    """Return a Route written as `GET /{object}/{id}`."""
    method, _, path = call.partition(" ")
    return Route(area, method, tuple(p for p in path.split("/") if p), kind, handler, scope, public)


class Router:
    """The routes grouped by prefix and by number of path parts."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._by_prefix: dict[tuple[str, ...], dict[int, list[Route]]] = {}
        self.kinds = sorted({r.kind for r in routes})
        for entry in routes:
            for prefix in PREFIXES[entry.area]:
                key = tuple(p for p in prefix.split("/") if p)
                table = self._by_prefix.setdefault(key, {}).setdefault(len(entry.pattern), [])
                table.append(entry)
                # a literal part beats a placeholder: /contacts/search is not the record "search"
                table.sort(key=lambda r: [part.startswith("{") for part in r.pattern])

    def resolve(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route and its path parameters; raises ApiProblem 404 or 405."""
        parts = tuple(p for p in path.split("/") if p)
        allowed: set[str] = set()
        for size in (3, 2):
            prefix = tuple("{date}" if _DATE.fullmatch(p) else p for p in parts[:size])
            table = self._by_prefix.get(prefix)
            if table is None:
                continue
            rest = parts[size:]
            for candidate in table.get(len(rest), ()):
                params = _match(candidate.pattern, rest)
                if params is None:
                    continue
                if candidate.method == method:
                    return candidate, params
                allowed.add(candidate.method)
        if allowed:
            raise ApiProblem(
                405,
                "METHOD_NOT_ALLOWED",
                f"HTTP 405 Method Not Allowed: {method} is not one of {', '.join(sorted(allowed))}",
                headers={"Allow": ", ".join(sorted(allowed))},
            )
        raise ApiProblem(404, "OBJECT_NOT_FOUND", f"Unable to find a resource at {path}")


def _match(pattern: tuple[str, ...], rest: tuple[str, ...]) -> dict[str, str] | None:
    params: dict[str, str] = {}
    for expected, given in zip(pattern, rest, strict=True):
        if expected.startswith("{"):
            params[expected[1:-1]] = given
        elif expected != given:
            return None
    return params
