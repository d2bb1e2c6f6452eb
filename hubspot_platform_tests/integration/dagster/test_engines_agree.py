"""The same portal and product database give the same rows on DuckDB + SQLite and on PostgreSQL: every table, column.

The whole platform runs twice through Dagster on the documented size (29,000 contacts, 1,000 deals); only the times of
the runs themselves may differ.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from hubspot_platform.automation.instance import prepare_instance
from hubspot_platform.automation.runs import RunOutcome, execute
from hubspot_platform.runtime import Platform
from hubspot_platform.sandbox.product.facts import portal_facts
from hubspot_platform.sandbox.product.write import write_product
from hubspot_platform.workers.ingest import ingest
from hubspot_platform_tests.support import postgres
from hubspot_platform_tests.support.platforms import platform_for
from hubspot_platform_tests.support.portal import Portal, portal

pytestmark = [pytest.mark.postgres, pytest.mark.soak]

RUN_TIMES = {
    *("_fivetran_synced", "synced_at", "seen_at", "checked_at", "rejected_at", "received_at"),
    *("computed_at", "as_of", "published_at", "started_at", "due_at"),
}
READ = ("hubspot", "product", "predictions", "jira")
BUILT = ("attribution", "payments", "funnel", "metrics")
NOTHING_SEEDED = {
    *("hubspot.association_change", "hubspot.contact_property_history", "hubspot.contact_qualification"),
    *("attribution.attribution_run", "payments.rejected_transaction", "jira.issue"),
}
"""Tables that a portal which only is read leaves empty, or that are asked for by settings."""
SEEDED_DIRT = {
    "hubspot/company": {"values_fit_types"},
    "hubspot/contact": {"required_fields", "values_fit_types"},
    "hubspot/deal": {"values_fit_types"},
    "hubspot/hubspot_calls_raw": {"customer_number_readable"},
    "hubspot/hubspot_contacts_raw": {"phone_readable"},
    "hubspot/hubspot_deals_raw": {"won_deals_have_an_amount"},
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A portal that does not change, of today: what its biller says of revenue holds when the models are built."""
    with portal("document", "--base-time", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}") as running:
        yield running


@pytest.fixture(scope="module")
def both(
    sandbox: Portal, postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Platform, list[RunOutcome]]]]:
    """The platform after one run of everything, by engine."""
    files = tmp_path_factory.mktemp("matrix")
    write_product(portal_facts(sandbox.url), 1, files)
    sources = {
        name: f"dir://{files / name.removesuffix('_source')}" for name in ("product_source", "predictions_source")
    }
    with (
        postgres.database(postgres_server) as url,
        platform_for(sandbox, tmp_path_factory.mktemp("duckdb"), **sources) as embedded,
        platform_for(sandbox, tmp_path_factory.mktemp("postgres"), url, **sources) as server,
    ):
        as_of = datetime.now(UTC)
        yield {
            name: (platform, run_everything(platform, files / "billing" / "events.ndjson", as_of))
            for name, platform in (("duckdb", embedded), ("postgres", server))
        }


def run_everything(platform: Platform, billing: Path, as_of: datetime) -> list[RunOutcome]:
    """Read, land and ingest everything, then build what reads it as of a moment both engines share."""
    prepare_instance(platform.settings)
    assert not ingest(platform, "chargebee", billing).bad
    read = execute(platform, selection=[f"group:{schema}" for schema in READ])
    fixed = Platform(platform.settings, lambda: as_of)
    built = execute(fixed, selection=[f"group:{schema}" for schema in BUILT])
    fixed.close()
    return [read, built]


def tables(platform: Platform) -> dict[str, list[str]]:
    """Return the columns of every table, by qualified name."""
    with platform.warehouse().reader() as session:
        rows = session.query(
            "select table_schema as s, table_name as t, column_name as c from information_schema.columns "
            f"where table_schema in {(*READ, *BUILT)} order by table_schema, table_name, ordinal_position"
        ).to_pylist()
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(f"{row['s']}.{row['t']}", []).append(row["c"])
    return found


def contents(platform: Platform, table: str, columns: list[str]) -> pa.Table:
    names = ", ".join(f'"{name}"' for name in columns)
    with platform.warehouse().reader() as session:
        return session.query(f"select {names} from {table}")


def test_every_run_is_green_and_only_the_seeded_dirt_warns(both: dict[str, tuple[Platform, list[RunOutcome]]]) -> None:
    for platform, outcomes in both.values():
        assert [outcome.error for outcome in outcomes if not outcome.success] == []
        checks = [check for outcome in outcomes for check in outcome.checks]
        assert [(check.asset, check.check) for check in checks if check.status == "fail"] == []
        warned: dict[str, set[str]] = {}
        for check in checks:
            if check.status == "warn" and check.asset.startswith("hubspot/"):
                warned.setdefault(check.asset, set()).add(check.check)
        assert warned == SEEDED_DIRT
        with platform.warehouse().reader() as session:
            misfits = session.query("select count(*) as n from hubspot.value_error where reason = 'does_not_fit'")
            replaced = session.query("select count(*) as n from hubspot.value_error where reason <> 'does_not_fit'")
        assert misfits.column("n")[0].as_py() > 0
        assert replaced.column("n")[0].as_py() > 0


def test_both_engines_warn_of_the_same(both: dict[str, tuple[Platform, list[RunOutcome]]]) -> None:
    embedded, server = (
        {(check.asset, check.check): check.status for outcome in outcomes for check in outcome.checks}
        for _, outcomes in both.values()
    )
    assert embedded == server


def test_every_table_and_column_is_equal_on_both_engines(both: dict[str, tuple[Platform, list[RunOutcome]]]) -> None:
    embedded, server = both["duckdb"][0], both["postgres"][0]
    assert tables(embedded).keys() == tables(server).keys()
    assert {"hubspot.contact", "payments.mrr_month", "attribution.channel_credit", "metrics.daily_metric"} <= set(
        tables(embedded)
    )
    for table, columns in tables(embedded).items():
        assert set(columns) == set(tables(server)[table])
        compared = [name for name in columns if name not in RUN_TIMES]
        here = in_key_order(contents(embedded, table, compared))
        there = in_key_order(contents(server, table, compared))
        assert here.num_rows == there.num_rows, table
        assert here.num_rows > 0 or table in NOTHING_SEEDED, table
        for name in compared:
            assert here.column(name).equals(there.column(name)), f"{table}.{name}"


def in_key_order(table: pa.Table) -> pa.Table:
    """Order rows by every column that can be compared, so that two sets of rows can be."""
    keys = [(field.name, "ascending") for field in table.schema if not pa.types.is_decimal(field.type)]
    return table.sort_by(keys).combine_chunks()
