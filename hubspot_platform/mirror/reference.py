"""Reference data into its tables: owners, deal pipelines with their stages, property definitions with their options.

Small and without a window to ask for, it is read whole each time; what is no longer there is marked as deleted.
Called by the reference assets and by `hubspot-platform sync`.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
from hubspot import HubSpot

from hubspot_platform.hubspot.account import AccountDetails, account_details, check_portal
from hubspot_platform.hubspot.catalogue import CATALOGUE, ReferenceType
from hubspot_platform.hubspot.policy import HubSpotPolicy
from hubspot_platform.hubspot.properties import fetch_definitions
from hubspot_platform.hubspot.reference import fetch_deal_pipelines, fetch_owners
from hubspot_platform.hubspot.sdk import sdk_client
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.mirror.tables import SCHEMA
from hubspot_platform.mirror.values import storable
from hubspot_platform.runtime import Platform
from hubspot_platform.state import windows
from hubspot_platform.state.windows import Window
from hubspot_platform.warehouse.model import Column, LogicalType, Table

Rows = dict[str, list[dict[str, Any]]]

_SYNCED = Column("_fivetran_synced", LogicalType.TIMESTAMP, "when the mirror read the row")
_DELETED = Column("_fivetran_deleted", LogicalType.BOOL, "no longer in the portal")


def _columns(text: str) -> tuple[Column, ...]:
    """Read `name:type name:type …` into columns."""
    return tuple(Column(name, LogicalType(kind)) for name, _, kind in (part.partition(":") for part in text.split()))


OWNER = Table(
    SCHEMA,
    "owner",
    (
        *_columns(
            "owner_id:int active_user_id:int type:text email:text first_name:text last_name:text portal_id:int "
            "user_id:int is_archived:bool created_at:timestamp updated_at:timestamp"
        ),
        _DELETED,
        _SYNCED,
    ),
    key=("owner_id",),
    description="Owners of records, archived ones included because old records still name them.",
)
DEAL_PIPELINE = Table(
    SCHEMA,
    "deal_pipeline",
    (
        *_columns(
            "pipeline_id:text label:text display_order:int active:bool created_at:timestamp updated_at:timestamp"
        ),
        _DELETED,
        _SYNCED,
    ),
    key=("pipeline_id",),
    description="Deal pipelines.",
)
DEAL_PIPELINE_STAGE = Table(
    SCHEMA,
    "deal_pipeline_stage",
    (
        *_columns(
            "stage_id:text pipeline_id:text label:text display_order:int active:bool probability:double "
            "is_closed:bool closed_won:bool created_at:timestamp updated_at:timestamp"
        ),
        _DELETED,
        _SYNCED,
    ),
    key=("stage_id",),
    description="Stages of deal pipelines; won means closed with probability 1.",
)
PROPERTY = Table(
    SCHEMA,
    "property",
    (
        *_columns(
            "_fivetran_id:text hubspot_object:text name:text label:text type:text field_type:text group_name:text "
            "description:text calculated:bool hubspot_defined:bool show_currency_symbol:bool created_at:timestamp "
            "updated_at:timestamp"
        ),
        _DELETED,
        _SYNCED,
    ),
    key=("_fivetran_id",),
    description="Property definitions of every mirrored object.",
)
PROPERTY_OPTION = Table(
    SCHEMA,
    "property_option",
    (
        *_columns("property_id:text hubspot_object:text name:text value:text label:text display_order:int hidden:bool"),
        _DELETED,
        _SYNCED,
    ),
    key=("property_id", "value"),
    description="Choices of enumeration properties: the stored value and the label people see.",
)

REFERENCE_TABLES: Mapping[str, tuple[Table, ...]] = {
    "owners": (OWNER,),
    "deal_pipelines": (DEAL_PIPELINE, DEAL_PIPELINE_STAGE),
    "properties": (PROPERTY, PROPERTY_OPTION),
}


@dataclass(frozen=True)
class ReferenceReport:
    """One read of reference data: live rows per table, and the calls it took."""

    name: str
    rows: Mapping[str, int]
    calls: int
    started_at: datetime
    finished_at: datetime

    def as_json(self) -> dict[str, Any]:
        """Return the report for machines, in the shape of a sync report."""
        return {
            "object": self.name,
            "counts": {"read": sum(self.rows.values()), **self.rows},
            "calls": self.calls,
            "seconds": (self.finished_at - self.started_at).total_seconds(),
        }


def sync_reference(platform: Platform, entry: ReferenceType, *, run_id: str) -> ReferenceReport:
    """Read one kind of reference data whole and replace what the mirror knows of it."""
    started, warehouse = platform.clock(), platform.warehouse()
    with platform.hubspot() as policy:
        account, now = asyncio.run(_account(policy))
        check_portal(account, platform.settings.hubspot_portal_id)
        found, calls = _READERS[entry.name](sdk_client(policy), account)
    tables = REFERENCE_TABLES[entry.name]
    with warehouse.writer() as session, session.transaction():
        for table in tables:
            session.ensure(table)
            marks = {"_fivetran_deleted": False, "_fivetran_synced": started}
            rows = [{**_storable(row), **marks} for row in found[table.name]]
            # First all, then those that are there: what was found decides, not when a clock said it was.
            session.execute(f"update {table.qualified} set _fivetran_deleted = true where not _fivetran_deleted")
            session.merge(table, pa.Table.from_pylist(rows, schema=table.arrow_schema()))
    platform.state().write(
        lambda connection: windows.complete(
            connection,
            warehouse.identity(),
            entry.name,
            Window(None, now),
            mode="full",
            run_id=run_id,
            counts={name: len(rows) for name, rows in found.items()},
        )
    )
    warehouse.publish()
    counts = {name: len(rows) for name, rows in found.items()}
    return ReferenceReport(entry.name, counts, calls + 1, started, platform.clock())


def _storable(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with texts any database stores: labels come with cut emoji and NULs like any other text."""
    return {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}


