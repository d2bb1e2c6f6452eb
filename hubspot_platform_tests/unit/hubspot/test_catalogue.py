import csv
from datetime import timedelta

import pytest

from hubspot_platform.hubspot.catalogue import (
    CATALOGUE,
    COMPANY,
    CONTACT,
    DEAL,
    REFERENCES,
    UnknownObject,
    merged_ids,
    object_type,
)


@pytest.mark.parametrize("name", ["contact", "contacts", "0-1", " Contacts "])
def test_an_object_is_found_by_name_plural_or_type_id(name: str) -> None:
    assert object_type(name) is CONTACT


def test_an_unknown_object_is_refused_with_the_ones_that_exist() -> None:
    with pytest.raises(UnknownObject) as raised:
        object_type("tickets")
    assert "contacts, companies, deals" in str(raised.value)


def test_names_paths_tables_and_jobs_are_unique() -> None:
    for attribute in ("name", "plural", "type_id", "table", "job", "minute"):
        values = [getattr(entry, attribute) for entry in CATALOGUE.values()]
        assert len(set(values)) == len(values), attribute


def test_contacts_are_windowed_by_their_own_last_modified_property() -> None:
    assert CONTACT.modified_property == "lastmodifieddate"
    assert {COMPANY.modified_property, DEAL.modified_property} == {"hs_lastmodifieddate"}


def test_freshness_follows_the_cadence() -> None:
    assert (CONTACT.freshness_warn, CONTACT.freshness_fail) == (timedelta(minutes=75), timedelta(minutes=120))
    assert (DEAL.freshness_warn, DEAL.freshness_fail) == (timedelta(minutes=150), timedelta(minutes=240))
    assert (CONTACT.sync_window_hours, DEAL.sync_window_hours) == (1, 2)


def test_properties_every_entry_relies_on_are_expected() -> None:
    for entry in CATALOGUE.values():
        needed = {entry.created_property, entry.modified_property, entry.merged_ids_property, "hs_object_id"}
        needed |= {alias.source for alias in entry.aliases}
        needed |= {name for alternatives in entry.required_fields for name in alternatives}
        assert needed <= set(entry.expected_properties), entry.name


PUBLIC_COLUMNS = """\
company: property_address property_address_2 property_annualrevenue property_city property_country
company: property_createdate property_description property_industry property_name property_state
contact: property_annualrevenue property_company property_createdate property_email property_firstname
contact: property_hs_merged_object_ids property_jobtitle property_lastname
deal: deal_pipeline_id deal_pipeline_stage_id owner_id property_amount property_closedate property_createdate
deal: property_dealname property_description
"""


def test_every_property_column_of_the_public_schema_has_a_source() -> None:
    for table, columns in csv.reader(PUBLIC_COLUMNS.splitlines(), delimiter=":"):
        entry = object_type(table)
        known = {f"property_{name}" for name in entry.expected_properties}
        known |= {alias.column for alias in entry.aliases}
        assert set(columns.split()) <= known


def test_reference_data_has_a_job_and_tables() -> None:
    assert REFERENCES["deal_pipelines"].job == DEAL.job
    assert REFERENCES["properties"].tables == ("property", "property_option")


def test_merged_ids_come_from_every_trace_and_exclude_the_survivor() -> None:
    record = {
        "id": "900",
        "properties": {
            "hs_merged_object_ids": "17;900",
            "hs_calculated_merged_vids": "12:1767225600000;17:1767225600001",
        },
    }
    assert merged_ids(CONTACT, record) == [12, 17]
    assert merged_ids(COMPANY, record) == [17]


@pytest.mark.parametrize("value", [None, "", ";", "abc", "1_0;²"])
def test_merge_traces_that_are_no_ids_are_left_out(value: str | None) -> None:
    assert merged_ids(CONTACT, {"id": "1", "properties": {"hs_merged_object_ids": value}}) == []
    assert merged_ids(CONTACT, {"id": "1"}) == []
