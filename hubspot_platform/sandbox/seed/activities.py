"""Meetings, notes and tasks of the seeded portal, and the properties every logged activity has."""

from collections.abc import Sequence

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.model import Value
from hubspot_platform.sandbox.seed import words
from hubspot_platform.sandbox.seed.columns import DAY_MS, Draft, Seeded, choices, custom, text, typed
from hubspot_platform.sandbox.seed.world import Made, Parties, World, transposed

MINUTE_MS = 60_000
MEETING_OUTCOMES = ("SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED")
PLACES = ("Zoom", "https://meet.example/abc-defg", "Customer's office", "+49 30 90182011")
TASK_STATUSES = ("NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED")
TASK_TYPES = ("TODO", "CALL", "EMAIL", "LINKED_IN_CONNECT")
TASK_SUBJECTS = ("Call back", "Send contract", "Check invoice", "Prepare demo", "Ask for review ⭐")
NOTE_BODIES = (
    "<p>Spoke to the office manager; decision in <b>May</b>.</p>",
    "Champion left the company.",
    "Uses us in 3 of 5 sites. Wants SSO.",
    "قابلناه في المعرض",
    "Budget &amp; timing agreed 🎉",
)


def logged(previews: Sequence[str]) -> tuple[Seeded, ...]:
    """Return the properties all engagement types share; `previews` are what their bodies look like in short."""
    return (
        typed("hs_object_id", "Record ID", "number/number", read_only=True),
        typed("hs_createdate", "Create date", "datetime/date", read_only=True),
        typed("hs_lastmodifieddate", "Last modified date", "datetime/date", read_only=True),
        typed("hs_timestamp", "Activity date", "datetime/date"),
        typed("hubspot_owner_id", "Activity assigned to", "enumeration/select", external_options=True),
        typed("hubspot_team_id", "HubSpot team", "enumeration/select", external_options=True),
        typed("hs_created_by_user_id", "Created by user", "number/number", read_only=True),
        typed("hs_engagement_source", "Source of the activity", "enumeration/select", read_only=True,
              options=choices("CRM_UI", "INTEGRATION", "EMAIL"),
              make=lambda d: d.pick(["CRM_UI", "INTEGRATION"], (6, 4))),
        text("hs_body_preview", "Body preview", lambda d: d.pick(previews, missing=0.3), read_only=True),
        text("hs_body_preview_html", "HTML body preview", lambda d: d.pick(previews, missing=0.5), read_only=True),
        text("hs_merged_object_ids", "Merged record IDs", read_only=True),
    )  # fmt: skip


MEETINGS: tuple[Seeded, ...] = (
    *logged(words.NOTES),
    text("hs_meeting_title", "Meeting name"),
    typed("hs_meeting_body", "Meeting description", "string/html", lambda d: d.pick(words.NOTES, missing=0.4)),
    typed("hs_internal_meeting_notes", "Internal meeting notes", "string/html",
          lambda d: d.pick(words.NOTES, missing=0.6)),
    typed("hs_meeting_start_time", "Meeting start time", "datetime/date"),
    typed("hs_meeting_end_time", "Meeting end time", "datetime/date"),
    text("hs_meeting_location", "Location", lambda d: d.pick(PLACES, missing=0.2)),
    text("hs_meeting_external_url", "External URL",
         lambda d: [f"https://calendar.example/e/{d.rng.getrandbits(40):x}" if d.rng.random() < 0.7 else None
                    for _ in d.ids]),
    typed("hs_meeting_outcome", "Meeting outcome", "enumeration/select", options=choices(*MEETING_OUTCOMES)),
    typed("hs_activity_type", "Call and meeting type", "enumeration/select", options=choices("Demo", "Review"),
          make=lambda d: d.pick(["Demo", "Review"], missing=0.3)),
    typed("hs_meeting_source", "Meeting source", "enumeration/select",
          options=choices("CRM_UI", "MEETINGS_PUBLIC", "BIDIRECTIONAL_API"),
          make=lambda d: d.pick(["CRM_UI", "MEETINGS_PUBLIC", "BIDIRECTIONAL_API"])),
    custom("slides_shown", "Slides shown", "number/number", lambda d: d.whole(0, 60, 0.5)),
)  # fmt: skip
NOTES: tuple[Seeded, ...] = (
    *logged(NOTE_BODIES),
    typed("hs_note_body", "Note body", "string/html", lambda d: d.pick(NOTE_BODIES, missing=0.01)),
    text("hs_attachment_ids", "Attached file IDs",
         lambda d: d.pick(["4012290071", "4012290072;4012290073"], missing=0.85)),
)  # fmt: skip
TASKS: tuple[Seeded, ...] = (
    *logged(words.NOTES),
    text("hs_task_subject", "Task title", lambda d: d.pick(TASK_SUBJECTS)),
    typed("hs_task_body", "Task notes", "string/html", lambda d: d.pick(words.NOTES, missing=0.5)),
    typed("hs_task_status", "Task status", "enumeration/select", options=choices(*TASK_STATUSES)),
    typed("hs_task_priority", "Priority", "enumeration/select", options=choices("NONE", "LOW", "MEDIUM", "HIGH"),
          make=lambda d: d.pick(["NONE", "LOW", "MEDIUM", "HIGH"], (6, 2, 2, 2))),
    typed("hs_task_type", "Task type", "enumeration/select", options=choices(*TASK_TYPES),
          make=lambda d: d.pick(TASK_TYPES, (6, 3, 3, 1))),
    typed("hs_task_completion_date", "Completed at", "datetime/date"),
    typed("hs_task_is_completed", "Is completed", "number/number", read_only=True, calculated=True),
    typed("hs_task_reminders", "Reminder", "string/text"),
)  # fmt: skip

