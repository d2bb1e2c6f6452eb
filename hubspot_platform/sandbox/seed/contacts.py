"""Contacts of the seeded portal: their properties, and people who fit the companies they work for."""

from collections.abc import Sequence
from dataclasses import dataclass

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.seed import words
from hubspot_platform.sandbox.seed.columns import Column, Draft, Seeded, choices, custom, text, typed

STAGES = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "other")
STAGE_WEIGHTS = (22, 34, 16, 9, 7, 10, 2)
LEAD_STATUSES = ("NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED")
SCRIPTS = ("v1", "v2", "v3")
INTERESTS = ("analytics", "automation", "billing", "support", "training")
NO_REACH = 0.008

_INTEREST_SETS = ["analytics", "automation;billing", "support", "analytics;training;support", "billing", "training"]

PROPERTIES: tuple[Seeded, ...] = (
    typed("hs_object_id", "Record ID", "number/number", read_only=True),
    typed("createdate", "Create date", "datetime/date", read_only=True),
    typed("lastmodifieddate", "Last modified date", "datetime/date", read_only=True),
    text("email", "Email", unique=True),
    text("firstname", "First name"),
    text("lastname", "Last name"),
    typed("phone", "Phone number", "string/phonenumber"),
    text("company", "Company name"),
    typed("hubspot_owner_id", "Contact owner", "enumeration/select", external_options=True),
    typed("lifecyclestage", "Lifecycle stage", "enumeration/radio", options=choices(*STAGES),
          make=lambda d: d.pick(STAGES, STAGE_WEIGHTS, 0.02)),
    custom("vsl_watched", "VSL watched", "bool/booleancheckbox",
           lambda d: d.pick(["true", "false"], (4, 6), 0.25), options=choices("true", "false")),
    custom("sales_script_version", "Sales script version", "enumeration/select",
           lambda d: d.pick(SCRIPTS, (5, 3, 2), 0.2), options=choices(*SCRIPTS)),
    text("hs_merged_object_ids", "Merged record IDs", read_only=True),
    text("hs_calculated_merged_vids", "Merged vids", read_only=True, calculated=True),
    text("hs_additional_emails", "Additional email addresses"),
    typed("hs_lastmodifieddate", "Object last modified date", "datetime/date", read_only=True, hidden=True),
    text("country", "Country/Region"),
    text("city", "City"),
    typed("mobilephone", "Mobile phone number", "string/phonenumber"),
    text("jobtitle", "Job title", lambda d: d.pick(words.JOB_TITLES, missing=0.12)),
    typed("hs_lead_status", "Lead status", "enumeration/radio", options=choices(*LEAD_STATUSES),
          make=lambda d: d.pick(LEAD_STATUSES, missing=0.35)),
    custom("lead_score", "Lead score", "number/number", lambda d: d.whole(0, 100, 0.1)),
    custom("birthday", "Birthday", "date/date", lambda d: d.days(21_900, -7_000, 0.6)),
    custom("trial_started_at", "Trial started at", "datetime/date", lambda d: d.moments(0.6)),
    custom("product_interests", "Product interests", "enumeration/checkbox",
           lambda d: d.pick(_INTEREST_SETS, missing=0.3), options=choices(*INTERESTS)),
    custom("direct_line", "Direct line", "phone_number/phonenumber"),
    custom("marketing_consent", "Marketing consent", "bool/booleancheckbox",
           lambda d: d.pick(["true", "false"], (7, 3), 0.05), options=choices("true", "false")),
    custom("sales_notes", "Sales notes", "string/textarea", lambda d: d.pick(words.NOTES, missing=0.6)),
    typed("annualrevenue", "Annual revenue", "number/number", lambda d: d.money(50_000, 90_000_000, 0.5)),
    text("website", "Website URL"),
    text("address", "Street address"),
    text("zip", "Postal code", lambda d: d.pick([f"{z:05d}" for z in range(501, 99_950, 137)], missing=0.2)),
    text("state", "State/Region"),
    typed("industry", "Industry", "enumeration/select", options=choices(*words.INDUSTRIES),
          make=lambda d: d.pick(words.INDUSTRIES, missing=0.3)),
    typed("hs_analytics_source", "Original traffic source", "enumeration/select",
          options=choices(*words.SOURCES), make=lambda d: d.pick(words.SOURCES), read_only=True),
    typed("hs_analytics_num_visits", "Number of sessions", "number/number",
          lambda d: d.whole(0, 240), read_only=True, calculated=True),
    typed("hs_analytics_num_page_views", "Number of pageviews", "number/number",
          lambda d: d.whole(0, 1_900), read_only=True, calculated=True),
    typed("hs_analytics_first_timestamp", "Time first seen", "datetime/date", lambda d: list(map(iso, d.created)),
          read_only=True),
    typed("notes_last_contacted", "Last contacted", "datetime/date", lambda d: d.moments(0.3), read_only=True),
    typed("notes_last_updated", "Last activity date", "datetime/date", lambda d: d.moments(0.25), read_only=True),
    typed("num_notes", "Number of sales activities", "number/number", lambda d: d.whole(0, 60, 0.2),
          read_only=True),
    typed("num_associated_deals", "Number of associated deals", "number/number", read_only=True),
    typed("hs_email_open", "Marketing emails opened", "number/number", lambda d: d.whole(0, 90, 0.3), read_only=True),
    typed("hs_email_click", "Marketing emails clicked", "number/number", lambda d: d.whole(0, 30, 0.3), read_only=True),
    typed("hs_email_optout", "Unsubscribed from all email", "bool/booleancheckbox",
          lambda d: d.pick(["true", "false"], (1, 19), 0.3), options=choices("true", "false")),
    text("hs_language", "Preferred language", lambda d: d.pick(words.LANGUAGES, missing=0.15)),
    text("hs_timezone", "Time zone", lambda d: d.pick(words.TIME_ZONES, missing=0.3)),
    text("utm_campaign", "UTM campaign", lambda d: d.pick(words.CAMPAIGNS, missing=0.4), hubspot_defined=False),
    text("gclid", "Google click id", hubspot_defined=False,
         make=lambda d: [f"Cj0KCQ{d.rng.getrandbits(96):x}" if d.rng.random() < 0.15 else None for _ in d.ids]),
    typed("hubspot_owner_assigneddate", "Owner assigned date", "datetime/date", lambda d: d.moments(0.1),
          read_only=True),
)  # fmt: skip


