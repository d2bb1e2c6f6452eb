"""HubSpot's request signatures, versions 1 to 3, as pure functions.

The webhook gateway verifies deliveries with `verify`; the sandbox signs the ones it sends with
`delivery_headers`. Neither reads a clock or a setting: time, secrets and URI are passed in.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from hubspot_platform.errors import PlatformError

MAX_AGE_MS = 300_000
MAX_FUTURE_MS = 60_000

HEADER = "x-hubspot-signature"
HEADER_VERSION = "x-hubspot-signature-version"
HEADER_V3 = "x-hubspot-signature-v3"
HEADER_TIMESTAMP = "x-hubspot-request-timestamp"

# the only escapes HubSpot undoes before signing with version 3; all others stay as they are
_DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'",
    "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip


class SignatureRefused(PlatformError):
    """A request whose signature does not hold; `rule` names the check that failed."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def decode_uri(uri: str) -> str:
    """Return the URI as version 3 signs it: twelve escapes undone (either case), everything else untouched.

    The pieces are replaced in one pass, so that an escaped percent sign (`%253A`) stays escaped.
    """
    parts = uri.split("%")
    decoded = [parts[0]]
    for part in parts[1:]:
        plain = _DECODED.get("%" + part[:2].upper())
        decoded.append(f"%{part}" if plain is None else plain + part[2:])
    return "".join(decoded)


def sign_v1(secret: str, body: bytes) -> str:
    """Return the version 1 digest: hexadecimal SHA-256 of secret and raw body."""
    return hashlib.sha256(secret.encode() + body).hexdigest()


def sign_v2(secret: str, method: str, uri: str, body: bytes) -> str:
    """Return the version 2 digest: hexadecimal SHA-256 of secret, method, URI as called, and raw body."""
    return hashlib.sha256((secret + method.upper() + uri).encode() + body).hexdigest()


def sign_v3(secret: str, method: str, uri: str, body: bytes, timestamp_ms: int) -> str:
    """Return the version 3 signature: base64 HMAC-SHA-256 of method, decoded URI, raw body and epoch ms."""
    message = (method.upper() + decode_uri(uri)).encode() + body + str(timestamp_ms).encode()
    return base64.b64encode(hmac.digest(secret.encode(), message, "sha256")).decode()


def delivery_headers(secret: str, uri: str, body: bytes, timestamp_ms: int) -> dict[str, str]:
    """Return the headers of a webhook delivery: HubSpot sends versions 1 and 3 together."""
    return {
        "X-HubSpot-Signature": sign_v1(secret, body),
        "X-HubSpot-Signature-Version": "v1",
        "X-HubSpot-Signature-v3": sign_v3(secret, "POST", uri, body, timestamp_ms),
        "X-HubSpot-Request-Timestamp": str(timestamp_ms),
    }


def verify(
    headers: Mapping[str, str],
    body: bytes,
    *,
    method: str,
    uri: str,
    secrets: Sequence[str],
    now_ms: int,
) -> str:
    """Check a request and return the version that held: `v3` when its header is there, else `v1` or `v2`.

    `headers` may have names in any case; `uri` is the full public URL HubSpot called, query included;
    `secrets` are the app's client secrets (old and new during a rotation). Raises SignatureRefused.
    """
    given = {name.lower(): value for name, value in headers.items()}
    if not any(secrets):
        raise SignatureRefused("no_secret", "no client secret to check the signature with")
    if HEADER_V3 in given:
        _verify_v3(given, (method, uri, body), secrets, now_ms)
        return "v3"
    signature = given.get(HEADER)
    if not signature:
        raise SignatureRefused("missing", "the request carries no signature")
    version = given.get(HEADER_VERSION, "v1")
    if version == "v1":
        expected = [sign_v1(s, body) for s in secrets if s]
    elif version == "v2":
        expected = [sign_v2(s, method, uri, body) for s in secrets if s]
    else:
        raise SignatureRefused("unknown_version", "the signature version is unknown")
    _compare(signature, expected)
    return version


def _verify_v3(given: Mapping[str, str], request: tuple[str, str, bytes], secrets: Sequence[str], now_ms: int) -> None:
    stamp = given.get(HEADER_TIMESTAMP, "")
    if not (stamp.isascii() and stamp.isdigit()):
        raise SignatureRefused("timestamp", "the request timestamp is missing or not a number")
    age = now_ms - int(stamp)
    if age > MAX_AGE_MS:
        raise SignatureRefused("stale", f"the request is older than {MAX_AGE_MS // 1000} s")
    if age < -MAX_FUTURE_MS:
        raise SignatureRefused("future", f"the request is more than {MAX_FUTURE_MS // 1000} s in the future")
    method, uri, body = request
    expected = [sign_v3(s, method, uri, body, int(stamp)) for s in secrets if s]
    _compare(given[HEADER_V3], expected)


def _compare(given: str, expected: Sequence[str]) -> None:
    """Compare with every secret's digest, always all of them, so that timing tells nothing."""
    candidate = given.encode()
    held = [hmac.compare_digest(candidate, e.encode()) for e in expected]
    if not any(held):
        raise SignatureRefused("mismatch", "the signature does not match")
