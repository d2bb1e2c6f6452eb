"""Which columns of which tables a query reads, and which of them each output column comes from.

A walk over sqlglot's tree, called by `parse.py`. It needs no database: columns are qualified wherever more
than one source is in sight, so the text alone says where each comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from sqlglot import exp

from hubspot_platform.sql_models.errors import SchemaError
from hubspot_platform.sql_models.model import Reading, SourceColumn

ROW_HELPERS = {"json_items": ("item", "position"), "json_pairs": ("name", "value")}
"""The helper functions that yield rows, read as `cross join lateral helper(…) as alias`, with their columns."""

Outputs = dict[str, frozenset[SourceColumn]]
_Projections = list[tuple[str, frozenset[SourceColumn]]]


@dataclass
class Lineage:
    """What the walk found: the outputs of the query and every reading of a table outside it."""

    outputs: Outputs
    tables: set[tuple[str, str]] = field(default_factory=set)
    readings: list[Reading] = field(default_factory=list)


@dataclass(frozen=True)
class _Base:
    schema: str
    table: str


@dataclass(frozen=True)
class _Derived:
    outputs: Outputs


_Source = _Base | _Derived


@dataclass(frozen=True)
class _Scope:
    sources: Mapping[str, _Source]
    outer: _Scope | None


def trace(query: exp.Expr, file: str) -> Lineage:
    """Return the lineage of `query`; raises SchemaError where a source is unclear."""
    walk = _Walk(file)
    outputs = walk.named(query, walk.query(query, {}, None))
    return Lineage(outputs, walk.tables, walk.readings)


def line_of(node: exp.Expr) -> int:
    """Return the line on which `node` begins, as far as its identifiers tell, else 1."""
    lines = [part.meta["line"] for part in node.find_all(exp.Identifier, exp.Star) if "line" in part.meta]
    if not lines and node.parent is not None:
        return line_of(node.parent)
    return min(lines, default=1)


class _Walk:
    def __init__(self, file: str) -> None:
        self.file = file
        self.tables: set[tuple[str, str]] = set()
        self.readings: list[Reading] = []

    def query(self, node: exp.Expr, ctes: Mapping[str, _Derived], outer: _Scope | None) -> _Projections:
        with_ = node.args.get("with_")
        if with_ is not None:
            known = dict(ctes)
            for cte in with_.expressions:
                known[cte.alias] = self._derived(cte, self.query(cte.this, known, outer))
            ctes = known
        if isinstance(node, exp.Subquery):
            return self.query(node.this, ctes, outer)
        if isinstance(node, exp.Union):
            left = self.query(node.left, ctes, outer)
            right = self.query(node.right, ctes, outer)
            if len(left) != len(right):
                mend = "make them equal"
                self._refuse(node, "the sides of a union have different numbers of columns", mend)
            return [(name, own | other) for (name, own), (_, other) in zip(left, right, strict=True)]
        if not isinstance(node, exp.Select):
            self._refuse(node, f"{type(node).__name__} is no query", "write a select")
        return self._select(node, ctes, outer)

    def named(self, node: exp.Expr, projections: _Projections) -> Outputs:
        """Return the outputs by name; refuses one without a name and two of one name."""
        outputs: Outputs = {}
        for name, sources in projections:
            if not name:
                self._refuse(node, "an output column has no name", "write `expression as name`")
            if name in outputs:
                self._refuse(node, f"two output columns are named {name}", "give each a name of its own")
            outputs[name] = sources
        return outputs

    def _derived(self, node: exp.CTE | exp.Subquery, projections: _Projections) -> _Derived:
        alias = node.args.get("alias")
        names = [column.name for column in alias.columns] if alias is not None else []
        if names and len(names) != len(projections):
            mend = "list one name for each column"
            self._refuse(node, f"{node.alias} names {len(names)} of {len(projections)} columns", mend)
        if names:
            projections = [(name, found) for name, (_, found) in zip(names, projections, strict=True)]
        return _Derived(self.named(node, projections))

    def _select(self, node: exp.Select, ctes: Mapping[str, _Derived], outer: _Scope | None) -> _Projections:
        scope = _Scope(self._sources(node, ctes, outer), outer)
        projections = [(part.alias_or_name, self._read(part, scope, ctes)) for part in node.expressions]
        for key, value in node.args.items():
            if key in {"expressions", "with_", "from_", "joins"}:
                continue
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, exp.Expr):
                    self._read(part, scope, ctes)
        for join in node.args.get("joins") or []:
            if (on := join.args.get("on")) is not None:
                self._read(on, scope, ctes)
        return projections

    def _sources(self, node: exp.Select, ctes: Mapping[str, _Derived], outer: _Scope | None) -> dict[str, _Source]:
        from_ = node.args.get("from_")
        items = [] if from_ is None else [from_.this, *(join.this for join in node.args.get("joins") or [])]
        found: dict[str, _Source] = {}
        for item in items:
            if isinstance(item, exp.Table):
                found[item.alias_or_name] = self._table(item, ctes)
            elif isinstance(item, exp.Subquery):
                found[item.alias] = self._derived(item, self.query(item.this, ctes, outer))
            elif isinstance(item, exp.Values):
                found[item.alias] = _Derived({column.name: frozenset() for column in item.args["alias"].columns})
            elif isinstance(item, exp.Lateral):
                read = self._read(item.this, _Scope(dict(found), outer), ctes)
                found[item.alias] = _Derived(dict.fromkeys(ROW_HELPERS.get(item.this.name, ()), read))
            else:
                self._refuse(item, f"{type(item).__name__} is no source", "read tables, CTEs or subqueries")
        return found

    def _table(self, item: exp.Table, ctes: Mapping[str, _Derived]) -> _Source:
        if not item.db:
            if item.name in ctes:
                return ctes[item.name]
            self._refuse(item, f"table {item.name} has no schema", f"write `schema.{item.name}`")
        if item.catalog:
            self._refuse(item, f"table {item.name} names a database", f"write `{item.db}.{item.name}`")
        self.tables.add((item.db, item.name))
        return _Base(item.db, item.name)

    def _read(self, node: exp.Expr, scope: _Scope, ctes: Mapping[str, _Derived]) -> frozenset[SourceColumn]:
        """Resolve every column below `node`; nested queries see this scope as their outer one."""
        if isinstance(node, exp.Query):
            return frozenset[SourceColumn]().union(*(found for _, found in self.query(node, ctes, scope)))
        if isinstance(node, exp.Column):
            return self._column(node, scope)
        found: frozenset[SourceColumn] = frozenset()
        for child in node.iter_expressions():
            found |= self._read(child, scope, ctes)
        return found

    def _column(self, node: exp.Column, scope: _Scope) -> frozenset[SourceColumn]:
        source = self._source_of(node, scope)
        if isinstance(source, _Base):
            column = SourceColumn(source.schema, source.table, node.name)
            first = node.args.get("table") or node.this
            self.readings.append(Reading(column, first.meta["start"], node.this.meta["end"] + 1))
            return frozenset({column})
        if node.name not in source.outputs:
            known = ", ".join(source.outputs)
            self._refuse(node, f"no column {node.sql()} in sight", f"use one of {known}")
        return source.outputs[node.name]

    def _source_of(self, node: exp.Column, scope: _Scope) -> _Source:
        if node.table:
            looked: _Scope | None = scope
            while looked is not None:
                if node.table in looked.sources:
                    return looked.sources[node.table]
                looked = looked.outer
            self._refuse(node, f"{node.sql()}: nothing here is named {node.table}", "use an alias of the from clause")
        if len(scope.sources) != 1 or scope.outer is not None:
            self._refuse(node, f"{node.name} is not qualified", f"write `alias.{node.name}`")
        return next(iter(scope.sources.values()))

    def _refuse(self, node: exp.Expr, problem: str, mend: str) -> NoReturn:
        raise SchemaError(self.file, line_of(node), problem, mend=mend)
