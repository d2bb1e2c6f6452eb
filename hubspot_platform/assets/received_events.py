"""Assets of the tables that received events fill: `payments/payment_events` and `jira/issue`.

Materialising one empties its queue of the inbox. With `list_missed` the payment events that Chargebee keeps and no
webhook brought are put there before.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.assets.hubspot import OWNERS
from hubspot_platform.assets.metadata import column_schema, row_count, table_metadata
from hubspot_platform.connectors import chargebee, jira
from hubspot_platform.jira.tables import ISSUE
from hubspot_platform.payments.tables import PAYMENT_EVENTS
from hubspot_platform.runtime import Platform
from hubspot_platform.warehouse.model import Table
from hubspot_platform.workers.catalogue import queue
from hubspot_platform.workers.catch_up import catch_up, events_api
from hubspot_platform.workers.engine import drain

TABLES = {chargebee.QUEUE: PAYMENT_EVENTS, jira.QUEUE: ISSUE}
"""Queue of the inbox → the table its worker fills."""

DRAIN_SECONDS = 600.0
PAYMENTS_STEP = "receive_payment_events"


class PaymentEventsConfig(dg.Config):
    """What a run does before it empties the queue."""

    list_missed: bool = False


def received_event_assets(dialect: str) -> list[dg.AssetsDefinition]:
    """Return the assets of both tables."""
    return [_payment_events(dialect), _issues(dialect)]


def asset_key(table: Table) -> dg.AssetKey:
    """Return the key of a table's asset."""
    return dg.AssetKey([table.schema, table.name])


def _payment_events(dialect: str) -> dg.AssetsDefinition:
    @dg.multi_asset(name=PAYMENTS_STEP, specs=[_spec(PAYMENT_EVENTS, dialect)])
    def receive_payment_events(
        context: dg.AssetExecutionContext, config: PaymentEventsConfig, platform: dg.ResourceParam[Platform]
    ) -> dg.MaterializeResult[Any]:
        found: dict[str, int] = {}
        if config.list_missed:
            with as_dagster_failure(), events_api(platform.settings) as api:
                report = catch_up(platform, api, context.run.run_id)
            found = {"events_listed": report.listed, "events_missed_by_webhooks": report.missed}
        return _drained(platform, chargebee.QUEUE, found)

    return receive_payment_events


def _issues(dialect: str) -> dg.AssetsDefinition:
    @dg.multi_asset(name="receive_jira_events", specs=[_spec(ISSUE, dialect)])
    def receive_jira_events(platform: dg.ResourceParam[Platform]) -> dg.MaterializeResult[Any]:
        return _drained(platform, jira.QUEUE, {})

    return receive_jira_events


def _spec(table: Table, dialect: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=asset_key(table),
        description=table.description,
        group_name=table.schema,
        kinds={dialect},
        owners=OWNERS,
        metadata={
            "dagster/table_name": f"{table.schema}.{table.name}",
            "dagster/column_schema": column_schema(table.columns),
        },
    )


def _drained(platform: Platform, name: str, found: Mapping[str, int]) -> dg.MaterializeResult[Any]:
    """Empty the queue; the table is there after it, also when nothing ever came."""
    table = TABLES[name]
    with as_dagster_failure():
        report = drain(platform, queue(name), seconds=DRAIN_SECONDS)
        warehouse = platform.warehouse()
        with warehouse.writer() as session:
            session.ensure(table)
        warehouse.publish()
    if report.outage:
        raise dg.Failure(f"{report.outage}; the events of {name} wait", allow_retries=False)
    rows = row_count(warehouse, table.schema, table.name)
    return dg.MaterializeResult(
        metadata={
            **table_metadata(rows, table.columns, table.schema, table.name),
            **found,
            "events_applied": report.applied,
            "events_duplicate_or_stale": report.duplicates,
            "dead_letters_added": report.dead,
            "events_waiting": report.depth.ready + report.depth.parked + report.depth.leased,
        }
    )
