"""Custom objects: their catalogue entries, made from the portal's schemas instead of being written down.

The mirror calls `fetch_custom_objects` at run time. A custom object gets table `custom_<name>`, and an association
table for every object of the catalogue and every custom object its schema names; associations with engagements are left
out, because HubSpot gives every schema all of them and each costs a call per 1,000 records.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hubspot import HubSpot

from hubspot_platform.hubspot.catalogue import CATALOGUE, CUSTOM_OBJECTS, AssociationTarget, ObjectType
from hubspot_platform.identifiers import fitted

ALL = "custom"
_NAMES = re.compile(r"custom_.+|p\d+_.+|2-\d+", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class CustomObject:
    """A custom object of the portal: its schema's own words, and the entry the mirror syncs it by."""

    entry: ObjectType
    name: str
    plural_label: str
    description: str
    primary_property: str
    created_at: datetime | None
    updated_at: datetime | None


def names_custom_object(name: str) -> bool:
    """Tell whether a name is one a custom object can have: `custom_bug`, `p4242_bug` or `2-3456789`."""
    return _NAMES.fullmatch(name.strip()) is not None


def fetch_custom_objects(sdk: HubSpot) -> list[CustomObject]:
    """Return the portal's custom objects by name: one call, not paged.

    Blocks; raises the errors of `hubspot.errors`, MissingScope where the plan or the token has no custom objects.
    """
    schemas = sorted(sdk.crm.schemas.core_api.get_all(archived=False).results, key=lambda schema: schema.name)
    names = {schema.object_type_id: _table_name(schema.name) for schema in schemas}
    return [_custom_object(schema, names) for schema in schemas]


def _table_name(name: str) -> str:
    table = fitted(f"custom_{name.lower()}")
    return f"{table}_object" if table == CUSTOM_OBJECTS.name else table


def _custom_object(schema: Any, names: Mapping[str, str]) -> CustomObject:
    table = names[schema.object_type_id]
    label = (schema.labels and schema.labels.singular) or schema.name
    entry = custom_entry(table, schema.fully_qualified_name, schema.object_type_id, label)
    return CustomObject(
        entry=replace(entry, associations=tuple(_targets(schema, names))),
        name=schema.name,
        plural_label=(schema.labels and schema.labels.plural) or label,
        description=schema.description or "",
        primary_property=schema.primary_display_property or "",
        created_at=schema.created_at,
        updated_at=schema.updated_at,
    )


def custom_entry(table: str, full_name: str, type_id: str, label: str) -> ObjectType:
    """Return the entry of a custom object, without associations."""
    return ObjectType(
        name=table,
        plural=full_name,
        label=label,
        type_id=type_id,
        table=table,
        id_column="id",
        created_property="hs_createdate",
        modified_property="hs_lastmodifieddate",
        merged_ids_property="hs_merged_object_ids",
        expected_properties={
            "hs_createdate": "datetime",
            "hs_lastmodifieddate": "datetime",
            "hs_merged_object_ids": "string",
            "hs_object_id": "number",
        },
        job=CUSTOM_OBJECTS.job,
        minute=CUSTOM_OBJECTS.minute,
        cadence=CUSTOM_OBJECTS.cadence,
    )


def _targets(schema: Any, names: Mapping[str, str]) -> Iterable[AssociationTarget]:
    """Return one table for each type the schema's associations lead to, whichever way round they are listed."""
    own, table = schema.object_type_id, names[schema.object_type_id]
    others: set[str] = set()
    for link in schema.associations or ():
        others.add(link.to_object_type_id if link.from_object_type_id == own else link.from_object_type_id)
    known = {entry.type_id: entry for entry in CATALOGUE.values() if entry.engagement_type is None}
    for other in sorted(others):
        if other in known:
            path, name = known[other].path, known[other].name
        elif other in names:
            path, name = other, names[other]
        else:
            continue
        to_column = f"to_{name}_id" if other == own else f"{name}_id"
        yield AssociationTarget(path, fitted(f"{table}_{name}"), fitted(f"{table}_id"), fitted(to_column))
