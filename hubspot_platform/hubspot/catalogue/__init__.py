"""The list of HubSpot objects the platform mirrors: one entry per object, nothing else lists them.

The client, the mirror, assets, checks and schedules all read what they need from here, so adding an object is
adding one `ObjectType`. Reference data without paging windows (owners, pipelines, properties) is listed
beside it. Custom objects have no entry: theirs are made from the portal's schemas (`hubspot/custom_objects.py`).
"""

from collections import Counter
from collections.abc import Mapping

from hubspot_platform.hubspot.catalogue.engagements import (
    CALL,
    COMMUNICATION,
    EMAIL,
    ENGAGEMENTS,
    MEETING,
    NOTE,
    TASK,
)
from hubspot_platform.hubspot.catalogue.model import Alias, AssociationTarget, ObjectType, UnknownObject
from hubspot_platform.hubspot.catalogue.records import COMPANY, CONTACT, DEAL, TICKET
from hubspot_platform.hubspot.catalogue.references import (
    CUSTOM_OBJECTS,
    DEAL_PIPELINES,
    ENTRIES,
    OWNERS,
    PROPERTIES,
    TICKET_PIPELINES,
)
from hubspot_platform.hubspot.reference_types import ReferenceType

__all__ = [
    "CALL",
    "CATALOGUE",
    "COMMUNICATION",
    "COMPANY",
    "CONTACT",
    "CUSTOM_OBJECTS",
    "DEAL",
    "DEAL_PIPELINES",
    "EMAIL",
    "ENGAGEMENTS",
    "MEETING",
    "NOTE",
    "OWNERS",
    "PROPERTIES",
    "REFERENCES",
    "SHARED_TABLES",
    "TASK",
    "TICKET",
    "TICKET_PIPELINES",
    "Alias",
    "AssociationTarget",
    "ObjectType",
    "ReferenceType",
    "UnknownObject",
    "merged_ids",
    "object_type",
    "reference_type",
]

CATALOGUE: dict[str, ObjectType] = {entry.name: entry for entry in (CONTACT, COMPANY, DEAL, TICKET, *ENGAGEMENTS)}
REFERENCES: dict[str, ReferenceType] = {entry.name: entry for entry in ENTRIES}

_TABLE_USES = Counter(target.table for entry in CATALOGUE.values() for target in entry.associations)
SHARED_TABLES: frozenset[str] = frozenset(table for table, uses in _TABLE_USES.items() if uses > 1)
"""Association tables that several objects' syncs fill, each the rows of its own records."""


def object_type(name: str) -> ObjectType:
    """Return the entry called `name`: a name, a plural path or a type id, in any case.

    Raises `UnknownObject` naming every object that exists.
    """
    wanted = name.strip().lower()
    for entry in CATALOGUE.values():
        if wanted in (entry.name, entry.plural, entry.type_id):
            return entry
    raise UnknownObject(name, tuple(entry.plural for entry in CATALOGUE.values()))


def reference_type(name: str) -> ReferenceType:
    """Return the reference entry called `name`; raises `UnknownObject` naming those that exist."""
    entry = REFERENCES.get(name.strip().lower())
    if entry is None:
        raise UnknownObject(name, tuple(REFERENCES))
    return entry


def merged_ids(obj: ObjectType, record: Mapping[str, object]) -> list[int]:
    """Return the ids that were merged into `record` (an object as HubSpot sends it), ascending, its own
    excluded.

    A merge gives the survivor a new id, so every id listed in the record's merge traces is a loser:
    `hs_merged_object_ids` ("id;id") and, for contacts, `hs_calculated_merged_vids` ("id:epochMs;…"). Text
    that is no id is left out.
    """
    properties = record.get("properties")
    if not isinstance(properties, Mapping):
        return []
    losers: set[int] = set()
    for name in obj.merge_traces:
        listed = properties.get(name)
        if isinstance(listed, str) and listed:
            ids = (part.split(":", 1)[0].strip() for part in listed.split(";"))
            losers.update(int(text) for text in ids if text.isascii() and text.isdigit())
    own = str(record.get("id", ""))
    return sorted(losers - ({int(own)} if own.isdigit() else set()))
