"""Builds the platform's own models over a small mirror and reads what they hold."""

from decimal import Decimal
from typing import Any

from hubspot_platform.business import Business
from hubspot_platform.sql_models.build import BuildOutcome, build_model
from hubspot_platform.sql_models.store import load_models, sql_folder
from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.integration.sql_models.small_mirror import SmallMirror

ORDER = ("hubspot.hubspot_contacts_raw", "hubspot.hubspot_deals_raw", "metrics.daily_metric")
PLAIN = Business(properties={})

Measured = dict[tuple[str, str, str], tuple[Decimal | int | None, int | None, Decimal | None]]


def build(warehouse: Warehouse, mirror: SmallMirror, business: Business = PLAIN) -> dict[str, BuildOutcome]:
    models = {model.qualified: model for model in load_models(sql_folder(), business)}
    with warehouse.writer() as session:
        mirror.write(session)
        return {name: build_model(session, models[name]) for name in ORDER}


def rows(warehouse: Warehouse, sql: str) -> list[dict[str, Any]]:
    with warehouse.writer() as session:
        return session.query(sql).to_pylist()


def metrics(warehouse: Warehouse, owner: str = "all") -> Measured:
    """(day, metric) → numerator, denominator, value, of one owner."""
    found = rows(warehouse, "select * from metrics.daily_metric")
    return {
        (row["metric_date"].isoformat(), row["metric"]): (row["numerator"], row["denominator"], row["value"])
        for row in found
        if row["owner_id"] == owner
    }
