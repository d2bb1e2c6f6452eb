"""The completeness proof notices one lost row and the census brings it back, through Dagster, on both store pairs."""

import functools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from hubspot_platform.checks.table import CONSERVATION_CHECK, DRIFT_CHECK, FULL, PROOF_CHECK
from hubspot_platform.definitions import definitions
from hubspot_platform.hubspot.catalogue import COMPANY, REFERENCES
from hubspot_platform.mirror.reference import sync_reference
from hubspot_platform.runtime import Platform
from hubspot_platform.state import windows
from hubspot_platform.state.windows import Window
from hubspot_platform_tests.support.platforms import assert_mirror_equals_portal, mirrored, platform_for, sync
from hubspot_platform_tests.support.portal import Portal, portal

ASSET = dg.AssetKey(["hubspot", COMPANY.table])


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A portal of some companies."""
    with portal("contacts=60,companies=80,deals=20") as running:
        yield running


@pytest.fixture(scope="module", params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(
    request: pytest.FixtureRequest, sandbox: Portal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """A platform that has read the companies, once on each store pair; the last test here leaves a gap behind."""
    url = request.getfixturevalue("module_postgres_url") if request.param == "postgres" else None
    with platform_for(sandbox, tmp_path_factory.mktemp("home"), url) as opened:
        sync(opened, COMPANY)
        yield opened


@functools.cache
def repository_of(platform: Platform) -> dg.RepositoryDefinition:
    """Return everything Dagster knows about a platform, assembled once."""
    return definitions(platform).get_repository_def()


def checked(platform: Platform, name: str) -> dg.AssetCheckEvaluation:
    """Run one check of the full suite on the companies as Dagster does."""
    job = repository_of(platform).get_job(FULL)
    with dg.DagsterInstance.ephemeral() as instance:
        chosen = job.get_subset(asset_check_selection={dg.AssetCheckKey(ASSET, name)})
        result = chosen.execute_in_process(instance=instance)
    return next(found for found in result.get_asset_check_evaluations() if found.check_name == name)


def run_census(platform: Platform) -> None:
    job = repository_of(platform).get_job("mirror_census")
    with dg.DagsterInstance.ephemeral() as instance:
        done = job.execute_in_process(instance=instance, op_selection=[f"census_{COMPANY.plural}"])
    assert done.success


def remove(platform: Platform, record_id: int) -> None:
    with platform.warehouse().writer() as session:
        session.execute("delete from hubspot.company where id = ?", [record_id])
    platform.warehouse().publish()


def test_one_record_removed_by_hand_fails_the_proof_at_error_and_the_census_repairs_it(
    platform: Platform, sandbox: Portal
) -> None:
    assert checked(platform, PROOF_CHECK).passed
    lost = sorted(mirrored(platform, COMPANY))[7]
    remove(platform, lost)
    failed = checked(platform, PROOF_CHECK)
    assert not failed.passed
    assert failed.severity is dg.AssetCheckSeverity.ERROR
    assert failed.metadata["missing"].value == 1
    assert failed.metadata["sample"].value == [lost]
    run_census(platform)
    assert checked(platform, PROOF_CHECK).passed
    assert checked(platform, CONSERVATION_CHECK).passed
    assert_mirror_equals_portal(platform, sandbox, COMPANY)


def test_case_069_a_changed_type_fails_the_drift_check_and_a_deleted_property_is_named(
    platform: Platform, sandbox: Portal
) -> None:
    dialect = platform.warehouse().dialect
    size_class, short_lived = f"size_class_{dialect}", f"short_lived_{dialect}"
    for name in (size_class, short_lived):
        sandbox.define("companies", "create", name=name, type="string", fieldType="text")
    sync(platform, COMPANY)
    sync_reference(platform, REFERENCES["properties"], run_id="test")
    assert checked(platform, DRIFT_CHECK).passed
    sandbox.define("companies", "update", name=size_class, type="number")
    sandbox.define("companies", "delete", name=short_lived)
    sync(platform, COMPANY)
    sync_reference(platform, REFERENCES["properties"], run_id="test")
    found = checked(platform, DRIFT_CHECK)
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.ERROR
    assert found.metadata["changed_types"].value == [f"{size_class}: column text, property number"]
    assert found.metadata["deleted_properties"].value == [short_lived]


def test_a_live_row_the_portal_does_not_know_and_a_gap_fail_the_proof(platform: Platform) -> None:
    identity = platform.warehouse().identity()
    with platform.warehouse().writer() as session:
        session.execute(
            "insert into hubspot.company (id, is_deleted, _fivetran_synced) values (1, false, ?)",
            [datetime.now(UTC) - timedelta(days=1)],
        )
    platform.warehouse().publish()
    found = checked(platform, PROOF_CHECK)
    assert (found.passed, found.metadata["extra"].value, found.metadata["gaps"].value) == (False, 1, 0)
    run_census(platform)
    assert checked(platform, PROOF_CHECK).passed
    later = datetime.now(UTC) + timedelta(days=1)
    beyond = Window(later, later + timedelta(hours=1))
    platform.state().write(
        lambda conn: windows.complete(conn, identity, COMPANY.name, beyond, mode="window", run_id=None, counts={})
    )
    found = checked(platform, PROOF_CHECK)
    assert (found.passed, found.metadata["gaps"].value) == (False, 1)
