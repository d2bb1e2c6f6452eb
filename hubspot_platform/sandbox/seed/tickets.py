"""Tickets of the seeded portal: two pipelines, their stages, and the support properties the mirror's tables read."""

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.model import Choice, Pipeline, Stage, Value
from hubspot_platform.sandbox.seed.columns import DAY_MS, Draft, Seeded, choices, custom, text, typed
from hubspot_platform.sandbox.seed.world import Made, Parties, World, transposed

# id, label, state, share of the pipeline's tickets
SUPPORT = (
    ("1", "New", "OPEN", 14),
    ("2", "Waiting on contact", "OPEN", 16),
    ("3", "Waiting on us", "OPEN", 12),
    ("4", "Closed", "CLOSED", 58),
)
ONBOARDING = (
    ("661201", "Kick-off", "OPEN", 25),
    ("661202", "Data import", "OPEN", 30),
    ("661203", "Live", "CLOSED", 45),
)
PIPELINES = (("0", "Support Pipeline", SUPPORT), ("88213", "Onboarding", ONBOARDING))
CATEGORIES = ("PRODUCT_ISSUE", "BILLING_ISSUE", "FEATURE_REQUEST", "GENERAL_INQUIRY")
PRIORITIES = ("LOW", "MEDIUM", "HIGH", "URGENT")
SOURCES = ("EMAIL", "CHAT", "FORM", "PHONE")
RESOLUTIONS = ("ISSUE_FIXED", "REPORTED_TO_DEVELOPMENT", "NO_REPLY_FROM_CUSTOMER")
TOPICS = (
    "Cannot sign in",
    "Invoice shows the wrong address",
    "Import stops at row 1,204",
    "Export lacks umlauts",
    "How do we add a second site?",
    "App is slow on Mondays",
    "Please delete a user",
    "SFTP upload refused",
)
CONTENTS = (
    "Since this morning nobody in our team can sign in.",
    "<p>Please correct the address &ndash; see attachment.</p>",
    'The file stops with "unexpected end of line".\nWe tried twice.',
    "Könnten Sie das bitte prüfen? 🙏",
)

PROPERTIES: tuple[Seeded, ...] = (
    typed("hs_object_id", "Record ID", "number/number", read_only=True),
    typed("createdate", "Create date", "datetime/date", read_only=True),
    typed("hs_lastmodifieddate", "Last modified date", "datetime/date", read_only=True),
    text("subject", "Ticket name"),
    typed("content", "Ticket description", "string/textarea", lambda d: d.pick(CONTENTS, missing=0.1)),
    typed("hs_pipeline", "Pipeline", "enumeration/select", options=tuple(Choice(i, name) for i, name, _ in PIPELINES)),
    typed("hs_pipeline_stage", "Ticket status", "enumeration/select",
          options=tuple(Choice(s[0], f"{s[1]} ({name})") for _, name, stages in PIPELINES for s in stages)),
    typed("hs_ticket_category", "Category", "enumeration/checkbox", options=choices(*CATEGORIES),
          make=lambda d: d.pick([*CATEGORIES, "PRODUCT_ISSUE;BILLING_ISSUE"], (40, 20, 15, 15, 4), 0.15)),
    typed("hs_ticket_priority", "Priority", "enumeration/select", options=choices(*PRIORITIES),
          make=lambda d: d.pick(PRIORITIES, (40, 35, 18, 7), 0.12)),
    typed("hubspot_owner_id", "Ticket owner", "enumeration/select", external_options=True),
    typed("hubspot_team_id", "HubSpot team", "enumeration/select", external_options=True),
    typed("closed_date", "Close date", "datetime/date"),
    typed("first_agent_reply_date", "First agent email response date", "datetime/date"),
    typed("last_reply_date", "Last customer reply date", "datetime/date", lambda d: d.moments(0.4), read_only=True),
    typed("time_to_close", "Time to close", "number/number", read_only=True),
    typed("time_to_first_agent_reply", "Time to first agent email reply", "number/number", read_only=True),
    typed("source_type", "Source", "enumeration/select", options=choices(*SOURCES),
          make=lambda d: d.pick(SOURCES, (50, 20, 20, 10), 0.05)),
    typed("hs_resolution", "Resolution", "enumeration/checkbox", options=choices(*RESOLUTIONS)),
    typed("hs_num_times_contacted", "Number of times contacted", "number/number", lambda d: d.whole(0, 12, 0.1),
          read_only=True, calculated=True),
    typed("hs_num_associated_companies", "Number of associated companies", "number/number", read_only=True,
          calculated=True),
    text("hs_merged_object_ids", "Merged record IDs", read_only=True),
    typed("hs_is_closed", "Is ticket closed?", "bool/calculation_equation", read_only=True, calculated=True),
    typed("notes_last_updated", "Last activity date", "datetime/date", lambda d: d.moments(0.2), read_only=True),
    custom("companyid_hs_sync", "Company id (sync)", "number/number"),
    custom("jira_issue_key", "Jira issue key", "string/text",
           lambda d: [f"SUP-{100 + p}" if d.rng.random() < 0.2 else None for p in range(d.count)]),
    custom("satisfaction", "Satisfaction (1 to 5)", "number/number",
           lambda d: d.pick("12345", (4, 6, 15, 35, 40), 0.5)),
)  # fmt: skip

