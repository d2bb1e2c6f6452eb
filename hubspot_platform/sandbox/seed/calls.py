"""Calls of the seeded portal: numbers that lead to contacts in every spelling telephone systems write, or to nobody."""

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.handlers.calling import DISPOSITIONS
from hubspot_platform.sandbox.model import Choice, Record, Value
from hubspot_platform.sandbox.seed.activities import authors, logged
from hubspot_platform.sandbox.seed.columns import Draft, Seeded, choices, custom, text, typed
from hubspot_platform.sandbox.seed.world import Made, Parties, World, e164, transposed

DIRECTIONS = ("INBOUND", "OUTBOUND")
STATUSES = (
    "COMPLETED", "BUSY", "NO_ANSWER", "FAILED", "CANCELED", "QUEUED", "RINGING", "IN_PROGRESS", "CONNECTING",
    "CALLING_CRM_USER",
)  # fmt: skip
ID_OF = {label: identity for identity, label in DISPOSITIONS.items()}
# disposition, status, share, shortest and longest duration in ms
OUTCOMES = (
    ("Connected", "COMPLETED", 46, 20_000, 1_500_000),
    ("Callback agreed", "COMPLETED", 6, 60_000, 400_000),
    ("Left voicemail", "COMPLETED", 12, 8_000, 60_000),
    ("Left live message", "COMPLETED", 4, 15_000, 90_000),
    ("No answer", "NO_ANSWER", 18, 0, 45_000),
    ("Busy", "BUSY", 6, 0, 3_000),
    ("Wrong number", "COMPLETED", 3, 5_000, 30_000),
    ("", "CANCELED", 3, 0, 0),
    ("", "FAILED", 2, 0, 0),
)
OUR_NUMBERS = ("+12125550100", "+12125550101", "+442079460100", "+4930901820100")
UNDIALLABLE = ("anonymous", "Restricted", "204", "+1555", "")
TITLES = ("Discovery call", "Follow-up", "Pricing", "Renewal", "Kavkom call", "Support call")
BODIES = ("Wants a demo next week.", "<p>Budget approved.</p>", "Call back after the holidays.", "Left a message.")

PROPERTIES: tuple[Seeded, ...] = (
    *logged(BODIES),
    text("hs_call_title", "Call title", lambda d: d.pick(TITLES, missing=0.1)),
    typed("hs_call_body", "Call notes", "string/html", lambda d: d.pick(BODIES, missing=0.5)),
    typed("hs_call_direction", "Call direction", "enumeration/radio", options=choices(*DIRECTIONS)),
    typed("hs_call_disposition", "Call outcome", "enumeration/select",
          options=tuple(Choice(i, label) for i, label in DISPOSITIONS.items())),
    typed("hs_call_duration", "Call duration", "number/number"),
    typed("hs_call_status", "Call status", "enumeration/select", options=choices(*STATUSES)),
    text("hs_call_from_number", "From number"),
    text("hs_call_to_number", "To number"),
    text("hs_call_recording_url", "Recording URL"),
    typed("hs_call_source", "Call source", "enumeration/select", options=choices("INTEGRATIONS_PLATFORM", "ZOOM"),
          make=lambda d: d.pick(["INTEGRATIONS_PLATFORM"], missing=0.05)),
    text("hs_call_external_id", "External call id", lambda d: [f"kvk-{d.rng.randrange(10**9):09d}" for _ in d.ids]),
    typed("hs_activity_type", "Call and meeting type", "enumeration/select", options=choices("Sales", "Support"),
          make=lambda d: d.pick(["Sales", "Support"], (7, 3), 0.4)),
    custom("call_rating", "Call rating", "number/number", lambda d: d.pick("12345", missing=0.7)),
)  # fmt: skip

_DEPENDENT = (
    "hs_timestamp",
    "hs_call_direction",
    "hs_call_disposition",
    "hs_call_duration",
    "hs_call_status",
    "hs_call_from_number",
    "hs_call_to_number",
    "hs_call_recording_url",
)


def make(draft: Draft, world: World) -> Made:
    """Return the columns that depend on who was called and how it went, and the calls' associations."""
    rng, dice = draft.rng, draft.rng.random
    rows: list[tuple[Value, ...]] = []
    parties: list[Parties] = []
    shares = [o[2] for o in OUTCOMES]
    for position, created in enumerate(draft.created):
        person = world.person(created) if dice() < 0.8 else None
        label, status, _, shortest, longest = rng.choices(OUTCOMES, shares)[0]
        duration = shortest + int((longest - shortest) * dice() ** 2)
        inbound = dice() < 0.25
        customer, ours = customer_number(world, person), rng.choice(OUR_NUMBERS)
        recorded = label == "Connected" and dice() < 0.7
        outcome = "Connected" if label == "Connected" and position % 50 == 7 else ID_OF.get(label)
        rows.append(
            (
                iso(created - duration - int(dice() * 5_000)),
                DIRECTIONS[not inbound],
                outcome,
                str(duration) if duration or dice() < 0.5 else None,
                status,
                customer if inbound else ours,
                ours if inbound else customer,
                f"https://recordings.kavkom.example/{rng.getrandbits(64):016x}.mp3" if recorded else None,
            )
        )
        # telephone systems log many calls without telling HubSpot whose they are
        parties.append(world.parties(person) if dice() < 0.6 else Parties())
    return Made({**transposed(rows, _DEPENDENT), **authors(draft, world, 0.06)}, parties)


def customer_number(world: World, person: Record | None) -> Value:
    """Return the other end's number: mostly a contact's in international form, else as spelled, or nobody's."""
    dice = world.rng.random
    number = (world.text(person, "phone") or world.text(person, "mobilephone")) if person else ""
    if person is None or not number:
        return world.rng.choice(UNDIALLABLE) if dice() < 0.15 else f"+1646555{world.rng.randrange(10_000):04d}"
    international = e164(number, world.text(person, "country"))
    return (
        international,
        international,
        international,
        number,
        international.removeprefix("+"),
        f"00{international[1:]}",
        f"{international[:2]} ({international[2:5]}) {international[5:8]}-{international[8:]}",
    )[int(dice() * 7)]
