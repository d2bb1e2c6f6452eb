"""Custom objects have the tests and passes of every other object, on both store pairs."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import dagster as dg
import pytest

from hubspot_platform.automation.passes import pass_jobs
from hubspot_platform.checks.engine import CheckContext, Outcome, Status, run_test
from hubspot_platform.checks.table import TESTS
from hubspot_platform.hubspot.catalogue import CUSTOM_OBJECTS
from hubspot_platform.hubspot.refresh import MirrorSettings
from hubspot_platform.mirror.custom_objects import custom_object, sync_custom_objects
from hubspot_platform.mirror.plan import PASSES, SyncRequest
from hubspot_platform.runtime import Platform
from hubspot_platform_tests.support.platforms import assert_mirror_equals_portal, mirrored, platform_for
from hubspot_platform_tests.support.portal import Portal, portal

OF_CUSTOM = {test.name: test for test in TESTS if test.name.startswith("custom_")}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A small portal; it has one custom object, bugs."""
    with portal("small") as running:
        yield running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, sandbox: Portal, tmp_path: Path) -> Iterator[Platform]:
    """A platform on the portal, once on each store pair."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with platform_for(sandbox, tmp_path, url) as opened:
        yield opened


def outcome(platform: Platform, name: str) -> Outcome:
    """Run one test as the suite does."""
    test = OF_CUSTOM[f"custom_{name}"]
    (subject,) = test.subjects
    assert subject.asset_key == dg.AssetKey(["hubspot", "custom_objects"])
    return run_test(test, CheckContext(platform, platform.clock()), subject)


def test_custom_objects_are_tested_like_every_object_and_a_lost_row_is_found_and_repaired(
    platform: Platform, sandbox: Portal
) -> None:
    names = ("timeliness", "count_matches_hubspot", "sync_conservation", "completeness_proof", "values_fit_types")
    for name in names:
        assert outcome(platform, name).status is Status.SKIPPED, "nothing was read yet"
    sync_custom_objects(platform, run_id="test")
    for name in names:
        found = outcome(platform, name)
        assert found.status is Status.PASS, (name, found.message)
    bug = custom_object(platform, "custom_bug")
    lost = min(mirrored(platform, bug))
    with platform.warehouse().writer() as session:
        session.execute("delete from hubspot.custom_bug where id = ?", [lost])
    platform.warehouse().publish()
    proof = outcome(platform, "completeness_proof")
    assert (proof.status, proof.measurement.details["failed_objects"]) == (Status.FAIL, ["custom_bug"])
    jobs = {job.name: job for job, _ in pass_jobs(MirrorSettings())}
    with dg.DagsterInstance.ephemeral() as instance:
        done = jobs["mirror_census"].execute_in_process(
            instance=instance, resources={"platform": platform}, op_selection=["census_custom_objects"]
        )
    assert done.success
    assert outcome(platform, "completeness_proof").status is Status.PASS
    assert_mirror_equals_portal(platform, sandbox, bug)


def test_every_pass_has_a_step_for_custom_objects_unless_they_are_left_out() -> None:
    for settings, has in ((MirrorSettings(), True), (MirrorSettings(skip=(CUSTOM_OBJECTS.name,)), False)):
        steps = {job.name: {node.name for node in job.nodes} for job, _ in pass_jobs(settings)}
        for repair in PASSES:
            assert (f"{repair.value}_custom_objects" in steps[f"mirror_{repair.value}"]) is has


def test_every_pass_repairs_the_records_of_a_custom_object(platform: Platform, sandbox: Portal) -> None:
    sync_custom_objects(platform, run_id="test")
    bug = custom_object(platform, "custom_bug")
    first, second, third = sorted(mirrored(platform, bug))[:3]
    sandbox.change(bug.plural, "archive", ids=[str(first)])
    sandbox.change(bug.plural, "merge", primary=str(second), other=str(third))
    for repair in PASSES:
        sync_custom_objects(platform, run_id="test", request=partial(SyncRequest, repair=repair))
    assert_mirror_equals_portal(platform, sandbox, bug)
    assert {first, second, third} <= set(mirrored(platform, bug, deleted=True))
