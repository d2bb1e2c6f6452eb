"""A session on an open DuckDB connection: queries to Arrow, table definitions, upserts by stage, delete and insert.

`warehouse/duckdb.py` opens the file and hands out these; nothing else makes one. Tables carry no PRIMARY KEY here. An
index would have to be read and kept in step at every short open, it refuses a key that is deleted and inserted in one
transaction, and it stops checkpoints from reclaiming the space of deleted rows. One writer at a time and `merge`,
which deletes whatever has an incoming key before it inserts, keep keys unique instead; `load` and the replacements
check.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Literal

import duckdb
import pyarrow as pa

from hubspot_platform.warehouse import rows as row_tools
from hubspot_platform.warehouse.duckdb_merge import merge
from hubspot_platform.warehouse.errors import (
    DuplicateKey,
    QueryRefused,
    RowsRefused,
    WarehouseError,
    WarehouseUnavailable,
    WarehouseUnreadable,
)
from hubspot_platform.warehouse.model import Column, LogicalType, MergeCounts, Table, quote
from hubspot_platform.warehouse.protocol import Verify, row_count
from hubspot_platform.warehouse.session import IDENTITY_TABLE, BaseSession

SQL_TYPES: dict[LogicalType, str] = {
    LogicalType.TEXT: "VARCHAR",
    LogicalType.INT: "BIGINT",
    LogicalType.DECIMAL: "DECIMAL(38,10)",
    LogicalType.MONEY: "DECIMAL(18,4)",
    LogicalType.EXACT: "DECIMAL(38,26)",
    LogicalType.DOUBLE: "DOUBLE",
    LogicalType.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
    LogicalType.DATE: "DATE",
    LogicalType.BOOL: "BOOLEAN",
    LogicalType.JSON: "JSON",
}
_LOGICAL = {sql: logical for logical, sql in SQL_TYPES.items()}
# A merge of some thousand rows gains nothing from more threads and pays for waking them; building a table does gain.
WRITER_THREADS = 1
_DAMAGE = ("not a valid DuckDB database", "Could not read enough bytes", "checksum", "Corrupt")
REBUILD = (
    "restore the file from a backup or remove it, then run `hubspot-platform sync all --full` to read everything again"
)


def translate(error: duckdb.Error, refused: type[WarehouseError] = QueryRefused) -> WarehouseError:
    """Return the platform's error for one of DuckDB's; `refused` is the one for a statement DuckDB will not run."""
    text = str(error)
    about_files = isinstance(error, duckdb.IOException) or type(error) is duckdb.Error
    damaged = about_files and any(sign in text for sign in _DAMAGE)
    if damaged or isinstance(error, duckdb.SerializationException):
        return WarehouseUnreadable(f"the warehouse file is damaged or is no warehouse: {text}", mend=REBUILD)
    if isinstance(error, duckdb.OutOfMemoryException):
        return WarehouseUnavailable(f"DuckDB ran out of memory: {text}", mend="raise the warehouse's memory limit")
    gave_up = isinstance(error, duckdb.FatalException | duckdb.InternalException)
    if gave_up or (isinstance(error, duckdb.IOException) and "No files found" not in text):
        return WarehouseUnavailable(f"DuckDB could not read or write: {text}", mend="check the disk, then try again")
    return RowsRefused(text) if isinstance(error, duckdb.ConstraintException) else refused(text)


def logical_type(sql_type: str) -> LogicalType:
    """Return the logical type of a DuckDB type; one that no table of ours declares reads as the nearest."""
    if sql_type in _LOGICAL:
        return _LOGICAL[sql_type]
    if sql_type.startswith("DECIMAL") or sql_type in {"HUGEINT", "UHUGEINT"}:
        return LogicalType.DECIMAL
    if "INT" in sql_type and not sql_type.endswith("]") and sql_type != "INTERVAL":
        return LogicalType.INT
    return {"FLOAT": LogicalType.DOUBLE, "TIMESTAMP": LogicalType.TIMESTAMP}.get(sql_type, LogicalType.TEXT)


class DuckDbSession(BaseSession):
    """See `Session`. `read_only` sessions are on the published copy."""

    dialect: Literal["duckdb", "postgres"] = "duckdb"

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, threads: int) -> None:
        self._connection = connection
        self._threads = threads
        self._in_transaction = False

    def query(self, sql: str, params: Sequence[object] = ()) -> pa.Table:
        """See `Session.query`."""
        try:
            relation = self._connection.sql(sql, params=list(params) or None)
            if relation is None:  # a statement without rows
                return pa.table({})
            types = [str(kind) for kind in relation.types]
            result = relation.to_arrow_table()
        except duckdb.Error as error:
            raise translate(error) from error
        columns = [
            row_tools.tidy(result.column(i), is_json=kind == "JSON", is_huge=kind == "HUGEINT")
            for i, kind in enumerate(types)
        ]
        return pa.Table.from_arrays(columns, names=result.column_names)

    def execute(self, sql: str, params: Sequence[object] = ()) -> None:
        """See `Session.execute`."""
        try:
            # Fetched to the end: an unfinished result would refuse the connection's next statement.
            self._connection.execute(sql, list(params) or None).fetchall()
        except duckdb.Error as error:
            raise translate(error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `Session.transaction`."""
        if self._in_transaction:
            yield
            return
        self.execute("begin transaction")
        self._in_transaction = True
        try:
            yield
            self.execute("commit")
        except BaseException:
            self.abandon()
            raise
        finally:
            self._in_transaction = False

    def abandon(self) -> None:
        """Roll back what is open; a connection that cannot is closed by its owner, which undoes it as well."""
        try:
            self._connection.execute("rollback")
        except duckdb.Error:  # a failed commit has rolled back by itself
            return

    def identity(self) -> str:
        """See `Session.identity`."""
        return str(self._platform("id") or "")

    def functions_version(self) -> str | None:
        """Return the version of the installed helper functions; None in a file that has no identity yet."""
        return self._platform("functions")

    def _platform(self, column: str) -> str | None:
        try:
            found = self._connection.execute(f"select {column} from {IDENTITY_TABLE}").fetchall()
        except duckdb.CatalogException:
            return None
        except duckdb.Error as error:
            raise translate(error) from error
        return str(found[0][0]) if found else None

    def columns(self, table: Table | str) -> dict[str, LogicalType]:
        """See `Session.columns`."""
        name = table.qualified if isinstance(table, Table) else ".".join(map(quote, table.split(".", 1)))
        try:
            relation = self._connection.sql(f"select * from {name} limit 0")
        except duckdb.CatalogException:
            return {}
        except duckdb.Error as error:
            raise translate(error) from error
        return {column: logical_type(str(kind)) for column, kind in zip(relation.columns, relation.types, strict=True)}

    def ensure(self, table: Table) -> list[Column]:
        """See `Session.ensure`."""
        stored = {name.lower() for name in self.columns(table)}
        missing = [column for column in table.columns if column.name.lower() not in stored]
        if not missing:
            return []
        with self.transaction():
            if stored:
                for column in missing:
                    self.execute(
                        f"alter table {table.qualified} add column {quote(column.name)} {SQL_TYPES[column.type]}"
                    )
            else:
                self.execute(f"create schema if not exists {quote(table.schema)}")
                self._create(table, table.qualified)
        return missing

    def merge(
        self, table: Table, rows: pa.Table, *, newer_by: str | None = None, content: str | None = None
    ) -> MergeCounts:
        """See `Session.merge`."""
        if not table.key:
            raise RowsRefused(f"{table.schema}.{table.name} has no key to merge by")
        conforming = row_tools.conform(table, rows, keep_parsed_json=True)
        distinct = row_tools.deduplicate(conforming, table.key, newer_by)
        dropped = MergeCounts(deduplicated=conforming.num_rows - distinct.num_rows)
        if not distinct.num_rows:
            return dropped
        stored = list(self.columns(table))
        self._refuse_unstored(table, distinct, stored)
        with self.transaction():
            try:
                return dropped + merge(
                    self._connection, table, distinct, stored=stored, newer_by=newer_by, content=content
                )
            except duckdb.Error as error:
                raise translate(error, RowsRefused) from error

    def _refuse_unstored(self, table: Table, rows: pa.Table, stored: list[str]) -> None:
        known = set(stored)
        absent = [name for name in rows.column_names if name not in known]
        if absent:
            raise RowsRefused(
                f"{table.schema}.{table.name} does not have {', '.join(absent)}", mend="call ensure() first"
            )

    @contextmanager
    def _staged(self, table: Table, rows: pa.Table) -> Iterator[str]:
        name = f"__stage_{uuid.uuid4().hex}"
        self._connection.register(name, rows)
        try:
            yield quote(name)
        finally:
            self._connection.unregister(name)

    def _append(self, table: Table, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        names = ", ".join(quote(name) for name in rows.column_names)
        with self._staged(table, rows) as stage:
            if table.key:
                pairs = " and ".join(f"t.{quote(name)} = s.{quote(name)}" for name in table.key)
                clash = f"select 1 as bad from {stage} as s join {table.qualified} as t on {pairs} limit 1"
                if self.query(clash).num_rows:
                    raise DuplicateKey(f"{table.schema}.{table.name}: a row with one of these keys is stored already")
            try:
                self._connection.execute(f"insert into {table.qualified} ({names}) select {names} from {stage}")
            except duckdb.Error as error:
                raise translate(error, RowsRefused) from error

    def _output(self, select: str) -> list[str]:
        try:
            relation = self._connection.sql(select)
        except duckdb.Error as error:
            raise translate(error) from error
        if relation is None:
            raise QueryRefused("this is no select")
        return list(relation.columns)

    def create_from_select(self, table: Table, select: str, *, verify: Verify = row_count) -> int:
        """See `Session.create_from_select`."""
        with self._all_threads():
            return super().create_from_select(table, select, verify=verify)

    def create_view(self, table: Table, select: str, *, verify: Verify = row_count) -> int:
        """See `Session.create_view`."""
        with self._all_threads():
            return super().create_view(table, select, verify=verify)

    @contextmanager
    def _all_threads(self) -> Iterator[None]:
        self.execute(f"set global threads = {self._threads}")
        try:
            yield
        finally:
            with suppress(duckdb.Error):  # in a transaction that failed; the next session sets it right
                self._connection.execute(f"set global threads = {WRITER_THREADS}")

    def _may_repeat(self, beside: str, names: str) -> bool:
        # Equal values have equal hashes, and counting those takes less than half the time of grouping long texts.
        fewer = self.query(f"select count(distinct hash({names})) < count(*) as fewer from {beside}")
        return bool(fewer["fewer"][0].as_py())

    def _create(self, table: Table, name: str) -> None:
        columns = ", ".join(
            f"{quote(c.name)} {SQL_TYPES[c.type]}{' not null' if c.name in table.key or not c.nullable else ''}"
            f"{' using compression zstd' if c.name in table.identifiers else ''}"
            for c in table.columns
        )
        self.execute(f"create table {name} ({columns})")

    def _reserve(self, table: Table) -> None:
        """There is one writer at a time."""

    def _swap(self, table: Table, beside: str) -> None:
        self._drop(table)
        self.execute(f"alter table {beside} rename to {quote(table.name)}")

    def _typed(self, column: Column) -> str:
        return f"cast({quote(column.name)} as {SQL_TYPES[column.type]}) as {quote(column.name)}"

    def _put_view(self, table: Table, select: str) -> None:
        self._drop(table)
        self.execute(f"create view {table.qualified} as {select}")

    def _drop(self, table: Table) -> None:
        views = "select 1 as found from duckdb_views() where schema_name = ? and view_name = ?"
        kind = "view" if self.query(views, [table.schema, table.name]).num_rows else "table"
        self.execute(f"drop {kind} if exists {table.qualified}")
