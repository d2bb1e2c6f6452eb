"""The mirror's tables carry the names, columns and kinds that models written for other HubSpot mirrors expect."""

from pathlib import Path

import pytest

from hubspot_platform.hubspot.catalogue import CATALOGUE, REFERENCES
from hubspot_platform.mirror.reference import sync_reference
from hubspot_platform.warehouse.model import LogicalType
from hubspot_platform_tests.support.platforms import platform_for, sync
from hubspot_platform_tests.support.portal import portal

RECORD = {
    "is_deleted": LogicalType.BOOL,
    "_fivetran_deleted": LogicalType.BOOL,
    "portal_id": LogicalType.INT,
    "raw_json": LogicalType.JSON,
    "_fivetran_synced": LogicalType.TIMESTAMP,
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