@dataclass(frozen=True)
class Employer:
    """What a contact takes over from its company."""

    name: str
    domain: str
    place: int


def phone(draft: Draft, place: int) -> str:
    """Return a phone number of that country in one of the spellings people use."""
    form = draft.rng.choice(words.PLACES[place][2].split(","))
    return "".join(str(int(draft.rng.random() * 10)) if c == "#" else c for c in form)


def people(draft: Draft, employers: Sequence[Employer | None]) -> dict[str, Column]:
    """Return the columns that have to agree with each other: names, addresses, company, place, phones."""
    dice = draft.rng.random
    first, last = draft.pick(words.FIRST_NAMES), draft.pick(words.LAST_NAMES)
    free, places = (
        draft.pick(words.FREE_MAIL),
        draft.rng.choices(range(len(words.PLACES)), words.PLACE_WEIGHTS, k=draft.count),
    )
    cities = [row[1].split(",") for row in words.PLACES]
    ready: dict[str, Column] = {"firstname": first, "lastname": last}
    emails: Column = []
    company: Column = []
    website: Column = []
    country: Column = []
    city: Column = []
    taken: set[str] = set()
    spelled = {n: plain(n) for n in (*words.FIRST_NAMES, *words.LAST_NAMES)}
    for position, employer in enumerate(employers):
        place = places[position] if employer is None else employer.place
        domain = str(free[position]) if employer is None else employer.domain
        email = f"{spelled[str(first[position])]}.{spelled[str(last[position])]}@{domain}"
        if email in taken:
            email = email.replace("@", f"{position}@", 1)
        taken.add(email)
        emails.append(email)
        company.append(None if employer is None else employer.name)
        website.append(None if employer is None else employer.domain)
        country.append(words.PLACES[place][0])
        city.append(cities[place][int(dice() * len(cities[place]))])
        places[position] = place
    american = draft.pick(words.STATES, missing=0.2)
    ready["state"] = [s if c == "United States" else None for s, c in zip(american, country, strict=True)]
    ready |= {"email": emails, "company": company, "website": website, "country": country, "city": city}
    ready["address"] = draft.pick([f"{n} {street}" for street in words.STREETS for n in range(1, 200, 7)], missing=0.4)
    pools = [[phone(draft, place) for _ in range(3_000)] for place in range(len(words.PLACES))]
    for name, missing in (("phone", 0.15), ("mobilephone", 0.6), ("direct_line", 0.8)):
        ready[name] = [None if dice() < missing else pools[p][int(dice() * 3_000)] for p in places]
    _unreachable(draft, ready)
    return ready


def plain(name: str) -> str:
    """Return a name as it stands in an e-mail address."""
    table = str.maketrans("éëüöåíìášóàñçŻżıøÿï", "eeuoaiiasoancZziOyi".lower())
    return "".join(c for c in name.lower().translate(table) if c.isascii() and c.isalnum())


def _unreachable(draft: Draft, ready: dict[str, Column]) -> None:
    """Leave a small share without e-mail and phone, and a larger one without e-mail only."""
    for position in draft.sample(0.03):
        ready["email"][position] = None
        ready["phone"][position] = ready["phone"][position] or phone(draft, 0)
    for position in draft.sample(NO_REACH):
        ready["email"][position] = ready["phone"][position] = None
        ready["mobilephone"][position] = None


def spoil(draft: Draft, ready: dict[str, Column]) -> None:
    """Make a small share of values as untidy as people leave them."""
    firsts, emails = ready["firstname"], ready["email"]
    for position in draft.sample(0.01):
        firsts[position] = f"  {firsts[position]} "
    for position in draft.sample(0.005):
        email = emails[position]
        emails[position] = email.upper() if email else None
    for position in draft.sample(0.003):
        firsts[position] = f"{firsts[position]} {draft.rng.choice(words.EMOJI)}"
    for position in draft.sample(0.005):
        firsts[position] = "test"
    for position in draft.sample(0.01):  # the same person twice, with another address
        other = draft.rng.randrange(draft.count)
        for name in ("firstname", "lastname", "phone", "company"):
            ready[name][position] = ready[name][other]
