import pytest

from hubspot_platform.sql_models.build import ModelChecksFailedError, UpstreamMissingError, build_model
from hubspot_platform.sql_models.model import SourceColumn
from hubspot_platform.warehouse import Column, LogicalType, Session, Table, Warehouse
from hubspot_platform_tests.unit.sql_models.terms import model

SOURCE = Table(
    "hubspot",
    "deal",
    (Column("id", LogicalType.TEXT), Column("amount", LogicalType.DECIMAL), Column("stage", LogicalType.TEXT)),
)
QUERY = """\
select
    cast(d.id as text) as id,
    cast(d.amount as decimal(38, 10)) as amount,
    cast(d.stage as text) as stage
from hubspot.deal as d -- the mirror
"""


def fill(session: Session, *rows: tuple[str | None, str | None, str | None]) -> None:
    session.ensure(SOURCE)
    session.execute("delete from hubspot.deal")
    for row in rows:
        session.execute("insert into hubspot.deal (id, amount, stage) values (?, cast(? as decimal(38, 10)), ?)", row)


def stored(session: Session) -> list[str]:
    return [row["id"] for row in session.query("select id from mart.thing order by id").to_pylist()]


def test_a_build_replaces_the_table_by_the_rows_of_the_select(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        fill(session, ("a", "1", "won"), ("b", None, None))
        first = build_model(session, model(QUERY))
        fill(session, ("c", "2", "won"))
        second = build_model(session, model(QUERY))

        assert (first.rows, second.rows) == (2, 1)
        assert all(outcome.passed for outcome in second.checks)
        assert stored(session) == ["c"]
        assert session.columns("mart.thing") == {
            "id": LogicalType.TEXT,
            "amount": LogicalType.DECIMAL,
            "stage": LogicalType.TEXT,
        }


@pytest.mark.parametrize(
    ("check", "rows", "broken"),
    [
        ("grain_unique", [("b", "1", "won"), ("b", "2", "won"), ("c", "1", "won")], 2),
        ("grain_not_null", [(None, "1", "won"), ("b", "1", "won")], 1),
        ("positive", [("b", "-1", "won"), ("c", None, "won"), ("d", "1", "won")], 2),
        ("has_stage", [("b", "1", None), ("c", "1", "won")], 1),
        ("known_stage", [("b", "1", "maybe"), ("c", "1", "lost"), ("d", "1", "won")], 1),
        ("one_deal_an_amount", [("b", "5", "won"), ("c", "5", "lost"), ("d", "6", "won")], 2),
    ],
)
def test_a_blocking_check_keeps_the_old_rows_and_says_how_many_break_it(
    warehouse: Warehouse, check: str, rows: list[tuple[str | None, str | None, str | None]], broken: int
) -> None:
    lines = {
        "positive": "-- check: positive error: amount > 0",
        "has_stage": "-- check: has_stage error: not_null(stage)",
        "known_stage": "-- check: known_stage error: accepted_values(stage, 'won', 'lost')",
        "one_deal_an_amount": "-- check: one_deal_an_amount error: unique(amount)",
    }
    checked = model(QUERY, *([lines[check]] if check in lines else []))
    with warehouse.writer() as session:
        fill(session, ("a", "1", "won"))
        build_model(session, checked)
        fill(session, *rows)

        with pytest.raises(ModelChecksFailedError, match=rf"{check} \({broken} rows\)") as caught:
            build_model(session, checked)

        assert {o.check.name: o.violations for o in caught.value.outcomes if not o.passed} == {check: broken}
        assert stored(session) == ["a"]


def test_a_warning_is_counted_and_blocks_nothing(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        fill(session, ("a", None, "won"), ("b", "2", "won"))

        outcome = build_model(session, model(QUERY, "-- check: has_amount warn: not_null(amount)"))

        assert {found.check.name: found.violations for found in outcome.checks}["has_amount"] == 1
        assert stored(session) == ["a", "b"]


def test_an_empty_select_gives_an_empty_table_that_passes_its_checks(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        fill(session)
        outcome = build_model(session, model(QUERY, "-- check: positive error: amount > 0"))

        assert outcome.rows == 0
        assert all(found.passed for found in outcome.checks)


def test_a_missing_upstream_is_named_and_nothing_is_written(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        with pytest.raises(UpstreamMissingError, match=r"hubspot\.deal") as caught:
            build_model(session, model(QUERY))

        assert caught.value.tables == ("hubspot.deal",)
        assert session.columns("mart.thing") == {}


def test_a_property_the_portal_lacks_is_read_as_null_and_reported(warehouse: Warehouse) -> None:
    query = QUERY.replace("d.stage", "coalesce(d.${deal.offer_given}, d.stage)")
    with warehouse.writer() as session:
        fill(session, ("a", "1", "won"))
        outcome = build_model(session, model(query))

        assert outcome.missing == (SourceColumn("hubspot", "deal", "property_offer_given"),)
        assert session.query("select stage from mart.thing").to_pylist() == [{"stage": "won"}]


def test_a_model_may_be_a_view_that_shows_what_comes_later(warehouse: Warehouse) -> None:
    view = model(QUERY, "-- materialized: view", "-- check: positive error: amount > 0")
    with warehouse.writer() as session:
        fill(session, ("a", "1", "won"))
        assert build_model(session, view).rows == 1
        session.execute("insert into hubspot.deal (id, amount, stage) values ('b', 2, 'won')")
        assert stored(session) == ["a", "b"]

        session.execute("insert into hubspot.deal (id, amount, stage) values ('c', -2, 'won'), ('c', 1, 'won')")
        with pytest.raises(ModelChecksFailedError, match=r"grain_unique \(2 rows\), positive \(1 rows\)"):
            build_model(session, view)
