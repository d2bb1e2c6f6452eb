"""What the catalogue says about an object: the shape of its entries.

The entries themselves are in the modules beside this one; everybody imports from the package.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hubspot_platform.errors import UsageError
from hubspot_platform.hubspot.reference_types import Scheduled

AliasKind = Literal["int", "text"]


class UnknownObject(UsageError):
    """An object name that has no entry in the catalogue."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"unknown HubSpot object {name!r}", mend=f"use one of: {', '.join(known)}")
        self.name = name
        self.known = known


@dataclass(frozen=True)
class AssociationTarget:
    """One association table: rows lead from the entry's records to records of `to_type` (a plural path)."""

    to_type: str
    table: str
    from_column: str
    to_column: str


@dataclass(frozen=True)
class Alias:
    """A column of the object's table filled from a property under another name and kind."""

    column: str
    source: str
    kind: AliasKind


@dataclass(frozen=True, eq=False, kw_only=True)
class ObjectType(Scheduled):
    """Everything the platform knows about one searchable CRM object.

    `expected_properties` (name to HubSpot type) are columns every mirror has, also when the portal lacks the
    property: SQL models read them. `required_fields` is a list of alternatives, each satisfied by any one of
    its properties (data quality test C02). `id_properties` become integers whatever type the portal declares.
    An engagement's `engagement_type` is what column `type` of its table and of table `engagement` says.
    An object that `keeps_history` has a table `<name>_property_history`; `history_properties` are the properties whose
    earlier values are read unless the business settings name others.
    """

    name: str
    plural: str
    label: str
    type_id: str
    table: str
    id_column: str
    created_property: str
    modified_property: str
    merged_ids_property: str
    merged_pairs_property: str | None = None
    associations: tuple[AssociationTarget, ...] = ()
    aliases: tuple[Alias, ...] = ()
    expected_properties: Mapping[str, str] = field(default_factory=dict)
    required_fields: tuple[tuple[str, ...], ...] = ()
    id_properties: frozenset[str] = frozenset()
    engagement_type: str | None = None
    keeps_history: bool = False
    history_properties: tuple[str, ...] = ()
    searchable: bool = True

    @property
    def path(self) -> str:
        """The plural name used in request paths."""
        return self.plural

    @property
    def merge_traces(self) -> tuple[str, ...]:
        """The properties that name the ids merged into a record."""
        return tuple(name for name in (self.merged_ids_property, self.merged_pairs_property) if name)
