"""Business settings and model texts for the tests of SQL models."""

from functools import cache

from hubspot_platform.business import Business
from hubspot_platform.sql_models.model import Model
from hubspot_platform.sql_models.store import load_models, parse_model, sql_folder

BUSINESS = Business(properties={})

HEADER = """\
-- description: What it holds.
-- grain: id
-- owner: team:revops
"""


def with_header(query: str, *lines: str) -> str:
    return HEADER + "".join(f"{line}\n" for line in lines) + query


def model(query: str, *lines: str, business: Business = BUSINESS) -> Model:
    return parse_model("mart", "thing", with_header(query, *lines), business)


@cache
def all_models() -> tuple[Model, ...]:
    """Every model of the platform."""
    return load_models(sql_folder(), BUSINESS)
