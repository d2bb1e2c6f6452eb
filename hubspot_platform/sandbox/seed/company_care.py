"""What people keep by hand on companies: the properties of sales and customer success that the platform pulls.

`companies` adds them to its own. Most companies have none of them: only those that sales works on, and customers.
"""

import random
from dataclasses import replace

from hubspot_platform.sandbox.seed import words
from hubspot_platform.sandbox.seed.columns import Column, Draft, Seeded, choices, custom

CHANCES = ("low", "medium", "high")
SALES_STATUSES = ("open", "contacted", "demo_booked", "negotiating", "won", "lost")
STAGES = ("onboarding", "test_run", "live", "at_risk", "churned")
HEALTH = ("green", "yellow", "red")
PLAN_IDS = ("sbp-USD-1month", "standard-USD-1month", "standard-USD-1year", "enterprise-USD-1year")
PAYROLL_METHODS = ("in_house", "external_provider", "peo")
NEXT_ACTIONS = ("Call back", "Send offer", "Book a demo", "Wait for budget", "Ask for a reference")
DONE = ("Kick-off call", "Imported the employees", "Trained the admins", "Reviewed the first month", "Renewal call")
NOTES = (
    "Wants a weekly call until the launch.",
    "Happy with support, misses reports.\nAsked for an export.",
    "Champion is leaving in spring; find a new contact.",
    "Uses two time clocks side by side – migrate the second one.",
)
GOODBYES = ("Too expensive for the season", "Went back to spreadsheets", "Bought by a customer of a competitor")
PROVIDERS = ("ADP", "Paychex", "Sage", "DATEV")
PEOS = ("TriNet", "Insperity", "Justworks")
SOFTWARE = ("gusto", "quickbooks", "adp_run", "rippling", "sage_50")
SALES_SHARE, CUSTOMER_SHARE = 0.12, 0.07

_YES_NO = choices("true", "false")


def _managers(draft: Draft) -> Column:
    names = [f"{first} {last}" for first, last in zip(words.FIRST_NAMES[:8], words.LAST_NAMES[:8], strict=True)]
    return draft.pick(names, missing=0.05)


def _flag(name: str, label: str, yes: float) -> Seeded:
    return custom(name, label, "bool/booleancheckbox", options=_YES_NO,
                  make=lambda d: d.pick(["true", "false"], (yes, 1 - yes), 0.2))  # fmt: skip


def _choice(name: str, label: str, values: tuple[str, ...], missing: float = 0.2) -> Seeded:
    return custom(name, label, "enumeration/select", options=choices(*values),
                  make=lambda d: d.pick(values, missing=missing))  # fmt: skip


def _prose(name: str, label: str, values: tuple[str, ...], missing: float = 0.4) -> Seeded:
    return custom(name, label, "string/textarea", lambda d: d.pick(values, missing=missing))


SALES: tuple[Seeded, ...] = (
    custom("sales_account_manager", "Sales account manager", "string/text", _managers),
    _choice("chance_to_close", "Chance to close", CHANCES),
    _flag("sales_qualified", "Sales qualified", 0.4),
    _choice("sales_status", "Sales status", SALES_STATUSES),
    custom("sales_next_action", "Sales next action", "string/text", lambda d: d.pick(NEXT_ACTIONS, missing=0.3)),
)
SUCCESS: tuple[Seeded, ...] = (
    custom("customer_success_manager", "Customer success manager", "string/text", _managers),
    _prose("cs_notes", "CS notes", NOTES),
    _prose("cs_what_was_done", "CS what was done", DONE),
    _prose("churn_notes", "Churn notes", GOODBYES, 0.9),
    _choice("chance_to_implement", "Chance to implement", CHANCES),
    _choice("chance_to_upgrade", "Chance to upgrade", CHANCES),
    _choice("chance_to_churn", "Chance to churn", CHANCES),
    _flag("has_submitted_a_review", "Has submitted a review", 0.15),
    custom("target_plan_id", "Target plan id", "string/text", lambda d: d.pick(PLAN_IDS, missing=0.6)),
    _flag("should_delete", "Should delete", 0.02),
    _choice("stage", "Stage", STAGES, 0.05),
    _flag("white_label", "White label", 0.05),
    _choice("health_status", "Health status", HEALTH, 0.1),
    custom("launch_timestamp", "Launch timestamp", "datetime/date", lambda d: d.moments(0.3)),
    custom("test_run_timestamp", "Test run timestamp", "datetime/date", lambda d: d.moments(0.4)),
    custom("training_done", "Training done", "date/date", lambda d: d.days(720, 0, 0.4)),
    _flag("is_using_sftp", "Is using SFTP", 0.1),
    _flag("is_using_api", "Is using API", 0.25),
    _choice("payroll_method_type", "Payroll method type", PAYROLL_METHODS),
    custom("payroll_provider_external", "Payroll provider (external)", "string/text",
           lambda d: d.pick(PROVIDERS, missing=0.6)),
    custom("payroll_provider_peo", "Payroll provider (PEO)", "string/text", lambda d: d.pick(PEOS, missing=0.8)),
    _choice("payroll_software", "Payroll software", SOFTWARE, 0.4),
)  # fmt: skip
PROPERTIES = (*SALES, *SUCCESS)


def care(draft: Draft) -> dict[str, Column]:
    """Return a column for each property; its dice are its own, so that the rest of a portal does not depend on it."""
    own = replace(draft, rng=random.Random(f"care:{draft.ids[:1]}"))
    columns: dict[str, Column] = {}
    for seeded, share in ((SALES, SALES_SHARE), (SUCCESS, CUSTOMER_SHARE)):
        cared = [own.rng.random() < share for _ in range(draft.count)]
        for entry in seeded:
            made = entry.make(own) if entry.make is not None else []
            columns[entry.definition.name] = [v if c else None for v, c in zip(made, cared, strict=True)]
    return columns
