"""The portable SQL helpers give the same, exact answers on DuckDB and on PostgreSQL."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hubspot_platform.warehouse import Warehouse

DOCUMENT = (
    '{"text": "té🎉\\"x", "empty": "", "whole": 12, "big": 9223372036854775807, "money": 1.50, "exponent": 1e2, '
    '"zero": -0.0, "yes": true, "nothing": null, "list": [1, {"a": 2}], "object": {"b": 1, "a": null}, '
    '"a/b": "slash", "c~d": "tilde", "e.f": "dot", "$": "dollar", "g\\"h": "quote"}'
)

TEXTS = {
    "text": 'té🎉"x',
    "empty": "",
    "whole": "12",
    "big": "9223372036854775807",
    "money": "1.5",
    "exponent": "100",
    "zero": "0",
    "yes": "true",
    "nothing": None,
    "list": None,
    "object": None,
    "missing": None,
    "a/b": "slash",
    "c~d": "tilde",
    "e.f": "dot",
    "$": "dollar",
    'g"h': "quote",
}
PARTS = {
    "text": '"té🎉\\"x"',
    "whole": "12",
    "yes": "true",
    "nothing": None,
    "missing": None,
    "list": '[1,{"a":2}]',
    "object": '{"a":null,"b":1}',
    "a/b": '"slash"',
}


def _value(warehouse: Warehouse, expression: str, *params: object) -> Any:
    with warehouse.writer() as session:
        return session.query(f"select {expression} as v", params)["v"][0].as_py()


def _values(warehouse: Warehouse, expressions: list[str]) -> list[Any]:
    with warehouse.writer() as session:
        return [session.query(f"select {expression} as v")["v"][0].as_py() for expression in expressions]


def _cast(engine: str, document: str) -> str:
    kind = {"duckdb": "json", "postgres": "jsonb"}[engine]
    return f"cast('{document}' as {kind})"


def test_json_text_and_json_part_read_top_level_keys(warehouse: Warehouse) -> None:
    document = _cast(warehouse.dialect, DOCUMENT)
    with warehouse.writer() as session:
        for key, expected in TEXTS.items():
            assert session.query(f"select json_text({document}, ?) as v", [key]).to_pylist() == [{"v": expected}], key
        for key, expected in PARTS.items():
            assert session.query(f"select json_part({document}, ?) as v", [key]).to_pylist() == [{"v": expected}], key


@pytest.mark.parametrize("document", ['[{"0": 1}]', '"0"', "1", "null"])
def test_documents_that_are_no_object_have_no_keys(warehouse: Warehouse, document: str) -> None:
    value = _cast(warehouse.dialect, document)
    assert _values(warehouse, [f"json_text({value}, '0')", f"json_part({value}, '0')"]) == [None, None]


def test_json_pairs_gives_keys_and_scalars_and_nothing_for_anything_else(warehouse: Warehouse) -> None:
    documents = ['{"a/b~c": "x", "n": null, "i": 12, "t": true}', "{}", "[1]", "null", '"text"']
    values = ", ".join(f"({n}, {_cast(warehouse.dialect, d)})" for n, d in enumerate(documents))
    sql = f"""
        select t.n, p.name, p.value from (values {values}, (9, null)) as t (n, doc)
        cross join lateral json_pairs(t.doc) as p (name, value)"""
    with warehouse.writer() as session:
        found = session.query(sql).to_pylist()
    assert {tuple(row.values()) for row in found} == {
        (0, "a/b~c", "x"),
        (0, "n", None),
        (0, "i", "12"),
        (0, "t", "true"),
    }


def test_json_items_gives_elements_in_order_and_nothing_for_anything_else(warehouse: Warehouse) -> None:
    documents = ['[{"a": 1}, "x", null]', "[]", '{"a": 1}', "null"]
    values = ", ".join(f"({n}, {_cast(warehouse.dialect, d)})" for n, d in enumerate(documents))
    sql = f"""
        select t.n, i.position, i.item from (values {values}, (9, null)) as t (n, doc)
        cross join lateral json_items(t.doc) as i (item, position) order by 1, 2"""
    with warehouse.writer() as session:
        found = session.query(sql).to_pylist()
    assert [tuple(row.values()) for row in found] == [(0, 1, '{"a":1}'), (0, 2, '"x"'), (0, 3, "null")]


@pytest.mark.parametrize(
    ("n", "d", "expected"),
    [
        ("1", "3", "0.3333333333"),
        ("2", "3", "0.6666666667"),
        ("-1", "3", "-0.3333333333"),
        ("-2", "3", "-0.6666666667"),
        ("1", "-6", "-0.1666666667"),
        ("0.0000000001", "2", "0.0000000001"),
        ("-0.0000000001", "2", "-0.0000000001"),
        ("0", "7", "0"),
        ("9223372036854775807", "1", "9223372036854775807"),
        ("9999999999999999999999999999.9999999999", "1", "9999999999999999999999999999.9999999999"),
        ("1", "0", None),
        ("0", "0", None),
        ("null", "1", None),
        ("1", "null", None),
    ],
)
def test_ratio_is_exact_and_rounds_halves_away_from_zero(
    warehouse: Warehouse, n: str, d: str, expected: str | None
) -> None:
    found = _value(warehouse, f"ratio(cast({n} as decimal(38, 10)), cast({d} as decimal(38, 10)))")
    assert found == (None if expected is None else Decimal(expected))


def test_ratio_takes_integers_money_and_aggregates(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        found = session.query(
            "select ratio(sum(won), count(*)) as share, ratio(sum(amount), sum(won)) as average "
            "from (values (1, cast(10.01 as decimal(18, 4))), (0, null), (1, 20.00)) as t (won, amount)"
        )
    assert str(found.schema.types[0]) == "decimal128(38, 10)"
    assert found.to_pylist() == [{"share": Decimal("0.6666666667"), "average": Decimal("15.0050000000")}]


_decimals = st.decimals(-(10**15), 10**15, places=10, allow_nan=False, allow_infinity=False)


@settings(max_examples=40)
@given(pairs=st.lists(st.tuples(_decimals, _decimals.filter(bool)), min_size=1, max_size=20))
@example(pairs=[(Decimal("0.5"), Decimal(10**10)), (Decimal("-0.5"), Decimal(10**10))])
def test_ratio_agrees_with_decimal_arithmetic(warehouse: Warehouse, pairs: list[tuple[Decimal, Decimal]]) -> None:
    exact = Context(prec=200, rounding=ROUND_HALF_UP)
    places = Decimal("0.0000000001")
    wanted = [exact.quantize(exact.divide(n, d), places) for n, d in pairs]
    kept = [(pair, result) for pair, result in zip(pairs, wanted, strict=True) if abs(result) < 10**28]
    values = ", ".join(
        f"({i}, cast({n:f} as decimal(38, 10)), cast({d:f} as decimal(38, 10)))" for i, ((n, d), _) in enumerate(kept)
    )
    if not kept:
        return
    with warehouse.writer() as session:
        found = session.query(f"select ratio(n, d) as v from (values {values}) as t (i, n, d) order by i")
    assert found["v"].to_pylist() == [result for _, result in kept]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Yes", True), (" TRUE ", True), ("1", True), ("no", False), ("False", False), ("0", False)]
    + [("\tno\r\n", False)]
    + [(text, None) for text in ("", "y", "01", "maybe", None, "yes\u00a0", "\u20031", "1\v", "\u3000no")],
)
def test_yes_no(warehouse: Warehouse, text: str | None, expected: bool | None) -> None:
    assert _value(warehouse, "yes_no(cast(? as varchar))", text) is expected


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("hello", "ell", True),
        ("hello", "^ell", False),
        ("HELLO", "(?i)ell", True),
        ("a\nb", "a.b", True),
        ("a\nb", "a$", False),
        ("x1", "^[a-z][0-9]+$", True),
        ("é", r"^\w$", False),
        ("a.b", r"a\.b", True),
        ("", "", True),
        (None, "a", None),
    ],
)
def test_matches(warehouse: Warehouse, text: str | None, pattern: str, expected: bool | None) -> None:
    assert _value(warehouse, "matches(cast(? as varchar), ?)", text, pattern) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", "12"),
        (" -1.25\n", "-1.25"),
        ("+.5", "0.5"),
        ("7.", "7"),
        ("0.00000000005", "0.0000000001"),
        ("-0.00000000005", "-0.0000000001"),
        ("9999999999999999999999999999", "9999999999999999999999999999"),
        ("99999999999999999999999999999", None),
        ("1e3", None),
        ("1,000", None),
        ("", None),
        ("-", None),
        ("NaN", None),
        (None, None),
        ("\t3\r\n", "3"),
        *((text, None) for text in ("3\v", "3\f", "3\u0085", "3\u00a0", "\u20033", "3\u2028", "3\u3000", "\u0663")),
    ],
)
def test_number_of(warehouse: Warehouse, text: str | None, expected: str | None) -> None:
    found = _value(warehouse, "number_of(cast(? as varchar))", text)
    assert found == (None if expected is None else Decimal(expected))


def test_seconds_between_is_exact(warehouse: Warehouse) -> None:
    pairs = [
        (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 0, 0, 1, 500001, tzinfo=UTC), "1.500001"),
        (datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC), "-86400"),
        (datetime(1900, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, 0, 0, 0, 1, tzinfo=UTC), "6311433600.000001"),
    ]
    kind = "cast(? as timestamp with time zone)"
    for start, end, expected in pairs:
        assert _value(warehouse, f"seconds_between({kind}, {kind})", start, end) == Decimal(expected)
    assert _value(warehouse, f"seconds_between({kind}, null)", pairs[0][0]) is None


def test_days_of_a_time_zone(warehouse: Warehouse) -> None:
    late = "cast('2024-03-10 04:30:00+00' as timestamp with time zone)"
    assert _values(
        warehouse,
        [
            f"day_in_zone({late}, 'America/New_York')",
            f"day_in_zone({late}, 'Asia/Tokyo')",
            f"day_in_zone({late}, 'UTC')",
            "day_start(cast('2024-03-10' as date), 'America/New_York')",
            "day_start(cast('2024-03-11' as date), 'America/New_York')",
            "month_start(cast('2024-02-29' as date))",
            "from_epoch_ms(1709254861123)",
            "from_epoch_ms(-1)",
        ],
    ) == [
        date(2024, 3, 9),
        date(2024, 3, 10),
        date(2024, 3, 10),
        datetime(2024, 3, 10, 5, tzinfo=UTC),
        datetime(2024, 3, 11, 4, tzinfo=UTC),
        date(2024, 2, 1),
        datetime(2024, 3, 1, 1, 1, 1, 123000, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
    ]


def test_the_published_copy_has_the_helpers_and_old_ones_are_renewed(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        session.execute("""update "_platform"."identity" set functions = 'old' """)
    identity = warehouse.identity()
    warehouse.publish()
    with warehouse.reader() as session:
        assert session.query("select ratio(1, 4) as v")["v"][0].as_py() == Decimal("0.25")
        assert session.identity() == identity
