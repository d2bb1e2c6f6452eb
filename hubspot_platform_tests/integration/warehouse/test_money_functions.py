"""The helper functions of the MRR models: shares of money, percentages, rounding, periods, texts of JSON."""

from decimal import Decimal

import pytest

from hubspot_platform.warehouse import Warehouse

THIRD = "0.33333333333333333333333333"
EXACT = {
    "portion(1, 540, 12)": "45",
    "portion(1, 1, 3)": THIRD,
    "portion(-1, 1, 3)": f"-{THIRD}",
    "portion(100, 0.02, 1)": "2",
    "portion(999999999999, 1, 1)": "999999999999",
    "portion(1, 99999999999999999, 1000000)": "99999999999.999999",
    "portion(0.00000000000000000000000001, 1, 2)": "0",
    "portion(1, 1, 0)": None,
    "portion(null, 1, 1)": None,
    "portion(1, null, 1)": None,
}
CENTS = {
    "cents(0.005)": "0.01",
    "cents(-0.005)": "-0.01",
    "cents(0.0049999999999)": "0",
    f"cents(0.015 * {THIRD})": "0.01",
    "cents(0)": "0",
    "cents(null)": None,
}
MONTHS = {
    ("2026-04-01", "2026-06-01"): 2,
    ("2026-04-02", "2026-06-01"): 1,
    ("2026-04-01", "2026-04-30"): 0,
    ("2026-04-02", "2026-04-01"): -1,
    ("2025-12-31", "2026-01-01"): 0,
}


def _row(warehouse: Warehouse, expressions: list[str], source: str = "") -> list[object]:
    columns = ", ".join(f"{expression} as c{place}" for place, expression in enumerate(expressions))
    with warehouse.writer() as session:
        return list(session.query(f"select {columns} {source}").to_pylist()[0].values())


def test_a_portion_is_exact_to_26_places(warehouse: Warehouse) -> None:
    found = _row(warehouse, [f"cast({expression} as decimal(38, 26))" for expression in EXACT])
    assert found == [None if text is None else Decimal(text) for text in EXACT.values()]


def test_cents_round_halves_away_from_zero_even_those_made_of_thirds(warehouse: Warehouse) -> None:
    found = _row(warehouse, [f"cast({expression} as decimal(18, 4))" for expression in CENTS])
    assert found == [None if text is None else Decimal(text) for text in CENTS.values()]


@pytest.mark.parametrize("order", ["(33.33), (20), (10.5)", "(10.5), (33.33), (20)"])
def test_percentages_compound_in_any_order(warehouse: Warehouse, order: str) -> None:
    expression = "cast(after_percentages(90, t.p) as decimal(38, 26))"
    assert _row(warehouse, [expression], f"from (values {order}) as t (p)") == [Decimal("42.962148")]


def test_whole_months_are_calendar_months_rounded_down(warehouse: Warehouse) -> None:
    texts = [f"whole_months(timestamptz '{a} 00:00:00+00', timestamptz '{b} 00:00:00+00')" for a, b in MONTHS]
    assert _row(warehouse, texts) == list(MONTHS.values())


def test_numbers_and_instants_of_texts_are_null_when_they_are_none(warehouse: Warehouse) -> None:
    numbers = ["whole_number_of('0012')", "whole_number_of('1.5')", "whole_number_of('9999999999999999999')"]
    instants = ["instant_of('0') = timestamptz '1970-01-01 00:00:00+00'", "instant_of('-1')", "instant_of('soon')"]
    assert _row(warehouse, numbers + instants) == [12, None, None, True, None, None]


def test_texts_of_a_document_are_read_by_path(warehouse: Warehouse) -> None:
    kind = {"duckdb": "json", "postgres": "jsonb"}[warehouse.dialect]
    paths = "/a /b/c /b /list /none /n /t"
    source = (
        f"from (select json_texts(cast(t.doc as {kind}), '{paths}') as texts from (values "
        """('{"a": "x", "b": {"c": 12}, "list": [1], "n": null, "t": true}')) as t (doc)) as d"""
    )
    found = _row(warehouse, [f"nth_text(d.texts, {n})" for n in range(1, 8)], source)
    assert found == ["x", "12", None, None, None, None, "true"]
