"""Properties that change while the mirror exists, or while it is read: columns stay, drift is said, nothing is lost."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import COMPANY, CONTACT, REFERENCES
from hubspot_platform.mirror.plan import Mode, SyncRequest
from hubspot_platform.mirror.reference import sync_reference
from hubspot_platform.mirror.report import SyncReport
from hubspot_platform.mirror.sync import sync_object
from hubspot_platform.mirror.tables import TypeDrift, column_of
from hubspot_platform.warehouse.model import LogicalType
from hubspot_platform_tests.faults.conftest import HurriedPlatform, calm, hurried
from hubspot_platform_tests.support.platforms import assert_mirror_equals_portal, mirrored, rows, sync
from hubspot_platform_tests.support.portal import Portal, portal

WIDE = [f"a_property_of_a_wide_portal_with_a_long_name_{number:04}" for number in range(1_180)]


@pytest.fixture(scope="module")
def shared() -> Iterator[Portal]:
    with portal("contacts=250,companies=30,deals=20,properties=20") as running:
        yield running


@pytest.fixture
def sandbox(shared: Portal) -> Iterator[Portal]:
    """The module's portal without faults."""
    yield calm(shared)
    calm(shared)


@pytest.fixture
def name(request: pytest.FixtureRequest, sandbox: Portal) -> Iterator[str]:
    """A property of contacts of the test's own, with the value 17 in every record."""
    own = "own_" + "".join(c if c.isalnum() else "_" for c in request.node.name.lower())[-40:]
    sandbox.define("contacts", "create", name=own, type="number", fieldType="number")
    sandbox.change("contacts", "update", first=1_000, properties={own: "17"})
    yield own
    if own in {found["name"] for found in definitions(sandbox)}:
        sandbox.define("contacts", "delete", name=own)


def definitions(sandbox: Portal) -> list[dict]:
    """Return the portal's live definitions of contacts."""
    return sandbox.api("GET", "/crm/v3/properties/contacts").json()["results"]


def types(platform: HurriedPlatform) -> dict[str, LogicalType]:
    """Return the columns of the contacts."""
    with platform.warehouse().reader() as session:
        return session.columns("hubspot.contact")


def values(platform: HurriedPlatform, name: str) -> set[object]:
    """Return the different values of a property's column in live contacts."""
    column = column_of(name)
    return {
        row[column] for row in rows(platform, f"select distinct {column} from hubspot.contact where not is_deleted")
    }


def misfits(platform: HurriedPlatform, name: str) -> list[str]:
    """Return the recorded values of a property that do not fit its column."""
    found = rows(platform, "select value from hubspot.value_error where property = ? order by object_id", name)
    return [row["value"] for row in found]


def redefine(sandbox: Portal, name: str, kind: str, field: str = "text") -> None:
    """Give a property another type."""
    sandbox.define("contacts", "update", name=name, type=kind, fieldType=field)


def during(platform: HurriedPlatform, change: Callable[[], None], **request: object) -> SyncReport:
    """Sync the contacts with a change once it is decided what to read, before the first record is."""
    pending = [change]

    def listen(report: SyncReport) -> None:
        if report.mode is not None and pending:
            pending.pop()()

    return sync_object(platform, SyncRequest(CONTACT, **request), run_id="test", listen=listen)  # type: ignore[arg-type]


def test_case_069_a_number_that_became_text_keeps_its_column_and_its_values_raw(
    platform: HurriedPlatform, sandbox: Portal, name: str
) -> None:
    sync(platform, CONTACT)
    redefine(sandbox, name, "string")
    first, second = sorted(mirrored(platform, CONTACT))[:2]
    sandbox.change("contacts", "update", id=str(first), properties={name: "about 18"})
    sandbox.change("contacts", "update", id=str(second), properties={name: "19"})
    report = sync(platform, CONTACT)
    assert TypeDrift(name, LogicalType.DECIMAL, "string") in report.drift
    assert types(platform)[column_of(name)] is LogicalType.DECIMAL
    assert values(platform, name) == {Decimal(17), Decimal(19), None}
    assert misfits(platform, name) == ["about 18"]
    assert mirrored(platform, CONTACT)[first]["properties"][name] == "about 18"
    assert_mirror_equals_portal(platform, sandbox, CONTACT)


