"""Addresses of the stores: which kind a URL names, and the spelling each driver wants.

The state, the warehouse and Dagster's storage all reach PostgreSQL through different drivers but share one
setting; they call `postgres_url`. No function here puts a URL into an error: it may carry a password.
"""

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from hubspot_platform.errors import PlatformError

PostgresDriver = Literal["psycopg", "psycopg2", "libpq"]

_POSTGRES = re.compile(r"^postgres(?:ql)?(?:\+[a-z0-9_]+)?://", re.IGNORECASE)
_PREFIX: dict[PostgresDriver, str] = {
    "psycopg": "postgresql+psycopg://",
    "psycopg2": "postgresql+psycopg2://",
    "libpq": "postgresql://",
}


class InvalidUrl(PlatformError):
    """A store's URL has a form nobody here understands; the message names the scheme only."""


def is_postgres(url: str) -> bool:
    """Say whether the URL names a PostgreSQL database, in any of its spellings."""
    return _POSTGRES.match(url) is not None


def postgres_url(url: str, driver: PostgresDriver) -> str:
    """Spell a PostgreSQL URL for a driver; everything after the scheme stays as it is.

    `psycopg` is SQLAlchemy with psycopg 3, `psycopg2` is what Dagster's storage loads, `libpq` is the plain
    form psycopg itself and the PostgreSQL tools take. InvalidUrl when the URL is not PostgreSQL's.
    """
    if not is_postgres(url):
        raise InvalidUrl(f"{_scheme(url)!r} is not PostgreSQL", mend="write postgresql://user@host:5432/database")
    return _POSTGRES.sub(_PREFIX[driver], url, count=1)


def sqlite_path(url: str) -> Path:
    """Return the file a `sqlite:///PATH` URL names; InvalidUrl for others and for one in memory."""
    scheme, separator, rest = url.partition(":///")
    if not separator or scheme.lower() != "sqlite":
        raise InvalidUrl(f"{_scheme(url)!r} is not SQLite", mend="write sqlite:///path/to/state.db")
    path = rest.partition("?")[0]
    if path in {"", ":memory:"}:
        raise InvalidUrl("a database in memory is gone with its process", mend="write sqlite:///path/to/state.db")
    return Path(path).expanduser()


def _scheme(url: str) -> str:
    scheme, separator, _ = url.partition(":")
    return scheme if separator and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme) else "this URL"


def without_password(url: str) -> str:
    """Return the URL as it may be shown: user, host and path, no password and no options."""
    parts = urlsplit(url)
    if not parts.scheme or "@" not in parts.netloc:
        return url.partition("?")[0]
    user = parts.netloc.rpartition("@")[0].partition(":")[0]
    return f"{parts.scheme}://{user}@{parts.netloc.rpartition('@')[2]}{parts.path}"
