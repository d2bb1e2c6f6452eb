"""The indexes of an object's table where the warehouse is a PostgreSQL server: named as operators know them.

`mirror/tables.py` puts them on the table of every object: the field people look records up by, owner, times and the
records it refers to.
"""

from collections.abc import Collection, Iterator, Mapping

from hubspot_platform.hubspot.catalogue import ObjectType
from hubspot_platform.identifiers import fitted
from hubspot_platform.warehouse.model import Index

_LOOKED_UP_BY: Mapping[str, tuple[str, ...]] = {
    "contact": ("email", "associatedcompanyid"),
    "company": ("name", "domain"),
    "deal": ("dealname", "pipeline", "dealstage"),
    "ticket": ("subject", "hs_pipeline", "hs_pipeline_stage"),
}


def object_indexes(obj: ObjectType, columns: Collection[str]) -> Iterator[Index]:
    """Yield the indexes of the object's table for those of its columns that it has."""
    wanted = {name: f"property_{name}" for name in _LOOKED_UP_BY.get(obj.name, ())} | {
        "owner": "property_hubspot_owner_id",
        "created": f"property_{obj.created_property}",
        "modified": f"property_{obj.modified_property}",
        "fivetran_synced": "_fivetran_synced",
    }
    for name, column in wanted.items():
        if column in columns:
            yield Index(fitted(f"idx_hubspot_{obj.table}_{name}"), column)
