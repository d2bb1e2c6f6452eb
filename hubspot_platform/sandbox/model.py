"""What the portal is made of: object types, property definitions, records, pipelines and owners.

Records are compact (a tuple of values by column, two integers and a cached rendering), so that a portal of a
million contacts fits in a few gigabytes. The store, the search index and the HTTP handlers share these shapes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Value = str | None


@dataclass(frozen=True)
class ObjectSpec:
    """One CRM object type: an entry in `object_types.OBJECT_TYPES`, or a custom object's schema.

    `plural` is its name in paths and faults; a custom object's is its fully qualified name, because HubSpot takes no
    plural there. `stage` names the pipeline and stage properties and the pipeline a record without one belongs to. Ids
    of different types may be equal, but not those of activities: each of those types counts from its own `first_id`.
    """

    plural: str
    singular: str
    type_id: str
    created_property: str
    modified_property: str
    default_properties: tuple[str, ...]
    required_any: tuple[str, ...] = ()
    required_all: tuple[str, ...] = ()
    searchable: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    scope: str = ""
    stage: tuple[str, str, str] | None = None
    history_depth: int = 20
    first_id: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Every spelling a path may use for this type."""
        return (self.plural, self.singular, self.type_id)

    @property
    def schema_name(self) -> str:
        """The word for this type in the scopes of its properties (`crm.schemas.contacts.read`)."""
        return self.scope.rpartition(".")[2]

    def scope_to(self, access: str) -> str:
        """Return the scope `read` or `write` needs; older scopes (`tickets`) cover both."""
        return f"{self.scope}.{access}" if self.scope.startswith("crm.") else self.scope


@dataclass(frozen=True)
class Choice:
    """One option of an enumeration."""

    value: str
    label: str
    hidden: bool = False


@dataclass(frozen=True)
class Property:
    """One property definition as the properties API shows it."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    group: str = "information"
    options: tuple[Choice, ...] = ()
    description: str = ""
    calculated: bool = False
    read_only: bool = False
    unique: bool = False
    hidden: bool = False
    external_options: bool = False
    hubspot_defined: bool = True
    archived: bool = False
    created_ms: int = 0
    updated_ms: int = 0
    extra: Mapping[str, object] = field(default_factory=dict)


class Record:
    """One version of one object. A change makes a new Record; the old one may live on in a lagging search index."""

    __slots__ = ("archived_ms", "created_ms", "id", "rendered", "rendered_for", "updated_ms", "values")

    def __init__(self, record_id: int, values: tuple[Value, ...], created_ms: int, updated_ms: int) -> None:
        self.id = record_id
        self.values = values
        self.created_ms = created_ms
        self.updated_ms = updated_ms
        self.archived_ms: int | None = None
        self.rendered: bytes | None = None
        self.rendered_for = -1


@dataclass
class Stage:
    """One pipeline stage; `metadata` values are text, as on the wire."""

    id: str
    label: str
    display_order: int
    metadata: dict[str, str]
    archived: bool = False


@dataclass
class Pipeline:
    """One pipeline with its stages in display order."""

    id: str
    label: str
    display_order: int
    stages: list[Stage]
    created_ms: int
    updated_ms: int
    archived: bool = False

    def live_stages(self) -> list[Stage]:
        """Return the stages a record may be in."""
        return [s for s in self.stages if not s.archived]


@dataclass(frozen=True)
class Owner:
    """A user (or queue) records can belong to; `archived` ones are deactivated users."""

    id: str
    email: str
    first_name: str
    last_name: str
    user_id: int
    created_ms: int
    updated_ms: int
    archived: bool = False
    type: str = "PERSON"
