"""PostgreSQL's own side of the contract: snapshots, waiting, several writers, and what hangs on a rebuilt table."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from hubspot_platform.warehouse import Column, Index, LogicalType, Table, WarehouseLocked, WarehouseUnavailable
from hubspot_platform.warehouse.postgres import PostgresWarehouse
from hubspot_platform_tests.support.warehouse import CONTACT, contact, rows, stored

pytestmark = pytest.mark.postgres
BUILT = Table("funnel", "built", (Column("id", LogicalType.INT), Column("note", LogicalType.TEXT)), key=("id",))


def filled(url: str, lock_wait: float = 5) -> PostgresWarehouse:
    warehouse = PostgresWarehouse(url, lock_wait=lock_wait)
    with warehouse.writer() as session:
        session.ensure(CONTACT)
        session.merge(CONTACT, rows(CONTACT, contact(1, 1)))
    return warehouse


def test_a_reader_sees_one_snapshot(postgres_url: str) -> None:
    warehouse = filled(postgres_url)
    with warehouse.reader() as reader:
        assert reader.query("select id from hubspot.contact").num_rows == 1
        with warehouse.writer() as writer:
            writer.merge(CONTACT, rows(CONTACT, contact(2, 1)))
        assert reader.query("select id from hubspot.contact").num_rows == 1
    with warehouse.reader() as reader:
        assert reader.query("select id from hubspot.contact").num_rows == 2


def test_case_082_waiting_for_another_session_is_bounded_and_retryable(postgres_url: str) -> None:
    warehouse = filled(postgres_url, lock_wait=0.2)
    with psycopg.connect(postgres_url) as other:
        other.execute("lock table hubspot.contact in access exclusive mode")
        with warehouse.writer() as session, pytest.raises(WarehouseLocked) as locked:
            session.merge(CONTACT, rows(CONTACT, contact(2, 1)))
    assert locked.value.retryable
    assert stored(warehouse, "select id from hubspot.contact") == [{"id": 1}]


def test_merges_of_the_same_rows_at_once_all_succeed(postgres_url: str) -> None:
    warehouse = filled(postgres_url)

    def work(turn: int) -> int:
        numbers = range(50) if turn % 2 else reversed(range(50))
        with warehouse.writer() as session:
            session.ensure(CONTACT)
            given = rows(CONTACT, *(contact(n, turn) for n in numbers))
            return session.merge(CONTACT, given, newer_by="updated_at", content="raw_json").total

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, range(12))) == [50] * 12
    found = stored(warehouse, "select count(*) as n, count(distinct updated_at) as moments from hubspot.contact")
    assert found == [{"n": 50, "moments": 1}]


def test_first_opens_at_once_agree_on_one_identity(postgres_url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(lambda _: PostgresWarehouse(postgres_url).identity(), range(6)))) == 1


def test_a_rebuild_keeps_views_grants_and_indexes(postgres_url: str) -> None:
    warehouse = filled(postgres_url)
    select = "select {} as id, 'n' as note"
    with warehouse.writer() as session:
        session.create_from_select(BUILT, select.format(1))
        session.execute("create view funnel.upper_notes as select id, upper(note) as note from funnel.built")
        session.execute("create view funnel.counted as select count(*) as n from funnel.upper_notes")
        session.execute("create index built_note on funnel.built (note)")
        session.execute("grant select on funnel.built to public")
        session.execute("grant select on funnel.counted to public")
        for number in (2, 3):
            session.create_from_select(BUILT, select.format(number))
        assert session.query("select * from funnel.upper_notes").to_pylist() == [{"id": 3, "note": "N"}]
        assert session.query("select * from funnel.counted").to_pylist() == [{"n": 1}]
        indexes = session.query("select indexname from pg_indexes where schemaname = 'funnel' order by 1")
        assert indexes["indexname"].to_pylist() == ["built_note", "built_pkey"]
        grants = session.query(
            "select table_name from information_schema.role_table_grants where grantee = 'PUBLIC' "
            "and table_schema = 'funnel' order by 1"
        )
        assert grants["table_name"].to_pylist() == ["built", "counted"]


def test_no_connection_outlives_its_session(postgres_url: str) -> None:
    warehouse = filled(postgres_url)
    with pytest.raises(RuntimeError), warehouse.writer() as session, session.transaction():
        raise RuntimeError
    with psycopg.connect(postgres_url) as other:
        sql = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        left = next(count for (count,) in iter(lambda: other.execute(sql).fetchone() or (0,), None) if count == 0)
    assert left == 0


def test_a_server_that_does_not_answer_is_retryable_and_keeps_the_password_out_of_the_error() -> None:
    warehouse = PostgresWarehouse("postgresql://someone:s3cret@127.0.0.1:1/nothing")
    with pytest.raises(WarehouseUnavailable) as unavailable, warehouse.writer():
        pass
    assert unavailable.value.retryable
    assert "s3cret" not in str(unavailable.value) + repr(warehouse) + repr(vars(warehouse))


def indexes(url: str, table: str) -> dict[str, str]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "select indexname, indexdef from pg_indexes where schemaname || '.' || tablename = %s", [table]
        ).fetchall()
    return {name: definition.partition(" USING ")[2] for name, definition in found if not name.endswith("_pkey")}


def test_declared_indexes_are_made_when_the_table_is_and_when_they_are_new(postgres_url: str) -> None:
    warehouse = PostgresWarehouse(postgres_url)
    columns = (Column("id", LogicalType.INT), Column("name", LogicalType.TEXT), Column("doc", LogicalType.JSON))
    by_id = (Index("idx_thing_id", "id"),)
    with warehouse.writer() as session:
        session.ensure(Table("hubspot", "thing", columns, indexes=by_id))
        assert indexes(postgres_url, "hubspot.thing") == {"idx_thing_id": "btree (id)"}
        more = Table("hubspot", "thing", columns, indexes=(*by_id, Index("idx_name", "name"), Index("idx_doc", "doc")))
        assert session.ensure(more) == []
        session.load(more, rows(more, {"id": 1, "name": "x" * 50_000, "doc": None}))
    assert indexes(postgres_url, "hubspot.thing") == {
        "idx_thing_id": "btree (id)",
        "idx_name": "hash (name)",
        "idx_doc": "gin (doc)",
    }


def test_a_rebuild_makes_declared_indexes_anew_and_keeps_those_of_others(postgres_url: str) -> None:
    warehouse = PostgresWarehouse(postgres_url)
    select = "select 1 as id, 'a' as note"
    with warehouse.writer() as session:
        session.create_from_select(replace(BUILT, indexes=(Index("idx_built", "note"),)), select)
        session.execute("create index by_hand on funnel.built (note)")
        session.create_from_select(replace(BUILT, indexes=(Index("idx_built", "id"),)), select)
    assert indexes(postgres_url, "funnel.built") == {"idx_built": "btree (id)", "by_hand": "btree (note)"}
