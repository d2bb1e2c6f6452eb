"""The same mirror gives the same tables on DuckDB and on PostgreSQL, to the last digit."""

import random
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from hubspot_platform.business import Business
from hubspot_platform.warehouse import Warehouse, open_warehouse
from hubspot_platform_tests.integration.metrics.models import ORDER, build, models
from hubspot_platform_tests.integration.sql_models.small_mirror import SmallMirror, utc

BERLIN = Business(report_time_zone="Europe/Berlin", properties={})


def many_records(seed: int) -> SmallMirror:
    """Records with every kind of awkward value, around two changes to and from summer time."""
    chance, mirror = random.Random(seed), SmallMirror()
    moments = [utc("2026-03-28 21:00") + timedelta(minutes=17 * n) for n in range(300)]
    moments += [utc("2026-10-24 21:00") + timedelta(minutes=17 * n) for n in range(300)]
    texts = [None, "", " ", "Yes", "no", "TRUE", "0", "Ünklar", "it's", '"', "a\\b", "{}", "é\n"]
    amounts = [None, Decimal(0), Decimal("0.005"), Decimal("99999999999.9999999999"), Decimal("-12.5"), Decimal(7)]
    for id_ in range(1, 200):
        mirror.contact(
            id_,
            str(chance.choice(moments).replace(tzinfo=None)),
            property_hubspot_owner_id=chance.choice([None, "", "7", "8"]),
            property_firstname=chance.choice(texts),
            property_phone=chance.choice(texts),
            is_deleted=chance.random() < 0.1,
        )
    for id_ in range(1000, 1300):
        created, closed = (str(chance.choice(moments).replace(tzinfo=None)) for _ in range(2))
        mirror.deal(
            id_,
            created,
            stage=chance.choice(["closedwon", "closedlost"]),
            closed=closed,
            owner_id=chance.choice([None, 7, 8]),
            property_dealname=chance.choice(texts),
            property_amount=chance.choice(amounts),
            property_qualified_status=chance.choice(texts),
            property_trial_status=chance.choice(texts),
            property_payment_status=chance.choice([*texts, "Cancelled", "active"]),
            property_offer_given=chance.choice(texts),
            property_number_of_installments__months=chance.choice([None, Decimal(0), Decimal(3), Decimal(7)]),
        )
        for contact in chance.sample(range(1, 230), chance.randrange(4)):
            mirror.deal_contacts.append((id_, contact))
    return mirror


def contents(warehouse: Warehouse, table: str) -> pa.Table:
    key = models()[table].header.grain
    with warehouse.writer() as session:
        found = session.query(f"select * from {table}")
    return found.sort_by([(name, "ascending") for name in key])


@pytest.mark.postgres
def test_both_engines_hold_the_same_rows(tmp_path: Path, postgres_url: str) -> None:
    warehouses = [open_warehouse(f"duckdb:///{tmp_path / 'warehouse.duckdb'}"), open_warehouse(postgres_url)]
    for warehouse in warehouses:
        build(warehouse, many_records(1), BERLIN)

    for table in ORDER:
        duckdb_rows, postgres_rows = (contents(warehouse, table) for warehouse in warehouses)
        assert duckdb_rows.schema.remove_metadata() == postgres_rows.schema.remove_metadata()
        assert duckdb_rows.to_pylist() == postgres_rows.to_pylist()
        assert duckdb_rows.num_rows > 100
