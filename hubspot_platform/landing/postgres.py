"""A PostgreSQL database as a source; tables are found by the search path of the URL.

Each table is read by one COPY in a read-only transaction, so it is one consistent state and memory stays flat. Used
through `sources.open_source`.
"""

import io
from collections.abc import Generator

import psycopg

from hubspot_platform.landing.errors import SourceUnavailable, SourceUnreadable
from hubspot_platform.landing.files import read_csv
from hubspot_platform.landing.sources import Batch
from hubspot_platform.urls import postgres_url, without_password
from hubspot_platform.warehouse.model import quote

_SETTINGS = (
    "set client_encoding = 'UTF8'",
    "set timezone = 'UTC'",
    "set datestyle = 'ISO'",
    "set extra_float_digits = 1",
    "set default_transaction_read_only = on",
)
_CONNECT_SECONDS = 15
_BOOLEAN = 16  # PostgreSQL's type number of boolean


class PostgresSource:
    """See `Source`."""

    def __init__(self, url: str) -> None:
        self._url = postgres_url(url, "libpq")

    def place(self, table: str) -> str:
        """See `Source.place`."""
        return f"{without_password(self._url)} table {table}"

    def read(self, table: str) -> Generator[Batch, None, None] | None:
        """See `Source.read`."""
        connection = self._connect(table)
        try:
            found = connection.execute("select to_regclass(%s) is not null", [quote(table)]).fetchone()
        except psycopg.Error as error:
            connection.close()
            raise self._unreadable(table, error) from error
        if not found or not found[0]:
            connection.close()
            return None
        return self._rows(connection, table)

    def _connect(self, table: str) -> psycopg.Connection:
        try:
            connection = psycopg.connect(self._url, connect_timeout=_CONNECT_SECONDS, autocommit=True)
            for setting in _SETTINGS:
                connection.execute(setting)
        except psycopg.Error as error:
            problem = f"{self.place(table)}: no connection ({type(error).__name__})"
            raise SourceUnavailable(problem, mend="check the address, the password and the server") from error
        return connection

    def _rows(self, connection: psycopg.Connection, table: str) -> Generator[Batch, None, None]:
        try:
            with (
                connection,
                connection.cursor() as cursor,
                cursor.copy(_copy_out(cursor, table)) as copy,
                io.BufferedReader(_CopyStream(copy), 1 << 20) as stream,
            ):
                yield from read_csv(stream, self.place(table))
        except psycopg.Error as error:
            raise self._unreadable(table, error) from error

    def _unreadable(self, table: str, error: psycopg.Error) -> SourceUnreadable:
        return SourceUnreadable(f"{self.place(table)}: {type(error).__name__}", mend="grant the user select on it")


def _copy_out(cursor: psycopg.Cursor, table: str) -> str:
    """Return the COPY of a table; left alone it would write a boolean as t or f, which no other source does."""
    described = cursor.execute(f"select * from {quote(table)} limit 0").description or ()
    columns = ", ".join(
        f"cast({quote(column.name)} as text) as {quote(column.name)}"
        if column.type_code == _BOOLEAN
        else quote(column.name)
        for column in described
    )
    return f"copy (select {columns} from {quote(table)}) to stdout (format csv, header)"


class _CopyStream(io.RawIOBase):
    """The bytes of a COPY as a stream, for readers of files."""

    def __init__(self, copy: psycopg.Copy) -> None:
        self._blocks = iter(copy)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
