"""Takes personal values and secrets out of texts before they are stored or sent.

Used on every observation before the machine sees it, so that neither `hubspot_alerts` nor Slack ever holds
them (data quality rules: samples hold record ids and redacted values only). Plain digits stay: they are
record ids.
"""

import re
from dataclasses import replace

from hubspot_platform.alerting.model import Observation

LONGEST_DETAIL = 12_000
LONGEST_TITLE = 250

_SECRETS = re.compile(
    r"""(?ix)
      xox[a-z]-[\w-]{8,} | xapp-[\w-]{8,}
    | \bpat-[a-z]{2}\d-[0-9a-f-]{20,}
    | \beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?
    | \b(?:sk|rk|pk)_(?:live|test)_\w{8,}
    | \bAKIA[0-9A-Z]{12,}
    | \bgh[pousr]_\w{16,}
    | (?:(?<=bearer\ )|(?<=basic\ ))[\w.~+/=-]{8,}
    | (?<![\w-])(?=[\w+]*\d)(?=[\w+]*[a-z])[\w+]{41,}={0,2}(?![\w-])
    """
)
_NAMED_SECRETS = re.compile(
    r"(?i)\b([\w-]*(?:token|secret|passw(?:or)?d|api[_-]?key|authorization|hapikey))"
    r"(\\?[\"']?\s*[:=]\s*\\?[\"']?)(?!\[)((?:bearer|basic)\s+)?[^\s\"',;&}\\]+"
)
_URL_LOGIN = re.compile(r"(://)[^/\s:@]*:[^/\s@]+@")
_EMAIL = re.compile(r"(?i)[\w.!#$%&'*+/=?^`{|}~-]+(?:@|%40)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}")
_QUOTED_EMAIL = re.compile(r"(?i)\"[^\"\n]{1,64}\"@[a-z0-9.-]+")
_NAMED_PHONE = re.compile(
    r"(?i)\b([\w-]*(?:phone|mobile|telephone|fax|whatsapp)[\w-]*)(\\?[\"']?\s*[:=]\s*\\?[\"']?)[+(\d][\d\s().-]{5,}\d"
)
_PHONE = re.compile(
    r"(?<![\w.+])(?:\+|00)[1-9](?:[\s().-]{0,2}\d){7,14}(?!\d)"
    r"|(?<![\w.-])(?:\(\d{2,4}\)\s?|\d{3}[\s.-])\d{3}[\s.-]\d{4}(?![\d-])"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def redact(text: str) -> str:
    """Return the text without e-mail addresses, phone numbers, tokens, passwords and control characters."""
    text = _CONTROL.sub(" ", text)
    text = _URL_LOGIN.sub(r"\1[secret]@", text)
    text = _NAMED_SECRETS.sub(r"\1\2[secret]", text)
    text = _SECRETS.sub("[secret]", text)
    text = _QUOTED_EMAIL.sub("[e-mail]", text)
    text = _EMAIL.sub("[e-mail]", text)
    text = _NAMED_PHONE.sub(r"\1\2[phone]", text)
    return _PHONE.sub("[phone]", text)


def redact_observation(seen: Observation) -> Observation:
    """Return the measurement with every free text redacted and cut to the length that is stored."""
    topic = replace(
        seen.topic,
        subject=cut(redact(seen.topic.subject), LONGEST_TITLE),
        title=cut(redact(seen.topic.title), LONGEST_TITLE),
    )
    return replace(
        seen,
        topic=topic,
        detail=cut(redact(seen.detail), LONGEST_DETAIL),
        mend=cut(redact(seen.mend), LONGEST_TITLE * 2),
    )


def cut(text: str, longest: int) -> str:
    """Return the text, or its beginning with an ellipsis when it is longer."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
