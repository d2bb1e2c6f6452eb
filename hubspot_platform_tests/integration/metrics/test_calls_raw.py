"""`hubspot_calls_raw`: what it takes from the mirror, and whose number a call met, by the domain rules."""

import json
from decimal import Decimal

import pyarrow as pa
import pytest

from hubspot_platform.assets.phone_numbers import refresh_phone_numbers
from hubspot_platform.sql_models.build import BuildOutcome, build_model
from hubspot_platform.warehouse import Column, LogicalType, Table, Warehouse
from hubspot_platform_tests.integration.metrics.models import PLAIN, models, rows
from hubspot_platform_tests.integration.sql_models.small_mirror import SYNCED, SmallMirror, utc

CALL = Table(
    "hubspot",
    "engagement_call",
    (
        Column("engagement_id", LogicalType.INT),
        Column("property_hs_call_to_number", LogicalType.TEXT),
        Column("property_hs_call_from_number", LogicalType.TEXT),
        Column("property_hs_call_direction", LogicalType.TEXT),
        Column("property_hs_call_disposition", LogicalType.TEXT),
        Column("property_hs_call_duration", LogicalType.DECIMAL),
        Column("property_hubspot_owner_id", LogicalType.TEXT),
        Column("property_hs_timestamp", LogicalType.TIMESTAMP),
        Column("is_deleted", LogicalType.BOOL),
        Column("_fivetran_deleted", LogicalType.BOOL),
        Column("_fivetran_synced", LogicalType.TIMESTAMP),
        Column("updated_at", LogicalType.TIMESTAMP),
        Column("raw_json", LogicalType.JSON),
    ),
    key=("engagement_id",),
)
ENDS = [
    Table("hubspot", table, (Column("engagement_id", LogicalType.INT), Column(column, LogicalType.INT)))
    for table, column in (("engagement_contact", "contact_id"), ("engagement_deal", "deal_id"))
]
OURS, CUSTOMER = "+442079460018", "+14155550134"


def build(
    warehouse: Warehouse, contacts: dict[int, tuple[str, str | None]], *calls: dict[str, object]
) -> dict[str, BuildOutcome]:
    """Build the table over contacts (id → phone, created) and calls."""
    mirror = SmallMirror()
    for id_, (phone, created) in contacts.items():
        mirror.contact(id_, created, property_phone=phone)
    document = '{"properties":{"hs_call_title":"x"}}'
    filled = [
        {
            "engagement_id": number,
            "is_deleted": False,
            "_fivetran_deleted": False,
            "_fivetran_synced": SYNCED,
            "updated_at": SYNCED,
            "raw_json": document,
            "property_hs_call_from_number": OURS,
            "property_hs_call_direction": "OUTBOUND",
            **call,
        }
        for number, call in enumerate(calls, start=1)
    ]
    with warehouse.writer() as session:
        mirror.write(session)
        session.execute("drop table hubspot.phone_number")
        for table in (CALL, *ENDS):
            session.ensure(table)
        session.load(CALL, pa.Table.from_pylist(filled, CALL.arrow_schema()))
    refresh_phone_numbers(warehouse, PLAIN, SYNCED)
    with warehouse.writer() as session:
        names = ("hubspot_contacts_raw", "hubspot_calls_raw")
        return {name: build_model(session, models()[f"hubspot.{name}"]) for name in names}


def contact_of_call(warehouse: Warehouse) -> dict[str, str | None]:
    found = rows(warehouse, "select hubspot_id, contact_id from hubspot.hubspot_calls_raw")
    return {row["hubspot_id"]: row["contact_id"] for row in found}


def test_a_call_has_the_documents_columns_and_what_the_metrics_read(warehouse: Warehouse) -> None:
    contacts = {1: (CUSTOMER, "2026-04-01 09:00")}
    build(
        warehouse,
        contacts,
        {
            "property_hs_call_to_number": " (415) 555-0134",
            "property_hs_call_direction": " OUTBOUND",
            "property_hs_call_disposition": " Connected ",
            "property_hs_call_duration": Decimal("240001.5"),
            "property_hs_timestamp": utc("2026-04-10 09:00"),
            "property_hubspot_owner_id": " 7 ",
        },
        {"property_hs_call_direction": "", "property_hs_call_disposition": " ", "property_hubspot_owner_id": "  "},
    )

    found, blank = rows(warehouse, "select * from hubspot.hubspot_calls_raw order by hubspot_id")
    document = json.loads(found.pop("raw_json"))
    assert found == {
        "hubspot_id": "1",
        "call_duration": 240_002,
        "call_direction": "OUTBOUND",
        "call_to_number": "(415) 555-0134",
        "call_from_number": OURS,
        "call_timestamp": utc("2026-04-10 09:00"),
        "call_disposition": "Connected",
        "hubspot_owner_id": "7",
        "call_to_e164": CUSTOMER,
        "call_from_e164": OURS,
        "customer_number": "(415) 555-0134",
        "customer_e164": CUSTOMER,
        "contact_id": "1",
        "synced_at": SYNCED,
        "updated_at": SYNCED,
    }
    assert document == {
        "properties": {"hs_call_title": "x"},
        "associations": {"contacts": {"results": []}, "deals": {"results": []}},
    }
    unknown = ("call_duration", "call_direction", "call_disposition", "hubspot_owner_id", "call_timestamp")
    assert {blank[name] for name in unknown} == {None}


