"""Chargebee's events and exchange rates as small rows in a warehouse, and the payment models built over them."""

import json
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pyarrow as pa

from hubspot_platform.business import Business
from hubspot_platform.landing.contract import landed_table
from hubspot_platform.payments.tables import PAYMENT_EVENTS
from hubspot_platform.sql_models.build import BuildOutcome, build_model
from hubspot_platform.sql_models.model import Model
from hubspot_platform.sql_models.store import load_models, sql_folder
from hubspot_platform.warehouse import Session, Table, Warehouse

PLAIN = Business(properties={})
AS_OF = datetime(2026, 4, 1, tzinfo=UTC)
START = datetime(2026, 3, 15, 12, tzinfo=UTC)
RATES = {"EUR": "1.08", "JPY": "0.0067", "KWD": "3.25"}

Document = dict[str, Any]


def seconds(at: datetime) -> int:
    """Chargebee's form of an instant."""
    return int(at.timestamp())


def item(kind: str, ref: str, price: int | None, quantity: int | None = 1, **more: object) -> Document:
    """One line of a subscription; `price` in minor units."""
    return {"item_type": kind, "item_price_id": ref, "unit_price": price, "quantity": quantity, **more}


def plan(price: int | None, **more: object) -> Document:
    return item("plan", "plan-usd", price, **more)


def addon(ref: str, price: int | None, quantity: int = 1, **more: object) -> Document:
    return item("addon", ref, price, quantity, **more)


def coupon(
    coupon_id: str,
    *,
    percent: float | str | None = None,
    amount: int | None = None,
    on: Sequence[str] | None = None,
    duration: str = "forever",
    **more: object,
) -> Document:
    """One coupon of the catalogue: `percent` or `amount` in minor units off, on the invoice or the lines `on` names."""
    document: Document = {
        "id": coupon_id,
        "discount_type": "percentage" if amount is None else "fixed_amount",
        "discount_percentage": percent,
        "discount_amount": amount,
        "apply_on": "invoice_amount" if on is None else "each_specified_item",
        "duration_type": duration,
    }
    if on:
        document["item_constraints"] = [{"item_type": "addon", "constraint": "specific", "item_price_ids": list(on)}]
    return {**document, **more}


def subscription(name: str, *items: Document, coupons: Sequence[Document | str] = (), **fields: object) -> Document:
    """One copy of a subscription: monthly and in USD unless said, of the customer `customer of NAME`."""
    return {
        "id": name,
        "customer_id": f"{name}-co",
        "status": "active",
        "currency_code": "USD",
        "billing_period": 1,
        "billing_period_unit": "month",
        "subscription_items": list(items),
        "coupons": [{"coupon_id": found} if isinstance(found, str) else found for found in coupons],
        **fields,
    }


class Ledger:
    """What the biller sent and the product landed; `write` puts it into a warehouse, replacing what was there."""

    def __init__(self, *, rates: bool = True) -> None:
        self.events: list[Document] = []
        self.rates: list[tuple[str, date, Decimal]] = []
        self.companies: list[str] = []
        if rates:
            for currency, rate in RATES.items():
                self.rate(currency, AS_OF.date(), rate)

    def rate(self, currency: str, day: date, usd: str) -> None:
        self.rates.append((currency, day, Decimal(usd)))

    def event(
        self, event_type: str, at: datetime = START, event_id: str | None = None, **content: Document
    ) -> Document:
        """Note one event; each resource without a version gets one from the event's time."""
        for resource in content.values():
            resource.setdefault("resource_version", seconds(at) * 1000)
        row = {
            "event_id": event_id or f"ev_{len(self.events):06d}",
            "event_type": event_type,
            "occurred_at": at,
            "content": json.dumps(content),
            "received_at": at + timedelta(seconds=2),
            "customer_id": content.get("subscription", {}).get("customer_id"),
        }
        self.events.append(row)
        return row

    def changed(self, document: Document, at: datetime = START, event_type: str = "subscription_changed") -> None:
        self.event(event_type, at, subscription=dict(document))

    def coupons(self, *documents: Document) -> None:
        for document in documents:
            self.event("coupon_created", coupon=dict(document))

    def write(self, session: Session) -> None:
        _replace(session, PAYMENT_EVENTS, self.events)
        rates = [{"currency": c, "rate_date": d, "usd_per_unit": r} for c, d, r in self.rates]
        _replace(session, landed_table("product.exchange_rate"), rates)
        when = {
            "created_at": START,
            "updated_at": START,
            "company_name": "One",
            "status": "PAYING",
            "cs_manager_locked": False,
        }
        _replace(session, landed_table("product.company"), [{"company_id": c, **when} for c in self.companies])


def _replace(session: Session, table: Table, records: Sequence[Document]) -> None:
    session.ensure(table)
    session.execute(f"delete from {table.qualified}")
    if records:
        names = [name for name in table.column_names if any(name in record for record in records)]
        fields = [pa.field(name, table.column(name).type.arrow) for name in names]
        session.load(table, pa.Table.from_pylist(list(records), pa.schema(fields)))


@cache
def payment_models() -> list[Model]:
    """The models of `sql/payments`, each after those it reads."""
    waiting = {model.qualified: model for model in load_models(sql_folder(), PLAIN) if model.schema == "payments"}
    ordered: list[Model] = []
    while waiting:
        ready = [m for m in waiting.values() if not {".".join(r) for r in m.analysis.reads} & set(waiting)]
        assert ready, f"the models read each other: {sorted(waiting)}"
        ordered += [waiting.pop(model.qualified) for model in ready]
    return ordered


def build(
    warehouse: Warehouse, ledger: Ledger, as_of: datetime = AS_OF, only: Collection[str] | None = None
) -> dict[str, BuildOutcome]:
    """Write the ledger and build the payment models, all or those named; outcomes by the table's name."""
    with warehouse.writer() as session:
        ledger.write(session)
        return {
            model.name: build_model(session, model, as_of)
            for model in payment_models()
            if only is None or model.name in only
        }


def rows(warehouse: Warehouse, sql: str) -> list[Document]:
    with warehouse.writer() as session:
        return session.query(sql).to_pylist()
