"""Rows and records that cannot be stored, kept as they were read with the reason: the mirror's dead letters.

The chunk builder and the readers of reference data make them; the writer stores them with what they were read with.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa

from hubspot_platform.hubspot.retry import parse_json
from hubspot_platform.mirror.tables import SCHEMA
from hubspot_platform.mirror.values import cleaned
from hubspot_platform.warehouse.model import Column, LogicalType, Table

BROKEN_JSON, NO_ID, NO_PROPERTIES = "broken_json", "no_id", "no_properties"

REJECTED_ROW = Table(
    SCHEMA,
    "rejected_row",
    (
        Column("table_name", LogicalType.TEXT, "the table the row was meant for"),
        Column("fingerprint", LogicalType.TEXT, "hash of the row"),
        Column("raw_json", LogicalType.JSON, "the row as it was read; a JSON text of it where it is no JSON"),
        Column("reason", LogicalType.TEXT, "no_id, no_properties or broken_json; no_key, or does_not_fit: columns"),
        Column("seen_at", LogicalType.TIMESTAMP, "when the mirror read it"),
    ),
    key=("table_name", "fingerprint"),
    description="Records that could not be read, and rows of lists, forms, e-mail events and people with values that "
    "do not fit their columns.",
)


def rejected_rows(table: Table, found: Iterable[tuple[Any, str]], seen_at: datetime) -> pa.Table:
    """Return rows of `rejected_row` for JSON values (or bytes that should have been one) with their reasons."""
    rows = []
    for document, reason in found:
        value = cleaned(_parsed(document) if isinstance(document, bytes) else document)
        text = json.dumps(value, default=str, sort_keys=True, ensure_ascii=False)
        digest = hashlib.sha256(text.encode()).hexdigest()
        rows.append(
            {"table_name": table.name, "fingerprint": digest, "raw_json": text, "reason": reason, "seen_at": seen_at}
        )
    return pa.Table.from_pylist(rows, schema=REJECTED_ROW.arrow_schema())


def _parsed(text: bytes) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return text.decode("utf-8", "replace")