_MEETING = ("hs_timestamp", "hs_meeting_title", "hs_meeting_start_time", "hs_meeting_end_time", "hs_meeting_outcome")
_TASK = ("hs_timestamp", "hs_task_status", "hs_task_completion_date", "hs_task_is_completed")


def about(draft: Draft, world: World, nobody: float) -> list[Parties]:
    """Return whom each activity concerns; a share concerns nobody."""
    return [
        Parties() if draft.rng.random() < nobody else world.parties(world.person(created)) for created in draft.created
    ]


def authors(draft: Draft, world: World, missing: float) -> dict[str, list[Value]]:
    """Return owner, team and creating user of each activity."""
    columns = world.owned(draft, missing)
    columns["hs_created_by_user_id"] = [
        None if owner is None else str(world.user_of[owner]) for owner in columns["hubspot_owner_id"]
    ]
    return columns


def make_meetings(draft: Draft, world: World) -> Made:
    """Return meetings: held ones have an outcome, some lie ahead."""
    rng, dice = draft.rng, draft.rng.random
    rows: list[tuple[Value, ...]] = []
    for created in draft.created:
        start = created + int(dice() * 14 * DAY_MS)
        start -= start % (30 * MINUTE_MS)
        ahead = start > draft.base_ms
        outcome = "SCHEDULED" if ahead else rng.choices(MEETING_OUTCOMES, (8, 66, 8, 12, 6))[0]
        end = start + rng.choice((15, 30, 30, 45, 60)) * MINUTE_MS
        title = f"{rng.choice(('Demo', 'Kick-off', 'Review', 'Contract'))} – {rng.choice(words.COMPANY_FRONT)}"
        rows.append((iso(start), title, iso(start), iso(end), None if dice() < 0.05 else outcome))
    columns = {**transposed(rows, _MEETING), **authors(draft, world, 0.04)}
    return Made(columns, about(draft, world, 0.05))


def make_notes(draft: Draft, world: World) -> Made:
    """Return notes; they happened when they were written."""
    stamps: list[Value] = [iso(created) for created in draft.created]
    return Made({"hs_timestamp": stamps, **authors(draft, world, 0.08)}, about(draft, world, 0.03))


def make_tasks(draft: Draft, world: World) -> Made:
    """Return tasks; their timestamp is the day they are due."""
    rng, dice = draft.rng, draft.rng.random
    rows: list[tuple[Value, ...]] = []
    for created, updated in zip(draft.created, draft.updated, strict=True):
        status = rng.choices(TASK_STATUSES, (25, 8, 6, 55, 6))[0]
        done = status == "COMPLETED"
        rows.append(
            (
                iso(created + int(dice() * 10 * DAY_MS)),
                status,
                iso(created + int((updated - created) * dice())) if done else None,
                str(int(done)),
            )
        )
    columns = {**transposed(rows, _TASK), **authors(draft, world, 0.05)}
    return Made(columns, about(draft, world, 0.1))
