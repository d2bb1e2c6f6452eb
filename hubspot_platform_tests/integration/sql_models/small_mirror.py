"""A hand-made mirror of a few records, written with the tables the sync engine makes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa

from hubspot_platform.warehouse import Column, LogicalType, Session, Table

TEXT, INT, DECIMAL = LogicalType.TEXT, LogicalType.INT, LogicalType.DECIMAL
TIMESTAMP, BOOL, JSON = LogicalType.TIMESTAMP, LogicalType.BOOL, LogicalType.JSON
SYNCED = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _table(name: str, key: str, **columns: LogicalType) -> Table:
    return Table("hubspot", name, tuple(Column(c, t) for c, t in columns.items()), key=tuple(key.split()))


_RECORD = {"is_deleted": BOOL, "_fivetran_deleted": BOOL, "_fivetran_synced": TIMESTAMP, "updated_at": TIMESTAMP}

CONTACT = _table(
    "contact",
    "id",
    id=INT,
    property_email=TEXT,
    property_phone=TEXT,
    property_mobilephone=TEXT,
    property_country=TEXT,
    property_firstname=TEXT,
    property_lastname=TEXT,
    property_createdate=TIMESTAMP,
    property_lifecyclestage=TEXT,
    property_vsl_watched=BOOL,
    property_hubspot_owner_id=TEXT,
    raw_json=JSON,
    **_RECORD,
)
COMPANY = _table("company", "id", id=INT, **_RECORD)
DEAL = _table(
    "deal",
    "deal_id",
    deal_id=INT,
    deal_pipeline_id=TEXT,
    deal_pipeline_stage_id=TEXT,
    owner_id=INT,
    property_dealname=TEXT,
    property_amount=DECIMAL,
    property_createdate=TIMESTAMP,
    property_closedate=TIMESTAMP,
    property_qualified_status=TEXT,
    property_trial_status=TEXT,
    property_payment_status=TEXT,
    property_number_of_installments__months=DECIMAL,
    property_offer_given=TEXT,
    raw_json=JSON,
    **_RECORD,
)
STAGE = _table("deal_pipeline_stage", "pipeline_id stage_id", pipeline_id=TEXT, stage_id=TEXT, closed_won=BOOL)
DEAL_CONTACT = _table("deal_contact", "deal_id contact_id type_id", deal_id=INT, contact_id=INT, type_id=INT)
DEAL_COMPANY = _table("deal_company", "deal_id company_id type_id", deal_id=INT, company_id=INT, type_id=INT)
PHONE = _table(
    "phone_number", "raw country", raw=TEXT, country=TEXT, phone_e164=TEXT, region=TEXT, checked_at=TIMESTAMP
)

Row = dict[str, Any]


@dataclass
class SmallMirror:
    """Rows by table; `contact` and `deal` fill in what every record has."""

    contacts: list[Row] = field(default_factory=list)
    deals: list[Row] = field(default_factory=list)
    deal_contacts: list[tuple[int, int]] = field(default_factory=list)
    deal_companies: list[tuple[int, int]] = field(default_factory=list)
    companies: list[Row] = field(default_factory=list)
    stages: list[tuple[str, str, bool]] = field(
        default_factory=lambda: [("default", "closedwon", True), ("default", "closedlost", False)]
    )
    phones: list[Row] = field(default_factory=list)

    def contact(self, id_: int, created: str | None, **columns: Any) -> None:
        self.contacts.append(
            {
                "id": id_,
                "property_createdate": utc(created) if created else None,
                "raw_json": _document(id_, email=f"{id_}@example.com"),
                **_alive(),
                **columns,
            }
        )

    def deal(self, id_: int, created: str, *, stage: str = "closedlost", closed: str = "", **columns: Any) -> None:
        self.deals.append(
            {
                "deal_id": id_,
                "deal_pipeline_id": "default",
                "deal_pipeline_stage_id": stage,
                "property_createdate": utc(created),
                "property_closedate": utc(closed) if closed else None,
                "raw_json": _document(id_, dealname=f"deal {id_}"),
                **_alive(),
                **columns,
            }
        )

    def won(self, id_: int, created: str, closed: str, **columns: Any) -> None:
        self.deal(id_, created, stage="closedwon", closed=closed, **columns)

    def write(self, session: Session) -> None:
        for table, rows in self._tables():
            session.ensure(table)
            session.load(table, pa.Table.from_pylist(list(rows), table.arrow_schema()))

    def _tables(self) -> Iterator[tuple[Table, Iterable[Row]]]:
        yield CONTACT, self.contacts
        yield COMPANY, ({**_alive(), **row} for row in self.companies)
        yield DEAL, self.deals
        yield STAGE, ({"pipeline_id": p, "stage_id": s, "closed_won": won} for p, s, won in self.stages)
        yield DEAL_CONTACT, ({"deal_id": d, "contact_id": c, "type_id": 3} for d, c in self.deal_contacts)
        yield DEAL_COMPANY, ({"deal_id": d, "company_id": c, "type_id": 5} for d, c in self.deal_companies)
        yield PHONE, self.phones


def _alive() -> Row:
    return {"is_deleted": False, "_fivetran_deleted": False, "_fivetran_synced": SYNCED, "updated_at": SYNCED}


def _document(id_: int, **properties: str) -> str:
    return orjson.dumps({"id": str(id_), "properties": properties, "archived": False}).decode()
