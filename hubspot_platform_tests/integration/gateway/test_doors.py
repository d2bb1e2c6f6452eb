"""Who may bring events, and what happens to everybody else: nothing is parsed, nothing is stored."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hubspot_platform.gateway import app, exchange, server
from hubspot_platform.gateway.conditions import LEGACY_SIGNATURE, REFUSED_SENDERS
from hubspot_platform.hubspot.signatures import delivery_headers, sign_v1, sign_v2
from hubspot_platform_tests.support.gateway import GENERAL, SECRET, USER, Running, event, running_gateway

LEGACY = "/Hubspot/Webhooks/"
PAYMENTS = "/bi/api/PaymentEvents/"
PUBLIC = "https://hooks.example.test/in"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One gateway on SQLite: what it refuses never reaches a store."""
    home = tmp_path_factory.mktemp("doors")
    secrets = f"{SECRET},new-secret"
    with running_gateway(home, f"sqlite:///{home / 'state.sqlite'}", hubspot_app_secrets=secrets) as found:
        yield found


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def connection(running: Running) -> socket.socket:
    parts = urlsplit(running.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)


def test_case_005_without_a_sound_signature_nothing_is_parsed_or_stored(gateway: Running) -> None:
    body = b"[not even JSON"
    signed = delivery_headers(SECRET, f"{gateway.url}{GENERAL}", body, now_ms())
    truncated = signed | {"X-HubSpot-Signature-v3": signed["X-HubSpot-Signature-v3"][:-4]}
    before = gateway.metric("hubspot_platform_webhook_refusals_total", endpoint="hubspot_general", reason="mismatch")

    assert gateway.post(GENERAL, body).status_code == 401
    assert gateway.post(GENERAL, body, truncated).status_code == 401
    refused = gateway.deliver([event(1)], secret="guessed")
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    assert gateway.rows() == []
    assert (
        gateway.metric("hubspot_platform_webhook_refusals_total", endpoint="hubspot_general", reason="mismatch")
        == before + 2
    )


@pytest.mark.parametrize(("age_ms", "status"), [(301_000, 401), (299_000, 200), (-59_000, 200), (-120_000, 401)])
def test_case_006_a_signature_is_good_for_five_minutes(gateway: Running, age_ms: int, status: int) -> None:
    assert gateway.deliver([event(1)], at_ms=now_ms() - age_ms).status_code == status
    assert len(gateway.rows()) == (status == 200)


def test_case_006_a_timestamp_that_is_no_number_is_refused(gateway: Running) -> None:
    body = json.dumps([event(1)]).encode()
    signed = delivery_headers(SECRET, f"{gateway.url}{GENERAL}", body, now_ms())
    assert gateway.post(GENERAL, body, signed | {"X-HubSpot-Request-Timestamp": "yesterday"}).status_code == 401


def test_case_007_old_signatures_are_refused_by_default(gateway: Running) -> None:
    body = json.dumps([event(1)]).encode()
    first = {"X-HubSpot-Signature": sign_v1(SECRET, body), "X-HubSpot-Signature-Version": "v1"}
    for path in (LEGACY, GENERAL):
        assert gateway.post(path, body, first).status_code == 401


def test_case_007_old_signatures_pass_only_at_the_legacy_door_and_raise_an_alert(tmp_path: Path) -> None:
    state = f"sqlite:///{tmp_path / 'state.sqlite'}"
    with running_gateway(tmp_path, state, gateway_legacy_signatures=True) as gateway:
        body = json.dumps([event(1)]).encode()
        first = {"X-HubSpot-Signature": sign_v1(SECRET, body), "X-HubSpot-Signature-Version": "v1"}
        second = {
            "X-HubSpot-Signature": sign_v2(SECRET, "POST", f"{gateway.url}{LEGACY}", body),
            "X-HubSpot-Signature-Version": "v2",
        }
        assert [gateway.post(LEGACY, body, headers).status_code for headers in (first, second)] == [200, 200]
        assert [gateway.post(GENERAL, body, headers).status_code for headers in (first, second)] == [401, 401]
        assert gateway.gateway is not None
        told = gateway.gateway.conditions.due(gateway.store.now())
        assert [seen.topic.condition for seen in told] == [LEGACY_SIGNATURE.name]


def test_case_008_the_configured_public_url_is_what_was_signed(tmp_path: Path) -> None:
    """A proxy took the prefix away and changed the host; escapes in the query stay as they came."""
    path = "/Hubspot/ContactWebhooks/?src=a%3Ab%2Fc%40d&q=x%20y&plus=a+b&keep=a%26b"
    body = json.dumps([event(1)]).encode()
    state = f"sqlite:///{tmp_path / 'state.sqlite'}"
    with running_gateway(tmp_path, state, gateway_public_url=PUBLIC) as gateway:

        def post(signed_uri: str) -> int:
            with closing(http.client.HTTPConnection(urlsplit(gateway.url).netloc)) as direct:
                direct.request("POST", path, body, delivery_headers(SECRET, signed_uri, body, now_ms()))
                return direct.getresponse().status

        assert post(f"{PUBLIC}{path}") == 200
        assert post(f"{gateway.url}{path}") == 401
        assert post(f"{PUBLIC}{path}".replace("%26", "&")) == 401


