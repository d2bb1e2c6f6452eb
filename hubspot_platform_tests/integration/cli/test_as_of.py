"""`build --as-of`: the same inputs and the same time make the same tables, byte for byte in a sorted export."""

import random
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hubspot_platform.cli.main import app
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import load_settings
from hubspot_platform_tests.support.attribution import AS_OF, Product, at, build, client

KEYS = {"company_identity": "company_id, node_type, node", "identifier_quality": "identifier", "visits": "visit_id"}


def told() -> Product:
    product = Product()
    for number in range(30):
        company = f"c{number % 7}"
        product.owns(company, client(number), f"e{number}@x.test")
        product.link(f"e{number}@x.test", client(number + 1))
        product.session(number, client(number), at("2026-05-01"), gclid="g" * (15 + number % 10))
    return product


def exported() -> dict[str, bytes]:
    """The tables as `query` prints them, in key order."""
    found = {}
    for table, key in KEYS.items():
        done = CliRunner().invoke(
            app, ["query", f"select * from attribution.{table} order by {key}", "--format", "csv"]
        )
        assert done.exit_code == 0, done.output
        found[table] = done.stdout_bytes
    return found


def test_the_same_inputs_in_any_order_and_the_same_time_make_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_HOME", str(tmp_path / "one"))
    platform = Platform(load_settings())
    with platform.warehouse().writer() as session:
        told().write(session)
    platform.close()
    selection = [f"attribution/{table}" for table in KEYS]
    elsewhere = AS_OF.astimezone(timezone(timedelta(hours=-5))).strftime("%Y-%m-%dT%H:%M:%S%z")
    done = CliRunner().invoke(app, ["build", *selection, "--as-of", elsewhere, "--json"])
    assert done.exit_code == 0, done.output
    first = exported()

    monkeypatch.setenv("PLATFORM_HOME", str(tmp_path / "two"))
    shuffled, platform = told(), Platform(load_settings())
    for rows in shuffled.rows.values():
        random.Random(1).shuffle(rows)
    build(platform.warehouse(), shuffled, AS_OF, up_to=KEYS)
    platform.warehouse().publish()
    platform.close()

    assert exported() == first
    assert all(AS_OF.strftime("%Y-%m-%dT%H:%M:%S").encode() in first[table] for table in list(KEYS)[:2])
