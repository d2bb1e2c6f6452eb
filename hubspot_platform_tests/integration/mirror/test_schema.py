"""The mirror's tables carry the names, columns and kinds that models written for other HubSpot mirrors expect."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import CATALOGUE, REFERENCES
from hubspot_platform.mirror.reference import sync_reference
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.model import LogicalType, quote
from hubspot_platform_tests.support.platforms import platform_for, sync
from hubspot_platform_tests.support.portal import portal

RECORD = {
    "is_deleted": LogicalType.BOOL,
    "_fivetran_deleted": LogicalType.BOOL,
    "portal_id": LogicalType.INT,
    "raw_json": LogicalType.JSON,
    "_fivetran_synced": LogicalType.TIMESTAMP,
}
CAST = {
    LogicalType.BOOL: "boolean",
    LogicalType.DECIMAL: "bigint",
    LogicalType.DOUBLE: "double precision",
    LogicalType.INT: "bigint",
    LogicalType.TEXT: "varchar",
    LogicalType.TIMESTAMP: "timestamp",
}
TYPED_ASSOCIATION = {"category": LogicalType.TEXT, "type_id": LogicalType.INT, "label": LogicalType.TEXT}


def expected() -> dict[str, dict[str, LogicalType]]:
    """Return the columns of every table: those of public_schema.txt and those every table of its kind has."""
    tables: dict[str, dict[str, LogicalType]] = {}
    for line in Path(__file__).with_name("public_schema.txt").read_text(encoding="ascii").splitlines():
        table, *columns = line.split()
        for column in columns:
            name, _, kind = column.partition(":")
            tables.setdefault(table, {})[name] = LogicalType(kind)
    for obj in CATALOGUE.values():
        tables[obj.table].update(RECORD)
        for target in obj.associations:
            tables.setdefault(target.table, {}).update(TYPED_ASSOCIATION)
    return tables


@pytest.mark.parametrize("engine", ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_every_table_has_the_expected_columns_on_both_engines(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else None
    wanted = expected()
    with portal("small") as running, platform_for(running, tmp_path, url) as platform:
        for obj in CATALOGUE.values():
            sync(platform, obj)
        for entry in REFERENCES.values():
            sync_reference(platform, entry, run_id="test")
        with platform.warehouse().reader() as session:
            stored = {table: session.columns(f"hubspot.{table}") for table in wanted}
            for table, columns in wanted.items():
                assert {name: stored[table].get(name) for name in columns} == columns, table
                read_as_models_do(session, table, columns)
    for obj in CATALOGUE.values():
        assert_prefixes_can_go(stored[obj.table], "property_hs_" if obj.engagement_type else "property_")


def read_as_models_do(session: Session, table: str, columns: dict[str, LogicalType]) -> None:
    """Cast every column of every row to the plainer type that models for other mirrors ask for."""
    casts = ", ".join(
        f"max(cast(cast({quote(name)} as {CAST[kind]}) as varchar))" for name, kind in columns.items() if kind in CAST
    )
    session.query(f"select {casts} from hubspot.{table}")


def assert_prefixes_can_go(columns: Mapping[str, LogicalType], prefix: str) -> None:
    """Models take the prefix off; a name that exists with and without it then has to be of one type."""
    for name, kind in columns.items():
        bare = name[len(prefix) :].lower()
        assert columns.get(bare, kind) is kind, (name, bare)
    left = [name.removeprefix(prefix).lower() for name in columns if name.removeprefix(prefix).lower() not in columns]
    assert len(left) == len(set(left))