def test_case_009_a_body_that_was_written_anew_on_its_way_is_refused(gateway: Running) -> None:
    compact = json.dumps([event(1, propertyValue="Zoë")], separators=(",", ":"), ensure_ascii=False).encode()
    signed = delivery_headers(SECRET, f"{gateway.url}{GENERAL}", compact, now_ms())
    before = gateway.metric("hubspot_platform_webhook_refusals_total", endpoint="hubspot_general", reason="mismatch")
    for rewritten in (json.dumps(json.loads(compact)).encode(), compact.replace("ë".encode(), b"\\u00eb")):
        assert gateway.post(GENERAL, rewritten, signed).status_code == 401
    assert (
        gateway.metric("hubspot_platform_webhook_refusals_total", endpoint="hubspot_general", reason="mismatch")
        == before + 2
    )
    assert gateway.post(GENERAL, compact, signed).status_code == 200


def test_case_010_both_secrets_hold_while_they_rotate(gateway: Running) -> None:
    assert gateway.deliver([event(1)], secret=SECRET).status_code == 200
    assert gateway.deliver([event(2)], secret="new-secret").status_code == 200
    assert gateway.deliver([event(3)], secret="").status_code == 401
    assert len(gateway.rows()) == 2


def test_case_011_a_body_without_end_is_refused_while_it_streams(gateway: Running) -> None:
    head = f"POST {GENERAL} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    before = gateway.metric("hubspot_platform_webhook_refusals_total", endpoint="hubspot_general", reason="too_large")
    sent = 0
    with connection(gateway) as client:
        client.sendall(head)
        with suppress(OSError):
            while sent < 100_000_000:
                client.sendall(chunk)
                sent += 65_536
        assert sent < 100_000_000, "the gateway read all of it"
    with connection(gateway) as client:
        client.sendall(f"POST {GENERAL} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000001\r\n\r\n".encode())
        assert client.recv(4096).startswith(b"HTTP/1.1 413")
    assert (
        gateway.metric("hubspot_platform_webhook_refusals_total", endpoint="hubspot_general", reason="too_large")
        == before + 2
    )


@pytest.mark.parametrize("chunked", [False, True])
def test_who_sends_all_of_a_body_that_is_too_long_before_reading_reads_its_refusal(
    gateway: Running, chunked: bool
) -> None:
    parts = urlsplit(gateway.url)
    body = b"x" * 10_485_760
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)) as client:
        client.request("POST", GENERAL, iter([body]) if chunked else body, encode_chunked=chunked)
        answer = client.getresponse()
        assert (answer.status, json.load(answer)["reason"]) == (413, "too_large")


def test_who_is_refused_and_keeps_silent_is_let_go(gateway: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "UNREAD_SECONDS", 0.2)
    with connection(gateway) as client:
        client.sendall(f"POST {GENERAL} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000001\r\n\r\n".encode())
        received = b""
        while more := client.recv(4096):
            received += more
    assert received.startswith(b"HTTP/1.1 413")


