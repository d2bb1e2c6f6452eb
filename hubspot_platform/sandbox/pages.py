"""The start page `/`: what this is, what the portal holds, and where everything else is."""

import html
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from hubspot_platform.sandbox.gate import Gate
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.slack import Slack

_STYLE = """
body{margin:0;font:15px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif;color:#213343;background:#f5f8fa}
header{background:#213343;color:#fff;padding:26px 0}header div,main{max-width:860px;margin:auto;padding:0 24px}
header h1{margin:0;font-size:22px}header p{margin:4px 0 0;color:#cbd6e2}
section{background:#fff;border:1px solid #dfe3eb;border-radius:8px;padding:6px 20px 14px;margin:20px 0}
h2{font-size:16px;margin:12px 0 6px}table{border-collapse:collapse;width:100%}
th,td{text-align:right;padding:5px 8px;border-bottom:1px solid #eef1f5}th:first-child,td:first-child{text-align:left}
th{color:#516f90;font-weight:600;font-size:13px}a{color:#0068b1}
code{background:#f0f3f7;border-radius:4px;padding:1px 5px;font-size:13.5px}
"""
_LINKS = (
    ("/slack/", "Slack messages received"),
    ("/sandbox/api/stats", "What the sandbox counted (JSON)"),
    ("/sandbox/api/state", "Limits, faults, clock and switches (JSON)"),
    ("/sandbox/api/slack/messages", "Slack messages (JSON)"),
    ("/sandbox/api/dump/deals?limit=20", "Dump of a type, as the portal stores it (JSON)"),
    ("/sandbox/api/account/lists", "Lists; also forms, users, teams, email_events and others (JSON)"),
)


def start_page(portal: Portal, gate: Gate, slack: Slack) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of the start page."""

    async def page(request: Request) -> Response:
        base = html.escape(str(request.base_url).rstrip("/"))
        return HTMLResponse(_render(base, portal, gate, len(slack.messages)))

    return page


def _render(base: str, portal: Portal, gate: Gate, messages: int) -> str:
    rows = "".join(
        f"<tr><td>{name}</td><td>{c['live']:,}</td><td>{c['archived']:,}</td><td>{c['merged_away']:,}</td>"
        f"<td>{c['properties']}</td></tr>"
        for name, c in portal.counts().items()
    )
    limits, stats = gate.limits, gate.stats
    limit = f"{limits.per_window} calls per 10 s, {limits.searches} searches per s" if limits.per_window else "none"
    facts = (
        ("Portal", f"{portal.account.portal_id}, {portal.account.time_zone}, {portal.account.currency}"),
        ("Rate limit", limit),
        ("Latency", f"{gate.latency_ms} ms ± 40 %" if gate.latency_ms else "none"),
        ("Faults switched on", str(len(gate.faults.faults))),
        ("Calls served", f"{sum(stats.calls.values()):,}, of these {sum(stats.limited.values()):,} refused with 429"),
        ("Slack messages", f"{messages:,}"),
        ("Users, teams", f"{len(portal.people.users)}, {len(portal.people.teams)}"),
        (
            "Lists, forms, e-mail campaigns",
            f"{len(portal.lists.live())}, {len(portal.forms.listed())}, {len(portal.mail.campaigns)}",
        ),
    )
    listed = "".join(f"<tr><td>{name}</td><td>{html.escape(value)}</td></tr>" for name, value in facts)
    links = "".join(f'<li><a href="{path}">{label}</a> <code>{path}</code></li>' for path, label in _LINKS)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>HubSpot sandbox</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head><body>'
        "<header><div><h1>HubSpot sandbox</h1><p>A HubSpot-compatible portal with seeded data and a Slack endpoint."
        " Nothing here leaves this machine.</p></div></header><main>"
        f"<section><h2>Records</h2><table><tr><th>Object</th><th>Live</th><th>Archived</th><th>Merged away</th>"
        f"<th>Properties</th></tr>{rows}</table></section>"
        f"<section><h2>Behaviour</h2><table>{listed}</table></section>"
        f"<section><h2>Look around</h2><ul>{links}</ul></section>"
        "<section><h2>Connect</h2><p>HubSpot clients: base URL "
        f"<code>{base}</code>, any token. Slack clients: <code>{base}/slack/api/</code>, any token.</p></section>"
        "</main></body></html>"
    )
