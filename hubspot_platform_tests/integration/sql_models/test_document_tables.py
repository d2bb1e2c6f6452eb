"""The source documents' own tables over a synced portal: they hold what the portal holds, alike on both engines."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from hubspot_platform.assets.phone_numbers import refresh_phone_numbers
from hubspot_platform.hubspot.catalogue import CATALOGUE, REFERENCES
from hubspot_platform.mirror.reference import sync_reference
from hubspot_platform.runtime import Platform
from hubspot_platform.sql_models.build import BuildOutcome, build_model
from hubspot_platform.sql_models.model import Model
from hubspot_platform.sql_models.store import load_models, sql_folder
from hubspot_platform_tests.support import postgres
from hubspot_platform_tests.support.platforms import platform_for, rows, sync
from hubspot_platform_tests.support.portal import Portal, portal

OF_THE_DOCUMENTS = {
    "hubspot_deal_v2", "hubspot_deal_association", "hubspot_deal_pipeline", "hubspot_ticket",
    "hubspot_ticket_association", "hubspot_ticket_pipeline", "call", "meeting", "email",
    "hubspot_engagement_association_v3", "hubspot_email_events", "hubspot_contact_list_membership",
    "hubspot_company_property_value", "hubspot_company_property_with_history_value",
    "hubspot_contact_property_value_v2", "hubspot_contacts_raw", "hubspot_deals_raw", "hubspot_calls_raw",
    "deals_with_contacts",
}  # fmt: skip
OF_THE_RUN = {"synced_at"}

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A small portal that does not change."""
    with portal("small", "--base-time", "2026-05-01T12:00:00") as running:
        yield running


@pytest.fixture(scope="module")
def both(
    sandbox: Portal, postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Platform]]:
    """The portal synced whole and every model built, by engine."""
    with (
        postgres.database(postgres_server) as url,
        platform_for(sandbox, tmp_path_factory.mktemp("duckdb")) as embedded,
        platform_for(sandbox, tmp_path_factory.mktemp("postgres"), url) as server,
    ):
        for platform in (embedded, server):
            for entry in REFERENCES.values():
                sync_reference(platform, entry, run_id="test")
            for obj in CATALOGUE.values():
                sync(platform, obj)
            refresh_phone_numbers(platform.warehouse(), platform.business, platform.clock())
            build_all(platform)
            platform.warehouse().publish()
        yield {"duckdb": embedded, "postgres": server}


@pytest.fixture(params=["duckdb", "postgres"])
def platform(request: pytest.FixtureRequest, both: dict[str, Platform]) -> Platform:
    return both[request.param]


def models(platform: Platform) -> dict[str, Model]:
    return {model.name: model for model in load_models(sql_folder(), platform.business) if model.schema == "hubspot"}


def build_all(platform: Platform) -> dict[str, BuildOutcome]:
    """Build the models of the schema, each after those it reads."""
    waiting, outcomes = models(platform), {}
    with platform.warehouse().writer() as session:
        while waiting:
            name = next(n for n, m in waiting.items() if not {table for _, table in m.analysis.reads} & set(waiting))
            outcomes[name] = build_model(session, waiting.pop(name))
    return outcomes


def contents(platform: Platform, model: Model) -> list[dict[str, Any]]:
    names = [column.name for column in model.analysis.columns if column.name not in OF_THE_RUN]
    found = rows(platform, f"select {', '.join(names)} from hubspot.{model.name}")
    return sorted(found, key=lambda row: [str(row[name]) for name in model.header.grain])


def test_every_table_of_the_documents_is_there_with_equal_rows_on_both_engines(both: dict[str, Platform]) -> None:
    embedded, server = both["duckdb"], both["postgres"]
    known = models(embedded)
    assert set(known) >= OF_THE_DOCUMENTS
    for name in OF_THE_DOCUMENTS:
        here, there = contents(embedded, known[name]), contents(server, known[name])
        assert here, name
        assert here == there, name


@pytest.mark.parametrize(
    ("table", "id_column", "plural"),
    [
        ("call", "call_id", "calls"),
        ("meeting", "meeting_id", "meetings"),
        ("email", "email_id", "emails"),
        ("hubspot_deal_v2", "deal_id", "deals"),
        ("hubspot_ticket", "ticket_id", "tickets"),
    ],
)
def test_live_records_are_those_of_the_portal(
    platform: Platform, sandbox: Portal, table: str, id_column: str, plural: str
) -> None:
    here = rows(platform, f"select {id_column} as id from hubspot.{table} where not is_deleted")
    assert {row["id"] for row in here} == {int(record["id"]) for record in sandbox.dump(plural)}


def test_the_columns_of_a_call_are_its_properties(platform: Platform, sandbox: Portal) -> None:
    calls = {int(record["id"]): record["properties"] for record in sandbox.dump("calls")}
    for row in rows(platform, "select * from hubspot.call where not is_deleted"):
        there = calls[row["call_id"]]
        assert row["direction"] == (there.get("hs_call_direction") or None)
        assert row["to_number"] == (there.get("hs_call_to_number") or None)
        assert row["duration_ms"] == (int(there["hs_call_duration"]) if there.get("hs_call_duration") else None)


