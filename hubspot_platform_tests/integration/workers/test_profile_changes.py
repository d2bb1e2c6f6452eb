"""What changes in companies' central rows is logged with its source, and told once for each company."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from hubspot_platform.funnel.profile_changes import ProfileChanges, record_changes
from hubspot_platform.hubspot.catalogue import COMPANY
from hubspot_platform.hubspot.properties import PropertyDefinition
from hubspot_platform.mirror.history import history_table
from hubspot_platform.mirror.tables import layout_for
from hubspot_platform.payments.profile import COMPANY_PROFILE_ARR_RANGE
from hubspot_platform.runtime import Platform
from hubspot_platform.state import topics
from hubspot_platform.warehouse.model import Table
from hubspot_platform_tests.support.profile import PRODUCT, build_profile, status_table
from hubspot_platform_tests.support.received import bare_platform, rows

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
TOPIC = "company_metadata_changed"
HISTORY = history_table(COMPANY)
LAYOUT = layout_for(COMPANY, [PropertyDefinition(name="cs_notes", label="", type="string", field_type="text")], {})
ACME = {
    "company_id": "acme",
    "company_name": "Acme",
    "status": "TRIAL",
    "cs_manager_locked": False,
    "created_at": NOON,
    "updated_at": NOON,
}


@dataclass
class World:
    """A platform whose central rows are built of tables that a test fills."""

    platform: Platform

    def put(self, table: Table, *found: dict[str, Any]) -> None:
        """Insert or change rows."""
        with self.platform.warehouse().writer() as session:
            session.merge(table, pa.Table.from_pylist(list(found), pa.schema(_fields(table, found[0]))))

    def log(self) -> list[tuple[Any, ...]]:
        """Return the change log: company, field, old and new value, source."""
        found = rows(self.platform, "select * from funnel.company_change_log order by company_id, changed_at, field")
        return [
            tuple(row[name] for name in ("company_id", "field", "old_value", "new_value", "source")) for row in found
        ]

    def told(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return what was published: company and fields."""
        read = self.platform.state().read(lambda conn: topics.read_after(conn, TOPIC, 0))
        return [(event.key, tuple(event.payload["fields"])) for event in read]


def _fields(table: Table, row: dict[str, Any]) -> list[pa.Field]:
    return [field for field in table.arrow_schema() if field.name in row]


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    assert HISTORY is not None
    with bare_platform(tmp_path, url) as platform:
        with platform.warehouse().writer() as session:
            session.ensure(LAYOUT.table)
            session.ensure(HISTORY)
            build_profile(session)
        yield World(platform)


def test_changes_of_product_and_payments_are_logged_with_their_source_and_told_once(world: World) -> None:
    world.put(PRODUCT, ACME, ACME | {"company_id": "still", "company_name": "Still"})
    assert record_changes(world.platform).companies == 2
    assert record_changes(world.platform) == ProfileChanges()
    first = len(world.log())

    world.put(PRODUCT, ACME | {"status": "PAYING", "plan_type": "sbp", "updated_at": NOON + timedelta(hours=1)})
    figures = {"current_mrr": Decimal(100), "effective_mrr": Decimal(90), "arr_range": "1-2000"}
    world.put(COMPANY_PROFILE_ARR_RANGE, {"company_id": "acme", **figures})
    world.put(status_table(), {"company_id": "acme", "status": "active", "context": "subscription s1 active"})
    assert record_changes(world.platform) == ProfileChanges(companies=1, logged=6, published=1)
    assert world.log()[first:] != []
    assert {entry[1:] for entry in world.log() if entry[0] == "acme"} - {
        ("company_name", None, "Acme", "product"),
        ("cs_manager_locked", None, "false", "product"),
        ("status", None, "TRIAL", "product"),
    } == {
        ("status", "TRIAL", "PAYING", "product"),
        ("plan_type", None, "sbp", "product"),
        ("current_mrr", None, "100.0000", "payments"),
        ("effective_mrr", None, "90.0000", "payments"),
        ("arr_range", None, "1-2000", "payments"),
        ("payments_status", None, "active", "payments"),
    }
    fields = {"status", "plan_type", "current_mrr", "effective_mrr", "arr_range", "payments_status"}
    (company, told) = world.told()[-1]
    assert (company, set(told), len(world.told())) == ("acme", fields, 3)
    (changed,) = rows(world.platform, "select changed_at from funnel.company_change_log where field = 'plan_type'")
    assert changed["changed_at"] == NOON + timedelta(hours=1)


def test_what_hubspot_changed_is_told_and_stands_in_the_log_as_hubspots_only(world: World) -> None:
    assert HISTORY is not None
    copy = {"id": 7, "is_deleted": False, "updated_at": NOON, "raw_json": "{}", "property_industry": "FARMING"}
    world.put(PRODUCT, ACME | {"hubspot_company_id": "7"})
    world.put(LAYOUT.table, copy)
    record_changes(world.platform)
    world.put(LAYOUT.table, copy | {"property_cs_notes": "Called", "property_industry": "MINING"})
    change = {"company_id": 7, "name": "cs_notes", "instant_rank": 0, "source": "CRM_UI"}
    world.put(HISTORY, change | {"value": "Called", "timestamp": NOON})
    assert record_changes(world.platform).published == 1
    assert world.told()[-1] == ("acme", ("industry", "cs_notes"))
    assert [entry for entry in world.log() if entry[1] == "cs_notes"] == [
        ("acme", "cs_notes", None, "Called", "hubspot")
    ]
    assert [entry[2:] for entry in world.log() if entry[1] == "industry"] == [
        (None, "FARMING", "hubspot"),
        ("FARMING", "MINING", "hubspot"),
    ]


def test_a_company_only_hubspot_knows_is_told_of_and_not_logged_a_second_time(world: World) -> None:
    world.put(LAYOUT.table, {"id": 8, "is_deleted": False, "updated_at": NOON, "property_name": "Alone"})
    assert record_changes(world.platform) == ProfileChanges(companies=1, logged=0, published=1)
    assert world.told() == [("hubspot:8", ("hubspot_company_id", "company_name"))]


def test_a_run_that_was_killed_after_it_told_tells_nothing_twice_and_makes_up_the_log(world: World) -> None:
    world.put(PRODUCT, ACME)
    record_changes(world.platform)
    log, told = world.log(), world.told()
    with world.platform.warehouse().writer() as session:
        for table in ("company_profile_seen", "company_profile_change"):
            session.execute(f"delete from funnel.{table}")
    assert record_changes(world.platform) == ProfileChanges(companies=1, logged=3, published=0)
    assert (world.log(), world.told()) == (log, told)
    assert record_changes(world.platform) == ProfileChanges()


def test_values_that_go_and_come_back_are_events_of_their_own(world: World) -> None:
    for status in ("TRIAL", "FREE", "TRIAL"):
        world.put(PRODUCT, ACME | {"status": status})
        record_changes(world.platform)
    assert [fields for _, fields in world.told()][1:] == [("status",), ("status",)]
    changes = {entry[2:4] for entry in world.log() if entry[1] == "status"}
    assert changes == {(None, "TRIAL"), ("TRIAL", "FREE"), ("FREE", "TRIAL")}


def test_without_central_rows_nothing_is_recorded(tmp_path: Path) -> None:
    with bare_platform(tmp_path, None) as platform:
        assert record_changes(platform) == ProfileChanges()
