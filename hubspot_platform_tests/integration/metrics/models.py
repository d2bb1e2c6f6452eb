"""Builds the platform's raw tables over a small mirror and reads what they hold."""

from typing import Any

from hubspot_platform.business import Business
from hubspot_platform.sql_models.build import BuildOutcome, build_model
from hubspot_platform.sql_models.model import Model
from hubspot_platform.sql_models.store import load_models, sql_folder
from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.integration.sql_models.small_mirror import SmallMirror

ORDER = ("hubspot.hubspot_contacts_raw", "hubspot.hubspot_deals_raw")
PLAIN = Business(properties={})


_PARSED: dict[str, dict[str, Model]] = {}


def models(business: Business = PLAIN) -> dict[str, Model]:
    """The platform's models by name; parsing them takes longer than a test."""
    key = repr(business)
    if key not in _PARSED:
        _PARSED[key] = {model.qualified: model for model in load_models(sql_folder(), business)}
    return _PARSED[key]


def build(
    warehouse: Warehouse, mirror: SmallMirror, business: Business = PLAIN, changes: tuple[str, ...] = ()
) -> dict[str, BuildOutcome]:
    """Build both over the mirror; `changes` are statements that give it properties which the small mirror has not."""
    with warehouse.writer() as session:
        mirror.write(session)
        for statement in changes:
            session.execute(statement)
        return {name: build_model(session, models(business)[name]) for name in ORDER}


def rows(warehouse: Warehouse, sql: str) -> list[dict[str, Any]]:
    with warehouse.writer() as session:
        return session.query(sql).to_pylist()
