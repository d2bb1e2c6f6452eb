"""Property definitions of an object: what columns the mirror has and of which types.

Read whole through the SDK at the start of every sync and by the properties asset.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hubspot import HubSpot

from hubspot_platform.hubspot.catalogue import ObjectType


@dataclass(frozen=True)
class PropertyOption:
    """One choice of an enumeration: `value` is stored in records, `label` is what people see."""

    value: str
    label: str
    display_order: int | None
    hidden: bool


@dataclass(frozen=True)
class PropertyDefinition:
    """One property as the portal defines it; `type` is HubSpot's (string, number, datetime, bool, …)."""

    name: str
    label: str
    type: str
    field_type: str
    group_name: str = ""
    description: str = ""
    calculated: bool = False
    hubspot_defined: bool = False
    hidden: bool = False
    has_unique_value: bool = False
    external_options: bool = False
    show_currency_symbol: bool = False
    read_only: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    options: tuple[PropertyOption, ...] = ()


def fetch_definitions(sdk: HubSpot, obj: ObjectType) -> list[PropertyDefinition]:
    """Return the live property definitions of `obj` in name order: one call, not paged.

    Blocks; raises the errors of `hubspot.errors`.
    """
    answer = sdk.crm.properties.core_api.get_all(object_type=obj.path, archived=False)
    definitions = [_definition(item) for item in answer.results if not item.archived]
    return sorted(definitions, key=lambda definition: definition.name)


def _definition(item: Any) -> PropertyDefinition:
    modification = item.modification_metadata
    return PropertyDefinition(
        name=item.name,
        label=item.label or item.name,
        type=item.type,
        field_type=item.field_type or "",
        group_name=item.group_name or "",
        description=item.description or "",
        calculated=bool(item.calculated),
        hubspot_defined=bool(item.hubspot_defined),
        hidden=bool(item.hidden),
        has_unique_value=bool(item.has_unique_value),
        external_options=bool(item.external_options),
        show_currency_symbol=bool(item.show_currency_symbol),
        read_only=bool(modification and modification.read_only_value),
        created_at=item.created_at,
        updated_at=item.updated_at,
        options=tuple(
            PropertyOption(
                value=option.value,
                label=option.label or option.value,
                display_order=option.display_order,
                hidden=bool(option.hidden),
            )
            for option in item.options or ()
        ),
    )
