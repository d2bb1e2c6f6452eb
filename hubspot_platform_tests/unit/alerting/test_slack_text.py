"""Escaping and splitting for Slack."""

import html

from hypothesis import given
from hypothesis import strategies as st

from hubspot_platform.alerting.slack_text import BLOCKS, escape, escaped_parts, header, pages, section

NASTY = st.text(alphabet="<>&!@#|chanelhrvyo \n*_`U123", max_size=400)


@given(NASTY)
def test_case_096_nothing_in_a_text_can_become_markup_or_a_mention(text):
    escaped = escape(text)
    assert "<" not in escaped
    assert ">" not in escaped
    for word in ("channel", "here", "everyone"):
        assert f"@{word}" not in escaped.lower()
    assert html.unescape(escaped).replace("\u200b", "") == text


@given(NASTY, st.integers(12, 60))
def test_parts_fit_and_never_cut_an_entity(text, longest):
    parts = escaped_parts(text, longest)
    assert all(len(part) <= longest for part in parts)
    whole = "".join(html.unescape(part) for part in parts)
    assert "".join(whole.split()).replace("\u200b", "") == "".join(text.split())


def test_parts_break_between_words():
    assert escaped_parts("one two three four", 12) == ["one two", "three four"]


def test_headers_are_plain_short_and_mention_nobody():
    block = header("@channel " + "x" * 300)
    assert block["text"]["type"] == "plain_text"
    assert len(block["text"]["text"]) == 150
    assert "@channel" not in block["text"]["text"]


def test_pages_hold_45_blocks():
    split = pages([section(str(number)) for number in range(100)])
    assert [len(page) for page in split] == [BLOCKS, BLOCKS, 10]
    assert pages([]) == [[]]
