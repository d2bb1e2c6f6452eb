"""Migrations: packaged, one at a time, all or nothing."""

import json
from functools import partial
from itertools import chain

import pytest
import sqlalchemy as sa

from hubspot_platform.state import Store, migrate, open_state, pending_migrations
from hubspot_platform.state.errors import StateTooNew
from hubspot_platform.state.schema import OPS_SCHEMA, metadata
from hubspot_platform_tests.integration.state.child import migrate_and_die, migrate_once
from hubspot_platform_tests.support.children import Child


def tables(store: Store) -> set[str]:
    schema = OPS_SCHEMA if store.dialect == "postgresql" else None
    return set(store.read(lambda conn: sa.inspect(conn).get_table_names(schema=schema)))


def test_a_new_store_is_brought_up_to_date_once(empty_state_url: str) -> None:
    store = open_state(empty_state_url)
    expected = pending_migrations(store)
    assert expected[0] == "0001"
    assert migrate(store) == expected
    assert pending_migrations(store) == []
    assert migrate(store) == []
    store.close()


def test_the_migrated_tables_are_the_tables_the_code_declares(store: Store) -> None:
    schema = OPS_SCHEMA if store.dialect == "postgresql" else None

    def shape(conn: sa.Connection) -> dict[str, dict[str, bool]]:
        inspector = sa.inspect(conn)
        return {
            name: {str(column["name"]): bool(column["nullable"]) for column in inspector.get_columns(name, schema)}
            for name in inspector.get_table_names(schema)
        }

    stored = store.read(shape)
    for name, table in metadata.tables.items():
        assert stored.get(name) == {column.name: bool(column.nullable) for column in table.columns}, name


def test_processes_that_start_together_migrate_once(empty_state_url: str) -> None:
    started = [Child(partial(migrate_once, empty_state_url)) for _ in range(3)]
    done = [child.ended(120) for child in started]
    assert [child.returncode for child in done] == [0, 0, 0]
    applied = [json.loads(child.stdout) for child in done]
    store = open_state(empty_state_url)
    assert sorted(chain.from_iterable(applied)) == sorted(max(applied, key=len))
    assert pending_migrations(store) == []
    store.close()


def test_case_084_an_interrupted_migration_leaves_an_honest_version_and_is_repeated(empty_state_url: str) -> None:
    assert Child(partial(migrate_and_die, empty_state_url)).wait(120) == -9
    store = open_state(empty_state_url)
    assert tables(store) == set()
    assert pending_migrations(store)[0] == "0001"
    migrate(store)
    assert pending_migrations(store) == []
    store.close()


def test_a_store_of_a_newer_version_is_refused(store: Store) -> None:
    table = sa.table(
        "alembic_version",
        sa.column("version_num"),
        schema=OPS_SCHEMA if store.dialect == "postgresql" else None,
    )
    store.write(lambda conn: conn.execute(sa.update(table).values(version_num="9999")))
    with pytest.raises(StateTooNew, match="9999"):
        migrate(store)
    with pytest.raises(StateTooNew):
        pending_migrations(store)
