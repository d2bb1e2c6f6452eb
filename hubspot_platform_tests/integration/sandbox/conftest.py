"""One small portal per test module; faults, limits, clock and switches are put back after every test."""

from collections.abc import Iterator

import pytest
from hubspot import HubSpot

from hubspot_platform_tests.support.portal import TOKEN, Portal, portal


@pytest.fixture(scope="module")
def shared_portal() -> Iterator[Portal]:
    with portal("small") as running:
        yield running


@pytest.fixture
def sandbox(shared_portal: Portal) -> Iterator[Portal]:
    shared_portal.reset_stats(limits=True)
    yield shared_portal
    shared_portal.clear_faults()
    shared_portal.admin("limits", {"plan": "none"})
    shared_portal.admin("search", {"lag": 0, "unordered": False, "association_page": 0})
    shared_portal.admin("scopes", {})
    shared_portal.admin("tokens", {})
    shared_portal.clock(skew=0)


@pytest.fixture
def client(sandbox: Portal) -> HubSpot:
    return HubSpot(access_token=TOKEN, host=sandbox.url, base_url=sandbox.url)
