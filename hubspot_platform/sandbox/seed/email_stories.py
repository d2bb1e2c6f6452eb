"""What happens to one marketing e-mail, from sending to the last click: the events of the log, with their links.

`seed.marketing` gives every recipient of every campaign such a story. The same seed tells the same story every time, so
the log keeps none of them.
"""

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hubspot_platform.sandbox.mailing import Campaign, Event
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.seed import words

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
SENDER = "news@ourfirm.example"
BURST = 50  # messages that leave at one instant

_AGENTS = (
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36", "Chrome", "141.0"),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5",
        "Mobile Safari",
        "18.5",
    ),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox", "143.0"),
)
_BOT = ("Mozilla/5.0 (compatible; LinkScanner/2.1)", "LinkScanner", "2.1")
_BOUNCES = (
    ("UNKNOWN_USER", "5.1.1", "550 5.1.1 The e-mail account does not exist"),
    ("MAILBOX_FULL", "5.2.2", "552 5.2.2 Mailbox full"),
    ("SPAM", "5.7.1", "554 5.7.1 Message rejected as spam"),
    ("POLICY", "5.7.26", "550 5.7.26 Unauthenticated mail is prohibited"),
    ("DNS_FAILURE", "5.4.4", "Host or domain name not found"),
)
_DROPS = (
    ("PREVIOUSLY_BOUNCED", "Recipient bounced on an earlier message"),
    ("PREVIOUSLY_UNSUBSCRIBED_MESSAGE", "Recipient unsubscribed from this type of e-mail"),
    ("MTA_IGNORE", "Dropped by the mail server"),
    ("BLOCKED_ADDRESS", "Address is on the block list"),
)


@dataclass
class _Story:
    """The events told so far, oldest first."""

    campaign: Campaign
    address: str
    portal_id: int
    identity: str
    start_ms: int
    rng: random.Random
    events: list[Event] = field(default_factory=list)

    def tell(self, kind: str, after_ms: int, **details: object) -> Event:
        """Add an event that comes this long after the last one; `cause` is the event that led to it."""
        created = after_ms + (int(str(self.events[-1]["created"])) if self.events else self.start_ms)
        name = hashlib.blake2b(f"{self.identity}:{len(self.events)}".encode(), digest_size=16).hexdigest()
        event: Event = {
            "id": f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}",
            "created": created,
            "type": kind,
            "portalId": self.portal_id,
            "filteredEvent": False,
        }
        if kind != "UNBOUNCE":
            event |= {
                "recipient": self.address,
                "appId": self.campaign.app_id,
                "appName": self.campaign.app_name,
                "emailCampaignId": self.campaign.id,
            }
        sent = next((e for e in self.events if e["type"] == "SENT"), None)
        if sent is not None:
            event["sentBy"] = reference(sent)
        cause = details.pop("cause", None)
        if isinstance(cause, dict):
            event["causedBy"] = reference(cause)
        event |= details
        self.events.append(event)
        return event

    def visit(self, *, bot: bool = False) -> dict[str, object]:
        """Return what is known about the program that opened or clicked."""
        agent, name, version = _BOT if bot else self.rng.choice(_AGENTS)
        country, cities, _ = self.rng.choice(words.PLACES)
        return {
            "userAgent": agent,
            "browser": {"name": name, "family": name, "producer": "", "type": "Browser", "version": [version]},
            "location": {"country": country.upper(), "state": "", "city": self.rng.choice(cities.split(","))},
            "ipAddress": f"203.0.113.{self.rng.randrange(1, 255)}",
            "filteredEvent": bot,
        }

    def after(self, most_ms: int) -> int:
        """Return a waiting time, mostly a short one."""
        return SECOND + int(most_ms * self.rng.random() ** 3)


def reference(event: Mapping[str, object]) -> dict[str, object]:
    """Return how an event is named by another one."""
    return {"id": event["id"], "created": event["created"]}


def _sending(story: _Story) -> Event:
    headers = {"from": SENDER, "subject": story.campaign.subject, "cc": [], "bcc": [], "replyTo": [SENDER]}
    return story.tell("SENT", 0, **headers)


def _delivered(story: _Story) -> Event:
    _sending(story)
    story.tell("PROCESSED", story.rng.randrange(1, 4) * SECOND)
    return _delivery(story)


def _delivery(story: _Story) -> Event:
    smtp_id = f"<{story.identity.replace(':', '.')}@mail.ourfirm.example>"
    return story.tell("DELIVERED", story.after(10 * MINUTE), response="250 2.0.0 OK", smtpId=smtp_id)


def _opened(story: _Story) -> Event:
    """Tell one opening, or two, the later of which makes the earlier one obsolete."""
    _delivered(story)
    first = story.tell("OPEN", story.after(5 * DAY), duration=0, **story.visit(bot=story.rng.random() < 0.1))
    if story.rng.random() < 0.7:
        return first
    again = story.tell("OPEN", story.after(HOUR), duration=story.rng.randrange(500, 30_000), **story.visit())
    first["obsoletedBy"] = reference(again)
    return again


