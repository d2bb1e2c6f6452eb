"""Which columns of an object's tables name records of other tables, and how many of those names are known.

A pure list of relations and one question to the warehouse for each; `mirror.exploration` reports them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hubspot_platform.hubspot.catalogue import CATALOGUE, ObjectType
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.model import LogicalType, quote

SCHEMA = "hubspot"

_NAMED_BY_PROPERTY: Mapping[str, tuple[str, str]] = {
    "owner_id": ("owner", "owner_id"),
    "property_hubspot_owner_id": ("owner", "owner_id"),
    "property_hubspot_team_id": ("team", "id"),
    "property_associatedcompanyid": ("company", "id"),
    "deal_pipeline_id": ("deal_pipeline", "pipeline_id"),
    "deal_pipeline_stage_id": ("deal_pipeline_stage", "stage_id"),
    "property_hs_pipeline": ("ticket_pipeline", "pipeline_id"),
    "property_hs_pipeline_stage": ("ticket_pipeline_stage", "stage_id"),
}
_OF_TICKETS = frozenset({"property_hs_pipeline", "property_hs_pipeline_stage"})


@dataclass(frozen=True)
class Relation:
    """Column `column` of `table` holds values of column `target_column` of `target`."""

    table: str
    column: str
    target: str
    target_column: str


@dataclass(frozen=True)
class Resolution:
    """How a relation stands: live rows, those that name something, and those whose name is known.

    `resolved` is None while the target has no table.
    """

    relation: Relation
    rows: int
    named: int
    resolved: int | None

    @property
    def unresolved(self) -> int | None:
        """Rows that name something nobody knows."""
        return None if self.resolved is None else self.named - self.resolved


def relations(obj: ObjectType, columns: Mapping[str, object]) -> Iterator[Relation]:
    """Yield the relations of an object whose table has these columns, its association tables last."""
    for column, (target, target_column) in _NAMED_BY_PROPERTY.items():
        if column in columns and (column not in _OF_TICKETS or obj.name == "ticket"):
            yield Relation(obj.table, column, target, target_column)
    entries = {entry.plural: entry for entry in CATALOGUE.values()}
    for association in obj.associations:
        yield Relation(association.table, association.from_column, obj.table, obj.id_column)
        if association.to_type in entries:
            entry = entries[association.to_type]
            yield Relation(association.table, association.to_column, entry.table, entry.id_column)


def resolve(session: Session, relation: Relation, obj: ObjectType) -> Resolution:
    """Count what the relation resolves to; ids are compared as text, deleted rows of the object do not count."""
    table, stored = f"{SCHEMA}.{quote(relation.table)}", session.columns(f"{SCHEMA}.{relation.table}")
    if not stored:
        return Resolution(relation, 0, 0, None)
    value = f"r.{quote(relation.column)}"
    if stored[relation.column] is LogicalType.DECIMAL:  # a property of type number that holds an id
        value = f"cast({value} as bigint)"
    column = f"cast({value} as text)"
    condition = "not r.is_deleted" if relation.table == obj.table else "true"
    counted = f"count(*) as n, count(nullif({column}, '')) as named"
    if not session.columns(f"{SCHEMA}.{relation.target}"):
        (found,) = session.query(f"select {counted} from {table} as r where {condition}").to_pylist()
        return Resolution(relation, found["n"], found["named"], None)
    target = (
        f"select distinct cast({quote(relation.target_column)} as text) as id from {SCHEMA}.{quote(relation.target)}"
    )
    sql = (
        f"select {counted}, count(t.id) as resolved from {table} as r left join ({target}) as t on t.id = {column} "
        f"where {condition}"
    )
    (found,) = session.query(sql).to_pylist()
    return Resolution(relation, found["n"], found["named"], found["resolved"])
