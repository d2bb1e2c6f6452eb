"""`hubspot-platform explore`: what it says of an object equals what the portal holds, on both engines."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hubspot_platform.cli import explore as explore_command
from hubspot_platform.cli.main import app
from hubspot_platform.hubspot.catalogue import CALL, COMPANY, CONTACT, DEAL, OWNERS
from hubspot_platform.mirror.exploration import Exploration, explore
from hubspot_platform.mirror.reference import sync_reference
from hubspot_platform.runtime import Platform
from hubspot_platform_tests.support.platforms import environment, platform_for, sync
from hubspot_platform_tests.support.portal import Portal, portal


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A small portal that no test changes."""
    with portal("small") as running:
        yield running


@pytest.fixture(scope="module", params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(
    request: pytest.FixtureRequest, sandbox: Portal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """A platform with deals, owners and companies, and without pipelines; the last two tests here add contacts."""
    url = request.getfixturevalue("module_postgres_url") if request.param == "postgres" else None
    with platform_for(sandbox, tmp_path_factory.mktemp("home"), url) as opened:
        sync(opened, COMPANY)
        sync(opened, DEAL)
        sync_reference(opened, OWNERS, run_id="test")
        yield opened


def test_properties_are_counted_and_measured(platform: Platform, sandbox: Portal) -> None:
    found = explore(platform, DEAL)
    deals = [record["properties"] for record in sandbox.dump("deals")]
    defined = sandbox.api("GET", "/crm/v3/properties/deals").json()["results"]

    assert found.rows == len(deals)
    assert sum(found.by("type").values()) == sum(found.by("group").values()) == len(defined)
    assert found.by("type")["datetime"] == sum(each["type"] == "datetime" for each in defined)
    measured = {each.name: each for each in found.properties}
    for name in ("dealname", "amount", "closedate", "dealstage"):
        values = [deal[name] for deal in deals if deal.get(name)]
        assert measured[name].filled == len(values)
        assert measured[name].filled_share == round(len(values) / len(deals), 4)
    assert measured["dealname"].distinct_values == len({deal["dealname"] for deal in deals if deal.get("dealname")})


def test_an_object_that_was_never_synced_is_described(platform: Platform) -> None:
    found = explore(platform, CALL)

    assert found.rows is None
    assert found.by("type")["datetime"] > 0
    assert {each.filled for each in found.properties} == {None}
    assert "not synced yet" in explore_command.summary_text(found)


def test_the_command_writes_both_reports_and_prints_the_document(
    platform: Platform, sandbox: Portal, tmp_path: Path
) -> None:
    url = platform.settings.warehouse if platform.warehouse().dialect == "postgres" else None
    done = CliRunner().invoke(
        app,
        ["explore", "deals", "--to", str(tmp_path / "out"), "--json"],
        env=environment(sandbox, platform.settings.home, url),
    )
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    (analysis,) = (tmp_path / "out").glob("hubspot_deal_analysis_*.json")
    (summary,) = (tmp_path / "out").glob("hubspot_deal_summary_*.txt")
    assert document.pop("files") == {"analysis": str(analysis), "summary": str(summary)}
    assert json.loads(analysis.read_text()) == document
    text = summary.read_text()
    assert f"NUMBER: {document['by_type']['number']}" in text
    assert "deal.owner_id -> owner.owner_id" in text


def test_relationships_say_how_many_ids_are_known(platform: Platform, sandbox: Portal) -> None:
    def told(found: Exploration) -> dict[str, tuple[int, int | None, int | None]]:
        return {
            f"{each.relation.table}.{each.relation.column}": (each.named, each.resolved, each.unresolved)
            for each in found.relationships
        }

    before = told(explore(platform, DEAL))
    owned = [record for record in sandbox.dump("deals") if record["properties"].get("hubspot_owner_id")]
    assert before["deal.owner_id"] == (len(owned), len(owned), 0)
    assert before["deal.deal_pipeline_id"][1] is None
    pairs = before["deal_company.company_id"]
    assert pairs[0] > 0
    assert pairs[0] == pairs[1]
    assert before["deal_contact.contact_id"][1] is None
    sync(platform, CONTACT)
    after = told(explore(platform, DEAL))
    assert after["deal_contact.contact_id"] == (before["deal_contact.contact_id"][0],) * 2 + (0,)


def test_examples_are_declared_choices_and_nothing_else(platform: Platform) -> None:
    sync(platform, CONTACT)
    document = explore(platform, CONTACT).as_json()
    shown = {each["name"] for each in document["property_details"] if each["examples"]}

    assert "lifecyclestage" in shown
    assert shown.isdisjoint({"email", "firstname", "lastname", "phone", "hubspot_owner_id"})
