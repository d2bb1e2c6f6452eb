"""What every warehouse engine promises, one case per promise, on DuckDB and on PostgreSQL."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from hubspot_platform.warehouse import (
    Column,
    DuplicateKey,
    LogicalType,
    MergeCounts,
    NothingPublished,
    QueryRefused,
    RowsRefused,
    Session,
    Table,
    Warehouse,
)
from hubspot_platform_tests.support.warehouse import CONTACT, EVERY_TYPE, at, contact, rows, stored

EXTREMES = {
    "text_column": 'é 🎉 "quoted", comma\nand a new line\t\\.',
    "int_column": 2**63 - 1,
    "decimal_column": Decimal("-1234567890123456789012345678.0123456789"),
    "money_column": Decimal("99999999999999.9999"),
    "exact_column": Decimal("-123456789012.12345678901234567890123456"),
    "double_column": 0.1 + 0.2,
    "timestamp_column": datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC),
    "date_column": date(1, 1, 1),
    "bool_column": False,
    "json_column": '{"b":[1,{"c":null}],"a":"é\\n"}',
}
NULLS = dict.fromkeys(EXTREMES) | {"int_column": 1}
EMPTY_TEXT = NULLS | {"int_column": 2, "text_column": "", "json_column": '""'}


def test_every_type_comes_back_as_it_was_written(warehouse: Warehouse) -> None:
    given = rows(EVERY_TYPE, EXTREMES, NULLS, EMPTY_TEXT)
    with warehouse.writer() as session:
        session.ensure(EVERY_TYPE)
        assert session.load(EVERY_TYPE, given) == 3
        assert session.columns(EVERY_TYPE) == {c.name: c.type for c in EVERY_TYPE.columns}
        found = session.query("select * from kinds.every order by int_column desc")
    assert found.schema.types == EVERY_TYPE.arrow_schema().types
    expected = EXTREMES | {"json_column": '{"a":"é\\n","b":[1,{"c":null}]}'}
    assert found.to_pylist() == [expected, EMPTY_TEXT, NULLS]


def test_results_of_expressions_have_one_type_on_both_engines(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        session.ensure(CONTACT)
        session.load(CONTACT, rows(CONTACT, contact(1, 1), contact(2, 2)))
        found = session.query(
            "select count(*) as n, sum(id) as total, cast(7 as integer) as small, "
            "cast(1.5 as decimal(18, 4)) as money, max(updated_at) as latest, "
            "cast(max(updated_at) as date) as day, bool_and(id > 0) as positive, "
            "cast(null as decimal(38, 10)) as nothing from hubspot.contact"
        )
    assert [str(kind) for kind in found.schema.types] == [
        "int64",
        "decimal128(38, 10)",
        "int64",
        "decimal128(18, 4)",
        "timestamp[us, tz=UTC]",
        "date32[day]",
        "bool",
        "decimal128(38, 10)",
    ]
    assert found.to_pylist()[0]["total"] == 3


def test_parameters_are_question_marks_and_only_outside_of_text_and_comments(warehouse: Warehouse) -> None:
    sql = """select ? as a, '?%s' as b, '100%' as "what?", 7 % 4 as c -- why?
        /* really? */ , cast(? as timestamp with time zone) as d, ? as e"""
    with warehouse.writer() as session:
        found = session.query(sql, [1, at(1), "it's"])
        plain = session.query("select 'a%b?' as a")
    assert found.to_pylist() == [{"a": 1, "b": "?%s", "what?": "100%", "c": 3, "d": at(1), "e": "it's"}]
    assert plain.to_pylist() == [{"a": "a%b?"}]


def test_empty_results_keep_their_columns_and_single_nulls_are_rows(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        empty = session.query("select 1 as a, 'x' as b where 1 = 0")
        nulls = session.query("select cast(null as varchar) as a union all select null")
        twice = session.query("select 1 as a, 2 as a")
    assert (empty.num_rows, empty.column_names) == (0, ["a", "b"])
    assert nulls.to_pylist() == [{"a": None}, {"a": None}]
    assert twice.column_names == ["a", "a"]


def test_refused_sql_names_what_the_engine_said(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        with pytest.raises(QueryRefused, match="nowhere"):
            session.query("select * from nowhere")
        with pytest.raises(QueryRefused):
            session.execute("selekt 1")
        assert session.query("select 1 as a").num_rows == 1


def test_ensure_creates_then_adds_columns_and_never_changes_a_type(warehouse: Warehouse) -> None:
    extra = (Column('odd "name", ünïcode', LogicalType.MONEY), Column("select", LogicalType.BOOL))
    wider = Table("hubspot", "contact", CONTACT.columns + extra, key=("id",))
    retyped = Table("hubspot", "contact", (Column("id", LogicalType.INT), Column("property_score", LogicalType.TEXT)))
    with warehouse.writer() as session:
        assert session.columns(CONTACT) == {}
        assert session.columns("hubspot.contact") == {}
        assert session.ensure(CONTACT) == list(CONTACT.columns)
        session.merge(CONTACT, rows(CONTACT, contact(1, 1)))
        assert session.ensure(CONTACT) == []
        assert session.ensure(wider) == list(extra)
        assert session.ensure(retyped) == []
        assert session.columns("hubspot.contact")["property_score"] is LogicalType.DECIMAL
        row = {"id": 1, 'odd "name", ünïcode': Decimal("2.5000"), "select": True}
        assert session.merge(wider, rows(wider, row)) == MergeCounts(updated=1)
        found = session.query('select id, "odd ""name"", ünïcode", "select" from hubspot.contact').to_pylist()
    assert found == [row]


def test_a_table_may_be_1300_columns_wide(warehouse: Warehouse) -> None:
    wide = Table("hubspot", "wide", (Column("id", LogicalType.INT),), key=("id",))
    columns = wide.columns + tuple(Column(f"property_{n:04}_{'x' * 40}", LogicalType.TEXT) for n in range(1299))
    with warehouse.writer() as session:
        session.ensure(wide)
        assert len(session.ensure(Table("hubspot", "wide", columns, key=("id",)))) == 1299
        wide = Table("hubspot", "wide", columns, key=("id",))
        given = rows(wide, {"id": 1} | {c.name: "v" for c in columns[1:200]} | {c.name: None for c in columns[200:]})
        assert session.merge(wide, given).inserted == 1
        assert session.query("select * from hubspot.wide").to_pylist() == given.to_pylist()


def test_names_longer_than_postgres_keeps_still_merge(warehouse: Warehouse) -> None:
    long = "property_" + "very_long_internal_name_" * 4
    table = Table("hubspot", "long", (Column("id", LogicalType.INT), Column(long, LogicalType.TEXT)), key=("id",))
    with warehouse.writer() as session:
        session.ensure(table)
        assert session.ensure(table) == []
        session.merge(table, rows(table, {"id": 1, long: "a"}))
        assert session.query(f'select "{long}" as v from hubspot.long').to_pylist() == [{"v": "a"}]


def test_merge_counts_add_up_and_newer_wins(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        session.ensure(CONTACT)
        first = rows(CONTACT, *(contact(n, 10) for n in (1, 2, 3, 4)))
        assert session.merge(CONTACT, first, newer_by="updated_at", content="raw_json") == MergeCounts(inserted=4)
        second = rows(
            CONTACT,
            contact(1, 9, "older@example.com", synced=5),  # stale
            contact(2, 11, "newer@example.com", synced=5),
            contact(3, 10, synced=5),  # says nothing new
            contact(4, 10, "equal-time@example.com", synced=5),
            contact(5, 1, "first@example.com", synced=5),  # two of one key: the newer stays
            contact(5, 2, "second@example.com", synced=5),
            contact(5, None, "unknown@example.com", synced=5),
        )
        counts = session.merge(CONTACT, second, newer_by="updated_at", content="raw_json")
        found = session.query("select id, property_email, _fivetran_synced from hubspot.contact order by id")
    assert counts == MergeCounts(inserted=1, updated=2, unchanged=1, stale=1, deduplicated=2)
    assert counts.total == second.num_rows
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        (1, "a@example.com", at(0)),
        (2, "newer@example.com", at(5)),
        (3, "a@example.com", at(5)),
        (4, "equal-time@example.com", at(5)),
        (5, "second@example.com", at(5)),
    ]


def test_merge_replaces_when_either_side_has_no_time(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        session.ensure(CONTACT)
        session.merge(CONTACT, rows(CONTACT, contact(1, None), contact(2, 10)), newer_by="updated_at")
        counts = session.merge(CONTACT, rows(CONTACT, contact(1, 1, "x"), contact(2, None, "y")), newer_by="updated_at")
        found = session.query("select property_email from hubspot.contact order by id")["property_email"].to_pylist()
    assert (counts, found) == (MergeCounts(updated=2), ["x", "y"])


@pytest.mark.parametrize("present", [("id", "updated_at"), ("id", "property_email", "raw_json", "updated_at")])
def test_columns_the_rows_lack_keep_their_value(warehouse: Warehouse, present: tuple[str, ...]) -> None:
    with warehouse.writer() as session:
        session.ensure(CONTACT)
        full = rows(CONTACT, contact(1, 1) | {"property_score": Decimal("7.5")}, contact(2, 9))
        session.merge(CONTACT, full)
        partial = rows(CONTACT, contact(3, 5, "n"), contact(1, 5, "n"), contact(2, 5, "n")).select(list(present))
        assert session.merge(CONTACT, partial, newer_by="updated_at") == MergeCounts(inserted=1, updated=1, stale=1)
        found = session.query("select * from hubspot.contact order by id").to_pylist()
    assert [row["updated_at"] for row in found] == [at(5), at(9), at(5)]
    assert [row["property_score"] for row in found] == [Decimal("7.5"), None, None]
    assert [row["_fivetran_synced"] for row in found] == [at(0), at(0), None]
    assert found[0]["property_email"] == ("n" if "property_email" in present else "a@example.com")


def test_merge_of_nothing_and_of_keys_only(warehouse: Warehouse) -> None:
    pair = Table(
        "hubspot",
        "pair",
        (Column("deal_id", LogicalType.INT), Column("contact_id", LogicalType.INT)),
        key=("deal_id", "contact_id"),
    )
    with warehouse.writer() as session:
        session.ensure(pair)
        assert session.merge(pair, rows(pair)) == MergeCounts()
        given = rows(pair, {"deal_id": 1, "contact_id": 2}, {"deal_id": 1, "contact_id": 3})
        assert session.merge(pair, given) == MergeCounts(inserted=2)
        assert session.merge(pair, given) == MergeCounts(updated=2)
        assert session.query("select count(*) as n from hubspot.pair")["n"][0].as_py() == 2


def test_rows_that_do_not_fit_are_refused_and_nothing_of_them_stays(warehouse: Warehouse) -> None:
    undeclared = pa.table({"id": [1], "nobody": ["x"]})
    keyless = pa.table({"property_email": ["x"]})
    null_key = rows(CONTACT, {"id": None, "property_email": "x"})
    wrong = pa.table({"id": ["one"]})
    bad_json = rows(CONTACT, contact(1, 1), contact(2, 1) | {"raw_json": "{not json"})
    with warehouse.writer() as session:
        session.ensure(CONTACT)
        for given in (undeclared, keyless, null_key, wrong, bad_json):
            with pytest.raises(RowsRefused):
                session.merge(CONTACT, given)
        later = Table("hubspot", "contact", (*CONTACT.columns, Column("later", LogicalType.TEXT)), key=("id",))
        with pytest.raises(RowsRefused, match="ensure"):
            session.merge(later, pa.table({"id": [1], "later": ["x"]}))
        assert session.query("select count(*) as n from hubspot.contact")["n"][0].as_py() == 0


def test_a_merge_follows_the_stored_type_when_the_declared_one_moved_on(warehouse: Warehouse) -> None:
    text = Table("hubspot", "moved", (Column("id", LogicalType.INT), Column("v", LogicalType.TEXT)), key=("id",))
    number = Table("hubspot", "moved", (Column("id", LogicalType.INT), Column("v", LogicalType.INT)), key=("id",))
    with warehouse.writer() as session:
        session.ensure(text)
        session.merge(text, rows(text, {"id": 1, "v": "x"}))
        session.ensure(number)
        session.merge(number, rows(number, {"id": 2, "v": 42}))
        found = session.query("select v from hubspot.moved order by id")["v"].to_pylist()
    assert found == ["x", "42"]


def _merge_create_and_fail(session: Session) -> None:
    with session.transaction():
        session.merge(CONTACT, rows(CONTACT, contact(3, 1)))
        session.ensure(Table("other", "new", (Column("a", LogicalType.TEXT),)))
        session.merge(CONTACT, pa.table({"nobody": ["x"]}))


def test_a_transaction_is_kept_or_undone_as_a_whole(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        session.ensure(CONTACT)
        with session.transaction():
            session.merge(CONTACT, rows(CONTACT, contact(1, 1)))
            session.merge(CONTACT, rows(CONTACT, contact(2, 1)))
        with pytest.raises(RowsRefused):
            _merge_create_and_fail(session)
        assert session.columns("other.new") == {}
    assert [row["id"] for row in stored(warehouse, "select id from hubspot.contact order by id")] == [1, 2]


def test_work_that_raises_leaves_the_warehouse_free(warehouse: Warehouse) -> None:
    def begin_and_fail() -> None:
        with warehouse.writer() as session:
            session.ensure(CONTACT)
            session.execute("begin")
            session.execute("insert into hubspot.contact (id) values (1)")
            session.execute("selekt 1")

    with pytest.raises(QueryRefused):
        begin_and_fail()
    assert stored(warehouse, "select * from hubspot.contact") == []


def test_load_appends_arrow_and_ndjson_and_refuses_a_stored_key(warehouse: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "rows.ndjson"
    file.write_text(
        '{"id": 1, "property_score": 1.25, "raw_json": {"b": 1, "a": [true]}, "updated_at": "2024-03-01T00:01:00Z"}\n'
        '\n{"id": "2", "property_email": "b@example.com"}\n'
    )
    with warehouse.writer() as session:
        session.ensure(CONTACT)
        assert session.load(CONTACT, file) == 2
        found = session.query("select * from hubspot.contact order by id").to_pylist()
        for again in (rows(CONTACT, contact(2, 1)), rows(CONTACT, contact(8, 1), contact(8, 1))):
            with pytest.raises(DuplicateKey):
                session.load(CONTACT, again)
        assert session.query("select count(*) as n from hubspot.contact")["n"][0].as_py() == 2
    assert found[0] == contact(1, 1) | {
        "property_email": None,
        "property_score": Decimal("1.25"),
        "raw_json": '{"a":[true],"b":1}',
        "_fivetran_synced": None,
    }
    assert found[1]["property_email"] == "b@example.com"


@pytest.mark.parametrize(
    "line", ['{"id": 1, "nobody": 2}', "[1]", "{", '{"id": "x"}', '{"id": 1, "updated_at": "soon"}', '{"raw_json": 1}']
)
def test_ndjson_that_does_not_fit_is_refused_as_a_whole(warehouse: Warehouse, tmp_path: Path, line: str) -> None:
    file = tmp_path / "rows.ndjson"
    file.write_text('{"id": 7}\n' + line)
    with warehouse.writer() as session:
        session.ensure(CONTACT)
        with pytest.raises(RowsRefused):
            session.load(CONTACT, file)
        assert session.query("select id from hubspot.contact").num_rows == 0


def test_replace_partition_replaces_a_half_open_range(warehouse: Warehouse) -> None:
    with warehouse.writer() as session:
        session.ensure(CONTACT)
        session.merge(CONTACT, rows(CONTACT, contact(1, 0), contact(2, 10), contact(3, 20)))
        given = rows(CONTACT, contact(4, 10, "x"), contact(5, 19, "x"), contact(5, 12, "y"))
        window = {"column": "updated_at", "start": at(10), "end": at(20)}
        assert session.replace_partition(CONTACT, given, **window) == 2
        assert [row["id"] for row in session.query("select id from hubspot.contact order by id").to_pylist()] == [
            1,
            3,
            4,
            5,
        ]
        for refused in (contact(6, 20), contact(6, None)):
            with pytest.raises(RowsRefused):
                session.replace_partition(CONTACT, rows(CONTACT, refused), **window)
        with pytest.raises(DuplicateKey):
            session.replace_partition(CONTACT, rows(CONTACT, contact(1, 11)), **window)
        assert session.query("select id from hubspot.contact").num_rows == 4
        assert session.replace_partition(CONTACT, rows(CONTACT), **window) == 0
        assert session.query("select id from hubspot.contact").num_rows == 2


def test_case_081_a_pair_seen_twice_is_one_row_and_the_set_read_last_stays(warehouse: Warehouse) -> None:
    columns = tuple(Column(name, LogicalType.INT) for name in ("deal_id", "contact_id", "type_id"))
    table = Table(
        "hubspot",
        "deal_contact",
        (*columns, Column("label", LogicalType.TEXT)),
        key=("deal_id", "contact_id", "type_id"),
    )

    def pair(deal: int, other: int, label: str | None = None) -> dict[str, object]:
        return {"deal_id": deal, "contact_id": other, "type_id": 3, "label": label}

    with warehouse.writer() as session:
        session.ensure(table)
        session.load(table, rows(table, pair(1, 10), pair(1, 11), pair(2, 10), pair(3, 10, "kept")))
        read = pa.table({"deal_id": [1, 2]})
        given = rows(table, pair(1, 12), pair(1, 12, "again"))
        assert session.replace_matching(table, given, match=read) == 1
        assert session.replace_matching(table, given, match=read) == 1
        found = session.query("select * from hubspot.deal_contact order by deal_id, contact_id").to_pylist()
        assert found == [pair(1, 12, "again"), pair(3, 10, "kept")]
        labelled = pa.table({"deal_id": [3, 1], "label": ["other", None]})
        assert session.replace_matching(table, rows(table), match=labelled) == 0
        assert session.query("select * from hubspot.deal_contact").num_rows == 2
        with pytest.raises(DuplicateKey):
            session.replace_matching(table, rows(table, pair(3, 10)), match=pa.table({"deal_id": [1]}))
        assert session.query("select * from hubspot.deal_contact").num_rows == 2


def test_text_sorts_by_code_point(warehouse: Warehouse) -> None:
    words = Table("kinds", "word", (Column("word", LogicalType.TEXT),))
    with warehouse.writer() as session:
        session.ensure(words)
        session.load(words, pa.table({"word": ["b", "a", "B", "é", "_", "E"]}))
        found = session.query("select word, lower(word) as low from kinds.word order by word")
    assert found["word"].to_pylist() == ["B", "E", "_", "a", "b", "é"]


def test_identity_is_made_once_and_readers_come_after_the_first_write(warehouse: Warehouse) -> None:
    with pytest.raises(NothingPublished), warehouse.reader():
        pass
    identity = warehouse.identity()
    assert len(identity) == 36
    assert warehouse.identity() == identity
    with warehouse.writer() as session:
        assert session.identity() == identity
        session.ensure(CONTACT)
        session.merge(CONTACT, rows(CONTACT, contact(1, 1)))
    warehouse.publish()
    warehouse.compact()
    with warehouse.reader() as session:
        assert session.identity() == identity
        assert session.query("select id from hubspot.contact").to_pylist() == [{"id": 1}]
        with pytest.raises(QueryRefused):
            session.execute("delete from hubspot.contact")
