"""The table of contents: everything Dagster knows about the platform, assembled."""

from collections.abc import Iterator

import dagster as dg

from hubspot_platform.assets.attribution import attribution_assets
from hubspot_platform.assets.company_profile import company_profile_asset
from hubspot_platform.assets.custom_objects import custom_objects_asset
from hubspot_platform.assets.hubspot import mirror_assets
from hubspot_platform.assets.landing import landing_assets
from hubspot_platform.assets.operational_state import operational_assets
from hubspot_platform.assets.phone_numbers import phone_number_asset
from hubspot_platform.assets.profile_changes import profile_change_asset
from hubspot_platform.assets.qualification import qualification_asset
from hubspot_platform.assets.received_events import received_event_assets
from hubspot_platform.assets.sql_models import sql_model_assets
from hubspot_platform.automation.alerts import alert_sensors
from hubspot_platform.automation.attribution import attribution_job, attribution_sensor, attribution_sweep
from hubspot_platform.automation.inbox import inbox_sensor, worker_jobs
from hubspot_platform.automation.schedules import jobs_and_schedules
from hubspot_platform.automation.sensors import automation_sensor
from hubspot_platform.checks.engine import suite_checks
from hubspot_platform.checks.table import FULL, TESTS, TIMELINESS
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import load_settings


def definitions(platform: Platform) -> dg.Definitions:
    """Assemble everything on one platform."""
    settings = platform.settings
    dialect = "postgres" if settings.warehouse.startswith("postgres") else "duckdb"
    mirror = platform.business.mirror
    suites = {name: suite_checks(name, TESTS, leave_out=mirror.skips_name) for name in (TIMELINESS, FULL)}
    jobs, schedules = jobs_and_schedules(settings.first_partition, suites, mirror)
    delayed = attribution_job()
    workers = worker_jobs(platform)
    return dg.Definitions(
        assets=[
            *mirror_assets(settings.first_partition, dialect, mirror),
            custom_objects_asset(dialect, mirror),
            phone_number_asset(dialect),
            qualification_asset(dialect, mirror),
            *landing_assets(dialect),
            *received_event_assets(dialect),
            company_profile_asset(dialect),
            profile_change_asset(dialect),
            operational_assets(dialect),
            *attribution_assets(dialect, settings.first_partition),
            *sql_model_assets(
                platform.business,
                dialect,
                cache=settings.home / "sql_models.json",
                first_partition=settings.first_partition,
            ),
        ],
        asset_checks=list(suites.values()),
        jobs=[*jobs, *workers, delayed],
        schedules=[*schedules, attribution_sweep(delayed)],
        sensors=[automation_sensor(), inbox_sensor(workers), attribution_sensor(), *alert_sensors()],
        resources={"platform": _lent(platform)},
        executor=dg.in_process_executor,
    )


def _lent(platform: Platform) -> dg.ResourceDefinition:
    """Return the platform as a resource of runs and ticks: what a run has not published yet is published at its end."""

    def lend(_context: dg.InitResourceContext) -> Iterator[Platform]:
        try:
            yield platform
        finally:
            platform.settle()

    return dg.ResourceDefinition(lend, description="Settings, state store and warehouse of this platform.")


defs = definitions(Platform(load_settings()))
