"""HubSpot's signatures: the published vectors, our own, and what must be refused."""

import pytest

from hubspot_platform.hubspot.signatures import (
    SignatureRefused,
    decode_uri,
    delivery_headers,
    sign_v1,
    sign_v2,
    sign_v3,
    verify,
)

FAQ_SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
FAQ_BODY = (
    b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
    b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM",'
    b'"changeFlag":"NEW","appId":54321}]'
)
SECRET = "demo-client-secret-0001"
NOW = 1767225600000
URI = "https://hooks.example.test/Hubspot/Webhooks/General"
BODY = (
    '[{"eventId":101,"subscriptionId":7,"portalId":4242,"appId":99,"occurredAt":1767225599000,'
    '"subscriptionType":"company.propertyChange","attemptNumber":0,"objectId":5501,"propertyName":"name",'
    '"propertyValue":"Zoë & Co","changeSource":"CRM_UI"}]'
).encode()
TRICKY = "https://hooks.example.test/Hubspot/ContactWebhooks/?src=a%3Ab%2Fc%40d&q=x%20y&plus=a+b&keep=a%26b"
TRICKY_V3 = "jkVEdR+6a/LQZqHH6zLa3pNKcF4X/kslYSoLrOTZyWY="
LEFT_ENCODED_V3 = "3pIoBAJq7rLLHxX45FL3mB8TDNYpAu+r6jymv98IFvQ="
FULLY_DECODED_V3 = "Aab+JNvg48mbLXHXvkr5KEz8ZEUDewxRPi+tK8bmK0w="


def check(
    headers: dict[str, str], body: bytes = BODY, *, uri: str = URI, now_ms: int = NOW, method: str = "POST"
) -> str:
    return verify(headers, body, method=method, uri=uri, secrets=[SECRET], now_ms=now_ms)


def test_the_body_of_the_vectors_has_its_published_length() -> None:
    assert len(BODY) == 242


def test_published_v2_vector() -> None:
    expected = "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"
    assert sign_v2(FAQ_SECRET, "GET", "https://www.example.com/webhook_uri", b"") == expected


def test_published_v1_vector() -> None:
    assert sign_v1(FAQ_SECRET, FAQ_BODY) == "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"


def test_own_v1_and_v2_vectors() -> None:
    assert sign_v1(SECRET, BODY) == "43511b20d0c6a749cc93c2e42a79b87ecfc0bb5e8578134d5552a54438f7b455"
    assert sign_v2(SECRET, "POST", URI, BODY) == "1c80d17c57775ffda4e0744e2f3766dfcee54513349c839ade6189bd2dc8f4bb"


@pytest.mark.parametrize(
    ("method", "body", "expected"),
    [
        ("POST", BODY, "Q5el+T0/I4rc+ui4sgGlNTPluS671ByY7b6jfUir61Q="),
        ("GET", b"", "1SUf8A1Ob+TGKMNUVC5slN1raIq51R7SIgu4HqPQorU="),
    ],
)
def test_own_v3_vectors(method: str, body: bytes, expected: str) -> None:
    assert sign_v3(SECRET, method, URI, body, NOW) == expected


def test_v3_decodes_exactly_twelve_escapes() -> None:
    expected = "https://hooks.example.test/Hubspot/ContactWebhooks/?src=a:b/c@d&q=x%20y&plus=a+b&keep=a%26b"
    assert decode_uri(TRICKY) == expected
    assert sign_v3(SECRET, "POST", TRICKY, BODY, NOW) == TRICKY_V3
    assert decode_uri("%3a%3A%2f%3F%40%21%24%27%28%29%2A%2C%3B") == "::/?@!$'()*,;"
    assert decode_uri("%20%26%2B%25%253A%") == "%20%26%2B%25%253A%"


@pytest.mark.parametrize("wrong", [LEFT_ENCODED_V3, FULLY_DECODED_V3])
def test_v3_of_another_decoding_is_refused(wrong: str) -> None:
    headers = {"X-HubSpot-Signature-v3": wrong, "X-HubSpot-Request-Timestamp": str(NOW)}
    with pytest.raises(SignatureRefused):
        check(headers, uri=TRICKY)


