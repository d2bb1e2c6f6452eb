"""The attribution assets that SQL alone cannot make: delayed runs, what was published, and the credit of channels.

`definitions.py` calls `attribution_assets`. They have the days of the SQL models between them, so that one run computes
all of it in order.
"""

import warnings
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import dagster as dg
import pyarrow as pa
from dagster._utils.warnings import BetaWarning

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.assets.metadata import column_schema, row_count, table_metadata
from hubspot_platform.assets.sql_models import POOL, daily_partitions, downstream_condition, single_run
from hubspot_platform.attribution.credit import CONVERSION, NOTHING, START, markov_credit, shapley_credit
from hubspot_platform.attribution.runs import announce_signups, finish, take_triggers
from hubspot_platform.attribution.tables import ATTRIBUTION_RUN, CHANNEL_CREDIT, PUBLISHED_ATTRIBUTION
from hubspot_platform.runtime import Platform
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.model import Table

GROUP = "attribution"
OWNERS = ["team:marketing"]
UNIT = Decimal("0.000000000001")

Work = Callable[[Platform], dict[str, Any]]


def attribution_assets(dialect: str, first_partition: datetime) -> list[dg.AssetsDefinition]:
    """Return the three assets."""
    days = daily_partitions(first_partition)

    def asset(table: Table, work: Work, *deps: dg.AssetDep) -> dg.AssetsDefinition:
        return _asset(table, work, days, dialect, list(deps))

    return [
        asset(ATTRIBUTION_RUN, _take, _whole("product", "mobile_signup")),
        asset(
            PUBLISHED_ATTRIBUTION,
            _publish,
            dg.AssetDep([GROUP, "company_summary"]),
            dg.AssetDep([GROUP, "contact_profile_attribution_first"]),
        ),
        asset(CHANNEL_CREDIT, _credit, dg.AssetDep([GROUP, "company_path"]), _whole("product", "company")),
    ]


def _whole(*key: str) -> dg.AssetDep:
    return dg.AssetDep(list(key), partition_mapping=dg.AllPartitionMapping())


def _asset(
    table: Table, work: Work, days: dg.DailyPartitionsDefinition, dialect: str, deps: list[dg.AssetDep]
) -> dg.AssetsDefinition:
    with warnings.catch_warnings():
        # The decorator's backfill_policy parameter is beta, as in `sql_models`.
        warnings.simplefilter("ignore", BetaWarning)

        @dg.asset(
            key=[table.schema, table.name],
            deps=deps,
            description=table.description,
            group_name=GROUP,
            # With kind `sql` the catch-up and `build` treat them as what they are part of.
            kinds={"sql", "python", dialect},
            code_version="1",
            owners=OWNERS,
            metadata={
                "dagster/table_name": f"{table.schema}.{table.name}",
                "dagster/column_schema": column_schema(table.columns),
            },
            partitions_def=days,
            backfill_policy=single_run(),
            automation_condition=downstream_condition(),
            pool=POOL,
        )
        def build(platform: dg.ResourceParam[Platform]) -> dg.MaterializeResult[Any]:
            started_at = platform.clock()
            with as_dagster_failure():
                told = work(platform)
                platform.warehouse().publish_soon()
            rows = row_count(platform.warehouse(), table.schema, table.name)
            return dg.MaterializeResult(
                metadata={
                    **table_metadata(rows, table.columns, table.schema, table.name),
                    "started_at": dg.MetadataValue.timestamp(started_at),
                    **told,
                }
            )

    return build


def _take(platform: Platform) -> dict[str, Any]:
    return {"signups_announced": announce_signups(platform), "triggers_taken": take_triggers(platform)}


def _publish(platform: Platform) -> dict[str, Any]:
    found = finish(platform)
    return {"runs_closed": found.runs, "companies_changed": found.changed, "events_published": found.published}


def _credit(platform: Platform) -> dict[str, Any]:
    with platform.warehouse().writer() as session:
        rows = credit_rows(session, platform.clock())
        with session.transaction():
            session.ensure(CHANNEL_CREDIT)
            session.execute(f"delete from {CHANNEL_CREDIT.qualified}")
            session.load(CHANNEL_CREDIT, rows)
    return {"channels": rows.num_rows}


_STEPS = f"""
    with step as (
        select
            p.channel, c.first_paid_at is not null as paid,
            coalesce(lag(p.channel) over (partition by p.company_id order by p.position), '{START}') as before,
            lead(p.channel) over (partition by p.company_id order by p.position) is null as is_last
        from attribution.company_path as p
        join product.company as c on tidy(c.company_id) = p.company_id)
    select before, channel as after, count(*) as times from step group by before, channel
    union all
    select channel as before, case when paid then '{CONVERSION}' else '{NOTHING}' end as after, count(*) as times
    from step where is_last group by channel, paid"""

_SETS = """
    with touched as (
        select distinct p.company_id, p.channel
        from attribution.company_path as p
        join product.company as c on tidy(c.company_id) = p.company_id
        where c.first_paid_at is not null),
    company as (
        select company_id, string_agg(channel, ',' order by channel) as channels from touched group by company_id)
    select channels, count(*) as conversions from company group by channels"""


def credit_rows(session: Session, as_of: datetime) -> pa.Table:
    """Return the rows of `channel_credit`: a conversion is a company that has paid and was touched before.

    The models are exact; each figure is rounded once, half up, to 12 places.
    """
    steps = {(row["before"], row["after"]): row["times"] for row in session.query(_STEPS).to_pylist()}
    sets = {frozenset(row["channels"].split(",")): row["conversions"] for row in session.query(_SETS).to_pylist()}
    markov, shapley = markov_credit(steps, sum(sets.values())), shapley_credit(sets)
    rows = [
        {
            "channel": channel,
            "conversions": Decimal(sum(count for touched, count in sets.items() if channel in touched)),
            "markov": _rounded(markov[channel]),
            "shapley": _rounded(shapley.get(channel, Fraction(0))),
            "computed_at": as_of,
        }
        for channel in sorted(markov)
    ]
    return pa.Table.from_pylist(rows, schema=CHANNEL_CREDIT.arrow_schema())


def _rounded(value: Fraction) -> Decimal:
    return int(value / Fraction(UNIT) + Fraction(1, 2)) * UNIT
