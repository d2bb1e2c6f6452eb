"""A column is rebuilt in its property's new type: nothing else changes, and a killed migration changes nothing."""

import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from hubspot_platform.errors import UsageError
from hubspot_platform.hubspot.catalogue import COMPANY
from hubspot_platform.mirror.migrate import migrate_column, schema_state
from hubspot_platform.mirror.tables import column_of
from hubspot_platform.runtime import Platform
from hubspot_platform.warehouse.errors import ViewInTheWay
from hubspot_platform.warehouse.model import LogicalType
from hubspot_platform_tests.support import children
from hubspot_platform_tests.support.platforms import (
    assert_mirror_equals_portal,
    environment,
    mirrored,
    platform_for,
    rows,
    sync,
)
from hubspot_platform_tests.support.portal import Portal, portal

NAME = "seat_count"
COLUMN = column_of(NAME)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A portal whose companies have a text property with numbers, and one text that is none."""
    with portal("contacts=20,companies=50,deals=10") as running:
        running.define("companies", "create", name=NAME, type="string", fieldType="text")
        running.change("companies", "update", first=30, properties={NAME: "17.5"})
        yield running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """The store pair of a test."""
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else None


@pytest.fixture
def platform(sandbox: Portal, store_url: str | None, tmp_path: Path) -> Iterator[Platform]:
    """A platform that read the property as text and then saw it become a number."""
    sandbox.define("companies", "update", name=NAME, type="string", fieldType="text")
    with platform_for(sandbox, tmp_path, store_url) as opened:
        sync(opened, COMPANY)
        first = min(mirrored(opened, COMPANY))
        sandbox.change("companies", "update", id=str(first), properties={NAME: "about 20"})
        sandbox.define("companies", "update", name=NAME, type="number", fieldType="number")
        sync(opened, COMPANY)
        yield opened


def everything_else(platform: Platform) -> list[dict]:
    found = rows(platform, "select * from hubspot.company order by id")
    return [{name: value for name, value in row.items() if name != COLUMN} for row in found]


def state_of(platform: Platform) -> tuple[LogicalType, list[object], list[dict]]:
    with platform.warehouse().reader() as session:
        kind = session.columns("hubspot.company")[COLUMN]
    values = [row["v"] for row in rows(platform, f"select {COLUMN} as v from hubspot.company order by id")]
    query = "select object_id, value, declared_type, reason from hubspot.value_error where property = ?"
    return kind, values, rows(platform, query, NAME)


def test_case_069_a_column_is_rebuilt_in_its_new_type_with_misfits_noted(platform: Platform, sandbox: Portal) -> None:
    before, rest = state_of(platform), everything_else(platform)
    assert before[0] is LogicalType.TEXT
    assert [drift.property for drift in schema_state(platform, COMPANY).changed] == [NAME]
    done = migrate_column(platform, COMPANY, NAME, run_id="test")
    assert (done.before, done.after, done.rows, done.misfits) == (LogicalType.TEXT, LogicalType.DECIMAL, len(rest), 1)
    kind, values, misfits = state_of(platform)
    assert kind is LogicalType.DECIMAL
    assert values == [None if text in (None, "about 20") else Decimal("17.5") for text in before[1]]
    assert misfits == [
        {
            "object_id": min(mirrored(platform, COMPANY)),
            "value": "about 20",
            "declared_type": "decimal",
            "reason": "does_not_fit",
        }
    ]
    assert everything_else(platform) == rest
    assert schema_state(platform, COMPANY).changed == ()
    sync(platform, COMPANY, full=True)
    assert state_of(platform)[:2] == (kind, values)
    assert_mirror_equals_portal(platform, sandbox, COMPANY)
    with pytest.raises(UsageError, match="already"):
        migrate_column(platform, COMPANY, NAME, run_id="test")


def test_case_084_a_migration_killed_inside_the_swap_has_changed_nothing_and_runs_again(
    platform: Platform, sandbox: Portal, store_url: str | None, tmp_path: Path
) -> None:
    before, rest = state_of(platform), everything_else(platform)
    command = ("schema", "companies", "--apply", "--json")
    stores = environment(sandbox, tmp_path, store_url)
    killed = children.run(*command, environment={**stores, "HUBSPOT_PLATFORM_KILL_AT": "migrate.inside_swap"})
    assert killed.returncode == -signal.SIGKILL
    platform.warehouse().publish()
    assert state_of(platform) == before
    assert children.run(*command, environment=stores).returncode == 0
    assert state_of(platform)[0] is LogicalType.DECIMAL
    assert everything_else(platform) == rest


def test_case_069_a_view_on_the_column_reads_its_new_type(platform: Platform) -> None:
    with platform.warehouse().writer() as session:
        session.execute(f"create view hubspot.seats as select id, {COLUMN} as seats from hubspot.company")
        session.execute("create view hubspot.seated as select count(seats) as n from hubspot.seats")
    migrate_column(platform, COMPANY, NAME, run_id="test")
    with platform.warehouse().reader() as session:
        assert session.columns("hubspot.seats")["seats"] is LogicalType.DECIMAL
    assert rows(platform, "select max(seats) as most from hubspot.seats") == [{"most": Decimal("17.5")}]
    assert rows(platform, "select n from hubspot.seated") == [{"n": 29}]


@pytest.mark.postgres
def test_case_069_a_view_that_cannot_read_the_new_type_is_named_and_nothing_changes(
    sandbox: Portal, postgres_url: str, tmp_path: Path
) -> None:
    sandbox.define("companies", "update", name=NAME, type="string", fieldType="text")
    with platform_for(sandbox, tmp_path, postgres_url) as platform:
        sync(platform, COMPANY)
        sandbox.define("companies", "update", name=NAME, type="number", fieldType="number")
        with platform.warehouse().writer() as session:
            session.execute(f"create view hubspot.loud_seats as select upper({COLUMN}) as seats from hubspot.company")
        before = state_of(platform)
        with pytest.raises(ViewInTheWay, match=r"hubspot\.loud_seats") as caught:
            migrate_column(platform, COMPANY, NAME, run_id="test")
        assert "drop" in caught.value.mend
        assert state_of(platform) == before
        assert rows(platform, "select count(seats) as n from hubspot.loud_seats")[0]["n"] > 0


def test_a_property_or_column_that_does_not_exist_is_refused(platform: Platform) -> None:
    with pytest.raises(UsageError, match="no company property"):
        migrate_column(platform, COMPANY, "never_heard_of", run_id="test")