_DEPENDENT = (
    "subject",
    "hs_pipeline",
    "hs_pipeline_stage",
    "hs_is_closed",
    "closed_date",
    "first_agent_reply_date",
    "time_to_close",
    "time_to_first_agent_reply",
    "hs_resolution",
    "companyid_hs_sync",
    "hs_num_associated_companies",
)


def pipelines(base_ms: int) -> dict[str, Pipeline]:
    """Return the portal's two ticket pipelines."""
    made = base_ms - 800 * DAY_MS
    found: dict[str, Pipeline] = {}
    for order, (identity, label, stages) in enumerate(PIPELINES):
        rows = [
            Stage(i, name, position, {"ticketState": state, "isClosed": str(state == "CLOSED").lower()})
            for position, (i, name, state, _) in enumerate(stages)
        ]
        found[identity] = Pipeline(identity, label, order, rows, made, made + 60 * DAY_MS)
    return found


def make(draft: Draft, world: World) -> Made:
    """Return the columns that depend on a ticket's status and customer, and the tickets' associations."""
    rows: list[tuple[Value, ...]] = []
    parties: list[Parties] = []
    for created, updated in zip(draft.created, draft.updated, strict=True):
        found = _customer(world, created)
        company = next((i for name, i, _ in found.links if name == "company"), None)
        rows.append(_row(draft, created, updated, company))
        parties.append(found)
    return Made({**transposed(rows, _DEPENDENT), **world.owned(draft, 0.12)}, parties)


def _row(draft: Draft, created: int, updated: int, company: int | None) -> tuple[Value, ...]:
    rng, dice = draft.rng, draft.rng.random
    identity, _, stages = PIPELINES[0] if dice() < 0.85 else PIPELINES[1]
    stage, _, state, _ = rng.choices(stages, [s[3] for s in stages])[0]
    closed = state == "CLOSED"
    # somebody replies first and closes later, both before the last change
    reply = created + int((updated - created) * dice() * 0.3) if dice() < 0.8 else None
    end = created + int((updated - created) * (0.3 + 0.7 * dice())) if closed else None
    return (
        f"{rng.choice(TOPICS)} ({rng.randrange(10**5):05d})",
        identity,
        stage,
        str(closed).lower(),
        None if end is None else iso(end),
        None if reply is None else iso(reply),
        None if end is None else str(end - created),
        None if reply is None else str(reply - created),
        rng.choice(RESOLUTIONS) if closed and dice() < 0.6 else None,
        None if company is None else str(company),
        "0" if company is None else "1",
    )


def _customer(world: World, at_ms: int) -> Parties:
    """Return who reported the ticket, for which company, and sometimes the deal it holds up."""
    if world.rng.random() < 0.04:
        return Parties()
    found = world.parties(world.person(at_ms), deal=0.25, ticket=0)
    labels = {
        "contact": ("Reporter",) if world.rng.random() < 0.5 else (),
        "company": ("Primary",),
        "deal": ("Blocks",) if world.rng.random() < 0.5 else (),
    }
    return Parties(found.person, tuple((name, i, labels[name]) for name, i, _ in found.links))
