"""Runs report the tables that have no asset step of their own: shared ones and those of custom objects."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hubspot_platform.automation.instance import prepare_instance
from hubspot_platform.automation.runs import execute
from hubspot_platform.runtime import Platform
from hubspot_platform_tests.support.platforms import platform_for, rows
from hubspot_platform_tests.support.portal import portal


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """A platform on a small portal, ready for Dagster."""
    with portal("small") as running, platform_for(running, tmp_path) as opened:
        prepare_instance(opened.settings)
        yield opened


def stored(platform: Platform, table: str) -> int:
    return int(rows(platform, f"select count(*) as n from hubspot.{table}")[0]["n"])


def test_a_sync_of_engagements_materialises_what_the_types_share(platform: Platform) -> None:
    for job in ("sync_hubspot_calls", "sync_hubspot_notes"):
        outcome = execute(platform, job=job)
        assert outcome.success, outcome.error
        for table in ("engagement", "engagement_contact", "engagement_company", "engagement_deal", "ticket_engagement"):
            assert outcome.rows[f"hubspot/{table}"] == stored(platform, table) > 0


def test_one_run_syncs_every_custom_object_and_reports_each_table(platform: Platform) -> None:
    outcome = execute(platform, job="sync_hubspot_custom_objects")
    assert outcome.success, outcome.error
    assert outcome.rows["hubspot/custom_objects"] == stored(platform, "custom_objects") == 1
    assert outcome.rows["hubspot/custom_bug"] > 0
