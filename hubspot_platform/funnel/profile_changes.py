"""CompanyProfileMetaDataRunner: finds the companies whose central row changed, logs what did and tells the platform.

The view `funnel.company_profile_meta_data` shows what is true now and forgets what was. The asset
`funnel/company_profile_change` and the worker of HubSpot's company events call `record_changes`, which compares it with
the rows of the run before. Each changed company is one `company_metadata_changed` event, however often a run is killed
or repeated: its id follows from the event before and from the new values.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from hubspot_platform.funnel.tables import COMPANY_PROFILE_CHANGE, EVENT_ID, PROFILE, seen_table
from hubspot_platform.hubspot.catalogue.records import PULLED_COMPANY_PROPERTIES
from hubspot_platform.runtime import Platform
from hubspot_platform.state import database_now, leases, topics
from hubspot_platform.state.holders import holder_name
from hubspot_platform.topics.models import CompanyMetadataChanged
from hubspot_platform.warehouse.model import Table, quote

WORKER = "CompanyProfileMetaDataRunner"
LEASE = "company_profile"
LEASE_TIME, LEASE_WAIT = timedelta(minutes=2), timedelta(minutes=1)
BATCH = 2_000
HISTORY = "hubspot.company_property_history"
ONLY_HUBSPOT = "hubspot:"
PAYMENTS = frozenset({"current_mrr", "effective_mrr", "arr_range", "payments_status"})
FALLING_BACK = ("company_name", "domain", "industry", "country")
"""Columns that show HubSpot's value where the product has none."""


@dataclass(frozen=True)
class ProfileChanges:
    """What a run did: companies whose row changed, rows of the log it made, and events published."""

    companies: int = 0
    logged: int = 0
    published: int = 0


def record_changes(platform: Platform) -> ProfileChanges:
    """Log and publish what changed since the last run; nothing while there are no central rows.

    Runs of several processes follow each other; LeaseBusy after a minute. Companies are told of before they are noted
    as seen: who is killed in between tells the same events again, which are known then.
    """
    store, warehouse = platform.state(), platform.warehouse()
    with leases.held(store, LEASE, holder=holder_name(WORKER), ttl=LEASE_TIME, wait=LEASE_WAIT):
        with warehouse.writer() as session:
            session.ensure(COMPANY_PROFILE_CHANGE)
            profile = session.columns(PROFILE)
            if not profile:
                return ProfileChanges()
            seen = seen_table(profile)
            session.ensure(seen)
            found = session.query(_differences(seen, has_history=bool(session.columns(HISTORY))))
        total = ProfileChanges()
        for batch in found.to_batches(max_chunksize=BATCH):
            done = _take(platform, seen, pa.Table.from_batches([batch]))
            total = ProfileChanges(
                total.companies + done.companies, total.logged + done.logged, total.published + done.published
            )
    return total


def _differences(seen: Table, *, has_history: bool) -> str:
    """Return the query of the rows that differ from the seen ones: the row, `old_` and the columns seen, the product's.

    A company that nobody saw before differs in everything it has.
    """
    compared = _compared(seen)
    told = ", ".join(f"n.{quote(name)}" for name in compared)
    old = ", ".join(f"o.{quote(name)} as {quote(f'old_{name}')}" for name in compared)
    own = ", ".join(f"p.{quote(name)} as {quote(f'product_{name}')}" for name in FALLING_BACK)
    differs = " or ".join(f"n.{quote(name)} is distinct from o.{quote(name)}" for name in compared)
    says = f"select 1 from {HISTORY} as h where h.company_id = n.hubspot_company_id and h.name = 'white_label'"
    said = f"exists ({says})" if has_history else "false"
    return f"""
        select n.company_id, {told}, {old}, {own}, p.updated_at as product_updated_at, o.{EVENT_ID} as old_event_id,
            {said} as said_by_hubspot
        from {PROFILE} as n
        left join {seen.qualified} as o on o.company_id = n.company_id
        left join product.company as p on p.company_id = n.company_id
        where o.company_id is null or {differs}"""


