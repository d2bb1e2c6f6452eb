"""Slack: posts, replies and edits through slack_sdk, with every failure as a type the sender can act on.

`automation.alert_delivery` uses it. It retries nothing itself: the outbox decides when to try again. It may also
stand in Dagster definitions, as any `dagster_slack.SlackResource`, with `token=dg.EnvVar("SLACK_BOT_TOKEN")`.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from dagster_slack import SlackResource
from pydantic import Field, SecretStr, field_validator
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse
from slack_sdk.web.client import WebClient

from hubspot_platform.alerting.slack_text import SlackMessage
from hubspot_platform.errors import PlatformError

SLACK_API = "https://slack.com/api/"
TIMEOUT_SECONDS = 10

_REFUSALS = {
    "invalid_auth": "set SLACK_BOT_TOKEN to the bot token of the app",
    "not_authed": "set SLACK_BOT_TOKEN to the bot token of the app",
    "account_inactive": "the app's user was deactivated; install the app again",
    "token_revoked": "install the app again and set the new SLACK_BOT_TOKEN",
    "token_expired": "refresh the token and set the new SLACK_BOT_TOKEN",
    "missing_scope": "grant the app the scope chat:write",
    "no_permission": "grant the app the scope chat:write",
    "channel_not_found": "create SLACK_CHANNEL or correct its name",
    "not_in_channel": "invite the app to SLACK_CHANNEL",
    "is_archived": "unarchive SLACK_CHANNEL or name another one",
    "restricted_action": "let the app post to SLACK_CHANNEL",
    "access_denied": "let the app use this workspace",
    "team_access_not_granted": "let the app use this workspace",
    "org_login_required": "wait until the organisation is ready again",
    "ekm_access_denied": "ask the workspace's administrators",
}
_PASSING = {
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "accesslimited",
    "team_added_to_org",
}
_LIMITED = {"ratelimited", "rate_limited", "message_limit_exceeded"}


# slack_sdk logs bodies and every failure as an error; here failures are types, logged once by the sender
_client_logger = logging.getLogger(f"{__name__}.client")
_client_logger.setLevel(logging.CRITICAL)


class SlackError(PlatformError):
    """A call Slack did not carry out; `code` is Slack's name for it."""

    def __init__(self, code: str, *, mend: str = "") -> None:
        super().__init__(f"Slack: {code}", mend=mend)
        self.code = code


class SlackUnavailable(SlackError):
    """Slack cannot be reached, or says it is in trouble; the same call may work later."""


class SlackLimited(SlackError):
    """Too many calls; `retry_after` is Slack's wait in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after


class SlackRefused(SlackError):
    """The token or the channel does not let us: no message goes through until somebody mends it."""


class SlackInvalid(SlackError):
    """This one message or edit is not accepted; others are."""


@dataclass(frozen=True)
class Posted:
    """Where a message lies: the channel's id and the message's `ts`."""

    channel: str
    ts: str


class SlackConnector(SlackResource):
    """Posts to one workspace. The token shows in no repr; the base URL ends with a slash."""

    token: str = Field(repr=False, description="Bot token with the scope chat:write.")
    base_url: str = Field(default=SLACK_API, description="Address of the Web API, ending with a slash.")

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or not value.endswith("/"):
            raise ValueError("base_url must be an http(s) address that ends with /")
        return value

    @classmethod
    def with_secret(cls, token: SecretStr, base_url: str = SLACK_API) -> "SlackConnector":
        """Return a connector on a token that stays secret until the call."""
        return cls(token=token.get_secret_value(), base_url=base_url)

    def get_client(self) -> WebClient:
        """Return the client; it retries nothing, its caller does."""
        return WebClient(
            self.token, base_url=self.base_url, timeout=TIMEOUT_SECONDS, retry_handlers=[], logger=_client_logger
        )

    def who_am_i(self) -> str:
        """Return the workspace and user the token belongs to; raises as `post`."""
        answer = _call(lambda: self.get_client().auth_test())
        return f"{answer['team']} as {answer['user']}"

    def post(
        self, channel: str, message: SlackMessage, *, thread_ts: str | None = None, broadcast: bool = False
    ) -> Posted:
        """Post a message, or a reply into a thread (shown in the channel too with `broadcast`).

        SlackLimited, SlackRefused, SlackInvalid, SlackUnavailable.
        """
        reply: dict[str, Any] = {"thread_ts": thread_ts, "reply_broadcast": broadcast} if thread_ts else {}
        answer = _call(
            lambda: self.get_client().chat_postMessage(
                channel=channel,
                parse="none",
                link_names=False,
                unfurl_links=False,
                unfurl_media=False,
                **_content(message),
                **reply,
            )
        )
        return Posted(str(answer["channel"]), str(answer["ts"]))

    def update(self, channel_id: str, ts: str, message: SlackMessage) -> Posted:
        """Replace a message's text and blocks; takes the channel's id, not its name. Raises as `post`."""
        answer = _call(
            lambda: self.get_client().chat_update(
                channel=channel_id, ts=ts, parse="none", link_names=False, **_content(message)
            )
        )
        return Posted(str(answer["channel"]), str(answer["ts"]))


def _content(message: SlackMessage) -> dict[str, Any]:
    content: dict[str, Any] = {"text": message.text}
    if message.blocks:
        content["blocks"] = list(message.blocks)
    if message.metadata:
        content["metadata"] = dict(message.metadata)
    return content


def _call(call: Callable[[], SlackResponse]) -> SlackResponse:
    try:
        return call()
    except SlackApiError as error:
        raise _typed(error.response) from None
    except (OSError, HTTPException, SlackClientError) as error:
        raise SlackUnavailable(type(error).__name__, mend="Slack cannot be reached; it is tried again") from None


def _typed(response: Any) -> SlackError:
    """Return the failure's type; `response` is a SlackResponse, or a dict when the body was no JSON."""
    known = isinstance(response, SlackResponse)
    status = int(response.status_code if known else response.get("status", 0))
    headers = {str(k).lower(): v for k, v in ((response.headers if known else response.get("headers")) or {}).items()}
    code = str(response.get("error") or "") if known and isinstance(response.data, dict) else ""
    if status == 429 or code in _LIMITED:
        return SlackLimited(_seconds(headers.get("retry-after")))
    if " " in code or not code:  # slack_sdk's words for a body that is no JSON
        code = f"http_{status}"
    if code.startswith("http_") or status >= 500 or code in _PASSING:
        return SlackUnavailable(code, mend="Slack is in trouble; it is tried again")
    if code in _REFUSALS:
        return SlackRefused(code, mend=_REFUSALS[code])
    return SlackInvalid(code, mend="see Slack's documentation of chat.postMessage")


def _seconds(value: Any) -> float:
    """Return Retry-After in seconds, one when it is missing or no number."""
    found = value[0] if isinstance(value, list) and value else value
    try:
        return max(1.0, float(found))
    except (TypeError, ValueError):
        return 1.0