def test_a_delivery_is_accepted_by_its_v3_signature_whatever_the_case_of_header_names() -> None:
    headers = delivery_headers(SECRET, URI, BODY, NOW)
    assert check(headers) == "v3"
    assert check({k.lower(): v for k, v in headers.items()}) == "v3"


def test_v1_and_v2_alone_are_accepted() -> None:
    assert check({"X-HubSpot-Signature": sign_v1(SECRET, BODY), "X-HubSpot-Signature-Version": "v1"}) == "v1"
    v2 = {"X-HubSpot-Signature": sign_v2(SECRET, "POST", URI, BODY), "X-HubSpot-Signature-Version": "v2"}
    assert check(v2) == "v2"


def test_a_bad_v3_signature_is_not_rescued_by_a_good_v1_one() -> None:
    headers = delivery_headers(SECRET, URI, BODY, NOW) | {"X-HubSpot-Signature-v3": TRICKY_V3}
    with pytest.raises(SignatureRefused) as refusal:
        check(headers)
    assert refusal.value.rule == "mismatch"


@pytest.mark.parametrize(
    ("now_ms", "rule"),
    [(NOW + 300_000, None), (NOW + 300_001, "stale"), (NOW - 60_000, None), (NOW - 60_001, "future")],
)
def test_v3_holds_for_five_minutes_and_one_minute_ahead(now_ms: int, rule: str | None) -> None:
    headers = delivery_headers(SECRET, URI, BODY, NOW)
    if rule is None:
        assert check(headers, now_ms=now_ms) == "v3"
        return
    with pytest.raises(SignatureRefused) as refusal:
        check(headers, now_ms=now_ms)
    assert refusal.value.rule == rule


@pytest.mark.parametrize("stamp", ["", "soon", "-5", "1.5", "١٢٣"])
def test_v3_needs_a_timestamp_that_is_a_number(stamp: str) -> None:
    headers = delivery_headers(SECRET, URI, BODY, NOW) | {"X-HubSpot-Request-Timestamp": stamp}
    with pytest.raises(SignatureRefused) as refusal:
        check(headers)
    assert refusal.value.rule == "timestamp"


@pytest.mark.parametrize(
    "change",
    [{"body": BODY[:-1]}, {"body": b""}, {"uri": URI.lower()}, {"method": "PUT"}],
)
def test_a_changed_request_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SignatureRefused):
        check(delivery_headers(SECRET, URI, BODY, NOW), **change)  # type: ignore[arg-type]


def test_no_signature_an_unknown_version_and_no_secret_are_refused() -> None:
    for headers, rule in (
        ({}, "missing"),
        ({"X-HubSpot-Signature": "x", "X-HubSpot-Signature-Version": "v9"}, "unknown_version"),
    ):
        with pytest.raises(SignatureRefused) as refusal:
            check(headers)
        assert refusal.value.rule == rule
    with pytest.raises(SignatureRefused):
        verify({}, b"", method="POST", uri=URI, secrets=[""], now_ms=NOW)


def test_old_and_new_secret_are_accepted_during_a_rotation() -> None:
    headers = delivery_headers("old-secret", URI, BODY, NOW)
    held = verify(headers, BODY, method="POST", uri=URI, secrets=["new-secret", "old-secret"], now_ms=NOW)
    assert held == "v3"


def test_our_signature_equals_the_one_of_hubspots_own_library_where_nothing_needs_decoding() -> None:
    from hubspot.utils.signature import Signature

    theirs = Signature.get_signature(
        client_secret=SECRET,
        request_body=BODY.decode(),
        signature_version="v3",
        http_uri=URI,
        http_method="POST",
        timestamp=str(NOW),
    )
    assert theirs == sign_v3(SECRET, "POST", URI, BODY, NOW)
