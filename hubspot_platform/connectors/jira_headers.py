"""What Jira's webhooks carry in their headers: the signature of an admin webhook with a secret, and an identifier.

`X-Atlassian-Webhook-Identifier` is the same for every attempt at one event. The gateway checks, the sandbox signs.
"""

import hmac
from collections.abc import Sequence
from typing import Final

from hubspot_platform.errors import PlatformError

SIGNATURE_HEADER: Final = "x-hub-signature"
IDENTIFIER_HEADER: Final = "x-atlassian-webhook-identifier"


class SignatureRefused(PlatformError):
    """The signature is missing or does not match."""


def sign(secret: str, body: bytes) -> str:
    """Return the value of `X-Hub-Signature`: `sha256=` and the hexadecimal HMAC-SHA-256 of the raw body."""
    return f"sha256={hmac.digest(secret.encode(), body, 'sha256').hex()}"


def check_signature(signature: str, body: bytes, secrets: Sequence[str]) -> None:
    """Compare with the signature of every secret, in constant time; raises SignatureRefused."""
    held = [hmac.compare_digest(signature.encode(), sign(secret, body).encode()) for secret in secrets]
    if not any(held):
        raise SignatureRefused("the signature does not match")
