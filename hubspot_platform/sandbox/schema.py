"""The property definitions of one object type and the column each one has in a record's values.

Columns only grow: a definition created while the portal runs gets the next column (older records are simply
shorter there), a deleted one keeps its column, so nothing is rewritten when the schema changes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

import orjson

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.model import ObjectSpec, Property, Record, Value


@dataclass(frozen=True)
class PropertySet:
    """The properties one request asked for, resolved to columns; `number` identifies it in the rendering cache."""

    number: int
    names: tuple[str, ...]
    pick: Callable[[tuple[Value, ...]], tuple[Value, ...]]
    width: int


class Schema:
    """Definitions by name, in creation order, plus a cache of resolved property sets."""

    def __init__(self, spec: ObjectSpec, definitions: Sequence[Property]) -> None:
        self.spec = spec
        self.definitions: dict[str, Property] = {}
        self.column: dict[str, int] = {}
        self._sets: dict[tuple[str, ...], PropertySet] = {}
        self._by_names: dict[tuple[str, ...], PropertySet] = {}
        self._issued = 0
        self._withheld: frozenset[str] = frozenset()
        for definition in definitions:
            self.define(definition)
        self.id_column = self.column["hs_object_id"]
        self.created_column = self.column[spec.created_property]
        self.modified_column = self.column[spec.modified_property]

    def define(self, definition: Property) -> None:
        """Add a definition, or replace the one of that name; values already stored stay as they are."""
        self.definitions[definition.name] = definition
        self.column.setdefault(definition.name, len(self.column))
        self.forget_sets()

    def archive(self, name: str) -> None:
        """Mark a definition deleted: it leaves the list and every answer, its stored values are kept."""
        self.definitions[name] = replace(self.definitions[name], archived=True)
        self.forget_sets()

    def live(self, name: str) -> Property | None:
        """Return the definition of that name unless it is unknown or deleted."""
        definition = self.definitions.get(name)
        return None if definition is None or definition.archived else definition

    def shown(self, name: str) -> Property | None:
        """Return the definition of that name if its values may be answered."""
        return None if name in self._withheld else self.live(name)

    def withhold(self, names: frozenset[str]) -> None:
        """Leave these properties out of every answer, as HubSpot does with content the token has no scope for."""
        self._withheld = names
        self.forget_sets()

    def listed(self, *, archived: bool = False) -> list[Property]:
        """Return the definitions the properties API lists."""
        return [d for d in self.definitions.values() if d.archived is archived]

    def resolve(self, requested: Iterable[str]) -> PropertySet:
        """Return columns for the requested names plus the defaults; unknown names are left out, as HubSpot does."""
        key = tuple(requested)
        found = self._sets.get(key)
        if found is not None:
            return found
        wanted = key or self.spec.default_properties
        always = ("hs_object_id", self.spec.created_property, self.spec.modified_property)
        known = {n for n in (*wanted, *always) if self.shown(n) is not None}
        # in column order: the same properties asked for in another order share their renderings
        names = tuple(sorted(known, key=self.column.__getitem__))
        resolved = self._by_names.get(names) or self._new_set(names)
        if len(self._sets) >= 64:
            self.forget_sets()
        self._sets[key] = resolved
        return resolved

    def _new_set(self, names: tuple[str, ...]) -> PropertySet:
        self._issued += 1
        columns = [self.column[n] for n in names]
        made = PropertySet(self._issued, names, itemgetter(*columns), max(columns) + 1)
        self._by_names[names] = made
        return made

    def forget_sets(self) -> None:
        """Resolve the property sets of requests anew."""
        self._sets.clear()
        self._by_names.clear()


def property_json(definition: Property, created: str, updated: str) -> dict[str, object]:
    """Return a definition in the shape of the properties API."""
    mutable = not definition.hubspot_defined
    return {
        "name": definition.name,
        "label": definition.label,
        "type": definition.type,
        "fieldType": definition.field_type,
        "description": definition.description,
        "groupName": definition.group,
        "options": [
            {"label": o.label, "value": o.value, "description": "", "displayOrder": i, "hidden": o.hidden}
            for i, o in enumerate(definition.options)
        ],
        "displayOrder": -1,
        "calculated": definition.calculated,
        "externalOptions": definition.external_options,
        "hasUniqueValue": definition.unique,
        "hidden": definition.hidden,
        "hubspotDefined": definition.hubspot_defined,
        "formField": not definition.read_only,
        "modificationMetadata": {
            "archivable": mutable,
            "readOnlyDefinition": not mutable,
            "readOnlyValue": definition.read_only or definition.calculated,
            "readOnlyOptions": not mutable,
        },
        "createdAt": created,
        "updatedAt": updated,
        "archived": definition.archived,
        "dataSensitivity": "non_sensitive",
    }


def properties_of(record: Record, wanted: PropertySet) -> dict[str, Value]:
    """Return the asked-for properties of a record; known ones without a value are None."""
    values = record.values
    if len(values) < wanted.width:
        values += (None,) * (wanted.width - len(values))
    return dict(zip(wanted.names, wanted.pick(values), strict=True))


def envelope(schema: Schema, record: Record, wanted: PropertySet) -> dict[str, object]:
    """Return a record in the shape of the objects API."""
    values = record.values
    document: dict[str, object] = {
        "id": values[schema.id_column],
        "properties": properties_of(record, wanted),
        "createdAt": values[schema.created_column],
        "updatedAt": values[schema.modified_column],
        "archived": record.archived_ms is not None,
    }
    if record.archived_ms is not None:
        document["archivedAt"] = iso(record.archived_ms)
    return document


def render(schema: Schema, record: Record, wanted: PropertySet) -> bytes:
    """Return the record's JSON; the last rendering is kept with the record, so that a page is a join of bytes."""
    if record.rendered_for != wanted.number or record.rendered is None:
        # copied, because orjson's own buffer was grown in steps and would leave holes beside a million records
        record.rendered = bytes(memoryview(orjson.dumps(envelope(schema, record, wanted))))
        record.rendered_for = wanted.number
    return record.rendered
