"""The admin API's direct changes, signed webhook sending, Slack with slack_sdk, the pages, and the command line."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from hubspot_platform.hubspot.signatures import verify
from hubspot_platform_tests.support.portal import Portal, portal

SECRET = "demo-client-secret-0001"


def test_the_same_seed_and_size_give_the_same_portal() -> None:
    with portal("small", "--seed", "7") as first, portal("small", "--seed", "7") as second:
        names = ["email", "phone", "firstname"]
        one, two = (
            [(r["id"], *(r["properties"][n] for n in names)) for r in p.dump("contacts", properties=names)]
            for p in (first, second)
        )
        assert one == two
        assert first.links("deals", "contacts") == second.links("deals", "contacts")


def test_records_are_stored_as_given_and_removed_for_good(sandbox: Portal) -> None:
    made = sandbox.change("contacts", "create", properties={"lead_score": "n/a", "jobtitle": "a\x00b"}, id="42")
    assert made["ids"] == ["42"]
    read = sandbox.api("GET", "/crm/v3/objects/contacts/42?properties=lead_score,jobtitle").json()["properties"]
    assert (read["lead_score"], read["jobtitle"]) == ("n/a", "a\x00b")
    assert sandbox.change("contacts", "purge", id="42") == {"purged": 1}
    assert sandbox.api("GET", "/crm/v3/objects/contacts/42?archived=true").status_code == 404


def test_wrong_admin_requests_say_why(sandbox: Portal) -> None:
    for path, body in (
        ("objects/contacts/dance", {}),
        ("objects/contacts/create", {"properties": {"nonsense": "1"}}),
        ("objects/contacts/update", {"id": "1"}),
        ("limits", {"plan": "gold"}),
        ("clock", {"freeze": "2026-01-01T00:00:00"}),
    ):
        answer = sandbox.http.post(f"/sandbox/api/{path}", json=body)
        assert answer.status_code == 400, path
        assert answer.json()["error"]


class Receiver:
    """An HTTP server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        kept = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept.append((dict(self.headers.items()), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/Hubspot/Webhooks/?src=a%3Ab"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    yield running
    running.server.shutdown()
    running.server.server_close()


def test_webhooks_are_sent_in_batches_of_100_signed_with_v1_and_v3(sandbox: Portal, receiver: Receiver) -> None:
    events = [{"subscriptionType": "contact.creation", "objectId": n} for n in range(150)]
    sent = sandbox.admin("webhooks/send", {"target": receiver.url, "events": events})
    assert [(d["events"], d["status"]) for d in sent["deliveries"]] == [(100, 204), (50, 204)]  # type: ignore[index]
    now_ms = int(time.time() * 1000)
    for headers, body in receiver.received:
        checks = {"method": "POST", "uri": receiver.url, "secrets": [SECRET], "now_ms": now_ms}
        assert verify(headers, body, **checks) == "v3"
        only_v1 = {k: v for k, v in headers.items() if not k.lower().endswith("v3")}
        assert verify(only_v1, body, **checks) == "v1"
    event = orjson.loads(receiver.received[0][1])[0]
    assert event["portalId"] == 4242
    assert event["attemptNumber"] == 0


def test_an_unreachable_webhook_target_is_reported(sandbox: Portal) -> None:
    sent = sandbox.admin("webhooks/send", {"target": "http://127.0.0.1:9/", "events": [{"objectId": 1}]})
    assert sent["deliveries"][0]["status"] is None  # type: ignore[index]


def slack(sandbox: Portal, token: str = "xoxb-sandbox") -> WebClient:  # noqa: S107
    return WebClient(token=token, base_url=sandbox.slack_url)


def test_slack_messages_threads_blocks_and_updates(sandbox: Portal) -> None:
    client = slack(sandbox)
    assert client.auth_test()["ok"]
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*Freshness* of <b> & `deals`"}}]
    metadata = {"event_type": "alert", "event_payload": {"incident": "7"}}
    parent = client.chat_postMessage(channel="#hubspot-alerts", text="alert", blocks=blocks, metadata=metadata)
    channel = parent["channel"]
    client.chat_postMessage(channel=channel, text="resolved <https://x.example|here>", thread_ts=parent["ts"])
    client.chat_update(channel=channel, ts=parent["ts"], text="alert (resolved)", blocks=blocks)
    messages = [m for m in sandbox.slack_messages() if m["channel_name"] == "hubspot-alerts"]
    assert [m.get("thread_ts") for m in messages] == [None, parent["ts"]]
    assert messages[0]["metadata"] == metadata
    assert messages[0]["text"] == "alert (resolved)"
    assert len(client.conversations_replies(channel=channel, ts=parent["ts"])["messages"]) == 2
    page = sandbox.http.get("/slack/").text
    assert "<b>Freshness</b> of &lt;b&gt; &amp; <code>deals</code>" in page
    assert '<a href="https://x.example">here</a>' in page
    assert page.index("Freshness") < page.index("resolved")


def test_slack_channels_can_be_listed_and_joined(sandbox: Portal) -> None:
    client = slack(sandbox)
    channels = client.conversations_list()["channels"]
    assert client.conversations_info(channel=channels[0]["id"])["channel"]["name"] == channels[0]["name"]
    assert client.conversations_join(channel=channels[0]["id"])["ok"]


@pytest.mark.parametrize(
    ("token", "channel", "error"),
    [("invalid-x", "general", "invalid_auth"), ("xoxb", "#nowhere", "channel_not_found")],
)
def test_slack_refusals(sandbox: Portal, token: str, channel: str, error: str) -> None:
    with pytest.raises(SlackApiError) as refusal:
        slack(sandbox, token).chat_postMessage(channel=channel, text="x")
    assert refusal.value.response["error"] == error


def test_slack_can_be_told_to_rate_limit(sandbox: Portal) -> None:
    fault = {"error": "ratelimited", "retry_after": 3, "method": "chat.postMessage", "count": 1}
    sandbox.admin("slack/fault", fault)
    with pytest.raises(SlackApiError) as refusal:
        slack(sandbox).chat_postMessage(channel="general", text="x")
    assert refusal.value.response.status_code == 429
    assert refusal.value.response.headers["Retry-After"] == "3"
    assert slack(sandbox).chat_postMessage(channel="general", text="x")["ok"]


def test_the_start_page_shows_counts_and_links(sandbox: Portal) -> None:
    page = sandbox.http.get("/").text
    assert f"<td>{sandbox.state()['counts']['deals']['live']}</td>" in page
    assert 'href="/slack/"' in page


@pytest.mark.parametrize("option", [["--size", "huge"], ["--size", "contacts=10,properties=3"], ["--faults", "/none"]])
def test_wrong_options_end_with_2_and_the_mend(option: list[str]) -> None:
    command = [sys.executable, "-m", "hubspot_platform.sandbox", "--port", "0", *option]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "—" in ended.stderr
    assert "Traceback" not in ended.stderr
