"""One-to-one e-mails and the other messages (WhatsApp, LinkedIn, SMS) logged in the seeded portal."""

import orjson

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.model import Record, Value
from hubspot_platform.sandbox.seed.activities import about, authors, logged
from hubspot_platform.sandbox.seed.columns import Draft, Seeded, choices, text, typed
from hubspot_platform.sandbox.seed.world import Made, World, transposed

DIRECTIONS = ("EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL")
STATUSES = ("SENT", "BOUNCED", "FAILED", "SCHEDULED", "SENDING")
SUBJECTS = ("Your offer", "Re: Your offer", "Next steps", "Rechnung März", "Quick question", "Réunion de mardi")
TEXTS = (
    "Hello,\r\n\r\nplease find the offer attached.\r\n\r\nBest regards",
    "Thanks, that works for us.",
    "Could we move the call to Thursday?",
    "Vielen Dank für das Gespräch – anbei die Unterlagen.",
)
CHANNELS = ("WHATS_APP", "LINKEDIN_MESSAGE", "SMS")
MESSAGES = ("Thanks! 🙌", "Can you send me the link?", "See you at 10.", "Merci, à demain")

EMAILS: tuple[Seeded, ...] = (
    *logged(TEXTS),
    typed("hs_email_direction", "Email direction", "enumeration/select", options=choices(*DIRECTIONS)),
    typed("hs_email_status", "Email send status", "enumeration/select", options=choices(*STATUSES),
          make=lambda d: d.pick(STATUSES, (90, 4, 2, 3, 1), 0.02)),
    text("hs_email_subject", "Email subject"),
    typed("hs_email_text", "Email body", "string/textarea", lambda d: d.pick(TEXTS, missing=0.05)),
    typed("hs_email_html", "Email HTML", "string/html",
          lambda d: d.pick([f"<div>{t}</div>" for t in TEXTS], missing=0.2)),
    text("hs_email_headers", "Email headers"),
    text("hs_email_from_email", "From email", read_only=True),
    text("hs_email_to_email", "To email", read_only=True),
    text("hs_email_thread_id", "Email thread id"),
    text("hs_email_message_id", "Email message id"),
    text("hs_attachment_ids", "Attached file IDs", lambda d: d.pick(["4012291001", "4012291002"], missing=0.8)),
)  # fmt: skip
COMMUNICATIONS: tuple[Seeded, ...] = (
    *logged(MESSAGES),
    typed("hs_communication_channel_type", "Channel type", "enumeration/select", options=choices(*CHANNELS),
          make=lambda d: d.pick(CHANNELS, (5, 3, 2))),
    typed("hs_communication_logged_from", "Logged from", "enumeration/select", options=choices("CRM"),
          make=lambda d: d.pick(["CRM"])),
    typed("hs_communication_body", "Communication body", "string/html", lambda d: d.pick(MESSAGES, missing=0.02)),
)  # fmt: skip

_DEPENDENT = (
    "hs_timestamp",
    "hs_email_direction",
    "hs_email_subject",
    "hs_email_headers",
    "hs_email_from_email",
    "hs_email_to_email",
    "hs_email_thread_id",
    "hs_email_message_id",
)


def make_emails(draft: Draft, world: World) -> Made:
    """Return e-mails whose headers name the contact and the owner; one thread has several of them."""
    rng = draft.rng
    columns = authors(draft, world, 0.03)
    parties = about(draft, world, 0.04)
    rows: list[tuple[Value, ...]] = []
    for created, owner, found in zip(draft.created, columns["hubspot_owner_id"], parties, strict=True):
        direction = rng.choices(DIRECTIONS, (60, 36, 4))[0]
        us, them = _address(world, owner), _customer(world, found.person)
        sender, receiver = (us, them) if direction == "EMAIL" else (them, us)
        headers = {
            "from": {"email": sender},
            "to": [{"email": receiver}],
            "cc": [{"email": "team@ourfirm.example"}] if rng.random() < 0.2 else [],
            "bcc": [],
        }
        rows.append(
            (
                iso(created),
                direction,
                rng.choice(SUBJECTS),
                orjson.dumps(headers).decode(),
                sender,
                receiver,
                f"thread-{rng.randrange(max(1, draft.count // 3)):06d}",
                f"<{rng.getrandbits(80):020x}@ourfirm.example>",
            )
        )
    return Made({**columns, **transposed(rows, _DEPENDENT)}, parties)


def make_communications(draft: Draft, world: World) -> Made:
    """Return messages; they happened when they were logged."""
    stamps: list[Value] = [iso(created) for created in draft.created]
    return Made({"hs_timestamp": stamps, **authors(draft, world, 0.1)}, about(draft, world, 0.02))


def _address(world: World, owner: Value) -> str:
    found = world.portal.owners.get(owner or "")
    return "office@ourfirm.example" if found is None else found.email


def _customer(world: World, person: Record | None) -> str:
    return (world.text(person, "email").lower() if person else "") or "unknown@customer.example"
