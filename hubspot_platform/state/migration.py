"""Bring the state's tables up to date, or say what is missing.

Every command calls `migrate` at its start, `doctor` calls `pending_migrations`. The migration tool itself is imported
only when there is something to do: it would be most of a command's start-up time.
"""

from pathlib import Path

import sqlalchemy as sa

from hubspot_platform.state.schema import OPS_SCHEMA
from hubspot_platform.state.store import Store

VERSIONS = Path(__file__).with_name("migrations") / "versions"


def migrate(store: Store) -> list[str]:
    """Upgrade to the newest version and return the revisions applied, oldest first ([] when up to date).

    Processes that start together take turns; the later ones find nothing to do. StateTooNew when the store
    was migrated by a newer version of the platform, StateBusy when another process migrates for ten minutes.
    """
    if store.read(_is_current):
        return []
    from hubspot_platform.state import upgrade

    return upgrade.migrate(store)


def pending_migrations(store: Store) -> list[str]:
    """Return the revisions the store still lacks, oldest first; StateTooNew as in `migrate`."""
    if store.read(_is_current):
        return []
    from hubspot_platform.state import upgrade

    return upgrade.pending_migrations(store)


def newest_revision() -> str:
    """Return the newest packaged revision; files are named REVISION_what.py and count upwards."""
    return max(file.name.partition("_")[0] for file in VERSIONS.glob("[0-9]*_*.py"))


def _is_current(connection: sa.Connection) -> bool:
    schema = OPS_SCHEMA if connection.dialect.name == "postgresql" else None
    if not sa.inspect(connection).has_table("alembic_version", schema=schema):
        return False
    table = sa.table("alembic_version", sa.column("version_num"), schema=schema)
    return list(connection.execute(sa.select(table.c.version_num)).scalars()) == [newest_revision()]
