"""One warehouse per engine that holds what all modules here tell of: it is built once and read often."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from hubspot_platform.sql_models.build import BuildOutcome
from hubspot_platform.warehouse import Warehouse, open_warehouse
from hubspot_platform_tests.integration.payments.ledger import Ledger, build
from hubspot_platform_tests.support import postgres

MODULES = ("mrr_examples", "mrr_rules", "mrr_limits", "mrr_reference", "company_mrr", "movements", "cash")

Built = tuple[Warehouse, dict[str, BuildOutcome]]


@pytest.fixture(scope="session", params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The prepared warehouse and what each build said; every module adds its part to the ledger with `tell`."""
    ledger = Ledger()
    for name in MODULES:
        import_module(f"hubspot_platform_tests.integration.payments.test_{name}").tell(ledger)
    if request.param == "duckdb":
        warehouse = open_warehouse(f"duckdb:///{tmp_path_factory.mktemp('payments') / 'warehouse.duckdb'}")
        yield warehouse, build(warehouse, ledger)
        return
    with postgres.database(request.getfixturevalue("postgres_server")) as url:
        warehouse = open_warehouse(url)
        yield warehouse, build(warehouse, ledger)


@pytest.fixture(scope="session")
def warehouse(built: Built) -> Warehouse:
    return built[0]


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    """An empty warehouse of the test's own."""
    if request.param == "duckdb":
        return open_warehouse(f"duckdb:///{tmp_path / 'warehouse.duckdb'}")
    return open_warehouse(request.getfixturevalue("postgres_url"))
