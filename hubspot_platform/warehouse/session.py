"""The part of a session that is the same for every engine, written over the few things an engine must provide.

`DuckDbSession` and `PostgresSession` inherit from it; nothing else uses it. Callers see the `Session` protocol.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from hubspot_platform.warehouse import rows as row_tools
from hubspot_platform.warehouse.errors import DuplicateKey, QueryRefused, RowsRefused
from hubspot_platform.warehouse.model import Column, LogicalType, MergeCounts, Table, quote
from hubspot_platform.warehouse.protocol import Verify, row_count

SYNCED = "_fivetran_synced"
BESIDE_PREFIX = "__next_"
IDENTITY_TABLE = '"_platform"."identity"'


class BaseSession(ABC):
    """Loads, replacements and rebuilds by portable SQL; subclasses add connections, staging, merge and swap."""

    dialect: Literal["duckdb", "postgres"]

    @abstractmethod
    def query(self, sql: str, params: Sequence[object] = ()) -> pa.Table:
        """See `Session.query`."""

    @abstractmethod
    def execute(self, sql: str, params: Sequence[object] = ()) -> None:
        """See `Session.execute`."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """See `Session.transaction`."""

    @abstractmethod
    def identity(self) -> str:
        """See `Session.identity`."""

    @abstractmethod
    def columns(self, table: Table | str) -> dict[str, LogicalType]:
        """See `Session.columns`."""

    @abstractmethod
    def ensure(self, table: Table) -> list[Column]:
        """See `Session.ensure`."""

    @abstractmethod
    def merge(
        self, table: Table, rows: pa.Table, *, newer_by: str | None = None, content: str | None = None
    ) -> MergeCounts:
        """See `Session.merge`."""

    @abstractmethod
    def _staged(self, table: Table, rows: pa.Table) -> AbstractContextManager[str]:
        """Make rows a relation of the session and yield its SQL name; typed as the table's columns."""

    @abstractmethod
    def _append(self, table: Table, rows: pa.Table) -> None:
        """Insert conforming rows; raises RowsRefused, DuplicateKey."""

    @abstractmethod
    def _output(self, select: str) -> list[str]:
        """Return the column names of a select without running it."""

    @abstractmethod
    def _create(self, table: Table, name: str) -> None:
        """Create an empty table with the spec's columns under another qualified name, without a key."""

    @abstractmethod
    def _reserve(self, table: Table) -> None:
        """Keep others from rebuilding the table until the transaction ends."""

    @abstractmethod
    def _swap(self, table: Table, beside: str) -> None:
        """Put the table built beside in the place of the stored one; inside a transaction."""

    @abstractmethod
    def _typed(self, column: Column) -> str:
        """Return the column as an expression of its stored type."""

    @abstractmethod
    def _put_view(self, table: Table, select: str) -> None:
        """Put a view in the place of whatever has the table's name; inside a transaction."""

    def load(self, table: Table, rows: pa.Table | Path) -> int:
        """See `Session.load`."""
        written = 0
        batches = row_tools.ndjson_batches(table, rows) if isinstance(rows, Path) else iter([rows])
        with self.transaction():
            for batch in batches:
                conforming = row_tools.conform(table, batch)
                row_tools.refuse_doubles(table, conforming)
                self._append(table, conforming)
                written += conforming.num_rows
        return written

    def replace_partition(self, table: Table, rows: pa.Table, *, column: str, start: object, end: object) -> int:
        """See `Session.replace_partition`."""
        conforming = row_tools.conform(table, rows)
        kind = table.column(column).type.arrow
        low, high = pa.scalar(start).cast(kind), pa.scalar(end).cast(kind)
        inside = pc.and_(pc.greater_equal(conforming[column], low), pc.less(conforming[column], high))
        outside = conforming.num_rows - (pc.sum(inside).as_py() or 0)
        if outside:
            raise RowsRefused(f"{table.schema}.{table.name}: {outside} rows outside {start} <= {column} < {end}")
        kept = row_tools.deduplicate(conforming, table.key) if table.key else conforming
        with self.transaction():
            name = quote(column)
            self.execute(f"delete from {table.qualified} where {name} >= ? and {name} < ?", [start, end])
            self._append(table, kept)
        return int(kept.num_rows)

    def replace_matching(self, table: Table, rows: pa.Table, *, match: pa.Table) -> int:
        """See `Session.replace_matching`."""
        conforming = row_tools.conform(table, rows)
        kept = row_tools.deduplicate(conforming, table.key) if table.key else conforming
        matched = set(match.column_names)
        partial = Table(table.schema, table.name, tuple(c for c in table.columns if c.name in matched))
        wanted = row_tools.conform(partial, match)
        if not wanted.column_names:
            raise RowsRefused(f"{table.schema}.{table.name}: nothing to match by")
        with self.transaction():
            with self._staged(partial, wanted) as stage:
                self.execute(f"delete from {table.qualified} as t where {_matching(wanted, stage)}")
            self._append(table, kept)
        return int(kept.num_rows)

    def create_from_select(self, table: Table, select: str, *, verify: Verify = row_count) -> int:
        """See `Session.create_from_select`."""
        select = select.strip().rstrip(";")
        beside = f"{quote(table.schema)}.{quote(BESIDE_PREFIX + table.name)}"
        with self.transaction():
            self._reserve(table)
            self.execute(f"create schema if not exists {quote(table.schema)}")
            self.execute(f"drop table if exists {beside}")
            self._fill(table, select, beside)
            self._refuse_bad_keys(table, beside)
            count = verify(self, beside)
            self._swap(table, beside)
        return count

    def create_view(self, table: Table, select: str, *, verify: Verify = row_count) -> int:
        """See `Session.create_view`."""
        select = select.strip().rstrip(";")
        with self.transaction():
            self._reserve(table)
            self.execute(f"create schema if not exists {quote(table.schema)}")
            self._refuse_other_columns(table, select)
            typed = f"select {', '.join(map(self._typed, table.columns))} from (\n{select}\n) as built"
            count = verify(self, f"({typed})")
            self._put_view(table, typed)
        return count

    def _may_repeat(self, beside: str, names: str) -> bool:
        """Say whether two rows may have the same values in columns; an engine that can rule it out cheaply does."""
        return True

    def _fill(self, table: Table, select: str, beside: str) -> None:
        # The select starts and ends on its own line, so that a comment at its end does not swallow the bracket.
        if not table.columns:
            self.execute(f"create table {beside} as\n{select}\n")
            return
        self._refuse_other_columns(table, select)
        self._create(table, beside)
        names = ", ".join(quote(name) for name in table.column_names)
        self.execute(f"insert into {beside} ({names}) select {names} from (\n{select}\n) as built")

    def _refuse_other_columns(self, table: Table, select: str) -> None:
        output = self._output(select)
        if len(set(output)) < len(output) or set(output) != set(table.column_names):
            missing = sorted(set(table.column_names) - set(output))
            extra = sorted(set(output) - set(table.column_names))
            raise QueryRefused(f"{table.schema}.{table.name}: the select lacks {missing} and adds {extra}")

    def _refuse_bad_keys(self, table: Table, beside: str) -> None:
        if not table.key:
            return
        names = ", ".join(quote(name) for name in table.key)
        empty = " or ".join(f"{quote(name)} is null" for name in table.key)
        if self.query(f"select 1 as bad from {beside} where {empty} limit 1").num_rows:
            raise DuplicateKey(f"{table.schema}.{table.name}: null in the key ({', '.join(table.key)})")
        if not self._may_repeat(beside, names):
            return
        twice = f"select {names} from {beside} group by {names} having count(*) > 1 limit 1"
        if found := self.query(twice).to_pylist():
            raise DuplicateKey(f"{table.schema}.{table.name}: more than one row with key {found[0]}")


def _matching(wanted: pa.Table, stage: str) -> str:
    """Return the condition on `t` that a row of the stage has its values.

    The range of whole numbers is said beside it: DuckDB then passes over the parts of a table that lie outside, also
    where it would read a table that is smaller than the stage from end to end.
    """
    pairs: list[str] = []
    ranges: list[str] = []
    for name in wanted.column_names:
        column, values = quote(name), wanted[name]
        if values.null_count:
            pairs.append(f"t.{column} is not distinct from m.{column}")
            continue
        pairs.append(f"t.{column} = m.{column}")
        if pa.types.is_integer(values.type) and len(values):
            bounds = pc.min_max(values).as_py()
            ranges.append(f"t.{column} between {bounds['min']} and {bounds['max']}")
    return " and ".join([*ranges, f"exists (select 1 from {stage} as m where {' and '.join(pairs)})"])
