"""Every rule of every metric, on both engines: what counts, when, in which unit, and what is left out."""

from datetime import date
from decimal import Decimal

import pytest

from hubspot_platform.metrics.answer import MetricValue, SalesMetrics
from hubspot_platform.metrics.catalogue import METRICS
from hubspot_platform_tests.integration.metrics.cases import RULES, Rule
from hubspot_platform_tests.integration.metrics.conftest import Prepared

APRIL = (date(2026, 4, 1), date(2026, 5, 1))


def answer(value: MetricValue) -> tuple[object, ...]:
    found = (value.numerator, value.denominator, value.value)
    return (*found, value.median) if value.metric.has_median else found


def exact(expected: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(Decimal(part) if isinstance(part, str) else part for part in expected)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule(prepared: Prepared, rule: Rule) -> None:
    report = SalesMetrics(prepared.warehouse).metric(*APRIL, rule.case.owner, names=tuple(rule.expected))
    found = {value.metric.name: answer(value) for value in report.values}
    assert found == {name: exact(expected) for name, expected in rule.expected.items()}


def test_the_rules_cover_every_metric() -> None:
    assert {name for rule in RULES for name in rule.expected} == {metric.name for metric in METRICS}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_records_behind_a_number_add_up_to_it(prepared: Prepared, rule: Rule) -> None:
    metrics = SalesMetrics(prepared.warehouse)
    for value in metrics.metric(*APRIL, rule.case.owner, names=tuple(rule.expected)[-2:]).values:
        records = metrics.records(value.metric.name, *APRIL, rule.case.owner)
        assert sum((record.measure for record in records), Decimal(0)) == value.numerator
        assert len({(record.object, record.record_id) for record in records}) == value.records == len(records)
        assert {record.owner_id for record in records} <= {rule.case.owner}
        assert [record.counted_at for record in records] == sorted(record.counted_at for record in records)
