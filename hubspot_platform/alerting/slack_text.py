"""Slack's limits and escaping: how any text becomes blocks that fit and never mention anybody.

Used by the message builders; the Slack connector sends what they return.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

BLOCK_CHARACTERS = 2_900
BLOCKS = 45
HEADER_CHARACTERS = 150

Block = dict[str, Any]

_BROADCAST = re.compile(r"@(?=(?:channel|here|everyone|group)\b)", re.IGNORECASE)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True)
class SlackMessage:
    """One call's worth of message: a plain-text fallback, blocks, and metadata by which a resend is
    recognised.
    """

    text: str
    blocks: Sequence[Block] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


def escape(text: str) -> str:
    """Escape text for mrkdwn: `&`, `<`, `>` as entities; a zero-width space breaks `@channel` and its kin."""
    return _BROADCAST.sub("@\u200b", "".join(_ENTITIES.get(character, character) for character in text))


def escaped_parts(text: str, longest: int = BLOCK_CHARACTERS) -> list[str]:
    """Escape a text and split it into parts of at most `longest` characters, never inside an entity.

    Splits at the last line end or space of a part when one lies in its second half.
    """
    parts: list[str] = []
    rest = text
    while rest:
        size = 0
        end = 0
        for character in rest:
            size += len(_ENTITIES.get(character, character)) + (character == "@")
            if size > longest:
                break
            end += 1
        if end < len(rest):
            end = _gap(rest, end)
        parts.append(escape(rest[:end]))
        rest = rest[end:].lstrip("\n ") if end < len(rest) else ""
    return parts


def _gap(text: str, end: int) -> int:
    for gap in ("\n", " "):
        at = text.rfind(gap, end // 2, end)
        if at > 0:
            return at
    return end


def header(text: str) -> Block:
    """Return a header block; header text is plain, so nothing in it can fire."""
    plain = _BROADCAST.sub("@\u200b", text)
    if len(plain) > HEADER_CHARACTERS:
        plain = plain[: HEADER_CHARACTERS - 1] + "…"
    return {"type": "header", "text": {"type": "plain_text", "text": plain, "emoji": True}}


def section(mrkdwn: str) -> Block:
    """Return a section of already escaped mrkdwn; verbatim keeps names and addresses from becoming links."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn, "verbatim": True}}


def context(mrkdwn: str) -> Block:
    """Return a small-print block of already escaped mrkdwn."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": mrkdwn, "verbatim": True}]}


def sections(text: str) -> list[Block]:
    """Return raw text as as many sections as it needs."""
    return [section(part) for part in escaped_parts(text)]


def pages(blocks: Iterable[Block]) -> list[list[Block]]:
    """Split blocks into messages of at most 45; what does not fit the first goes to the thread."""
    every = list(blocks)
    return [every[at : at + BLOCKS] for at in range(0, len(every), BLOCKS)] or [[]]
