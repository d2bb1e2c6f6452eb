"""URLs reach each driver in its own spelling, and never an error message."""

from pathlib import Path

import pytest

from hubspot_platform.urls import InvalidUrl, is_postgres, postgres_url, sqlite_path

SPELLINGS = ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2", "POSTGRESQL"]


@pytest.mark.parametrize("scheme", SPELLINGS)
def test_every_spelling_reaches_every_driver(scheme: str) -> None:
    rest = "me:p%40ss://@host:5433/db?sslmode=require"
    url = f"{scheme}://{rest}"
    assert is_postgres(url)
    assert postgres_url(url, "psycopg") == f"postgresql+psycopg://{rest}"
    assert postgres_url(url, "psycopg2") == f"postgresql+psycopg2://{rest}"
    assert postgres_url(url, "libpq") == f"postgresql://{rest}"


def test_a_url_of_another_kind_is_refused_without_its_password() -> None:
    with pytest.raises(InvalidUrl) as caught:
        postgres_url("mysql://me:hunter2@host/db", "libpq")
    assert "mysql" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_text_that_is_no_url_is_not_repeated() -> None:
    with pytest.raises(InvalidUrl) as caught:
        postgres_url("hunter2 with blanks:x", "libpq")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///state.db", Path("state.db")),
        ("sqlite:////var/lib/state.db", Path("/var/lib/state.db")),
        ("sqlite:///state.db?mode=rw", Path("state.db")),
    ],
)
def test_sqlite_urls_name_a_file(url: str, path: Path) -> None:
    assert sqlite_path(url) == path


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "duckdb:///x.db", "state.db"])
def test_a_database_in_memory_or_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(InvalidUrl):
        sqlite_path(url)
