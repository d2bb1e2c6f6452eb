"""The earlier values of properties: `*_property_history`, one row per change, and `deal_stage` made from it.

Rows come with the list's pages in a full read, and from `batch/read` for changed records otherwise. The chunk builder
calls `history_rows`; the writer stores them in the transaction of the records they came with. HubSpot keeps the latest
45 values of a contact's property and 20 of another's: rows are only ever added, so what it forgets stays here.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from hubspot_platform.hubspot.catalogue import ObjectType
from hubspot_platform.hubspot.names import PropertyNames
from hubspot_platform.hubspot.records import HISTORY, Records
from hubspot_platform.hubspot.retry import parse_json
from hubspot_platform.mirror.tables import LONGEST_SAMPLE, SCHEMA, VALUE_ERROR, ObjectLayout
from hubspot_platform.mirror.values import as_text, cleaned, storable, text_column, typed_column, without_empty
from hubspot_platform.warehouse.model import Column, LogicalType, Table

EVERY_PROPERTY = "*"

_SYNCED = Column("_fivetran_synced", LogicalType.TIMESTAMP, "when the mirror read the change")
_RANK = Column(
    "instant_rank",
    LogicalType.INT,
    "0; where several changes have one instant, 0 is the last of them, then 1, 2, …",
    nullable=False,
)
DEAL_STAGE = Table(
    SCHEMA,
    "deal_stage",
    (
        Column("deal_id", LogicalType.INT, "HubSpot id of the deal", nullable=False),
        Column("value", LogicalType.TEXT, "id of the stage the deal entered"),
        Column("date_entered", LogicalType.TIMESTAMP, "when it entered the stage", nullable=False),
        _RANK,
        Column("source", LogicalType.TEXT, "what moved it, for example CRM_UI or INTEGRATION"),
        Column("source_id", LogicalType.TEXT, "which one moved it, for example userId:9"),
        Column("_fivetran_active", LogicalType.BOOL, "whether the deal is in this stage now"),
        Column("_fivetran_start", LogicalType.TIMESTAMP, "same as date_entered"),
        Column("_fivetran_end", LogicalType.TIMESTAMP, "when it left the stage; null while it is in it"),
        _SYNCED,
    ),
    key=("deal_id", "date_entered", "instant_rank"),
    description="Stages that deals entered, one row each time, from the history of property dealstage.",
)
STAGE_PROPERTY = "dealstage"


@dataclass(frozen=True)
class History:
    """The changes of some records: rows of the object's history table, and what of them cannot be stored.

    `misfits` are (record id, property, text) of versions whose time is no time, and of whole histories under the name
    `propertiesWithHistory`; `ids` are the records whose history
    was read.
    """

    rows: pa.Table
    misfits: tuple[tuple[int, str, str], ...]
    ids: tuple[int, ...]


def history_table(obj: ObjectType) -> Table | None:
    """Return the history table of an object; None for one whose history is not mirrored."""
    return _table(obj.name) if obj.keeps_history else None


def _table(name: str) -> Table:
    """Return a history table; tickets have the columns that consumers of their table know."""
    record = f"{name}_id"
    ends = (
        Column("_fivetran_start", LogicalType.TIMESTAMP, "same as timestamp_instant"),
        Column("_fivetran_end", LogicalType.TIMESTAMP, "when the next value came; null while it is the present one"),
    )
    moment = moment_column(name)
    return Table(
        SCHEMA,
        f"{name}_property_history",
        (
            Column(record, LogicalType.INT, f"HubSpot id of the {name}", nullable=False),
            Column("name", LogicalType.TEXT, "name of the property", nullable=False),
            Column("value", LogicalType.TEXT, "the value it got, as HubSpot sent it; null when it was cleared"),
            Column(moment, LogicalType.TIMESTAMP, "when it got the value", nullable=False),
            _RANK,
            Column("source", LogicalType.TEXT, "what changed it, for example CRM_UI or INTEGRATION"),
            Column("source_id", LogicalType.TEXT, "which one changed it, for example userId:9"),
            *(ends if name == "ticket" else ()),
            _SYNCED,
        ),
        key=(record, "name", moment, "instant_rank"),
        description=f"Changes of {name} properties, one row each: `history_properties` says of which properties. "
        "Rows stay when HubSpot no longer remembers the change.",
    )


def moment_column(name: str) -> str:
    """Return the column that holds the time of a change."""
    return "timestamp_instant" if name == "ticket" else "timestamp"


def asking_history(layout: ObjectLayout, chosen: Sequence[str] | None) -> ObjectLayout:
    """Return the layout with the properties whose history is wanted, of those the portal has.

    `chosen` is what the business settings say of the object, None when they say nothing: the catalogue's then.
    """
    known, obj = layout.properties, layout.object
    asked = () if not obj.keeps_history else obj.history_properties if chosen is None else chosen
    names = known if EVERY_PROPERTY in asked else tuple(name for name in dict.fromkeys(asked) if name in known)
    return replace(layout, properties=PropertyNames(known, names))


def history_rows(obj: ObjectType, pages: Sequence[Records], *, read_at: datetime) -> History | None:
    """Return the changes that came with the records; None when no history was asked for.

    A history of another shape than HubSpot documents is a misfit of its record.
    """
    table = history_table(obj)
    pages = [page for page in pages if page.histories]
    if table is None or not pages:
        return None
    found = _Versions()
    for page in pages:
        for record_id, text in zip(page.ids, page.histories, strict=True):
            found.add(record_id, text)
    moments = typed_column(_texts(found.moments), LogicalType.TIMESTAMP).values
    columns = {
        f"{obj.name}_id": pa.array(found.ids, pa.int64()),
        "name": pa.array(found.names, pa.string()),
        "value": _texts(found.values),
        moment_column(obj.name): moments,
        "instant_rank": pa.array(found.ranks, pa.int64()),
        "source": _texts(found.sources),
        "source_id": _texts(found.source_ids),
        "_fivetran_start": moments,
        "_fivetran_end": pa.nulls(len(moments), LogicalType.TIMESTAMP.arrow),
        "_fivetran_synced": pa.repeat(pa.scalar(read_at, LogicalType.TIMESTAMP.arrow), len(moments)),
    }
    rows = pa.table({name: columns[name] for name in table.column_names})
    if moments.null_count:
        rows = rows.filter(pc.is_valid(moments))
    timeless = pc.indices_nonzero(pc.is_null(moments)).to_pylist()
    misfits = (*found.misshapen, *((found.ids[at], found.names[at], as_text(found.moments[at])) for at in timeless))
    return History(rows, misfits, tuple(record_id for page in pages for record_id in page.ids))


def _texts(values: Sequence[Any]) -> pa.Array:
    """Return what `text_column` returns, without a look at every value where all are texts: they are many here."""
    try:
        return without_empty(pa.array(values, pa.string()))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return text_column(values)


class _Versions:
    """The versions of many records, as one list per column."""

    def __init__(self) -> None:
        self.ids = array("q")
        self.ranks = array("q")
        self.names: list[str] = []
        self.values: list[Any] = []
        self.moments: list[Any] = []
        self.sources: list[Any] = []
        self.source_ids: list[Any] = []
        self.misshapen: list[tuple[int, str, str]] = []

    def add(self, record_id: int, text: bytes) -> None:
        """Add the history of one record (a JSON object, property name to versions, the newest first)."""
        try:
            history = parse_json(text)
            for name, versions in history.items():
                self._add(record_id, name, versions if b"\\u" not in text else cleaned(versions))
        except (AttributeError, TypeError, ValueError):
            self.misshapen.append((record_id, HISTORY, storable(text.decode("utf-8", "replace"))))

    def _add(self, record_id: int, name: str, versions: list[dict[str, Any]]) -> None:
        met: dict[Any, int] = {}
        for version in versions:
            moment = version.get("timestamp")
            rank = met.get(moment, 0)
            met[moment] = rank + 1
            self.ids.append(record_id)
            self.ranks.append(rank)
            self.names.append(name)
            self.values.append(version.get("value"))
            self.moments.append(moment)
            self.sources.append(version.get("sourceType"))
            self.source_ids.append(version.get("sourceId"))


def misfit_rows(obj: ObjectType, history: History, read_at: datetime) -> pa.Table:
    """Return rows of `value_error` for the versions that could not be stored, one per record and property."""
    rows = {
        (record_id, name): {
            "object_type": obj.name,
            "object_id": record_id,
            "property": name,
            "value": text[:LONGEST_SAMPLE],
            "declared_type": (LogicalType.JSON if name == HISTORY else LogicalType.TIMESTAMP).value,
            "reason": "does_not_fit",
            "seen_at": read_at,
        }
        for record_id, name, text in history.misfits
    }
    return pa.Table.from_pylist(list(rows.values()), schema=VALUE_ERROR.arrow_schema())


def join_histories(histories: Sequence[History | None]) -> History | None:
    """Return one history of them all; None when there is none."""
    kept = [history for history in histories if history is not None]
    if not kept:
        return None
    return History(
        pa.concat_tables([history.rows for history in kept]),
        tuple(chain.from_iterable(history.misfits for history in kept)),
        tuple(chain.from_iterable(history.ids for history in kept)),
    )
