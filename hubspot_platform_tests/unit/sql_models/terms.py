"""Business settings and model texts for the tests of SQL models."""

from hubspot_platform.business import Business
from hubspot_platform.sql_models.model import Model
from hubspot_platform.sql_models.store import parse_model

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
