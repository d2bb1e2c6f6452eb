"""Tables built beside the stored one from a select, verified, and swapped in, on DuckDB and on PostgreSQL."""

from decimal import Decimal

import pyarrow as pa
import pytest

from hubspot_platform.warehouse import Column, LogicalType, QueryRefused, RowsRefused, Session, Table, Warehouse

BUILT = Table(
    "funnel",
    "built",
    (Column("id", LogicalType.INT), Column("amount", LogicalType.MONEY), Column("note", LogicalType.TEXT)),
    key=("id",),
)

VIEWED = Table(
    "funnel",
    "viewed",
    (Column("id", LogicalType.INT), Column("label", LogicalType.TEXT), Column("doc", LogicalType.JSON)),
    key=("id",),
)


def test_create_from_select_builds_typed_and_swaps(warehouse: Warehouse) -> None:
    seen: list[int] = []

    def look(session: Session, beside: str) -> int:
        seen.extend(session.query(f"select id from {beside}")["id"].to_pylist())
        assert session.query("select id from funnel.built").to_pylist() == [{"id": 1}]
        return len(seen)

    with warehouse.writer() as session:
        assert session.create_from_select(BUILT, "select 'x' as note, 1 as id, 2 as amount -- the end") == 1
        select = "select 2 as id, 1.00005 as amount, 'y' as note union all select 3, 4, null;"
        count = session.create_from_select(BUILT, select, verify=look)
        assert (count, sorted(seen)) == (2, [2, 3])
        assert session.columns(BUILT) == {c.name: c.type for c in BUILT.columns}
        found = session.query("select * from funnel.built order by id").to_pylist()
    assert found == [
        {"id": 2, "amount": Decimal("1.0001"), "note": "y"},
        {"id": 3, "amount": Decimal("4.0000"), "note": None},
    ]


def test_a_refused_build_leaves_the_old_table_and_nothing_beside(warehouse: Warehouse) -> None:
    def refuse(session: object, beside: str) -> int:
        raise RuntimeError(f"not good: {beside}")

    with warehouse.writer() as session:
        session.create_from_select(BUILT, "select 1 as id, 2 as amount, 'old' as note")
        with pytest.raises(RuntimeError, match="__next_built"):
            session.create_from_select(BUILT, "select 1 as id, 2 as amount, 'new' as note", verify=refuse)
        twice = "select 1 as id, 2 as amount, 'a' as note union all select 1, 3, 'b'"
        for select in (twice, "select cast(null as bigint) as id, 2 as amount, 'a' as note"):
            with pytest.raises(RowsRefused):
                session.create_from_select(BUILT, select)
        for select in (
            "select 1 as id, 2 as amount",
            "select 1 as id, 2 as amount, 'n' as note, 4 as more",
            "nonsense",
        ):
            with pytest.raises(QueryRefused):
                session.create_from_select(BUILT, select)
        assert session.query("select note from funnel.built").to_pylist() == [{"note": "old"}]
        assert session.columns("funnel.__next_built") == {}


