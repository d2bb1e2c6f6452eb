import sys
from pathlib import Path

import pytest

from hubspot_platform.business import Business
from hubspot_platform.sql_models.errors import HeaderError, SchemaError
from hubspot_platform.sql_models.model import SourceColumn, without_columns
from hubspot_platform.sql_models.store import load_models
from hubspot_platform.warehouse.model import LogicalType
from hubspot_platform_tests.unit.sql_models.terms import BUSINESS, model, with_header


def sources(query: str, column: str) -> list[str]:
    lineage = dict(model(query).analysis.lineage)
    return [f"{found.schema}.{found.table}.{found.column}" for found in lineage[column]]


def test_the_outer_casts_are_the_schema() -> None:
    found = model(
        "select cast(a.id as bigint) as id, cast(a.n as text) as name, cast(a.d as date) as day,\n"
        "cast(a.t as timestamptz) as at, cast(a.b as boolean) as ok, cast(a.j as json) as doc,\n"
        "cast(a.m as decimal(18, 4)) as money, cast(a.x as decimal(38, 10)) as share from s.a as a",
        "-- column: name: As typed.",
    )

    assert [(column.name, column.type) for column in found.analysis.columns] == [
        ("id", LogicalType.INT),
        ("name", LogicalType.TEXT),
        ("day", LogicalType.DATE),
        ("at", LogicalType.TIMESTAMP),
        ("ok", LogicalType.BOOL),
        ("doc", LogicalType.JSON),
        ("money", LogicalType.MONEY),
        ("share", LogicalType.DECIMAL),
    ]
    assert found.table.key == ("id",)
    assert found.table.column("name").description == "As typed."
    assert not found.table.column("id").nullable


@pytest.mark.parametrize("projection", ["a.id", "a.id as id", "cast(a.id as double) as id", "cast(a.id as bigint)"])
def test_a_column_without_a_stated_type_is_refused(projection: str) -> None:
    with pytest.raises(SchemaError, match="does not state its type") as caught:
        model(f"select {projection} from s.a as a")

    assert caught.value.line == 4


def test_dependencies_are_tables_and_never_ctes() -> None:
    found = model(
        "with x as (select a.id from s.a as a where exists (select 1 as one from t.b as b where b.id = a.id))\n"
        "select cast(x.id as text) as id from x as x join (select c.id from u.c as c) as y on y.id = x.id"
    )

    assert found.analysis.reads == (("s", "a"), ("t", "b"), ("u", "c"))


def test_lineage_goes_through_ctes_subqueries_unions_and_renamed_columns() -> None:
    query = (
        "with first as (select a.id, a.left_name as label from s.a as a),\n"
        "both (key, label) as (select f.id, f.label from first as f\n"
        "union all select b.id, 'x' || b.right_name from s.b as b)\n"
        "select cast(o.key as text) as id, cast(max(coalesce(o.label, q.other)) as text) as label,\n"
        "cast((select max(c.at) as m from s.c as c where c.id = o.key) as timestamptz) as at,\n"
        "cast(count(*) as bigint) as n\n"
        "from both as o left join (select d.id, d.other from s.d as d) as q on q.id = o.key group by o.key"
    )

    assert sources(query, "id") == ["s.a.id", "s.b.id"]
    assert sources(query, "label") == ["s.a.left_name", "s.b.right_name", "s.d.other"]
    assert sources(query, "at") == ["s.c.at"]
    assert sources(query, "n") == []


def test_lineage_goes_through_the_pairs_of_a_document() -> None:
    query = (
        "select cast(a.id as text) as id, cast(p.value as text) as value from s.a as a\n"
        "cross join lateral json_pairs(json_part(a.doc, 'properties')) as p"
    )

    assert sources(query, "id") == ["s.a.id"]
    assert sources(query, "value") == ["s.a.doc"]