def _compared(seen: Table) -> list[str]:
    return [name for name in seen.column_names if name not in ("company_id", EVENT_ID)]


def _take(platform: Platform, seen: Table, found: pa.Table) -> ProfileChanges:
    """Tell of some companies' changes and log them."""
    store, now = platform.state(), platform.clock()
    changes = list(_changes(found, _compared(seen)))
    events = [event for change in changes if (event := change.event(now)) is not None]
    published = store.write(lambda conn: topics.announce(conn, events, database_now(conn)))
    rows = [row for change in changes for row in change.rows(now)]
    copies = found.select(["company_id", *_compared(seen)])
    copies = copies.append_column(EVENT_ID, pa.array([change.event_id for change in changes], pa.string()))
    with platform.warehouse().writer() as session, session.transaction():
        if rows:
            session.merge(COMPANY_PROFILE_CHANGE, pa.Table.from_pylist(rows, COMPANY_PROFILE_CHANGE.arrow_schema()))
        session.merge(seen, copies)
    return ProfileChanges(len(changes), len(rows), published)


@dataclass(frozen=True)
class _Change:
    """What changed of one company: (column, old, new) as text; `row` is what the query said."""

    row: Mapping[str, Any]
    values: tuple[tuple[str, str | None, str | None], ...]
    event_id: str

    def event(self, now: datetime) -> topics.Event | None:
        """Return what to tell; None for an id no topic takes, which no subscriber could use."""
        try:
            return CompanyMetadataChanged(
                event_id=self.event_id,
                occurred_at=now,
                company_id=self.row["company_id"],
                fields=tuple(name for name, _, _ in self.values),
            ).event()
        except ValidationError:
            return None

    def rows(self, now: datetime) -> Iterator[dict[str, Any]]:
        """Give the rows of the log: of companies the product knows, and of columns without a history of their own."""
        if self.row["company_id"].startswith(ONLY_HUBSPOT):
            return
        for name, old, new in self.values:
            source = self._source(name)
            if source:
                yield {
                    "change_id": f"{self.event_id}:{name}",
                    "company_id": self.row["company_id"],
                    "field": name,
                    "old_value": old,
                    "new_value": new,
                    "source": source,
                    "changed_at": (source == "product" and self.row["product_updated_at"]) or now,
                }

    def _source(self, name: str) -> str:
        """Return where a column was changed, "" for one whose history HubSpot keeps."""
        if name in PAYMENTS:
            return "payments"
        if name == "cs_stage":
            return "funnel"
        if name == "white_label" and not self.row["said_by_hubspot"]:
            return "product"
        if name in PULLED_COMPANY_PROPERTIES:
            return ""
        if name in FALLING_BACK and self.row[f"product_{name}"] is None:
            return "hubspot"
        return "product"


def _changes(found: pa.Table, compared: Sequence[str]) -> Iterator[_Change]:
    """Give what changed of each company; column by column, as most columns of most companies are the same."""
    values: list[list[tuple[str, str | None, str | None]]] = [[] for _ in range(found.num_rows)]
    for name in compared:
        new, old = found[name], found[f"old_{name}"]
        one_is_null = pc.xor(new.is_null(), old.is_null())
        places = pc.indices_nonzero(pc.coalesce(pc.not_equal(new, old), one_is_null))
        pairs = zip(old.take(places).to_pylist(), new.take(places).to_pylist(), strict=True)
        for place, (before, after) in zip(places.to_pylist(), pairs, strict=True):
            values[place].append((name, _text(before), _text(after)))
    about = [name for name in found.column_names if name not in compared and not name.startswith("old_")]
    for row, changed in zip(found.select([*about, "old_event_id"]).to_pylist(), values, strict=True):
        told = json.dumps([row["old_event_id"], [[name, new] for name, _, new in changed]])
        digest = hashlib.sha256(told.encode()).hexdigest()[:24]
        yield _Change(row, tuple(changed), f"profile:{row['company_id']}:{digest}")


def _text(value: Any) -> str | None:
    """Return a value as the log and HubSpot's history write it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value)