def test_a_beside_table_left_by_a_killed_process_is_replaced(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        session.execute("create schema if not exists funnel")
        session.execute("create table funnel.__next_built as select 'rubbish' as rubbish")
        assert session.create_from_select(BUILT, "select 1 as id, 2 as amount, 'n' as note") == 1
        assert session.columns("funnel.__next_built") == {}


def test_a_table_without_columns_takes_them_from_the_select(warehouse: Warehouse) -> None:
    bare = Table("funnel", "bare", ())
    with warehouse.writer() as session:
        assert session.create_from_select(bare, "select cast(1 as bigint) as n, cast('x' as varchar) as t") == 1
        assert session.columns(bare) == {"n": LogicalType.INT, "t": LogicalType.TEXT}


def test_a_view_follows_its_source_with_the_types_of_its_spec(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        session.create_from_select(BUILT, "select 1 as id, 2 as amount, 'a' as note")
        count = session.create_view(
            VIEWED, "select b.note as label, b.id, '{\"a\": 1}' as doc from funnel.built as b -- end"
        )
        session.execute("insert into funnel.built (id, amount, note) values (2, 3, 'b')")

        assert count == 1
        assert session.columns(VIEWED) == {c.name: c.type for c in VIEWED.columns}
        assert session.query("select id, label from funnel.viewed order by id").to_pylist() == [
            {"id": 1, "label": "a"},
            {"id": 2, "label": "b"},
        ]
    warehouse.publish()
    with warehouse.reader() as session:
        assert session.query("select doc from funnel.viewed where id = 2").to_pylist() == [{"doc": '{"a":1}'}]


def test_a_refused_view_leaves_the_old_one(warehouse: Warehouse) -> None:
    def refuse(session: Session, relation: str) -> int:
        assert session.query(f"select v.label from {relation} as v")["label"].to_pylist() == ["new"]
        raise RuntimeError("not good")

    with warehouse.writer() as session:
        session.create_view(VIEWED, "select 1 as id, 'old' as label, null as doc")
        with pytest.raises(RuntimeError, match="not good"):
            session.create_view(VIEWED, "select 1 as id, 'new' as label, null as doc", verify=refuse)
        with pytest.raises(QueryRefused):
            session.create_view(VIEWED, "select 1 as id")
        assert session.query("select label from funnel.viewed").to_pylist() == [{"label": "old"}]


def test_a_table_and_a_view_may_take_each_others_place_under_a_view_that_reads_them(warehouse: Warehouse) -> None:
    as_view = "select 1 as id, 'view' as label, cast(null as json) as doc"
    as_table = as_view.replace("'view'", "'table'")
    upper = Table("funnel", "upper_view", (Column("label", LogicalType.TEXT),))
    with warehouse.writer() as session:
        session.create_view(VIEWED, as_view)
        session.create_view(upper, "select v.label from funnel.viewed as v")
        for build, expected in (
            (session.create_from_select, "table"),
            (session.create_view, "view"),
            (session.create_view, "view"),
        ):
            build(VIEWED, as_table if expected == "table" else as_view)
            assert session.query("select label from funnel.upper_view").to_pylist() == [{"label": expected}]


def test_rows_that_come_in_pieces_are_written_as_in_one(warehouse: Warehouse) -> None:
    """Arrow writes rubbish (NUL, what lay in memory) for quoted values after an empty piece, if it is let."""
    table = Table(
        "kinds", "pieces", (Column("id", LogicalType.INT, nullable=False), Column("said", LogicalType.TEXT)), ("id",)
    )
    texts = ['say "hi"', 'a,"b"', '"', "plain", ""]
    whole = pa.table({"id": range(5), "said": texts}, schema=table.arrow_schema())
    nothing = whole.slice(0, 0)
    given = pa.concat_tables([nothing, whole.slice(0, 2), nothing, whole.slice(2)])
    with warehouse.writer() as session:
        session.ensure(table)
        session.load(table, given)
        assert session.query("select said from kinds.pieces order by id")["said"].to_pylist() == texts
        assert session.merge(table, given).updated == len(texts)
        assert session.query("select said from kinds.pieces order by id")["said"].to_pylist() == texts


def test_identifiers_are_stored_as_they_were_and_on_duckdb_without_a_look_for_repetitions(warehouse: Warehouse) -> None:
    table = Table("funnel", "named", BUILT.columns, ("id",), identifiers=("note",))
    select = "select n as id, 1 as amount, case when n < 3 then 'e' || n end as note from generate_series(1, 3) as t(n)"
    with warehouse.writer() as session:
        session.create_from_select(table, select)
    with warehouse.writer() as session:
        assert session.query("select note from funnel.named order by id")["note"].to_pylist() == ["e1", "e2", None]
        if warehouse.dialect == "duckdb":
            stored = "select compression from pragma_storage_info('funnel.named') where segment_type = 'VARCHAR'"
            assert set(session.query(stored)["compression"].to_pylist()) == {"ZSTD"}
