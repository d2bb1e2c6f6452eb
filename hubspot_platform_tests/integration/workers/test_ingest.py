"""`ingest` and `replay`: recorded events become what received ones would have become; a bad line stops no other."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hubspot_platform.cli.main import app
from hubspot_platform.errors import UsageError
from hubspot_platform.runtime import Platform
from hubspot_platform.state import inbox
from hubspot_platform.workers.ingest import ingest
from hubspot_platform_tests.support.received import PAYMENTS, bare_platform, issue, payment, rows, work


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with bare_platform(tmp_path / "home", url) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.ndjson"


def stored(platform: Platform) -> list[str]:
    return [row["event_id"] for row in rows(platform, "select event_id from payments.payment_events order by 1")]


def test_case_013_bad_lines_are_dead_letters_that_name_their_line(platform: Platform, file: Path) -> None:
    good = [json.dumps(payment(number)) for number in range(1, 4)]
    wrong = ["{", "[1]", json.dumps({**payment(9), "occurred_at": None}), "\xff"]
    lines = [good[0], wrong[0], "", wrong[1], good[1], wrong[2], wrong[3], good[2]]
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode("latin-1"))

    report = ingest(platform, "chargebee", file)

    assert (report.lines, report.accepted, [bad.line for bad in report.bad]) == (7, 7, [2, 4, 6, 7])
    assert stored(platform) == ["ev_1", "ev_2", "ev_3"]
    letters = platform.state().read(inbox.dead_letters)
    assert sorted(str(letter["reason"]).split(":")[0] for letter in letters) == ["line 2", "line 4", "line 6", "line 7"]


def test_case_003_the_same_file_again_changes_nothing(platform: Platform, file: Path) -> None:
    file.write_text("\n".join(json.dumps(issue(f"BUG-{number}", at=number)) for number in range(3)) + "\n{")
    first = ingest(platform, "jira", file)
    before = rows(platform, "select * from jira.issue order by 1")

    again = ingest(platform, "jira", file)

    assert (first.accepted, first.duplicates) == (4, 0)
    assert (again.accepted, again.duplicates, len(again.bad)) == (0, 4, 1)
    assert rows(platform, "select * from jira.issue order by 1") == before


def test_a_line_longer_than_the_gateway_takes_is_skipped(tmp_path: Path, file: Path) -> None:
    long = payment(2, subscription={"id": "s1", "note": "x" * 5_000})
    file.write_text("\n".join(json.dumps(document) for document in (payment(1), long, payment(3))))
    with bare_platform(tmp_path / "home", None, gateway_max_body_bytes=2_000) as platform:
        report = ingest(platform, "chargebee", file)
        assert [(bad.line, bad.problem) for bad in report.bad] == [(2, "longer than 2000 bytes")]
        assert stored(platform) == ["ev_1", "ev_3"]


def test_hubspot_lines_are_deliveries_or_single_events(platform: Platform, file: Path) -> None:
    event = {
        "eventId": 1,
        "subscriptionType": "call.deletion",
        "portalId": 1,
        "objectId": 7,
        "occurredAt": 1772366400000,
    }
    delivery = [{**event, "objectId": 8}, {**event, "objectId": None}]
    file.write_text(f"{json.dumps(event)}\n{json.dumps(delivery)}\n")

    report = ingest(platform, "hubspot", file)

    assert (report.accepted, [bad.line for bad in report.bad]) == (3, [2])


def test_a_file_that_cannot_be_read_is_wrong_usage(platform: Platform, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        ingest(platform, "chargebee", tmp_path / "nowhere")


def run(home: Path, *arguments: str, code: int = 0) -> dict:
    environment = {"PLATFORM_HOME": str(home), "STATE_URL": "", "WAREHOUSE_URL": ""}
    done = CliRunner().invoke(app, [*arguments, "--json"], env=environment)
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def test_the_commands_ingest_and_replay(tmp_path: Path, file: Path) -> None:
    home = tmp_path / "home"
    file.write_text("\n".join([json.dumps(payment(1)), json.dumps({**payment(2), "content": 5})]))
    done = subprocess.run(
        [sys.executable, "-m", "hubspot_platform.cli", "ingest", "chargebee", str(file), "--json"],
        env={"PLATFORM_HOME": str(home), "PATH": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    (processed,) = json.loads(done.stdout)["processed"]
    assert (processed["queue"], processed["applied"], processed["dead"]) == (PAYMENTS, 1, 1)
    assert "2 lines" in done.stderr

    assert run(home, "replay", "PaymentEventsRunner") == {"replayed": 1, "asked": None}
    with bare_platform(home, None) as platform:
        assert work(platform, PAYMENTS).dead == 1
        everything = rows(platform, "select * from payments.payment_events")
        (letter,) = platform.state().read(inbox.dead_letters)
        ids = tmp_path / "ids"
        ids.write_text(f"{letter['id']}\n\n4711\n")
        assert run(home, "replay", "--ids", str(ids)) == {"replayed": 1, "asked": 2}
        assert run(home, "replay", "--all") == {"replayed": 1, "asked": None}
        report = work(platform, PAYMENTS)
        assert (report.applied, report.dead) == (1, 1)
        assert rows(platform, "select * from payments.payment_events") == everything
