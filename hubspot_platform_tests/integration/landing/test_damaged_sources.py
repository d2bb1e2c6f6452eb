"""Sources that cannot be read, or not in full: the reason is said, nothing is replaced, and the other tables land."""

import gzip
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from hubspot_platform.landing.contract import CATALOGUE
from hubspot_platform.landing.errors import SourceUnreadable
from hubspot_platform.landing.files import DirectorySource
from hubspot_platform.landing.land import Landing, land
from hubspot_platform.landing.sources import Batch, open_source
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import load_settings
from hubspot_platform_tests.integration.landing.conftest import write_ndjson
from hubspot_platform_tests.support.platforms import rows

HEADER = b"company_id,client_id,linked_at\n"
ROW = b"1,c,2026-05-01\n"
DAY = "2026-05-01T00:00:00Z"
COMPANY = {"company_id": "1", "status": "PAYING", "cs_manager_locked": False, "created_at": DAY, "updated_at": DAY}
LONG_VALUE = b"x" * (20 << 20)


def outcomes(platform: Platform, *names: str) -> list[Landing]:
    return land(platform, [CATALOGUE[f"product.{name}"] for name in names], run_id="test")


def read(folder: Path, table: str) -> list[Batch]:
    batches = DirectorySource(folder).read(table)
    assert batches is not None
    return list(batches)


def reason_to_refuse(folder: Path, content: bytes) -> str:
    path = folder / "company_to_client_id.csv"
    path.write_bytes(content)
    with pytest.raises(SourceUnreadable) as refused:
        read(folder, "company_to_client_id")
    place, _, reason = str(refused.value).partition(": ")
    assert place == str(path)
    return reason.partition(" — ")[0]


def test_a_table_that_cannot_be_read_changes_nothing_and_the_tables_behind_it_land(
    platform: Platform, folder: Path
) -> None:
    links, managers = folder / "company_to_client_id.csv", folder / "company_to_email.csv"
    links.write_bytes(HEADER + ROW)
    outcomes(platform, "company_to_client_id")
    links.write_bytes((HEADER + ROW * 2).decode().encode("utf-16"))
    managers.write_bytes(b"company_id,email,linked_at\n1,a@a.example,2026-05-01\n")
    first, second = outcomes(platform, "company_to_client_id", "company_to_email")
    assert isinstance(first.error, SourceUnreadable)
    assert f"{links}: not UTF-8 text" in str(first.error)
    assert second.report is not None
    assert len(rows(platform, "select * from product.company_to_client_id")) == 1
    assert len(rows(platform, "select * from product.company_to_email")) == 1


def test_an_error_nobody_thought_of_is_that_of_its_table_and_is_logged(
    platform: Platform, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    deep = b"[" * 300 + b"]" * 300
    (folder / "company_to_client_id.ndjson").write_bytes(b'{"company_id": "1", "client_id": %s}' % deep)
    first, second = outcomes(platform, "company_to_client_id", "monday_bug")
    assert str(first.error) == "product.company_to_client_id: TypeError — the log says where"
    assert second.report is not None
    assert "orjson.dumps" in caplog.text
    assert "Recursion limit" not in caplog.text  # what an error says may repeat what a row says


def test_a_quote_that_is_never_closed_is_refused_instead_of_swallowing_rows(platform: Platform, folder: Path) -> None:
    path = folder / "lead.csv"
    header, row = "lead_id,submitted_at,email,form_name,page_url,phone\n", "L{},2026-05-01,a@a.example,demo,,{}\n"
    path.write_text(header + row.format(9, '"5"" pipe, ""a"""'), encoding="utf-8")
    assert outcomes(platform, "lead")[0].error is None
    path.write_text(header + row.format(0, '"12') + row.format(1, "") + row.format(2, ""), encoding="utf-8")
    error = outcomes(platform, "lead")[0].error
    assert isinstance(error, SourceUnreadable)
    assert f"{path}: a quote is opened and never closed" in str(error)
    assert rows(platform, "select lead_id, phone from product.lead") == [{"lead_id": "L9", "phone": '5" pipe, "a"'}]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "a CSV without a header line"),
        (b"\n\r\n", "a CSV without a header line"),
        (HEADER + ROW.replace(b"c", b"\xe9"), "not UTF-8 text"),
        (HEADER + b"1,\xe9\n" + ROW, "not UTF-8 text"),
        (HEADER.replace(b"client", b"\xe9"), "not UTF-8 text"),
        (HEADER + ROW * 1_000_000 + b"1,\xe9,2026-05-01\n", "not UTF-8 text"),
        (gzip.compress(HEADER + ROW), "not UTF-8 text"),
        (HEADER + ROW.replace(b"c", LONG_VALUE), "a row of more than 8 MB, or a quote that is opened and never closed"),
    ],
    ids=["empty", "blank", "latin1", "latin1 in a short line", "latin1 header", "latin1 late", "gzip", "long value"],
)
def test_a_csv_that_cannot_be_read_is_named_with_the_true_reason(folder: Path, content: bytes, reason: str) -> None:
    assert reason_to_refuse(folder, content) == reason


@pytest.mark.parametrize("content", [HEADER, HEADER.strip(), b"\xef\xbb\xbf" + HEADER, HEADER.strip() + b"\r\n"])
def test_a_csv_of_only_a_header_is_a_table_without_rows(folder: Path, content: bytes) -> None:
    (folder / "company_to_client_id.csv").write_bytes(content)
    batches = read(folder, "company_to_client_id")
    assert batches[0].rows.column_names == ["company_id", "client_id", "linked_at"]
    assert sum(batch.rows.num_rows + len(batch.unreadable) for batch in batches) == 0


