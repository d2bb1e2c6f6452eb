"""A gateway for tests: the real server in a thread of this process, or as a process of its own, on free ports."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from hubspot_platform.connectors.jira_headers import sign
from hubspot_platform.gateway.app import Gateway
from hubspot_platform.gateway.server import listener, run, url_of
from hubspot_platform.hubspot.signatures import delivery_headers
from hubspot_platform.settings import Settings
from hubspot_platform.state import Store, migrate, open_state
from hubspot_platform.state.inbox_table import webhook_event
from hubspot_platform_tests.support.children import Child, command

SECRET = "demo-client-secret-0001"
USER = "chargebee:pass:word"
JIRA_SECRET = "jira-secret"
TOKEN = "topic-token"
GENERAL = "/Hubspot/Webhooks/General"
PORTAL = 4242
_COMMAND = ("gateway", "--port", "0", "--admin-port", "0", "--json")


def event(number: int, **fields: object) -> dict[str, object]:
    """Return a property change of company 1; `fields` replace its fields."""
    return {
        "eventId": number,
        "subscriptionId": 7,
        "portalId": PORTAL,
        "appId": 99,
        "occurredAt": 1_767_225_600_000 + number,
        "subscriptionType": "company.propertyChange",
        "attemptNumber": 0,
        "objectId": 1,
        "propertyName": "name",
        "propertyValue": f"value {number}",
        "changeSource": "CRM_UI",
    } | fields


@dataclass
class Running:
    """A gateway that answers at `url` and writes into `store`."""

    url: str
    admin_url: str
    store: Store
    http: httpx.Client = field(repr=False)
    gateway: Gateway | None = field(default=None, repr=False)

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Post a body."""
        return self.http.post(f"{self.url}{path}", content=body, headers=dict(headers or {}))

    def deliver(
        self,
        events: Sequence[object] | bytes,
        path: str = GENERAL,
        *,
        secret: str = SECRET,
        uri: str = "",
        at_ms: int = 0,
    ) -> httpx.Response:
        """Post events signed as HubSpot does; `uri` is what is signed, by default what is called."""
        body = events if isinstance(events, bytes) else json.dumps(events).encode()
        stamp = at_ms or time.time_ns() // 1_000_000
        return self.post(path, body, delivery_headers(secret, uri or f"{self.url}{path}", body, stamp))

    def pay(self, document: object, user: str = USER) -> httpx.Response:
        """Post an event of Chargebee."""
        basic = base64.b64encode(user.encode()).decode()
        return self.post("/bi/api/PaymentEvents/", json.dumps(document).encode(), {"Authorization": f"Basic {basic}"})

    def report_issue(self, document: object, identifier: str = "", secret: str = JIRA_SECRET) -> httpx.Response:
        """Post an event of Jira."""
        body = json.dumps(document).encode()
        headers = {"X-Hub-Signature": sign(secret, body)}
        if identifier:
            headers["X-Atlassian-Webhook-Identifier"] = identifier
        return self.post("/jira/webhooks", body, headers)

    def rows(self) -> list[sa.Row[Any]]:
        """Return everything in the inbox in the order it came."""
        query = sa.select(webhook_event).order_by(webhook_event.c.id)
        return list(self.store.read(lambda conn: conn.execute(query).all()))

    def empty(self) -> None:
        """Forget every event."""
        self.store.write(lambda conn: conn.execute(sa.delete(webhook_event)))

    def metric(self, name: str, **labels: str) -> float:
        """Return a counter of the gateway; 0 when it was never counted."""
        assert self.gateway is not None
        return self.gateway.metrics.registry.get_sample_value(name, labels) or 0.0


def settings_of(home: Path, state_url: str, **more: Any) -> Settings:
    """Return settings with every sender's secret."""
    values: dict[str, Any] = {
        "platform_home": home,
        "state_url": state_url,
        "hubspot_app_secrets": SECRET,
        "hubspot_portal_id": PORTAL,
        "chargebee_webhook_users": USER,
        "jira_webhook_secrets": JIRA_SECRET,
        "topic_tokens": TOKEN,
        "gateway_rate_limit": 0,
    }
    return Settings(_env_file=None, **(values | more))


@contextmanager
def running_gateway(home: Path, state_url: str, **more: Any) -> Iterator[Running]:
    """Run a gateway in a thread until the block ends; `more` are settings."""
    settings = settings_of(home, state_url, **more)
    home.mkdir(parents=True, exist_ok=True)
    store = open_state(state_url)
    migrate(store)
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    with listener("127.0.0.1", 0, "--port") as public, listener("127.0.0.1", 0, "--admin-port") as private:
        urls = url_of(public), url_of(private)
        gateway = Gateway(settings, store, settings.gateway_public_url or urls[0])
        serving = run(gateway, store, (public, private), ready.set, stop)
        thread = threading.Thread(target=loop.run_until_complete, args=(serving,), daemon=True)
        thread.start()
        assert ready.wait(30)
        try:
            with httpx.Client(timeout=30) as http:
                yield Running(*urls, store, http, gateway)
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(30)
            loop.close()
            store.close()


@dataclass
class GatewayProcess:
    """A gateway as a process of its own."""

    url: str
    admin_url: str
    process: subprocess.Popen[str] | Child

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(10)
        if isinstance(self.process, subprocess.Popen) and self.process.stdout is not None:
            self.process.stdout.close()


def start_gateway(home: Path, state_url: str, **environment: str) -> GatewayProcess:
    """Start `hubspot-platform gateway` on free ports and return it once it answers."""
    found = {**os.environ, **_environment(home, state_url), **environment}
    command = [sys.executable, "-m", "hubspot_platform.cli", *_COMMAND]
    process = subprocess.Popen(command, env=found, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the gateway ended with {process.wait(10)}"
    document = json.loads(line)
    return GatewayProcess(document["url"], document["admin_url"], process)


def fork_gateway(home: Path, state_url: str, **environment: str) -> GatewayProcess:
    """Start it as `start_gateway` does, in a process forked from one that has imported it."""
    child = Child(command(*_COMMAND), {**_environment(home, state_url), **environment})
    line = child.announced(60)
    assert line, f"the gateway ended with {child.wait(10)}"
    document = json.loads(line)
    return GatewayProcess(document["url"], document["admin_url"], child)


def _environment(home: Path, state_url: str) -> dict[str, str]:
    return {
        "PLATFORM_HOME": str(home),
        "STATE_URL": state_url,
        "HUBSPOT_APP_SECRETS": SECRET,
        "CHARGEBEE_WEBHOOK_USERS": USER,
        "JIRA_WEBHOOK_SECRETS": JIRA_SECRET,
        "TOPIC_TOKENS": TOKEN,
        "GATEWAY_RATE_LIMIT": "0",
    }