async def _account(policy: HubSpotPolicy) -> tuple[AccountDetails, datetime]:
    async with Transport(policy) as transport:
        return await account_details(transport), transport.server_now()


def _owners(sdk: HubSpot, account: AccountDetails) -> tuple[Rows, int]:
    owners = fetch_owners(sdk)
    rows = [
        {
            "owner_id": owner.owner_id,
            "active_user_id": owner.active_user_id,
            "type": owner.type,
            "email": owner.email,
            "first_name": owner.first_name,
            "last_name": owner.last_name,
            "portal_id": account.portal_id,
            "user_id": owner.user_id,
            "is_archived": owner.archived,
            "created_at": owner.created_at,
            "updated_at": owner.updated_at,
        }
        for owner in owners
    ]
    return {OWNER.name: rows}, 2


def _deal_pipelines(sdk: HubSpot, account: AccountDetails) -> tuple[Rows, int]:
    del account
    pipelines = fetch_deal_pipelines(sdk)
    common = ("pipeline_id", "label", "display_order", "created_at", "updated_at")
    stage_fields = (*common, "stage_id", "is_closed", "closed_won")
    stages = [
        {
            **{name: getattr(stage, name) for name in stage_fields},
            "active": not stage.archived,
            "probability": None if stage.probability is None else float(stage.probability),
        }
        for pipeline in pipelines
        for stage in pipeline.stages
    ]
    rows = [{**{name: getattr(p, name) for name in common}, "active": not p.archived} for p in pipelines]
    return {DEAL_PIPELINE.name: rows, DEAL_PIPELINE_STAGE.name: stages}, 1


def _properties(sdk: HubSpot, account: AccountDetails) -> tuple[Rows, int]:
    del account
    fields = [
        "name",
        "label",
        "type",
        "field_type",
        "group_name",
        "description",
        "calculated",
        "hubspot_defined",
        "show_currency_symbol",
        "created_at",
        "updated_at",
    ]
    properties: list[dict[str, Any]] = []
    options: list[dict[str, Any]] = []
    for obj in CATALOGUE.values():
        for definition in fetch_definitions(sdk, obj):
            identity = _stable_id([obj.name, definition.name])
            values = {name: getattr(definition, name) for name in fields}
            properties.append({"_fivetran_id": identity, "hubspot_object": obj.name, **values})
            options += [
                {
                    "property_id": identity,
                    "hubspot_object": obj.name,
                    "name": definition.name,
                    "value": option.value,
                    "label": option.label,
                    "display_order": option.display_order,
                    "hidden": option.hidden,
                }
                for option in definition.options
            ]
    return {PROPERTY.name: properties, PROPERTY_OPTION.name: options}, len(CATALOGUE)


def _stable_id(parts: Iterable[str]) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]


_READERS: Mapping[str, Callable[[HubSpot, AccountDetails], tuple[Rows, int]]] = {
    "owners": _owners,
    "deal_pipelines": _deal_pipelines,
    "properties": _properties,
}
