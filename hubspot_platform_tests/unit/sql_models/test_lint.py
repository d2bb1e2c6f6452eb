from pathlib import Path

import pytest
import sqlglot

from hubspot_platform.sql_models.lint import HELPERS, lint
from hubspot_platform.sql_models.store import sql_folder
from hubspot_platform.warehouse import functions
from hubspot_platform_tests.unit.sql_models.terms import all_models, with_header

FILES = sorted(sql_folder().glob("*/*.sql"))
MODELS = all_models()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_every_model_is_portable(path: Path) -> None:
    assert lint(path.read_text(encoding="utf-8"), path.name) == []


@pytest.mark.parametrize("found", MODELS, ids=lambda found: found.qualified)
def test_every_column_of_every_model_has_a_description(found) -> None:
    assert [column.name for column in found.analysis.columns if not column.description] == []


@pytest.mark.parametrize("found", MODELS, ids=lambda found: found.qualified)
def test_every_model_is_generated_for_bigquery_without_a_warning(found) -> None:
    sqlglot.transpile(found.sql, read="postgres", write="bigquery", unsupported_level=sqlglot.ErrorLevel.RAISE)


@pytest.mark.parametrize("name", sorted(HELPERS))
def test_every_helper_exists_on_both_engines(name: str) -> None:
    assert any(f"macro {name}(" in statement for statement in functions.DUCKDB)
    kinds = (f"function _platform.{name}(", f"aggregate _platform.{name}(")
    assert any(kind in statement for statement in functions.POSTGRES for kind in kinds)


def test_the_portable_subset_has_what_models_need() -> None:
    query = (
        "with ranked as (\n"
        "select a.id, row_number() over (partition by a.x order by a.at desc nulls last, a.id asc nulls first) as n,\n"
        "ratio(sum(a.v), count(*)) as share, string_agg(a.x, ',' order by a.x asc nulls first) as list\n"
        "from s.a as a where a.x is not null and not a.gone and a.name like 'a%' and a.v between 1 and 2.5\n"
        "group by a.id having count(distinct a.x) > 1)\n"
        "select cast(r.id as text) as id, cast(case when r.n = 1 then -r.n * 2 else 0 end as bigint) as n\n"
        "from ranked as r left join s.b as b on b.id = r.id cross join s.c as c\n"
        "where exists (select 1 as one from s.d as d where d.id = r.id)"
    )

    assert lint(with_header(query), "f.sql") == []


