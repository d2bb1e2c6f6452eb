"""A session on a PostgreSQL connection: queries to Arrow, table definitions, upserts through a staging table.

`warehouse/postgres.py` opens the connection and hands out these; nothing else makes one.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import psycopg
import pyarrow as pa

from hubspot_platform.warehouse import rows as row_tools
from hubspot_platform.warehouse.errors import (
    DuplicateKey,
    QueryRefused,
    RowsRefused,
    WarehouseError,
    WarehouseLocked,
    WarehouseUnavailable,
)
from hubspot_platform.warehouse.model import Column, Index, LogicalType, MergeCounts, Table
from hubspot_platform.warehouse.postgres_arrow import bind, copy_in, copy_out, describe
from hubspot_platform.warehouse.postgres_swap import put_view, swap
from hubspot_platform.warehouse.session import IDENTITY_TABLE, SYNCED, BaseSession

SQL_TYPES: dict[LogicalType, str] = {
    LogicalType.TEXT: "text",
    LogicalType.INT: "bigint",
    LogicalType.DECIMAL: "numeric(38,10)",
    LogicalType.MONEY: "numeric(18,4)",
    LogicalType.EXACT: "numeric(38,26)",
    LogicalType.DOUBLE: "double precision",
    LogicalType.TIMESTAMP: "timestamp with time zone",
    LogicalType.DATE: "date",
    LogicalType.BOOL: "boolean",
    LogicalType.JSON: "jsonb",
}
_LOGICAL = {sql: logical for logical, sql in SQL_TYPES.items()} | {
    "integer": LogicalType.INT,
    "smallint": LogicalType.INT,
    "real": LogicalType.DOUBLE,
    "json": LogicalType.JSON,
    "timestamp without time zone": LogicalType.TIMESTAMP,
}
_NAME_BYTES = 63
_INDEX_METHODS = {LogicalType.TEXT: "hash", LogicalType.JSON: "gin"}
_STAGE = '"__stage"'
_WAIT = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)


def stored_name(name: str) -> str:
    """Return the name as PostgreSQL keeps it: cut to 63 bytes, as it also cuts the names in a query."""
    return name.encode()[:_NAME_BYTES].decode(errors="ignore")


def quoted(name: str) -> str:
    """Return the stored name quoted for SQL."""
    return '"' + stored_name(name).replace('"', '""') + '"'


def translate(error: psycopg.Error, refused: type[WarehouseError] = QueryRefused) -> WarehouseError:
    """Return the platform's error for one of psycopg's; `refused` is the one for a statement that will not run."""
    text = (error.diag.message_primary or str(error)).strip()
    if isinstance(error, _WAIT):
        return WarehouseLocked(f"another session has the table: {text}; nothing was written", mend="try again")
    if isinstance(error, psycopg.errors.UniqueViolation):
        return DuplicateKey(f"{text} ({error.diag.table_name or 'unknown table'})")
    if isinstance(error, psycopg.IntegrityError):
        return RowsRefused(text)
    if isinstance(error, psycopg.errors.ProgramLimitExceeded):
        return RowsRefused(
            f"a row does not fit into PostgreSQL's page: {text}",
            mend="use DuckDB for a portal whose records fill hundreds of text properties, or archive unused properties",
        )
    if isinstance(error, psycopg.OperationalError) and not isinstance(error, psycopg.errors.QueryCanceled):
        return WarehouseUnavailable(f"PostgreSQL is not available: {text}", mend="check the server, then try again")
    return refused(text)


class PostgresSession(BaseSession):
    """See `Session`. `collation` is the code-point collation that text columns get, as DuckDB compares text."""

    dialect: Literal["duckdb", "postgres"] = "postgres"

    def __init__(self, connection: psycopg.Connection, collation: str = "C") -> None:
        self._connection = connection
        self._collation = collation

    @contextmanager
    def _translated(self, refused: type[WarehouseError] = QueryRefused) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise translate(error, refused) from error

    def query(self, sql: str, params: Sequence[object] = ()) -> pa.Table:
        """See `Session.query`."""
        with self._translated():
            return copy_out(self._connection, bind(self._connection, sql.strip().rstrip(";"), params))

    def execute(self, sql: str, params: Sequence[object] = ()) -> None:
        """See `Session.execute`."""
        with self._translated():
            self._connection.execute(bind(self._connection, sql, params).encode())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `Session.transaction`."""
        if self._connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            yield
            return
        with self._translated(), self._connection.transaction():
            yield

    def identity(self) -> str:
        """See `Session.identity`."""
        return self._platform("id") or ""

    def functions_version(self) -> str | None:
        """Return the version of the installed helper functions; None in a database that has no identity yet."""
        return self._platform("functions")

    def _platform(self, column: str) -> str | None:
        if not self.columns("_platform.identity"):
            return None
        with self._translated():
            found = self._connection.execute(f"select {column} from {IDENTITY_TABLE}".encode()).fetchone()
        return str(found[0]) if found else None

    def lock_name(self, name: str) -> None:
        """Let no other session of the platform into work of this name until the transaction ends."""
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        with self._translated():
            self._connection.execute("select pg_advisory_xact_lock(%s)", [number])

    def columns(self, table: Table | str) -> dict[str, LogicalType]:
        """See `Session.columns`."""
        schema, name = (table.schema, table.name) if isinstance(table, Table) else table.split(".", 1)
        with self._translated():
            # By the catalogue's rows: to_regclass() may answer from what it knew before a wait for lock_name().
            found = self._connection.execute(
                "select a.attname, format_type(a.atttypid, a.atttypmod) from pg_catalog.pg_attribute a "
                "join pg_catalog.pg_class c on c.oid = a.attrelid "
                "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
                "where n.nspname = %s and c.relname = %s and a.attnum > 0 and not a.attisdropped order by a.attnum",
                [stored_name(schema), stored_name(name)],
            ).fetchall()
        return {column: logical_type(kind) for column, kind in found}

    def ensure(self, table: Table) -> list[Column]:
        """See `Session.ensure`."""
        self._refuse_cut_names(table)
        if not self._missing(table, self.columns(table)) and not self._unindexed(table):
            return []
        with self.transaction():
            self.lock_name("ddl")
            stored = self.columns(table)
            missing = self._missing(table, stored)
            if not stored:
                self.execute(f"create schema if not exists {quoted(table.schema)}")
                self._create(table, table.qualified)
                self._add_key(table, table.qualified)
            elif missing:
                added = ", ".join(f"add column {quoted(c.name)} {self._sql_type(c)}" for c in missing)
                self.execute(f"alter table {table.qualified} {added}")
            self._add_indexes(table)
        return missing

    def _unindexed(self, table: Table) -> list[Index]:
        if not table.indexes:
            return []
        with self._translated():
            found = self._connection.execute(
                "select indexname from pg_catalog.pg_indexes where schemaname = %s and tablename = %s",
                [stored_name(table.schema), stored_name(table.name)],
            ).fetchall()
        there = {row[0] for row in found}
        return [index for index in table.indexes if stored_name(index.name) not in there]

    def _add_indexes(self, table: Table) -> None:
        stored = self.columns(table)
        for index in self._unindexed(table):
            # A b-tree refuses texts of more than 2,700 bytes and would fail the sync that brings one; a hash takes all.
            method = _INDEX_METHODS.get(stored[stored_name(index.column)], "btree")
            self.execute(
                f"create index {quoted(index.name)} on {table.qualified} using {method} ({quoted(index.column)})"
            )

    def _missing(self, table: Table, stored: dict[str, LogicalType]) -> list[Column]:
        return [column for column in table.columns if stored_name(column.name) not in stored]

    def _refuse_cut_names(self, table: Table) -> None:
        seen: dict[str, str] = {}
        for name in table.column_names:
            other = seen.setdefault(stored_name(name), name)
            if other != name:
                raise RowsRefused(
                    f"{table.schema}.{table.name}: {other} and {name} are one name in PostgreSQL, which keeps 63 bytes"
                )

    def merge(
        self, table: Table, rows: pa.Table, *, newer_by: str | None = None, content: str | None = None
    ) -> MergeCounts:
        """See `Session.merge`."""
        if not table.key:
            raise RowsRefused(f"{table.schema}.{table.name} has no key to merge by")
        conforming = row_tools.conform(table, rows)
        distinct = row_tools.deduplicate(conforming, table.key, newer_by)
        dropped = MergeCounts(deduplicated=conforming.num_rows - distinct.num_rows)
        if not distinct.num_rows:
            return dropped
        self._refuse_unstored(table, distinct)
        newer_by = newer_by if newer_by in distinct.column_names else None
        with self.transaction():
            self.lock_name(table.qualified)  # rows locked in different orders by two merges would be a deadlock
            with self._staged(table, distinct) as stage, self._translated(RowsRefused):
                same = 0
                if content is not None and content in distinct.column_names:
                    same = self._take_unchanged(table, distinct, newer_by=newer_by, content=content)
                inserted, updated = self._upsert(table, distinct, stage, newer_by=newer_by)
        stale = distinct.num_rows - same - inserted - updated
        return dropped + MergeCounts(inserted=inserted, updated=updated, unchanged=same, stale=stale)

    def _refuse_unstored(self, table: Table, rows: pa.Table) -> None:
        stored = self.columns(table)
        absent = [name for name in rows.column_names if stored_name(name) not in stored]
        if absent:
            raise RowsRefused(
                f"{table.schema}.{table.name} does not have {', '.join(absent)}", mend="call ensure() first"
            )

    def _take_unchanged(self, table: Table, rows: pa.Table, *, newer_by: str | None, content: str) -> int:
        """Remove the rows that say nothing new from the stage, move their sync time, and return how many."""
        pairs = [f"t.{quoted(name)} = s.{quoted(name)}" for name in table.key]
        pairs += [f"t.{quoted(name)} is not distinct from s.{quoted(name)}" for name in (newer_by, content) if name]
        condition = " and ".join(pairs)
        if SYNCED in rows.column_names:
            self._connection.execute(
                f"update {table.qualified} as t set {quoted(SYNCED)} = s.{quoted(SYNCED)} "
                f"from {_STAGE} as s where {condition}".encode()
            )
        return self._connection.execute(
            f"delete from {_STAGE} as s using {table.qualified} as t where {condition}".encode()
        ).rowcount

    def _upsert(self, table: Table, rows: pa.Table, stage: str, *, newer_by: str | None) -> tuple[int, int]:
        names = ", ".join(quoted(name) for name in rows.column_names)
        keys = ", ".join(quoted(name) for name in table.key)
        others = [name for name in rows.column_names if name not in table.key] or [table.key[0]]
        sets = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in others)
        guard = ""
        if newer_by:
            newer = quoted(newer_by)
            guard = f"where t.{newer} is null or excluded.{newer} is null or excluded.{newer} >= t.{newer}"
        found = self._connection.execute(
            f"with done as (insert into {table.qualified} as t ({names}) select {names} from {stage} "
            f"on conflict ({keys}) do update set {sets} {guard} returning (t.xmax = 0) as fresh) "
            "select count(*) filter (where fresh), count(*) filter (where not fresh) from done".encode()
        ).fetchone()
        return (int(found[0]), int(found[1])) if found else (0, 0)

    @contextmanager
    def _staged(self, table: Table, rows: pa.Table) -> Iterator[str]:
        names = ", ".join(quoted(name) for name in rows.column_names)
        with self._translated(RowsRefused):
            # Typed as what is stored, which may differ from the spec: ensure() never changes a type.
            self._connection.execute(
                f"drop table if exists pg_temp.{_STAGE}; "
                f"create temp table {_STAGE} as select {names} from {table.qualified} limit 0".encode()
            )
            copy_in(self._connection, f"pg_temp.{_STAGE}", [stored_name(n) for n in rows.column_names], rows)
        yield f"pg_temp.{_STAGE}"
        with self._translated():
            self._connection.execute(f"drop table pg_temp.{_STAGE}".encode())

    def _append(self, table: Table, rows: pa.Table) -> None:
        with self._translated(RowsRefused):
            copy_in(self._connection, table.qualified, [stored_name(n) for n in rows.column_names], rows)

    def _output(self, select: str) -> list[str]:
        with self._translated():
            return [column.name for column in describe(self._connection, select)]

    def _reserve(self, table: Table) -> None:
        self.lock_name(table.qualified)

    def _sql_type(self, column: Column) -> str:
        return SQL_TYPES[column.type] + self._collate(column)

    def _collate(self, column: Column) -> str:
        return f' collate "{self._collation}"' if column.type is LogicalType.TEXT else ""

    def _create(self, table: Table, name: str) -> None:
        columns = ", ".join(
            f"{quoted(c.name)} {self._sql_type(c)}{' not null' if c.name in table.key or not c.nullable else ''}"
            for c in table.columns
        )
        self.execute(f"create table {name} ({columns})")

    def _add_key(self, table: Table, name: str) -> None:
        if table.key:
            self.execute(f"alter table {name} add primary key ({', '.join(quoted(k) for k in table.key)})")

    def _fill(self, table: Table, select: str, beside: str) -> None:
        # A select joins steps of its own, of which the planner knows nothing: it takes them for a few rows and loops.
        self.execute("set local enable_nestloop = off")
        super()._fill(table, select, beside)
        self.execute("set local enable_nestloop = on")

    def _swap(self, table: Table, beside: str) -> None:
        self._add_key(table, beside)
        with self._translated():
            self._connection.execute(f"analyze {beside}".encode())
            declared = frozenset(stored_name(index.name) for index in table.indexes)
            swap(self._connection, stored_name(table.schema), stored_name(table.name), beside, declared=declared)
        self._add_indexes(table)

    def _typed(self, column: Column) -> str:
        name = quoted(column.name)
        return f"cast({name} as {SQL_TYPES[column.type]}){self._collate(column)} as {name}"

    def _put_view(self, table: Table, select: str) -> None:
        with self._translated():
            put_view(self._connection, stored_name(table.schema), stored_name(table.name), select)


def logical_type(sql_type: str) -> LogicalType:
    """Return the logical type of a PostgreSQL type; one that no table of ours declares reads as the nearest."""
    if sql_type in _LOGICAL:
        return _LOGICAL[sql_type]
    return LogicalType.DECIMAL if sql_type.startswith("numeric") else LogicalType.TEXT
