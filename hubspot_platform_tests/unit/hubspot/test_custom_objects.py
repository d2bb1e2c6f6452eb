"""A portal's schemas become catalogue entries."""

from typing import Any

import pytest
from hubspot.crm.schemas.models import AssociationDefinition, ObjectSchema, ObjectTypeDefinitionLabels

from hubspot_platform.hubspot.catalogue import ObjectType
from hubspot_platform.hubspot.custom_objects import fetch_custom_objects, names_custom_object


class Schemas:
    """What the SDK answers with, without the SDK's transport."""

    def __init__(self, *schemas: ObjectSchema) -> None:
        self.crm = self.schemas = self.core_api = self
        self.results = list(schemas)

    def get_all(self, *, archived: bool) -> Any:
        """Answer the one call there is."""
        assert not archived
        return self


def schema(name: str, number: int, *links: tuple[str, str]) -> ObjectSchema:
    associations = [
        AssociationDefinition(from_object_type_id=a, to_object_type_id=b, id=str(place), name="")
        for place, (a, b) in enumerate(links)
    ]
    return ObjectSchema(
        associations=associations,
        fully_qualified_name=f"p42_{name}",
        id=str(number),
        labels=ObjectTypeDefinitionLabels(singular=name.title()),
        name=name,
        object_type_id=f"2-{number}",
        properties=[],
        required_properties=[],
    )


def entries(*schemas: ObjectSchema) -> dict[str, ObjectType]:
    return {found.name: found.entry for found in fetch_custom_objects(Schemas(*schemas))}


def test_an_entry_is_named_after_the_schema_and_called_by_its_full_name() -> None:
    bug = entries(schema("bug", 7))["bug"]
    assert (bug.name, bug.table, bug.path, bug.type_id, bug.label) == (
        "custom_bug",
        "custom_bug",
        "p42_bug",
        "2-7",
        "Bug",
    )


def test_each_associated_type_gets_one_table_whichever_way_it_is_listed() -> None:
    bug = entries(schema("bug", 7, ("2-7", "0-1"), ("0-1", "2-7"), ("0-5", "2-7")))["bug"]
    assert [(t.to_type, t.table, t.from_column, t.to_column) for t in bug.associations] == [
        ("contacts", "custom_bug_contact", "custom_bug_id", "contact_id"),
        ("tickets", "custom_bug_ticket", "custom_bug_id", "ticket_id"),
    ]


def test_associations_with_engagements_and_types_that_are_not_mirrored_are_left_out() -> None:
    assert entries(schema("bug", 7, ("2-7", "0-48"), ("2-7", "0-8")))["bug"].associations == ()


def test_custom_objects_are_associated_with_each_other_and_with_themselves() -> None:
    found = entries(schema("bug", 7, ("2-7", "2-7"), ("2-7", "2-8")), schema("car", 8))
    assert [(t.to_type, t.table, t.from_column, t.to_column) for t in found["bug"].associations] == [
        ("2-7", "custom_bug_custom_bug", "custom_bug_id", "to_custom_bug_id"),
        ("2-8", "custom_bug_custom_car", "custom_bug_id", "custom_car_id"),
    ]


def test_names_that_any_database_can_hold_stay_distinct() -> None:
    found = entries(schema("objects", 1), schema("x" * 70 + "a", 2), schema("x" * 70 + "b", 3))
    tables = {entry.table for entry in found.values()}
    assert len(tables) == 3
    assert "custom_objects" not in tables
    assert all(len(table) <= 63 for table in tables)


@pytest.mark.parametrize(
    ("name", "is_custom"),
    [
        ("custom_bug", True),
        ("p42_bug", True),
        ("2-345", True),
        (" CUSTOM_BUG ", True),
        ("contacts", False),
        ("0-1", False),
    ],
)
def test_names_that_only_the_portal_can_resolve_are_told_from_the_catalogues(name: str, is_custom: bool) -> None:
    assert names_custom_object(name) is is_custom
