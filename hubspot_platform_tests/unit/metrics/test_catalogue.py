"""The list of metrics, its rules for SQL, and its table in the documentation."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from hubspot_platform.business import Business
from hubspot_platform.metrics.catalogue import METRICS, Kind, Unit, UnknownMetricError, named, rules_document
from hubspot_platform.sql_models.render import render
from hubspot_platform.sql_models.store import sql_folder

DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_there_are_22_numbered_in_order() -> None:
    assert [metric.number for metric in METRICS] == list(range(1, 23))
    assert len({metric.name for metric in METRICS}) == 22


def test_names_are_answered_in_the_order_of_the_list_and_all_without_names() -> None:
    assert [metric.name for metric in named(("calls_total", "total_sales"))] == ["total_sales", "calls_total"]
    assert named(()) == METRICS


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownMetricError, match=r"there is no metric 'total_sale' — use one of total_sales, .*rate"):
        named(("total_sales", "total_sale"))


def test_rates_are_percentages_and_only_rates() -> None:
    assert {metric.name for metric in METRICS if metric.kind is Kind.RATE} == {
        metric.name for metric in METRICS if metric.unit is Unit.PERCENT
    }
    assert {metric.times for metric in METRICS if metric.kind is Kind.RATE} == {100}


def test_sql_gets_a_rule_for_every_metric_as_text() -> None:
    rules = json.loads(rules_document())
    assert [rule["metric"] for rule in rules] == [metric.name for metric in METRICS]
    assert {type(value) for rule in rules for value in rule.values()} == {str}
    assert rules[20] == {
        "metric": "time_to_sale_days",
        "kind": "mean",
        "unit": "days",
        "times": "1",
        "parts": "86400",
        "has_median": "yes",
    }


def test_every_metric_is_one_column_and_one_part_of_the_records() -> None:
    tables = [sql_folder() / "metrics" / f"{name}_metric.sql" for name in ("contact", "deal", "call")]
    columns = [
        column for table in tables for column in re.findall(r"^-- column: (\w+):", table.read_text(), re.MULTILINE)
    ]
    records = (sql_folder() / "metrics" / "metric_record.sql").read_text()
    for metric in METRICS:
        assert columns.count(metric.name) == 1
        assert records.count(f"'{metric.name}'") == 1


def test_connected_dispositions_come_from_the_settings_in_lower_case() -> None:
    said = Business(connected_dispositions=("Answered", "it's ON"), properties={})
    assert render("in (${connected_dispositions})", said, "f") == "in ('answered', 'it''s on')"
    nobody = Business(connected_dispositions=(), properties={})
    assert render("in (${connected_dispositions})", nobody, "f") == "in (null)"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("total_sales", "0.005", "0.01"),
        ("total_sales", "-0.005", "-0.01"),
        ("average_deal_size", "33.3366666667", "33.34"),
        ("upfront_cash", "149.9949999999", "150.00"),  # three times 100 ÷ 3, and 99.99 ÷ 2
        ("upfront_cash", "-149.9949999999", "-150.00"),
        ("upfront_cash", "149.9949", "149.99"),
        ("deals_won", "3.0000000000", "3"),
        ("average_followups", "0.5", "0.5000"),
        ("pickup_rate", "33.33335", "33.3334"),
    ],
)
def test_values_are_shown_rounded_half_up(name: str, value: str, shown: str) -> None:
    assert str(named((name,))[0].rounded(Decimal(value))) == shown


def test_the_documentation_lists_the_metrics_as_they_are() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+?) \| (.+?) \| (\w+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    assert rows == [(str(m.number), m.name, m.formula, m.period, m.unit) for m in METRICS]
