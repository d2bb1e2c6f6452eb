"""The PostgreSQL warehouse: every session is a connection of its own, readers see one snapshot.

`open_warehouse` makes it from a `postgresql://` URL. Writers do not exclude each other here; work that must not
overlap (table definitions, merges into one table) takes advisory locks inside its transaction.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import psycopg
from pydantic import SecretStr

from hubspot_platform.warehouse import functions
from hubspot_platform.warehouse.errors import NothingPublished
from hubspot_platform.warehouse.lock import WAIT_SECONDS
from hubspot_platform.warehouse.postgres_session import PostgresSession, translate
from hubspot_platform.warehouse.session import IDENTITY_TABLE

_CONNECT_SECONDS = 10
# Functions that yield rows are guessed to yield many, so the server compiled small queries for tens of seconds: no JIT.
_SETTINGS = (
    "set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set client_encoding = 'UTF8'; set extra_float_digits = 1; "
    "set standard_conforming_strings = on; set jit = off; set search_path = _platform, public; set lock_timeout = "
)
# Text in code-point order, as DuckDB has it, with Unicode-aware lower() where the server offers that.
_COLLATIONS = ("pg_c_utf8", "C.utf8", "C.UTF-8")
_FIND_COLLATION = """
select collname from pg_collation
where collname = any(%s) and collencoding in (-1, (select encoding from pg_database where datname = current_database()))
order by array_position(%s::text[], collname::text) limit 1"""


class PostgresWarehouse:
    """See `Warehouse`. Threads may share it; no connection outlives its session."""

    dialect: Literal["duckdb", "postgres"] = "postgres"

    def __init__(self, url: str, *, lock_wait: float = WAIT_SECONDS) -> None:
        self._url = SecretStr(url)
        self._lock_wait = lock_wait
        self._collation: str | None = None

    @contextmanager
    def writer(self) -> Iterator[PostgresSession]:
        """See `Warehouse.writer`."""
        with self._connected() as connection:
            if self._collation is None:
                self._collation = self._prepare(connection)
            yield PostgresSession(connection, self._collation)

    @contextmanager
    def reader(self) -> Iterator[PostgresSession]:
        """See `Warehouse.reader`."""
        with self._connected() as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            with connection.transaction():
                session = PostgresSession(connection)
                if not session.identity():
                    raise NothingPublished(
                        "there is nothing in this database yet", mend="run `hubspot-platform sync all`"
                    )
                yield session

    def publish_soon(self) -> None:
        """See `Warehouse.publish_soon`: there is nothing to do."""

    def settle(self) -> None:
        """See `Warehouse.settle`: there is nothing to do."""

    def publish(self) -> bool:
        """See `Warehouse.publish`: what is committed is visible already."""
        return False

    def compact(self) -> None:
        """See `Warehouse.compact`: the server's autovacuum does it."""

    def identity(self) -> str:
        """See `Warehouse.identity`."""
        with self.writer() as session:
            return session.identity()

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection]:
        try:
            connection = psycopg.connect(
                self._url.get_secret_value(), autocommit=True, connect_timeout=_CONNECT_SECONDS
            )
        except psycopg.Error as error:
            raise translate(error) from None  # the driver's traceback would show the URL
        try:
            connection.execute(f"{_SETTINGS}{int(self._lock_wait * 1000)}".encode())
            yield connection
        finally:
            connection.close()

    def _prepare(self, connection: psycopg.Connection) -> str:
        """Give a new database its identity, and any the current helper functions; return the collation of text."""
        session = PostgresSession(connection)
        if session.functions_version() != functions.VERSION:
            with session.transaction():
                session.lock_name("ddl")
                self._install(session)
        found = connection.execute(_FIND_COLLATION, [list(_COLLATIONS), list(_COLLATIONS)]).fetchone()
        return str(found[0]) if found else "C"

    def _install(self, session: PostgresSession) -> None:
        if session.functions_version() is None:
            session.execute("create schema if not exists _platform")
            session.execute(f"create table {IDENTITY_TABLE} (id text not null, functions text not null)")
            session.execute(f"insert into {IDENTITY_TABLE} values (?, '')", [str(uuid.uuid4())])
        for statement in functions.POSTGRES:
            session.execute(statement)
        session.execute(f"update {IDENTITY_TABLE} set functions = ?", [functions.VERSION])
