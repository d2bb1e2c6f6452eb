"""`hubspot_contacts_raw` and `hubspot_deals_raw`: the documents' columns and what is added to them."""

import json
from decimal import Decimal

import pytest

from hubspot_platform.business import Business
from hubspot_platform.warehouse import LogicalType, Warehouse
from hubspot_platform_tests.integration.metrics.models import build, rows
from hubspot_platform_tests.integration.sql_models.small_mirror import SYNCED, SmallMirror, utc


def deal(warehouse: Warehouse, columns: str) -> dict[str, object]:
    (found,) = rows(warehouse, f"select {columns} from hubspot.hubspot_deals_raw")
    return found


def test_a_contact_has_the_documents_columns(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    mirror.contact(
        1,
        "2026-04-01 09:00",
        property_email="ann@example.com",
        property_phone="",
        property_mobilephone="(415) 555-0134",
        property_firstname="Ann",
        property_vsl_watched=True,
        property_hubspot_owner_id="7",
    )
    mirror.phones.append({"raw": "(415) 555-0134", "country": "", "phone_e164": "+14155550134", "region": "US"})
    build(warehouse, mirror)

    (found,) = rows(warehouse, "select * from hubspot.hubspot_contacts_raw")
    document = json.loads(found.pop("raw_json"))
    assert found == {
        "hubspot_id": "1",
        "email": "ann@example.com",
        "phone": "(415) 555-0134",
        "firstname": "Ann",
        "lastname": None,
        "createdate": utc("2026-04-01 09:00"),
        "lifecyclestage": None,
        "vsl_watched": True,
        "sales_script_version": None,
        "hubspot_owner_id": "7",
        "phone_e164": "+14155550134",
        "synced_at": SYNCED,
        "updated_at": SYNCED,
    }
    assert document == {"properties": {"email": "1@example.com"}, "associations": {"deals": {"results": []}}}


def test_a_contacts_owner_and_script_version_come_without_blanks_and_are_null_when_blank(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    for id_, owner in enumerate((" 7 ", "8", "  ", "", None), start=1):
        mirror.contact(id_, "2026-04-01 09:00", property_hubspot_owner_id=owner)
    version = "case id when 1 then ' B ' when 2 then 'A' when 3 then ' ' when 4 then '' end"
    versions = (
        "alter table hubspot.contact add column property_sales_script_version text",
        f"update hubspot.contact set property_sales_script_version = {version}",
    )
    build(warehouse, mirror, changes=versions)

    found = rows(
        warehouse, "select hubspot_owner_id, sales_script_version from hubspot.hubspot_contacts_raw order by hubspot_id"
    )
    assert [tuple(row.values()) for row in found] == [("7", "B"), ("8", "A"), *[(None, None)] * 3]


def test_the_phone_is_read_with_the_country_of_its_contact(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    mirror.contact(1, "2026-04-01 09:00", property_phone="030 1234567", property_country="Germany")
    mirror.contact(2, "2026-04-01 09:00", property_phone="030 1234567")
    mirror.contact(3, "2026-04-01 09:00", property_phone="nonsense", property_mobilephone="+14155550134")
    mirror.phones += [
        {"raw": "030 1234567", "country": "Germany", "phone_e164": "+49301234567", "region": "DE"},
        {"raw": "030 1234567", "country": "", "phone_e164": None, "region": "US"},
        {"raw": "nonsense", "country": "", "phone_e164": None, "region": "US"},
        {"raw": "+14155550134", "country": "", "phone_e164": "+14155550134", "region": "US"},
    ]
    outcomes = build(warehouse, mirror)

    found = rows(warehouse, "select phone_e164 from hubspot.hubspot_contacts_raw order by hubspot_id")
    assert [row["phone_e164"] for row in found] == ["+49301234567", None, "+14155550134"]
    checks = {c.check.name: c.violations for c in outcomes["hubspot.hubspot_contacts_raw"].checks}
    assert checks["phone_readable"] == 1


def test_a_deal_has_the_documents_columns_and_json(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    for id_ in (3, 20, 100):
        mirror.contact(id_, "2026-04-01 09:00", is_deleted=id_ == 3)
    mirror.companies.append({"id": 5})
    mirror.won(
        10,
        "2026-04-02 10:00",
        "2026-04-12 10:00",
        owner_id=8,
        property_dealname='A "quoted" name',
        property_amount=Decimal("1200.50"),
        property_number_of_installments__months=Decimal(3),
        property_offer_given="Yes",
    )
    mirror.deal_contacts += [(10, 100), (10, 20), (10, 3)]
    mirror.deal_companies += [(10, 5)]
    build(warehouse, mirror)

    found = deal(warehouse, "*")
    document = json.loads(str(found.pop("raw_json")))
    assert found == {
        "hubspot_id": "10",
        "dealname": 'A "quoted" name',
        "amount": Decimal("1200.5"),
        "dealstage": "closedwon",
        "createdate": utc("2026-04-02 10:00"),
        "closedate": utc("2026-04-12 10:00"),
        "qualified_status": None,
        "trial_status": None,
        "payment_status": None,
        "number_of_installments__months": 3,
        "pipeline": "default",
        "is_won": True,
        "offer_given": "Yes",
        "upfront_cash": None,
        "hubspot_owner_id": "8",
        "first_contact_id": "20",
        "synced_at": SYNCED,
        "updated_at": SYNCED,
    }
    assert document == {
        "properties": {"dealname": "deal 10"},
        "associations": {
            "contacts": {
                "results": [{"id": "20", "type": "deal_to_contact"}, {"id": "100", "type": "deal_to_contact"}]
            },
            "companies": {"results": [{"id": "5", "type": "deal_to_company"}]},
        },
    }


def test_the_columns_of_document_004_have_its_types(warehouse: Warehouse) -> None:
    build(warehouse, SmallMirror())

    with warehouse.writer() as session:
        contacts = session.columns("hubspot.hubspot_contacts_raw")
        deals = session.columns("hubspot.hubspot_deals_raw")
    assert contacts["raw_json"] is deals["raw_json"] is LogicalType.JSON
    assert contacts["createdate"] is deals["closedate"] is LogicalType.TIMESTAMP
    assert contacts["vsl_watched"] is LogicalType.BOOL
    assert deals["amount"] is LogicalType.DECIMAL
    assert deals["number_of_installments__months"] is LogicalType.INT


@pytest.mark.parametrize(
    ("stage", "pipeline", "won_stages", "is_won"),
    [
        ("closedwon", "default", (), True),
        ("closedlost", "default", (), False),
        ("signed", "partners", (), True),
        ("signed", "default", (), False),
        ("closedwon", "unknown", (), True),
        (None, "default", (), False),
        ("signed", "partners", ("closedwon",), False),
        ("closedlost", "default", ("closedlost", "signed"), True),
    ],
)
def test_won_is_what_the_settings_say_or_else_the_pipeline(
    warehouse: Warehouse, stage: str | None, pipeline: str, won_stages: tuple[str, ...], is_won: bool
) -> None:
    mirror = SmallMirror()
    mirror.stages.append(("partners", "signed", True))
    mirror.deal(10, "2026-04-02 10:00", deal_pipeline_id=pipeline, deal_pipeline_stage_id=stage)
    build(warehouse, mirror, Business(won_stages=won_stages, properties={}))

    assert deal(warehouse, "is_won") == {"is_won": is_won}


@pytest.mark.parametrize(("number", "whole"), [("12", 12), ("0", 0), ("-2", -2), ("2.5", None), (None, None)])
def test_instalments_are_whole_numbers(warehouse: Warehouse, number: str | None, whole: int | None) -> None:
    mirror = SmallMirror()
    value = None if number is None else Decimal(number)
    mirror.deal(10, "2026-04-02 10:00", property_number_of_installments__months=value)
    build(warehouse, mirror)

    assert deal(warehouse, "number_of_installments__months as n") == {"n": whole}


@pytest.mark.parametrize(("status", "kept"), [(" Cancelled ", "Cancelled"), (" ", None), ("", None), (None, None)])
def test_a_blank_status_is_none(warehouse: Warehouse, status: str | None, kept: str | None) -> None:
    names = ("payment_status", "qualified_status", "trial_status", "offer_given")
    mirror = SmallMirror()
    mirror.deal(10, "2026-04-02 10:00", **{f"property_{name}": status for name in names})
    build(warehouse, mirror)

    assert deal(warehouse, ", ".join(names)) == dict.fromkeys(names, kept)


@pytest.mark.parametrize("name", ["upfront_cash", "cash_collected"])
def test_upfront_cash_is_the_property_that_the_settings_name(warehouse: Warehouse, name: str) -> None:
    mirror = SmallMirror()
    mirror.won(10, "2026-04-02 10:00", "2026-04-12 10:00", property_amount=Decimal(900))
    cash = (
        f"alter table hubspot.deal add column property_{name} decimal(38, 10)",
        f"update hubspot.deal set property_{name} = 250.50",
    )
    build(warehouse, mirror, Business(properties={"deal": {"upfront_cash": name}}), cash)

    assert deal(warehouse, "amount, upfront_cash") == {"amount": Decimal(900), "upfront_cash": Decimal("250.5")}


def test_amounts_beyond_18_digits_are_unknown_and_counted(warehouse: Warehouse) -> None:
    amounts = (Decimal(999_999_999_999_999_999), Decimal(10) ** 18, -(Decimal(10) ** 27))
    mirror = SmallMirror()
    for id_, amount in enumerate(amounts, start=1):
        mirror.won(id_, "2026-04-01 10:00", "2026-04-12 10:00", property_amount=amount)
    cash = (
        "alter table hubspot.deal add column property_upfront_cash decimal(38, 10)",
        "update hubspot.deal set property_upfront_cash = property_amount",
    )
    outcomes = build(warehouse, mirror, changes=cash)

    found = rows(warehouse, "select amount, upfront_cash from hubspot.hubspot_deals_raw order by hubspot_id")
    assert [tuple(row.values()) for row in found] == [(amounts[0], amounts[0]), (None, None), (None, None)]
    violations = {found.check.name: found.violations for found in outcomes["hubspot.hubspot_deals_raw"].checks}
    assert violations["won_deals_have_an_amount"] == 2


def test_won_deals_without_an_amount_or_a_closedate_are_counted_as_warnings(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    mirror.won(1, "2026-04-01 10:00", "2026-04-12 10:00", property_amount=Decimal(0))
    mirror.won(2, "2026-04-01 10:00", "2026-04-12 10:00")
    mirror.won(3, "2026-04-01 10:00", "", property_amount=Decimal(5))
    mirror.deal(4, "2026-04-01 10:00")
    outcomes = build(warehouse, mirror)

    violations = {found.check.name: found.violations for found in outcomes["hubspot.hubspot_deals_raw"].checks}
    assert (violations["won_deals_have_an_amount"], violations["won_deals_have_a_closedate"]) == (1, 1)


def test_deleted_and_merged_records_are_left_out(warehouse: Warehouse) -> None:
    mirror = SmallMirror()
    mirror.contact(1, "2026-04-12 09:00")
    mirror.contact(2, "2026-04-12 09:00", is_deleted=True, _fivetran_deleted=True)
    mirror.won(10, "2026-04-01 10:00", "2026-04-12 10:00", is_deleted=True)
    build(warehouse, mirror)

    assert [row["hubspot_id"] for row in rows(warehouse, "select hubspot_id from hubspot.hubspot_contacts_raw")] == [
        "1"
    ]
    assert rows(warehouse, "select hubspot_id from hubspot.hubspot_deals_raw") == []
