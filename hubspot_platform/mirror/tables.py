"""Which table a HubSpot object becomes: fixed columns, one column per property, and the tables beside it.

`layout_for` turns a catalogue entry and the portal's property definitions into a table spec; the sync engine
creates it and the chunk builder fills it. A column that exists keeps its type for ever: a property that changed
its type is reported as drift, never applied.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hubspot_platform.hubspot.catalogue import AssociationTarget, ObjectType
from hubspot_platform.hubspot.properties import PropertyDefinition
from hubspot_platform.identifiers import fitted
from hubspot_platform.mirror.indexes import object_indexes
from hubspot_platform.warehouse.model import Column, LogicalType, Table

SCHEMA = "hubspot"
LONGEST_SAMPLE = 1000  # characters of a value that are kept in `value_error`

TYPE_OF_PROPERTY: Mapping[str, LogicalType] = {
    "number": LogicalType.DECIMAL,
    "bool": LogicalType.BOOL,
    "date": LogicalType.DATE,
    "datetime": LogicalType.TIMESTAMP,
}

_TYPE_OF_ALIAS: Mapping[str, LogicalType] = {"int": LogicalType.INT, "text": LogicalType.TEXT}

VALUE_ERROR = Table(
    SCHEMA,
    "value_error",
    (
        Column("object_type", LogicalType.TEXT, "singular name of the object, for example contact"),
        Column("object_id", LogicalType.INT, "HubSpot id of the record"),
        Column("property", LogicalType.TEXT, "name of the property"),
        Column("value", LogicalType.TEXT, "the value as HubSpot sent it, at most 1,000 characters"),
        Column("declared_type", LogicalType.TEXT, "type of the property's column"),
        Column("reason", LogicalType.TEXT, "does_not_fit or characters_replaced"),
        Column("seen_at", LogicalType.TIMESTAMP, "when the mirror read it"),
    ),
    key=("object_type", "object_id", "property"),
    description="Values that do not fit their property's type; the typed column is null, raw_json has the value.",
)

PROGRESS = Table(
    "_platform",
    "progress",
    (
        Column("object", LogicalType.TEXT, "singular name of the object, for example contact", nullable=False),
        Column("complete_until", LogicalType.TIMESTAMP, "everything HubSpot changed before is in this warehouse"),
    ),
    key=("object",),
    description="How far this very copy of the warehouse got; a backup brings its own progress back.",
)

ENGAGEMENT = Table(
    SCHEMA,
    "engagement",
    (
        Column("id", LogicalType.INT, "HubSpot id of the engagement", nullable=False),
        Column("portal_id", LogicalType.INT, "the portal the engagement lives in"),
        Column("type", LogicalType.TEXT, "CALL, MEETING, EMAIL, NOTE, TASK or COMMUNICATION"),
        Column("updated_at", LogicalType.TIMESTAMP, "HubSpot's updatedAt of the engagement"),
        Column("_fivetran_deleted", LogicalType.BOOL, "archived, merged away or gone from the portal"),
        Column("_fivetran_synced", LogicalType.TIMESTAMP, "when the mirror read the engagement"),
    ),
    key=("id",),
    description="Every engagement of the portal with its type; what it holds is in engagement_<type>.",
)


@dataclass(frozen=True)
class ValueColumn:
    """A column filled from one property; `declared` is the portal's type, None when the portal lacks the property."""

    column: str
    property: str
    type: LogicalType
    declared: str | None


@dataclass(frozen=True)
class TypeDrift:
    """A property whose declared type no longer is the type of its column."""

    property: str
    column_type: LogicalType
    declared: str


@dataclass(frozen=True)
class ObjectLayout:
    """Everything needed to fill one object's table."""

    object: ObjectType
    table: Table
    values: tuple[ValueColumn, ...]
    properties: tuple[str, ...]
    drift: tuple[TypeDrift, ...]
    absent: tuple[str, ...]

    @property
    def moments(self) -> frozenset[str]:
        """The properties that are points in time."""
        return frozenset(value.property for value in self.values if value.declared == "datetime")


def column_of(property_name: str) -> str:
    """Return the column of a property, `property_<name>`; names PostgreSQL would cut end in a short hash instead."""
    return fitted(f"property_{property_name.lower()}", told_apart_by=property_name)


