"""The list of the portal's custom objects and the tables their records are in, through the SDK."""

import asyncio
import logging
from typing import Any

from hubspot_platform.hubspot.custom_objects import CustomObject, fetch_custom_objects
from hubspot_platform.hubspot.errors import MissingScope
from hubspot_platform.mirror.reference.reading import Reading
from hubspot_platform.mirror.reference.rows import DELETED, SYNCED, columns
from hubspot_platform.mirror.tables import SCHEMA
from hubspot_platform.warehouse import Warehouse
from hubspot_platform.warehouse.model import Table

logger = logging.getLogger(__name__)

CUSTOM_OBJECTS_TABLE = Table(
    SCHEMA,
    "custom_objects",
    (
        *columns(
            "object_type_id:text name:text fully_qualified_name:text table_name:text label:text plural_label:text "
            "description:text primary_property:text created_at:timestamp updated_at:timestamp"
        ),
        DELETED,
        SYNCED,
    ),
    key=("object_type_id",),
    description="Custom objects of the portal and the tables their records are in.",
)
_WORDS = ("name", "plural_label", "description", "primary_property", "created_at", "updated_at")


async def read_custom_objects(reading: Reading) -> None:
    """Read the schemas of the portal's custom objects."""
    found = await custom_objects_of(reading)
    await reading.replace([(CUSTOM_OBJECTS_TABLE, [_row(each) for each in found])])


async def custom_objects_of(reading: Reading) -> list[CustomObject]:
    """Return the portal's custom objects; one whose plan has none refuses to list them.

    Raises MissingScope all the same where there were some: then it is the token that may no longer see them.
    """
    reading.sdk_calls += 1
    try:
        return await asyncio.to_thread(fetch_custom_objects, reading.sdk)
    except MissingScope as refused:
        if await asyncio.to_thread(_has_some, reading.warehouse):
            raise
        logger.warning("no custom objects are read: %s", refused)
        return []


def _has_some(warehouse: Warehouse) -> bool:
    table = CUSTOM_OBJECTS_TABLE
    with warehouse.writer() as session:
        if not session.columns(table):
            return False
        return bool(session.query(f"select 1 from {table.qualified} where not _fivetran_deleted limit 1").num_rows)


def _row(found: CustomObject) -> dict[str, Any]:
    return {
        **{name: getattr(found, name) for name in _WORDS},
        "object_type_id": found.entry.type_id,
        "fully_qualified_name": found.entry.plural,
        "table_name": found.entry.table,
        "label": found.entry.label,
    }