def _clicked(story: _Story) -> Event:
    opened = _opened(story)
    url = f"https://www.ourfirm.example/{story.rng.choice(words.CAMPAIGNS)}?utm_source=hs_email"
    link = {"url": url, "referer": "https://mail.example/", "linkId": story.rng.randrange(1, 6)}
    return story.tell("CLICK", story.after(10 * MINUTE), cause=opened, **link, **story.visit())


def _changed(story: _Story, cause: Event, source: str, *, bounced: bool = False) -> Event:
    status = "BOUNCED" if bounced else "UNSUBSCRIBED"
    return story.tell(
        "STATUSCHANGE",
        SECOND,
        cause=cause,
        source=source,
        requestedBy="" if bounced else story.address,
        portalSubscriptionStatus=status,
        subscriptions=[{"id": 7, "status": status}],
        bounced=bounced,
    )


def _unsubscribed(story: _Story) -> Event:
    return _changed(story, _clicked(story), "SOURCE_RECIPIENT")


def _bounced(story: _Story) -> Event:
    _sending(story)
    story.tell("PROCESSED", story.rng.randrange(1, 4) * SECOND)
    category, status, response = story.rng.choice(_BOUNCES)
    bounce = story.tell("BOUNCE", story.after(MINUTE), category=category, status=status, response=response)
    _changed(story, bounce, "SOURCE_BOUNCE", bounced=True)
    return bounce


def _unbounced(story: _Story) -> Event:
    bounce = _bounced(story)
    mended = story.tell("UNBOUNCE", story.after(9 * DAY), cause=bounce)
    bounce["obsoletedBy"] = reference(mended)
    return mended


def _deferred(story: _Story) -> Event:
    _sending(story)
    story.tell("PROCESSED", story.rng.randrange(1, 4) * SECOND)
    tries = [
        story.tell("DEFERRED", attempt * 10 * MINUTE, attempt=attempt, response="451 4.7.1 Try again later")
        for attempt in range(1, story.rng.randrange(2, 5))
    ]
    end = _delivery(story)
    for earlier, later in zip(tries, [*tries[1:], end], strict=True):
        earlier["obsoletedBy"] = reference(later)
    return end


def _dropped(story: _Story) -> Event:
    sent = _sending(story)
    reason, message = story.rng.choice(_DROPS)
    headers = {"from": SENDER, "subject": story.campaign.subject, "cc": [], "bcc": [], "replyTo": [SENDER]}
    drop = story.tell("DROPPED", SECOND, cause=sent, dropReason=reason, dropMessage=message, **headers)
    sent["obsoletedBy"] = reference(drop)
    return drop


def _suppressed(story: _Story) -> Event:
    return story.tell("SUPPRESSED", 0)


def _complained(story: _Story) -> Event:
    opened = _opened(story)
    agent = {"userAgent": _AGENTS[0][0], "ipAddress": "203.0.113.7"}
    report = story.tell("SPAMREPORT", story.after(HOUR), cause=opened, **agent)
    return _changed(story, report, "SOURCE_SPAM_REPORT")


def _passed_on(story: _Story) -> Event:
    return story.tell("FORWARD", story.after(HOUR), cause=_opened(story), **story.visit())


def _printed(story: _Story) -> Event:
    return story.tell("PRINT", story.after(HOUR), cause=_opened(story), **story.visit())


# how a message ends, and how often in a hundred
ENDINGS: Sequence[tuple[Callable[[_Story], Event], float]] = (
    (_delivered, 46),
    (_opened, 27),
    (_clicked, 9),
    (_deferred, 6),
    (_bounced, 3.5),
    (_dropped, 3),
    (_unsubscribed, 1.6),
    (_passed_on, 1.2),
    (_printed, 0.9),
    (_complained, 0.7),
    (_unbounced, 0.6),
    (_suppressed, 0.5),
)
_TELLERS = [teller for teller, _ in ENDINGS]
_WEIGHTS = [weight for _, weight in ENDINGS]


def story_of(portal: Portal, seed: int, campaign: Campaign, recipient: int, address: str) -> Sequence[Event]:
    """Return the events of one message, oldest first, each with its links, as far as they happened by the base time.

    The first recipients of the first campaign show every ending there is.
    """
    identity = f"{seed}:mail:{campaign.id}:{recipient}"
    rng = random.Random(identity)
    certain = campaign.number == 0 and recipient < len(_TELLERS)
    teller = _TELLERS[recipient] if certain else rng.choices(_TELLERS, _WEIGHTS)[0]
    start_ms = campaign.sent_ms + recipient // BURST * SECOND
    story = _Story(campaign, address, portal.account.portal_id, identity, start_ms, rng)
    teller(story)
    return [_until(event, portal.base_ms) for event in story.events if int(str(event["created"])) <= portal.base_ms]


def _until(event: Event, base_ms: int) -> Event:
    """Return the event without a link to one that is yet to come."""
    later = event.get("obsoletedBy")
    if isinstance(later, dict) and later["created"] > base_ms:
        del event["obsoletedBy"]
    return event
