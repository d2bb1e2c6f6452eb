"""Pipelines of deals and tickets with their stages, through the SDK."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from hubspot_platform.hubspot.catalogue import DEAL, TICKET, ObjectType
from hubspot_platform.hubspot.reference import fetch_pipelines
from hubspot_platform.mirror.reference.reading import Reading
from hubspot_platform.mirror.reference.rows import DELETED, SYNCED, columns
from hubspot_platform.mirror.tables import SCHEMA
from hubspot_platform.warehouse.model import Table


def _tables(name: str, outcome: str) -> tuple[Table, Table]:
    """Return the tables of an object's pipelines and stages; `outcome` lists the columns that say how a stage ends."""
    shown = "label:text display_order:int active:bool created_at:timestamp updated_at:timestamp"
    pipelines = Table(
        SCHEMA,
        f"{name}_pipeline",
        (*columns(f"pipeline_id:text object_type_id:text {shown}"), DELETED, SYNCED),
        key=("pipeline_id",),
        description=f"Pipelines of {name}s.",
    )
    stages = Table(
        SCHEMA,
        f"{name}_pipeline_stage",
        (*columns(f"stage_id:text pipeline_id:text {shown} is_closed:bool {outcome}"), DELETED, SYNCED),
        key=("stage_id",),
        description=f"Stages of {name} pipelines and how they end.",
    )
    return pipelines, stages


DEAL_TABLES = _tables("deal", "probability:double closed_won:bool")
TICKET_TABLES = _tables("ticket", "ticket_state:text")


async def read_deal_pipelines(reading: Reading) -> None:
    """Read the deal pipelines and their stages; won means closed with probability 1."""
    await _read(reading, DEAL, DEAL_TABLES)


async def read_ticket_pipelines(reading: Reading) -> None:
    """Read the ticket pipelines and their stages."""
    await _read(reading, TICKET, TICKET_TABLES)


async def _read(reading: Reading, obj: ObjectType, tables: tuple[Table, Table]) -> None:
    found = await asyncio.to_thread(fetch_pipelines, reading.sdk, obj.path)
    reading.sdk_calls += 1
    pipelines = [
        {**vars(pipeline), "object_type_id": obj.type_id, "active": not pipeline.archived} for pipeline in found
    ]
    stages = [
        {
            **vars(stage),
            "active": not stage.archived,
            "probability": None if stage.probability is None else float(stage.probability),
        }
        for pipeline in found
        for stage in pipeline.stages
    ]
    await reading.replace([(tables[0], _of(tables[0], pipelines)), (tables[1], _of(tables[1], stages))])


def _of(table: Table, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return of each row what the table has a column for."""
    return [{name: row[name] for name in table.column_names if name in row} for row in rows]
