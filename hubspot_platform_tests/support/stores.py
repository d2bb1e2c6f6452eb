"""State stores for tests: migrated once a session, then copied, for a migration costs more than many tests do."""

import functools
import shutil
import tempfile
from pathlib import Path

from hubspot_platform.state import migrate, open_state

STATE = "state.sqlite"


@functools.cache
def _migrated() -> tuple[tempfile.TemporaryDirectory[str], Path]:
    folder = tempfile.TemporaryDirectory(prefix="hubspot-platform-state-")
    file = Path(folder.name) / STATE
    store = open_state(f"sqlite:///{file}")
    migrate(store)
    store.close()
    return folder, file


def migrated_sqlite(file: Path) -> str:
    """Put a migrated, empty SQLite store at a path unless something is there, and return its URL."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_migrated()[1], file)
    return f"sqlite:///{file}"


def prepared_home(home: Path) -> None:
    """Put a migrated, empty SQLite store into a home that has none."""
    migrated_sqlite(home / STATE)
