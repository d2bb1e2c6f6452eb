"""Stores the changes of properties: history rows, the ends of ticket values, and the stages of deals.

The mirror's writer calls these inside the transaction of the records that the changes came with.
"""

from collections.abc import Sequence

import pyarrow as pa

from hubspot_platform.commit_points import reached
from hubspot_platform.hubspot.catalogue import DEAL, ObjectType
from hubspot_platform.mirror.history import DEAL_STAGE, STAGE_PROPERTY, History, history_table
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.model import Table, quote

_IDS_PER_STATEMENT = 500


def history_tables(obj: ObjectType) -> tuple[Table, ...]:
    """Return the tables that an object's history fills."""
    table = history_table(obj)
    if table is None:
        return ()
    return (table, DEAL_STAGE) if obj is DEAL else (table,)


def write_history(session: Session, obj: ObjectType, history: History) -> int:
    """Add the changes that are not stored yet and bring what is made from them up to date; returns how many are new.

    A stored change is never deleted: HubSpot remembers only the latest of each property.
    """
    table = history_table(obj)
    if table is None:
        return 0
    counts = session.merge(table, history.rows, content="value")
    reached("sync.history_merged")
    for start in range(0, len(history.ids), _IDS_PER_STATEMENT):
        ids = history.ids[start : start + _IDS_PER_STATEMENT]
        if "_fivetran_end" in table.column_names:
            _end_values(session, table, ids)
        if obj is DEAL:
            _replace_stages(session, table, ids)
    return counts.inserted


def _end_values(session: Session, table: Table, ids: Sequence[int]) -> None:
    """Let every value end where the next one of its record and property begins."""
    record, _, moment, _ = (quote(column) for column in table.key)
    same = " and ".join(f"t.{quote(column)} = n.{quote(column)}" for column in table.key)
    session.execute(
        f"""
        update {table.qualified} as t set _fivetran_end = n.ended
        from (
            select
                {", ".join(quote(column) for column in table.key)},
                lead({moment}) over (partition by {record}, "name" order by {moment}, instant_rank desc) as ended
            from {table.qualified}
            where {record} in ({_marks(ids)})
        ) as n
        where {same} and t._fivetran_end is distinct from n.ended
        """,
        ids,
    )


def _replace_stages(session: Session, table: Table, ids: Sequence[int]) -> None:
    """Make the stages of some deals anew; a value that only repeats the one before is no entry."""
    rows = session.query(
        f"""
        with changes as (
            select
                *,
                lag(value) over (partition by deal_id order by "timestamp", instant_rank desc) as before
            from {table.qualified}
            where name = ? and deal_id in ({_marks(ids)})
        ),
        entries as (
            select
                *,
                lead("timestamp") over (partition by deal_id order by "timestamp", instant_rank desc) as ended
            from changes
            where value is distinct from before
        )
        select
            deal_id,
            value,
            "timestamp" as date_entered,
            instant_rank,
            source,
            source_id,
            ended is null as _fivetran_active,
            "timestamp" as _fivetran_start,
            ended as _fivetran_end,
            _fivetran_synced
        from entries
        where value is not null
        """,
        [STAGE_PROPERTY, *ids],
    )
    session.replace_matching(DEAL_STAGE, rows, match=pa.table({"deal_id": pa.array(ids, pa.int64())}))


def _marks(ids: Sequence[int]) -> str:
    return ", ".join("?" * len(ids))