@pytest.mark.parametrize(
    ("written", "problem", "instead"),
    [
        ("SELECT cast(a.id as text) as id from s.a as a", "SELECT is not lower case", "select"),
        ("select cast(a.ID as text) as id from s.a as a", "ID is not lower case", "id"),
        ("select * from s.a as a", r"select \*", "name every column"),
        ("select a.* from s.a as a", r"select \*", "name every column"),
        ("select cast(a.x / a.y as bigint) as id from s.a as a", "outside", "ratio"),
        ("select cast(a.x % a.y as bigint) as id from s.a as a", "outside", "negative"),
        ("select cast(avg(a.x) as bigint) as id from s.a as a", "outside", "ratio"),
        ("select cast(round(a.x, 2) as bigint) as id from s.a as a", "outside", "decimal"),
        ("select cast(cast(a.x as double precision) as bigint) as id from s.a as a", "type double", "decimal"),
        ("select cast(cast(a.x as real) as bigint) as id from s.a as a", "type real", "decimal"),
        ("select cast(cast(a.x as decimal(10, 2)) as bigint) as id from s.a as a", "type decimal", r"18, 4"),
        ("select cast(cast(a.x as varchar) as text) as id from s.a as a", "type varchar", "text"),
        ("select cast(cast(a.x as timestamp) as text) as id from s.a as a", "type timestamp", "timestamptz"),
        ("select cast(1e3 as bigint) as id from s.a as a", "floating-point", "digits"),
        ("select cast(a.x::text as text) as id from s.a as a", "dialect's cast", "cast"),
        ("select cast(a.j -> 'k' as text) as id from s.a as a", "outside", "json_part"),
        ("select cast(a.j ->> 'k' as text) as id from s.a as a", "outside", "json_text"),
        ("select cast(a.j #>> '{k}' as text) as id from s.a as a", "outside", "json_text"),
        ("select cast(a.l[1] as text) as id from s.a as a", "outside", "json_part"),
        ("select cast(a.id as text) as id from s.a as a where a.x ilike 'a%'", "outside", "lower"),
        ("select cast(a.id as text) as id from s.a as a where a.x ~ 'a'", "outside", "matches"),
        ("select cast(a.id as text) as id from s.a as a where a.x similar to 'a'", "outside", "matches"),
        ("select cast(regexp_replace(a.x, 'a', 'b') as text) as id from s.a as a", "outside", "helper"),
        ("select cast(my_function(a.x) as text) as id from s.a as a", "my_function is not portable", "yes_no"),
        ("select cast(a.id as text) as id from s.a as a order by a.id", "where nulls go", "nulls last"),
        ("select cast(a.id as text) as id from s.a as a order by a.x nulls last, a.y", "nulls go", "each term"),
        ("select cast(min(a.x) over (order by a.y) as text) as id from s.a as a", "where nulls go", "nulls last"),
        ("select cast(a.id as text) as id from s.a as a limit 1", "outside", "row_number"),
        ("select cast(now() as timestamptz) as id from s.a as a", "outside", "rows only"),
        ("select cast(current_date as date) as id from s.a as a", "outside", "rows only"),
        ("select cast(random() as bigint) as id from s.a as a", "outside", "value of the row"),
        ("select cast(a.at at time zone 'UTC' as date) as id from s.a as a", "outside", "day_in_zone"),
        ("select cast(date_trunc('day', a.at) as date) as id from s.a as a", "outside", "day_in_zone"),
        ("select cast(extract(epoch from a.at) as bigint) as id from s.a as a", "outside", "seconds_between"),
        ("select cast(a.at - interval '1 day' as date) as id from s.a as a", "outside", "seconds_between"),
        ("select cast(count(*) filter (where a.x) as bigint) as id from s.a as a", "outside", "sum"),
        ("select distinct on (a.x) cast(a.id as text) as id from s.a as a", "distinct on", "where"),
        ("select cast(a.id as text) as id from s.a as a join s.b as b using (id)", "using", "on a.x"),
        ("select cast(a.id as text) as id from s.a as a natural join s.b as b", "natural join", "on"),
        ("select cast(a.id as text) as id from s.a as a, s.b as b", "comma", "cross join"),
        ("select cast(a.id as text) as id from a", "no schema", "schema.a"),
        ("with recursive r as (select 1 as id) select cast(r.id as text) as id from r", "recursive", "CTEs"),
        ("select cast(u.id as text) as id from unnest(array[1]) as u (id)", "outside", "association tables"),
    ],
)  # fmt: skip
def test_what_leaves_the_subset_is_refused_and_told_what_to_write(written: str, problem: str, instead: str) -> None:
    findings = lint(with_header(written), "sql/mart/thing.sql")

    assert [found for found in findings if _says(found.problem, problem) and _says(found.mend, instead)], [
        str(found) for found in findings
    ]
    assert {found.line for found in findings} == {4}


@pytest.mark.parametrize(
    "written",
    [
        "select cast(a.id as text) as id from s.a as a qualify row_number() over (order by a.x nulls last) = 1",
        "select cast(try_cast(a.id as bigint) as text) as id from s.a as a",
    ],
)
def test_what_only_one_engine_reads_is_refused(written: str) -> None:
    findings = lint(with_header(written), "sql/mart/thing.sql")

    assert findings


def test_the_conditions_of_checks_are_held_to_the_same_subset() -> None:
    text = with_header("select cast(a.id as bigint) as id from s.a as a", "-- check: a error: id / 2 = 1")

    (finding,) = lint(text, "sql/mart/thing.sql")

    assert finding.line == 4
    assert "ratio" in finding.mend


def test_the_line_of_a_finding_is_the_line_of_the_text() -> None:
    (finding,) = lint(with_header("select\n    cast(a.id as text) as id\nfrom s.a as a\nwhere a.x ilike 'b'"), "f.sql")

    assert finding.line == 7


def _says(text: str, pattern: str) -> bool:
    import re

    return re.search(pattern, text) is not None
