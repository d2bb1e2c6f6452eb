"""Contacts, deals and calls as the metrics read them, and a warehouse in which the metrics' tables stand over them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from hubspot_platform.business import Business
from hubspot_platform.mirror.reference.owners import OWNER
from hubspot_platform.sql_models.build import BuildOutcome, build_model
from hubspot_platform.warehouse import Column, LogicalType, Table, Warehouse
from hubspot_platform_tests.integration.metrics.models import models

TABLES = (
    "metric_rule", "contact_metric", "deal_metric", "call_metric", "metric_record", "daily_metric", "metric_by_variant",
)  # fmt: skip
BERLIN = Business(report_time_zone="Europe/Berlin", properties={})
IDLE_OWNER = 999
"""An owner whom HubSpot knows and no record has."""
DEAL_CONTACT = Table(
    "hubspot",
    "deal_contact",
    (Column("deal_id", LogicalType.INT), Column("contact_id", LogicalType.INT), Column("type_id", LogicalType.INT)),
    key=("deal_id", "contact_id", "type_id"),
)


def at(text: str | None) -> datetime | None:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


@dataclass(frozen=True)
class Contact:
    id: int
    created: datetime | None
    owner: str | None = None
    script: str | None = None
    vsl: bool | None = None


@dataclass(frozen=True)
class Deal:
    """`contacts` are all that are associated; the first is the one with the smallest id."""

    id: int
    created: datetime | None
    closed: datetime | None = None
    won: bool = False
    owner: str | None = None
    contacts: tuple[int, ...] = ()
    amount: Decimal | None = None
    qualified: str | None = None
    trial: str | None = None
    offer: str | None = None
    payment: str | None = None
    installments: int | None = None
    cash: Decimal | None = None


@dataclass(frozen=True)
class Call:
    id: int
    at: datetime | None
    ms: int | None = None
    disposition: str | None = None
    owner: str | None = None
    contact: int | None = None


@dataclass
class Records:
    """What a portal holds."""

    contacts: list[Contact] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


def prepare(warehouse: Warehouse, records: Records) -> dict[str, BuildOutcome]:
    """Load the raw tables, build the metrics over them and publish."""
    with warehouse.writer() as session:
        for name, found in _raw(records).items():
            table = models(BERLIN)[f"hubspot.{name}"].table
            filled = [{**dict.fromkeys(table.column_names), "raw_json": "{}", **row} for row in found]
            session.ensure(table)
            session.load(table, pa.Table.from_pylist(filled, table.arrow_schema()))
        pairs = [
            {"deal_id": deal.id, "contact_id": contact, "type_id": 3}
            for deal in records.deals
            for contact in deal.contacts
        ]
        session.ensure(OWNER)
        session.load(OWNER, pa.Table.from_pylist(_owners(records), OWNER.arrow_schema()))
        session.ensure(DEAL_CONTACT)
        session.load(DEAL_CONTACT, pa.Table.from_pylist(pairs, DEAL_CONTACT.arrow_schema()))
        outcomes = {name: build_model(session, models(BERLIN)[f"metrics.{name}"]) for name in TABLES}
    warehouse.publish()
    return outcomes


def _owners(records: Records) -> list[dict[str, Any]]:
    found = {record.owner for record in (*records.contacts, *records.deals, *records.calls) if record.owner}
    known = {**dict.fromkeys(OWNER.column_names), "_fivetran_deleted": False, "_fivetran_synced": at("2026-01-01")}
    return [{**known, "owner_id": int(owner)} for owner in {*found, IDLE_OWNER} if str(owner).isdigit()]


def _raw(records: Records) -> dict[str, list[dict[str, Any]]]:
    return {
        "hubspot_contacts_raw": [
            {
                "hubspot_id": str(contact.id),
                "createdate": contact.created,
                "hubspot_owner_id": contact.owner,
                "sales_script_version": contact.script,
                "vsl_watched": contact.vsl,
            }
            for contact in records.contacts
        ],
        "hubspot_deals_raw": [
            {
                "hubspot_id": str(deal.id),
                "createdate": deal.created,
                "closedate": deal.closed,
                "is_won": deal.won,
                "hubspot_owner_id": deal.owner,
                "first_contact_id": str(min(deal.contacts)) if deal.contacts else None,
                "amount": deal.amount,
                "qualified_status": deal.qualified,
                "trial_status": deal.trial,
                "offer_given": deal.offer,
                "payment_status": deal.payment,
                "number_of_installments__months": deal.installments,
                "upfront_cash": deal.cash,
            }
            for deal in records.deals
        ],
        "hubspot_calls_raw": [
            {
                "hubspot_id": str(call.id),
                "call_timestamp": call.at,
                "call_duration": call.ms,
                "call_disposition": call.disposition,
                "hubspot_owner_id": call.owner,
                "contact_id": None if call.contact is None else str(call.contact),
            }
            for call in records.calls
        ],
    }
