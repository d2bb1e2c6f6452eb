"""The sources beside folders: a real PostgreSQL database, and BigQuery's REST interface on localhost."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest
from dagster_gcp import BigQueryResource
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from hubspot_platform.errors import ConfigurationError, PlatformError
from hubspot_platform.landing.bigquery import BigQuerySource
from hubspot_platform.landing.check import check_rows, match_columns
from hubspot_platform.landing.contract import CATALOGUE
from hubspot_platform.landing.errors import SourceUnavailable, SourceUnreadable
from hubspot_platform.landing.land import land
from hubspot_platform.landing.sources import open_source
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import load_settings
from hubspot_platform_tests.support.platforms import rows

NOW = datetime(2026, 5, 2, tzinfo=UTC)


@pytest.mark.postgres
def test_a_postgresql_database_lands_with_its_own_types(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create schema matrix")
        connection.execute(
            "create table matrix.lead (lead_id uuid, submitted_at timestamp, email varchar, client_id uuid, "
            "form_name text, page_url text, phone text, tags text[])"
        )
        connection.execute(
            "insert into matrix.lead values "
            "('7f8c9dd0-27be-4d9a-b5e1-8f2f1a1f4b10', '2026-05-01 10:00:00.123456', 'a@a.example', null, "
            "'demo, \"big\"', E'line\\nbreak', '', '{x}'), "
            "('7f8c9dd0-27be-4d9a-b5e1-8f2f1a1f4b11', null, 'b@b.example', null, 'demo', null, null, null)"
        )
        connection.execute(
            "create view matrix.exchange_rate as select 'EUR'::char(5) as currency, date '2026-05-01' as rate_date, "
            "1.08::double precision as usd_per_unit"
        )
        connection.execute(
            "create view matrix.company_open_hub as select 'c' || n as company_id, 'hr' as hub, n = 1 as is_open, "
            "timestamptz '2026-05-01' as updated_at from generate_series(1, 2) as t(n)"
        )
    source = f"{postgres_url}?options=-csearch_path%3Dmatrix"
    platform = Platform(load_settings(platform_home=tmp_path, product_source=source))
    names = (
        "product.lead",
        "product.exchange_rate",
        "product.company_open_hub",
        "product.monday_bug",
        "product.company",
    )
    lead, rate, hub, bug, company = land(platform, [CATALOGUE[name] for name in names], run_id="test")
    assert lead.report is not None
    assert (lead.report.rows_landed, lead.report.rejected) == (1, {"missing_value": 1})
    assert rows(platform, "select * from product.lead")[0] == {
        "lead_id": "7f8c9dd0-27be-4d9a-b5e1-8f2f1a1f4b10",
        "submitted_at": datetime(2026, 5, 1, 10, 0, 0, 123456, tzinfo=UTC),
        "email": "a@a.example",
        "client_id": None,
        "form_name": 'demo, "big"',
        "page_url": "line\nbreak",
        "phone": None,
    }
    assert rate.report is not None
    assert rows(platform, "select * from product.exchange_rate") == [
        {"currency": "EUR", "rate_date": date(2026, 5, 1), "usd_per_unit": Decimal("1.08")}
    ]
    assert hub.report is not None
    assert hub.report.rejected == {}
    opened = rows(platform, "select company_id, is_open from product.company_open_hub order by company_id")
    assert opened == [{"company_id": "c1", "is_open": True}, {"company_id": "c2", "is_open": False}]
    assert bug.report is not None
    assert bug.report.warning
    assert company.error is not None
    assert "table company" in str(company.error)
    platform.close()


@pytest.mark.postgres
def test_a_postgresql_source_that_refuses_is_named_without_its_password(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create role nobody_knows login")
        connection.execute("create table user_usage (user_id text)")
    address = postgres_url.replace("postgres@", "nobody_knows:hidden@")
    source = open_source(address, "PRODUCT_SOURCE")
    batches = source.read("user_usage")
    assert batches is not None
    with pytest.raises(SourceUnreadable, match="user_usage") as refused:
        list(batches)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("drop role nobody_knows")
    assert "hidden" not in str(refused.value)


def test_a_postgresql_source_that_is_down_may_be_tried_again() -> None:
    source = open_source("postgresql://me:hidden@127.0.0.1:1/app", "PRODUCT_SOURCE")
    with pytest.raises(SourceUnavailable) as refused:
        source.read("company")
    assert refused.value.retryable
    assert "hidden" not in str(refused.value)


class _BigQuery(BaseHTTPRequestHandler):
    """A dataset with one table of predictions, as BigQuery's REST interface shows it, two rows a page."""

    NAMES = ("email", "cp_score", "predicted_at")
    TYPES = ("STRING", "NUMERIC", "TIMESTAMP")
    ROWS = (("a@a.example", "0.25", "1777593600000000"), ("b@b.example", "0.5", "1777593600000000"), ("c", "1", None))

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        _, _, place = path.partition("/tables/")
        if "forbidden" in path:
            self._answer(403, {"error": {"code": 403, "message": "Access Denied", "errors": []}})
        elif place == "ds_cp_contact_table_score":
            fields = [{"name": n, "type": t, "mode": "NULLABLE"} for n, t in zip(self.NAMES, self.TYPES, strict=True)]
            reference = {"projectId": "p", "datasetId": "ds", "tableId": place}
            self._answer(
                200,
                {"tableReference": reference, "schema": {"fields": fields}, "type": "TABLE", "numRows": "3"},
            )
        elif place == "ds_cp_contact_table_score/data":
            start = 2 if "pageToken" in query else 0
            page = [{"f": [{"v": value} for value in row]} for row in self.ROWS[start : start + 2]]
            self._answer(200, {"totalRows": "3", "rows": page, **({} if start else {"pageToken": "next"})})
        else:
            self._answer(404, {"error": {"code": 404, "message": "Not found", "errors": []}})

    def _answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class LocalBigQuery(BigQueryResource):
    """The resource with a client for another address: BigQuery itself would ask for credentials."""

    address: str

    @contextmanager
    def get_client(self) -> Iterator[bigquery.Client]:
        yield bigquery.Client(
            project=self.project, credentials=AnonymousCredentials(), client_options={"api_endpoint": self.address}
        )


