"""Property definitions of every mirrored object with their options, through the SDK."""

import asyncio
import hashlib
import logging
from collections.abc import Iterable
from typing import Any

from hubspot_platform.hubspot.catalogue import CATALOGUE
from hubspot_platform.hubspot.errors import MissingScope
from hubspot_platform.hubspot.properties import fetch_definitions
from hubspot_platform.mirror.reference.custom_objects import custom_objects_of
from hubspot_platform.mirror.reference.reading import Reading
from hubspot_platform.mirror.reference.rows import DELETED, SYNCED, columns
from hubspot_platform.mirror.tables import SCHEMA
from hubspot_platform.warehouse.model import Table

logger = logging.getLogger(__name__)

PROPERTY = Table(
    SCHEMA,
    "property",
    (
        *columns(
            "_fivetran_id:text hubspot_object:text name:text label:text type:text field_type:text group_name:text "
            "description:text calculated:bool hubspot_defined:bool show_currency_symbol:bool created_at:timestamp "
            "updated_at:timestamp"
        ),
        DELETED,
        SYNCED,
    ),
    key=("_fivetran_id",),
    description="Property definitions of every mirrored object.",
)
PROPERTY_OPTION = Table(
    SCHEMA,
    "property_option",
    (
        *columns("property_id:text hubspot_object:text name:text value:text label:text display_order:int hidden:bool"),
        DELETED,
        SYNCED,
    ),
    key=("property_id", "value"),
    description="Choices of enumeration properties: the stored value and the label people see.",
)
_FIELDS = (
    "name",
    "label",
    "type",
    "field_type",
    "group_name",
    "description",
    "calculated",
    "hubspot_defined",
    "show_currency_symbol",
    "created_at",
    "updated_at",
)


async def read_properties(reading: Reading) -> None:
    """Read the definitions of every object of the catalogue and of the portal's custom objects.

    An object the token may not read is left out, because its own sync says so; MissingScope when it may read none.
    """
    objects = [*CATALOGUE.values(), *(found.entry for found in await custom_objects_of(reading))]
    properties: list[dict[str, Any]] = []
    options: list[dict[str, Any]] = []
    refusals: list[MissingScope] = []
    for obj in objects:
        try:
            definitions = await asyncio.to_thread(fetch_definitions, reading.sdk, obj)
        except MissingScope as refused:
            refusals.append(refused)
            logger.warning("the properties of %s are left out: %s", obj.plural, refused)
            continue
        for definition in definitions:
            identity = _stable_id([obj.name, definition.name])
            values = {name: getattr(definition, name) for name in _FIELDS}
            properties.append({"_fivetran_id": identity, "hubspot_object": obj.name, **values})
            options += [
                {
                    "property_id": identity,
                    "hubspot_object": obj.name,
                    "name": definition.name,
                    "value": option.value,
                    "label": option.label,
                    "display_order": option.display_order,
                    "hidden": option.hidden,
                }
                for option in definition.options
            ]
    reading.sdk_calls += len(objects)
    if len(refusals) == len(objects):
        raise refusals[0]
    await reading.replace([(PROPERTY, properties), (PROPERTY_OPTION, options)])


def _stable_id(parts: Iterable[str]) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]
