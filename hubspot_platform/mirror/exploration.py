"""What a portal's object looks like: its properties by type and group, how far each is filled, what resolves.

`hubspot-platform explore` asks for an `Exploration` and writes it as JSON and as text. Definitions come from the
portal, values from the mirror. Examples are choices the portal declares itself, so the report holds no personal data.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from hubspot_platform.hubspot.catalogue import ObjectType
from hubspot_platform.hubspot.properties import PropertyDefinition, fetch_definitions
from hubspot_platform.hubspot.sdk import sdk_client
from hubspot_platform.mirror.relations import SCHEMA, Resolution, relations, resolve
from hubspot_platform.mirror.tables import column_of
from hubspot_platform.runtime import Platform
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.model import LogicalType, quote

EXAMPLES = 5
_COLUMNS_PER_STATEMENT = 20


@dataclass(frozen=True)
class PropertyReport:
    """One property: its definition, and what the mirror's live rows hold of it (None without a column).

    `filled_share` is from 0 to 1; `examples` are declared choices with the number of rows that hold them.
    """

    name: str
    label: str
    type: str
    field_type: str
    group: str
    calculated: bool
    hubspot_defined: bool
    choices: int
    filled: int | None = None
    filled_share: float | None = None
    distinct_values: int | None = None
    examples: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Exploration:
    """Everything the report says about one object; `rows` are live rows of the mirror, None before the first sync."""

    object: str
    explored_at: datetime
    rows: int | None
    properties: tuple[PropertyReport, ...]
    relationships: tuple[Resolution, ...]

    def by(self, attribute: str) -> dict[str, int]:
        """Return how many properties there are by `type`, `group` or `field_type`, the most frequent first."""
        counted = Counter(str(getattr(each, attribute)) for each in self.properties)
        return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))

    def as_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        return {
            "object": self.object,
            "explored_at": self.explored_at.isoformat(),
            "rows": self.rows,
            "properties": len(self.properties),
            "by_type": self.by("type"),
            "by_group": self.by("group"),
            "by_field_type": self.by("field_type"),
            "calculated": sum(each.calculated for each in self.properties),
            "hubspot_defined": sum(each.hubspot_defined for each in self.properties),
            "never_filled": [each.name for each in self.properties if each.filled == 0],
            "property_details": [asdict(each) for each in self.properties],
            "relationships": [
                {
                    **asdict(each.relation),
                    "rows": each.rows,
                    "named": each.named,
                    "resolved": each.resolved,
                    "unresolved": each.unresolved,
                }
                for each in self.relationships
            ],
        }


def explore(platform: Platform, obj: ObjectType) -> Exploration:
    """Read the object's definitions from the portal and measure the published mirror.

    Raises the errors of `hubspot.errors`, and NothingPublished when no object was synced yet.
    """
    with platform.hubspot() as policy:
        definitions = fetch_definitions(sdk_client(policy), obj)
    with platform.warehouse().reader() as session:
        stored = session.columns(f"{SCHEMA}.{obj.table}")
        if not stored:
            return Exploration(obj.name, platform.clock(), None, tuple(map(_described, definitions)), ())
        count = f"select count(*) as n from {SCHEMA}.{quote(obj.table)} where not is_deleted"
        rows = int(session.query(count)["n"][0].as_py())
        held = [definition for definition in definitions if column_of(definition.name) in stored]
        measured = {report.name: report for report in _measured(session, obj, held, rows)}
        properties = tuple(measured.get(definition.name) or _described(definition) for definition in definitions)
        found = tuple(resolve(session, relation, obj) for relation in relations(obj, stored))
    return Exploration(obj.name, platform.clock(), rows, properties, found)


def _described(definition: PropertyDefinition, **measured: Any) -> PropertyReport:
    return PropertyReport(
        name=definition.name,
        label=definition.label,
        type=definition.type,
        field_type=definition.field_type,
        group=definition.group_name,
        calculated=definition.calculated,
        hubspot_defined=definition.hubspot_defined,
        choices=len(definition.options),
        **measured,
    )


def _measured(
    session: Session, obj: ObjectType, definitions: Sequence[PropertyDefinition], rows: int
) -> Iterator[PropertyReport]:
    """Yield the report of each property; several columns a statement, because each one reads the table."""
    types = session.columns(f"{SCHEMA}.{obj.table}")
    for start in range(0, len(definitions), _COLUMNS_PER_STATEMENT):
        part = definitions[start : start + _COLUMNS_PER_STATEMENT]
        counts = []
        for position, definition in enumerate(part):
            column = quote(column_of(definition.name))
            value = f"nullif({column}, '')" if types[column_of(definition.name)] is LogicalType.TEXT else column
            counts.append(f"count({value}) as f{position}, count(distinct {value}) as d{position}")
        sql = f"select {', '.join(counts)} from {SCHEMA}.{quote(obj.table)} where not is_deleted"
        (found,) = session.query(sql).to_pylist()
        for position, definition in enumerate(part):
            filled = found[f"f{position}"]
            yield _described(
                definition,
                filled=filled,
                filled_share=round(filled / rows, 4) if rows else None,
                distinct_values=found[f"d{position}"],
                examples=_examples(session, obj, definition) if filled else (),
            )


def _examples(session: Session, obj: ObjectType, definition: PropertyDefinition) -> tuple[tuple[str, int], ...]:
    """Return the most frequent values that the portal declares as choices; external ones may name people."""
    if definition.external_options or not definition.options:
        return ()
    declared = {option.value for option in definition.options}
    column = quote(column_of(definition.name))
    sql = (
        f"select cast({column} as text) as value, count(*) as n from {SCHEMA}.{quote(obj.table)} "
        f"where not is_deleted and {column} is not null group by {column} order by n desc, value"
    )
    found = [(row["value"], row["n"]) for row in session.query(sql).to_pylist() if row["value"] in declared]
    return tuple(found[:EXAMPLES])