@pytest.fixture
def local_bigquery() -> Iterator[LocalBigQuery]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _BigQuery)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield LocalBigQuery(project="p", address=f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_bigquery_table_is_read_page_by_page_with_its_own_types(local_bigquery: LocalBigQuery) -> None:
    source = BigQuerySource("p", "ds", local_bigquery)
    assert source.place("t") == "bigquery://p/ds/t"
    batches = source.read("ds_cp_contact_table_score")
    assert batches is not None
    assert [batch.rows.num_rows for batch in batches] == [0, 2, 1]
    # The third row lacks its moment, which a contract without that column does not mind.
    entry = CATALOGUE["predictions.contact_cp_score"]
    found = [batch.rows for batch in source.read(entry.in_source) or ()]
    checked = check_rows(entry, match_columns(entry, found[1].column_names, "somewhere"), found[1], 1, NOW)
    assert checked.rows.drop_columns(["__row_number"]).to_pylist() == [
        {"email": "a@a.example", "cp_score": Decimal("0.25"), "predicted_at": datetime(2026, 5, 1, tzinfo=UTC)},
        {"email": "b@b.example", "cp_score": Decimal("0.5"), "predicted_at": datetime(2026, 5, 1, tzinfo=UTC)},
    ]


def test_a_bigquery_table_that_is_not_there_is_none_and_one_that_is_refused_is_an_error(
    local_bigquery: LocalBigQuery,
) -> None:
    assert BigQuerySource("p", "ds", local_bigquery).read("nothing") is None
    with pytest.raises(SourceUnreadable, match=r"bigquery://p/forbidden/t: Forbidden"):
        BigQuerySource("p", "forbidden", local_bigquery).read("t")


def test_a_source_is_found_by_its_address_without_being_opened() -> None:
    found = open_source("bigquery://my-project/matrix", "PRODUCT_SOURCE")
    assert found.place("company") == "bigquery://my-project/matrix/company"
    assert open_source("dir:///nowhere", "PRODUCT_SOURCE").place("company") == "/nowhere"
    for wrong in ("bigquery://my-project", "mysql://host/db"):
        with pytest.raises(ConfigurationError, match="PREDICTIONS_SOURCE"):
            open_source(wrong, "PREDICTIONS_SOURCE")


def test_a_folder_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="nowhere is no folder"):
        open_source(f"dir://{tmp_path}/nowhere", "PRODUCT_SOURCE").read("company")
