"""Marketing e-mail: campaigns, and the log of what happened to every message.

What happened to one message is a story (`seed.email_stories`), told anew whenever one of its events is shown; the log
itself keeps only who comes when, and is made at the first look. `handlers.email_events` and the admin API call it.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

EVENT_TYPES = (
    "SENT",
    "PROCESSED",
    "DROPPED",
    "DELIVERED",
    "DEFERRED",
    "BOUNCE",
    "OPEN",
    "CLICK",
    "PRINT",
    "FORWARD",
    "STATUSCHANGE",
    "SPAMREPORT",
    "UNBOUNCE",
    "SUPPRESSED",
)
Event = dict[str, object]
ADDED = -1


@dataclass(frozen=True)
class Campaign:
    """One mailing; `number` is its place among the seeded ones."""

    id: int
    number: int
    name: str
    subject: str
    app_id: int
    app_name: str
    content_id: int
    sent_ms: int


class Mark(NamedTuple):
    """Where an event is: when, in which campaign (or ADDED), for which recipient, which event of the story, its type.

    Of added events `recipient` is the number of the event, in the order they were added.
    """

    created_ms: int
    campaign: int
    recipient: int
    step: int
    type: str


@dataclass
class EmailLog:
    """The log. `audience` gives the recipients of a campaign, `story` the events of one recipient, oldest first."""

    campaigns: Sequence[Campaign] = ()
    audience: Callable[[Campaign], Sequence[str]] = lambda campaign: ()
    story: Callable[[Campaign, int, str], Sequence[Event]] = lambda campaign, recipient, address: ()
    _marks: list[Mark] | None = None
    _audiences: list[Sequence[str]] = field(default_factory=list)
    _added: list[Event] = field(default_factory=list)
    _changed: dict[tuple[object, object], Event] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._told = lru_cache(maxsize=4_096)(self._tell)

    def _tell(self, campaign: int, recipient: int) -> Sequence[Event]:
        return self.story(self.campaigns[campaign], recipient, self._audiences[campaign][recipient])

    def marks(self) -> list[Mark]:
        """Return every event's mark, oldest first."""
        if self._marks is None:
            self._audiences = [self.audience(c) for c in self.campaigns]
            self._marks = sorted(
                Mark(int(str(event["created"])), campaign.number, recipient, step, str(event["type"]))
                for campaign, addresses in zip(self.campaigns, self._audiences, strict=True)
                for recipient, address in enumerate(addresses)
                for step, event in enumerate(self.story(campaign, recipient, address))
            )
        return self._marks

    def event(self, mark: Mark) -> Event:
        """Return the event of a mark."""
        event = self._added[mark.recipient] if mark.campaign == ADDED else self._told(mark[1], mark[2])[mark.step]
        change = self._changed.get((event["id"], event["created"])) if self._changed else None
        return {**event, **change} if change else event

    def newest_first(self, low_ms: int | None, high_ms: int | None, last: tuple[int, ...] = ()) -> Iterator[Mark]:
        """Yield the marks of a time span, both ends included; `last` is the mark to go on from, itself included."""
        marks = self.marks()
        end = len(marks) if high_ms is None else bisect_right(marks, high_ms, key=_created)
        if last:
            end = min(end, bisect_right(marks, last, key=_place))
        start = 0 if low_ms is None else bisect_left(marks, low_ms, key=_created)
        for position in range(end - 1, start - 1, -1):
            yield marks[position]

    def recipient(self, mark: Mark) -> str:
        """Return the address an event is about; empty when it has none."""
        if mark.campaign == ADDED:
            return str(self._added[mark.recipient].get("recipient") or "")
        return "" if mark.type == "UNBOUNCE" else self._audiences[mark.campaign][mark.recipient]

    def find(self, created_ms: int, event_id: str) -> Event | None:
        """Return the event with this id and moment."""
        for mark in self.newest_first(created_ms, created_ms):
            event = self.event(mark)
            if event["id"] == event_id:
                return event
        return None

    def add(self, event: Event) -> Event:
        """Append an event; it must have id, created and type."""
        mark = Mark(int(str(event["created"])), ADDED, len(self._added), 0, str(event["type"]))
        self._added.append(event)
        insort(self.marks(), mark)
        return event

    def amend(self, event: Event, change: Mapping[str, object]) -> None:
        """Change an event that is in the log already, as HubSpot does when a later one makes it obsolete."""
        key = (event["id"], event["created"])
        self._changed[key] = {**self._changed.get(key, {}), **change}

    def counters(self, campaign: Campaign) -> Counter[str]:
        """Return how many events of each type a campaign has."""
        return Counter(m.type for m in self.marks() if m.campaign == campaign.number)

    def included(self, campaign: Campaign) -> int:
        """Return how many recipients a campaign had."""
        self.marks()
        return len(self._audiences[campaign.number])


def _created(mark: Mark) -> int:
    return mark.created_ms


def _place(mark: Mark) -> tuple[int, ...]:
    return mark[:4]


def place_of(mark: Mark) -> tuple[int, ...]:
    """Return what a paging cursor remembers of a mark."""
    return _place(mark)
