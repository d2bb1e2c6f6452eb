"""The page `/slack/`: the received messages as people would see them, replies under their parents."""

import html
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

Json = Mapping[str, object]

_STYLE = """
:root{color-scheme:light}
body{margin:0;font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;color:#1d1c1d;background:#f4f4f6}
header{background:#3f0e40;color:#fff;padding:14px 28px;display:flex;gap:18px;align-items:baseline}
header h1{font-size:18px;margin:0}header a{color:#d9c3da;text-decoration:none;font-size:14px}
main{max-width:860px;margin:22px auto 60px;padding:0 20px}
h2{font-size:16px;margin:26px 0 8px;color:#454245}
.thread{background:#fff;border:1px solid #e2e2e5;border-radius:10px;padding:14px 18px;margin-bottom:12px}
.message{display:flex;gap:12px}.avatar{flex:none;width:36px;height:36px;border-radius:7px;background:#ff7a59;
color:#fff;font-weight:700;display:flex;align-items:center;justify-content:center}
.body{min-width:0;flex:1}.who{font-weight:700}.when,.note{color:#616061;font-size:12.5px;margin-left:7px}
.replies{margin:12px 0 0 18px;padding-left:18px;border-left:2px solid #e2e2e5;display:grid;gap:12px}
.replies .avatar{width:26px;height:26px;font-size:12px;border-radius:5px}
.block{margin:4px 0;white-space:pre-wrap;overflow-wrap:anywhere}.head{font-weight:700;font-size:16px}
.fields{display:grid;grid-template-columns:1fr 1fr;gap:4px 18px}.context{color:#616061;font-size:12.5px}
.attachment{border-left:4px solid #ddd;padding-left:12px;margin:6px 0}hr{border:0;border-top:1px solid #e2e2e5}
code{background:#f3f3f5;border:1px solid #e2e2e5;border-radius:4px;padding:0 4px;font-size:13px}
pre{background:#f3f3f5;border:1px solid #e2e2e5;border-radius:6px;padding:8px 10px;margin:4px 0;overflow:auto}
.button{display:inline-block;border:1px solid #bbb;border-radius:6px;padding:3px 12px;margin:4px 6px 0 0;
font-weight:600;color:inherit;text-decoration:none}
.empty{color:#616061;background:#fff;border:1px dashed #cfcfd4;border-radius:10px;padding:26px;text-align:center}
"""
# drawn as plain coloured signs, which every machine has a glyph for: name, emoji, sign, colour
_SIGNS = (
    ("rotating_light", "🚨", "▲", "#d83a34"),
    ("warning", "⚠️", "▲", "#d9a400"),
    ("white_check_mark", "✅", "✔", "#2b8a3e"),
    ("x", "❌", "✖", "#d83a34"),
    ("red_circle", "🔴", "●", "#d83a34"),
    ("large_orange_circle", "🟠", "●", "#e8820c"),
    ("large_yellow_circle", "🟡", "●", "#d9a400"),
    ("large_green_circle", "🟢", "●", "#2b8a3e"),
    ("large_blue_circle", "🔵", "●", "#1264a3"),
    ("information_source", "ℹ️", "●", "#1264a3"),
    ("bell", "🔔", "●", "#d9a400"),
)
_RULES = (
    (re.compile(r"```(.+?)```", re.DOTALL), r"<pre>\1</pre>"),
    (re.compile(r"`([^`\n]+)`"), r"<code>\1</code>"),
    (re.compile(r"&lt;(https?://[^|&\s]+)\|([^&]+)&gt;"), r'<a href="\1">\2</a>'),
    (re.compile(r"&lt;(https?://[^&\s]+)&gt;"), r'<a href="\1">\1</a>'),
    (re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])"), r"<b>\1</b>"),
    (re.compile(r"(?<![\w_/])_([^_\n]+)_(?![\w_])"), r"<i>\1</i>"),
    (re.compile(r"(?<![\w~])~([^~\n]+)~(?![\w~])"), r"<s>\1</s>"),
)


