"""Recorded events from a file, put into the inbox as if they had been received, and dead letters put back.

The commands `ingest` and `replay` call this. A line that cannot be read is a dead letter that names its line; the
others go on. The same file twice changes nothing: the inbox knows each event by its key.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Literal

from hubspot_platform.connectors import chargebee, jira
from hubspot_platform.errors import PlatformError, UsageError
from hubspot_platform.gateway.documents import dump, load
from hubspot_platform.gateway.hubspot_events import MALFORMED, read_delivery
from hubspot_platform.gateway.problems import Problem
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import Settings
from hubspot_platform.state import database_now, inbox
from hubspot_platform.state.inbox import NewEvent, Status, Stored
from hubspot_platform.workers.catalogue import QUEUES
from hubspot_platform.workers.engine import DrainReport, drain

Origin = Literal["chargebee", "jira", "hubspot"]
DOOR = "ingest"
_EVENTS_A_TRANSACTION = 1_000
_IDS_A_STATEMENT = 10_000
_DRAIN_SECONDS = 24 * 3600.0
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class BadLine:
    """A line that was not ingested whole: its number from 1, and what is wrong with it."""

    line: int
    problem: str


@dataclass
class IngestReport:
    """What became of a file; `lines` does not count empty ones."""

    source: str
    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    bad: list[BadLine] = field(default_factory=list)
    queues: set[str] = field(default_factory=set)
    drained: list[DrainReport] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON knows it."""
        return {
            "source": self.source,
            "lines": self.lines,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "bad_lines": [vars(bad) for bad in self.bad],
            "processed": [report.as_json() for report in self.drained],
            "waiting_for_a_worker": sorted(self.queues - {report.queue for report in self.drained}),
        }


def ingest(
    platform: Platform, source: Origin, file: Path, listen: Callable[[IngestReport], None] = lambda _: None
) -> IngestReport:
    """Put a file's events into the inbox, one JSON document a line, then process the queues they are for.

    A document is what the system sends to its door; HubSpot's may be one event or an array. `listen` hears of progress
    after every transaction. Raises UsageError when the file cannot be read.
    """
    report = IngestReport(source)
    waiting: list[NewEvent] = []
    try:
        opened = file.open("rb")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}", mend="give a file with one document a line") from None
    with opened:
        for number, line in _lines(opened, platform.settings.gateway_max_body_bytes):
            report.lines += 1
            waiting += _events(source, line, number, platform.settings, report)
            if len(waiting) >= _EVENTS_A_TRANSACTION:
                _store(platform, waiting, report)
                waiting = []
                listen(report)
    _store(platform, waiting, report)
    listen(report)
    for entry in QUEUES:
        if entry.name in report.queues and entry.handler is not None:
            report.drained.append(drain(platform, entry, seconds=_DRAIN_SECONDS))
            listen(report)
    return report


def _lines(file: BinaryIO, longest: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield number and content of every line that is not empty; None for one longer than the gateway would take."""
    number = 0
    while line := file.readline(longest + 2):
        number += 1
        too_long = len(line) > longest and not line.endswith(b"\n")
        while too_long and (rest := file.readline(longest)) and not rest.endswith(b"\n"):
            pass
        line = line.removeprefix(_BOM) if number == 1 else line
        if too_long or line.strip():
            yield number, None if too_long else line.strip()


def _events(
    source: Origin, line: bytes | None, number: int, settings: Settings, report: IngestReport
) -> Sequence[NewEvent]:
    """Return a line's events; what is wrong with it goes into the report, and a dead letter holds the line."""
    if line is None:
        report.bad.append(BadLine(number, f"longer than {settings.gateway_max_body_bytes} bytes"))
        return []
    try:
        events = _READERS[source](line, settings)
    except (Problem, PlatformError) as error:
        problem = str(error)
        report.bad.append(BadLine(number, problem))
        return [dead_letter(source, dump(line.decode("utf-8", "replace")), DOOR, f"line {number}: {problem}")]
    report.bad += [BadLine(number, event.reason or "") for event in events if event.status == "dead"]
    return events


def _hubspot(line: bytes, settings: Settings) -> list[NewEvent]:
    delivery = line if line.startswith(b"[") else b"[" + line + b"]"
    return read_delivery(delivery, portal_id=settings.hubspot_portal_id, door=DOOR)


def dead_letter(source: Origin, body: bytes, door: str, reason: str) -> NewEvent:
    """Return what cannot be read as an event that is dead from the start; the same document is one dead letter."""
    key = f"malformed:{sha256(body).hexdigest()}"
    return NewEvent(source, MALFORMED, MALFORMED, "", key, None, body, door, "dead", reason)


_READERS: Mapping[Origin, Callable[[bytes, Settings], list[NewEvent]]] = {
    "chargebee": lambda line, _: [chargebee.inbox_event(load(line).content, line, DOOR)],
    "jira": lambda line, _: [jira.inbox_event(load(line).content, line, "", DOOR)],
    "hubspot": _hubspot,
}


def _store(platform: Platform, events: Sequence[NewEvent], report: IngestReport) -> None:
    if not events:
        return
    stored: Stored = platform.state().write(lambda conn: inbox.store_events(conn, events, database_now(conn)))
    report.accepted += stored.accepted
    report.duplicates += stored.duplicates
    report.queues |= {event.queue for event in events if event.status == "ready"}


def replay(
    platform: Platform, *, queues: Collection[str], ids: Sequence[int] | None, statuses: Collection[Status]
) -> int:
    """Put events of these queues back as new and return how many: with these ids, or all; in these statuses."""
    if ids is None:
        return platform.state().write(lambda conn: inbox.replay(conn, queues=queues, statuses=statuses))
    parts = [ids[start : start + _IDS_A_STATEMENT] for start in range(0, len(ids), _IDS_A_STATEMENT)]
    return platform.state().write(
        lambda conn: sum(inbox.replay(conn, queues=queues, ids=part, statuses=statuses) for part in parts)
    )