def test_case_069_a_text_that_became_a_number_keeps_its_column(
    platform: HurriedPlatform, sandbox: Portal, name: str
) -> None:
    redefine(sandbox, name, "string")
    sync(platform, CONTACT)
    redefine(sandbox, name, "number", "number")
    report = sync(platform, CONTACT, full=True)
    assert TypeDrift(name, LogicalType.TEXT, "number") in report.drift
    assert values(platform, name) == {"17"}
    assert misfits(platform, name) == []


def test_case_069_a_type_that_changes_while_records_are_read_is_drift_of_the_next_run(
    platform: HurriedPlatform, sandbox: Portal, name: str
) -> None:
    sync(platform, CONTACT)
    first = min(mirrored(platform, CONTACT))

    def change() -> None:
        redefine(sandbox, name, "date", "date")
        sandbox.change("contacts", "update", id=str(first), properties={name: "2026-05-01"})

    assert not [drift for drift in during(platform, change).drift if drift.property == name]
    assert misfits(platform, name) == ["2026-05-01"]
    assert_mirror_equals_portal(platform, sandbox, CONTACT)
    report = sync(platform, CONTACT, full=True)
    assert TypeDrift(name, LogicalType.DECIMAL, "date") in report.drift
    assert misfits(platform, name) == ["2026-05-01"]


def test_case_070_a_new_property_becomes_a_column_with_the_next_sync(
    platform: HurriedPlatform, sandbox: Portal
) -> None:
    sync(platform, CONTACT)
    new = f"brand_new_{platform.warehouse().dialect}"
    sandbox.define("contacts", "create", name=new, type="datetime", fieldType="date")
    first = min(mirrored(platform, CONTACT))
    sandbox.change("contacts", "update", id=str(first), properties={new: "2026-02-28T23:59:59.999Z"})
    report = sync(platform, CONTACT)
    assert column_of(new) in report.new_columns
    assert types(platform)[column_of(new)] is LogicalType.TIMESTAMP
    assert values(platform, new) == {None, datetime(2026, 2, 28, 23, 59, 59, 999000, UTC)}
    assert_mirror_equals_portal(platform, sandbox, CONTACT)
    assert sync(platform, CONTACT).new_columns == ()


def test_case_070_a_deleted_property_keeps_its_column_with_its_values_and_is_named(
    platform: HurriedPlatform, sandbox: Portal, name: str
) -> None:
    sync(platform, CONTACT)
    sandbox.define("contacts", "delete", name=name)
    for request in ({}, {"full": True}):
        report = sync(platform, CONTACT, **request)
        assert column_of(name) in report.absent
    assert values(platform, name) == {Decimal(17)}
    created = int(sandbox.change("contacts", "create", properties={"lastname": "Later"})["ids"][0])
    sync(platform, CONTACT)
    later = rows(platform, f"select {column_of(name)} as n from hubspot.contact where id = ?", created)
    assert later == [{"n": None}]
    sandbox.define("contacts", "create", name=name, type="number", fieldType="number")
    sandbox.change("contacts", "update", id=str(created), properties={name: "18"})
    report = sync(platform, CONTACT)
    assert column_of(name) not in report.absent
    assert values(platform, name) == {Decimal(17), Decimal(18)}


@pytest.mark.parametrize("full", [True, False], ids=["list", "search"])
def test_case_070_a_property_deleted_while_records_are_read_stops_nothing_and_is_named_next_time(
    platform: HurriedPlatform, sandbox: Portal, name: str, full: bool
) -> None:
    sync(platform, CONTACT)
    first = min(mirrored(platform, CONTACT))

    def change() -> None:
        sandbox.change("contacts", "update", first=250, properties={"lastname": "Delivered"})
        sandbox.define("contacts", "delete", name=name)

    report = during(platform, change, full=full)
    assert report.mode is (Mode.FULL if full else Mode.WINDOW)
    assert mirrored(platform, CONTACT)[first]["properties"]["lastname"] == "Delivered"
    assert values(platform, name) <= {Decimal(17), None}
    assert misfits(platform, name) == []
    assert_mirror_equals_portal(platform, sandbox, CONTACT)
    assert column_of(name) in sync(platform, CONTACT).absent


