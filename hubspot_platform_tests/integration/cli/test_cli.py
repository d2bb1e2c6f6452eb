"""The command line as people and machines use it: processes of its own, exit codes, one JSON document."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hubspot_platform.cli.main import run as command_line
from hubspot_platform.hubspot.catalogue import CATALOGUE, REFERENCES
from hubspot_platform_tests.support import children
from hubspot_platform_tests.support.platforms import environment
from hubspot_platform_tests.support.portal import Portal, portal


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A small portal that no test changes."""
    with portal("small") as running:
        yield running


@pytest.fixture(scope="module")
def synced(sandbox: Portal, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A home after `sync all` in a Python started anew, and what the command printed."""
    home = tmp_path_factory.mktemp("home")
    done = subprocess.run(
        [sys.executable, "-m", "hubspot_platform.cli", "sync", "all", "--json"],
        env={**os.environ, **environment(sandbox, home, None)},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return home, json.loads(done.stdout)


def run(portal: Portal, home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, in a folder without a `.env`."""
    return children.run(*arguments, environment={**environment(portal, home, None), **more}, folder=home)


def test_sync_all_reads_every_object_and_reports_it_as_one_document(synced: tuple[Path, dict[str, Any]]) -> None:
    _, document = synced
    assert document["failed"] == {}
    assert set(document["synced"]) == {*CATALOGUE, *REFERENCES}
    assert document["synced"]["custom_objects"]["objects"]["custom_bug"]["counts"]["read"] > 0
    contact = document["synced"]["contact"]
    counts = contact["counts"]
    assert contact["mode"] == "full"
    assert counts["read"] == sum(counts[n] for n in ("inserted", "updated", "unchanged", "stale", "deduplicated")) > 0


def test_custom_objects_are_synced_together_or_by_name(sandbox: Portal, synced: tuple[Path, dict[str, Any]]) -> None:
    home, _ = synced
    together = json.loads(run(sandbox, home, "sync", "custom", "--json").stdout)["synced"]["custom_objects"]
    assert together["objects"]["custom_bug"]["mode"] == "window"
    alone = json.loads(run(sandbox, home, "sync", "custom_bug", "calls", "--full", "--json").stdout)["synced"]
    assert {name: document["mode"] for name, document in alone.items()} == {"custom_bug": "full", "call": "full"}
    unknown = run(sandbox, home, "sync", "custom_unicorn", "--json")
    assert unknown.returncode != 0
    assert "custom_bug" in unknown.stdout


def test_query_answers_as_table_csv_and_json(sandbox: Portal, synced: tuple[Path, dict[str, Any]]) -> None:
    home, _ = synced
    sql = "select id, property_email, updated_at from hubspot.contact where not is_deleted order by id limit 3"
    rows = json.loads(run(sandbox, home, "query", sql, "--json").stdout)
    assert [set(row) for row in rows] == [{"id", "property_email", "updated_at"}] * 3
    lines = list(csv.DictReader(io.StringIO(run(sandbox, home, "query", sql, "--format", "csv").stdout)))
    assert [int(line["id"]) for line in lines] == [row["id"] for row in rows]
    assert "3 rows" in run(sandbox, home, "query", sql).stdout


def test_query_changes_nothing(sandbox: Portal, synced: tuple[Path, dict[str, Any]]) -> None:
    home, _ = synced
    done = run(sandbox, home, "query", "delete from hubspot.contact", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"] == "QueryRefused"
    left = json.loads(run(sandbox, home, "query", "select count(*) as n from hubspot.contact", "--json").stdout)
    assert left[0]["n"] > 0


def test_build_makes_the_models_and_names_the_checks_that_did_not_pass(
    sandbox: Portal, synced: tuple[Path, dict[str, Any]]
) -> None:
    home, _ = synced
    done = run(sandbox, home, "build", "hubspot/phone_number", "kind:sql", "--json")
    assert done.returncode == 0, done.stderr
    (built,) = json.loads(done.stdout)["runs"]
    assert built["success"]
    assert built["rows"]["metrics/daily_metric"] > 0
    assert {check["status"] for check in built["checks"]} <= {"pass", "warn"}

    told = run(sandbox, home, "metric", "deals_won", "--from", "2000-01-01", "--to", "2100-01-01", "--json")
    assert told.returncode == 0, told.stderr
    assert int(json.loads(told.stdout)["metrics"][0]["value"]) > 0


def test_doctor_finds_everything_in_order(sandbox: Portal, synced: tuple[Path, dict[str, Any]]) -> None:
    home, _ = synced
    done = run(sandbox, home, "doctor", "--json")
    assert done.returncode == 0, done.stdout
    findings = {finding["subject"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert findings["HUBSPOT_ACCESS_TOKEN"]["detail"] == "set"
    assert "portal 4242" in findings["HubSpot"]["detail"]
    assert findings["Slack"]["ok"]


def test_doctor_says_what_is_wrong_and_the_mend(sandbox: Portal, tmp_path: Path) -> None:
    done = run(sandbox, tmp_path, "doctor", "--json", HUBSPOT_ACCESS_TOKEN="expired-token")
    assert done.returncode == 1
    findings = {finding["subject"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert not findings["HubSpot"]["ok"]
    assert findings["HubSpot"]["mend"]
    assert "expired-token" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["sync", "contakts"], "use one of: contacts, companies, deals"),
        (["sync", "contacts", "--full", "--since", "2026-01-01"], "do not go together"),
        (["sync", "contacts", "--via", "export"], "give --full too"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_exists(
    sandbox: Portal, synced: tuple[Path, dict[str, Any]], arguments: list[str], says: str
) -> None:
    done = run(sandbox, synced[0], *arguments)
    assert done.returncode == 2
    assert says in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["build", "--job", "nightly"], "use one of:"), (["build", "hubspot/nothing"], "selects no asset")],
)
def test_a_wrong_job_or_selection_exits_with_2_and_says_what_exists(
    sandbox: Portal,
    synced: tuple[Path, dict[str, Any]],
    arguments: list[str],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process, which has Dagster imported."""
    for name, value in environment(sandbox, synced[0], None).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(synced[0])
    monkeypatch.setattr(sys, "argv", ["hubspot-platform", *arguments])
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        command_line()
    signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_wrong_configuration_exits_with_2_and_names_the_variable(sandbox: Portal, tmp_path: Path) -> None:
    done = run(sandbox, tmp_path, "sync", "contacts", "--json", WAREHOUSE_URL="oracle://scott:tiger@db/x")
    assert done.returncode == 2
    assert "WAREHOUSE_URL" in done.stderr
    assert "tiger" not in done.stderr + done.stdout
    assert json.loads(done.stdout)["error"] == "ConfigurationError"


def test_a_command_line_that_cannot_be_read_exits_with_2_and_is_one_document_too(
    sandbox: Portal, tmp_path: Path
) -> None:
    done = run(sandbox, tmp_path, "metric", "deals_won", "--to", "2026-05-01", "--json")
    assert done.returncode == 2
    assert "Missing option '--from'" in done.stderr
    assert json.loads(done.stdout) == {
        "error": "UsageError",
        "message": "Missing option '--from'.",
        "mend": "run the command with --help",
    }


def test_a_failed_sync_exits_with_1_and_the_others_are_kept(sandbox: Portal, tmp_path: Path) -> None:
    number = sandbox.fault("missing_scope", match={"object": "deals"}, scopes=["crm.objects.deals.read"])
    try:
        done = run(sandbox, tmp_path, "sync", "deals", "companies", "--json")
    finally:
        sandbox.clear_faults()
    assert number
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert set(document["synced"]) == {"company"}
    assert "crm.objects.deals.read" in document["failed"]["deal"]