def test_case_019_a_slow_client_is_let_go_and_disturbs_nobody(
    gateway: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEADER_SECONDS", 0.2)
    monkeypatch.setattr(app, "BODY_SECONDS", 0.2)
    with connection(gateway) as silent, connection(gateway) as slow_head, connection(gateway) as slow_body:
        slow_head.sendall(f"POST {GENERAL} HTTP/1.1\r\nHo".encode())
        slow_body.sendall(f"POST {GENERAL} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n[".encode())
        assert gateway.deliver([event(1)]).status_code == 200
        assert slow_body.recv(4096).startswith(b"HTTP/1.1 408")
        assert slow_head.recv(4096) == b""
        assert silent.recv(4096) == b""


def test_case_023_only_posts_to_known_paths_and_nothing_is_reflected(gateway: Running) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        refused = gateway.http.request(method, f"{gateway.url}{GENERAL}")
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    for path in ("/Hubspot/Webhooks/../../etc/passwd", "/Hubspot/%2e%2e/secret", "/hubspot/webhooks/", "/x<script>"):
        found = gateway.http.post(f"{gateway.url}{path}", content=b"[]")
        assert found.status_code == 404
        assert "passwd" not in found.text
        assert "script" not in found.text
    with connection(gateway) as raw:
        raw.sendall(f"POST {GENERAL} HTTP/1.1\r\nHost: x\r\nX-A: b\nInjected\x00: c\r\n\r\n".encode())
        assert raw.recv(4096).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("user", ["chargebee:pass", "chargebee:pass:words", "charge:bee", ":", "other:pass:word"])
def test_wrong_credentials_of_the_payment_door(gateway: Running, user: str) -> None:
    refused = gateway.pay({"id": "ev_1"}, user)
    assert (refused.status_code, refused.headers["www-authenticate"][:5]) == (401, "Basic")


def test_the_payment_door_splits_credentials_at_the_first_colon_and_takes_two(tmp_path: Path) -> None:
    users = f"{USER},next:secret"
    with running_gateway(tmp_path, f"sqlite:///{tmp_path / 's.sqlite'}", chargebee_webhook_users=users) as gateway:
        assert [gateway.pay({"id": "ev_1"}, user).status_code for user in (USER, "next:secret")] == [200, 200]
        for header in ("Basic !!!", "Bearer abc", "Basic"):
            assert gateway.post(PAYMENTS, b"{}", {"Authorization": header}).status_code == 401


def test_jiras_door_wants_its_signature(gateway: Running) -> None:
    assert gateway.report_issue({}, secret="guessed").status_code == 401
    assert gateway.post("/jira/webhooks", b"{}").status_code == 401
    assert gateway.rows() == []


def test_doors_without_configured_secrets_are_closed(tmp_path: Path) -> None:
    closed = {"hubspot_app_secrets": "", "chargebee_webhook_users": "", "jira_webhook_secrets": "", "topic_tokens": ""}
    with running_gateway(tmp_path, f"sqlite:///{tmp_path / 's.sqlite'}", **closed) as gateway:
        bearer = {"Authorization": "Bearer x"}
        answers = [
            gateway.deliver([event(1)], secret=""),
            gateway.pay({}, ":"),
            gateway.report_issue({}, secret=""),
            gateway.post("/events/company_usage_changed", b"{}", bearer),
        ]
        assert [answer.status_code for answer in answers] == [401] * 4


def test_one_address_may_not_call_too_often(tmp_path: Path) -> None:
    """Refused before the signature is looked at; addresses behind a trusted proxy count one by one."""
    more = {"gateway_rate_limit": 2, "gateway_trusted_proxies": "127.0.0.0/8"}
    with running_gateway(tmp_path, f"sqlite:///{tmp_path / 's.sqlite'}", **more) as gateway:
        first = {"X-Forwarded-For": "203.0.113.5"}
        statuses = [gateway.post(GENERAL, b"[]", first).status_code for _ in range(4)]
        refused = gateway.post(GENERAL, b"[]", first)
        assert (statuses, refused.status_code, refused.headers["retry-after"]) == ([401] * 4, 429, "1")
        spoofed = {"X-Forwarded-For": "198.51.100.9, 203.0.113.5"}
        assert gateway.post(GENERAL, b"[]", spoofed).status_code == 429
        assert gateway.post(GENERAL, b"[]", {"X-Forwarded-For": "198.51.100.9"}).status_code == 401


def test_repeated_refusals_become_an_alert_without_anything_of_the_requests(
    gateway: Running, caplog: pytest.LogCaptureFixture
) -> None:
    assert gateway.gateway is not None
    gateway.gateway.conditions.due(gateway.store.now())
    for _ in range(10):
        gateway.deliver([event(1, propertyValue="ada@example.com")], secret="guessed-secret")
    (told,) = gateway.gateway.conditions.due(gateway.store.now())
    assert told.topic.condition == REFUSED_SENDERS.name
    said = f"{told} {caplog.text}"
    assert "ada@example.com" not in said
    assert "guessed-secret" not in said


def test_health_and_metrics_are_on_a_port_of_their_own(gateway: Running) -> None:
    gateway.deliver([event(1)])
    for path in ("/healthz", "/readyz", "/metrics"):
        assert gateway.http.get(f"{gateway.admin_url}{path}").status_code == 200
        assert gateway.http.get(f"{gateway.url}{path}").status_code == 404
    page = gateway.http.get(f"{gateway.admin_url}/metrics").text
    assert 'hubspot_platform_queue_depth{queue="matrix.hubspot_company_webhook_events",status="ready"} 1.0' in page
    assert 'hubspot_platform_queue_depth{queue="matrix.hubspot_call_webhook_events",status="ready"} 0.0' in page
    reader = 'queue="matrix.hubspot_company_aggregator",topic="company_metadata_changed"'
    waiting = f"hubspot_platform_topic_events_waiting{{{reader}}}"
    assert f"{waiting} 0.0" in page
    described = gateway.http.get(f"{gateway.url}/openapi.json").json()
    assert {"/Hubspot/Webhooks/", "/jira/webhooks", "/events/{topic}"} <= described["paths"].keys()
