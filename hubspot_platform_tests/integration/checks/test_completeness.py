"""The count check against a portal that counts records it never shows, on both store pairs."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from hubspot_platform.checks.engine import CheckContext, Status, as_check_result, run_test
from hubspot_platform.checks.table import COUNT_CHECK, TESTS
from hubspot_platform.hubspot.catalogue import CONTACT
from hubspot_platform.runtime import Platform
from hubspot_platform_tests.support.platforms import platform_for, sync
from hubspot_platform_tests.support.portal import Portal, portal

COUNT_TEST = next(test for test in TESTS if test.name == COUNT_CHECK)
SUBJECT = next(subject for subject in COUNT_TEST.subjects if subject.object == CONTACT.name)


@pytest.fixture
def sandbox() -> Iterator[Portal]:
    """A fresh small portal."""
    with portal("small") as running:
        yield running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, sandbox: Portal, tmp_path: Path) -> Iterator[Platform]:
    """A platform on the portal, once on each store pair."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with platform_for(sandbox, tmp_path, url) as opened:
        yield opened


def test_records_counted_and_never_shown_fail_the_count_check_until_the_portal_is_right_again(
    platform: Platform, sandbox: Portal
) -> None:
    def checked() -> tuple[Status, dg.AssetCheckResult]:
        outcome = run_test(COUNT_TEST, CheckContext(platform, platform.clock()), SUBJECT)
        return outcome.status, as_check_result(COUNT_TEST, SUBJECT, outcome)

    sync(platform, CONTACT)
    assert checked()[0] is Status.PASS

    sandbox.fault("overstated_total", share=0.2, match={"route": "search", "object": "contacts"})
    status, result = checked()
    assert (status, result.passed, result.severity) == (Status.FAIL, False, dg.AssetCheckSeverity.ERROR)
    assert result.metadata["observed"].value > result.metadata["threshold"].value == 25

    sandbox.clear_faults()
    assert checked()[0] is Status.PASS
