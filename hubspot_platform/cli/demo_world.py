"""What surrounds the platform in the demo: the sandbox portal, the product database and billing that go with it.

Called by `cli/demonstration.py`. Everything is spoken to over HTTP or read from files, as it would be outside a demo.
"""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from hubspot_platform.cli.processes import ChildDied, Processes, free_port
from hubspot_platform.errors import UsageError
from hubspot_platform.gateway.routing import subscriptions

HOST = "127.0.0.1"
RATE_LIMITS: Mapping[str, int] = {"none": 0, "free": 100, "professional": 190, "addon": 250}
# The sandbox accepts and sends with these; nothing else does.
SANDBOX_TOKEN = "sandbox-token"  # noqa: S105
SLACK_TOKEN = "xoxb-sandbox"  # noqa: S105
CLIENT_SECRET = "demo-client-secret-0001"  # noqa: S105
BILLING_KEY = "sandbox-key"
DOORS = {
    "HUBSPOT_APP_SECRETS": CLIENT_SECRET,
    "CHARGEBEE_WEBHOOK_USERS": "demo:demo-password",
    "JIRA_WEBHOOK_SECRETS": "demo-jira-secret",
    "TOPIC_TOKENS": "demo-topic-token",
}

EVENT_PAGE = 1_000
CHANGED_CONTACTS = 25
CHANGE = {"lifecyclestage": "opportunity"}
DELIVERY_SECONDS, POLL_SECONDS = 30.0, 0.2


@dataclass(frozen=True)
class Portal:
    """The sandbox portal of a home; a home keeps the same one for ever, or its mirror would be of another portal."""

    size: str
    seed: int
    base_time: str


def remember_portal(folder: Path, asked: Portal) -> Portal:
    """Return the portal of this home, writing it down the first time; UsageError when it has another one."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "portal.json"
    if not file.exists():
        file.write_text(json.dumps(asked.__dict__), encoding="ascii")
        return asked
    kept = Portal(**json.loads(file.read_text(encoding="ascii")))
    if (kept.size, kept.seed) != (asked.size, asked.seed):
        raise UsageError(
            f"{folder} holds a demo of size {kept.size} with seed {kept.seed}",
            mend="give the same size and seed, another --home, or run make clean",
        )
    return kept


def usable(port: int) -> int:
    """Return the port, or a free one when it is taken or 0."""
    if port == 0:
        return free_port(HOST)
    try:
        httpx.get(f"http://{HOST}:{port}", timeout=1)
    except httpx.ConnectError:
        return port
    except httpx.HTTPError:
        return free_port(HOST)
    return free_port(HOST)


def start_sandbox(processes: Processes, portal: Portal, rate_limit: str, url: str) -> None:
    """Start the portal with its neighbours at an address."""
    host, _, port = url.removeprefix("http://").partition(":")
    command = [sys.executable, "-m", "hubspot_platform.sandbox", "--host", host, "--port", port]
    options = ["--size", portal.size, "--seed", str(portal.seed), "--base-time", portal.base_time]
    processes.start("sandbox", [*command, *options, "--rate-limit", rate_limit], lambda: _answers(url))


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/sandbox/api/stats", timeout=5).is_success
    except httpx.TransportError:
        return False


def overrides(folder: Path, sandbox_url: str, rate_limit: str) -> dict[str, Any]:
    """Return the settings of a platform that lives in this world, by the names of `load_settings`."""
    return {
        "platform_home": folder,
        "hubspot_base_url": sandbox_url,
        "HUBSPOT_ACCESS_TOKEN": SANDBOX_TOKEN,
        "hubspot_rate_limit": RATE_LIMITS.get(rate_limit, RATE_LIMITS["professional"]),
        "hubspot_search_rate_limit": 0 if rate_limit == "none" else 5,
        "slack_base_url": f"{sandbox_url}/slack/api/",
        "slack_bot_token": SLACK_TOKEN,
        "product_source": f"dir://{_files(folder) / 'product'}",
        "predictions_source": f"dir://{_files(folder) / 'predictions'}",
        "chargebee_base_url": f"{sandbox_url}/chargebee",
        "chargebee_api_key": BILLING_KEY,
    }


def _files(folder: Path) -> Path:
    return folder / "matrix"


def write_product(processes: Processes, folder: Path, portal: Portal, sandbox_url: str) -> None:
    """Write the product database and the billing that go with the portal, once a home; the sandbox lists the events."""
    files = _files(folder)
    events = files / "billing" / "events.ndjson"
    if not events.exists():
        command = [sys.executable, "-m", "hubspot_platform.sandbox.product", "--out", str(files)]
        with processes.piped("product", [*command, "--portal", sandbox_url, "--seed", str(portal.seed)]) as child:
            child.communicate()
        if child.returncode:
            raise ChildDied("the product database was not written", mend=f"see {folder / 'logs' / 'product.log'}")
    documents = [orjson.loads(line) for line in events.read_bytes().splitlines()]
    with httpx.Client(base_url=sandbox_url, timeout=60) as client:
        for start in range(0, len(documents), EVENT_PAGE):
            client.post(
                "/sandbox/api/chargebee/events", content=orjson.dumps(documents[start : start + EVENT_PAGE])
            ).raise_for_status()


def send_changes(sandbox_url: str, gateway_url: str) -> int:
    """Let some contacts change in the portal, whose webhooks tell the gateway; returns how many events were sent."""
    wanted = subscriptions({"contact": list(CHANGE), "company": ["name"], "deal": ["dealstage"]})
    with httpx.Client(base_url=f"{sandbox_url}/sandbox/api", timeout=60) as client:
        target = {"target": f"{gateway_url}/Hubspot/Webhooks/General", "subscriptions": wanted}
        client.post("/webhooks/subscribe", json=target).raise_for_status()
        client.post(
            "/objects/contacts/update", json={"first": CHANGED_CONTACTS, "properties": CHANGE}
        ).raise_for_status()
        deadline = time.monotonic() + DELIVERY_SECONDS
        while time.monotonic() < deadline:
            state = client.get("/webhooks").raise_for_status().json()
            if state["events"] and not state["waiting"]:
                break
            time.sleep(POLL_SECONDS)
    return int(state["events"])
