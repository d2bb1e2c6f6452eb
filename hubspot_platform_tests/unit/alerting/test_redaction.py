"""What never reaches a table or Slack (fault table: personal data or token in a failing sample)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_platform.alerting.redaction import redact


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("owner ana.lopez+x@example.co.uk wrote", "owner [e-mail] wrote"),
        ("?email=ana%40example.com&x=1", "[e-mail]&x=1"),
        ('"ana lopez"@example.com', "[e-mail]"),
        ("call +49 30 901820-12 now", "call [phone] now"),
        ("call +14155552671", "call [phone]"),
        ("call (415) 555-2671", "call [phone]"),
        ("phone: 4155552671", "phone: [phone]"),
        ('"mobilephone": "0176 12345678"', '"mobilephone": "[phone]"'),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: [secret]"),
        ("token pat-na1-0a1b2c3d-1111-2222-3333-444455556666", "token [secret]"),
        ("xoxb-1234567890-abcdef", "[secret]"),
        ('{"access_token": "s3cr3t"}', '{"access_token": "[secret]"}'),
        ("client_secret=abc&x=1", "client_secret=[secret]&x=1"),
        ("postgresql://bi:hunter2@db/x", "postgresql://[secret]@db/x"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "[secret]"),
    ],
)
def test_personal_values_and_secrets_go(text, redacted):
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "Sample: 12345678901, 151, 4155552671",
        "at 2026-11-21 06:56:59 UTC against 2026-11-20",
        "run 0f2a7c1e-1b2c-4d5e-8f90-a1b2c3d4e5f6",
        "hubspot/contact: 7 of 1,234,567 rows (0.57 %)",
        "window 2026-11-21T06:00:00+00:00",
        "al_17e6106d1add01c0f6c9",
        "0 secrets and no token were found",
    ],
)
def test_record_ids_times_and_numbers_stay(text):
    assert redact(text) == text


def test_control_and_direction_characters_go():
    assert redact("a\x00b\u202ec\u200bd") == "a b c d"


@given(st.emails(), st.text(max_size=20))
def test_no_address_survives(address, text):
    assert address not in redact(f"{text} {address} {text}")
