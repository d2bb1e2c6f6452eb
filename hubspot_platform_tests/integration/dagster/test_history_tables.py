"""The tables of changes and merges are assets beside their object, filled by its step and counted in its metadata."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from hubspot_platform.assets.hubspot import hourly_partitions, object_asset
from hubspot_platform.automation.instance import prepare_instance
from hubspot_platform.automation.runs import execute
from hubspot_platform.hubspot.catalogue import CONTACT, DEAL, TICKET, ObjectType
from hubspot_platform.hubspot.refresh import MirrorSettings
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import FALLBACK_MIRROR_START
from hubspot_platform_tests.support.platforms import platform_for, rows
from hubspot_platform_tests.support.portal import portal


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """A platform on a small portal, ready for Dagster."""
    with portal("small") as running, platform_for(running, tmp_path) as opened:
        prepare_instance(opened.settings)
        yield opened


@pytest.mark.parametrize(
    ("obj", "tables"),
    [
        (CONTACT, {"contact_property_history", "contact_merge_audit"}),
        (DEAL, {"deal_property_history", "deal_stage", "merged_deal"}),
        (TICKET, {"ticket_property_history"}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_they_are_assets_of_the_step_that_reads_their_object(obj: ObjectType, tables: set[str]) -> None:
    asset = object_asset(obj, hourly_partitions(FALLBACK_MIRROR_START), "duckdb", MirrorSettings())
    assert {dg.AssetKey(["hubspot", table]) for table in tables} <= asset.keys
    for table in tables:
        spec = asset.specs_by_key[dg.AssetKey(["hubspot", table])]
        assert all(column.description for column in spec.metadata["dagster/column_schema"].columns)


def test_a_run_reports_their_rows(platform: Platform) -> None:
    outcome = execute(platform, job="sync_hubspot_deals")
    assert outcome.success, outcome.error
    for table in ("deal_property_history", "deal_stage", "merged_deal"):
        found = rows(platform, f"select count(*) as n from hubspot.{table}")[0]["n"]
        assert outcome.rows[f"hubspot/{table}"] == found > 0
