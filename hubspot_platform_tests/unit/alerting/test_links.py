"""Links into Dagster's UI, and plain words where its address is not known."""

from dataclasses import replace

import pytest

from hubspot_platform.alerting.links import DagsterLinks
from hubspot_platform_tests.unit.alerting.support import TOPIC

LINKS = DagsterLinks("https://dagster.example.com")


def test_a_run_is_linked_to_its_page():
    assert LINKS.run("0f2a7c1e") == "<https://dagster.example.com/runs/0f2a7c1e|run 0f2a7c1e>"


@pytest.mark.parametrize("subject", ["hubspot.contact", "hubspot/contact", "asset hubspot/contact"])
def test_an_asset_is_linked_however_its_source_names_it(subject):
    linked = "<https://dagster.example.com/assets/hubspot/contact|asset hubspot/contact>"
    assert LINKS.asset(replace(TOPIC, subject=subject)) == linked


@pytest.mark.parametrize("subject", ["job sync_hubspot_contacts", "HubSpot calls of the day", "inbox", "a/b c", ""])
def test_what_is_no_asset_has_no_link(subject):
    assert LINKS.asset(replace(TOPIC, subject=subject)) == ""


def test_without_an_address_runs_are_named_and_nothing_is_linked():
    assert DagsterLinks().run("0f2a7c1e") == "run 0f2a7c1e"
    assert DagsterLinks().asset(TOPIC) == ""


def test_text_from_data_cannot_leave_its_link():
    assert (
        LINKS.run("x>|<!channel>")
        == "<https://dagster.example.com/runs/x%3E%7C%3C%21channel%3E|run x&gt;|&lt;!channel&gt;>"
    )