def test_numbers_of_ndjson_keep_every_digit(platform: Platform, folder: Path) -> None:
    case = {"company_id": "1", "title": "T", "stage": "open", "opened_at": DAY, "updated_at": DAY}
    write_ndjson(folder / "business_case.ndjson", {**case, "case_id": "short", "value_usd": 12.5})
    line = (
        b'{"case_id": 123456789012345678901234567890, "value_usd": 12345678901234.1234, "company_id": 2.50, '
        b'"title": {"n": [1234567890123456.25, 1.5]}, "stage": "open", "opened_at": 1777593600000, "updated_at": "%s"}'
    )
    path = folder / "business_case.ndjson"
    path.write_bytes(path.read_bytes() + line % DAY.encode())
    assert outcomes(platform, "business_case")[0].error is None
    query = "select case_id, company_id, title, value_usd from product.business_case order by case_id"
    assert [tuple(row.values()) for row in rows(platform, query)] == [
        ("123456789012345678901234567890", "2.5", '{"n":[1234567890123456.25,1.5]}', Decimal("12345678901234.1234")),
        ("short", "1", "T", Decimal("12.5")),
    ]


@pytest.mark.parametrize("text", [b'[{"company_id": "1", "client_id": "2"}]', b"\x1f\x8b\x08 compressed"])
def test_ndjson_without_a_single_row_leaves_the_table_as_it_was(platform: Platform, folder: Path, text: bytes) -> None:
    links = folder / "company_to_client_id.ndjson"
    write_ndjson(links, {"company_id": "1", "client_id": "c", "linked_at": "2026-05-01"})
    assert outcomes(platform, "company_to_client_id")[0].report is not None
    links.write_bytes(text)
    (failed,) = outcomes(platform, "company_to_client_id")
    assert f"{links}: none of its lines is a row — write one JSON object a line" in str(failed.error)
    assert len(rows(platform, "select * from product.company_to_client_id")) == 1


def test_ndjson_may_begin_with_a_byte_order_mark(folder: Path) -> None:
    (folder / "company.ndjson").write_bytes(b'\xef\xbb\xbf{"company_id": "1"}\n{"company_id": "2"}\n')
    assert [batch.rows["company_id"].to_pylist() for batch in read(folder, "company")] == [["1", "2"]]
    assert not any(batch.unreadable for batch in read(folder, "company"))


def test_what_lands_of_equally_new_rows_does_not_depend_on_their_order(platform: Platform, folder: Path) -> None:
    contents = [{**COMPANY, "company_name": name, "domain": domain} for name, domain in (("B", "x"), ("A", None))]
    contents += [{**COMPANY, "company_name": "A", "domain": "b.example"}, {**COMPANY, "company_name": "A"}]
    seen = []
    for given in (contents, contents[::-1], contents[2:] + contents[:2]):
        write_ndjson(folder / "company.ndjson", *given)
        report = outcomes(platform, "company")[0].report
        assert report is not None
        landed = rows(platform, "select company_name, domain from product.company")
        rejected = rows(platform, "select row_json from product.rejected_row order by row_json")
        seen.append((landed, rejected))
    assert [len(part) for part in seen[0]] == [1, 2]
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.postgres
def test_a_value_too_long_late_in_a_postgresql_source_fails_its_table_only(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create schema matrix")
        connection.execute(
            "create view matrix.company_to_client_id as select 'c' || n as company_id, "
            f"case when n = 300000 then repeat('x', {len(LONG_VALUE)}) else 'b' end as client_id, "
            "date '2026-05-01' as linked_at from generate_series(1, 300000) as t(n)"
        )
        connection.execute(
            "create view matrix.company_to_email as select 'c' as company_id, 'a@a.example' as email, "
            "date '2026-05-01' as linked_at"
        )
        connection.execute(
            "create view matrix.lead as select 1 / (200000 - n) as lead_id from generate_series(1, 200000) as t(n)"
        )
    source = f"{postgres_url}?options=-csearch_path%3Dmatrix"
    platform = Platform(load_settings(platform_home=tmp_path, product_source=source))
    first, second = outcomes(platform, "company_to_client_id", "company_to_email")
    assert isinstance(first.error, SourceUnreadable)
    assert "table company_to_client_id: a row of more than 8 MB" in str(first.error)
    assert second.report is not None
    assert second.report.rows_landed == 1
    with pytest.raises(SourceUnreadable, match="table lead: DivisionByZero"):
        list(open_source(source, "PRODUCT_SOURCE").read("lead") or ())
    platform.close()


@pytest.fixture
def latin1_url(postgres_url: str) -> Iterator[str]:
    """A database whose texts are not UTF-8."""
    address = f"{postgres_url}_latin1"
    name = address.rpartition("/")[2]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name} encoding 'LATIN1' template template0 locale 'C'")
    yield address
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.mark.postgres
def test_a_postgresql_source_of_another_encoding_lands(latin1_url: str) -> None:
    with psycopg.connect(latin1_url, autocommit=True) as connection:
        connection.execute("create table company_to_email as select 'Müller' as company_id, 'ü@a.example' as email")
    batches = open_source(latin1_url, "PRODUCT_SOURCE").read("company_to_email")
    assert batches is not None
    found = [row for batch in batches for row in batch.rows.to_pylist()]
    assert found == [{"company_id": "Müller", "email": "ü@a.example"}]
