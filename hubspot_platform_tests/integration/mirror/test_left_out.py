"""Objects the business settings leave out: tables without rows, no call, no check; the other objects go on."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from hubspot_platform.cli.doctor import examine
from hubspot_platform.definitions import definitions
from hubspot_platform.hubspot.catalogue import CALL, DEAL, REFERENCES, TICKET
from hubspot_platform.hubspot.errors import MissingScope
from hubspot_platform.mirror.plan import Mode
from hubspot_platform.mirror.reference import sync_reference
from hubspot_platform.runtime import Platform
from hubspot_platform_tests.support.platforms import (
    assert_mirror_equals_portal,
    in_portal,
    platform_for,
    rows,
    settings_for,
    sync,
)
from hubspot_platform_tests.support.portal import Portal, portal

CONFIGURATION = (
    '[mirror]\nskip = ["ticket", "owners"]\ncadence_hours = {deal = 6}\nfreshness_minutes = {deal = [7, 9]}\n'
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A portal without Service Hub: nothing of a ticket may be read."""
    with portal("contacts=20,companies=10,deals=10,tickets=5,properties=20") as running:
        for route in ("objects", "search", "properties", "pipelines"):
            running.fault("missing_scope", match={"route": route, "object": "tickets"}, scopes=["tickets"])
        yield running


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """The business settings that leave tickets and owners out."""
    file = tmp_path / "business.toml"
    file.write_text(CONFIGURATION)
    return file


@pytest.mark.parametrize("store", ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_what_is_left_out_has_its_tables_and_costs_no_call(
    sandbox: Portal, configuration: Path, tmp_path: Path, store: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if store == "postgres" else None
    with platform_for(sandbox, tmp_path, url, platform_config=configuration) as platform:
        sandbox.reset_stats()
        for asked in ({}, {"full": True}, {"repair": Mode.CENSUS}):
            assert sync(platform, TICKET, **asked).mode is Mode.SKIPPED
        for name in ("ticket_pipelines", "owners"):
            report = sync_reference(platform, REFERENCES[name], run_id="test")
            assert (report.watermark, sum(report.rows.values())) == (None, 0)
        assert sandbox.stats()["calls"] == 0
        for table in ("ticket", "ticket_company", "ticket_pipeline_stage", "owner"):
            assert rows(platform, f"select * from hubspot.{table}") == []
        wanted = {f"property_{name}" for name in TICKET.expected_properties}
        with platform.warehouse().reader() as session:
            assert wanted <= set(session.columns("hubspot.ticket"))
        sync(platform, CALL)
        assert_mirror_equals_portal(platform, sandbox, CALL)
        assert sandbox.stats()["by_kind"]["associations.batch_read"] == 3, "of contacts, companies and deals"


def test_a_forbidden_object_that_is_not_left_out_fails_alone_and_names_scope_and_setting(
    sandbox: Portal, tmp_path: Path
) -> None:
    with platform_for(sandbox, tmp_path) as platform:
        with pytest.raises(MissingScope, match="tickets") as caught:
            sync(platform, TICKET)
        assert "mirror.skip" in caught.value.mend
        sync(platform, DEAL)
        found = {finding.subject: finding for finding in examine(platform.settings)}
    assert (found["tickets"].ok, "scope tickets" in found["tickets"].mend) == (False, True)
    assert {name: found[name].ok for name in ("HubSpot", "contacts", "deals")} == dict.fromkeys(
        ("HubSpot", "contacts", "deals"), True
    )
    assert {name: found[name].ok for name in REFERENCES} == {name: name != "ticket_pipelines" for name in REFERENCES}
    assert found["owners"].detail == "may be read"
    assert found["deals"].detail == f"{len(in_portal(sandbox, DEAL))} records"


def test_the_definitions_say_what_is_left_out_and_follow_cadence_and_freshness(
    sandbox: Portal, configuration: Path, tmp_path: Path
) -> None:
    platform = Platform(settings_for(sandbox, tmp_path, platform_config=configuration))
    defs = definitions(platform)
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    for table in ("ticket", "ticket_company", "ticket_pipeline", "owner"):
        spec = specs[f"hubspot/{table}"]
        assert "mirror.skip" in str(spec.description)
        assert spec.freshness_policy is None
    policy = specs["hubspot/deal"].freshness_policy
    assert policy == dg.FreshnessPolicy.time_window(
        fail_window=timedelta(minutes=9), warn_window=timedelta(minutes=7)
    ), "the chosen minutes"
    repository = defs.get_repository_def()
    checked = {key.asset_key.to_user_string() for key in repository.asset_graph.asset_check_keys}
    assert "hubspot/deal" in checked
    assert not {"hubspot/ticket", "hubspot/owner"} & checked
    crons = {schedule.name: schedule.cron_schedule for schedule in repository.schedule_defs}
    assert crons["sync_hubspot_deals_schedule"] == "20 */6 * * *"
    steps = {node.name for node in repository.get_job("mirror_census").nodes}
    assert "census_deals" in steps
    assert "census_tickets" not in steps
    owners = next(s for s in repository.schedule_defs if s.name == "sync_hubspot_owners_schedule")
    ticks = [owners.evaluate_tick(dg.build_schedule_context()).run_requests for _ in range(2)]
    assert {run.run_key for (run,) in ticks} == {"sync_hubspot_owners:left_out"}
    platform.close()