def test_case_070_a_renamed_option_leaves_old_values_and_shows_both(platform: HurriedPlatform, sandbox: Portal) -> None:
    choice = f"choice_{platform.warehouse().dialect}"
    old, new = {"label": "Gold", "value": "gold"}, {"label": "Gold plus", "value": "gold_plus"}
    kind = {"type": "enumeration", "fieldType": "select"}
    sandbox.define("companies", "create", name=choice, options=[old], **kind)
    sandbox.change("companies", "update", first=10, properties={choice: "gold"})
    sync(platform, COMPANY)
    sync_reference(platform, REFERENCES["properties"], run_id="test")
    sandbox.define("companies", "update", name=choice, options=[new])
    sync_reference(platform, REFERENCES["properties"], run_id="test")
    sync(platform, COMPANY, full=True)
    stored = rows(platform, f"select distinct {column_of(choice)} as v from hubspot.company order by 1")
    assert {row["v"] for row in stored} == {"gold", None}
    options = rows(
        platform,
        "select value, _fivetran_deleted as gone from hubspot.property_option where name = ? order by value",
        choice,
    )
    assert options == [{"value": "gold", "gone": True}, {"value": "gold_plus", "gone": False}]


@pytest.fixture(scope="module")
def wide() -> Iterator[Portal]:
    """A portal whose 1,200 contact properties fit neither a URL nor a search request."""
    with portal("contacts=120,companies=10,deals=10,properties=20") as running:
        for name in WIDE:
            running.define("contacts", "create", name=name)
        assert len(",".join(found["name"] for found in definitions(running))) > 16_384
        yield running


def test_a_portal_with_1200_properties_is_mirrored_whole_by_both_ways_of_reading(
    wide: Portal, store_url: str | None, tmp_path: Path
) -> None:
    with hurried(calm(wide), tmp_path, store_url) as platform:
        report = sync(platform, CONTACT)
        assert report.mode is Mode.FULL
        assert len([column for column in types(platform) if column.startswith("property_")]) >= 1_200
        assert_mirror_equals_portal(platform, wide, CONTACT)
        given = {"lastname": f"Changed {tmp_path.name}", WIDE[0]: "first", WIDE[-1]: "last"}
        wide.change("contacts", "update", first=30, properties=given)
        report = sync(platform, CONTACT)
        assert report.mode is Mode.WINDOW
        assert report.counts.updated >= 30
        assert wide.stats()["by_status"].keys() <= {"200", "207"}
        assert values(platform, WIDE[-1]) == {None, "last"}
        assert_mirror_equals_portal(platform, wide, CONTACT)


@pytest.mark.parametrize("filled", [1_100, pytest.param(400, marks=pytest.mark.postgres)], ids=["duckdb", "postgres"])
def test_a_record_with_hundreds_of_long_texts_is_stored(
    request: pytest.FixtureRequest, wide: Portal, tmp_path: Path, filled: int
) -> None:
    """PostgreSQL keeps 8 kB of a row in its page and 18 bytes there for each long text: some 430 of them."""
    url = request.getfixturevalue("postgres_url") if filled == 400 else None
    given = {name: f"value {number} of a record that has them all" for number, name in enumerate(WIDE[:filled])}
    record_id = int(wide.change("contacts", "create", properties=given)["ids"][0])
    with hurried(calm(wide), tmp_path, url) as platform:
        sync(platform, CONTACT)
        stored = rows(platform, "select * from hubspot.contact where id = ?", record_id)[0]
        assert {name: stored[column_of(name)] for name in given} == given
        assert set(json.loads(stored["raw_json"])["properties"]) >= set(given)
    wide.change("contacts", "purge", id=str(record_id))
