"""Writing the product database: one file a table in `product/` and `predictions/`, and `billing/events.ndjson`.

Called by the command (`__main__.py`) and by tests. Most tables are Parquet, two are CSV and one is NDJSON, so that
each kind of file is landed by whoever tries the platform.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from hubspot_platform.landing.contract import CATALOGUE
from hubspot_platform.landing.model import LandedTable
from hubspot_platform.sandbox.product import billing, features, people, staff, visits
from hubspot_platform.sandbox.product.dirt import spoil
from hubspot_platform.sandbox.product.facts import Facts
from hubspot_platform.sandbox.product.world import World, build_world

Row = Mapping[str, Any]
AS_CSV, AS_NDJSON = frozenset({"exchange_rate", "feature_feedback"}), frozenset({"lead"})
EVENTS = "billing/events.ndjson"


def write_product(facts: Facts, seed: int, folder: Path) -> dict[str, int]:
    """Write everything below `folder` and return the rows of each file; the same facts and seed, the same bytes."""
    world = build_world(facts, seed)
    tables = product_tables(world)
    counts: dict[str, int] = {}
    for entry in CATALOGUE.values():
        target = folder / entry.schema / entry.in_source
        target.parent.mkdir(parents=True, exist_ok=True)
        counts[entry.full_name] = _write(entry, tables[entry.in_source], target)
    counts[EVENTS] = _write_events(billing.events(world), folder / EVENTS)
    return counts


def product_tables(world: World) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every table by the name it has in its source, the spoiled ones among them."""
    tables: dict[str, list[dict[str, Any]]] = {entry.in_source: [] for entry in CATALOGUE.values()}
    tables |= {
        "company": list(people.companies(world)),
        "user_profile": list(people.users(world)),
        "user_usage": list(people.usage(world)),
        "session": list(visits.sessions(world)),
        "lead": list(people.leads(world)),
        "mobile_signup": list(people.mobile_signups(world)),
        "company_to_client_id": list(people.company_clients(world)),
        "company_to_email": list(people.company_emails(world)),
        "email_to_client_id": list(people.email_clients(world)),
        "manager_bucket": list(staff.manager_buckets(world)),
        "manager_history": list(staff.manager_history(world)),
        "exchange_rate": list(staff.exchange_rates(world)),
        **features.predictions(world),
    }
    for made in (features.of_accounts(world), features.of_users(world)):
        for name, row in made:
            tables[name].append(row)
    spoil(world, tables)
    return tables


def _write(entry: LandedTable, rows: Sequence[Row], target: Path) -> int:
    if entry.in_source in AS_CSV:
        _write_csv(entry, rows, target.with_suffix(".csv"))
    elif entry.in_source in AS_NDJSON:
        lines = [*(orjson.dumps(row) for row in rows), b'{"lead_id": "cut off']
        target.with_suffix(".ndjson").write_bytes(b"\n".join(lines) + b"\n")
    else:
        pq.write_table(_arrow(entry, rows), target.with_suffix(".parquet"))
    return len(rows)


def _arrow(entry: LandedTable, rows: Sequence[Row]) -> pa.Table:
    arrays = {}
    for column in entry.table.columns:
        values = pa.array([row.get(column.name) for row in rows], None if not rows else _written(column.type.arrow))
        arrays[column.name] = values.cast(column.type.arrow)
    return pa.table(arrays)


def _written(kind: pa.DataType) -> pa.DataType:
    """Return the type values have in this process: amounts are texts, everything else is what it is."""
    return pa.string() if pa.types.is_decimal(kind) else kind


def _write_csv(entry: LandedTable, rows: Sequence[Row], target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(entry.table.column_names)
        writer.writerows([_text(row.get(name)) for name in entry.table.column_names] for row in rows)
        file.write("one field too few\n")


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _write_events(events: Iterable[Mapping[str, Any]], target: Path) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    number = 0
    with target.open("wb") as file:
        for event in events:
            file.write(orjson.dumps(event) + b"\n")
            number += 1
    return number
