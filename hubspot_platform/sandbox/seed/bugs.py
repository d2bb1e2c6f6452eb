"""The seeded custom object: bugs, as they come from Jira and Monday, with a schema of their own."""

from hubspot_platform.sandbox.custom_objects import CustomObject
from hubspot_platform.sandbox.handlers.schemas import demand, link_types, register
from hubspot_platform.sandbox.model import Value
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.seed.columns import Draft, Seeded, choices, custom, text, typed
from hubspot_platform.sandbox.seed.world import Made, Parties, World, transposed

STATUSES = ("open", "in_progress", "fixed", "wont_fix")
SEVERITIES = ("minor", "major", "critical")
SOURCES = ("jira", "monday")
SUMMARIES = (
    "Export lacks the last column",
    "Sign-in loops after SSO change",
    "Rounding of 0.005 on invoices",
    "Umlauts broken in PDF – “ÄÖÜ”",
    "App crashes when offline ✈️",
)
GROUP = "information"

PROPERTIES: tuple[Seeded, ...] = (
    typed("hs_object_id", "Record ID", "number/number", read_only=True),
    typed("hs_createdate", "Create date", "datetime/date", read_only=True),
    typed("hs_lastmodifieddate", "Last modified date", "datetime/date", read_only=True),
    text("hs_merged_object_ids", "Merged record IDs", read_only=True),
    typed("hubspot_owner_id", "Owner", "enumeration/select", external_options=True),
    custom("summary", "Summary", "string/text", group=GROUP),
    custom("jira_key", "Jira key", "string/text", unique=True, group=GROUP),
    custom("monday_item_id", "Monday item id", "string/text", group=GROUP),
    custom("source", "Source", "enumeration/select", options=choices(*SOURCES), group=GROUP),
    custom("status", "Status", "enumeration/select", options=choices(*STATUSES), group=GROUP,
           make=lambda d: d.pick(STATUSES, (30, 20, 42, 8))),
    custom("severity", "Severity", "enumeration/select", options=choices(*SEVERITIES), group=GROUP,
           make=lambda d: d.pick(SEVERITIES, (5, 4, 1), 0.05)),
    custom("reported_on", "Reported on", "date/date", lambda d: d.days(600, 0, 0.1), group=GROUP),
    custom("fixed_at", "Fixed at", "datetime/date", lambda d: d.moments(0.5), group=GROUP),
    custom("story_points", "Story points", "number/number", group=GROUP,
           make=lambda d: d.pick(["1", "2", "3", "5", "8", "0.5"], missing=0.3)),
    custom("is_regression", "Regression", "bool/booleancheckbox", lambda d: d.pick(["true", "false"], (1, 5), 0.1),
           options=choices("true", "false"), group=GROUP),
)  # fmt: skip


def declare(portal: Portal) -> CustomObject:
    """Register the schema with its properties and associations."""
    found = register(portal, "bug", ("Bug", "Bugs"), "summary", portal.base_ms)
    area = portal.areas[found.spec.plural]
    for entry in PROPERTIES:
        area.schema.define(entry.definition)
    demand(portal, found, ("summary",), ("summary", "jira_key"))
    found.secondary, found.description = ("status", "jira_key"), "A defect reported in Jira or Monday"
    for other in ("companies", "contacts", "tickets"):
        spec = portal.areas[other].spec
        link_types(portal, found, spec, f"bug_to_{spec.singular}")
    return found


def make(draft: Draft, world: World) -> Made:
    """Return summaries and natural keys, and the company, contact and ticket of each bug."""
    rng = draft.rng
    rows: list[tuple[Value, ...]] = []
    for identity in draft.ids:
        jira = rng.random() < 0.8
        rows.append(
            (
                rng.choice(SUMMARIES),
                f"APP-{identity % 10**7}" if jira else None,
                None if jira else str(5_000_000_000 + identity % 10**8),
                SOURCES[not jira],
            )
        )
    parties = [
        Parties(links=tuple(p for p in world.parties(world.person(c), deal=0, ticket=0.7).links if rng.random() < 0.85))
        for c in draft.created
    ]
    columns = {**transposed(rows, ("summary", "jira_key", "monday_item_id", "source"))}
    columns["hubspot_owner_id"] = world.owned(draft, 0.3)["hubspot_owner_id"]
    return Made(columns, parties)
