"""Puts the business settings into a model's text: a whitelist of `${name}`, nothing else.

A pure function of text and settings, called by `parse.py`. Values become quoted literals and properties
become quoted column names, so no setting can change the shape of a statement.
"""

import re
from collections.abc import Mapping
from typing import Protocol

from hubspot_platform.mirror.tables import column_of
from hubspot_platform.sql_models.errors import SubstitutionError
from hubspot_platform.warehouse.model import quote

_PLACE = re.compile(r"\$\{([^}\n]*)\}")


class BusinessTerms(Protocol):
    """The part of the business settings a model's text may name."""

    @property
    def report_time_zone(self) -> str:
        """IANA name of the zone whose days the reports use."""

    @property
    def currency(self) -> str:
        """ISO 4217 code of the portal's amounts."""

    @property
    def won_stages(self) -> tuple[str, ...]:
        """Ids of the deal stages that count as won; empty when the pipelines say so themselves."""

    @property
    def properties(self) -> Mapping[str, Mapping[str, str]]:
        """Object → canonical name → name of the portal's property."""


def literal(value: str) -> str:
    """Return `value` as a SQL string literal."""
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def render(text: str, business: BusinessTerms, file: str) -> str:
    """Replace every `${name}`.

    `${report_time_zone}` and `${currency}` become string literals, `${won_stages}` a list for `in (…)`
    (`null` when empty), `${deal.offer_given}` the quoted column of the portal's property. Raises
    SubstitutionError for any other name.
    """

    def value_of(found: re.Match[str]) -> str:
        known = _known(business)
        if found[1] in known:
            return known[found[1]]
        line = text.count("\n", 0, found.start()) + 1
        mend = f"use one of {', '.join(sorted(known))}"
        raise SubstitutionError(file, line, f"unknown name ${{{found[1]}}}", mend=mend)

    return _PLACE.sub(value_of, text)


def _known(business: BusinessTerms) -> dict[str, str]:
    known = {
        "report_time_zone": literal(business.report_time_zone),
        "currency": literal(business.currency),
        "won_stages": ", ".join(literal(stage) for stage in business.won_stages) or "null",
    }
    for object_name, names in business.properties.items():
        for name, portal_name in names.items():
            known[f"{object_name}.{name}"] = quote(column_of(portal_name))
    return known
