"""Deals of the seeded portal: pipelines, stages, money and the properties the sales metrics read."""

from collections.abc import Sequence

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.model import Choice, Pipeline, Stage, Value
from hubspot_platform.sandbox.seed import words
from hubspot_platform.sandbox.seed.columns import DAY_MS, Column, Draft, Seeded, choices, custom, text, typed

# id, label, probability, share of the pipeline's deals; the last two of each pipeline are won and lost
SALES = (
    ("appointmentscheduled", "Appointment scheduled", "0.2", 14),
    ("qualifiedtobuy", "Qualified to buy", "0.4", 12),
    ("presentationscheduled", "Presentation scheduled", "0.6", 9),
    ("decisionmakerboughtin", "Decision maker bought-in", "0.8", 7),
    ("contractsent", "Contract sent", "0.9", 5),
    ("closedwon", "Closed won", "1.0", 30),
    ("closedlost", "Closed lost", "0.0", 23),
)
RENEWALS = (
    ("983411", "Renewal due", "0.6", 15),
    ("983412", "Negotiation", "0.8", 10),
    ("983413", "Renewed", "1.0", 55),
    ("983414", "Not renewed", "0.0", 20),
)
PIPELINES = (("default", "Sales Pipeline", SALES), ("74219", "Renewals", RENEWALS))
PAYMENTS = ("active", "past_due", "cancelled", "churned", "refunded")
YES_NO = ("Yes", "No")
ADDONS = ("onboarding", "premium_support", "extra_seats")
LOST_REASONS = ("Price", "No budget", "Competitor", "Timing", "No answer")

PROPERTIES: tuple[Seeded, ...] = (
    typed("hs_object_id", "Record ID", "number/number", read_only=True),
    typed("createdate", "Create date", "datetime/date", read_only=True),
    typed("hs_lastmodifieddate", "Last modified date", "datetime/date", read_only=True),
    text("dealname", "Deal name"),
    typed("amount", "Amount", "number/number"),
    typed("closedate", "Close date", "datetime/date"),
    typed("pipeline", "Pipeline", "enumeration/select", options=tuple(Choice(i, name) for i, name, _ in PIPELINES)),
    typed("dealstage", "Deal stage", "enumeration/radio",
          options=tuple(Choice(s[0], f"{s[1]} ({name})") for _, name, stages in PIPELINES for s in stages)),
    typed("hubspot_owner_id", "Deal owner", "enumeration/select", external_options=True),
    custom("qualified_status", "Qualified", "enumeration/select", options=choices(*YES_NO),
           make=lambda d: d.pick(["Yes", "No", "yes"], (60, 30, 2), 0.12)),
    custom("trial_status", "Trial taken", "enumeration/select", options=choices(*YES_NO),
           make=lambda d: d.pick(["Yes", "No"], (45, 55), 0.2)),
    custom("payment_status", "Payment status", "enumeration/select", options=choices(*PAYMENTS)),
    custom("number_of_installments__months", "Number of installments (months)", "number/number",
           lambda d: d.pick(["1", "3", "6", "12", "24"], (50, 18, 14, 14, 4), 0.15)),
    custom("offer_given", "Offer given", "enumeration/booleancheckbox", options=choices("true", "false"),
           make=lambda d: d.pick(["true", "false"], (65, 35), 0.1)),
    text("hs_merged_object_ids", "Merged record IDs", read_only=True),
    typed("hs_is_closed", "Is deal closed?", "bool/calculation_equation", read_only=True, calculated=True),
    typed("hs_is_closed_won", "Is closed won", "bool/calculation_equation", read_only=True, calculated=True),
    typed("hs_deal_stage_probability", "Deal probability", "number/number", read_only=True, calculated=True),
    typed("hs_closed_amount", "Closed deal amount", "number/calculation_equation", read_only=True, calculated=True),
    typed("deal_currency_code", "Currency", "enumeration/select", options=choices("USD", "EUR", "GBP"),
          make=lambda d: d.pick(["USD", "EUR", "GBP"], (80, 14, 6), 0.05)),
    typed("dealtype", "Deal type", "enumeration/radio", options=choices("newbusiness", "existingbusiness"),
          make=lambda d: d.pick(["newbusiness", "existingbusiness"], (7, 3), 0.1)),
    typed("hs_priority", "Priority", "enumeration/select", options=choices("low", "medium", "high"),
          make=lambda d: d.pick(["low", "medium", "high"], missing=0.4)),
    typed("description", "Deal description", "string/textarea", lambda d: d.pick(words.NOTES, missing=0.5)),
    text("hs_next_step", "Next step", lambda d: d.pick(["Call", "Send contract", "Demo", "Wait"], missing=0.5)),
    text("closed_lost_reason", "Closed lost reason"),
    typed("num_associated_contacts", "Number of associated contacts", "number/number", read_only=True),
    typed("notes_last_updated", "Last activity date", "datetime/date", lambda d: d.moments(0.2), read_only=True),
    custom("contract_start", "Contract start", "date/date", lambda d: d.days(600, 90, 0.5)),
    custom("kickoff_at", "Kick-off at", "datetime/date", lambda d: d.moments(0.7)),
    custom("addons", "Add-ons", "enumeration/checkbox", options=choices(*ADDONS),
           make=lambda d: d.pick(["onboarding", "onboarding;premium_support", "extra_seats"], missing=0.5)),
    custom("billing_phone", "Billing phone", "phone_number/phonenumber",
           lambda d: d.pick(["+1 212-555-0147", "(415) 555-0134", "+44 20 7946 0958", "030 / 901820 11"], missing=0.6)),
    custom("self_service", "Self service", "bool/booleancheckbox", options=choices("true", "false"),
           make=lambda d: d.pick(["true", "false"], (1, 4), 0.1)),
)  # fmt: skip


