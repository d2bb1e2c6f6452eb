import pytest

from hubspot_platform.sql_models.errors import HeaderError
from hubspot_platform.sql_models.header import (
    GRAIN_NOT_NULL,
    GRAIN_UNIQUE,
    Materialization,
    Rule,
    Severity,
    parse_header,
)
from hubspot_platform.warehouse.model import Index

FULL = """\
-- description: One row per deal and day,
--   also for days without a change.
-- grain: deal_id, day
-- owner: team:revops, ann@example.com
-- partition: day
-- check: amount_positive error: amount > 0 or amount is null
-- check: has_stage warn: not_null(stage, pipeline)
-- check: known_stage warn: accepted_values(stage, 'won', 'it''s lost, maybe')
-- check: one_name error: unique(name)
-- column: amount: In the deal's currency.
-- index: idx_deal_day_name: name
-- identifiers: deal_id, name
select 1
-- check: not_in_the_header error: false
"""


def test_every_part_of_the_header_is_read() -> None:
    header = parse_header(FULL, "sql/mart/deal_day.sql")

    assert header.description == "One row per deal and day, also for days without a change."
    assert header.grain == ("deal_id", "day")
    assert header.owners == ("team:revops", "ann@example.com")
    assert header.partition == "day"
    assert header.materialized is Materialization.TABLE
    assert header.indexes == (Index("idx_deal_day_name", "name"),)
    assert header.identifiers == ("deal_id", "name")
    assert header.column_notes == (("amount", "In the deal's currency."),)
    assert [(c.name, c.severity, c.rule) for c in header.checks] == [
        ("amount_positive", Severity.ERROR, Rule.EXPRESSION),
        ("has_stage", Severity.WARN, Rule.NOT_NULL),
        ("known_stage", Severity.WARN, Rule.ACCEPTED_VALUES),
        ("one_name", Severity.ERROR, Rule.UNIQUE),
    ]
    assert header.checks[0].expression == "amount > 0 or amount is null"
    assert header.checks[1].columns == ("stage", "pipeline")
    assert header.checks[2].values == ("'won'", "'it''s lost, maybe'")


def test_the_grain_is_always_checked_and_always_blocks() -> None:
    first, second, *_ = parse_header(FULL, "f.sql").all_checks

    assert (first.name, first.rule, first.columns) == (GRAIN_NOT_NULL, Rule.NOT_NULL, ("deal_id", "day"))
    assert (second.name, second.rule, second.columns) == (GRAIN_UNIQUE, Rule.UNIQUE, ("deal_id", "day"))
    assert {first.severity, second.severity} == {Severity.ERROR}


GOOD = ["-- description: d", "-- grain: id", "-- owner: team:x"]


@pytest.mark.parametrize(
    ("lines", "line", "problem"),
    [
        (GOOD[1:], 1, "no description"),
        ([GOOD[0], GOOD[2]], 1, "no grain"),
        (GOOD[:2], 1, "no owner"),
        ([*GOOD, "-- grain: other"], 4, "a second grain"),
        ([*GOOD, "-- colour: blue"], 4, "unknown header key"),
        ([*GOOD, "--check: a error: b"], 4, "not a header line"),
        ([*GOOD, "-- check:"], 4, "not a header line"),
        (["--   continued", *GOOD], 1, "begins with a continuation"),
        ([*GOOD, "-- check: a fatal: b"], 4, "a name, a severity and a condition"),
        ([*GOOD, "-- check: a error: b", "-- check: a warn: c"], 5, "a second check is named a"),
        ([*GOOD, "-- check: grain_unique warn: b"], 4, "a second check is named grain_unique"),
        ([*GOOD, "-- check: a error: accepted_values(b)"], 4, "accepted_values takes"),
        ([*GOOD, "-- check: a error: accepted_values(b, 'x', y)"], 4, "accepted_values takes"),
        ([*GOOD, "-- check: a error: not_null(B)"], 4, "'B' is no column name"),
        ([*GOOD, "-- partition: a, b"], 4, "one partition column"),
        ([GOOD[0], "-- grain: id, id", GOOD[2]], 2, "named twice"),
        ([*GOOD, "-- identifiers: id, id"], 4, "named twice"),
        ([*GOOD[:2], "-- owner: somebody"], 3, "is no owner"),
        ([*GOOD, "-- column: amount"], 4, "a column note needs"),
        ([*GOOD, "-- index: amount"], 4, "an index needs"),
        ([*GOOD, "-- materialized: sometimes"], 4, "no way to keep a model"),
    ],
)
def test_a_bad_header_names_file_and_line(lines: list[str], line: int, problem: str) -> None:
    with pytest.raises(HeaderError, match=problem) as caught:
        parse_header("\n".join([*lines, "select 1"]), "sql/mart/thing.sql")

    assert (caught.value.file, caught.value.line) == ("sql/mart/thing.sql", line)
    assert str(caught.value).startswith(f"sql/mart/thing.sql:{line}: ")
    assert caught.value.mend
