"""The optional tables of the product database and the scores of data science."""

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from hubspot_platform.sandbox.product.visits import token
from hubspot_platform.sandbox.product.world import Account, User, World, at, new_uuid
from hubspot_platform.sandbox.seed.columns import DAY_MS

Row = dict[str, Any]
PerAccount = Callable[[random.Random, Account], Iterator[Row]]
PerUser = Callable[[random.Random, Account, User], Iterator[Row]]


def _recent(rng: random.Random, base_ms: int, days: int = 30) -> Any:
    return at(base_ms - 1_000 - rng.randrange(days * DAY_MS))


def of_accounts(world: World) -> Iterator[tuple[str, Row]]:
    """Yield rows of every optional table about companies, with the table's name."""
    rng = world.dice("account features")
    told: set[str] = set()
    for account in world.accounts:
        if account.status != "LEAD":
            for name, row in _about(rng, account, world.base_ms, told):
                told.add(name)
                yield name, {"company_id": account.company_id, **row}


def _about(rng: random.Random, account: Account, base_ms: int, told: set[str]) -> Iterator[tuple[str, Row]]:
    now = _recent(rng, base_ms)
    for hub in ("operations", "communications", "hr"):
        if rng.random() < 0.5:
            yield "company_open_hub", {"hub": hub, "is_open": rng.random() < 0.8, "opened_at": now, "updated_at": now}
    for link in ("admin", "billing", "usage"):
        url = f"https://app.ourfirm.example/{link}/{account.company_id}"
        yield "company_product_link", {"link_type": link, "url": url, "updated_at": now}
    yield from _assessed(rng, base_ms)
    for category, software in (("payroll", "Paywise"), ("crm", "HubSpot"), ("communication", "Slack")):
        if rng.random() < 0.3 or "company_delete_flow" not in told:
            found = {"category": category, "software": software, "found_by": "user", "updated_at": now}
            yield "software_stack", found
    for integration in ("sftp", "slack", "quickbooks"):
        if rng.random() < 0.2:
            status = rng.choice(("connected", "connected", "disconnected", "failing"))
            row = {"integration": integration, "status": status, "connected_at": now, "updated_at": now}
            yield "product_integration", row
    yield from _stories(rng, account, base_ms, told)


def _assessed(rng: random.Random, base_ms: int) -> Iterator[tuple[str, Row]]:
    now, seats = _recent(rng, base_ms, 1), rng.randrange(5, 300)
    if rng.random() < 0.6:
        yield (
            "company_data_from_analysts",
            {
                "segment": rng.choice(("self_service", "small_business", "mid_market", "enterprise")),
                "lead_grade": rng.choice("ABCD"),
                "potential_seats": seats * 2,
                "research_note": None,
                "updated_at": _recent(rng, base_ms),
            },
        )
    yield (
        "company_bi_data_hourly",
        {
            "health_score": rng.randrange(101),
            "adoption_share": f"{rng.random():.4f}",
            "seats_used": rng.randrange(seats),
            "seats_bought": seats,
            "updated_at": now,
        },
    )
    yield (
        "ds_company_data",
        {
            "churn_probability": f"{rng.random():.6f}",
            "expansion_probability": f"{rng.random():.6f}",
            "lifetime_value_usd": f"{rng.uniform(0, 50_000):.2f}",
            "model_version": "ltv-7",
            "predicted_at": now,
        },
    )


