"""Fixtures every test may use: a real PostgreSQL server and a fresh database on it."""

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from hubspot_platform.state import migrate, open_state
from hubspot_platform_tests.support import postgres

# A busy machine is no failure; fixtures of a function are warehouses whose tables every example fills anew.
settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    print_blob=True,
)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Maintenance URL of the session's PostgreSQL server; without one the test is skipped (and fails under CI)."""
    binaries = postgres.server_binaries()
    if binaries is None:
        message = "no PostgreSQL server found; mend: apt-get install postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with postgres.cluster(binaries) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> Iterator[str]:
    """URL of a database whose state store is migrated and empty: what every test's own one is copied from."""
    with postgres.database(postgres_server) as url:
        store = open_state(url)
        migrate(store)
        store.close()
        yield url


@pytest.fixture
def postgres_url(postgres_server: str, migrated_postgres: str) -> Iterator[str]:
    """URL of a database of the test's own, with an empty state store and nothing else; dropped after the test."""
    with postgres.database(postgres_server, migrated_postgres) as url:
        yield url


@pytest.fixture(scope="module")
def module_postgres_url(postgres_server: str, migrated_postgres: str) -> Iterator[str]:
    """URL of a database of the module's own, with an empty state store and nothing else."""
    with postgres.database(postgres_server, migrated_postgres) as url:
        yield url


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of a database of the test's own with nothing in it, dropped after the test."""
    with postgres.database(postgres_server) as url:
        yield url


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Let no test find the Dagster instance of an earlier one: Dagster keeps the last one in a context variable."""
    module = sys.modules.get("dagster._core.storage.defs_state.base")
    if module is not None:
        module._current_storage.set(None)
