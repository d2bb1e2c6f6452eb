"""One gateway a module, on SQLite and on PostgreSQL, emptied before each test."""

from collections.abc import Iterator

import pytest

from hubspot_platform_tests.support import postgres
from hubspot_platform_tests.support.gateway import Running, running_gateway


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The module's gateway."""
    home = tmp_path_factory.mktemp("gateway")
    if request.param == "sqlite":
        with running_gateway(home, f"sqlite:///{home / 'state.sqlite'}") as found:
            yield found
        return
    with postgres.database(request.getfixturevalue("postgres_server")) as url, running_gateway(home, url) as found:
        yield found


@pytest.fixture
def gateway(running: Running) -> Running:
    """The module's gateway with an empty inbox."""
    running.empty()
    return running