def declared_type(obj: ObjectType, property_name: str, declared: str) -> LogicalType:
    """Return the column type of a property of that HubSpot type; ids are integers."""
    if property_name == "hs_object_id" or property_name in obj.id_properties:
        return LogicalType.INT
    return TYPE_OF_PROPERTY.get(declared, LogicalType.TEXT)


def layout_for(
    obj: ObjectType, definitions: Iterable[PropertyDefinition], stored: Mapping[str, LogicalType]
) -> ObjectLayout:
    """Decide table, columns and properties to ask for.

    `stored` holds the columns the warehouse has: their types win, and a stored property column that neither the
    portal nor the catalogue knows any more is kept and named in `absent`.
    """
    declared = {definition.name: definition for definition in definitions}
    expected = {name: kind for name, kind in obj.expected_properties.items() if name not in declared}
    values: dict[str, ValueColumn] = {}
    drift: list[TypeDrift] = []
    for name, kind in [*((d.name, d.type) for d in declared.values()), *expected.items()]:
        column, wanted = column_of(name), declared_type(obj, name, kind)
        actual = stored.get(column, wanted)
        if actual is not wanted and name in declared:
            drift.append(TypeDrift(name, actual, kind))
        values.setdefault(column, ValueColumn(column, name, actual, kind if name in declared else None))
    aliases = tuple(ValueColumn(alias.column, alias.source, _TYPE_OF_ALIAS[alias.kind], None) for alias in obj.aliases)
    known = {value.column for value in values.values()}
    return ObjectLayout(
        object=obj,
        table=_object_table(obj, values.values(), aliases, declared),
        values=(*values.values(), *aliases),
        properties=tuple(declared),
        drift=tuple(drift),
        absent=tuple(c for c in stored if c.startswith("property_") and c not in known),
    )


def _object_table(
    obj: ObjectType,
    values: Iterable[ValueColumn],
    aliases: Iterable[ValueColumn],
    declared: Mapping[str, PropertyDefinition],
) -> Table:
    def described(value: ValueColumn) -> str:
        definition = declared.get(value.property)
        return definition.label if definition else "the portal has no such property"

    columns = (
        Column(obj.id_column, LogicalType.INT, f"HubSpot id of the {obj.name}", nullable=False),
        *((Column("type", LogicalType.TEXT, "kind of engagement"),) if obj.engagement_type else ()),
        *(Column(a.column, a.type, f"property {a.property}") for a in aliases),
        Column("portal_id", LogicalType.INT, "the portal the record lives in"),
        Column("is_deleted", LogicalType.BOOL, "archived, merged away or gone from the portal"),
        Column(
            "updated_at",
            LogicalType.TIMESTAMP,
            "HubSpot's updatedAt; an older copy never replaces a newer one",
        ),
        Column("archived_at", LogicalType.TIMESTAMP, "when the record was archived"),
        *(Column(value.column, value.type, described(value)) for value in values),
        Column("raw_json", LogicalType.JSON, "the object as HubSpot returned it"),
        Column("_fivetran_deleted", LogicalType.BOOL, "same as is_deleted"),
        Column("_fivetran_synced", LogicalType.TIMESTAMP, "when the mirror read the record"),
    )
    return Table(
        SCHEMA,
        obj.table,
        columns,
        key=(obj.id_column,),
        description=f"{obj.label} of the portal.",
        indexes=tuple(object_indexes(obj, {column.name for column in columns})),
    )


def association_table(target: AssociationTarget) -> Table:
    """Return the table of one kind of association: one row per pair and association type."""
    return Table(
        SCHEMA,
        target.table,
        (
            Column(target.from_column, LogicalType.INT, nullable=False),
            Column(target.to_column, LogicalType.INT, nullable=False),
            Column(
                "category",
                LogicalType.TEXT,
                "HUBSPOT_DEFINED, USER_DEFINED or INTEGRATOR_DEFINED",
                nullable=False,
            ),
            Column(
                "type_id",
                LogicalType.INT,
                f"association type, from {target.from_column} to {target.to_column}",
                nullable=False,
            ),
            Column("label", LogicalType.TEXT, "label of the association type; null for the unlabelled one"),
            Column("_fivetran_synced", LogicalType.TIMESTAMP, "when the mirror read the association"),
        ),
        key=(target.from_column, target.to_column, "category", "type_id"),
        description=f"Associations of {target.from_column.removesuffix('_id')} records with {target.to_type}.",
    )