def test_engagement_associations_are_the_links_of_the_portal(platform: Platform, sandbox: Portal) -> None:
    live = {int(record["id"]) for record in sandbox.dump("calls")}
    here = rows(
        platform,
        "select engagement_id as a, to_object_id as b, type_id as t from hubspot.hubspot_engagement_association_v3 "
        "where engagement_type = 'CALL' and to_object_type = 'contact'",
    )
    there = {(int(a), int(b), t) for a, b, t in sandbox.links("calls", "contacts") if int(a) in live}
    assert {(row["a"], row["b"], row["t"]) for row in here} == there


def test_property_values_are_those_of_the_portal(platform: Platform, sandbox: Portal) -> None:
    here = rows(platform, "select company_id, name, value from hubspot.hubspot_company_property_value")
    there = {
        (int(record["id"]), name): value
        for record in sandbox.dump("companies")
        for name, value in record["properties"].items()
        if value not in (None, "")
    }
    assert {(row["company_id"], row["name"]): row["value"] for row in here} == there


@pytest.mark.parametrize(
    ("model", "stage_table", "check"),
    [
        ("hubspot_deal_v2", "deal_pipeline_stage", "stage_is_in_the_pipeline"),
        ("hubspot_ticket", "ticket_pipeline_stage", "status_is_in_the_pipeline"),
    ],
)
def test_a_stage_that_no_pipeline_has_is_counted(platform: Platform, model: str, stage_table: str, check: str) -> None:
    known = models(platform)[model]
    label = "stage_label" if model == "hubspot_deal_v2" else "status_label"
    stage = label.replace("label", "id")
    (common,) = rows(
        platform,
        f"select {stage} as id, count(*) as n from hubspot.{model} where not is_deleted and {label} is not null "
        f"group by {stage} order by 2 desc, 1 limit 1",
    )
    gone = f"update hubspot.{stage_table} set _fivetran_deleted = ? where stage_id = ?"
    with platform.warehouse().writer() as session:
        before = violations(build_model(session, known), check)
        session.execute(gone, [True, common["id"]])
        assert violations(build_model(session, known), check) == before + common["n"]
        session.execute(gone, [False, common["id"]])
        assert violations(build_model(session, known), check) == before


@pytest.mark.parametrize(("model", "column"), [("call", "duration_ms"), ("hubspot_calls_raw", "call_duration")])
def test_a_duration_that_no_whole_number_holds_is_unknown_and_counted(
    platform: Platform, model: str, column: str
) -> None:
    known = models(platform)[model]
    key = known.header.grain[0]
    (longest,) = rows(
        platform,
        "select engagement_id as id, property_hs_call_duration as ms from hubspot.engagement_call "
        "where not is_deleted order by property_hs_call_duration desc nulls last, 1 limit 1",
    )
    change = "update hubspot.engagement_call set property_hs_call_duration = ? where engagement_id = ?"
    kept = f"select {column} as ms from hubspot.{model} where {key} = '{longest['id']}'"
    with platform.warehouse().writer() as session:
        before = violations(build_model(session, known), "duration_readable")
        session.execute(change, [Decimal(10) ** 20, longest["id"]])
        assert violations(build_model(session, known), "duration_readable") == before + 1
        assert session.query(kept).to_pylist() == [{"ms": None}]
        session.execute(change, [longest["ms"], longest["id"]])
        assert violations(build_model(session, known), "duration_readable") == before
        assert session.query(kept).to_pylist() == [{"ms": int(longest["ms"])}]


def violations(outcome: BuildOutcome, check: str) -> int:
    return {found.check.name: found.violations for found in outcome.checks}[check]


def test_calls_meet_their_contacts_by_phone(platform: Platform) -> None:
    matched = rows(
        platform,
        "select c.customer_e164 as call_number, k.phone_e164 as contact_number from hubspot.hubspot_calls_raw as c "
        "join hubspot.hubspot_contacts_raw as k on k.hubspot_id = c.contact_id",
    )
    assert len(matched) > 20
    assert all(row["call_number"] == row["contact_number"] for row in matched)


def test_on_postgresql_the_raw_tables_have_the_documents_indexes(both: dict[str, Platform]) -> None:
    with both["postgres"].warehouse().reader() as session:
        found = session.query("select indexname as name from pg_catalog.pg_indexes where schemaname = 'hubspot'")
    assert {
        "idx_contacts_phone", "idx_contacts_email", "idx_contacts_createdate", "idx_contacts_raw_json",
        "idx_deals_stage", "idx_deals_amount", "idx_deals_closedate", "idx_deals_payment_status", "idx_deals_raw_json",
        "idx_calls_to_number", "idx_calls_timestamp", "idx_calls_duration", "idx_calls_raw_json",
        "idx_hubspot_deal_dealname", "idx_hubspot_deal_owner", "idx_hubspot_deal_created",
        "idx_hubspot_deal_modified", "idx_hubspot_deal_fivetran_synced",
    } <= set(found["name"].to_pylist())  # fmt: skip
