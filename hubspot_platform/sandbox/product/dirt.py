"""Rows that break the contract, a few of every kind, put among the good ones of the product database.

And a few that keep it but that attribution refuses: browsers without an id, clocks that are wrong, no e-mail address.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hubspot_platform.sandbox.product.world import World, at, new_uuid

Row = dict[str, Any]
Tables = dict[str, list[Row]]


def _changed(column: str, value: object) -> Callable[[Row], Row]:
    return lambda row: {**row, column: value}


# table -> how a copy of one of its rows is spoiled; times and numbers as text are possible in CSV and NDJSON only
SPOILERS: Mapping[str, tuple[Callable[[Row], Row], ...]] = {
    "session": (_changed("client_id", None),),
    "user_profile": (_changed("email", ""),),
    "mobile_signup": (_changed("platform", "windows phone"),),
    "user_usage": (_changed("actions", -5), _changed("active_minutes", 2_000)),
    "company_product_link": (_changed("url", "javascript:void(0)"),),
    "lead": (_changed("submitted_at", "yesterday"), _changed("form_name", None)),
    "exchange_rate": (_changed("usd_per_unit", "n/a"), _changed("currency", "EURO")),
    "stg_ds_to_de_cp": (_changed("probability", "1.20000000"),),
    "ds_acv_contact_table_score": (_changed("acv_score", "-12.00"),),
}
_KEYS = {
    "session": "session_id",
    "user_profile": "user_id",
    "mobile_signup": "event_id",
    "user_usage": "user_id",
    "company_product_link": "company_id",
    "lead": "lead_id",
    "stg_ds_to_de_cp": "company_id",
    "ds_acv_contact_table_score": "email",
}
ONE_IN = 2_000


def spoil(world: World, tables: Tables) -> None:
    """Add spoiled copies of rows under keys of their own, so that no good row is lost by them."""
    _unusable(world, tables)
    _doubles(world, tables)
    rng = world.dice("dirt")
    for name, spoilers in SPOILERS.items():
        good = tables[name]
        for number in range(max(1, len(good) // ONE_IN) if good else 0):
            row = dict(rng.choice(good))
            if name in _KEYS:
                row[_KEYS[name]] = f"spoiled-{number}"
            good.extend(spoiler(row) for spoiler in spoilers)


def _unusable(world: World, tables: Tables) -> None:
    """Add sessions and leads that land and are of no use: bad ids, moments that cannot be, no address."""
    rng = world.dice("unusable")
    columns = (
        ("client_id", "00000000-cookie-blocked"),
        ("session_id", f"{world.seed}-no-session-id"),
        ("started_at", at(world.base_ms) + timedelta(days=3)),
        ("started_at", datetime(2001, 1, 1, tzinfo=UTC)),
    )
    for column, value in columns if tables["session"] else ():
        tables["session"].append({**rng.choice(tables["session"]), "session_id": new_uuid(rng), column: value})
    if tables["lead"]:
        lead = {**rng.choice(tables["lead"]), "submitted_at": at(world.base_ms), "form_name": "newsletter"}
        tables["lead"].append({**lead, "lead_id": "L-unusable", "client_id": None, "email": "no address"})


def _doubles(world: World, tables: Tables) -> None:
    """Add an older copy of a company, a whole session twice, and a day of usage counted in two ways."""
    rng = world.dice("doubles")
    if tables["company"]:
        company = rng.choice(tables["company"])
        tables["company"].append({**company, "company_name": "Old name", "updated_at": company["created_at"]})
    if tables["session"]:
        tables["session"].append(dict(rng.choice(tables["session"])))
    if tables["user_usage"]:
        usage = tables["user_usage"][0]
        tables["user_usage"].append({**usage, "actions": int(usage["actions"]) + 1})
