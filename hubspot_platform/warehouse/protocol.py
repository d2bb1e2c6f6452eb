"""What every warehouse engine offers, and all that the rest of the platform may ask of one.

`mirror/`, `assets/`, `checks/` and the command line are written against `Warehouse` and `Session`; DuckDB and
PostgreSQL implement them with the same outcome, which one contract test suite proves for both.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa

from hubspot_platform.warehouse.model import Column, LogicalType, MergeCounts, Table


class Session(Protocol):
    """A short piece of work on an open warehouse. Statements commit one by one unless grouped by `transaction`."""

    @property
    def dialect(self) -> Literal["duckdb", "postgres"]:
        """The engine behind the session."""

    def query(self, sql: str, params: Sequence[object] = ()) -> pa.Table:
        """Return the rows of a query as Arrow; parameters are `?` on every engine.

        Integers come back as int64, timestamps with a zone in UTC microseconds, JSON as compact text with sorted
        keys, decimals in their declared precision and scale (decimal(38,10) where an expression declares none).
        """

    def execute(self, sql: str, params: Sequence[object] = ()) -> None:
        """Run one statement for its effect."""

    def transaction(self) -> AbstractContextManager[None]:
        """Group statements into one transaction, rolled back when the block raises; an inner one joins the outer."""

    def identity(self) -> str:
        """Return the uuid stored inside the open warehouse ("" in a warehouse that is read and never was written)."""

    def columns(self, table: Table | str) -> dict[str, LogicalType]:
        """Return the stored columns in order; {} when there is no such table. A name is `schema.table`."""

    def ensure(self, table: Table) -> list[Column]:
        """Create schema and table or add the missing columns, and return the columns added.

        Never changes the type of a column that is there and never drops one.
        """

    def load(self, table: Table, rows: pa.Table | Path) -> int:
        """Append Arrow rows or an NDJSON file and return how many; raises RowsRefused, DuplicateKey."""

    def merge(
        self, table: Table, rows: pa.Table, *, newer_by: str | None = None, content: str | None = None
    ) -> MergeCounts:
        """Upsert rows by the table's key in one transaction.

        Rows of one key in `rows`: the newest by `newer_by` stays (null is oldest; equal: the last). A stored row is
        replaced when `newer_by` is null on either side or the incoming value is not older; else the row is stale. A
        row whose `newer_by` and `content` both equal the stored ones is unchanged: only `_fivetran_synced` moves.
        Columns that `rows` lacks keep the stored value, and are null in new rows. Raises RowsRefused.
        """

    def replace_partition(self, table: Table, rows: pa.Table, *, column: str, start: object, end: object) -> int:
        """Replace the stored rows with `start <= column < end` by `rows` in one transaction; returns rows written.

        Raises RowsRefused when a row lies outside the range. Rows of one key: the last stays.
        """

    def replace_matching(self, table: Table, rows: pa.Table, *, match: pa.Table) -> int:
        """Replace the stored rows that equal a row of `match` in all its columns by `rows`, in one transaction.

        Returns the rows written. Rows of one key: the last stays.
        """

    def create_from_select(self, table: Table, select: str, *, verify: "Verify" = ...) -> int:
        """Build the table beside the stored one, let `verify(session, beside)` refuse it by raising, and swap.

        The select's output has exactly the table's columns, in any order; a table without columns takes them from
        the select. Key columns are checked to be unique and never null (DuplicateKey). Returns the row count.
        """

    def create_view(self, table: Table, select: str, *, verify: "Verify" = ...) -> int:
        """Make the select a view under the table's name, its columns typed as the table's; returns the row count.

        `verify(session, relation)` may refuse it by raising; the old view or table of that name then stays, else it
        goes. The key is not checked: verify looks at the rows of today, a view also shows those of tomorrow.
        """


Verify = Callable[[Session, str], int]
"""Looks at the new rows of a table before they are shown: raises to refuse them, else returns how many there are."""


def row_count(session: Session, relation: str) -> int:
    """Count rows without refusing any."""
    return int(session.query(f"select count(*) as rows from {relation} as counted")["rows"][0].as_py())


class Warehouse(Protocol):
    """One warehouse by its URL. Values of this type hold no open connection and may be shared by threads."""

    @property
    def dialect(self) -> Literal["duckdb", "postgres"]:
        """The engine behind the URL."""

    def writer(self) -> AbstractContextManager[Session]:
        """Open for writing, briefly: DuckDB has one writer at a time. Raises WarehouseLocked, WarehouseUnreadable."""

    def reader(self) -> AbstractContextManager[Session]:
        """Open a consistent state for reading: DuckDB's published copy, a PostgreSQL snapshot. Never blocks a writer.

        Raises NothingPublished when there is nothing to read yet.
        """

    def publish(self) -> bool:
        """Let readers see what was written; False when they do already. Raises NothingPublished, WarehouseLocked."""

    def publish_soon(self) -> None:
        """Publish now or, when that was done a moment ago, with the next `settle` or before this process's next reader.

        For work that writes one table after another; whoever calls it sees to it that `settle` follows.
        """

    def settle(self) -> None:
        """Publish what `publish_soon` put off."""

    def identity(self) -> str:
        """Return the warehouse's uuid, made when it is first opened. Another file or database has another."""

    def compact(self) -> None:
        """Reclaim the space of replaced rows; for the nightly maintenance, not after every sync."""
