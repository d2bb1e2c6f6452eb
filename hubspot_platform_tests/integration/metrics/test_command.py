"""`hubspot-platform metric` over a published warehouse."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hubspot_platform.cli.main import app
from hubspot_platform.errors import UsageError
from hubspot_platform.metrics.answer import MetricsNotBuiltError, SalesMetrics, UnknownOwnerError
from hubspot_platform.metrics.catalogue import METRICS, UnknownMetricError
from hubspot_platform.metrics.period import PeriodError, TimeZoneError
from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.integration.metrics.cases import RULES, Rule
from hubspot_platform_tests.integration.metrics.conftest import Prepared
from hubspot_platform_tests.integration.metrics.models import models
from hubspot_platform_tests.integration.metrics.records import BERLIN

APRIL = ("--from", "2026-04-01", "--to", "2026-05-01")
MINI: Rule = next(rule for rule in RULES if rule.name == "the_mini_example")


def run(url: str, home: Path, *arguments: str, **more: str) -> Result:
    environment = {"WAREHOUSE_URL": url, "PLATFORM_HOME": str(home), "COLUMNS": "100", **more}
    return CliRunner().invoke(app, ["metric", *arguments], env=environment)


@pytest.fixture
def ask(prepared: Prepared, tmp_path: Path) -> Any:
    def answer(*arguments: str) -> Any:
        done = run(prepared.url, tmp_path, *arguments, "--json")
        if done.exception is not None:
            raise done.exception
        return json.loads(done.stdout)

    return answer


def test_all_22_of_one_owner_as_one_document(ask: Any) -> None:
    document = ask(*APRIL, "--owner", MINI.case.owner, "--time-zone", "America/New_York")
    assert [found["metric"] for found in document["metrics"]] == [metric.name for metric in METRICS]
    assert document["period_start"] == "2026-04-01T00:00:00-04:00"
    assert document["period_end"] == "2026-05-01T00:00:00-04:00"
    assert (document["owner_id"], document["by"], document["currency"]) == (MINI.case.owner, None, "USD")
    values = {found["metric"]: found["value"] for found in document["metrics"]}
    assert values["total_sales"] == "1200.00"
    assert values["deals_won"] == "1"
    assert values["contact_to_customer_rate"] == "33.3333"
    assert values["qualified_rate"] is None
    assert document["metrics"][17]["median"] == "24.0000"
    assert document["metrics"][0]["numerator"] == "1200"


def test_the_records_behind_numbers(ask: Any) -> None:
    document = ask("total_sales", "pickup_rate", *APRIL, "--owner", MINI.case.owner, "--records")
    assert set(document) == {"total_sales", "pickup_rate"}
    (sale,) = document["total_sales"]
    assert (sale["object"], sale["measure"], sale["counted_at"]) == ("deal", "1200", "2026-04-12T10:00:00+00:00")
    assert [call["measure"] for call in document["pickup_rate"]] == ["1", "0", "1", "0"]


def test_days_are_those_of_the_reports_time_zone_when_none_is_named(prepared: Prepared, tmp_path: Path) -> None:
    config = tmp_path / "platform.toml"
    config.write_text("report_time_zone = 'Asia/Kolkata'")
    done = run(prepared.url, tmp_path, "calls_total", *APRIL, "--json", PLATFORM_CONFIG=str(config))
    assert json.loads(done.stdout)["period_start"] == "2026-04-01T00:00:00+05:30"


def test_a_split_shows_sizes_intervals_and_why_there_is_no_winner(prepared: Prepared, ask: Any, tmp_path: Path) -> None:
    question = ("offer_given_rate", *APRIL, "--owner", MINI.case.owner, "--by", "vsl_watched")
    document = ask(*question)
    (group,) = document["metrics"]
    assert (group["variant"], group["records"], group["denominator"]) == ("unknown", 2, 2)
    assert (group["ci_low"], group["value"], group["ci_high"]) == ("34.2380", "100.0000", "100.0000")
    reason = "there are not two known variants"
    assert document["comparisons"] == [{"metric": "offer_given_rate", "winner": None, "reason": reason}]

    people = run(prepared.url, tmp_path, *question)
    assert people.exit_code == 0
    assert "34.24 to 100.00" in people.stdout
    assert f"offer_given_rate: no winner, {reason}" in people.stdout


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("total_sale", *APRIL), UnknownMetricError, "there is no metric 'total_sale' — use one of total_sales"),
        (("--from", "0001-01-01", "--to", "2026-04-01"), PeriodError, "0001-01-01 does not begin within the calendar"),
        (("--from", "2026-05-01", "--to", "2026-04-01"), PeriodError, "is empty — let it end later"),
        ((*APRIL, "--time-zone", "Berlin"), TimeZoneError, "'Berlin' is no time zone — use an IANA name"),
        (("--from", "1.4.2026", "--to", "2026-04-01"), UsageError, "--from '1.4.2026' is no day — write it as"),
        ((*APRIL, "--records", "--by", "vsl_watched"), UsageError, "--records and --by do not go together"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_what_to_do(
    tmp_path: Path, arguments: tuple[str, ...], error: type[Exception], message: str
) -> None:
    done = run(f"duckdb:///{tmp_path / 'none.duckdb'}", tmp_path, *arguments)
    assert isinstance(done.exception, error)
    assert message in str(done.exception)


def test_an_owner_is_unknown_too_while_no_owners_are_read(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        session.execute("create schema metrics")
        session.ensure(models(BERLIN)["metrics.metric_record"].table)
    warehouse.publish()
    with pytest.raises(UnknownOwnerError, match="no owner '901'"):
        SalesMetrics(warehouse).metric(date(2026, 4, 1), date(2026, 5, 1), "901")


def test_before_the_tables_are_built_it_says_what_to_run(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        session.execute("create schema metrics")
    warehouse.publish()
    for ask in (SalesMetrics(warehouse).metric, lambda *days: SalesMetrics(warehouse).records("deals_won", *days)):
        with pytest.raises(MetricsNotBuiltError, match="metric_record is not in the warehouse yet — run"):
            ask(date(2026, 4, 1), date(2026, 5, 1))
