"""Companies of the seeded portal."""

from hubspot_platform.sandbox.seed import company_care, words
from hubspot_platform.sandbox.seed.columns import Column, Draft, Seeded, choices, custom, text, typed
from hubspot_platform.sandbox.seed.contacts import STAGES, Employer, phone

PLANS = ("trial", "demo", "free", "sbp", "standard", "enterprise")
TYPES = ("PROSPECT", "PARTNER", "RESELLER", "VENDOR", "OTHER")
CHURN_REASONS = ("price", "product", "support", "competitor", "closed_business")
STACK = ("salesforce", "slack", "jira", "shopify", "sap", "snowflake")

_STACK_SETS = ["slack", "slack;jira", "salesforce", "shopify;slack", "sap", "snowflake;slack;jira"]

PROPERTIES: tuple[Seeded, ...] = (
    typed("hs_object_id", "Record ID", "number/number", read_only=True),
    typed("createdate", "Create date", "datetime/date", read_only=True),
    typed("hs_lastmodifieddate", "Last modified date", "datetime/date", read_only=True),
    text("name", "Company name"),
    text("domain", "Company domain name"),
    typed("hubspot_owner_id", "Company owner", "enumeration/select", external_options=True),
    typed("lifecyclestage", "Lifecycle stage", "enumeration/radio", options=choices(*STAGES),
          make=lambda d: d.pick(STAGES, (10, 30, 12, 10, 14, 22, 2), 0.03)),
    text("hs_merged_object_ids", "Merged record IDs", read_only=True),
    text("website", "Website URL"),
    typed("phone", "Phone number", "string/phonenumber"),
    text("country", "Country/Region"),
    text("city", "City"),
    text("address", "Street address",
         lambda d: d.pick([f"{n} {s}" for s in words.STREETS for n in range(1, 200, 11)], missing=0.3)),
    text("zip", "Postal code", lambda d: d.pick([f"{z:05d}" for z in range(501, 99_950, 173)], missing=0.3)),
    text("state", "State/Region"),
    typed("industry", "Industry", "enumeration/select", options=choices(*words.INDUSTRIES),
          make=lambda d: d.pick(words.INDUSTRIES, missing=0.1)),
    typed("numberofemployees", "Number of employees", "number/number", lambda d: d.whole(1, 12_000, 0.15)),
    typed("annualrevenue", "Annual revenue", "number/number", lambda d: d.money(50_000, 400_000_000, 0.3)),
    typed("type", "Type", "enumeration/select", options=choices(*TYPES),
          make=lambda d: d.pick(TYPES, (60, 10, 6, 6, 4), 0.2)),
    typed("description", "Description", "string/textarea", lambda d: d.pick(words.NOTES, missing=0.5)),
    typed("num_associated_contacts", "Number of associated contacts", "number/number", read_only=True),
    typed("num_associated_deals", "Number of associated deals", "number/number", read_only=True),
    typed("notes_last_updated", "Last activity date", "datetime/date", lambda d: d.moments(0.2), read_only=True),
    typed("hs_num_open_deals", "Number of open deals", "number/number", lambda d: d.whole(0, 4, 0.1),
          read_only=True, calculated=True),
    custom("plan_type", "Plan type", "enumeration/select", options=choices(*PLANS),
           make=lambda d: d.pick(PLANS, (20, 8, 30, 10, 24, 8), 0.1)),
    custom("tech_stack", "Tech stack", "enumeration/checkbox", options=choices(*STACK),
           make=lambda d: d.pick(_STACK_SETS, missing=0.4)),
    custom("churn_reason", "Churn reason", "enumeration/select", options=choices(*CHURN_REASONS),
           make=lambda d: d.pick(CHURN_REASONS, missing=0.93)),
    custom("customer_since", "Customer since", "date/date", lambda d: d.days(720, 0, 0.7)),
    custom("renewal_at", "Renewal at", "datetime/date", lambda d: d.moments(0.7)),
    custom("is_target_account", "Target account", "bool/booleancheckbox", options=choices("true", "false"),
           make=lambda d: d.pick(["true", "false"], (1, 6), 0.1)),
    custom("support_phone", "Support phone", "phone_number/phonenumber"),
    custom("mrr", "Monthly recurring revenue", "number/number", lambda d: d.money(0, 24_000, 0.6)),
    custom("product_company_id", "Product company id", "string/text", unique=True,
           make=lambda d: [str(10_000 + p) if d.rng.random() < 0.7 else None for p in range(d.count)]),
    *company_care.PROPERTIES,
)  # fmt: skip


def firms(draft: Draft) -> tuple[dict[str, Column], list[Employer]]:
    """Return names, domains, places and what people keep by hand, and what the contacts need to know about them."""
    dice = draft.rng.random
    fronts, backs = draft.pick(words.COMPANY_FRONT), draft.pick(words.COMPANY_BACK)
    forms, tops = draft.pick(words.LEGAL_FORMS), draft.pick(words.TOP_LEVELS)
    places = draft.rng.choices(range(len(words.PLACES)), words.PLACE_WEIGHTS, k=draft.count)
    names: Column = []
    domains: Column = []
    cities = [row[1].split(",") for row in words.PLACES]
    taken: dict[str, int] = {}
    for front, back, form, top in zip(fronts, backs, forms, tops, strict=True):
        stem = f"{front}{back}".lower()
        taken[stem] = taken.get(stem, 0) + 1
        suffix = "" if taken[stem] == 1 else str(taken[stem])
        names.append(f"{front} {back}{' ' + suffix if suffix else ''} {form}".strip())
        domains.append(f"{stem}{suffix}.{top}")
    employers = [Employer(str(n), str(d), p) for n, d, p in zip(names, domains, places, strict=True)]
    ready: dict[str, Column] = {
        "name": names,
        "domain": domains,
        "website": [f"https://www.{d}" for d in domains],
        "country": [words.PLACES[p][0] for p in places],
        "city": [cities[p][int(dice() * len(cities[p]))] for p in places],
        "phone": [phone(draft, p) if dice() < 0.7 else None for p in places],
        "support_phone": [phone(draft, p) if dice() < 0.3 else None for p in places],
    }
    american = draft.pick(words.STATES, missing=0.2)
    ready["state"] = [s if c == "United States" else None for s, c in zip(american, ready["country"], strict=True)]
    for position in draft.sample(0.01):  # the same firm entered twice
        other = draft.rng.randrange(draft.count)
        ready["name"][position], ready["domain"][position] = str(names[other]).upper(), domains[other]
    for position in draft.sample(0.02):
        ready["domain"][position] = None
    return ready | company_care.care(draft), employers
