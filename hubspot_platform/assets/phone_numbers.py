"""The table `hubspot.phone_number`: every phone text of contacts and calls, read once, beside its E.164 form.

SQL cannot parse phone numbers, so this asset does it for the models below; `definitions.py` lists it. Each
run adds only the pairs of text and country it does not have, in batches, whatever the number of contacts.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

import dagster as dg
import pyarrow as pa

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.assets.metadata import column_schema, row_count, table_metadata
from hubspot_platform.assets.sql_models import POOL, ModelContext, downstream_condition
from hubspot_platform.business import Business
from hubspot_platform.phones import e164, region_of
from hubspot_platform.sql_models.staleness import STARTED_AT
from hubspot_platform.warehouse.model import Column, LogicalType, Table, quote
from hubspot_platform.warehouse.protocol import Session, Warehouse

BATCH = 20_000
CALL_NUMBERS = ("property_hs_call_to_number", "property_hs_call_from_number")

PHONE_NUMBER = Table(
    "hubspot",
    "phone_number",
    (
        Column("raw", LogicalType.TEXT, "The phone as typed."),
        Column("country", LogicalType.TEXT, "The contact's country as typed; empty when unknown, as it is for calls."),
        Column("phone_e164", LogicalType.TEXT, "The number in E.164; null when it is not valid."),
        Column("region", LogicalType.TEXT, "The ISO 3166 region a number without country code was read in."),
        Column("checked_at", LogicalType.TIMESTAMP, "When the text was read."),
    ),
    key=("raw", "country"),
    description="Phone texts of contacts and calls and what they are in E.164.",
)


class PhoneContext(ModelContext, Protocol):
    """What the asset needs of the resource `platform`."""

    @property
    def business(self) -> Business:
        """The business settings."""


def phone_rows(pairs: list[tuple[str, str]], default_region: str, checked_at: datetime) -> Iterator[dict[str, object]]:
    """Yield the row of each (text, country); numbers of an unknown country are read in `default_region`."""
    for raw, country in pairs:
        region = region_of(country) or default_region
        yield {
            "raw": raw,
            "country": country,
            "phone_e164": e164(raw, region),
            "region": region,
            "checked_at": checked_at,
        }


def refresh_phone_numbers(warehouse: Warehouse, business: Business, checked_at: datetime) -> int:
    """Read every pair not yet in the table and return how many there were.

    Rows whose country now means another region (the default changed) are read again, and texts that no record has any
    more go: a privacy deletion leaves none. The warehouse is not held while numbers are parsed.
    """
    with warehouse.writer() as session:
        session.ensure(PHONE_NUMBER)
        _forget_other_regions(session, business.phone_region)
        _forget_unused(session, business)
    added = 0
    while True:
        with warehouse.writer() as session:
            pairs = _new_pairs(session, business)
        if not pairs:
            break
        rows = list(phone_rows(pairs, business.phone_region, checked_at))
        with warehouse.writer() as session:
            session.merge(PHONE_NUMBER, pa.Table.from_pylist(rows, PHONE_NUMBER.arrow_schema()))
        added += len(rows)
    warehouse.publish_soon()
    return added


def phone_number_asset(dialect: str) -> dg.AssetsDefinition:
    """Return the asset; `dialect` names the warehouse engine shown in the UI."""

    @dg.asset(
        key=dg.AssetKey(["hubspot", "phone_number"]),
        deps=[dg.AssetKey(["hubspot", "contact"]), dg.AssetKey(["hubspot", "engagement_call"])],
        group_name="hubspot",
        description=PHONE_NUMBER.description,
        kinds={"python", "sql", dialect},
        owners=["team:revops"],
        code_version="3",
        metadata={
            "dagster/column_schema": column_schema(PHONE_NUMBER.columns),
            "dagster/table_name": "hubspot.phone_number",
        },
        automation_condition=downstream_condition(),
        pool=POOL,
    )
    def phone_number(platform: dg.ResourceParam[PhoneContext]) -> dg.MaterializeResult[Any]:
        started_at, began = platform.clock(), time.perf_counter()
        warehouse = platform.warehouse()
        with as_dagster_failure():
            added = refresh_phone_numbers(warehouse, platform.business, started_at)
            rows = row_count(warehouse, "hubspot", "phone_number")
            unreadable = row_count(warehouse, "hubspot", "phone_number", "phone_e164 is null")
        return dg.MaterializeResult(
            metadata={
                **table_metadata(rows, PHONE_NUMBER.columns, "hubspot", "phone_number"),
                "rows_added": added,
                "rows_not_valid": unreadable,
                STARTED_AT: dg.MetadataValue.timestamp(started_at),
                "seconds": round(time.perf_counter() - began, 3),
            }
        )

    return phone_number


def _used(session: Session, business: Business) -> str:
    """Return the query of the pairs of phone text and country that records have; empty without such columns."""
    names = business.mapped_properties("contact")
    phones = [f"property_{names[name]}" for name in ("phone", "mobile_phone")]
    sides = [
        *_texts(session, "contact", phones, f"property_{names['country']}"),
        *_texts(session, "engagement_call", CALL_NUMBERS),
    ]
    return " union ".join(sides)


def _new_pairs(session: Session, business: Business) -> list[tuple[str, str]]:
    """Return up to BATCH pairs of phone text and country that the table does not have."""
    used = _used(session, business)
    if not used:
        return []
    sql = (
        f"select f.raw, f.country from ({used}) as f "
        "left join hubspot.phone_number as p on p.raw = f.raw and p.country = f.country "
        f"where p.raw is null limit {BATCH}"
    )
    return [(row["raw"], row["country"]) for row in session.query(sql).to_pylist()]


def _texts(session: Session, table: str, phones: Sequence[str], country: str = "") -> Iterator[str]:
    """Yield a query of (raw, country) for each of the phone columns that the table has."""
    stored = session.columns(f"hubspot.{table}")
    country_sql = f"coalesce(cast(c.{quote(country)} as text), '')" if country in stored else "''"
    for phone in phones:
        if phone in stored:
            text = f"cast(c.{quote(phone)} as text)"
            yield f"select {text} as raw, {country_sql} as country from hubspot.{table} as c where trim({text}) <> ''"


def _forget_other_regions(session: Session, default_region: str) -> None:
    known = session.query("select distinct country, region from hubspot.phone_number").to_pylist()
    for row in known:
        if row["region"] != (region_of(row["country"]) or default_region):
            session.execute(
                "delete from hubspot.phone_number where country = ? and region = ?",
                (row["country"], row["region"]),
            )


def _forget_unused(session: Session, business: Business) -> None:
    used = _used(session, business)
    if used:
        session.execute(
            f"delete from hubspot.phone_number where not exists (select 1 from ({used}) as f "
            "where f.raw = phone_number.raw and f.country = phone_number.country)"
        )