def mrkdwn(text: str) -> str:
    """Return Slack's markup as HTML; everything else is escaped."""
    # Slack clients send &, < and > escaped already; undo that once before escaping for the page
    shown = html.escape(html.unescape(text), quote=False)
    for pattern, replacement in _RULES:
        shown = pattern.sub(replacement, shown)
    for name, emoji, sign, colour in _SIGNS:
        drawn = f'<span style="color:{colour}">{sign}</span>'
        shown = shown.replace(f":{name}:", drawn).replace(emoji, drawn)
    return shown


def render_page(channels: Mapping[str, str], messages: Sequence[Json]) -> str:
    """Return the page: per channel the threads, oldest first, replies in order."""
    parts: list[str] = []
    for identity, name in channels.items():
        own = [m for m in messages if m.get("channel") == identity]
        if not own:
            continue
        parts.append(f"<h2># {html.escape(name)}</h2>")
        known = {m["ts"] for m in own}
        for parent in own:
            thread = parent.get("thread_ts")
            if thread in {None, parent["ts"]} or thread not in known:
                replies = [m for m in own if m.get("thread_ts") == parent["ts"] and m is not parent]
                parts.append(_thread(parent, replies))
    if not parts:
        parts.append('<p class="empty">No messages yet. They appear here as soon as something is posted.</p>')
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Slack – sandbox</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head><body>'
        f"<header><h1>Slack (sandbox)</h1><span>{len(messages)} messages</span>"
        f'<a href="/">sandbox</a></header><main>{"".join(parts)}</main></body></html>'
    )


def _thread(parent: Json, replies: Sequence[Json]) -> str:
    inner = "".join(_message(m) for m in replies)
    below = f'<div class="replies">{inner}</div>' if replies else ""
    return f'<article class="thread">{_message(parent)}{below}</article>'


def _message(message: Json) -> str:
    name = html.escape(str(message.get("username") or "HubSpot platform"))
    at = datetime.fromtimestamp(float(str(message["ts"])), UTC)
    edited = '<span class="note">(edited)</span>' if message.get("edited") else ""
    blocks = message.get("blocks")
    shown = "".join(map(_block, blocks)) if isinstance(blocks, list) else ""
    if not shown:
        shown = f'<div class="block">{mrkdwn(str(message.get("text") or ""))}</div>'
    attached = message.get("attachments")
    shown += "".join(map(_attachment, attached)) if isinstance(attached, list) else ""
    return (
        f'<div class="message"><div class="avatar">{name[:1]}</div><div class="body"><span class="who">{name}</span>'
        f'<span class="when">{at:%d %b %H:%M:%S} UTC</span>{edited}{shown}</div></div>'
    )


def _attachment(attachment: Json) -> str:
    colour = re.sub(r"[^#\w]", "", str(attachment.get("color") or "#dddddd"))
    blocks = attachment.get("blocks")
    inner = "".join(map(_block, blocks)) if isinstance(blocks, list) else ""
    inner = (
        inner or f'<div class="block">{mrkdwn(str(attachment.get("text") or attachment.get("fallback") or ""))}</div>'
    )
    return f'<div class="attachment" style="border-color:{colour}">{inner}</div>'


def _text(holder: object) -> str:
    return mrkdwn(str(holder.get("text") or "")) if isinstance(holder, Mapping) else ""


def _block(block: Json) -> str:
    kind = block.get("type")
    if kind == "divider":
        return "<hr>"
    if kind == "header":
        return f'<div class="block head">{_text(block.get("text"))}</div>'
    elements = block.get("elements")
    items = elements if isinstance(elements, list) else []
    if kind == "context":
        return f'<div class="block context">{" ".join(_text(e) for e in items)}</div>'
    if kind == "actions":
        return "".join(_button(e) for e in items)
    fields = block.get("fields")
    shown = f'<div class="block">{_text(block.get("text"))}</div>' if block.get("text") else ""
    if isinstance(fields, list):
        shown += f'<div class="fields">{"".join(f"<div class=block>{_text(f)}</div>" for f in fields)}</div>'
    accessory = block.get("accessory")
    return shown + (_button(accessory) if isinstance(accessory, Mapping) else "")


def _button(element: Json) -> str:
    url = html.escape(str(element.get("url") or "#"))
    return f'<a class="button" href="{url}">{_text(element.get("text"))}</a>'
