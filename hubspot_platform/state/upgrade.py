"""The upgrade of the state's tables with Alembic; the migrations ship inside the package.

`state.migration` calls this when a revision is missing. An upgrade is one transaction
on both stores, the version table included, so an interrupted one leaves the store as it was.
"""

import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from filelock import FileLock, Timeout

from hubspot_platform.state.errors import StateBusy, StateTooNew
from hubspot_platform.state.schema import OPS_SCHEMA
from hubspot_platform.state.sqlite import SqliteStore
from hubspot_platform.state.store import Store

_LOCK_SECONDS = 600
_ADVISORY_LOCK = 0x48756253_74617465
_one_at_a_time = threading.Lock()


def migrate(store: Store) -> list[str]:
    """Upgrade to the newest version and return the revisions applied, oldest first ([] when up to date).

    Processes that start together take turns; the later ones find nothing to do. StateTooNew when the store
    was migrated by a newer version of the platform, StateBusy when another process migrates for ten minutes.
    """
    if not pending_migrations(store):
        return []
    # Alembic keeps the running migration in a module global, hence one at a time inside a process too
    with _one_at_a_time, _alone(store):
        return store.write(_upgrade)


def pending_migrations(store: Store) -> list[str]:
    """Return the revisions the store still lacks, oldest first; StateTooNew as in `migrate`."""
    return store.read(lambda connection: _missing(connection, _scripts()))


def _upgrade(connection: sa.Connection) -> list[str]:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        connection.execute(sa.schema.CreateSchema(OPS_SCHEMA, if_not_exists=True))
    missing = _missing(connection, _scripts())
    if missing:
        command.upgrade(_config(connection), "head")
    return missing


def _missing(connection: sa.Connection, scripts: ScriptDirectory) -> list[str]:
    current = MigrationContext.configure(
        connection, opts={"version_table_schema": version_schema(connection)}
    ).get_current_heads()
    try:
        steps = list(scripts.iterate_revisions("heads", current or "base"))
    except (CommandError, RevisionError) as error:
        raise StateTooNew(
            f"the state is at revision {', '.join(current)}, which this version does not know",
            mend="run the newer version of the platform, or point STATE_URL at another store",
        ) from error
    return [step.revision for step in reversed(steps)]


def version_schema(connection: sa.Connection) -> str | None:
    """Return the schema of the version table; the migration environment asks too."""
    return OPS_SCHEMA if connection.dialect.name == "postgresql" else None


def _alone(store: Store) -> AbstractContextManager[object]:
    """Keep other processes out while SQLite upgrades; PostgreSQL takes its lock in the transaction."""
    if isinstance(store, SqliteStore):
        return _FileLockOrBusy(store.lock_path, timeout=_LOCK_SECONDS)
    return nullcontext()


class _FileLockOrBusy(FileLock):
    def __enter__(self) -> "_FileLockOrBusy":
        try:
            self.acquire()
        except Timeout as error:
            raise StateBusy(
                f"another process has been migrating for {_LOCK_SECONDS // 60} minutes",
                mend=f"see which process holds {self.lock_file}",
            ) from error
        return self


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