@pytest.mark.parametrize(
    ("query", "problem", "line"),
    [
        ("select cast(a.id as text) as id from a", "table a has no schema", 4),
        ("select cast(x.id as text) as id from s.a as a", "nothing here is named x", 4),
        (
            "with c as (select a.id from s.a as a)\nselect cast(c.no as text) as id from c",
            "no column c.no",
            5,
        ),
        (
            "select\n    cast(id as text) as id\nfrom s.a as a join s.b as b on b.id = a.id",
            "id is not qualified",
            5,
        ),
        ("select cast(a.id as text) as id, cast(a.b as text) as id from s.a as a", "two output columns", 4),
        ("select cast(a.id as text) as id from mart.thing as a", "reads its own table", 1),
        (
            "select cast(a.id as text) as id from s.a as a union all select cast(b.id as text) from s.b as b",
            "union",
            1,
        ),
        ("select cast(a.id as text) as id from s.a as a; select 1", "not one query", 1),
        ("delete from s.a", "not one query", 1),
        ("select cast(a.id as text) as id from s.a as a where (a.x", "cannot read this", 4),
    ],
)
def test_what_the_text_cannot_tell_is_refused_with_its_line(query: str, problem: str, line: int) -> None:
    with pytest.raises(SchemaError, match=problem) as caught:
        model(query)

    assert (caught.value.file, caught.value.line) == ("sql/mart/thing.sql", line)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("-- partition: day", "day, which is no output column"),
        ("-- partition: id", "no date or time"),
        ("-- check: a error: amount > 0", "amount, which is no output column"),
        ("-- check: a error: not_null(amount)", "amount, which is no output column"),
        ("-- check: a error: id in (select 1)", "takes no query"),
        ("-- check: a error: id = = 1", "cannot read the check"),
        ("-- column: amount: much", "amount, which is no output column"),
        ("-- identifiers: id, amount", "amount, which is no output column"),
        ("-- identifiers: size", "identifier size is no text"),
        ("-- materialized: view\n-- identifiers: id", "a view stores no identifiers"),
    ],
)
def test_the_header_may_name_output_columns_only(line: str, problem: str) -> None:
    with pytest.raises(HeaderError, match=problem):
        model("select cast(a.id as text) as id, cast(a.size as bigint) as size from s.a as a", line)


def test_missing_columns_are_read_as_null_wherever_they_are_written() -> None:
    found = model(
        "select cast(a.id as text) as id, cast(coalesce(a.${deal.offer_given}, a.property_x) as text) as x\n"
        "from hubspot.deal as a where a.property_x is null"
    )
    missing = {SourceColumn("hubspot", "deal", name) for name in ("property_offer_given", "property_x")}

    sql = without_columns(found, frozenset(missing))

    assert "coalesce(cast(null as text), cast(null as text))" in sql
    assert sql.endswith("where cast(null as text) is null")


def test_the_code_version_changes_with_the_settings_a_model_names_and_no_others() -> None:
    query = "select cast(${report_time_zone} as text) as id from s.a as a"
    berlin = Business(report_time_zone="Europe/Berlin", properties={})
    euro = Business(currency="EUR", properties={})

    assert model(query).code_version == model(query, business=euro).code_version
    assert model(query).code_version != model(query, business=berlin).code_version


def test_models_come_from_the_cache_without_the_parser_and_a_damaged_cache_only_costs_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cache = tmp_path / "sql", tmp_path / "home" / "models.json"
    (folder / "mart").mkdir(parents=True)
    (folder / "mart" / "thing.sql").write_text(with_header("select cast(a.id as text) as id from s.a as a"))

    parsed = load_models(folder, BUSINESS, cache=cache)
    with monkeypatch.context() as without_parser:
        without_parser.setitem(sys.modules, "hubspot_platform.sql_models.parse", None)
        assert load_models(folder, BUSINESS, cache=cache) == parsed

    cache.write_text("{")
    assert load_models(folder, BUSINESS, cache=cache) == parsed
    assert load_models(folder, BUSINESS, cache=tmp_path / "home" / "models.json" / "no_folder") == parsed


def test_a_column_that_is_passed_on_keeps_its_note_unless_it_gets_its_own(tmp_path: Path) -> None:
    (tmp_path / "mart").mkdir()
    texts = {
        "first": with_header(
            "select cast(a.id as text) as id, cast(a.n as text) as n, cast(a.m as text) as m from s.a as a",
            "-- column: id: The key.",
            "-- column: n: A number.",
            "-- column: m: Another.",
        ),
        "second": with_header("select cast(a.id as text) as id, cast(a.n as text) as n from mart.first as a"),
        "third": with_header(
            "select cast(a.id as text) as id, cast(a.n as text) as m, cast(a.n as text) as n from mart.second as a",
            "-- column: id: Its own.",
        ),
    }
    for name, text in texts.items():
        (tmp_path / "mart" / f"{name}.sql").write_text(text)

    _, second, third = load_models(tmp_path, BUSINESS)

    assert [column.description for column in second.analysis.columns] == ["The key.", "A number."]
    assert [column.description for column in third.analysis.columns] == ["Its own.", "", "A number."]
