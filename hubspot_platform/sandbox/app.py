"""The sandbox as one ASGI application: the API gate, the admin API, the Slack endpoint and the pages."""

import orjson
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from hubspot_platform.sandbox.account_admin import AccountAdmin
from hubspot_platform.sandbox.admin import Admin
from hubspot_platform.sandbox.chargebee import Chargebee
from hubspot_platform.sandbox.clock import PortalClock
from hubspot_platform.sandbox.errors import SandboxError
from hubspot_platform.sandbox.faults import FaultBox, parse_fault
from hubspot_platform.sandbox.gate import Gate, Receive, Scope, Send
from hubspot_platform.sandbox.limits import Limits
from hubspot_platform.sandbox.options import SandboxOptions
from hubspot_platform.sandbox.pages import start_page
from hubspot_platform.sandbox.portal import Account
from hubspot_platform.sandbox.seed import build_portal
from hubspot_platform.sandbox.senders import Senders
from hubspot_platform.sandbox.slack import Slack


class Sandbox:
    """The ASGI entry: API calls go straight to the gate, the rest through Starlette."""

    def __init__(self, options: SandboxOptions) -> None:
        clock = PortalClock()
        account = Account(portal_id=options.portal_id, time_zone=options.time_zone)
        self.portal = build_portal(options.plan(), clock, account)
        limits = Limits.of_plan(options.rate_limit, options.time_zone)
        self.gate = Gate(self.portal, limits, load_faults(options), options.latency_ms, options.seed)
        self.slack = Slack(self.portal.clock)
        self.chargebee = Chargebee()
        self._site = Starlette(
            routes=[
                Route("/", start_page(self.portal, self.gate, self.slack)),
                Mount("/sandbox/api/slack", routes=self.slack.admin_routes()),
                Mount("/sandbox/api/chargebee", routes=self.chargebee.admin_routes()),
                Mount("/sandbox/api/senders", routes=Senders().routes()),
                Mount("/sandbox/api", routes=[*Admin(self.gate).routes(), *AccountAdmin(self.portal).routes()]),
                Mount("/slack", routes=self.slack.routes()),
                Mount("/chargebee", routes=self.chargebee.routes()),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event."""
        if scope["type"] == "http":
            path = scope["path"]
            if path != "/" and not path.startswith(("/sandbox/", "/slack", "/chargebee")):
                await self.gate(scope, receive, send)
                return
        await self._site(scope, receive, send)


def load_faults(options: SandboxOptions) -> FaultBox:
    """Return the faults of the `--faults` file: a JSON list, or an object with a `faults` list."""
    if options.faults is None:
        return FaultBox()
    try:
        document = orjson.loads(options.faults.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise SandboxError(f"{options.faults}: {error}", mend="give a JSON file with a list of faults") from error
    listed = document.get("faults") if isinstance(document, dict) else document
    if not isinstance(listed, list):
        raise SandboxError(f"{options.faults}: no list of faults", mend='[{"kind": "http_error", "count": 3}]')
    return FaultBox([parse_fault(f) for f in listed])
