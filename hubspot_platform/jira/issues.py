"""From Jira's webhook documents to rows of `jira.issue` and links of bugs to companies; `workers.jira` calls it.

Copies of an issue are ordered by the `timestamp` of their events. At one instant a deletion beats an update and the
greater key of the event decides the rest, so any order of arrival ends in the same row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hubspot_platform.business import Jira
from hubspot_platform.errors import PlatformError
from hubspot_platform.gateway.documents import dump
from hubspot_platform.hubspot.retry import parse_json
from hubspot_platform.mirror.values import cleaned
from hubspot_platform.state.issues import IssueLink
from hubspot_platform.topics.models import JiraEvent

DELETED = "jira:issue_deleted"
_LATEST_MS = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp() * 1000)
_JIRA_TIME = "%Y-%m-%dT%H:%M:%S.%f%z"

Order = tuple[datetime, bool, str]


class NoIssueEvent(PlatformError):
    """A document is no event of a Jira issue; the message names the part that is missing or wrong, not its value."""


@dataclass(frozen=True)
class IssueEvent:
    """One event; `row` has the columns of `jira.issue` except `received_at`."""

    row: Mapping[str, Any]
    webhook_event: str
    former_key: str | None = None

    def former(self) -> "IssueEvent | None":
        """Return what the event says of the key the issue had before it was moved: there is no such issue any more."""
        if self.former_key is None:
            return None
        gone = {"issue_key": self.former_key, "is_deleted": True, "event_key": f"{self.row['event_key']}:moved"}
        return IssueEvent({**self.row, **gone}, DELETED)

    @property
    def key(self) -> str:
        """The issue's key."""
        return str(self.row["issue_key"])

    @property
    def order(self) -> Order:
        """What the copies of one issue are sorted by; the greatest is the newest."""
        return order_of(self.row)

    def link(self) -> IssueLink:
        """Return what the event says of the bug's company."""
        archived = bool(self.row["is_deleted"]) or not self.row["is_bug"]
        return IssueLink(self.key, "jira", self.row["company_id"], archived, self.row["source_updated_at"])

    def happening(self) -> JiraEvent:
        """Return what is told of the event once it is stored."""
        return JiraEvent(
            event_id=self.row["event_key"],
            occurred_at=self.row["source_updated_at"],
            issue_key=self.key,
            webhook_event=self.webhook_event,
        )


def order_of(row: Mapping[str, Any]) -> Order:
    """Return what a stored row is sorted by."""
    return row["source_updated_at"], bool(row["is_deleted"]), row["event_key"]


def settle(events: Sequence[IssueEvent], stored: Mapping[str, Order]) -> list[bool]:
    """Take events in the order they came and return which were the newest of their issue at their turn.

    `stored` is the order of the copy kept so far. The event that is stored itself counts as well: whoever was killed
    after storing it does the rest again.
    """
    newest = dict(stored)
    fresh = []
    for event in events:
        known = newest.get(event.key)
        fresh.append(known is None or event.order >= known)
        if fresh[-1]:
            newest[event.key] = event.order
    return fresh


def issue_event(body: bytes, event_key: str, settings: Jira) -> IssueEvent:
    """Read one webhook document; raises NoIssueEvent when a part that every event of an issue has is missing."""
    try:
        document = parse_json(body)
    except ValueError:
        raise _refused("is no JSON") from None
    if not isinstance(document, dict):
        raise _refused("is no JSON object")
    webhook_event = _text(document.get("webhookEvent"))
    if webhook_event is None:
        raise _refused("has no webhookEvent")
    moment = _milliseconds(document.get("timestamp"))
    issue = cleaned(document.get("issue"))
    key = _text(issue.get("key")) if isinstance(issue, dict) else None
    if key is None:
        raise _refused("has no issue with a key")
    row = {
        **_columns(issue, settings),
        "issue_key": key,
        "is_deleted": webhook_event == DELETED,
        "source_updated_at": moment,
        "event_key": event_key,
    }
    return IssueEvent(row, webhook_event, _former_key(document.get("changelog"), key))


def _refused(problem: str) -> NoIssueEvent:
    return NoIssueEvent(f"the event {problem}", mend="compare it with what Jira sends and replay it")


def _columns(issue: Mapping[str, Any], settings: Jira) -> dict[str, Any]:
    fields = issue.get("fields")
    fields = fields if isinstance(fields, dict) else {}
    project = _part(fields.get("project"), "key") or str(issue["key"]).rpartition("-")[0] or None
    issue_type = _part(fields.get("issuetype"), "name")
    configured = not settings.projects or project in settings.projects
    return {
        "issue_id": _text(issue.get("id")),
        "project_key": project,
        "issue_type": issue_type,
        "summary": _text(fields.get("summary")),
        **{name: _part(fields.get(name), "name") for name in ("status", "priority", "resolution")},
        "labels": dump(fields["labels"]).decode() if isinstance(fields.get("labels"), list) else None,
        "company_id": company_id(fields.get(settings.company_field)),
        "is_bug": configured and issue_type in settings.bug_types,
        "created_at": _instant(fields.get("created")),
        "updated_at": _instant(fields.get("updated")),
        "raw_json": dump(issue).decode(),
    }


def _former_key(changelog: Any, key: str) -> str | None:
    """Return the key before a move to another project, which Jira notes as a change of the field `Key`."""
    items = changelog.get("items") if isinstance(changelog, dict) else None
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get("field") == "Key" and _text(item.get("toString")) == key:
            return _text(item.get("fromString"))
    return None


def company_id(value: Any) -> str | None:
    """Return the company id a custom field holds: text, a number, an option, or a list with one of these."""
    if isinstance(value, list):
        return company_id(value[0]) if len(value) == 1 else None
    if isinstance(value, dict):
        return company_id(value.get("value"))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _text(value)


def _part(value: Any, name: str) -> str | None:
    return _text(value.get(name)) if isinstance(value, dict) else None


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None


def _milliseconds(value: Any) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LATEST_MS:
        raise _refused("has no timestamp in milliseconds")
    return datetime.fromtimestamp(value // 1000, UTC).replace(microsecond=value % 1000 * 1000)


def _instant(value: Any) -> datetime | None:
    """Return a time as Jira writes it (`2026-03-01T10:00:00.000+0200`), None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.strptime(value, _JIRA_TIME).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
