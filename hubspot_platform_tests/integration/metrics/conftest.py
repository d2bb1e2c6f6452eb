"""The warehouses of the metric tests: empty ones, and one per engine in which all records of the tests stand."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from hubspot_platform.sql_models.build import BuildOutcome
from hubspot_platform.warehouse import Warehouse, open_warehouse
from hubspot_platform_tests.integration.metrics.cases import RULES
from hubspot_platform_tests.integration.metrics.records import Call, Contact, Deal, Records, at, prepare
from hubspot_platform_tests.integration.sql_models.conftest import warehouse
from hubspot_platform_tests.support import postgres

__all__ = ["prepared", "warehouse"]

OWNERS = (None, "901", "902", "903")


@dataclass(frozen=True)
class Prepared:
    """A warehouse with the metrics built in Berlin's days, what is in it, and how the builds went."""

    url: str
    warehouse: Warehouse
    records: Records
    outcomes: dict[str, BuildOutcome]


@pytest.fixture(scope="package", params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def prepared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """All rules' records and many random ones; no test changes them."""
    records = random_records(7)
    for rule in RULES:
        records.contacts += rule.case.records.contacts
        records.deals += rule.case.records.deals
        records.calls += rule.case.records.calls
    with ExitStack() as stack:
        if request.param == "duckdb":
            url = f"duckdb:///{tmp_path_factory.mktemp('metrics') / 'warehouse.duckdb'}"
        else:
            url = stack.enter_context(postgres.database(request.getfixturevalue("postgres_server")))
        store = open_warehouse(url)
        yield Prepared(url, store, records, prepare(store, records))


def random_records(seed: int) -> Records:
    """Records with every kind of value, around both changes of Berlin's clocks, many at the edges of days."""
    chance = random.Random(seed)

    def moment() -> datetime | None:
        day = chance.choice(["2026-03-27", "2026-03-28", "2026-03-29", "2026-03-30", "2026-10-24", "2026-10-25"])
        start = at(day)
        assert start is not None
        edge = timedelta(microseconds=chance.choice([-1, 0, 0, 1, 1_000_000]))
        return None if chance.random() < 0.03 else start + timedelta(hours=chance.randrange(48)) + edge

    texts = (None, None, "Yes", "no", "TRUE", "0", "perhaps")
    contacts = [
        Contact(
            id_,
            moment(),
            chance.choice(OWNERS),
            chance.choice([None, "A", "B", "unknown"]),
            chance.choice([None, True, False]),
        )
        for id_ in range(500_001, 500_121)
    ]
    ids = [contact.id for contact in contacts]
    deals = [
        Deal(
            id_,
            moment(),
            moment(),
            won=chance.random() < 0.5,
            owner=chance.choice(OWNERS),
            contacts=tuple(chance.sample([*ids, 599_999], chance.randrange(4))),
            amount=chance.choice(
                [None, Decimal(0), Decimal("0.005"), Decimal("-12.5"), Decimal("99999999.9999999999")]
            ),
            qualified=chance.choice(texts),
            trial=chance.choice(texts),
            offer=chance.choice(texts),
            payment=chance.choice([None, "Cancelled", "active", "refunded"]),
            installments=chance.choice([None, -1, 0, 1, 3, 7]),
            cash=chance.choice([None, None, None, Decimal("19.99")]),
        )
        for id_ in range(600_001, 600_151)
    ]
    calls = [
        Call(
            id_,
            moment(),
            chance.choice([None, 0, 1, 239_999, 240_000, 299_999, 300_000, 3_600_001]),
            chance.choice([None, "Connected", "Busy"]),
            chance.choice(OWNERS),
            chance.choice([None, *ids[:40]]),
        )
        for id_ in range(700_001, 700_301)
    ]
    return Records(contacts, deals, calls)
