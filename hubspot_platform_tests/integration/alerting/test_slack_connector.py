"""The Slack connector against the sandbox's Slack, over real HTTP."""

import socket

import pytest
from pydantic import SecretStr, ValidationError

from hubspot_platform.alerting.slack_text import SlackMessage, header, section
from hubspot_platform.connectors.slack import (
    SlackConnector,
    SlackInvalid,
    SlackLimited,
    SlackRefused,
    SlackUnavailable,
)
from hubspot_platform_tests.integration.alerting.conftest import TOKEN

CHANNEL = "#hubspot-alerts"
MESSAGE = SlackMessage(
    text="plain words",
    blocks=[header("words"), section("*bold* words")],
    metadata={"event_type": "hubspot_alert", "event_payload": {"alert_ids": ["al_1"]}},
)


@pytest.fixture
def connector(slack):
    return SlackConnector.with_secret(SecretStr(TOKEN), slack.slack_url)


def test_post_reply_and_edit_arrive_with_text_blocks_and_metadata(slack, connector):
    parent = connector.post(CHANNEL, MESSAGE)
    reply = connector.post(CHANNEL, SlackMessage("and more"), thread_ts=parent.ts, broadcast=True)
    connector.update(parent.channel, parent.ts, SlackMessage("done", [section("done")]))
    first, second = slack.slack_messages()
    assert (first["text"], first["blocks"]) == ("done", [section("done")])
    assert first["metadata"]["event_payload"]["alert_ids"] == ["al_1"]
    assert (second["ts"], second["thread_ts"], second["text"]) == (reply.ts, parent.ts, "and more")


@pytest.mark.parametrize("code", ["invalid_auth", "token_revoked", "channel_not_found", "not_in_channel"])
def test_a_bad_token_or_channel_is_a_refusal_with_a_mend(slack, connector, code):
    slack.admin("slack/fault", {"error": code})
    with pytest.raises(SlackRefused) as caught:
        connector.post(CHANNEL, MESSAGE)
    assert caught.value.code == code
    assert caught.value.mend
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_too_long", "a_new_error"])
def test_a_bad_message_is_its_own_fault(slack, connector, code):
    slack.admin("slack/fault", {"error": code})
    with pytest.raises(SlackInvalid):
        connector.post(CHANNEL, MESSAGE)


def test_429_carries_slacks_wait(slack, connector):
    slack.admin("slack/fault", {"error": "ratelimited", "retry_after": 17})
    with pytest.raises(SlackLimited) as caught:
        connector.post(CHANNEL, MESSAGE)
    assert caught.value.retry_after == 17


@pytest.mark.parametrize("fault", [{"http_status": 503}, {"http_status": 500}, {"error": "internal_error"}])
def test_slack_in_trouble_is_unavailable(slack, connector, fault):
    slack.admin("slack/fault", fault)
    with pytest.raises(SlackUnavailable):
        connector.post(CHANNEL, MESSAGE)


def test_an_unreachable_slack_is_unavailable():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    connector = SlackConnector.with_secret(SecretStr(TOKEN), f"http://127.0.0.1:{port}/api/")
    with pytest.raises(SlackUnavailable):
        connector.post(CHANNEL, MESSAGE)


@pytest.mark.parametrize("base_url", ["https://slack.com/api", "slack.com/api/", "ftp://slack.com/api/"])
def test_the_address_must_be_http_and_end_with_a_slash(base_url):
    with pytest.raises(ValidationError, match="base_url"):
        SlackConnector.with_secret(SecretStr(TOKEN), base_url)


def test_the_token_shows_in_no_repr(connector):
    assert TOKEN not in repr(connector)
    assert TOKEN not in str(connector)
