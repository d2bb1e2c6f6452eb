"""Rows of one key: which one lands, and what becomes of the others.

`land.py` calls `find_doubles` on the file of checked rows; DuckDB does the work outside the warehouse, on disk when
there is much.
"""

from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hubspot_platform.landing.check import ROW_NUMBER
from hubspot_platform.landing.model import LandedTable
from hubspot_platform.warehouse.model import quote

_MEMORY = "300MB"
_FEW_ROWS = 100_000


def _none() -> pa.Array:
    return pa.array([], pa.int64())


@dataclass(frozen=True)
class Doubles:
    """Numbers of rows that do not land: older or equal ones, and those nothing decides about."""

    superseded: pa.Array = field(default_factory=_none)
    undecided: pa.Array = field(default_factory=_none)

    @property
    def dropped(self) -> pa.Array:
        """Both."""
        return pa.concat_arrays([self.superseded, self.undecided])


def find_doubles(entry: LandedTable, rows: Path, spill: Path) -> Doubles:
    """Return the rows that another row of their key goes before.

    The newest by the table's `newest_by` lands, without a time last; of equally new ones the one whose content has the
    least digest: what lands does not depend on the order of the source. The others are superseded when they are older
    or say the same, else undecided.
    """
    if _all_differ(entry, rows):
        return Doubles()
    keys = ", ".join(map(quote, entry.key))
    newest = quote(entry.newest_by) if entry.newest_by in entry.table.column_names else "null::timestamp"
    values = ", ".join(f"{quote(name)} := {quote(name)}" for name in entry.table.column_names)
    content = f"md5_number(cast(to_json(struct_pack({values})) as varchar))"  # rows are wide and memory is small
    query = f"""
        with doubled as (select {keys} from source group by all having count(*) > 1),
        told as (
            select {quote(ROW_NUMBER)} as n, {newest} as told_at, {content} as content, {keys}
            from source semi join doubled using ({keys})
        ),
        ranked as (
            select n, told_at, content, row_number() over best as place, first_value(told_at) over best as best_told_at,
                first_value(content) over best as best_content
            from told window best as (partition by {keys} order by told_at desc nulls last, content, n)
        )
        select n, told_at is not distinct from best_told_at and content is distinct from best_content as is_undecided
        from ranked where place > 1 order by n"""
    config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": _MEMORY, "temp_directory": str(spill)}
    with duckdb.connect(config=config) as connection:
        connection.execute("set timezone = 'UTC'")  # the digest is of text
        connection.read_parquet(str(rows)).create_view("source")
        found = connection.sql(query).to_arrow_table()
    numbers = found["n"].combine_chunks().cast(pa.int64())
    undecided = found["is_undecided"].combine_chunks()
    return Doubles(numbers.filter(pc.invert(undecided)), numbers.filter(undecided))


def _all_differ(entry: LandedTable, rows: Path) -> bool:
    """Say of few rows quickly whether no key is there twice; False where only DuckDB should look."""
    with pq.ParquetFile(rows) as file:
        if file.metadata.num_rows > _FEW_ROWS:
            return False
        keys = file.read(list(entry.key))
    return bool(keys.group_by(list(entry.key)).aggregate([]).num_rows == keys.num_rows)
