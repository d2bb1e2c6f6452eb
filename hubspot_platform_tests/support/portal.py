"""A sandbox portal for tests: started in a process of its own on a free port, with a client for its admin API."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from hubspot_platform_tests.support.children import Child, command

READY = "sandbox ready at "
START_SECONDS = 120.0
TOKEN = "pat-na1-sandbox"


@dataclass
class Portal:
    """A running sandbox: `url` for HubSpot clients, `slack_url` for Slack's, and the admin API as methods."""

    url: str
    process: Child
    http: httpx.Client = field(repr=False)

    @property
    def slack_url(self) -> str:
        """`base_url` for slack_sdk's WebClient."""
        return f"{self.url}/slack/api/"

    def admin(self, path: str, body: Mapping[str, object] | None = None, method: str = "POST") -> object:
        """Call the admin API and return its JSON; a refusal fails the test."""
        answer = self.http.request(method, f"/sandbox/api/{path}", json=body if body is not None else {})
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def api(self, method: str, path: str, token: str = TOKEN, **more: object) -> httpx.Response:
        """Make one HubSpot call with a plain client; an empty token sends none."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.http.request(method, path, headers=headers, **more)  # type: ignore[arg-type]

    def stats(self) -> dict:
        """Return what the server counted."""
        return self.http.get("/sandbox/api/stats").json()

    def reset_stats(self, *, limits: bool = False) -> None:
        """Start counting anew; with `limits` the rate windows too."""
        self.admin("stats/reset", {"limits": limits})

    def state(self) -> dict:
        """Return counts, clock, limits and switches."""
        return self.http.get("/sandbox/api/state").json()

    def dump(self, object_type: str, *, archived: bool = False, properties: Sequence[str] = ()) -> list[dict]:
        """Return every record of a type with every stored value, to compare a mirror against."""
        query = {"archived": str(archived).lower(), "properties": ",".join(properties)}
        return self.http.get(f"/sandbox/api/dump/{object_type}", params=query).json()["results"]

    def merged(self, object_type: str) -> dict[str, str]:
        """Return loser id -> survivor id."""
        return self.http.get(f"/sandbox/api/dump/{object_type}", params={"limit": "0"}).json()["merged"]

    def links(self, source: str, target: str) -> list[tuple[str, str, int]]:
        """Return every readable link of a pair as (from id, to id, type id)."""
        rows = self.http.get(f"/sandbox/api/links/{source}/{target}").json()["results"]
        return [(a, b, t) for a, b, t in rows]

    def change(self, object_type: str, action: str, **body: object) -> dict:
        """Change records: create, update, calculate, archive, restore, purge, merge, stamp, link, unlink."""
        return self.admin(f"objects/{object_type}/{action}", body)  # type: ignore[return-value]

    def define(self, object_type: str, action: str, **body: object) -> dict:
        """Create, update or delete a property definition while the portal runs."""
        return self.admin(f"properties/{object_type}/{action}", body)  # type: ignore[return-value]

    def account(self, kind: str) -> list[dict]:
        """Return everything of a kind: owners, users, teams, roles, lists, memberships, forms, email_events, ..."""
        return self.http.get(f"/sandbox/api/account/{kind}").json()

    def change_account(self, kind: str, action: str, **body: object) -> dict:
        """Change what is not a CRM object: lists add, forms submit, users remove, email_events add and so on."""
        return self.admin(f"account/{kind}/{action}", body)  # type: ignore[return-value]

    def fault(self, kind: str, **settings: object) -> int:
        """Switch a fault on and return its number."""
        added = self.admin("faults", {"kind": kind, **settings})
        return added[0]["number"]  # type: ignore[index]

    def clear_faults(self) -> None:
        """Switch all faults off."""
        self.admin("faults", method="DELETE")

    def clock(self, **change: object) -> str:
        """Freeze, resume, advance or skew the portal's clock; returns its time."""
        return self.admin("clock", change)["now"]  # type: ignore[index]

    def slack_messages(self) -> list[dict]:
        """Return the messages Slack received, oldest first."""
        return self.http.get("/sandbox/api/slack/messages").json()

    def stop(self) -> None:
        """End the sandbox's process."""
        self.http.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def start_portal(size: str = "small", *options: str, port: int = 0) -> Portal:
    """Start a sandbox (`options` are further command-line options) and return it once it answers."""
    child = Child(command("sandbox", "--port", str(port), "--size", size, "--rate-limit", "none", *options))
    said = child.announced(START_SECONDS)
    if not said.startswith(READY):
        child.kill()
        raise AssertionError("the sandbox did not start; run hubspot-platform sandbox to see why")
    url = said.removeprefix(READY)
    return Portal(url, child, httpx.Client(base_url=url, timeout=120))


@contextmanager
def portal(size: str = "small", *options: str) -> Iterator[Portal]:
    """Run a sandbox for the length of a test."""
    running = start_portal(size, *options)
    try:
        yield running
    finally:
        running.stop()


def calm(portal: Portal) -> Portal:
    """Take back every fault, lag and latency of a portal that tests share; its time goes on, never back."""
    portal.clear_faults()
    portal.admin("search", {"lag": 0, "unordered": False})
    portal.admin("latency", {"ms": 0})
    portal.clock(resume=True)
    portal.reset_stats()
    return portal