def test_durations_are_carried_over_and_what_does_not_fit_is_unknown_and_counted(warehouse: Warehouse) -> None:
    durations = {
        "1": 1,
        "0": 0,
        "-60000": -60_000,
        "999999999999999999": 999_999_999_999_999_999,
        "1000000000000000000": None,
        "100000000000000000000": None,
        "-9999999999999999999999999999": None,
        "": None,
    }
    calls = [
        {
            "property_hs_call_duration": Decimal(text) if text else None,
            "raw_json": json.dumps({"properties": {"hs_call_duration": text}}),
        }
        for text in durations
    ]
    outcome = build(warehouse, {}, *calls)["hubspot_calls_raw"]

    found = rows(warehouse, "select call_duration as ms from hubspot.hubspot_calls_raw order by hubspot_id")
    assert [row["ms"] for row in found] == list(durations.values())
    violations = {check.check.name: check.violations for check in outcome.checks}
    assert (violations["duration_readable"], violations["duration_not_negative"]) == (3, 1)


@pytest.mark.parametrize("number", ["(415) 555-0134", "+1 415-555-0134", "14155550134", "0014155550134"])
def test_the_spellings_of_a_number_meet_in_its_contact(warehouse: Warehouse, number: str) -> None:
    build(warehouse, {1: ("415.555.0134", "2026-04-01 09:00")}, {"property_hs_call_to_number": number})
    assert contact_of_call(warehouse) == {"1": "1"}


@pytest.mark.parametrize("direction", ["INBOUND", "Inbound", " INBOUND "])
def test_the_customer_is_who_calls_in_and_who_is_called(warehouse: Warehouse, direction: str) -> None:
    contacts = {1: (CUSTOMER, "2026-04-01 09:00"), 2: (OURS, "2026-04-01 09:00")}
    outbound = {"property_hs_call_to_number": CUSTOMER}
    inbound = {
        "property_hs_call_to_number": OURS,
        "property_hs_call_from_number": CUSTOMER,
        "property_hs_call_direction": direction,
    }
    build(warehouse, contacts, outbound, inbound)
    assert contact_of_call(warehouse) == {"1": "1", "2": "1"}


def test_of_several_contacts_the_last_one_created_before_the_call_has_it(warehouse: Warehouse) -> None:
    # Of each pair the smaller number is the later text.
    contacts = {
        9: (CUSTOMER, "2026-04-01 09:00"),
        10: (CUSTOMER, "2026-04-01 09:00"),
        99: (CUSTOMER, "2026-04-03 09:00"),
        100: (CUSTOMER, "2026-04-03 09:00"),
        8: (CUSTOMER, "2026-04-05 09:00"),
        7: (CUSTOMER, None),
    }
    at = ("2026-04-10 09:00", "2026-04-03 09:00", "2026-04-02 09:00", "2026-03-01 09:00", None)
    calls = [
        {"property_hs_call_to_number": CUSTOMER, "property_hs_timestamp": utc(moment) if moment else None}
        for moment in at
    ]
    build(warehouse, contacts, *calls)
    assert contact_of_call(warehouse) == {"1": "8", "2": "99", "3": "9", "4": "9", "5": "9"}


def test_a_call_nobody_has_stays_once_and_a_deleted_one_goes(warehouse: Warehouse) -> None:
    build(
        warehouse,
        {1: (CUSTOMER, "2026-04-01 09:00")},
        {"property_hs_call_to_number": "+16465550100"},
        {"property_hs_call_to_number": "anonymous"},
        {"property_hs_call_to_number": CUSTOMER, "is_deleted": True},
        {"property_hs_call_to_number": None},
    )
    assert contact_of_call(warehouse) == {"1": None, "2": None, "4": None}
    found = rows(warehouse, "select customer_number, customer_e164 from hubspot.hubspot_calls_raw order by hubspot_id")
    assert [tuple(row.values()) for row in found] == [
        ("+16465550100", "+16465550100"),
        ("anonymous", None),
        (None, None),
    ]
