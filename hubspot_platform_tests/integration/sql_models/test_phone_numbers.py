"""The table of phone texts: filled once per text and country, whatever the contacts do."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from hubspot_platform.assets import phone_numbers
from hubspot_platform.assets.phone_numbers import phone_number_asset, refresh_phone_numbers
from hubspot_platform.business import Business
from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.integration.sql_models.small_mirror import SmallMirror
from hubspot_platform_tests.integration.sql_models.test_assets import SmallPlatform

US = Business(properties={})
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def write(warehouse: Warehouse, *contacts: tuple[str | None, str | None, str | None]) -> None:
    mirror = SmallMirror()
    for id_, (phone, mobile, country) in enumerate(contacts, start=1):
        mirror.contact(
            id_, "2026-04-01 09:00", property_phone=phone, property_mobilephone=mobile, property_country=country
        )
    with warehouse.writer() as session:
        mirror.write(session)
        session.execute("drop table hubspot.phone_number")


def known(warehouse: Warehouse) -> set[tuple[str, str, str | None, str]]:
    with warehouse.reader() as session:
        found = session.query("select raw, country, phone_e164, region from hubspot.phone_number")
    return {tuple(row.values()) for row in found.to_pylist()}  # type: ignore[misc]


def test_every_text_is_read_once_with_its_country(warehouse: Warehouse) -> None:
    write(
        warehouse,
        ("(415) 555-0134", None, None),
        ("(415) 555-0134", "030 1234567", "Germany"),
        ("030 1234567", "", "Germany"),
        (None, "nonsense", "Atlantis"),
        ("  ", None, "Germany"),
    )

    assert refresh_phone_numbers(warehouse, US, NOON) == 4
    assert known(warehouse) == {
        ("(415) 555-0134", "", "+14155550134", "US"),
        ("(415) 555-0134", "Germany", "+494155550134", "DE"),
        ("030 1234567", "Germany", "+49301234567", "DE"),
        ("nonsense", "Atlantis", None, "US"),
    }
    assert refresh_phone_numbers(warehouse, US, NOON) == 0


def test_the_numbers_of_calls_are_read_without_a_country(warehouse: Warehouse) -> None:
    write(warehouse, ("(415) 555-0134", None, "Germany"))
    with warehouse.writer() as session:
        session.execute(
            "create table hubspot.engagement_call (property_hs_call_to_number text, property_hs_call_from_number text)"
        )
        session.execute("insert into hubspot.engagement_call values ('(415) 555-0134', '+49 30 1234567'), (null, '')")

    assert refresh_phone_numbers(warehouse, US, NOON) == 3
    assert {(raw, country, found) for raw, country, found, _ in known(warehouse) if not country} == {
        ("(415) 555-0134", "", "+14155550134"),
        ("+49 30 1234567", "", "+49301234567"),
    }


def test_a_text_that_no_record_has_any_more_goes(warehouse: Warehouse) -> None:
    write(warehouse, ("(415) 555-0134", "030 1234567", "Germany"), ("030 1234567", None, "Germany"))
    refresh_phone_numbers(warehouse, US, NOON)
    with warehouse.writer() as session:
        session.execute("update hubspot.contact set property_phone = null, property_mobilephone = null where id = 1")

    assert refresh_phone_numbers(warehouse, US, NOON) == 0
    assert known(warehouse) == {("030 1234567", "Germany", "+49301234567", "DE")}


def test_many_texts_are_read_in_batches(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone_numbers, "BATCH", 7)
    write(warehouse, *((f"+1415555{number:04}", None, None) for number in range(100, 125)))

    assert refresh_phone_numbers(warehouse, US, NOON) == 25
    assert len(known(warehouse)) == 25


def test_another_default_region_reads_numbers_without_a_country_again(warehouse: Warehouse) -> None:
    write(warehouse, ("030 1234567", None, None), ("030 1234567", None, "Germany"))
    refresh_phone_numbers(warehouse, US, NOON)

    assert refresh_phone_numbers(warehouse, Business(phone_region="DE", properties={}), NOON) == 1
    assert known(warehouse) == {
        ("030 1234567", "", "+49301234567", "DE"),
        ("030 1234567", "Germany", "+49301234567", "DE"),
    }


def test_a_portal_without_mobile_phones_and_countries_is_fine(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        session.execute("create schema hubspot")
        session.execute("create table hubspot.contact (id bigint, property_phone text)")
        session.execute("insert into hubspot.contact values (1, '+14155550134')")

    assert refresh_phone_numbers(warehouse, US, NOON) == 1


def test_the_asset_reports_what_it_added(warehouse: Warehouse) -> None:
    write(warehouse, ("(415) 555-0134", "12", None))

    result = dg.materialize(
        [phone_number_asset(warehouse.dialect)], resources={"platform": SmallPlatform(warehouse, US)}
    )

    (event,) = result.get_asset_materialization_events()
    shown = event.materialization.metadata
    assert [shown[name].value for name in ("dagster/row_count", "rows_added", "rows_not_valid")] == [2, 2, 1]
    assert isinstance(shown["dagster/column_schema"].value, dg.TableSchema)
