"""The words of alerts: notices and alerts in, Slack messages out (alert rules: grouping, recovery, format).

Pure; compared with stored fixtures. Called by `automation.alert_delivery`. A builder returns a list: the
first message is the one to post, the others belong in its thread.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hubspot_platform.alerting.links import DagsterLinks
from hubspot_platform.alerting.model import Alert, AlertState, Kind, Notice, Severity
from hubspot_platform.alerting.slack_text import (
    BLOCK_CHARACTERS,
    Block,
    SlackMessage,
    context,
    escape,
    escaped_parts,
    header,
    pages,
    section,
    sections,
)

LISTED = 10
EVENT_TYPE = "hubspot_alert"
SHARE = "share"
COUNTS = frozenset({"rows", "records"})
NO_LINKS = DagsterLinks()

_MARKS = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🔵"}
_LEADS = {
    Kind.OPENED: "",
    Kind.UPDATED: "",
    Kind.RAISED: "Raised to {severity}: ",
    Kind.ESCALATED_ON_CALL: "Still {severity} after 15 minutes: ",
    Kind.ESCALATED_LEAD: "Still {severity} after an hour: ",
    Kind.FLAPPING: "Flapping: ",
    Kind.RESUMED: "Still failing: ",
    Kind.RECOVERED: "Recovered: ",
    Kind.CLOSED: "Resolved: ",
}
_DONE = (Kind.RECOVERED, Kind.CLOSED)


@dataclass(frozen=True)
class Mentions:
    """Whom to call, in Slack's own syntax (`<!subteam^S0123>`, `<@U0123>`, `<!here>`): configuration, never
    data.
    """

    on_call: str = "<!here>"
    lead: str = "<!channel>"

    def of(self, kind: Kind, severity: Severity) -> str:
        """Return the mention a notice carries, empty for most."""
        if kind is Kind.ESCALATED_LEAD:
            return self.lead
        critical = severity is Severity.CRITICAL
        return self.on_call if kind is Kind.ESCALATED_ON_CALL or (kind is Kind.RESUMED and critical) else ""


def single(notice: Notice, mentions: Mentions | None = None, links: DagsterLinks = NO_LINKS) -> list[SlackMessage]:
    """Return the message of one notice: a parent, an edited parent or a reply, by its kind."""
    lead = _LEADS[notice.kind].format(severity=notice.severity.value)
    mark = _mark(notice)
    headline = f"{lead}{notice.topic.subject}: {notice.topic.title}"
    mention = (mentions or Mentions()).of(notice.kind, notice.severity)
    blocks: list[Block] = [header(f"{mark} {headline}")]
    if mention:
        blocks.append(section(mention))
    blocks.append(section("\n".join(_facts(notice))))
    if notice.kind is not Kind.RECOVERED:
        blocks += sections(notice.detail)
    blocks.append(context(_small_print(notice, links)))
    fallback = ". ".join(filter(None, (f"{mark} {notice.severity.value}: {headline}", _measure(notice))))
    return _messages(_fallback(mention, fallback), blocks, [notice])


def group(notices: Sequence[Notice], links: DagsterLinks = NO_LINKS) -> list[SlackMessage]:
    """Return one message for alerts that opened together, with the list as its first thread message."""
    what = _counted([notice.severity for notice in notices])
    subject = f"{len(notices)} alerts opened together: {what}"
    mark = _MARKS[_worst([notice.severity for notice in notices])]
    parent = [
        header(f"{mark} {subject}"),
        section(escape(_kinds_of(notices))),
        context(links.run(notices[0].run_id) if notices[0].run_id else "list in the thread"),
    ]
    first = _messages(f"{mark} {subject}", parent, notices)
    return first + listed(notices, f"{len(notices)} alerts")


def listed(notices: Sequence[Notice], title: str) -> list[SlackMessage]:
    """Return a list of notices: the first ten line by line, worst first, the rest by count."""
    ordered = sorted(notices, key=lambda notice: -notice.severity.rank)
    lines = [_line(notice) for notice in ordered[:LISTED]]
    rest = ordered[LISTED:]
    if rest:
        lines.append(f"… and {len(rest)} more: {_counted([notice.severity for notice in rest])}")
    text = "\n".join(lines)
    return _messages(title, [section(part) for part in escaped_parts(text)], notices)


def replies(notices: Sequence[Notice], mentions: Mentions | None = None) -> list[SlackMessage]:
    """Return one thread message for several notices of one kind that belong to one thread."""
    lead = _LEADS[notices[0].kind].format(severity=notices[0].severity.value) or "More alerts: "
    mention = (mentions or Mentions()).of(notices[0].kind, _worst([notice.severity for notice in notices]))
    first, *rest = listed(notices, f"{lead}{len(notices)} alerts of this thread")
    blocks = [section(f"{mention} {escape(first.text)}".strip()), *first.blocks]
    return [replace(first, text=f"{mention} {first.text}".strip(), blocks=blocks), *rest]


def summary(notices: Sequence[Notice], title: str, mentions: Mentions | None = None) -> list[SlackMessage]:
    """Return one message for many notices, each alert with its last word only; used for digest and
    catch-up.
    """
    last = list({notice.alert_id: notice for notice in notices}.values())
    recovered = [notice for notice in last if notice.kind is Kind.RECOVERED]
    standing = [notice for notice in last if notice.kind is not Kind.RECOVERED]
    chosen = mentions or Mentions()
    called = [chosen.of(notice.kind, notice.severity) for notice in standing]
    mention = next((item for item in (chosen.lead, chosen.on_call) if item and item in called), "")
    state = f"{len(standing)} open ({_counted([notice.severity for notice in standing])})" if standing else "0 open"
    headline = f"{title}: {state}, {len(recovered)} recovered"
    blocks: list[Block] = [header(headline)]
    if mention:
        blocks.append(section(mention))
    lines = "\n".join(
        _line(notice, _LEADS[notice.kind].format(severity=notice.severity.value))
        for notice in _by_rank(standing)[:LISTED]
    )
    if recovered:
        names = ", ".join(notice.topic.subject for notice in recovered[:LISTED])
        lines = f"{lines}\n✅ recovered: {names}".strip()
    hidden = max(0, len(standing) - LISTED) + max(0, len(recovered) - LISTED)
    if hidden:
        lines += f"\n… and {hidden} more"
    blocks += sections(lines)
    return _messages(_fallback(mention, headline), blocks, notices)


def group_state(alerts: Sequence[Alert]) -> list[SlackMessage]:
    """Return the edited parent of a thread that several alerts share: what is still open, what is
    resolved.
    """
    standing = [alert for alert in alerts if alert.state is not AlertState.RESOLVED]
    if standing:
        mark = _MARKS[_worst([alert.severity for alert in standing])]
        headline = f"{len(standing)} of {len(alerts)} alerts open: {_counted([a.severity for a in standing])}"
    else:
        mark, headline = "✅", f"Resolved: all {len(alerts)} alerts"
    lines = [f"{_MARKS[alert.severity]} {alert.topic.subject}: {alert.topic.title}" for alert in standing[:LISTED]]
    if len(standing) > LISTED:
        lines.append(f"… and {len(standing) - LISTED} more")
    blocks = [header(f"{mark} {headline}"), *sections("\n".join(lines))]
    return [SlackMessage(text=f"{mark} {headline}", blocks=blocks, metadata={})]


def _messages(text: str, blocks: Sequence[Block], notices: Sequence[Notice]) -> list[SlackMessage]:
    metadata = {
        "event_type": EVENT_TYPE,
        "event_payload": {
            "alert_ids": sorted({notice.alert_id for notice in notices})[:50],
            "kind": notices[0].kind.value,
            "key": notices[0].key,
        },
    }
    return [SlackMessage(text=text, blocks=page, metadata=metadata) for page in pages(blocks)]


def _fallback(mention: str, text: str) -> str:
    """Join a trusted mention and an untrusted text into the plain-text fallback, cut to one block's
    length.
    """
    parts = escaped_parts(text, BLOCK_CHARACTERS - len(mention) - 1)
    return f"{mention} {parts[0]}".strip()


def _facts(notice: Notice) -> list[str]:
    facts = [("Severity", notice.severity.value), ("Measured", _measure(notice))]
    if notice.kind is Kind.RECOVERED:
        facts.append(("Lasted", duration(notice.at - notice.since)))
        facts.append(("Peak", quantity(notice.peak, notice.unit) if notice.peak is not None else ""))
        facts.append(("Action taken", notice.detail or "none by the platform"))
    else:
        facts.append(("Since", _time(notice.since)))
        facts.append(("Seen", f"{notice.occurrences} time{'s' if notice.occurrences != 1 else ''}"))
        facts.append(("Mend", "" if notice.kind in _DONE else notice.mend))
    return [f"*{name}:* {escape(value)}" for name, value in facts if value]


def _mark(notice: Notice) -> str:
    return "✅" if notice.kind in _DONE else _MARKS[notice.severity]


def _measure(notice: Notice) -> str:
    """Return the value and its limit, nothing without a value; of an alert that is over, the value that is fine now."""
    if notice.observed is None:
        return ""
    over = notice.kind in _DONE
    observed = ("now " if over else "") + quantity(notice.observed, notice.unit)
    if notice.threshold is None:
        return observed
    limit = quantity(notice.threshold, notice.unit)
    return f"{observed} (limit {limit})" if over else f"{observed} against {limit}"


def quantity(value: float, unit: str) -> str:
    """Return a value as people say it: counts whole, shares in percent, no decimals that change nothing.

    A limit between two counts is said as the lower one, the largest count it allows.
    """
    if unit == SHARE:
        return f"{_decimal(value * 100, 1)} %"
    if unit in COUNTS:
        return f"{math.floor(value):,} {unit}"
    return f"{_decimal(value, 1 if abs(value) >= 10 else 4)} {unit}".strip()


def _decimal(value: float, most: int) -> str:
    return f"{value:,.{most}f}".rstrip("0").rstrip(".")


def _small_print(notice: Notice, links: DagsterLinks) -> str:
    parts = [escape(notice.topic.condition), f"alert {notice.alert_id}", _time(notice.at), links.asset(notice.topic)]
    if notice.run_id:
        parts.append(links.run(notice.run_id))
    return " · ".join(filter(None, parts))


def _line(notice: Notice, lead: str = "") -> str:
    said = f"{_mark(notice)} {lead}{notice.topic.subject}: {notice.topic.title}"
    return " – ".join(filter(None, (said, _measure(notice))))


def _by_rank(notices: Sequence[Notice]) -> list[Notice]:
    return sorted(notices, key=lambda notice: -notice.severity.rank)


def _kinds_of(notices: Sequence[Notice]) -> str:
    counts = Counter(notice.topic.condition for notice in notices).most_common()
    shown = ", ".join(f"{count} × {condition}" for condition, count in counts[:LISTED])
    return shown if len(counts) <= LISTED else f"{shown} and {len(counts) - LISTED} more conditions"


def _counted(severities: Sequence[Severity]) -> str:
    counts = Counter(severities)
    ordered = sorted(counts, key=lambda severity: -severity.rank)
    return ", ".join(f"{counts[severity]} {severity.value}" for severity in ordered)


def _worst(severities: Sequence[Severity]) -> Severity:
    return max(severities, key=lambda severity: severity.rank)


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")


def duration(length: timedelta) -> str:
    """Return a length of time in the two largest units: `2 h 5 min`."""
    minutes = max(0, round(length.total_seconds() / 60))
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    said = [f"{count} {unit}" for count, unit in parts if count][:2]
    return " ".join(said) or "under a minute"
