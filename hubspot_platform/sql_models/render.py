"""Puts the business settings and the time of a run into a model's text: a whitelist of `${name}`, nothing else.

Pure functions, called by `store.py` when a model is read and by `build.py` for each run. Values become quoted
literals and properties become quoted column names, so no setting can change the shape of a statement.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from hubspot_platform.metrics.catalogue import rules_document
from hubspot_platform.mirror.tables import column_of
from hubspot_platform.sql_models.errors import SubstitutionError
from hubspot_platform.warehouse.model import quote

_PLACE = re.compile(r"\$\{([^}\n]*)\}")
# The text of a model does not change from run to run, so the time keeps its place until a run fills it.
_AS_OF = "'${as_of}'"
_PAYMENT_FIELDS = ("company_field", "free_months_field", "contract_months_field")


class PaymentTerms(Protocol):
    """The part of the payment settings a model's text may name: keys of the biller's documents, words of its ids."""

    @property
    def company_field(self) -> str:
        """Key of the product's company id."""

    @property
    def free_months_field(self) -> str:
        """Key of the number of free months."""

    @property
    def contract_months_field(self) -> str:
        """Key of the term in months."""

    @property
    def bundles(self) -> Mapping[Any, tuple[str, ...]]:
        """Bundle → words of the item price ids that belong to it."""


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
    def connected_dispositions(self) -> tuple[str, ...]:
        """Outcomes of calls, by id or name in any case, that mean that somebody answered."""

    @property
    def own_domains(self) -> tuple[str, ...]:
        """The company's own domains: a visit from one of them has no referrer."""

    @property
    def hub_neighbours(self) -> int:
        """An identifier with more neighbours than this is not followed any further."""

    @property
    def payments(self) -> "PaymentTerms":
        """Where the biller's documents keep what the platform needs of them."""

    @property
    def properties(self) -> Mapping[str, Mapping[str, str]]:
        """Object → canonical name → name of the portal's property."""


def literal(value: str) -> str:
    """Return `value` as a SQL string literal."""
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def render(text: str, business: BusinessTerms, file: str) -> str:
    """Replace every `${name}`.

    `${report_time_zone}` and `${currency}` become string literals, `${won_stages}` and, in lower case,
    `${connected_dispositions}` lists for `in (…)` (`null` when empty), `${metric_rules}` a literal with JSON,
    `${own_hosts}` a pattern for `matches`, `${hub_neighbours}` a number, `${deal.offer_given}` the quoted column of
    the portal's property, `${as_of}` a timestamp that `at` fills in. Raises SubstitutionError for any other name.
    """

    def value_of(found: re.Match[str]) -> str:
        known = _known(business)
        if found[1] in known:
            return known[found[1]]
        line = text.count("\n", 0, found.start()) + 1
        mend = f"use one of {', '.join(sorted(known))}"
        raise SubstitutionError(file, line, f"unknown name ${{{found[1]}}}", mend=mend)

    return _PLACE.sub(value_of, text)


def needs_as_of(sql: str) -> bool:
    """Tell whether a rendered text depends on the time of the run."""
    return _AS_OF in sql


def at(sql: str, as_of: datetime) -> str:
    """Put the time of a run (aware, any zone, microseconds) into a rendered text."""
    return sql.replace(_AS_OF, literal(as_of.astimezone(UTC).isoformat(sep=" ", timespec="microseconds")))


def _own_hosts(domains: tuple[str, ...]) -> str:
    """Return a pattern that finds the domains and their subdomains in a host, and nothing when there are none."""
    names = [re.escape(domain.removeprefix("www.")) for domain in domains]  # as `host_of` has them
    return f"(^|[.])({'|'.join(names)})$" if names else "^$"


def _any_word(words: tuple[str, ...]) -> str:
    """Return a pattern that finds one of the words in an id, between other characters than letters and digits."""
    return f"(^|[^a-z0-9])({'|'.join(re.escape(word.lower()) for word in words)})([^a-z0-9]|$)" if words else "^$"


def _known(business: BusinessTerms) -> dict[str, str]:
    known = {
        "report_time_zone": literal(business.report_time_zone),
        "currency": literal(business.currency),
        "won_stages": ", ".join(literal(stage) for stage in business.won_stages) or "null",
        "connected_dispositions": ", ".join(literal(found.lower()) for found in business.connected_dispositions)
        or "null",
        "metric_rules": literal(rules_document()),
        "own_hosts": literal(_own_hosts(business.own_domains)),
        "hub_neighbours": str(business.hub_neighbours),
        "as_of": f"cast({_AS_OF} as timestamptz)",
    }
    known |= {name: literal(getattr(business.payments, name)) for name in _PAYMENT_FIELDS}
    known |= {f"bundle_{name}": literal(_any_word(words)) for name, words in business.payments.bundles.items()}
    for object_name, names in business.properties.items():
        for name, portal_name in names.items():
            known[f"{object_name}.{name}"] = quote(column_of(portal_name))
    return known
