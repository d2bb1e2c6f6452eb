from datetime import timedelta
from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import (
    CATALOGUE,
    COMPANY,
    CONTACT,
    DEAL,
    ENGAGEMENTS,
    REFERENCES,
    SHARED_TABLES,
    TICKET,
    UnknownObject,
    merged_ids,
    object_type,
)


@pytest.mark.parametrize("name", ["contact", "contacts", "0-1", " Contacts "])
def test_an_object_is_found_by_name_plural_or_type_id(name: str) -> None:
    assert object_type(name) is CONTACT


def test_an_unknown_object_is_refused_with_the_ones_that_exist() -> None:
    with pytest.raises(UnknownObject) as raised:
        object_type("unicorns")
    assert "contacts, companies, deals, tickets, calls" in str(raised.value)


def test_names_paths_tables_and_jobs_are_unique() -> None:
    for attribute in ("name", "plural", "type_id", "table", "job", "minute"):
        values = [getattr(entry, attribute) for entry in CATALOGUE.values()]
        assert len(set(values)) == len(values), attribute


def test_contacts_are_windowed_by_their_own_last_modified_property() -> None:
    assert CONTACT.modified_property == "lastmodifieddate"
    assert {COMPANY.modified_property, DEAL.modified_property} == {"hs_lastmodifieddate"}


def test_properties_every_entry_relies_on_are_expected() -> None:
    for entry in CATALOGUE.values():
        needed = {entry.created_property, entry.modified_property, entry.merged_ids_property, "hs_object_id"}
        needed |= {alias.source for alias in entry.aliases}
        needed |= {name for alternatives in entry.required_fields for name in alternatives}
        assert needed <= set(entry.expected_properties), entry.name


PUBLIC_SCHEMA = Path(__file__).parents[2] / "integration" / "mirror" / "public_schema.txt"


def test_every_property_column_of_the_public_schema_has_a_source() -> None:
    lines = [line.split() for line in PUBLIC_SCHEMA.read_text(encoding="ascii").splitlines()]
    for entry in CATALOGUE.values():
        columns = {column.partition(":")[0] for table, *columns in lines if table == entry.table for column in columns}
        known = {f"property_{name}" for name in entry.expected_properties}
        known |= {alias.column for alias in entry.aliases}
        assert {column for column in columns if column.startswith("property_")} <= known, entry.name
        assert entry.id_column in columns


def test_engagements_share_their_association_tables_and_nothing_else_is_shared() -> None:
    assert {target.table for entry in ENGAGEMENTS for target in entry.associations} == SHARED_TABLES
    assert len({entry.engagement_type for entry in ENGAGEMENTS}) == len(ENGAGEMENTS)
    columns = {
        (target.table, target.from_column, target.to_column) for entry in ENGAGEMENTS for target in entry.associations
    }
    assert len(columns) == len(SHARED_TABLES)


def test_jobs_have_the_names_people_know() -> None:
    assert CATALOGUE["call"].job == "sync_hubspot_calls"
    assert CATALOGUE["meeting"].job == "hubspot_meetings"
    assert CATALOGUE["email"].job == "hubspot_email_engagements"
    assert (TICKET.job, TICKET.cadence) == ("sync_hubspot_tickets", timedelta(hours=2))
    assert {entry.cadence for entry in ENGAGEMENTS} == {timedelta(hours=1)}


def test_reference_data_has_a_job_and_tables() -> None:
    assert REFERENCES["deal_pipelines"].job == DEAL.job
    assert REFERENCES["ticket_pipelines"].job == TICKET.job
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
