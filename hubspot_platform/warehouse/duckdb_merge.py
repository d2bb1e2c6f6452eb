"""The upsert of DuckDB: find what is stored, decide in Arrow, delete the replaced rows and insert their successors.

Called by `DuckDbSession.merge` inside a transaction. Wide `ON CONFLICT` and `MERGE` are tens of times slower than
delete and insert here, and reading only the key columns of the stored table keeps a merge independent of its width.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from hubspot_platform.warehouse.model import LogicalType, MergeCounts, Table, quote
from hubspot_platform.warehouse.session import SYNCED

_ROW, _ID = "__row", "__id"


def merge(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    rows: pa.Table,
    *,
    stored: list[str],
    newer_by: str | None,
    content: str | None,
) -> MergeCounts:
    """Upsert conforming rows with distinct keys; `stored` names the table's columns. Inside a transaction."""
    newer_by = newer_by if newer_by in rows.column_names else None
    matched = _match(connection, table, rows, newer_by)
    fresh = matched.filter(pc.invert(matched["stale"]))
    same = fresh.slice(0, 0)
    if content is not None and content in rows.column_names:
        same = _with_equal_content(connection, table, rows, fresh.filter(fresh["same_time"]), content)
        fresh = fresh.filter(pc.invert(pc.is_in(fresh[_ROW], value_set=same[_ROW].combine_chunks())))
    stale = matched.filter(matched["stale"])
    if SYNCED in rows.column_names and SYNCED in stored:
        _update(connection, table, rows, same, [SYNCED])
    _replace(connection, table, rows, matched=matched, fresh=fresh, stored=stored)
    counts = [pc.count_distinct(part[_ROW]).as_py() for part in (fresh, same, stale)]
    return MergeCounts(inserted=rows.num_rows - sum(counts), updated=counts[0], unchanged=counts[1], stale=counts[2])


@contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> Iterator[None]:
    connection.register(name, rows)
    try:
        yield
    except BaseException:
        # In a transaction that failed this fails as well, and must not hide why.
        with suppress(duckdb.Error):
            connection.unregister(name)
        raise
    connection.unregister(name)


def _match(connection: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table, newer_by: str | None) -> pa.Table:
    """Return one line per stored row with an incoming key: __row, __id, stale, same_time."""
    wanted = list(dict.fromkeys([*table.key, *([newer_by] if newer_by else [])]))
    keys = rows.select(wanted).append_column(_ROW, pa.arange(0, rows.num_rows))
    pairs = " and ".join(f"k.{quote(name)} = t.{quote(name)}" for name in table.key)
    stale, same_time = "false", "true"
    if newer_by:
        newer = quote(newer_by)
        stale = f"coalesce(k.{newer} < t.{newer}, false)"
        same_time = f"k.{newer} is not distinct from t.{newer}"
    with _registered(connection, "__keys", keys):
        return connection.sql(
            f"select k.{_ROW}, t.rowid as {_ID}, {stale} as stale, {same_time} as same_time "
            f'from "__keys" as k join {table.qualified} as t on {pairs}'
        ).to_arrow_table()


def _with_equal_content(
    connection: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table, candidates: pa.Table, content: str
) -> pa.Table:
    if not candidates.num_rows:
        return candidates
    stored, incoming = f"t.{quote(content)}", rows[content]
    if table.column(content).type is LogicalType.JSON:
        incoming = incoming.cast(pa.string())
        stored = f"cast({stored} as varchar)"
    # Fetched and then compared in Arrow: with the comparison inside, DuckDB reads the whole column instead of the
    # rows that are wanted.
    with _registered(connection, "__candidates", candidates):
        found = connection.sql(
            f'select c.{_ROW}, c.{_ID}, {stored} as content from "__candidates" as c '
            f"join {table.qualified} as t on t.rowid = c.{_ID}"
        ).to_arrow_table()
    incoming = incoming.take(found[_ROW])
    equal = pc.fill_null(pc.equal(incoming, found["content"].cast(incoming.type)), fill_value=False)
    both_null = pc.and_(pc.is_null(incoming), pc.is_null(found["content"]))
    return found.filter(pc.or_(equal, both_null)).select([_ROW, _ID])


def _replace(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    rows: pa.Table,
    *,
    matched: pa.Table,
    fresh: pa.Table,
    stored: list[str],
) -> None:
    present = set(rows.column_names)
    missing = [name for name in stored if name not in present]
    numbers = pa.arange(0, rows.num_rows)
    new = pc.invert(pc.is_in(numbers, value_set=matched[_ROW].combine_chunks()))
    if fresh.num_rows and missing and len(missing) >= rows.num_columns:
        # Few columns of a wide table: updating those in place beats carrying all the others along.
        _update(connection, table, rows, fresh, [name for name in rows.column_names if name not in table.key])
        _insert(connection, table, rows.filter(new))
        return
    wanted = pc.or_(new, pc.is_in(numbers, value_set=fresh[_ROW].combine_chunks()))
    incoming = rows if pc.all(wanted).as_py() is not False else rows.filter(wanted)
    if fresh.num_rows:
        if missing:
            incoming = _carry(connection, table, incoming, numbers.filter(wanted), fresh=fresh, missing=missing)
        with _registered(connection, "__gone", fresh.select([_ID])):
            connection.execute(f'delete from {table.qualified} where rowid in (select {_ID} from "__gone")')
    _insert(connection, table, incoming)


def _carry(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    incoming: pa.Table,
    numbers: pa.Array,
    *,
    fresh: pa.Table,
    missing: list[str],
) -> pa.Table:
    """Give the incoming rows the stored values of the columns they lack."""
    names = ", ".join(f"any_value(t.{quote(name)}) as {quote(name)}" for name in missing)
    probe = pa.table({_ROW: numbers}).join(fresh.select([_ROW, _ID]), _ROW, join_type="left outer")
    with _registered(connection, "__carried", probe):
        values = connection.sql(
            f'select {names} from "__carried" as c left join {table.qualified} as t on t.rowid = c.{_ID} '
            f"group by c.{_ROW} order by c.{_ROW}"
        ).to_arrow_table()
    for name in missing:
        incoming = incoming.append_column(name, values[name])
    return incoming


def _update(
    connection: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table, found: pa.Table, names: list[str]
) -> None:
    if not found.num_rows or not names:
        return
    values = rows.select(names).take(found[_ROW]).append_column(_ID, found[_ID])
    sets = ", ".join(f"{quote(name)} = v.{quote(name)}" for name in names)
    with _registered(connection, "__values", values):
        connection.execute(f'update {table.qualified} as t set {sets} from "__values" as v where t.rowid = v.{_ID}')


def _insert(connection: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table) -> None:
    if not rows.num_rows:
        return
    names = ", ".join(quote(name) for name in rows.column_names)
    with _registered(connection, "__incoming", rows):
        connection.execute(f'insert into {table.qualified} ({names}) select {names} from "__incoming"')