_DEPENDENT = (
    "dealname",
    "amount",
    "closedate",
    "pipeline",
    "dealstage",
    "payment_status",
    "hs_is_closed",
    "hs_is_closed_won",
    "hs_deal_stage_probability",
    "hs_closed_amount",
    "closed_lost_reason",
)


def pipelines(base_ms: int) -> dict[str, Pipeline]:
    """Return the portal's two deal pipelines."""
    made = base_ms - 800 * DAY_MS
    found: dict[str, Pipeline] = {}
    for order, (identity, label, stages) in enumerate(PIPELINES):
        rows = [
            Stage(i, name, position, {"isClosed": str(p in ("1.0", "0.0")).lower(), "probability": p})
            for position, (i, name, p, _) in enumerate(stages)
        ]
        found[identity] = Pipeline(identity, label, order, rows, made, made + 30 * DAY_MS)
    return found


def sales(draft: Draft, customers: Sequence[str]) -> dict[str, Column]:
    """Return the columns that depend on a deal's stage: pipeline, dates, amounts, payment, reasons."""
    dice, rng = draft.rng.random, draft.rng
    rows: list[tuple[Value, ...]] = []
    amounts = draft.money(600, 48_000)
    for created, amount, customer in zip(draft.created, amounts, customers, strict=True):
        identity, _, stages = PIPELINES[0] if dice() < 0.8 else PIPELINES[1]
        stage, _, probability, _ = rng.choices(stages, [s[3] for s in stages])[0]
        closed, won = probability in ("0.0", "1.0"), probability == "1.0"
        close = created + int(rng.expovariate(1 / (40 * DAY_MS)))
        close = (
            min(close, draft.base_ms - int(dice() * DAY_MS)) if closed else draft.base_ms + int(dice() * 60 * DAY_MS)
        )
        shown = None if dice() < 0.04 else amount
        rows.append(
            (
                f"{customer} – {words.DEAL_KINDS[int(dice() * len(words.DEAL_KINDS))]}",
                shown,
                iso(close) if closed or dice() < 0.8 else None,
                identity,
                stage,
                rng.choices([*PAYMENTS, None], (62, 8, 9, 5, 4, 12))[0] if won else None,
                str(closed).lower(),
                str(won).lower(),
                probability,
                (shown or "0") if won else "0",
                LOST_REASONS[int(dice() * 5)] if closed and not won and dice() < 0.8 else None,
            )
        )
    columns = [list(c) for c in zip(*rows, strict=True)] if rows else [[] for _ in _DEPENDENT]
    return dict(zip(_DEPENDENT, columns, strict=True))
