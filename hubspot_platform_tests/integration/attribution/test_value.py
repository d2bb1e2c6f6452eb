"""What a company was worth and which channels brought it, on both engines."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from hubspot_platform.business import Business
from hubspot_platform.sql_models.build import build_model
from hubspot_platform.sql_models.store import load_models, sql_folder
from hubspot_platform.warehouse import Column, LogicalType, Table, Warehouse, open_warehouse

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
TEXT, INT, DECIMAL = LogicalType.TEXT, LogicalType.INT, LogicalType.DECIMAL
CREDIT = "linear", "position_based", "time_decay"

LINK = Table(
    "funnel", "hubspot_company_link", (Column("company_id", TEXT), Column("hubspot_company_id", INT)), ("company_id",)
)
DEAL_COMPANY = Table(
    "hubspot", "deal_company", (Column("deal_id", INT), Column("company_id", INT)), ("deal_id", "company_id")
)
DEAL = Table(
    "hubspot",
    "hubspot_deals_raw",
    (
        Column("hubspot_id", TEXT),
        Column("amount", DECIMAL),
        Column("closedate", LogicalType.TIMESTAMP),
        Column("is_won", LogicalType.BOOL),
    ),
    ("hubspot_id",),
)
MOVEMENT = Table(
    "payments",
    "mrr_movement",
    (
        Column("month", LogicalType.DATE),
        Column("company_id", TEXT),
        Column("kind", TEXT),
        Column("delta_mrr", LogicalType.MONEY),
    ),
    ("month", "company_id", "kind"),
)
SHARES = Table(
    "attribution",
    "multi_touch_credit",
    (
        Column("company_id", TEXT),
        Column("touchpoint_id", TEXT),
        Column("channel", TEXT),
        *(Column(name, LogicalType.EXACT) for name in CREDIT),
    ),
    ("company_id", "touchpoint_id"),
)


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    if request.param == "duckdb":
        yield open_warehouse(f"duckdb:///{tmp_path / 'warehouse.duckdb'}")
    else:
        yield open_warehouse(request.getfixturevalue("postgres_url"))


def deal(number: int, amount: str | None, day: int, *, won: bool = True) -> tuple[Any, ...]:
    closed = datetime(2026, 3, day, 23, 30, tzinfo=UTC)
    return str(number), None if amount is None else Decimal(amount), closed, won


def touch(company: str, number: int, channel: str, *shares: str) -> tuple[Any, ...]:
    return company, f"{company}-{number}", channel, *map(Decimal, shares)


def movement(month: int, company: str, kind: str, delta: str) -> tuple[Any, ...]:
    return date(2026, month, 1), company, kind, Decimal(delta)


ROWS: dict[Table, list[tuple[Any, ...]]] = {
    LINK: [("paying", 1), ("won", 2), ("lost", 3), ("unpriced", 4)],
    DEAL_COMPANY: [(10, 1), (20, 2), (21, 2), (22, 2), (23, 2), (30, 3), (40, 4), (50, 99)],
    DEAL: [
        deal(10, "9000", 1),
        deal(20, "500.555", 9),
        deal(21, "700", 9),  # won at the same instant: the smaller id counts
        deal(22, None, 2),  # without an amount it says nothing
        deal(23, "100", 1, won=False),
        deal(30, "100", 1, won=False),
        deal(40, "80", 4),
        deal(50, "80", 4),  # of a company the product does not know
    ],
    MOVEMENT: [
        movement(2, "paying", "new", "99.99"),
        movement(3, "paying", "expansion", "50"),
        movement(2, "unpriced", "new", "0"),
    ],
    SHARES: [
        touch("paying", 1, "organic", "0.333333333333", "0.4", "0.066666666667"),
        touch("paying", 2, "organic", "0.333333333333", "0.2", "0.133333333333"),
        touch("paying", 3, "email", "0.333333333334", "0.4", "0.8"),
        touch("won", 1, "organic", "1", "1", "1"),
        touch("lost", 1, "organic", "1", "1", "1"),
        touch("unpriced", 1, "email", "1", "1", "1"),
    ],
}


@pytest.fixture
def built(warehouse: Warehouse) -> dict[str, list[dict[str, Any]]]:
    """The rows of both tables, in key order."""
    business = Business(properties={}, report_time_zone="Europe/Berlin")
    models = {model.qualified: model for model in load_models(sql_folder(), business)}
    with warehouse.writer() as session:
        for table, rows in ROWS.items():
            session.ensure(table)
            columns = zip(*rows, strict=True)
            arrays = [pa.array(c, f.type) for c, f in zip(columns, table.arrow_schema(), strict=True)]
            session.load(table, pa.Table.from_arrays(arrays, schema=table.arrow_schema()))
        found = {}
        for name, key in (("company_value", "company_id"), ("channel_value", "channel, source")):
            build_model(session, models[f"funnel.{name}"], AS_OF)
            found[name] = session.query(f"select * from funnel.{name} order by {key}").to_pylist()
    return found


def test_a_company_is_worth_its_first_mrr_or_else_the_first_deal_won(built: dict[str, list[dict[str, Any]]]) -> None:
    assert [tuple(row.values()) for row in built["company_value"]] == [
        ("paying", Decimal("99.99"), "mrr", date(2026, 2, 1)),
        ("unpriced", Decimal(80), "deal", date(2026, 3, 5)),
        ("won", Decimal("500.555"), "deal", date(2026, 3, 10)),
    ]


def test_each_channel_gets_its_share_of_the_values(built: dict[str, list[dict[str, Any]]]) -> None:
    assert [tuple(row.values()) for row in built["channel_value"]] == [
        ("email", "deal", 1, Decimal(80), Decimal(80), Decimal(80)),
        ("email", "mrr", 1, Decimal("33.33"), Decimal("40.00"), Decimal("79.99")),
        ("organic", "deal", 1, Decimal("500.56"), Decimal("500.56"), Decimal("500.56")),
        ("organic", "mrr", 1, Decimal("66.66"), Decimal("59.99"), Decimal("20.00")),
    ]
