"""A small product database for attribution, and the models built over it."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pyarrow as pa

from hubspot_platform.attribution.tables import ATTRIBUTION_RUN
from hubspot_platform.business import Business
from hubspot_platform.landing.contract import landed_table
from hubspot_platform.sql_models.build import BuildOutcome, build_model
from hubspot_platform.sql_models.model import Model
from hubspot_platform.sql_models.store import load_models, sql_folder
from hubspot_platform.warehouse import Session, Table, Warehouse

AS_OF = datetime(2026, 6, 1, 12, tzinfo=UTC)
OWN = Business(properties={}, own_domains=("acme.example",))
READ = (
    "company", "user_profile", "session", "lead", "mobile_signup", "company_to_client_id", "company_to_email",
    "email_to_client_id", "interaction_touchpoint",
)  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def client(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


@dataclass
class Product:
    """Rows of the product tables; what a test does not name is filled with something harmless."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def company(self, company_id: str, signup: datetime | None = None, paid: datetime | None = None) -> None:
        self.rows["company"].append(
            {"company_id": company_id, "signup_timestamp": signup, "first_paid_at": paid, "company_name": company_id}
        )

    def user(self, user_id: str, email: str, **given: Any) -> None:
        self.rows["user_profile"].append({"user_id": user_id, "email": email, **given})

    def session(self, number: int, client_id: str, started_at: datetime | None, **given: Any) -> None:
        row = {"session_id": client(number), "client_id": client_id, "started_at": started_at, **given}
        self.rows["session"].append({"landing_url": "https://www.acme.example/", **row})

    def lead(self, lead_id: str, email: str | None, submitted_at: datetime, **given: Any) -> None:
        self.rows["lead"].append({"lead_id": lead_id, "email": email, "submitted_at": submitted_at, **given})

    def mobile(self, event_id: str, company_id: str, occurred_at: datetime, **given: Any) -> None:
        row = {"event_id": event_id, "company_id": company_id, "occurred_at": occurred_at, "platform": "ios"}
        self.rows["mobile_signup"].append({**row, **given})

    def external(self, touchpoint_id: str, occurred_at: datetime | None, **given: Any) -> None:
        row = {"touchpoint_id": touchpoint_id, "source_id": touchpoint_id, "occurred_at": occurred_at}
        self.rows["interaction_touchpoint"].append({**row, "channel": "organic", **given})

    def owns(self, company_id: str, *nodes: str) -> None:
        for node in nodes:
            name = "email" if "@" in node else "client_id"
            self.rows[f"company_to_{name}"].append({"company_id": company_id, name: node})

    def link(self, email: str, *clients: str) -> None:
        self.rows["email_to_client_id"] += [{"email": email, "client_id": one} for one in clients]

    def write(self, session: Session) -> None:
        """Replace the rows of the product tables; keys and required columns are left out, tests break them."""
        for name in READ:
            landed = landed_table(f"product.{name}")
            table = Table(landed.schema, landed.name, tuple(replace(one, nullable=True) for one in landed.columns))
            session.ensure(table)
            session.execute(f"delete from {table.qualified}")
            columns = {
                c.name: pa.array([row.get(c.name) for row in self.rows[name]], c.type.arrow) for c in table.columns
            }
            session.load(table, pa.table(columns))


@cache
def attribution_models() -> tuple[Model, ...]:
    """The models of `sql/attribution`, each after those it reads."""
    waiting = [model for model in load_models(sql_folder(), OWN) if model.schema == "attribution"]
    ordered: list[Model] = []
    while waiting:
        names = {(model.schema, model.name) for model in waiting}
        ready = [model for model in waiting if not names & set(model.analysis.reads)]
        ordered += ready
        waiting = [model for model in waiting if model not in ready]
    return tuple(ordered)


def build(
    warehouse: Warehouse, product: Product, as_of: datetime = AS_OF, *, up_to: Collection[str] = ()
) -> dict[str, BuildOutcome]:
    """Put the product's rows into the warehouse and build every attribution model, or some with what they read."""
    wanted = set(up_to) or {model.name for model in attribution_models()}
    for model in reversed(attribution_models()):
        if model.name in wanted:
            wanted |= {name for _, name in model.analysis.reads}
    with warehouse.writer() as session:
        product.write(session)
        session.ensure(ATTRIBUTION_RUN)
        return {m.name: build_model(session, m, as_of) for m in attribution_models() if m.name in wanted}


def rows_of(warehouse: Warehouse, table: str) -> list[dict[str, Any]]:
    """All rows of an attribution table, sorted by its key."""
    model = next(model for model in attribution_models() if model.name == table)
    with warehouse.writer() as session:
        found = session.query(f"select * from attribution.{table}")
    return sorted(found.to_pylist(), key=lambda row: tuple(str(row[name]) for name in model.header.grain))