def _stories(rng: random.Random, account: Account, base_ms: int, told: set[str]) -> Iterator[tuple[str, Row]]:
    """Yield what happens to some companies only, `told` what already happened to one: each does once at least."""
    if account.status == "TRIAL" and (rng.random() < 0.3 or "company_trial_extension" not in told):
        extended = _recent(rng, base_ms, 20)
        yield (
            "company_trial_extension",
            {"extended_at": extended, "days": 14, "trial_ends_on": (extended + timedelta(days=14)).date()},
        )
    if account.churned_ms is not None or (account.pays and (rng.random() < 0.1 or "company_churn_flow" not in told)):
        ended = account.churned_ms or base_ms - 3 * DAY_MS
        yield (
            "company_churn_flow",
            {
                "started_at": at(ended - DAY_MS),
                "reason": rng.choice(("price", "product", "support", "competitor", "closed_business")),
                "offer": rng.choice((None, "3 months at half price")),
                "outcome": "churned" if account.churned_ms is not None else rng.choice(("retained", "in_progress")),
                "finished_at": at(ended) if account.churned_ms is not None else None,
                "updated_at": at(ended),
            },
        )
        if rng.random() < 0.3 or "company_delete_flow" not in told:
            row = {
                "requested_at": at(ended),
                "reason": "no longer used",
                "status": "requested",
                "updated_at": at(ended),
            }
            yield "company_delete_flow", row
    if account.pays and (rng.random() < 0.3 or "business_case" not in told):
        opened = _recent(rng, base_ms, 200)
        stage = rng.choice(("open", "won", "lost"))
        yield (
            "business_case",
            {
                "case_id": f"C{account.company_id}",
                "title": "More seats",
                "stage": stage,
                "value_usd": f"{rng.randrange(500, 20_000)}.00",
                "opened_at": opened,
                "decided_at": None if stage == "open" else opened + timedelta(days=1),
                "updated_at": opened,
            },
        )
    if rng.random() < 0.05 or "monday_bug" not in told:
        reported = _recent(rng, base_ms, 60)
        yield (
            "monday_bug",
            {
                "item_id": f"7{account.company_id}",
                "board_id": "4401",
                "name": "Shift cannot be saved",
                "status": rng.choice(("New", "In progress", "Done")),
                "priority": rng.choice(("low", "high", None)),
                "created_at": reported,
                "updated_at": reported,
            },
        )


def of_users(world: World) -> Iterator[tuple[str, Row]]:
    """Yield rows of every optional table about people, with the table's name."""
    rng = world.dice("user features")
    for number, (account, user) in enumerate(world.users()):
        person = {"user_id": user.user_id, "company_id": account.company_id}
        now = _recent(rng, world.base_ms)
        score = rng.randrange(101)
        yield (
            "user_bi_data",
            {
                **person,
                "engagement_score": score,
                "is_power_user": score > 80,
                "last_feature_used": rng.choice(("schedule", "time_clock", "chat", None)),
                "updated_at": now,
            },
        )
        yield (
            "contact_bi_data",
            {
                "email": user.email,
                "persona": rng.choice(("decision_maker", "champion", "user")),
                "lead_score": rng.randrange(101),
                "intent": rng.choice(("low", "medium", "high")),
                "updated_at": now,
            },
        )
        seen = {"email": user.email, "last_seen_at": now, "platform": rng.choice(("web", "ios", "android"))}
        yield "contact_heartbeat", {**seen, "app_version": "8.4.1"}
        if rng.random() < 0.1 or number == 0:
            rating = {"rated_at": now, "stars": rng.choice((1, 3, 4, 5, 5)), "store": "web", "comment": None}
            yield "company_user_rating", {**person, **rating}
            yield (
                "feature_feedback",
                {
                    **person,
                    "feedback_id": f"F{user.user_id}",
                    "email": user.email,
                    "feature": rng.choice(("schedule", "time_clock", "chat")),
                    "sentiment": rng.choice(("positive", "neutral", "negative")),
                    "comment": 'Great, but "export" is slow,\nsometimes.',
                    "submitted_at": now,
                },
            )
        if rng.random() < 0.02 or number == 0:
            yield "interaction_touchpoint", _touchpoint(rng, user)


def _touchpoint(rng: random.Random, user: User) -> Row:
    return {
        "touchpoint_id": f"webinar-{new_uuid(rng)}",
        "source_type": "external",
        "source_id": "webinar-42",
        "occurred_at": at(user.created_ms - 3 * DAY_MS),
        "ingested_at": at(user.created_ms),
        "client_id": user.clients[0],
        "email": user.email,
        "channel": rng.choice(("cpc-google", "referral", "email")),
        "campaign": "webinar-series",
        "gclid": token(rng, 60),
    }


def predictions(world: World) -> Mapping[str, list[Row]]:
    """Return the rows of the three tables of data science, by their names there."""
    rng = world.dice("predictions")
    predicted = at(world.base_ms - 3_600_000)
    emails = sorted({user.email.strip().lower() for _, user in world.users()})
    return {
        "stg_ds_to_de_cp": [
            {
                "company_id": account.company_id,
                "probability": f"{rng.random():.8f}",
                "model_version": "cp-2026-03",
                "predicted_at": predicted,
            }
            for account in world.accounts
        ],
        "ds_cp_contact_table_score": [
            {"email": email, "cp_score": f"{rng.random():.6f}", "predicted_at": predicted}
            for email in emails
            if rng.random() < 0.95
        ],
        "ds_acv_contact_table_score": [
            {"email": email, "acv_score": f"{rng.uniform(0, 20_000):.2f}", "predicted_at": predicted}
            for email in emails
            if rng.random() < 0.95
        ],
    }
