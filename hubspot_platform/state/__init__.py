"""Operational state: small, transactional, shared by every process of one installation.

`open_state` and `migrate` are the way in; `windows`, `leases`, `budget` and `usage` build on the store they
return.
"""

from hubspot_platform.clock import Clock, utc_now
from hubspot_platform.state.migration import migrate, pending_migrations
from hubspot_platform.state.store import Store, database_now
from hubspot_platform.urls import is_postgres

__all__ = ["Store", "database_now", "migrate", "open_state", "pending_migrations"]


def open_state(url: str, clock: Clock = utc_now) -> Store:
    """Open the store `sqlite:///PATH` or `postgresql://…` names; a SQLite file is created, tables are not.

    With the default clock the store keeps its own time (PostgreSQL's server, SQLite's host); another clock,
    for tests, rules on both. InvalidUrl, StateUnavailable.
    """
    if is_postgres(url):
        from hubspot_platform.state.postgres import PostgresStore

        return PostgresStore(url, clock)
    from hubspot_platform.state.sqlite import SqliteStore

    return SqliteStore(url, clock)
